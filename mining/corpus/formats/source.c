#include "mining/corpus/formats/source.h"

#include "common/base/file.h"
#include "common/base/foreign.h"

#include <stdlib.h>
#include <strings.h>

enum { HEAD_BYTES = 1 << 16, BASE_MAX = 256 };

/* Lines come last: any file can be read as lines. */
static const nb_source_format *const formats[] = {&nb_format_parquet, &nb_format_wordnet, &nb_format_csv,
                                                  &nb_format_tsv,     &nb_format_json,    &nb_format_jsonl,
                                                  &nb_format_lines};

const nb_source_format *nb_source_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

static const nb_source_format *source_detect_format(const char *base, const char *head, size_t len)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i]->detect && formats[i]->detect(base, head, len)) {
            return formats[i];
        }
    }
    return &nb_format_lines;
}

static bool source_ends_in(const char *base, const char *suffix)
{
    size_t len = strlen(base), tail = strlen(suffix);
    return len >= tail && strcmp(base + len - tail, suffix) == 0;
}

static nb_tag source_tag_of_file(const char *base)
{
    if (strncmp(base, "noun.", 5) == 0 || source_ends_in(base, ".noun")) {
        return NB_TAG_NOUN;
    }
    if (strncmp(base, "adj.", 4) == 0 || source_ends_in(base, ".adj")) {
        return NB_TAG_ADJ;
    }
    return NB_TAG_NONE;
}

/* The base name of a path without .gz, .zst, .bz2 and .xz. */
static void source_base_of(char out[BASE_MAX], const char *path)
{
    static const char *const suffixes[] = {".gz", ".zst", ".bz2", ".xz"};
    const char *base = nb_path_base(path);
    size_t len = strnlen(base, BASE_MAX - 1);
    memcpy(out, base, len);
    out[len] = '\0';
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *dot = strrchr(out, '.');
        if (dot && strcasecmp(dot, suffixes[i]) == 0) {
            *dot = '\0';
        }
    }
}

static nb_status source_read_head(nb_byte_stream *in, char *head, size_t *len, nb_error *err)
{
    size_t got;
    nb_status status;
    *len = 0;
    do {
        NB_TRY(nb_byte_stream_read(in, head + *len, HEAD_BYTES - *len, &got, err));
        *len += got;
    } while (got && *len < HEAD_BYTES);
done:
    return status;
}

/* Refuses what holds no text. */
static nb_status source_refuse_foreign(const nb_source *s, const char *head, size_t len, nb_error *err)
{
    nb_foreign is = nb_foreign_tell(head, len);
    if (!is.name || (is.text && s->format == &nb_format_lines)) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' is %s%s", s->path, is.name,
            strstr(is.name, "text") ? ", which is not read" : ", not text");
    return is.text ? nb_hint(err, "%s (--format lines reads it all the same)", is.hint) : nb_hint(err, "%s", is.hint);
}

static nb_status source_inspect(nb_source *s, nb_byte_stream *in, const nb_source_choice *choice, nb_error *err)
{
    char base[BASE_MAX];
    char *head = NULL;
    size_t len;
    nb_status status = NB_OK;
    source_base_of(base, s->path);
    if (strcmp(choice->tag, "by-file") == 0) {
        s->tag = source_tag_of_file(base);
    } else if (!nb_tag_parse(choice->tag, &s->tag)) {
        nb_fail(err, NB_ERR_USAGE, "there is no tag '%s'", choice->tag);
        return nb_hint(err, "tags are %s", NB_SOURCE_TAGS);
    }
    s->bytes = nb_byte_stream_size(in);
    s->packing = nb_byte_stream_packing(in);
    if (!s->bytes) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is empty", s->path);
    }
    NB_TRY_NEW(head, HEAD_BYTES);
    NB_TRY(source_read_head(in, head, &len, err));
    NB_TRY(source_refuse_foreign(s, head, len, err));
    if (!s->format) {
        s->format = source_detect_format(base, head, len);
    }
    s->splits = s->packing == NB_PACKING_NONE;
    s->underscores = s->format->word_list || s->tag != NB_TAG_NONE;
    if (s->format->prepare) {
        size_t mark = len >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        const nb_source_head start = {.bytes = head + mark, .len = len - mark, .in = in};
        NB_TRY(s->format->prepare(s, choice, &start, err));
    }
done:
    free(head);
    return status;
}

static nb_status source_start(nb_source *s, const char *path, const nb_source_choice *choice, nb_error *err)
{
    *s = (nb_source){.path = path,
                     .format = nb_source_format_find(choice->format),
                     .replace = choice->replace,
                     .strict = choice->strict};
    if (!s->format && strcmp(choice->format, "auto") != 0) {
        nb_fail(err, NB_ERR_USAGE, "there is no input format '%s'", choice->format);
        return nb_hint(err, "formats are %s", NB_SOURCE_FORMATS);
    }
    return NB_OK;
}

nb_status nb_source_open(nb_source *source, const char *path, const nb_source_choice *choice, nb_error *err)
{
    nb_byte_stream *in = NULL;
    nb_status status = source_start(source, path, choice, err);
    if (status == NB_OK) {
        status = nb_byte_stream_open(&in, path, 0, err);
    }
    if (status == NB_OK) {
        status = source_inspect(source, in, choice, err);
    }
    nb_byte_stream_close(in);
    return status;
}

nb_status nb_source_open_bytes(nb_source *source, const char *path, const char *bytes, size_t len,
                               const nb_source_choice *choice, nb_error *err)
{
    nb_byte_stream *in = NULL;
    nb_status status = source_start(source, path, choice, err);
    if (status == NB_OK) {
        status = nb_byte_stream_open_bytes(&in, path, bytes, len, 0, err);
    }
    if (status == NB_OK) {
        status = source_inspect(source, in, choice, err);
    }
    nb_byte_stream_close(in);
    return status;
}

bool nb_source_has_chosen(const nb_source *source, const nb_source_choice *choice)
{
    return (!choice->column && !choice->key) || (choice->column && source->format->uses_column) || source->key;
}

uint64_t nb_source_line(const nb_source_piece *piece, uint64_t line)
{
    nb_error ignored = {0};
    nb_byte_stream *in = NULL;
    char *block = piece->begin ? nb_alloc(HEAD_BYTES, 1, &ignored) : NULL;
    if (block && nb_byte_stream_open(&in, piece->source->path, 0, &ignored) == NB_OK) {
        size_t got = 1;
        for (uint64_t at = 0; got && at < piece->begin; at += got) {
            uint64_t left = piece->begin - at;
            if (nb_byte_stream_read(in, block, left < HEAD_BYTES ? (size_t)left : HEAD_BYTES, &got, &ignored) !=
                NB_OK) {
                break;
            }
            for (size_t i = 0; i < got; i++) {
                line += block[i] == '\n';
            }
        }
    }
    nb_byte_stream_close(in);
    free(block);
    return line;
}

nb_status nb_source_read_lines(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    nb_line_reader reader;
    const char *line;
    size_t len;
    bool too_long;
    nb_status status = nb_line_reader_open(&reader, piece->in, piece->begin, piece->end, err);
    if (status != NB_OK) {
        return status;
    }
    for (;;) {
        NB_TRY(nb_line_next(&reader, &line, &len, &too_long, err));
        if (!line) {
            break;
        }
        NB_TRY(sink->take(sink->state, too_long ? NB_DROP_LONG : NB_KEPT, line, len, reader.number, err));
    }
    piece->lines = reader.number;
done:
    nb_line_reader_close(&reader);
    return status;
}
