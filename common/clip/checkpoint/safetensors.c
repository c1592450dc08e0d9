#include "common/clip/checkpoint/safetensors.h"

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/clip/checkpoint/safetensors_header.h"
#include "common/linear/reference/half.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the data is used in place as little-endian numbers");

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

static bool safetensors_dtype_find(const char *name, nb_dtype *out)
{
    for (unsigned i = 0; i < NB_DTYPE_COUNT; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            *out = (nb_dtype)i;
            return true;
        }
    }
    return false;
}

bool nb_tensor_size(const nb_tensor *t, size_t *count, size_t *bytes)
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
static bool safetensors_json_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (size_t)json_integer_value(value);
    return true;
}

bool nb_tensor_name_printable(const char *name)
{
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return *name != '\0';
}

nb_status nb_tensor_refuse(nb_error *err, const char *path, const char *name, const char *what)
{
    return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s': %s", path, name, what);
}

static nb_status safetensors_read_shape(entry *e, const char *path, const json_t *shape, nb_error *err)
{
    nb_tensor *t = &e->tensor;
    if (!json_is_array(shape)) {
        return nb_tensor_refuse(err, path, t->name, "'shape' is missing or no array");
    }
    if (json_array_size(shape) > NB_TENSOR_RANK_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s' has %zu dimensions, at most %d are accepted", path,
                       t->name, json_array_size(shape), NB_TENSOR_RANK_MAX);
    }
    t->rank = json_array_size(shape);
    for (size_t i = 0; i < t->rank; i++) {
        if (!safetensors_json_size(json_array_get(shape, i), &t->shape[i])) {
            return nb_tensor_refuse(err, path, t->name, "'shape' holds something that is no size");
        }
    }
    return NB_OK;
}

static nb_status safetensors_read_entry(entry *e, const char *path, const char *name, const json_t *value,
                                        nb_error *err)
{
    nb_tensor *t = &e->tensor;
    t->name = name;
    if (!nb_tensor_name_printable(name)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': a tensor's name is empty or holds control characters", path);
    }
    if (!json_is_object(value)) {
        return nb_tensor_refuse(err, path, name, "its entry is no JSON object");
    }
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!dtype) {
        return nb_tensor_refuse(err, path, name, "'dtype' is missing or no string");
    }
    if (!safetensors_dtype_find(dtype, &t->dtype)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%.200s' has the unknown dtype '%.32s'", path, name, dtype);
    }
    nb_status status = safetensors_read_shape(e, path, json_object_get(value, "shape"), err);
    if (status != NB_OK) {
        return status;
    }
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_array_size(offsets) != 2 || !safetensors_json_size(json_array_get(offsets, 0), &e->begin) ||
        !safetensors_json_size(json_array_get(offsets, 1), &e->end) || e->begin > e->end) {
        return nb_tensor_refuse(err, path, name, "'data_offsets' is no pair [begin, end] of sizes with begin <= end");
    }
    size_t bytes;
    if (!nb_tensor_size(t, &t->count, &bytes)) {
        return nb_tensor_refuse(err, path, name, "its shape overflows or fills no whole number of bytes");
    }
    if (bytes != e->end - e->begin) {
        return nb_fail(err, NB_ERR_INPUT,
                       "'%s': tensor '%.200s': its shape takes %zu bytes of %s, its offsets hold %zu", path, name,
                       bytes, dtype, e->end - e->begin);
    }
    return NB_OK;
}

nb_status nb_safetensors_check_metadata(json_t *metadata, const char *path, nb_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': " NB_SAFETENSORS_METADATA " is no JSON object", path);
    }
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value)) {
            return nb_fail(err, NB_ERR_INPUT, "'%s': " NB_SAFETENSORS_METADATA " entry '%.200s' is no string", path,
                           key);
        }
    }
    return NB_OK;
}

static int safetensors_by_offset(const void *a, const void *b)
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

static int safetensors_by_name(const void *a, const void *b)
{
    return strcmp((*(const nb_tensor *const *)a)->name, (*(const nb_tensor *const *)b)->name);
}

/* Entries in the order of the data must follow each other without a gap and end where the file ends. */
static nb_status safetensors_check_cover(const nb_safetensors *s, const entry *entries, nb_error *err)
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
static nb_status safetensors_read_entries(nb_safetensors *s, nb_error *err)
{
    nb_status status = NB_OK;
    entry *entries = NULL;
    const char *name;
    json_t *value;
    NB_TRY_NEW(entries, json_object_size(s->header));
    json_object_foreach(s->header, name, value)
    {
        if (strcmp(name, NB_SAFETENSORS_METADATA) == 0) {
            NB_TRY(nb_safetensors_check_metadata(value, s->path, err));
        } else {
            NB_TRY(safetensors_read_entry(&entries[s->count], s->path, name, value, err));
            s->count++;
        }
    }
    qsort(entries, s->count, sizeof *entries, safetensors_by_offset);
    NB_TRY(safetensors_check_cover(s, entries, err));
    NB_TRY_NEW(s->tensors, s->count);
    NB_TRY_NEW(s->sorted, s->count);
    for (size_t i = 0; i < s->count; i++) {
        s->tensors[i] = entries[i].tensor;
        s->tensors[i].data = s->data + entries[i].begin;
        s->sorted[i] = &s->tensors[i];
    }
    qsort(s->sorted, s->count, sizeof *s->sorted, safetensors_by_name);
done:
    free(entries);
    return status;
}

static nb_status safetensors_parse_header(nb_safetensors *s, const unsigned char *bytes, size_t len, nb_error *err)
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
    nb_status status = nb_json_parse(&s->header, text, (size_t)header, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        return nb_context(err, "'%s'", s->path);
    }
    if (!s->header) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': header byte %d: %s", s->path, where.position, where.text);
    }
    s->data = bytes + sizeof header + header;
    s->data_len = left - (size_t)header;
    return NB_OK;
}

/* Takes the map, whatever comes of it. */
static nb_status safetensors_open_bytes(nb_safetensors **out, const unsigned char *bytes, size_t len, nb_map map,
                                        const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    nb_safetensors *s = NULL;
    *out = NULL;
    NB_TRY_NEW(s, 1);
    s->map = map;
    map = (nb_map){0};
    NB_TRY_NEW(s->path, strlen(path) + 1);
    memcpy(s->path, path, strlen(path) + 1);
    NB_TRY(safetensors_parse_header(s, bytes, len, err));
    NB_TRY(safetensors_read_entries(s, err));
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
    return status == NB_OK ? safetensors_open_bytes(out, map.data, map.len, map, path, err) : status;
}

nb_status nb_safetensors_open_memory(nb_safetensors **out, const void *bytes, size_t len, const char *name,
                                     nb_error *err)
{
    return safetensors_open_bytes(out, bytes, len, (nb_map){0}, name, err);
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
    const nb_tensor **found = bsearch(&wanted, s->sorted, s->count, sizeof *s->sorted, safetensors_by_name);
    return found ? *found : NULL;
}

void nb_safetensors_drop(const nb_safetensors *s, const nb_tensor *tensor)
{
    if (s->map.data && tensor->count) {
        nb_map_drop(&s->map, tensor->data, tensor->count * nb_dtype_bits(tensor->dtype) / 8);
    }
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
        out[i] = tensor->dtype == NB_F16 ? nb_half_to_float(bits) : nb_bfloat_to_float(bits);
    }
    return NB_OK;
}
