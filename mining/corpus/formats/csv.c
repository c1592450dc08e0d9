/* Records of fields, RFC 4180: fields are parted by a comma (or a tab); a field in double quotes may hold those, line
 * ends, and quotes written twice. What follows the end of a quoted field belongs to it, as Python's csv module has it,
 * and is counted. Without quoting a record is a line and quotes are characters like others. */
#include "mining/corpus/formats/source.h"

#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { BLOCK = 1 << 16, COLUMNS_MAX = 4096 };

typedef enum phase {
    FIELD_START,
    PLAIN,  /* in a field without quotes */
    QUOTED, /* in a field with quotes */
    QUOTE,  /* behind a quote in such a field: its end, or the first of two */
    RETURN  /* behind a CR behind the end of a quoted field */
} phase;

/* A machine that takes bytes; it keeps the field of one column. */
typedef struct machine {
    const char *path;
    const nb_candidate_sink *sink; /* takes that field of every record */
    char *field;                   /* [NB_LINE_BYTES_MAX] */
    size_t len;
    uint64_t wanted, column; /* columns from 0 */
    uint64_t line, record_line, quote_line;
    char separator;
    bool quotes, header, too_long, blank, strict;
    bool separators, line_ends; /* inside the quotes of this field */
    uint64_t swallowed;         /* fields that hold both */
    uint64_t stray;             /* fields with something behind their end */
    phase state;
} machine;

static char csv_separator_of(const nb_source *source)
{
    return source->format == &nb_format_tsv ? '\t' : ',';
}

static inline void csv_keep(machine *m, char c)
{
    if (m->column == m->wanted) {
        if (m->len < NB_LINE_BYTES_MAX) {
            m->field[m->len++] = c;
        } else {
            m->too_long = true;
        }
    }
}

static void csv_end_field(machine *m)
{
    m->swallowed += m->separators && m->line_ends;
    m->separators = m->line_ends = false;
}

static nb_status csv_end_record(machine *m, nb_error *err)
{
    csv_end_field(m);
    nb_drop known = NB_KEPT;
    if (m->state == PLAIN && m->column == m->wanted && m->len && m->field[m->len - 1] == '\r') {
        m->len--;
    }
    if (m->header) {
        known = NB_DROP_COMMENT;
    } else if (m->blank && m->column == 0) {
        known = NB_DROP_BLANK;
    } else if (m->column < m->wanted) {
        known = NB_DROP_MISSING;
    } else if (m->too_long) {
        known = NB_DROP_LONG;
    }
    nb_status status =
        m->sink->take(m->sink->state, known, m->field, known == NB_KEPT ? m->len : 0, m->record_line, err);
    m->state = FIELD_START;
    m->header = m->too_long = false;
    m->blank = true;
    m->column = 0;
    m->len = 0;
    return status;
}

static nb_status csv_refuse(const machine *m, const char *why, uint64_t line, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' line %llu: %s", m->path, (unsigned long long)line, why);
    return nb_hint(err, "--no-quotes takes quotes as characters like others");
}

/* A byte behind the end of a quoted field that ends neither field nor record. */
static nb_status csv_take_stray(machine *m, nb_error *err)
{
    if (m->strict) {
        return csv_refuse(m, "something follows the end of a quoted field", m->line, err);
    }
    m->stray++;
    if (m->state == RETURN) {
        csv_keep(m, '\r');
    }
    m->state = PLAIN;
    return NB_OK;
}

/* A byte outside quotes, or the first behind them. */
static nb_status csv_take_plain(machine *m, char c, nb_error *err)
{
    nb_status status = NB_OK;
    if (c == '\r' && m->state == QUOTE) {
        m->state = RETURN;
        return NB_OK;
    }
    if ((m->state == QUOTE && c != m->separator && c != '\n') || (m->state == RETURN && c != '\n')) {
        NB_TRY(csv_take_stray(m, err));
    }
    if (c == m->separator) {
        csv_end_field(m);
        m->column++;
        m->blank = false;
        m->state = FIELD_START;
        return NB_OK;
    }
    if (c == '\n') {
        return csv_end_record(m, err);
    }
    if (m->state == FIELD_START && c == '"' && m->quotes) {
        m->state = QUOTED;
        m->quote_line = m->line;
        m->blank = false;
        return NB_OK;
    }
    m->state = PLAIN;
    m->blank = m->blank && c == '\r';
    csv_keep(m, c);
done:
    return status;
}

static nb_status csv_take_bytes(machine *m, const char *bytes, size_t len, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < len && status == NB_OK; i++) {
        char c = bytes[i];
        if (m->state == FIELD_START && m->column == 0 && m->len == 0) {
            m->record_line = m->line;
        }
        if (m->state == QUOTED) {
            if (c == '"') {
                m->state = QUOTE;
            } else {
                m->separators = m->separators || c == m->separator;
                m->line_ends = m->line_ends || c == '\n';
                csv_keep(m, c);
            }
        } else if (m->state == QUOTE && c == '"') {
            csv_keep(m, c);
            m->state = QUOTED;
        } else {
            status = csv_take_plain(m, c, err);
        }
        m->line += c == '\n';
    }
    return status;
}

/* The end of the input: the last record may lack its line end. */
static nb_status csv_finish(machine *m, nb_error *err)
{
    if (m->state == QUOTED) {
        return csv_refuse(m, "the quote that begins here is never closed", m->quote_line, err);
    }
    bool begun = m->state != FIELD_START || m->column > 0;
    return begun ? csv_end_record(m, err) : NB_OK;
}

static nb_status csv_read_quoted(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    const nb_source *source = piece->source;
    char *block = NULL;
    nb_status status = NB_OK;
    machine m = {.path = source->path,
                 .sink = sink,
                 .wanted = source->column,
                 .separator = csv_separator_of(source),
                 .quotes = true,
                 .header = source->header,
                 .strict = source->strict,
                 .line = 1,
                 .blank = true};
    size_t got, mark = 0;
    NB_TRY_NEW(m.field, NB_LINE_BYTES_MAX);
    NB_TRY_NEW(block, BLOCK);
    do { /* the byte order mark may come in parts */
        NB_TRY(nb_byte_stream_read(piece->in, block + mark, 3 - mark, &got, err));
        mark += got;
    } while (got && mark < 3);
    if (mark != 3 || memcmp(block, "\xEF\xBB\xBF", 3) != 0) {
        NB_TRY(csv_take_bytes(&m, block, mark, err));
    }
    do {
        NB_TRY(nb_byte_stream_read(piece->in, block, BLOCK, &got, err));
        NB_TRY(csv_take_bytes(&m, block, got, err));
    } while (got);
    NB_TRY(csv_finish(&m, err));
    piece->lines = m.line;
    piece->swallowed = m.separator == '\t' ? m.swallowed : 0;
    piece->stray = m.stray;
done:
    free(m.field);
    free(block);
    return status;
}

/* Without quotes: the lines of a piece, cut at the separator. */
typedef struct cutter {
    const nb_source_piece *piece;
    const nb_candidate_sink *sink;
} cutter;

static nb_status csv_take_line(void *given, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    const cutter *c = given;
    const nb_source *source = c->piece->source;
    const char *end = bytes + len, *next = NULL;
    if (source->header && c->piece->begin == 0 && line == 1) {
        known = NB_DROP_COMMENT;
    } else if (known == NB_KEPT && len == 0) {
        known = NB_DROP_BLANK;
    }
    for (uint64_t column = 0; known == NB_KEPT; column++) {
        next = memchr(bytes, csv_separator_of(source), (size_t)(end - bytes));
        if (column == source->column) {
            end = next ? next : end;
            break;
        }
        if (!next) {
            known = NB_DROP_MISSING;
        } else {
            bytes = next + 1;
        }
    }
    return c->sink->take(c->sink->state, known, bytes, known == NB_KEPT ? (size_t)(end - bytes) : 0, line, err);
}

static nb_status csv_read_records(nb_source_piece *piece, const nb_candidate_sink *sink, nb_error *err)
{
    cutter c = {piece, sink};
    const nb_candidate_sink lines = {.state = &c, .take = csv_take_line};
    return piece->source->quotes ? csv_read_quoted(piece, sink, err) : nb_source_read_lines(piece, &lines, err);
}

/* ---- the header ---- */

typedef struct header {
    const char *name;
    bool found;
} header;

static nb_status csv_match_name(void *state, nb_drop known, const char *bytes, size_t len, uint64_t line, nb_error *err)
{
    header *h = state;
    (void)line;
    (void)err;
    h->found = h->found || (known == NB_KEPT && len == strlen(h->name) && memcmp(bytes, h->name, len) == 0);
    return NB_OK;
}

/* Whether the first record of the head has h->name as the given column; *more says whether it has that column. */
static nb_status csv_names_column(const nb_source *source, const nb_source_head *head, uint64_t column, header *h,
                                  bool *more, nb_error *err)
{
    const nb_candidate_sink sink = {.state = h, .take = csv_match_name};
    machine m = {.path = source->path,
                 .sink = &sink,
                 .wanted = column,
                 .separator = csv_separator_of(source),
                 .quotes = source->quotes,
                 .line = 1,
                 .blank = true};
    nb_status status;
    *more = false;
    NB_TRY_NEW(m.field, NB_LINE_BYTES_MAX);
    for (size_t i = 0; i < head->len && m.line == 1 && status == NB_OK; i++) {
        status = csv_take_bytes(&m, head->bytes + i, 1, err);
        *more = *more || m.column >= column;
        if (m.state == FIELD_START && m.column == 0) {
            break; /* the record has ended */
        }
    }
    if (status == NB_OK && m.state != QUOTED) {
        status = csv_finish(&m, err);
    }
done:
    free(m.field);
    return status;
}

static nb_status csv_find_column(nb_source *source, const char *name, const nb_source_head *head, nb_error *err)
{
    header wanted = {.name = name};
    bool more = true, found = false;
    nb_status status = NB_OK;
    for (uint64_t column = 0; more && column < COLUMNS_MAX; column++) {
        wanted.found = false;
        NB_TRY(csv_names_column(source, head, column, &wanted, &more, err));
        if (wanted.found && found) {
            nb_fail(err, NB_ERR_INPUT, "'%s' has two columns '%s'", source->path, name);
            status = nb_hint(err, "take one by its number: %llu or %llu", (unsigned long long)source->column + 1,
                             (unsigned long long)column + 1);
            goto done;
        }
        source->column = wanted.found ? column : source->column;
        found = found || wanted.found;
    }
    wanted.found = found;
    if (!wanted.found) {
        const char *end = memchr(head->bytes, '\n', head->len);
        int shown = (int)(end ? end - head->bytes : (long)head->len);
        char first[160];
        snprintf(first, sizeof first, "%.*s", shown < 150 ? shown : 150, head->bytes);
        nb_text_sanitise(first);
        nb_fail(err, NB_ERR_INPUT, "'%s' has no column '%s'", source->path, name);
        status = nb_hint(err, "its first line is '%s'; columns also have numbers, from 1", first);
    }
done:
    return status;
}

static nb_status csv_prepare_records(nb_source *source, const nb_source_choice *choice, const nb_source_head *head,
                                     nb_error *err)
{
    int64_t number;
    if (!choice->column) {
        nb_fail(err, NB_ERR_USAGE, "'%s' is %s, and no column is given", source->path, source->format->name);
        return nb_hint(err, "--column NAME or NUMBER says where the texts are, --format lines takes whole lines");
    }
    source->quotes = choice->quotes;
    source->strict = choice->strict;
    source->splits = source->splits && !source->quotes;
    if (!nb_parse_int(choice->column, &number)) {
        source->header = true;
        return csv_find_column(source, choice->column, head, err);
    }
    if (number < 1 || number > COLUMNS_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "--column: %lld is not within [1, %d]", (long long)number, COLUMNS_MAX);
    }
    source->column = (uint64_t)number - 1;
    source->header = choice->header;
    return NB_OK;
}

static bool csv_detect(const char *base, const char *head, size_t len)
{
    const char *dot = strrchr(base, '.');
    (void)head;
    (void)len;
    return dot && strcasecmp(dot, ".csv") == 0;
}

static bool csv_detect_tsv(const char *base, const char *head, size_t len)
{
    const char *dot = strrchr(base, '.');
    (void)head;
    (void)len;
    return dot && (strcasecmp(dot, ".tsv") == 0 || strcasecmp(dot, ".tab") == 0);
}

const nb_source_format nb_format_csv = {
    .name = "csv", .uses_column = true, .detect = csv_detect, .prepare = csv_prepare_records, .read = csv_read_records};
const nb_source_format nb_format_tsv = {.name = "tsv",
                                        .uses_column = true,
                                        .detect = csv_detect_tsv,
                                        .prepare = csv_prepare_records,
                                        .read = csv_read_records};
