#include "mining/corpus/formats/parquet/footer.h"

#include "common/base/text.h"
#include "mining/corpus/formats/parquet/thrift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 8, MAGIC = 4, NAMES_SHOWN = 400, PARENTS_MAX = 64 };

/* Writers have forgotten the head of the dictionary's page in the size of a chunk (PARQUET-816). */
enum { CHUNK_SLACK = 128 };

enum { REPEATED = 2, OPTIONAL = 1, BYTE_ARRAY = 6 };

static nb_status footer_damaged(const nb_parquet_footer *f, const char *why, nb_error *err)
{
    nb_fail(err, NB_ERR_INPUT, "'%s' is a damaged Parquet file: %s", f->path, why);
    return nb_hint(err, "download it again, or leave it out");
}

/* ---- the schema ---- */

typedef struct element {
    const char *name;
    size_t len;
    int64_t type, children, repetition, converted;
    bool text; /* a logical type that is text */
    bool leaf; /* it has a type */
} element;

/* The union of logical types: its only field is the type. STRING 1, ENUM 4, JSON 12. */
static bool footer_logical_text(nb_thrift *t)
{
    nb_thrift_field field = {0};
    bool text = false;
    while (nb_thrift_next(t, &field)) {
        text = text || field.id == 1 || field.id == 4 || field.id == 12;
        nb_thrift_skip(t, field.type);
    }
    return text;
}

static element footer_element(nb_thrift *t)
{
    element e = {.name = "", .converted = -1};
    nb_thrift_field field = {0};
    while (nb_thrift_next(t, &field)) {
        switch (field.id) {
        case 1:
            e.type = nb_thrift_int(t, &field);
            e.leaf = true;
            break;
        case 3: e.repetition = nb_thrift_int(t, &field); break;
        case 4: e.name = nb_thrift_binary(t, field.type, &e.len); break;
        case 5: e.children = nb_thrift_int(t, &field); break;
        case 6: e.converted = nb_thrift_int(t, &field); break;
        case 10:
            if (field.type == NB_THRIFT_STRUCT) {
                e.text = footer_logical_text(t);
                break;
            }
            nb_thrift_skip(t, field.type);
            break;
        default: nb_thrift_skip(t, field.type);
        }
    }
    return e;
}

/* NULL for a column of texts. UTF8 0, ENUM 4, JSON 19 of the converted types. */
static const char *footer_refused(const element *e)
{
    static const char *const types[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    if (!e->leaf || e->children) {
        return "nested: a struct, list or map";
    }
    if (e->repetition == REPEATED) {
        return "repeated: a list";
    }
    if (e->type != BYTE_ARRAY) {
        return e->type >= 0 && e->type <= 7 ? types[e->type] : "of an unknown type";
    }
    bool text = e->text || e->converted == 0 || e->converted == 4 || e->converted == 19;
    return text ? NULL : "BYTE_ARRAY that is not marked as text";
}

/* The schema is a tree in preorder, whose first element is the root. */
static const char *footer_read_schema(nb_parquet_footer *f, nb_thrift *t, size_t count)
{
    int64_t left[PARENTS_MAX]; /* children to come of each parent, from the root on */
    uint64_t leaves = 0;
    element root = count ? footer_element(t) : (element){0};
    int depth = 0;
    left[0] = root.children;
    for (size_t i = 1; i < count && !t->wrong; i++) {
        while (depth >= 0 && !left[depth]) {
            depth--;
        }
        element e = footer_element(t);
        if (depth < 0 || e.children < 0 || (e.leaf && e.children)) {
            return "its schema is no tree";
        }
        left[depth]--;
        if (depth == 0) {
            f->columns[f->column_count++] = (nb_parquet_column){.name = e.name,
                                                                .len = e.len,
                                                                .refused = footer_refused(&e),
                                                                .leaf = leaves,
                                                                .optional = e.repetition == OPTIONAL};
        }
        leaves += e.leaf;
        if (e.children) {
            if (++depth == PARENTS_MAX) {
                return "its schema is nested too deep";
            }
            left[depth] = e.children;
        }
    }
    return t->wrong;
}

static nb_status footer_parse(nb_parquet_footer *f, size_t len, nb_error *err)
{
    nb_thrift t = {.at = (const unsigned char *)f->bytes, .end = (const unsigned char *)f->bytes + len};
    nb_thrift_field field = {0};
    nb_thrift_type type;
    const char *wrong = NULL;
    nb_status status = NB_OK;
    while (!wrong && nb_thrift_next(&t, &field)) {
        if (field.id == 2 && !f->columns) {
            size_t count = nb_thrift_list(&t, &field, &type);
            NB_TRY_NEW(f->columns, count + 1);
            wrong = type == NB_THRIFT_STRUCT ? footer_read_schema(f, &t, count) : "its schema is none";
        } else if (field.id == 4 && !f->groups) {
            nb_thrift groups = t;
            f->group_count = nb_thrift_list(&groups, &field, &type);
            f->group_type = (int)type;
            f->groups = groups.at;
            f->end = t.end;
            nb_thrift_skip(&t, field.type);
        } else if (field.id == 8) {
            wrong = "it is encrypted, which is not read";
        } else {
            nb_thrift_skip(&t, field.type);
        }
    }
    wrong = wrong ? wrong : t.wrong;
    wrong = wrong || (f->columns && f->groups) ? wrong : "its schema or its row groups are missing";
    wrong = wrong || f->group_count <= NB_PARQUET_GROUPS_MAX ? wrong : "it has too many row groups";
    if (wrong) {
        status = footer_damaged(f, wrong, err);
    }
done:
    return status;
}

nb_status nb_parquet_footer_read(nb_parquet_footer *f, nb_byte_stream *in, const char *path, nb_error *err)
{
    char tail[TAIL] = {0};
    uint32_t len;
    nb_status status = NB_OK;
    *f = (nb_parquet_footer){.path = path, .size = nb_byte_stream_size(in)};
    if (f->size >= MAGIC + TAIL) {
        NB_TRY(nb_byte_stream_read_at(in, f->size - TAIL, tail, TAIL, err));
    }
    memcpy(&len, tail, sizeof len);
    if (memcmp(tail + MAGIC, "PARE", MAGIC) == 0) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is an encrypted Parquet file, which is not read", path);
        goto done;
    }
    if (memcmp(tail + MAGIC, "PAR1", MAGIC) != 0 || len > f->size - TAIL - MAGIC) {
        status = footer_damaged(f, "its end is missing, where its columns are described", err);
        goto done;
    }
    if (len > NB_PARQUET_FOOTER_MAX) {
        status = nb_fail(err, NB_ERR_INPUT, "the footer of '%s' has %u bytes, over the limit of %d", path, len,
                         NB_PARQUET_FOOTER_MAX);
        goto done;
    }
    f->begin = f->size - TAIL - len;
    NB_TRY_NEW(f->bytes, (size_t)len + 1);
    NB_TRY(nb_byte_stream_read_at(in, f->begin, f->bytes, len, err));
    NB_TRY(footer_parse(f, len, err));
done:
    return status;
}

void nb_parquet_footer_free(nb_parquet_footer *f)
{
    free(f->bytes);
    free(f->columns);
    *f = (nb_parquet_footer){0};
}

/* ---- finding a column ---- */

/* The names of the columns, as far as they fit: those of texts, or all. */
static void footer_list_names(const nb_parquet_footer *f, bool all, char out[NAMES_SHOWN])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f->column_count && len < NAMES_SHOWN - 1; i++) {
        const nb_parquet_column *c = &f->columns[i];
        if (all || !c->refused) {
            int n = snprintf(out + len, NAMES_SHOWN - len, "%s%.*s", len ? ", " : "", c->len < 64 ? (int)c->len : 64,
                             c->name);
            len += n > 0 ? (size_t)n : 0;
        }
    }
    nb_text_sanitise(out);
}

static nb_status footer_no_column(const nb_parquet_footer *f, const char *name, nb_error *err)
{
    char names[NAMES_SHOWN];
    footer_list_names(f, true, names);
    nb_fail(err, NB_ERR_INPUT, "'%s' has no column '%s'", f->path, name);
    return nb_hint(err, "its columns are: %s", names);
}

/* The number of the column of that name; column_count when there is none. */
static size_t footer_named(const nb_parquet_footer *f, const char *name)
{
    size_t i = 0, len = strlen(name);
    while (i < f->column_count && !(f->columns[i].len == len && memcmp(f->columns[i].name, name, len) == 0)) {
        i++;
    }
    return i;
}

static nb_status footer_choose(const nb_parquet_footer *f, size_t *column, nb_error *err)
{
    static const char *const usual[] = {"caption", "text", "TEXT"};
    char names[NAMES_SHOWN];
    size_t texts = 0;
    for (size_t i = 0; i < f->column_count; i++) {
        if (!f->columns[i].refused) {
            *column = i;
            texts++;
        }
    }
    if (texts == 1) {
        return NB_OK;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        size_t found = footer_named(f, usual[i]);
        if (found < f->column_count && !f->columns[found].refused) {
            *column = found;
            return NB_OK;
        }
    }
    if (!texts) {
        footer_list_names(f, true, names);
        nb_fail(err, NB_ERR_INPUT, "'%s' has no column of texts", f->path);
        return nb_hint(err, "its columns are: %s", names);
    }
    footer_list_names(f, false, names);
    nb_fail(err, NB_ERR_USAGE, "'%s' is Parquet with %zu columns of texts, and no column is given", f->path, texts);
    return nb_hint(err, "--column NAME says which of these: %s", names);
}

nb_status nb_parquet_find_column(const nb_parquet_footer *f, const char *name, size_t *column, nb_error *err)
{
    int64_t number;
    if (!name) {
        return footer_choose(f, column, err);
    }
    *column = footer_named(f, name);
    if (*column == f->column_count && nb_parse_int(name, &number) && number >= 1 &&
        (uint64_t)number <= f->column_count) {
        *column = (size_t)number - 1;
    }
    if (*column == f->column_count) {
        return footer_no_column(f, name, err);
    }
    const char *refused = f->columns[*column].refused;
    if (refused) {
        char names[NAMES_SHOWN];
        footer_list_names(f, false, names);
        nb_fail(err, NB_ERR_INPUT, "column '%s' of '%s' holds no plain texts: it is %s", name, f->path, refused);
        return nb_hint(err, names[0] ? "its columns of texts are: %s" : "it has no column of texts%s", names);
    }
    return NB_OK;
}

/* ---- row groups ---- */

/* What a row group says of the wanted column. */
typedef struct found {
    nb_parquet_chunk chunk;
    int64_t values, size, data, dictionary;
    bool there, elsewhere, encrypted;
    const char *name; /* the first part of its path */
    size_t len;
} found;

static void footer_column_path(nb_thrift *t, const nb_thrift_field *field, found *out)
{
    nb_thrift_type type;
    size_t len, count = nb_thrift_list(t, field, &type);
    for (size_t i = 0; i < count && !t->wrong; i++) {
        const char *part = nb_thrift_binary(t, type, &len);
        if (i == 0) {
            out->name = part;
            out->len = len;
        }
    }
}

static void footer_column_metadata(nb_thrift *t, found *out)
{
    nb_thrift_field field = {0};
    while (nb_thrift_next(t, &field)) {
        switch (field.id) {
        case 3: footer_column_path(t, &field, out); break;
        case 4: out->chunk.codec = (int)nb_thrift_int(t, &field); break;
        case 5: out->values = nb_thrift_int(t, &field); break;
        case 7: out->size = nb_thrift_int(t, &field); break;
        case 9: out->data = nb_thrift_int(t, &field); break;
        case 11: out->dictionary = nb_thrift_int(t, &field); break;
        default: nb_thrift_skip(t, field.type);
        }
    }
    out->there = true;
}

static void footer_column_chunk(nb_thrift *t, found *out)
{
    nb_thrift_field field = {0};
    while (nb_thrift_next(t, &field)) {
        if (field.id == 3 && field.type == NB_THRIFT_STRUCT) {
            footer_column_metadata(t, out);
            continue;
        }
        out->elsewhere = out->elsewhere || field.id == 1;
        out->encrypted = out->encrypted || field.id == 8 || field.id == 9;
        nb_thrift_skip(t, field.type);
    }
}

static void footer_row_group(nb_thrift *t, uint64_t leaf, found *out)
{
    nb_thrift_field field = {0};
    nb_thrift_type type;
    while (nb_thrift_next(t, &field)) {
        if (field.id == 1) {
            size_t count = nb_thrift_list(t, &field, &type);
            for (size_t i = 0; i < count && !t->wrong; i++) {
                if (i == leaf && type == NB_THRIFT_STRUCT) {
                    footer_column_chunk(t, out);
                } else {
                    nb_thrift_skip(t, type);
                }
            }
        } else if (field.id == 3) {
            out->chunk.rows = (uint64_t)nb_thrift_int(t, &field);
        } else {
            nb_thrift_skip(t, field.type);
        }
    }
}

static const char *footer_check_chunk(const nb_parquet_footer *f, const nb_parquet_column *c, found *in)
{
    nb_parquet_chunk *chunk = &in->chunk;
    if (in->encrypted) {
        return "its pages are encrypted, which is not read";
    }
    if (in->elsewhere) {
        return "its pages are in another file";
    }
    if (!in->there || in->len != c->len || memcmp(in->name, c->name, c->len) != 0) {
        return "a row group lacks the column";
    }
    if (in->values < 0 || (uint64_t)in->values != chunk->rows || chunk->rows >> NB_PARQUET_ROW_BITS) {
        return "the rows of a group and the values of its column differ";
    }
    int64_t begin = in->dictionary > 0 && in->dictionary < in->data ? in->dictionary : in->data;
    if (!chunk->rows) {
        return NULL;
    }
    if (begin < MAGIC || in->size < 0 || (uint64_t)begin > f->begin ||
        (uint64_t)in->size > f->begin - (uint64_t)begin) {
        return "the pages of a column lie outside the file";
    }
    uint64_t room = f->begin - (uint64_t)begin, size = (uint64_t)in->size;
    chunk->begin = (uint64_t)begin;
    chunk->end = chunk->begin + (room - size < CHUNK_SLACK ? room : size + CHUNK_SLACK);
    return NULL;
}

nb_status nb_parquet_find_chunks(const nb_parquet_footer *f, size_t column, nb_parquet_chunk *chunks, nb_error *err)
{
    nb_thrift t = {.at = f->groups, .end = f->end};
    const nb_parquet_column *c = &f->columns[column];
    const char *wrong = f->group_count && f->group_type != (int)NB_THRIFT_STRUCT ? "its row groups are none" : NULL;
    uint64_t rows = 0;
    for (size_t i = 0; i < f->group_count && !wrong; i++) {
        found one = {.name = ""};
        footer_row_group(&t, c->leaf, &one);
        wrong = t.wrong ? t.wrong : footer_check_chunk(f, c, &one);
        chunks[i] = one.chunk;
        rows += one.chunk.rows;
        wrong = wrong || !(rows >> NB_PARQUET_ROW_BITS) ? wrong : "it has too many rows";
    }
    return wrong ? footer_damaged(f, wrong, err) : NB_OK;
}
