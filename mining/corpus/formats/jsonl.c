/* JSON lines: one object a line, whose string under the key is the candidate. A line that is no JSON is an error; one
 * that is an object without the key, or with something else than a string under it, is counted as missing. */
#include "mining/corpus/formats/source.h"

#include "common/base/json.h"
#include "common/base/text.h"

typedef struct parser {
    nb_source_piece *piece;
    const nb_candidate_sink *sink;
} parser;

static bool jsonl_is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

static nb_status jsonl_refuse(const parser *p, uint64_t line, const char *why, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' line %llu is no JSON object: %s", p->piece->source->path,
            (unsigned long long)nb_source_line(p->piece, line), why);
    return nb_hint(err, "plain word lists are read with --format lines");
}

static nb_status jsonl_take_line(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                 nb_error *err)
{
    const parser *p = state;
    const nb_candidate_sink *sink = p->sink;
    json_error_t why;
    if (known == NB_KEPT && jsonl_is_blank(bytes, len)) {
        known = NB_DROP_BLANK;
    } else if (known == NB_KEPT && memchr(bytes, '\0', len)) {
        known = NB_DROP_CONTROL;
    } else if (known == NB_KEPT && !nb_utf8_valid(bytes, len)) {
        known = NB_DROP_UTF8;
    }
    if (known != NB_KEPT) {
        return sink->take(sink->state, known, bytes, len, line, err);
    }
    json_t *root;
    nb_status status = nb_json_parse(&root, bytes, len, JSON_ALLOW_NUL, &why, err);
    if (status != NB_OK) {
        return status;
    }
    if (!root) {
        return jsonl_refuse(p, line, why.text, err);
    }
    if (!json_is_object(root)) {
        status = jsonl_refuse(p, line, "it is another value", err);
    } else {
        json_t *value = json_object_get(root, p->piece->source->key);
        bool text = json_is_string(value);
        status = sink->take(sink->state, text ? NB_KEPT : NB_DROP_MISSING, text ? json_string_value(value) : "",
                            text ? json_string_length(value) : 0, line, err);
    }
    json_decref(root);
    return status;
}

/* With `replace`, a line is sanitised before it is parsed. */
static nb_status jsonl_take_sanitised(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                      nb_error *err)
{
    const parser *p = state;
    nb_buffer sanitised = {0};
    if (known != NB_KEPT || !p->piece->source->replace || nb_utf8_valid(bytes, len)) {
        return jsonl_take_line(state, known, bytes, len, line, err);
    }
    nb_status status;
    p->piece->sanitised++;
    NB_TRY(nb_utf8_replace(&sanitised, bytes, len, err));
    NB_TRY(jsonl_take_line(state, known, sanitised.data, sanitised.len, line, err));
done:
    nb_buffer_free(&sanitised);
    return status;
}

static nb_status jsonl_read(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    parser p = {.piece = piece, .sink = sink};
    const nb_candidate_sink lines = {.state = &p, .take = jsonl_take_sanitised};
    return nb_source_read_lines(piece, &lines, err);
}

static bool jsonl_detect(const char *base, const char *head, size_t len)
{
    const char *dot = strrchr(base, '.');
    (void)head;
    (void)len;
    return dot && (strcmp(dot, ".jsonl") == 0 || strcmp(dot, ".ndjson") == 0);
}

static nb_status jsonl_prepare(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                               nb_error *err)
{
    (void)head;
    if (!choice->key) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is jsonl, and no key is given", source->path);
        return nb_hint(err, "--key NAME says where the texts are, --format lines takes whole lines");
    }
    source->key = choice->key;
    return NB_OK;
}

const nb_source_format nb_format_jsonl = {
    .name = "jsonl", .detect = jsonl_detect, .prepare = jsonl_prepare, .read = jsonl_read};
