#include "common/store/parquet_writer.h"

#include "common/base/tag.h"
#include "common/base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 3, GROUP_ROWS_MAX = 1 << 16 };

/* Of Thrift's compact protocol; of Parquet. */
enum { THRIFT_I32 = 5, THRIFT_I64 = 6, THRIFT_BINARY = 8, THRIFT_LIST = 9, THRIFT_STRUCT = 12 };
enum { INT32 = 1, FLOAT = 4, BYTE_ARRAY = 6, PLAIN = 0, RLE = 3, REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };

struct nb_parquet_writer {
    nb_output output;
    FILE *file;
    size_t width;
    bool labels;
    uint64_t at, rows;
    nb_buffer groups; /* the row groups, as the footer has them */
    size_t group_count;
    nb_buffer page;
    nb_error *err; /* of the call that is running */
    nb_status status;
};

/* ---- putting bytes together: a failure sticks ---- */

static void parquet_put(nb_parquet_writer *w, nb_buffer *b, const void *bytes, size_t len)
{
    if (w->status == NB_OK) {
        w->status = nb_buffer_append(b, bytes, len, w->err);
    }
}

static void parquet_put_byte(nb_parquet_writer *w, nb_buffer *b, unsigned byte)
{
    unsigned char c = (unsigned char)byte;
    parquet_put(w, b, &c, 1);
}

static void parquet_put_varint(nb_parquet_writer *w, nb_buffer *b, uint64_t value)
{
    for (; value > 127; value >>= 7) {
        parquet_put_byte(w, b, (unsigned)(value & 127) | 128);
    }
    parquet_put_byte(w, b, (unsigned)value);
}

/* The head of a field whose number is `step` more than that of the one before. */
static void parquet_put_field(nb_parquet_writer *w, nb_buffer *b, unsigned step, unsigned type)
{
    parquet_put_byte(w, b, step << 4 | type);
}

static void parquet_put_number(nb_parquet_writer *w, nb_buffer *b, unsigned step, unsigned type, uint64_t value)
{
    parquet_put_field(w, b, step, type);
    parquet_put_varint(w, b, value << 1); /* none is negative */
}

static void parquet_put_text(nb_parquet_writer *w, nb_buffer *b, const char *text)
{
    parquet_put_varint(w, b, strlen(text));
    parquet_put(w, b, text, strlen(text));
}

static void parquet_put_list(nb_parquet_writer *w, nb_buffer *b, unsigned step, unsigned type, size_t count)
{
    parquet_put_field(w, b, step, THRIFT_LIST);
    parquet_put_byte(w, b, (count < 15 ? (unsigned)count : 15u) << 4 | type);
    if (count >= 15) {
        parquet_put_varint(w, b, count);
    }
}

static void parquet_put_length(nb_parquet_writer *w, nb_buffer *b, size_t len)
{
    uint32_t word = (uint32_t)len;
    parquet_put(w, b, &word, sizeof word);
}

/* ---- levels, as runs of one bit ---- */

static void parquet_put_run(nb_parquet_writer *w, nb_buffer *b, size_t count, unsigned value)
{
    if (count) {
        parquet_put_varint(w, b, (uint64_t)count << 1);
        parquet_put_byte(w, b, value);
    }
}

static void parquet_put_levels(nb_parquet_writer *w, nb_buffer *page, nb_buffer *levels)
{
    parquet_put_length(w, page, levels->len);
    parquet_put(w, page, levels->data, levels->len);
    nb_buffer_free(levels);
}

/* ---- pages ---- */

static void parquet_put_name(nb_parquet_writer *w, const char *name, size_t len)
{
    parquet_put_length(w, &w->page, len);
    parquet_put(w, &w->page, name, len);
}

static void parquet_fill_labels(nb_parquet_writer *w, const nb_parquet_rows *rows)
{
    nb_buffer levels = {0};
    for (size_t i = 0; i < rows->count;) {
        size_t from = i;
        bool known = rows->labels[i] >= 0;
        while (i < rows->count && (rows->labels[i] >= 0) == known) {
            i++;
        }
        parquet_put_run(w, &levels, i - from, known);
    }
    parquet_put_levels(w, &w->page, &levels);
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->labels[i] >= 0) {
            parquet_put(w, &w->page, &rows->labels[i], sizeof rows->labels[i]);
        }
    }
}

/* A list begins with a repetition level of 0; no list is empty and no element null, so all definition levels are 1. */
static void parquet_fill_embeddings(nb_parquet_writer *w, const nb_parquet_rows *rows)
{
    nb_buffer levels = {0};
    for (size_t i = 0; i < rows->count; i++) {
        parquet_put_run(w, &levels, 1, 0);
        parquet_put_run(w, &levels, w->width - 1, 1);
    }
    parquet_put_levels(w, &w->page, &levels);
    parquet_put_run(w, &levels, rows->count * w->width, 1);
    parquet_put_levels(w, &w->page, &levels);
    parquet_put(w, &w->page, rows->embeddings, rows->count * w->width * sizeof *rows->embeddings);
}

static void parquet_fill_page(nb_parquet_writer *w, int column, const nb_parquet_rows *rows)
{
    nb_buffer_clear(&w->page);
    if (column == 2) {
        parquet_fill_embeddings(w, rows);
    } else if (column == 1 && w->labels) {
        parquet_fill_labels(w, rows);
    } else {
        for (size_t i = 0; i < rows->count; i++) {
            const char *tag = column == 1 ? nb_tag_name(rows->tags ? (nb_tag)rows->tags[i] : NB_TAG_NONE) : NULL;
            size_t row = rows->first + i;
            parquet_put_name(w, tag ? tag : nb_strings_get(rows->names, row),
                             tag ? strlen(tag) : nb_strings_len(rows->names, row));
        }
    }
}

static void parquet_write(nb_parquet_writer *w, const nb_buffer *b)
{
    if (w->status == NB_OK && fwrite(b->data, 1, b->len, w->file) != b->len) {
        w->status = nb_fail_errno(w->err, NB_ERR_IO, "cannot write '%s'", w->output.partial);
    }
    w->at += b->len;
}

static void parquet_write_page(nb_parquet_writer *w, uint64_t values)
{
    nb_buffer head = {0};
    parquet_put_number(w, &head, 1, THRIFT_I32, 0); /* a data page */
    parquet_put_number(w, &head, 1, THRIFT_I32, w->page.len);
    parquet_put_number(w, &head, 1, THRIFT_I32, w->page.len);
    parquet_put_field(w, &head, 2, THRIFT_STRUCT);
    parquet_put_number(w, &head, 1, THRIFT_I32, values);
    parquet_put_number(w, &head, 1, THRIFT_I32, PLAIN);
    parquet_put_number(w, &head, 1, THRIFT_I32, RLE);
    parquet_put_number(w, &head, 1, THRIFT_I32, RLE);
    parquet_put_byte(w, &head, 0);
    parquet_put_byte(w, &head, 0);
    parquet_write(w, &head);
    parquet_write(w, &w->page);
    nb_buffer_free(&head);
}

/* ---- the footer ---- */

static const char *const *parquet_path_of(const nb_parquet_writer *w, int column, size_t *parts)
{
    static const char *const name[] = {"name"}, *const label[] = {"label"}, *const tag[] = {"tag"};
    static const char *const element[] = {"embedding", "list", "element"};
    *parts = column == 2 ? 3 : 1;
    return column == 2 ? element : column == 0 ? name : w->labels ? label : tag;
}

static unsigned parquet_type_of(const nb_parquet_writer *w, int column)
{
    return column == 2 ? FLOAT : column == 1 && w->labels ? INT32 : BYTE_ARRAY;
}

static void parquet_describe_chunk(nb_parquet_writer *w, int column, uint64_t values, uint64_t begin)
{
    nb_buffer *b = &w->groups;
    size_t parts;
    const char *const *path = parquet_path_of(w, column, &parts);
    parquet_put_number(w, b, 2, THRIFT_I64, begin);
    parquet_put_field(w, b, 1, THRIFT_STRUCT);
    parquet_put_number(w, b, 1, THRIFT_I32, parquet_type_of(w, column));
    parquet_put_list(w, b, 1, THRIFT_I32, 2);
    parquet_put_varint(w, b, PLAIN << 1);
    parquet_put_varint(w, b, RLE << 1);
    parquet_put_list(w, b, 1, THRIFT_BINARY, parts);
    for (size_t i = 0; i < parts; i++) {
        parquet_put_text(w, b, path[i]);
    }
    parquet_put_number(w, b, 1, THRIFT_I32, 0); /* not compressed */
    parquet_put_number(w, b, 1, THRIFT_I64, values);
    parquet_put_number(w, b, 1, THRIFT_I64, w->at - begin);
    parquet_put_number(w, b, 1, THRIFT_I64, w->at - begin);
    parquet_put_number(w, b, 2, THRIFT_I64, begin);
    parquet_put_byte(w, b, 0);
    parquet_put_byte(w, b, 0);
}

/* An element of the schema; type below 0: one with children. */
typedef struct schema_element {
    const char *name;
    int type, repetition, children, converted;
    unsigned logical; /* field of the union LogicalType; 0: none */
} schema_element;

static void parquet_put_element(nb_parquet_writer *w, nb_buffer *b, const schema_element *e)
{
    unsigned last = 0;
    if (e->type >= 0) {
        parquet_put_number(w, b, 1, THRIFT_I32, (uint64_t)e->type);
        last = 1;
    }
    if (e->repetition >= 0) {
        parquet_put_number(w, b, 3 - last, THRIFT_I32, (uint64_t)e->repetition);
        last = 3;
    }
    parquet_put_field(w, b, 4 - last, THRIFT_BINARY);
    parquet_put_text(w, b, e->name);
    last = 4;
    if (e->children) {
        parquet_put_number(w, b, 1, THRIFT_I32, (uint64_t)e->children);
        last = 5;
    }
    if (e->logical) {
        parquet_put_number(w, b, 6 - last, THRIFT_I32, (uint64_t)e->converted);
        parquet_put_field(w, b, 4, THRIFT_STRUCT);
        parquet_put_field(w, b, e->logical, THRIFT_STRUCT); /* an empty struct */
        parquet_put_byte(w, b, 0);
        parquet_put_byte(w, b, 0);
    }
    parquet_put_byte(w, b, 0);
}

static void parquet_put_schema(nb_parquet_writer *w, nb_buffer *b)
{
    const schema_element text = {.type = BYTE_ARRAY, .repetition = REQUIRED, .converted = 0, .logical = 1};
    schema_element elements[] = {{.name = "schema", .type = -1, .repetition = -1, .children = COLUMNS},
                                 text,
                                 text,
                                 {.name = "embedding", .type = -1, .children = 1, .converted = 3, .logical = 3},
                                 {.name = "list", .type = -1, .repetition = REPEATED, .children = 1},
                                 {.name = "element", .type = FLOAT}};
    elements[1].name = "name";
    elements[2].name = "tag";
    if (w->labels) {
        elements[2] = (schema_element){.name = "label", .type = INT32, .repetition = OPTIONAL};
    }
    parquet_put_list(w, b, 1, THRIFT_STRUCT, sizeof elements / sizeof *elements);
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        parquet_put_element(w, b, &elements[i]);
    }
}

static void parquet_write_footer(nb_parquet_writer *w)
{
    nb_buffer b = {.max = SIZE_MAX / 2};
    char by[64];
    parquet_put_number(w, &b, 1, THRIFT_I32, 1); /* version */
    parquet_put_schema(w, &b);
    parquet_put_number(w, &b, 1, THRIFT_I64, w->rows);
    parquet_put_list(w, &b, 1, THRIFT_STRUCT, w->group_count);
    parquet_put(w, &b, w->groups.data, w->groups.len);
    snprintf(by, sizeof by, "negbank version %s", nb_version());
    parquet_put_field(w, &b, 2, THRIFT_BINARY);
    parquet_put_text(w, &b, by);
    parquet_put_byte(w, &b, 0);
    size_t len = b.len;
    parquet_put_length(w, &b, len);
    parquet_put(w, &b, "PAR1", 4);
    parquet_write(w, &b);
    nb_buffer_free(&b);
}

/* ---- the file ---- */

nb_status nb_parquet_writer_open(nb_parquet_writer **out, const char *path, bool force, size_t width, bool labels,
                                 nb_error *err)
{
    const nb_buffer magic = {.data = "PAR1", .len = 4};
    nb_parquet_writer *w = NULL;
    nb_status status;
    NB_TRY_NEW(w, 1);
    w->width = width;
    w->labels = labels;
    w->groups.max = w->page.max = SIZE_MAX / 2;
    w->err = err;
    NB_TRY(nb_output_begin(&w->output, path, force, err));
    w->file = fopen(w->output.partial, "wbe");
    if (!w->file) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", w->output.partial);
        goto done;
    }
    parquet_write(w, &magic);
    status = w->status;
done:
    if (status != NB_OK) {
        nb_parquet_writer_close(w);
        w = NULL;
    }
    *out = w;
    return status;
}

size_t nb_parquet_group_rows(size_t width)
{
    size_t rows = NB_PARQUET_GROUP_BYTES / sizeof(float) / width;
    return rows < 1 ? 1 : rows > GROUP_ROWS_MAX ? GROUP_ROWS_MAX : rows;
}

nb_status nb_parquet_writer_add(nb_parquet_writer *w, const nb_parquet_rows *rows, nb_error *err)
{
    nb_buffer *b = &w->groups;
    uint64_t begin = w->at;
    w->err = err;
    parquet_put_list(w, b, 1, THRIFT_STRUCT, COLUMNS);
    for (int column = 0; column < COLUMNS; column++) {
        uint64_t values = column == 2 ? rows->count * w->width : rows->count, from = w->at;
        parquet_fill_page(w, column, rows);
        parquet_write_page(w, values);
        parquet_describe_chunk(w, column, values, from);
    }
    parquet_put_number(w, b, 1, THRIFT_I64, w->at - begin);
    parquet_put_number(w, b, 1, THRIFT_I64, rows->count);
    parquet_put_byte(w, b, 0);
    w->rows += rows->count;
    w->group_count++;
    return w->status;
}

nb_status nb_parquet_writer_commit(nb_parquet_writer *w, nb_error *err)
{
    w->err = err;
    parquet_write_footer(w);
    FILE *file = w->file;
    w->file = NULL;
    if (fclose(file) != 0 && w->status == NB_OK) {
        w->status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", w->output.partial);
    }
    return w->status == NB_OK ? nb_output_commit(&w->output, err) : w->status;
}

void nb_parquet_writer_close(nb_parquet_writer *w)
{
    if (w) {
        if (w->file) {
            fclose(w->file);
        }
        nb_output_end(&w->output);
        nb_buffer_free(&w->groups);
        nb_buffer_free(&w->page);
        free(w);
    }
}
