/* JSON lines: one object a line, whose string under the key is the candidate; and arrays, whose elements are strings or
 * such objects, numbered from 1. What is no JSON is counted, or with `strict` an error; an object without the key, or
 * with something else than a string under it, is counted as missing. */
#include "common/base/json_scan.h"
#include "mining/corpus/formats/source.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <strings.h>

typedef struct parser {
    nb_source_piece *piece;
    const nb_candidate_sink *sink;
    nb_json_found found;
    nb_buffer sanitised;
} parser;

static void jsonl_close(parser *p)
{
    nb_buffer_free(&p->found.text);
    nb_buffer_free(&p->found.key);
    nb_buffer_free(&p->sanitised);
}

static bool jsonl_is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n') {
            return false;
        }
    }
    return true;
}

static nb_status jsonl_refuse(const parser *p, uint64_t line, nb_error *err)
{
    const nb_source *source = p->piece->source;
    bool lines = source->format == &nb_format_jsonl;
    nb_fail(err, NB_ERR_INPUT, "'%s' %s %llu is no JSON %s: %s", source->path, lines ? "line" : "element",
            (unsigned long long)(lines ? nb_source_line(p->piece, line) : line), source->key ? "object" : "string",
            p->found.why);
    return nb_hint(err, "--no-strict counts such lines and goes on; plain word lists are read with --format lines");
}

/* A value whose bytes are UTF-8. */
static nb_status jsonl_take_value(parser *p, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    static const nb_drop drops[] = {[NB_JSON_TEXT] = NB_KEPT,
                                    [NB_JSON_INTEGER] = NB_DROP_MISSING,
                                    [NB_JSON_MISSING] = NB_DROP_MISSING,
                                    [NB_JSON_BAD] = NB_DROP_JSON};
    const nb_source *source = p->piece->source;
    const nb_buffer *text = &p->found.text;
    nb_status status;
    NB_TRY(nb_json_scan(&p->found, bytes, len, source->key, err));
    if (p->found.kind == NB_JSON_BAD && source->strict) {
        status = jsonl_refuse(p, line, err);
        goto done;
    }
    nb_drop known = drops[p->found.kind];
    if (known == NB_KEPT && p->found.surrogates) {
        known = source->replace ? NB_KEPT : NB_DROP_UTF8;
        p->piece->sanitised += source->replace && !p->sanitised.len; /* the line is not counted yet */
    }
    bool kept = known == NB_KEPT && text->len;
    status = p->sink->take(p->sink->state, known, kept ? text->data : "", kept ? text->len : 0, line, err);
done:
    return status;
}

/* One line or element. With `replace`, it is sanitised before it is parsed. */
static nb_status jsonl_take_line(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line,
                                 nb_error *err)
{
    parser *p = state;
    nb_status status = NB_OK;
    nb_buffer_clear(&p->sanitised);
    size_t mark = known == NB_KEPT ? nb_text_mark_len(bytes, len) : 0;
    bytes += mark; /* files with byte order marks that were put one behind the other */
    len -= mark;
    if (known == NB_KEPT && jsonl_is_blank(bytes, len)) {
        known = NB_DROP_BLANK;
    } else if (known == NB_KEPT && !nb_utf8_valid(bytes, len)) {
        if (!p->piece->source->replace) {
            known = memchr(bytes, '\0', len) ? NB_DROP_CONTROL : NB_DROP_UTF8;
        } else {
            p->piece->sanitised++;
            NB_TRY(nb_utf8_replace(&p->sanitised, bytes, len, err));
            bytes = p->sanitised.data;
            len = p->sanitised.len;
        }
    }
    if (known == NB_KEPT && memchr(bytes, '\0', len)) {
        known = NB_DROP_CONTROL;
    }
    if (known != NB_KEPT) {
        return p->sink->take(p->sink->state, known, bytes, 0, line, err);
    }
    status = jsonl_take_value(p, bytes, len, line, err);
done:
    return status;
}

static nb_status jsonl_read(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    parser p = {.piece = piece, .sink = sink};
    const nb_candidate_sink lines = {.state = &p, .take = jsonl_take_line};
    nb_status status = nb_source_read_lines(piece, &lines, err);
    jsonl_close(&p);
    return status;
}

/* ---- arrays ---- */

enum { BLOCK = 1 << 16 };

/* Cuts an array into its elements, which are held one at a time. */
typedef struct cutter {
    parser parser;
    char *element; /* [NB_LINE_BYTES_MAX] */
    size_t len;
    uint64_t depth; /* 0: outside the array */
    bool quoted, escaped, too_long, ended, commas;
} cutter;

static nb_status jsonl_end_element(cutter *c, nb_error *err)
{
    nb_status status = jsonl_take_line(&c->parser, c->too_long ? NB_DROP_LONG : NB_KEPT, c->element, c->len,
                                       ++c->parser.piece->lines, err);
    c->len = 0;
    c->too_long = false;
    return status;
}

static void jsonl_keep(cutter *c, char byte)
{
    if (c->len < NB_LINE_BYTES_MAX) {
        c->element[c->len++] = byte;
    } else {
        c->too_long = true;
    }
}

static void jsonl_follow_string(cutter *c, char byte)
{
    if (c->escaped || byte == '\\') {
        c->escaped = !c->escaped;
    } else {
        c->quoted = byte != '"';
    }
    jsonl_keep(c, byte);
}

static nb_status jsonl_outside(cutter *c, char byte, nb_error *err)
{
    if (!c->ended && byte == '[') {
        c->depth = 1;
    } else if (!jsonl_is_blank(&byte, 1)) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is no JSON array: %s", c->parser.piece->source->path,
                c->ended ? "something follows its end" : "it does not begin with '['");
        return nb_hint(err, "JSON lines are read with --format jsonl");
    }
    return NB_OK;
}

static nb_status jsonl_follow(cutter *c, char byte, nb_error *err)
{
    if (c->quoted) {
        jsonl_follow_string(c, byte);
        return NB_OK;
    }
    if (!c->depth) {
        return jsonl_outside(c, byte, err);
    }
    bool end = c->depth == 1 && byte == ']';
    if (end || (c->depth == 1 && byte == ',')) {
        c->depth -= end;
        c->ended = end;
        bool none = end && !c->commas && jsonl_is_blank(c->element, c->len); /* the array is empty */
        c->commas = true;
        return none ? NB_OK : jsonl_end_element(c, err);
    }
    c->quoted = byte == '"';
    c->depth += byte == '[' || byte == '{';
    c->depth -= (byte == ']' || byte == '}') && c->depth > 1;
    if (c->len || !jsonl_is_blank(&byte, 1)) {
        jsonl_keep(c, byte);
    }
    return NB_OK;
}

static nb_status jsonl_read_array(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    cutter c = {.parser = {.piece = piece, .sink = sink}};
    char *block = NULL;
    size_t got, len = 0, from;
    nb_status status;
    NB_TRY_NEW(c.element, NB_LINE_BYTES_MAX);
    NB_TRY_NEW(block, BLOCK);
    do { /* the byte order mark may come in parts */
        NB_TRY(nb_byte_stream_read(piece->in, block + len, 3 - len, &got, err));
        len += got;
    } while (got && len < 3);
    from = len == 3 && memcmp(block, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    do {
        for (size_t i = from; i < len; i++) {
            NB_TRY(jsonl_follow(&c, block[i], err));
        }
        from = 0;
        NB_TRY(nb_byte_stream_read(piece->in, block, BLOCK, &len, err));
    } while (len);
    if (!c.ended) {
        status =
            nb_fail(err, NB_ERR_INPUT, "'%s' is cut short: the end of its JSON array is missing", piece->source->path);
    }
done:
    jsonl_close(&c.parser);
    free(c.element);
    free(block);
    return status;
}

/* ---- which is which ---- */

/* The first byte of a head that is no white space; '\0': none. */
static char jsonl_first(const char *head, size_t len, size_t *at)
{
    *at = len >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (*at < len && jsonl_is_blank(head + *at, 1)) {
        (*at)++;
    }
    return *at < len ? head[*at] : '\0';
}

static bool jsonl_has_suffix(const char *base, const char *suffix)
{
    const char *dot = strrchr(base, '.');
    return dot && strcasecmp(dot, suffix) == 0;
}

/* The first byte behind `at` and white space; *at moves there. */
static char jsonl_next(const char *head, size_t len, size_t *at)
{
    size_t step;
    char c = *at + 1 < len ? jsonl_first(head + *at + 1, len - *at - 1, &step) : '\0';
    *at += c ? 1 + step : 0;
    return c;
}

/* By name; or it begins as arrays of objects and of several texts do, whatever its name: [{" or ["...", */
static bool jsonl_detect_array(const char *base, const char *head, size_t len)
{
    size_t at;
    if (jsonl_first(head, len, &at) != '[') {
        return false;
    }
    char c = jsonl_has_suffix(base, ".json") ? '\0' : jsonl_next(head, len, &at);
    if (c == '{') {
        return jsonl_next(head, len, &at) == '"';
    }
    for (bool text = c == '"'; text && ++at < len; at += head[at] == '\\') {
        if (head[at] == '"') {
            return jsonl_next(head, len, &at) == ',';
        }
    }
    return jsonl_has_suffix(base, ".json");
}

/* By name; or its first line is an object, whatever its name. */
static bool jsonl_detect(const char *base, const char *head, size_t len)
{
    nb_error ignored = {0};
    nb_json_found found = {0};
    size_t at;
    if (jsonl_has_suffix(base, ".jsonl") || jsonl_has_suffix(base, ".ndjson") || jsonl_has_suffix(base, ".json")) {
        return true;
    }
    if (jsonl_first(head, len, &at) != '{') {
        return false;
    }
    const char *end = memchr(head + at, '\n', len - at);
    size_t line = (end ? (size_t)(end - head) : len) - at;
    bool object = nb_json_scan(&found, head + at, line, "", &ignored) == NB_OK && found.kind != NB_JSON_BAD;
    nb_buffer_free(&found.text);
    nb_buffer_free(&found.key);
    return object;
}

/* A file named .json that is neither lines nor an array. */
static nb_status jsonl_check_lines(const nb_source *source, const nb_source_head *head, nb_error *err)
{
    nb_json_found found = {0};
    size_t at, size = strlen(source->path);
    nb_status status = NB_OK;
    char first = jsonl_first(head->bytes, head->len, &at);
    const char *end = memchr(head->bytes + at, '\n', head->len - at);
    if (first != '{' || !end) {
        return NB_OK;
    }
    NB_TRY(nb_json_scan(&found, head->bytes + at, (size_t)(end - head->bytes) - at, "", err));
    if (found.cut && size) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is one JSON object over several lines", source->path);
        status = nb_hint(err, "JSON lines are read, and arrays of strings or of objects: jq -c '.KEY[]' makes lines");
    }
done:
    nb_buffer_free(&found.text);
    nb_buffer_free(&found.key);
    return status;
}

static nb_status jsonl_prepare(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                               nb_error *err)
{
    if (!choice->key) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is jsonl, and no key is given", source->path);
        return nb_hint(err, "--key NAME says where the texts are, --format lines takes whole lines");
    }
    source->key = choice->key;
    source->strict = choice->strict;
    return jsonl_check_lines(source, head, err);
}

static nb_status jsonl_prepare_array(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                                     nb_error *err)
{
    size_t at;
    bool array = jsonl_first(head->bytes, head->len, &at) == '[';
    while (array && ++at < head->len && jsonl_is_blank(head->bytes + at, 1)) {
    }
    bool objects = array && at < head->len && head->bytes[at] == '{';
    source->strict = choice->strict;
    source->splits = false;
    if (objects && !choice->key) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is a JSON array of objects, and no key is given", source->path);
        return nb_hint(err, "--key NAME says where the texts are");
    }
    source->key = objects ? choice->key : NULL;
    return NB_OK;
}

const nb_source_format nb_format_jsonl = {
    .name = "jsonl", .uses_key = true, .detect = jsonl_detect, .prepare = jsonl_prepare, .read = jsonl_read};
const nb_source_format nb_format_json = {.name = "json",
                                         .uses_key = true,
                                         .detect = jsonl_detect_array,
                                         .prepare = jsonl_prepare_array,
                                         .read = jsonl_read_array};
