#include "common/store/npy.h"

#include "common/base/foreign.h"
#include "common/base/text.h"
#include "common/linear/reference/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {[NB_NPY_F16] = {"f2", 2}, [NB_NPY_F32] = {"f4", 4}, [NB_NPY_F64] = {"f8", 8}, [NB_NPY_I32] = {"i4", 4},
             [NB_NPY_I64] = {"i8", 8}, [NB_NPY_U8] = {"u1", 1},  [NB_NPY_I8] = {"i1", 1},  [NB_NPY_I16] = {"i2", 2},
             [NB_NPY_U16] = {"u2", 2}, [NB_NPY_U32] = {"u4", 4}, [NB_NPY_U64] = {"u8", 8}, [NB_NPY_BOOL] = {"b1", 1}};
enum { TYPE_COUNT = sizeof types / sizeof *types, HEADER_MAX = 1 << 16, DIMENSIONS_MAX = 32, WORD_MAX = 32 };

/* A header, a dictionary as Python writes it, while it is read. */
typedef struct header {
    const char *at, *end;
    char descr[WORD_MAX];
    bool by_columns, has_descr, has_order, has_shape;
    size_t rank, dims[2];
} header;

/* Passes over white space, and then over `c` where it stands. */
static bool npy_take(header *h, char c)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\t' || *h->at == '\n' || *h->at == '\r')) {
        h->at++;
    }
    if (h->at < h->end && *h->at == c) {
        h->at++;
        return true;
    }
    return false;
}

/* A string in quotes of either kind, without escapes. */
static bool npy_take_string(header *h, char word[WORD_MAX])
{
    char quote = npy_take(h, '\'') ? '\'' : '"';
    size_t len = 0;
    if (quote == '"' && !npy_take(h, '"')) {
        return false;
    }
    for (; h->at < h->end && *h->at != quote; h->at++) {
        if (len + 1 == WORD_MAX || *h->at == '\\') {
            return false;
        }
        word[len++] = *h->at;
    }
    word[len] = '\0';
    return h->at++ < h->end;
}

static bool npy_take_word(header *h, const char *word)
{
    size_t len = strlen(word);
    if (!npy_take(h, word[0]) || (size_t)(h->end - h->at) < len - 1 || memcmp(h->at, word + 1, len - 1) != 0) {
        return false;
    }
    h->at += len - 1;
    return true;
}

static bool npy_take_number(header *h, size_t *number)
{
    enum { DIGITS_MAX = 15 };
    size_t digits = 0;
    npy_take(h, '+');
    for (*number = 0; h->at < h->end && *h->at >= '0' && *h->at <= '9' && digits <= DIGITS_MAX; h->at++, digits++) {
        *number = *number * 10 + (size_t)(*h->at - '0');
    }
    npy_take(h, 'L'); /* Python 2's long integers */
    return digits && digits <= DIGITS_MAX;
}

static bool npy_take_shape(header *h)
{
    size_t number;
    h->dims[0] = h->dims[1] = 1;
    if (!npy_take(h, '(')) {
        return false;
    }
    for (h->rank = 0; !npy_take(h, ')'); h->rank++) {
        if ((h->rank && !npy_take(h, ',')) || h->rank == DIMENSIONS_MAX) {
            return false;
        }
        if (h->rank && npy_take(h, ')')) {
            return true;
        }
        if (!npy_take_number(h, &number)) {
            return false;
        }
        h->dims[h->rank < 2 ? h->rank : 1] = number;
    }
    return true;
}

static bool npy_take_value(header *h, const char *key)
{
    if (strcmp(key, "descr") == 0) {
        return h->has_descr = npy_take_string(h, h->descr);
    }
    if (strcmp(key, "fortran_order") == 0) {
        h->by_columns = npy_take_word(h, "True");
        return h->has_order = h->by_columns || npy_take_word(h, "False");
    }
    return strcmp(key, "shape") == 0 && (h->has_shape = npy_take_shape(h));
}

static bool npy_take_header(header *h)
{
    char key[WORD_MAX];
    if (!npy_take(h, '{')) {
        return false;
    }
    while (!npy_take(h, '}')) {
        if (!npy_take_string(h, key) || !npy_take(h, ':') || !npy_take_value(h, key)) {
            return false;
        }
        if (!npy_take(h, ',')) {
            if (!npy_take(h, '}')) {
                return false;
            }
            break;
        }
    }
    npy_take(h, ' ');
    return h->at == h->end && h->has_descr && h->has_order && h->has_shape;
}

/* The type of `descr`, "<f4" for instance. */
static bool npy_find_type(nb_npy *out, const char *descr)
{
    out->swapped = *descr == '>';
    descr += *descr && strchr("<>|=", *descr) ? 1 : 0;
    for (size_t t = 0; t < TYPE_COUNT; t++) {
        if (strcmp(descr, types[t].name) == 0 || (t == NB_NPY_BOOL && strcmp(descr, "?") == 0)) {
            out->type = (nb_npy_type)t;
            return true;
        }
    }
    return false;
}

static nb_status npy_parse_header(nb_npy *out, const char *path, const char *begin, size_t len, nb_error *err)
{
    header h = {.at = begin, .end = begin + len};
    if (!npy_take_header(&h)) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has a .npy header that is not understood: %.*s", path,
                len > 120 ? 120 : (int)len, begin);
        return nb_hint(err, "a plain array of numbers is needed: numpy.save(path, numpy.ascontiguousarray(a))");
    }
    if (h.rank < 1 || h.rank > 2) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is an array of %zu dimensions, one of one or two is needed", path, h.rank);
        return nb_hint(err, "embeddings are [N, d]: numpy.save(path, a.reshape(len(a), -1))");
    }
    if (!npy_find_type(out, h.descr)) {
        return nb_fail(err, NB_ERR_INPUT,
                       "'%s' holds elements of type '%s'; f2, f4, f8, i1 to i8, u1 to u8 and b1 are read", path,
                       h.descr);
    }
    out->rank = h.rank;
    out->rows = h.dims[0];
    out->columns = h.dims[1];
    out->by_columns = h.by_columns && h.rank == 2;
    out->swapped = out->swapped && types[out->type].size > 1;
    return NB_OK;
}

static nb_status npy_parse(nb_npy *out, const char *path, nb_error *err)
{
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const unsigned char *p = out->map.data;
    if (out->map.len < 12 || memcmp(p, magic, sizeof magic) != 0) {
        enum { HEAD_BYTES = 4096 };
        nb_foreign is = nb_foreign_tell((const char *)p, out->map.len < HEAD_BYTES ? out->map.len : HEAD_BYTES);
        nb_fail(err, NB_ERR_INPUT, "'%s' is not a .npy file%s%s", path, is.name ? ": it is " : "",
                is.name ? is.name : "");
        return nb_hint(err, "numpy.save writes one; of an .npz take out the array, or unzip it");
    }
    if (p[6] < 1 || p[6] > 3) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is a .npy file of version %d, 1 to 3 are read", path, p[6]);
    }
    size_t wide = p[6] >= 2 ? 4 : 2, len = 0;
    for (size_t i = 0; i < wide; i++) {
        len |= (size_t)p[8 + i] << (8 * i);
    }
    size_t begin = 8 + wide;
    if (len > HEADER_MAX || len > out->map.len - begin) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has a damaged .npy header", path);
    }
    nb_status status = npy_parse_header(out, path, (const char *)p + begin, len, err);
    if (status != NB_OK) {
        return status;
    }
    size_t bytes;
    if (!nb_mul_size(out->rows, out->columns, &bytes) || !nb_mul_size(bytes, types[out->type].size, &bytes) ||
        bytes != out->map.len - begin - len) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is cut short or too long: %zu rows of %zu do not fill its %zu bytes",
                       path, out->rows, out->columns, out->map.len - begin - len);
    }
    out->data = p + begin + len;
    return NB_OK;
}

nb_status nb_npy_open(nb_npy *out, const char *path, nb_error *err)
{
    *out = (nb_npy){0};
    nb_status status = nb_map_open(&out->map, path, err);
    if (status == NB_OK) {
        status = npy_parse(out, path, err);
        if (status != NB_OK) {
            nb_npy_close(out);
        }
    }
    return status;
}

void nb_npy_close(nb_npy *npy)
{
    if (npy) {
        nb_map_close(&npy->map);
        *npy = (nb_npy){0};
    }
}

double nb_npy_at(const nb_npy *npy, size_t i)
{
    union {
        unsigned char bytes[8];
        uint16_t half;
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
        int8_t i8;
        int16_t i16;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } v;
    size_t size = types[npy->type].size;
    i = npy->by_columns ? i % npy->columns * npy->rows + i / npy->columns : i;
    memcpy(&v, npy->data + i * size, size);
    for (size_t k = 0; npy->swapped && k < size / 2; k++) {
        unsigned char byte = v.bytes[k];
        v.bytes[k] = v.bytes[size - 1 - k];
        v.bytes[size - 1 - k] = byte;
    }
    switch (npy->type) {
    case NB_NPY_F16: return (double)nb_half_to_float(v.half);
    case NB_NPY_F32: return (double)v.f32;
    case NB_NPY_F64: return v.f64;
    case NB_NPY_I32: return v.i32;
    case NB_NPY_I64: return (double)v.i64;
    case NB_NPY_U8: return v.u8;
    case NB_NPY_I8: return v.i8;
    case NB_NPY_I16: return v.i16;
    case NB_NPY_U16: return v.u16;
    case NB_NPY_U32: return v.u32;
    case NB_NPY_U64: return (double)v.u64;
    case NB_NPY_BOOL: return v.u8 != 0;
    }
    return 0;
}

nb_status nb_npy_write(const char *path, bool force, nb_npy_type type, nb_npy_shape shape, const void *data,
                       nb_error *err)
{
    nb_buffer b = {.max = SIZE_MAX / 2};
    char text[96], head[256];
    nb_status status;
    size_t count = (shape.planes ? shape.planes : 1) * shape.rows * (shape.columns ? shape.columns : 1);
    if (shape.planes) {
        snprintf(text, sizeof text, "(%zu, %zu, %zu)", shape.planes, shape.rows, shape.columns);
    } else if (shape.columns) {
        snprintf(text, sizeof text, "(%zu, %zu)", shape.rows, shape.columns);
    } else {
        snprintf(text, sizeof text, "(%zu,)", shape.rows);
    }
    int used = snprintf(head, sizeof head, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                        types[type].size > 1 ? '<' : '|', types[type].name, text);
    size_t len = ((size_t)used + 1 + 10 + 63) / 64 * 64 - 10; /* the data begin at a multiple of 64 */
    const unsigned char magic[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)len, (unsigned char)(len >> 8)};
    NB_TRY(nb_buffer_append(&b, magic, sizeof magic, err));
    NB_TRY(nb_buffer_printf(&b, err, "%s%*s\n", head, (int)(len - (size_t)used - 1), ""));
    if (type == NB_NPY_F16) {
        for (size_t i = 0; i < count; i++) {
            uint16_t half = nb_float_to_half(((const float *)data)[i]);
            NB_TRY(nb_buffer_append(&b, &half, sizeof half, err));
        }
    } else {
        NB_TRY(nb_buffer_append(&b, data, count * types[type].size, err));
    }
    NB_TRY(nb_file_write(path, force, b.data, b.len, err));
done:
    nb_buffer_free(&b);
    return status;
}
