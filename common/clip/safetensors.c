#include "common/clip/safetensors.h"

#include "common/base/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the data is used in place as little-endian numbers");

#define METADATA_KEY "__metadata__"

struct nb_safetensors {
    char *path;
    nb_map map; /* empty when the bytes are borrowed */
    const unsigned char *data;
    size_t data_len;
    nb_tensor *tensors;       /* [count], in the order of the data */
    const nb_tensor **sorted; /* [count], by name */
    size_t count;
    json_t *header; /* owns the names */
};

/* A tensor while the header is read. */
typedef struct entry {
    nb_tensor tensor;
    size_t begin, end;
} entry;

static const struct {
    const char *name;
    size_t bits;
} dtypes[NB_DTYPE_COUNT] = {
    [NB_F32] = {"F32", 32},        [NB_F16] = {"F16", 16},        [NB_BF16] = {"BF16", 16},
    [NB_F64] = {"F64", 64},        [NB_I64] = {"I64", 64},        [NB_I32] = {"I32", 32},
    [NB_I16] = {"I16", 16},        [NB_I8] = {"I8", 8},           [NB_U64] = {"U64", 64},
    [NB_U32] = {"U32", 32},        [NB_U16] = {"U16", 16},        [NB_U8] = {"U8", 8},
    [NB_BOOL] = {"BOOL", 8},       [NB_C64] = {"C64", 64},        [NB_F8_E5M2] = {"F8_E5M2", 8},
    [NB_F8_E4M3] = {"F8_E4M3", 8}, [NB_F8_E8M0] = {"F8_E8M0", 8}, [NB_F6_E2M3] = {"F6_E2M3", 6},
    [NB_F6_E3M2] = {"F6_E3M2", 6}, [NB_F4] = {"F4", 4},
};

const char *nb_dtype_name(nb_dtype dtype)
{
    return (unsigned)dtype < NB_DTYPE_COUNT ? dtypes[dtype].name : "?";
}

size_t nb_dtype_bits(nb_dtype dtype)
{
    return (unsigned)dtype < NB_DTYPE_COUNT ? dtypes[dtype].bits : 0;
}

static bool dtype_find(const char *name, nb_dtype *out)
{
    for (unsigned i = 0; i < NB_DTYPE_COUNT; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *out = (nb_dtype)i;
            return true;
        }
    }
    return false;
}

/* Elements and bytes of a shape; false when a product overflows or the bits fill no whole bytes. */
static bool shape_size(const nb_tensor *t, size_t *count, size_t *bytes)
{
    size_t product = 1;
    size_t bits;
    for (size_t i = 0; i < t->rank; i++) {
        if (!nb_mul_size(product, t->shape[i], &product)) {
            return false;
        }
    }
    if (!nb_mul_size(product, nb_dtype_bits(t->dtype), &bits) || bits % 8) {
        return false;
    }
    *count = product;
    *bytes = bits / 8;
    return true;
}

/* A JSON integer that is a size; false for anything else. */
static bool json_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (size_t)json_integer_value(value);
    return true;
}

/* A name stands in messages and logs, so it may not steer a terminal. */
static bool name_printable(const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return *name != '\0';
}

static nb_status bad_tensor(nb_error *err, const char *path, const char *name, const char *what)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s': %s", path, name, what);
}

static nb_status read_shape(entry *e, const char *path, const json_t *shape, nb_error *err)
{
    nb_tensor *t = &e->tensor;
    if (!json_is_array(shape)) {
        return bad_tensor(err, path, t->name, "'shape' is missing or no array");
    }
    if (json_array_size(shape) > NB_TENSOR_RANK_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s' has %zu dimensions, at most %d are accepted", path,
                       t->name, json_array_size(shape), NB_TENSOR_RANK_MAX);
    }
    t->rank = json_array_size(shape);
    for (size_t i = 0; i < t->rank; i++) {
        if (!json_size(json_array_get(shape, i), &t->shape[i])) {
            return bad_tensor(err, path, t->name, "'shape' holds something that is no size");
        }
    }
    return NB_OK;
}

static nb_status read_entry(entry *e, const char *path, const char *name, const json_t *value, nb_error *err)
{
    nb_tensor *t = &e->tensor;
    t->name = name;
    if (!name_printable(name)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': a tensor's name is empty or holds control characters", path);
    }
    if (!json_is_object(value)) {
        return bad_tensor(err, path, name, "its entry is no JSON object");
    }
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!dtype) {
        return bad_tensor(err, path, name, "'dtype' is missing or no string");
    }
    if (!dtype_find(dtype, &t->dtype)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s' has the unknown dtype '%.32s'", path, name, dtype);
    }
    nb_status status = read_shape(e, path, json_object_get(value, "shape"), err);
    if (status != NB_OK) {
        return status;
    }
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_array_size(offsets) != 2 || !json_size(json_array_get(offsets, 0), &e->begin) ||
        !json_size(json_array_get(offsets, 1), &e->end) || e->begin > e->end) {
        return bad_tensor(err, path, name, "'data_offsets' is no pair [begin, end] of sizes with begin <= end");
    }
    size_t bytes;
    if (!shape_size(t, &t->count, &bytes)) {
        return bad_tensor(err, path, name, "its shape overflows or fills no whole number of bytes");
    }
    if (bytes != e->end - e->begin) {
        return nb_fail(err, NB_ERR_INPUT,
                       "'%s': tensor '%.200s': its shape takes %zu bytes of %s, its offsets hold %zu", path, name,
                       bytes, dtype, e->end - e->begin);
    }
    return NB_OK;
}

static nb_status check_metadata(json_t *metadata, const char *path, nb_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': " METADATA_KEY " is no JSON object", path);
    }
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value)) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': " METADATA_KEY " entry '%.200s' is no string", path, key);
        }
    }
    return NB_OK;
}

static int by_offset(const void *a, const void *b)
{
    const entry *x = a;
    const entry *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return strcmp(x->tensor.name, y->tensor.name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const nb_tensor *const *)a)->name, (*(const nb_tensor *const *)b)->name);
}

/* Entries in the order of the data must follow each other without a gap and end where the file ends. */
static nb_status check_cover(const nb_safetensors *s, const entry *entries, nb_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const entry *e = &entries[i];
        if (e->begin < at) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s' overlaps tensor '%.200s'", s->path, e->tensor.name,
                           entries[i - 1].tensor.name);
        }
        if (e->begin > at) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': %zu bytes in front of tensor '%.200s' belong to no tensor",
                           s->path, e->begin - at, e->tensor.name);
        }
        at = e->end;
    }
    if (at > s->data_len) {
        nb_fail(err, NB_ERR_INPUT,
                "'%s' is cut short: its data has %zu bytes, its header describes %zu, %zu are missing", s->path,
                s->data_len, at, at - s->data_len);
        return nb_hint(err, "copy or download the file again");
    }
    if (at < s->data_len) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has %zu bytes behind its last tensor", s->path, s->data_len - at);
    }
    return NB_OK;
}

/* From the parsed header to checked tensors in the order of the data, and their order by name. */
static nb_status read_entries(nb_safetensors *s, nb_error *err)
{
    nb_status status = NB_OK;
    entry *entries = NULL;
    const char *name;
    json_t *value;
    NB_TRY_NEW(entries, json_object_size(s->header));
    json_object_foreach(s->header, name, value)
    {
        if (strcmp(name, METADATA_KEY) == 0) {
            NB_TRY(check_metadata(value, s->path, err));
        } else {
            NB_TRY(read_entry(&entries[s->count], s->path, name, value, err));
            s->count++;
        }
    }
    qsort(entries, s->count, sizeof *entries, by_offset);
    NB_TRY(check_cover(s, entries, err));
    NB_TRY_NEW(s->tensors, s->count);
    NB_TRY_NEW(s->sorted, s->count);
    for (size_t i = 0; i < s->count; i++) {
        s->tensors[i] = entries[i].tensor;
        s->tensors[i].data = s->data + entries[i].begin;
        s->sorted[i] = &s->tensors[i];
    }
    qsort(s->sorted, s->count, sizeof *s->sorted, by_name);
done:
    free(entries);
    return status;
}

static nb_status parse_header(nb_safetensors *s, const unsigned char *bytes, size_t len, nb_error *err)
{
    uint64_t header;
    if (len < sizeof header) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has %zu bytes, too few for a safetensors file", s->path, len);
    }
    memcpy(&header, bytes, sizeof header);
    if (header > NB_SAFETENSORS_HEADER_MAX) {
        nb_fail(err, NB_ERR_INPUT, "'%s': header length %" PRIu64 ", at most %d bytes are accepted", s->path, header,
                NB_SAFETENSORS_HEADER_MAX);
        return nb_hint(err, "is this a safetensors file? It starts with the length of its header");
    }
    size_t left = len - sizeof header;
    if (header > left) {
        nb_fail(err, NB_ERR_INPUT, "'%s' is cut short inside its header: %zu of %" PRIu64 " bytes are missing", s->path,
                (size_t)header - left, header);
        return nb_hint(err, "copy or download the file again");
    }
    const char *text = (const char *)bytes + sizeof header;
    if (header < 2 || text[0] != '{') {
        return nb_fail(err, NB_ERR_INPUT, "'%s': the header is no JSON object", s->path);
    }
    json_error_t where;
    s->header = json_loadb(text, (size_t)header, JSON_REJECT_DUPLICATES, &where);
    if (!s->header) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': header byte %d: %s", s->path, where.position, where.text);
    }
    s->data = bytes + sizeof header + header;
    s->data_len = left - (size_t)header;
    return NB_OK;
}

/* Takes the map, whatever comes of it. */
static nb_status open_bytes(nb_safetensors **out, const unsigned char *bytes, size_t len, nb_map map, const char *path,
                            nb_error *err)
{
    nb_status status = NB_OK;
    nb_safetensors *s = NULL;
    *out = NULL;
    NB_TRY_NEW(s, 1);
    s->map = map;
    map = (nb_map){0};
    NB_TRY_NEW(s->path, strlen(path) + 1);
    memcpy(s->path, path, strlen(path) + 1);
    NB_TRY(parse_header(s, bytes, len, err));
    NB_TRY(read_entries(s, err));
    *out = s;
    s = NULL;
done:
    nb_map_close(&map);
    nb_safetensors_close(s);
    return status;
}

nb_status nb_safetensors_open(nb_safetensors **out, const char *path, nb_error *err)
{
    nb_map map;
    *out = NULL;
    nb_status status = nb_map_open(&map, path, err);
    return status == NB_OK ? open_bytes(out, map.data, map.len, map, path, err) : status;
}

nb_status nb_safetensors_open_memory(nb_safetensors **out, const void *bytes, size_t len, const char *name,
                                     nb_error *err)
{
    return open_bytes(out, bytes, len, (nb_map){0}, name, err);
}

const char *nb_safetensors_path(const nb_safetensors *s)
{
    return s->path;
}

size_t nb_safetensors_count(const nb_safetensors *s)
{
    return s->count;
}

const nb_tensor *nb_safetensors_at(const nb_safetensors *s, size_t i)
{
    return &s->tensors[i];
}

const nb_tensor *nb_safetensors_find(const nb_safetensors *s, const char *name)
{
    const nb_tensor key = {.name = name};
    const nb_tensor *wanted = &key;
    const nb_tensor **found = bsearch(&wanted, s->sorted, s->count, sizeof *s->sorted, by_name);
    return found ? *found : NULL;
}

void nb_safetensors_close(nb_safetensors *s)
{
    if (s) {
        json_decref(s->header);
        free(s->tensors);
        free(s->sorted);
        free(s->path);
        nb_map_close(&s->map);
        free(s);
    }
}

/* Adds one tensor to the header object, its data starting at *at, and moves *at behind it. */
static nb_status describe(json_t *header, const nb_tensor *t, const char *path, size_t *at, size_t *bytes,
                          nb_error *err)
{
    size_t count = 0;
    if (!t->name || !name_printable(t->name) || strcmp(t->name, METADATA_KEY) == 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': a tensor to write has no proper name", path);
    }
    if (t->rank > NB_TENSOR_RANK_MAX || !shape_size(t, &count, bytes) || count != t->count ||
        *bytes > (size_t)INT64_MAX - *at) {
        return bad_tensor(err, path, t->name, "its shape, dtype and count do not belong together");
    }
    if (json_object_get(header, t->name)) {
        return bad_tensor(err, path, t->name, "two tensors to write have this name");
    }
    json_t *shape = json_array();
    bool ok = shape != NULL;
    for (size_t i = 0; i < t->rank; i++) {
        ok = ok && json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) == 0;
    }
    json_t *value = json_pack("{s:s, s:o, s:[I, I]}", "dtype", nb_dtype_name(t->dtype), "shape", shape, "data_offsets",
                              (json_int_t)*at, (json_int_t)(*at + *bytes));
    if (json_object_set_new(header, t->name, value) != 0 || !ok) {
        return bad_tensor(err, path, t->name, "its description cannot be built (out of memory, or a name not UTF-8)");
    }
    *at += *bytes;
    return NB_OK;
}

/* The header's text, length and padding included; `bytes` [count] receives each tensor's size. */
static nb_status build_header(nb_buffer *out, const char *path, const nb_tensor *tensors, size_t count,
                              const char *metadata_json, size_t *bytes, nb_error *err)
{
    nb_status status = NB_OK;
    char *text = NULL;
    size_t at = 0;
    json_t *header = json_object();
    if (metadata_json) {
        json_error_t where;
        json_t *metadata = json_loads(metadata_json, JSON_REJECT_DUPLICATES, &where);
        if (!metadata || json_object_set_new(header, METADATA_KEY, metadata) != 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': metadata to write is no JSON: %s", path, where.text);
            goto done;
        }
        NB_TRY(check_metadata(metadata, path, err));
    }
    for (size_t i = 0; i < count; i++) {
        NB_TRY(describe(header, &tensors[i], path, &at, &bytes[i], err));
    }
    text = json_dumps(header, JSON_COMPACT);
    if (!text) {
        status = nb_fail(err, NB_ERR_LIMIT, "'%s': no memory for the header", path);
        goto done;
    }
    size_t len = strlen(text);
    size_t padding = (8 - len % 8) % 8;
    uint64_t length = len + padding;
    if (length > NB_SAFETENSORS_HEADER_MAX) {
        status = nb_fail(err, NB_ERR_LIMIT, "'%s': a header of %" PRIu64 " bytes, at most %d are accepted", path,
                         length, NB_SAFETENSORS_HEADER_MAX);
        goto done;
    }
    NB_TRY(nb_buffer_append(out, &length, sizeof length, err));
    NB_TRY(nb_buffer_append(out, text, len, err));
    NB_TRY(nb_buffer_append(out, "       ", padding, err));
done:
    json_decref(header);
    free(text);
    return status;
}

nb_status nb_safetensors_write(const char *path, bool force, const nb_tensor *tensors, size_t count,
                               const char *metadata_json, nb_error *err)
{
    nb_status status = NB_OK;
    nb_output out = {0};
    nb_buffer header = {0};
    size_t *bytes = NULL;
    NB_TRY_NEW(bytes, count);
    NB_TRY(build_header(&header, path, tensors, count, metadata_json, bytes, err));
    NB_TRY(nb_output_begin(&out, path, force, err));
    FILE *f = fopen(out.partial, "wb");
    if (!f) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot create '%s'", out.partial);
        goto done;
    }
    bool wrote = fwrite(header.data, 1, header.len, f) == header.len;
    for (size_t i = 0; i < count && wrote; i++) {
        wrote = bytes[i] == 0 || fwrite(tensors[i].data, 1, bytes[i], f) == bytes[i];
    }
    if (fclose(f) != 0 || !wrote) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write '%s'", out.partial);
        goto done;
    }
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    nb_buffer_free(&header);
    free(bytes);
    return status;
}

static float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
static float float_from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0) {
        /* zero or subnormal: mantissa * 2^-24, exact in single precision */
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    uint32_t wide = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
    return float_from_bits(sign | wide << 23 | mantissa << 13);
}

nb_status nb_tensor_to_float(const nb_tensor *tensor, float *out, nb_error *err)
{
    const unsigned char *data = tensor->data;
    if (tensor->dtype == NB_F32) {
        if (tensor->count) {
            memcpy(out, data, tensor->count * sizeof *out);
        }
        return NB_OK;
    }
    if (tensor->dtype != NB_F16 && tensor->dtype != NB_BF16) {
        nb_fail(err, NB_ERR_INPUT, "tensor '%.200s' has dtype %s, which cannot be used as weights", tensor->name,
                nb_dtype_name(tensor->dtype));
        return nb_hint(err, "F32, F16 and BF16 are read; convert the checkpoint to one of them");
    }
    for (size_t i = 0; i < tensor->count; i++) {
        uint16_t bits;
        memcpy(&bits, data + 2 * i, sizeof bits);
        out[i] = tensor->dtype == NB_F16 ? float_from_half(bits) : float_from_bits((uint32_t)bits << 16);
    }
    return NB_OK;
}
