#include "common/store/npy.h"

#include "common/base/text.h"
#include "common/linear/reference/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {[NB_NPY_F16] = {"<f2", 2}, [NB_NPY_F32] = {"<f4", 4}, [NB_NPY_F64] = {"<f8", 8},
             [NB_NPY_I32] = {"<i4", 4}, [NB_NPY_I64] = {"<i8", 8}, [NB_NPY_U8] = {"|u1", 1}};
enum { TYPE_COUNT = sizeof types / sizeof *types, HEADER_MAX = 4096 };

/* The text behind 'key': in the header's dictionary, or NULL. */
static const char *npy_entry(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s':", key);
    const char *at = strstr(header, quoted);
    if (!at) {
        return NULL;
    }
    at += strlen(quoted);
    return at + strspn(at, " ");
}

static bool npy_parse_shape(nb_npy *out, const char *text)
{
    size_t dims[2] = {1, 1};
    if (*text++ != '(') {
        return false;
    }
    for (out->rank = 0;;) {
        text += strspn(text, " ,");
        if (*text == ')') {
            break;
        }
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 15 || out->rank == 2) {
            return false;
        }
        dims[out->rank++] = (size_t)strtoull(text, NULL, 10);
        text += digits;
    }
    out->rows = dims[0];
    out->columns = dims[1];
    return out->rank > 0;
}

static nb_status npy_parse(nb_npy *out, const char *path, nb_error *err)
{
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const unsigned char *p = out->map.data;
    if (out->map.len < 12 || memcmp(p, magic, sizeof magic) != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' is not a .npy file", path);
    }
    size_t wide = p[6] >= 2 ? 4 : 2, len = 0;
    for (size_t i = 0; i < wide; i++) {
        len |= (size_t)p[8 + i] << (8 * i);
    }
    size_t begin = 8 + wide;
    if (len > HEADER_MAX || len > out->map.len - begin) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has a damaged .npy header", path);
    }
    char header[HEADER_MAX + 1];
    memcpy(header, p + begin, len);
    header[len] = '\0';
    const char *descr = npy_entry(header, "descr"), *order = npy_entry(header, "fortran_order"),
               *shape = npy_entry(header, "shape");
    if (!descr || !order || !shape || strncmp(order, "False", 5) != 0 || !npy_parse_shape(out, shape)) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is not a C-order array of one or two dimensions: %.120s", path, header);
        return nb_hint(err, "save it with numpy.save(path, numpy.ascontiguousarray(a))");
    }
    size_t t = 0;
    while (t < TYPE_COUNT && (*descr != '\'' || strncmp(descr + 1, types[t].name, 3) != 0)) {
        t++;
    }
    if (t == TYPE_COUNT) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' holds elements of type %.6s; <f2, <f4, <f8, <i4, <i8 and |u1 are read",
                       path, descr);
    }
    out->type = (nb_npy_type)t;
    size_t bytes;
    if (!nb_mul_size(out->rows, out->columns, &bytes) || !nb_mul_size(bytes, types[t].size, &bytes) ||
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
        uint16_t half;
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
        uint8_t u8;
    } v;
    memcpy(&v, npy->data + i * types[npy->type].size, types[npy->type].size);
    switch (npy->type) {
    case NB_NPY_F16: return (double)nb_half_to_float(v.half);
    case NB_NPY_F32: return (double)v.f32;
    case NB_NPY_F64: return v.f64;
    case NB_NPY_I32: return v.i32;
    case NB_NPY_I64: return (double)v.i64;
    case NB_NPY_U8: return v.u8;
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
    int used =
        snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", types[type].name, text);
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
