#include "common/store/provenance.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_status provenance_no_memory(nb_error *err)
{
    return nb_fail(err, NB_ERR_LIMIT, "out of memory for provenance");
}

/* A JSON string of any bytes: what is not UTF-8, as a path may be, becomes '?'. NULL without memory. */
static json_t *provenance_as_string(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);
    if (copy) {
        nb_text_sanitise(copy);
        value = json_string(copy);
    }
    free(copy);
    return value;
}

/* A word of an option: an address stands without what may be secret in it. */
static json_t *provenance_as_word(const char *text)
{
    char *copy = strdup(text);
    json_t *value = NULL;
    if (copy) {
        nb_text_hide_secrets(copy);
        value = provenance_as_string(copy);
    }
    free(copy);
    return value;
}

static json_t *provenance_as_list(const nb_strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < list->count; i++) {
        if (json_array_append_new(array, provenance_as_word(nb_strings_get(list, i))) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* NULL without memory. */
static json_t *provenance_option_value(const nb_parsed *parsed, const nb_option *o)
{
    const void *at = nb_option_value(parsed, o);
    switch (o->type) {
    case NB_OPTION_FLAG: return json_boolean(*(const bool *)at);
    case NB_OPTION_INT: return json_integer(*(const int64_t *)at);
    case NB_OPTION_REAL: return json_real(*(const double *)at);
    case NB_OPTION_LIST: return provenance_as_list(at);
    default: {
        const char *text = *(const char *const *)at;
        return text ? provenance_as_word(text) : json_null();
    }
    }
}

static bool provenance_names_a_file(const nb_option *o)
{
    return o->type == NB_OPTION_INPUT || o->type == NB_OPTION_OUTPUT || o->positional;
}

/* Options that decide content, or (how) those that say how to run and where; those that are not given are left out.
 * NULL without memory. */
static json_t *provenance_options(const nb_parsed *parsed, bool how)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < parsed->option_count; i++) {
        const nb_option *o = &parsed->options[i];
        if ((o->unrecorded || provenance_names_a_file(o)) == how) {
            json_t *value = provenance_option_value(parsed, o);
            if (json_is_null(value)) {
                continue;
            }
            if (json_object_set_new(object, o->name, value) != 0) {
                json_decref(object);
                object = NULL;
            }
        }
    }
    return object;
}

nb_status nb_provenance_start(nb_provenance *p, const nb_parsed *parsed, int ranks, const char *host, nb_error *err)
{
    char now[32];
    nb_clock_iso(now);
    *p = (nb_provenance){.options = parsed};
    p->content = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "program", "negbank", "version", nb_version(), "commit",
                           nb_commit(), "command", parsed->command->name, "options", provenance_options(parsed, false),
                           "inputs", json_array());
    p->run = json_pack("{s:s, s:i, s:s, s:o, s:o}", "host", host, "ranks", ranks, "start", now, "options",
                       provenance_options(parsed, true), "inputs", json_array());
    const char *job = getenv("SLURM_JOB_ID"), *stripes = getenv("NEGBANK_STRIPES");
    bool whole = p->content && p->run;
    if (whole && (job || stripes)) { /* slurm/stage.bash: where it ran, and what was asked of the file system */
        json_t *batch = json_pack("{s:s*, s:s*}", "job", job, "stripes", stripes);
        whole = json_object_set_new(p->run, "batch", batch) == 0;
    }
    return whole ? NB_OK : provenance_no_memory(err);
}

void nb_provenance_end(nb_provenance *p)
{
    json_decref(p->content);
    json_decref(p->run);
    *p = (nb_provenance){0};
}

nb_status nb_provenance_input(nb_provenance *p, const char *role, const char *path, const char *digest, nb_error *err)
{
    json_t *inputs = json_object_get(p->content, "inputs");
    json_t *paths = json_object_get(p->run, "inputs");
    bool done = json_array_append_new(inputs, json_pack("{s:s, s:s}", "role", role, "sha256", digest)) == 0 &&
                json_array_append_new(paths, json_pack("{s:s, s:o, s:s}", "role", role, "path",
                                                       provenance_as_string(nb_renamed(p->names, path)), "sha256",
                                                       digest)) == 0;
    return done ? NB_OK : provenance_no_memory(err);
}

nb_status nb_provenance_file(nb_provenance *p, const char *role, const char *path, nb_error *err)
{
    nb_digest digest;
    nb_status status = nb_digest_file(&digest, path, err);
    return status == NB_OK ? nb_provenance_input(p, role, path, digest.hex, err) : status;
}

nb_status nb_provenance_fact(nb_provenance *p, const char *name, const char *value, nb_error *err)
{
    return json_object_set_new(p->content, name, json_string(value)) == 0 ? NB_OK : provenance_no_memory(err);
}

nb_status nb_provenance_same_fact(const char *path, const char *old, const char *fresh, const char *name, nb_error *err)
{
    json_t *a = NULL, *b = NULL;
    nb_status status;
    NB_TRY(nb_json_parse(&a, old, strlen(old), 0, NULL, err));
    NB_TRY(nb_json_parse(&b, fresh, strlen(fresh), 0, NULL, err));
    const char *was = json_string_value(json_object_get(a, name)), *is = json_string_value(json_object_get(b, name));
    if (was && is && strcmp(was, is) != 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' was begun with %s %s, this run has %s", path, name, was, is);
    }
done:
    json_decref(a);
    json_decref(b);
    return status;
}

nb_status nb_provenance_measured(nb_provenance *p, const char *name, json_t *value, nb_error *err)
{
    return json_object_set_new(p->run, name, value) == 0 ? NB_OK : provenance_no_memory(err);
}

void nb_provenance_find_fact(const char *text, const char *name, char *value, size_t size)
{
    json_t *root = NULL;
    const char *found = NULL;
    if (text && nb_json_parse(&root, text, strlen(text), 0, NULL, NULL) == NB_OK) {
        found = json_string_value(json_object_get(root, name));
    }
    snprintf(value, size, "%s", found ? found : "");
    json_decref(root);
}

bool nb_provenance_find(const char *text, const char *role, nb_digest *digest)
{
    json_t *root = NULL;
    if (text && nb_json_parse(&root, text, strlen(text), 0, NULL, NULL) != NB_OK) {
        return false;
    }
    const json_t *inputs = json_object_get(root, "inputs"), *input;
    bool found = false;
    size_t i;
    json_array_foreach(inputs, i, input)
    {
        const char *is = json_string_value(json_object_get(input, "role"));
        const char *hex = json_string_value(json_object_get(input, "sha256"));
        if (!found && is && hex && strcmp(is, role) == 0 && strlen(hex) < sizeof digest->hex) {
            memcpy(digest->hex, hex, strlen(hex) + 1);
            found = true;
        }
    }
    json_decref(root);
    return found;
}

nb_status nb_provenance_text(const nb_provenance *p, char **text, nb_error *err)
{
    *text = json_dumps(p->content, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    return *text ? NB_OK : provenance_no_memory(err);
}

nb_status nb_provenance_run(nb_provenance *p, const char *path, const char *digest, nb_error *err)
{
    nb_buffer name = {0};
    char now[32];
    char *text = NULL;
    nb_status status;
    nb_clock_iso(now);
    json_object_set_new(p->run, "end", json_string(now));
    json_object_set_new(p->run, "output", provenance_as_string(path));
    if (digest) {
        json_object_set_new(p->run, "sha256", json_string(digest));
    }
    json_object_set(p->run, "content", p->content);
    text = json_dumps(p->run, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    if (!text) {
        return provenance_no_memory(err);
    }
    NB_TRY(nb_buffer_printf(&name, err, "%s.run.json", path));
    NB_TRY(nb_file_write(name.data, true, text, strlen(text), err));
done:
    nb_buffer_free(&name);
    free(text);
    return status;
}
