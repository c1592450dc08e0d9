/* What is known of stages: their records, and whether these still hold. */
#include "jobs/run/stages.h"

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/store/seal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASHED_MAX = 16 << 20, RECORD_MAX = 1 << 16 };

const char *nb_stage_state_name(nb_stage_state state)
{
    static const char *const names[] = {"ready", "waiting", "partly", "stale", "done"};
    return names[state];
}

/* ---- identities ---- */

static nb_status stages_state_tell_stat(nb_buffer *out, const char *name, const struct stat *st, nb_error *err)
{
    return nb_buffer_printf(out, err, "%s %lld %lld.%09ld\n", name, (long long)st->st_size,
                            (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static nb_status stages_state_tell_folder(nb_buffer *out, const char *path, nb_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    nb_status status = nb_buffer_append(out, "folder\n", 7, err);
    for (int i = 0; i < count; i++) {
        struct stat st;
        char *inner = NULL;
        if (status == NB_OK && entries[i]->d_name[0] != '.') {
            status = nb_path_join(&inner, path, entries[i]->d_name, err);
        }
        if (status == NB_OK && inner && stat(inner, &st) == 0) {
            status = stages_state_tell_stat(out, entries[i]->d_name, &st, err);
        }
        free(inner);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* What a path holds, in words that change when it does; "" where nothing is. */
static nb_status stages_state_identify(nb_buffer *out, const char *path, nb_error *err)
{
    struct stat st;
    nb_seal seal;
    nb_digest digest;
    nb_error ignored = {0};
    nb_status status;
    if (stat(path, &st) != 0) {
        return nb_buffer_append(out, "", 0, err);
    }
    if (S_ISDIR(st.st_mode)) {
        nb_buffer listing = {0};
        status = stages_state_tell_folder(&listing, path, err);
        if (status == NB_OK) {
            digest = nb_digest_bytes(listing.data, listing.len);
            status = nb_buffer_printf(out, err, "folder %s", digest.hex);
        }
        nb_buffer_free(&listing);
        return status;
    }
    if (nb_seal_read(&seal, path, NULL, &ignored) == NB_OK) {
        return nb_buffer_printf(out, err, "sealed %s", seal.digest.hex);
    }
    if (st.st_size <= HASHED_MAX && S_ISREG(st.st_mode) && nb_digest_file(&digest, path, &ignored) == NB_OK) {
        return nb_buffer_printf(out, err, "sha256 %s", digest.hex);
    }
    return stages_state_tell_stat(out, "file", &st, err);
}

static nb_status stages_state_tell_value(nb_buffer *out, const char *value, nb_error *err)
{
    const char *equals = strrchr(value, '=');
    struct stat st;
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, " '%s' ", value));
    NB_TRY(stages_state_identify(out, equals && stat(value, &st) != 0 ? equals + 1 : value, err));
    NB_TRY(nb_buffer_append(out, "\n", 1, err));
done:
    return status;
}

static nb_status stages_state_tell_option(nb_buffer *out, const nb_stage *s, const nb_option *o, nb_error *err)
{
    const void *value = nb_option_value(&s->options, o);
    bool input = o->type == NB_OPTION_INPUT || o->type == NB_OPTION_LIST || o->positional;
    nb_status status = NB_OK;
    if (o->unrecorded && !input && strcmp(o->name, "precision") != 0) {
        return NB_OK;
    }
    NB_TRY(nb_buffer_printf(out, err, "%s", o->name));
    if (o->type == NB_OPTION_LIST) {
        const nb_strings *list = value;
        for (size_t i = 0; i < list->count; i++) {
            NB_TRY(stages_state_tell_value(out, nb_strings_get(list, i), err));
        }
    } else if (input) {
        const char *text = *(const char *const *)value;
        NB_TRY(stages_state_tell_value(out, text ? text : "", err));
    } else {
        NB_TRY(nb_buffer_append(out, " ", 1, err));
        NB_TRY(nb_option_format(out, &s->options, o, err));
        NB_TRY(nb_buffer_append(out, "\n", 1, err));
    }
done:
    return status;
}

static nb_status stages_state_identity_of(nb_digest *out, const nb_stage *s, nb_error *err)
{
    nb_buffer text = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&text, err, "%s\n", s->command->name));
    for (size_t i = 0; i < s->options.option_count; i++) {
        NB_TRY(stages_state_tell_option(&text, s, &s->options.options[i], err));
    }
    *out = nb_digest_bytes(text.data, text.len);
done:
    nb_buffer_free(&text);
    return status;
}

/* ---- records ---- */

static nb_status stages_state_record_path(nb_buffer *out, const nb_stages *stages, const nb_stage *s, nb_error *err)
{
    return nb_buffer_printf(out, err, "%s/stages/%s.json", stages->folder, s->name);
}

nb_status nb_stage_record(const nb_stages *stages, const nb_stage *s, bool done, nb_error *err)
{
    nb_buffer path = {0}, output = {0};
    nb_digest identity;
    json_t *root = NULL;
    char *text = NULL;
    nb_status status;
    NB_TRY(nb_buffer_printf(&path, err, "%s/stages", stages->folder));
    NB_TRY(nb_make_directories(path.data, err));
    nb_buffer_clear(&path);
    NB_TRY(stages_state_record_path(&path, stages, s, err));
    NB_TRY(stages_state_identity_of(&identity, s, err));
    root = json_pack("{s:s, s:s, s:s}", "stage", s->name, "state", done ? "done" : "begun", "identity", identity.hex);
    if (done && s->output) {
        NB_TRY(stages_state_identify(&output, s->output, err));
        json_object_set_new(root, "output", json_pack("{s:s, s:s}", "path", s->output, "identity", output.data));
    }
    text = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    if (!text) {
        status = nb_fail(err, NB_ERR_INPUT, "stage %s: its output's name is not UTF-8", s->name);
        goto done;
    }
    NB_TRY(nb_file_write(path.data, true, text, strlen(text), err));
done:
    free(text);
    json_decref(root);
    nb_buffer_free(&path);
    nb_buffer_free(&output);
    return status;
}

static bool stages_state_newer(const char *path, const char *than)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(than, &b) == 0 &&
           (a.st_mtim.tv_sec > b.st_mtim.tv_sec ||
            (a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec >= b.st_mtim.tv_nsec));
}

/* True when the record says that the output as it lies there was made by this very stage. An output is renamed into
 * place when it is whole, so one that appeared behind the record of the beginning is whole too: its run was killed
 * between the two. */
static nb_status stages_state_holds(bool *out, const nb_stages *stages, const nb_stage *s, nb_error *err)
{
    nb_buffer path = {0}, output = {0};
    nb_digest identity;
    json_t *root = NULL;
    nb_status status;
    *out = false;
    NB_TRY(stages_state_record_path(&path, stages, s, err));
    root = json_load_file(path.data, JSON_REJECT_DUPLICATES, NULL);
    const char *state = json_string_value(json_object_get(root, "state"));
    const char *was = json_string_value(json_object_get(root, "identity"));
    const char *made = json_string_value(json_object_get(json_object_get(root, "output"), "identity"));
    if (!state || !was) {
        goto done;
    }
    NB_TRY(stages_state_identity_of(&identity, s, err));
    if (strcmp(was, identity.hex) != 0) {
        goto done;
    }
    if (strcmp(state, "done") == 0) {
        if (s->output) {
            NB_TRY(stages_state_identify(&output, s->output, err));
        }
        *out = !s->output || (made && strcmp(made, output.data) == 0);
    } else {
        *out = s->output && !nb_file_is_directory(s->output) && stages_state_newer(s->output, path.data);
    }
done:
    json_decref(root);
    nb_buffer_free(&path);
    nb_buffer_free(&output);
    return status;
}

static nb_status stages_state_left_over(bool *out, const nb_stage *s, nb_error *err)
{
    static const char *const endings[] = {".partial", ".ledger", ".images"};
    nb_status status = NB_OK;
    *out = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && s->output && s->resumes; i++) {
        nb_buffer path = {0};
        status = nb_buffer_printf(&path, err, "%s%s", s->output, endings[i]);
        *out = *out || (status == NB_OK && access(path.data, F_OK) == 0);
        nb_buffer_free(&path);
    }
    return status;
}

nb_status nb_stages_look(nb_stages *stages, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < stages->count; i++) {
        nb_stage *s = &stages->all[i];
        bool waits = false, whole = false, left = false;
        for (size_t k = 0; k < s->after_count; k++) {
            waits = waits || stages->all[s->after[k]].state != NB_STAGE_DONE;
        }
        if (!waits) {
            NB_TRY(stages_state_holds(&whole, stages, s, err));
        }
        NB_TRY(stages_state_left_over(&left, s, err));
        s->state = whole                                       ? NB_STAGE_DONE
                   : left                                      ? NB_STAGE_PARTIAL
                   : s->output && access(s->output, F_OK) == 0 ? NB_STAGE_STALE
                   : waits                                     ? NB_STAGE_WAITING
                                                               : NB_STAGE_READY;
    }
done:
    return status;
}
