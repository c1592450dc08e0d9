/* libyaml's event parser. */
#include "common/options/run_file.h"

#include "common/base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { CONFIG_BYTES_MAX = 1 << 20, CONFIG_DEPTH_MAX = 16, KEY_MAX = 256 };

typedef struct reader {
    yaml_parser_t parser;
    const char *path;
    nb_pairs *out;
    nb_error *err;
} reader;

void nb_pairs_free(nb_pairs *p)
{
    if (p) {
        nb_strings_free(&p->keys);
        nb_strings_free(&p->values);
    }
}

static nb_status run_file_next(reader *r, yaml_event_t *event)
{
    if (!yaml_parser_parse(&r->parser, event)) {
        return nb_fail(r->err, NB_ERR_INPUT, "'%s' line %zu is not YAML: %s", r->path, r->parser.problem_mark.line + 1,
                       r->parser.problem ? r->parser.problem : "unknown problem");
    }
    return NB_OK;
}

static nb_status run_file_refuse(reader *r, const yaml_event_t *event, const char *what)
{
    return nb_fail(r->err, NB_ERR_INPUT, "'%s' line %zu: %s", r->path, event->start_mark.line + 1, what);
}

/* Copies text with $NAME and ${NAME} replaced by the environment and $$ by $; an unset name is refused. */
static nb_status run_file_expand(nb_buffer *out, reader *r, const char *text)
{
    nb_status status = nb_buffer_append(out, "", 0, r->err);
    for (const char *p = text; status == NB_OK && *p;) {
        bool braces = p[0] == '$' && p[1] == '{';
        const char *name = p + (braces ? 2 : 1);
        size_t len = 0;
        while (*p == '$' && (isalnum((unsigned char)name[len]) || name[len] == '_')) {
            len++;
        }
        if (!len || (braces && name[len] != '}')) {
            status = nb_buffer_append(out, p, 1, r->err);
            p += p[0] == '$' && p[1] == '$' ? 2 : 1;
            continue;
        }
        char variable[KEY_MAX];
        snprintf(variable, sizeof variable, "%.*s", (int)(len < KEY_MAX ? len : KEY_MAX - 1), name);
        const char *value = getenv(variable);
        if (!value) {
            return nb_fail(r->err, NB_ERR_INPUT, "'%s': variable $%s is not set", r->path, variable);
        }
        status = nb_buffer_append(out, value, strlen(value), r->err);
        p = name + len + (braces ? 1 : 0);
    }
    return status;
}

static nb_status run_file_push(reader *r, const char *key, const yaml_event_t *scalar)
{
    nb_buffer value = {0};
    nb_status status;
    if (strlen((const char *)scalar->data.scalar.value) != scalar->data.scalar.length) {
        return run_file_refuse(r, scalar, "a value holds a NUL character");
    }
    NB_TRY(run_file_expand(&value, r, (const char *)scalar->data.scalar.value));
    NB_TRY(nb_strings_push(&r->out->keys, key, strlen(key), r->err));
    NB_TRY(nb_strings_push(&r->out->values, value.data, value.len, r->err));
done:
    nb_buffer_free(&value);
    return status;
}

static nb_status run_file_sequence(reader *r, const char *key)
{
    for (;;) {
        yaml_event_t event;
        nb_status status = run_file_next(r, &event);
        if (status != NB_OK) {
            return status;
        }
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end) {
            status = event.type == YAML_SCALAR_EVENT ? run_file_push(r, key, &event)
                                                     : run_file_refuse(r, &event, "a list may hold plain values only");
        }
        yaml_event_delete(&event);
        if (end || status != NB_OK) {
            return status;
        }
    }
}

/* Reads "key: value" pairs up to the end of the mapping; prefix is "" or "mine.". */
static nb_status run_file_mapping(reader *r, const char *prefix, int depth);

static nb_status run_file_value(reader *r, const char *key, int depth)
{
    yaml_event_t event;
    nb_status status = run_file_next(r, &event);
    if (status != NB_OK) {
        return status;
    }
    char inner[KEY_MAX + 1];
    switch (event.type) {
    case YAML_SCALAR_EVENT: status = run_file_push(r, key, &event); break;
    case YAML_SEQUENCE_START_EVENT: status = run_file_sequence(r, key); break;
    case YAML_MAPPING_START_EVENT:
        snprintf(inner, sizeof inner, "%s.", key);
        status = depth < CONFIG_DEPTH_MAX ? run_file_mapping(r, inner, depth + 1)
                                          : run_file_refuse(r, &event, "nested too deeply");
        break;
    default: status = run_file_refuse(r, &event, "a value is needed (aliases are not supported)"); break;
    }
    yaml_event_delete(&event);
    return status;
}

static nb_status run_file_mapping(reader *r, const char *prefix, int depth)
{
    for (;;) {
        yaml_event_t event;
        nb_status status = run_file_next(r, &event);
        if (status != NB_OK) {
            return status;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return NB_OK;
        }
        char key[KEY_MAX];
        if (event.type != YAML_SCALAR_EVENT) {
            status = run_file_refuse(r, &event, "a key must be a plain word");
        } else if (strlen(prefix) + event.data.scalar.length >= sizeof key) {
            status = run_file_refuse(r, &event, "key too long");
        } else {
            snprintf(key, sizeof key, "%s%s", prefix, (const char *)event.data.scalar.value);
        }
        yaml_event_delete(&event);
        if (status == NB_OK) {
            status = run_file_value(r, key, depth);
        }
        if (status != NB_OK) {
            return status;
        }
    }
}

static nb_status run_file_document(reader *r)
{
    for (;;) {
        yaml_event_t event;
        nb_status status = run_file_next(r, &event);
        if (status != NB_OK) {
            return status;
        }
        yaml_event_type_t type = event.type;
        if (type == YAML_MAPPING_START_EVENT) {
            status = run_file_mapping(r, "", 0);
        } else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT) {
            status = run_file_refuse(r, &event, "a run file is a mapping of keys to values");
        }
        yaml_event_delete(&event);
        if (status != NB_OK || type == YAML_STREAM_END_EVENT) {
            return status;
        }
    }
}

nb_status nb_config_read(nb_pairs *out, const char *path, nb_error *err)
{
    char *text;
    size_t len;
    *out = (nb_pairs){0};
    nb_status status = nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err);
    if (status != NB_OK) {
        return status;
    }
    reader r = {.path = path, .out = out, .err = err};
    if (!yaml_parser_initialize(&r.parser)) {
        free(text);
        return nb_fail(err, NB_ERR_LIMIT, "out of memory reading '%s'", path);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    status = run_file_document(&r);
    yaml_parser_delete(&r.parser);
    free(text);
    return status;
}
