#include "common/base/file.h"
#include "common/clip/checkpoint/safetensors_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds one tensor to the header object, its data starting at *at, and moves *at behind it. */
static nb_status safetensors_write_describe(json_t *header, const nb_tensor *t, const char *path, size_t *at,
                                            size_t *bytes, nb_error *err)
{
    size_t count = 0;
    if (!t->name || !nb_tensor_name_printable(t->name) || strcmp(t->name, NB_SAFETENSORS_METADATA) == 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': a tensor to write has no proper name", path);
    }
    if (t->rank > NB_TENSOR_RANK_MAX || !nb_tensor_size(t, &count, bytes) || count != t->count ||
        *bytes > (size_t)INT64_MAX - *at) {
        return nb_tensor_refuse(err, path, t->name, "its shape, dtype and count do not belong together");
    }
    if (json_object_get(header, t->name)) {
        return nb_tensor_refuse(err, path, t->name, "two tensors to write have this name");
    }
    json_t *shape = json_array();
    bool ok = shape != NULL;
    for (size_t i = 0; i < t->rank; i++) {
        ok = ok && json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) == 0;
    }
    json_t *value = json_pack("{s:s, s:o, s:[I, I]}", "dtype", nb_dtype_name(t->dtype), "shape", shape, "data_offsets",
                              (json_int_t)*at, (json_int_t)*at + (json_int_t)*bytes);
    if (json_object_set_new(header, t->name, value) != 0 || !ok) {
        return nb_tensor_refuse(err, path, t->name,
                                "its description cannot be built (out of memory, or a name not UTF-8)");
    }
    *at += *bytes;
    return NB_OK;
}

/* What is written: tensors [count] and the metadata, NULL: none. */
typedef struct content {
    const nb_tensor *tensors;
    size_t count;
    const char *metadata_json;
} content;

/* The header's text, length and padding included; `bytes` [count] receives each tensor's size. */
static nb_status safetensors_write_build_header(nb_buffer *out, const char *path, const content *c, size_t *bytes,
                                                nb_error *err)
{
    nb_status status = NB_OK;
    char *text = NULL;
    size_t at = 0;
    json_t *header = json_object();
    if (c->metadata_json) {
        json_error_t where;
        json_t *metadata = json_loads(c->metadata_json, JSON_REJECT_DUPLICATES, &where);
        if (!metadata || json_object_set_new(header, NB_SAFETENSORS_METADATA, metadata) != 0) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': metadata to write is no JSON: %s", path, where.text);
            goto done;
        }
        NB_TRY(nb_safetensors_check_metadata(metadata, path, err));
    }
    for (size_t i = 0; i < c->count; i++) {
        NB_TRY(safetensors_write_describe(header, &c->tensors[i], path, &at, &bytes[i], err));
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
    NB_TRY(safetensors_write_build_header(&header, path, &(content){tensors, count, metadata_json}, bytes, err));
    NB_TRY(nb_output_begin(&out, path, force, err));
    FILE *f;
    NB_TRY(nb_output_file(&f, &out, err));
    bool wrote = fwrite(header.data, 1, header.len, f) == header.len;
    for (size_t i = 0; i < count && wrote; i++) {
        wrote = bytes[i] == 0 || fwrite(tensors[i].data, 1, bytes[i], f) == bytes[i];
    }
    NB_TRY(nb_output_close(f, wrote, &out, err));
    NB_TRY(nb_output_commit(&out, err));
done:
    nb_output_end(&out);
    nb_buffer_free(&header);
    free(bytes);
    return status;
}
