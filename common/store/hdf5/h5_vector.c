/* Vectors and lists of strings, read in parts (see h5_read.c for what is refused). */
#include "common/store/hdf5/h5_stored.h"

#include <stdlib.h>
#include <string.h>

/* The layout of an open vector; its chunks are looked at when they are read. */
static nb_status h5_vector_check_layout(nb_h5_vector *v, hid_t file, nb_error *err)
{
    hsize_t count = v->count, file_bytes = 0, rows = 0;
    size_t bytes;
    nb_h5_stored s = {.dataset = v->dataset, .properties = -1, .name = v->name, .rank = 1, .element = v->element};
    nb_status status;
    s.dims = &count;
    NB_TRY(nb_h5_total_bytes(v->name, 1, &count, v->element, &s.bytes, err));
    s.properties = H5Dget_create_plist(v->dataset);
    if (s.properties < 0 || H5Fget_filesize(file, &file_bytes) < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "look into dataset", v->name);
        goto done;
    }
    s.file_bytes = file_bytes;
    v->file_bytes = file_bytes;
    if (!s.bytes || H5Pget_layout(s.properties) != H5D_CHUNKED) {
        NB_TRY(nb_h5_check_contiguous(&s, err));
    } else if (!nb_h5_filters_are_ours(s.properties) || !nb_h5_chunk_shape(&s, &rows, &bytes)) {
        status = nb_h5_refuse(&s, "its chunks are not as they should be", err);
    }
    v->chunk_rows = (size_t)rows;
done:
    if (s.properties >= 0) {
        H5Pclose(s.properties);
    }
    return status;
}

nb_status nb_h5_vector_open(nb_h5_vector *v, hid_t file, const char *name, hid_t mem_type, size_t mem_size,
                            nb_error *err)
{
    hsize_t count;
    nb_status status;
    *v = (nb_h5_vector){.type = mem_type, .name = name, .element = mem_size};
    v->dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (v->dataset < 0) {
        v->dataset = 0;
        status = nb_h5_fail(err, NB_ERR_INPUT, "open dataset", name);
        goto done;
    }
    NB_TRY(nb_h5_dataset_dims(v->dataset, name, 1, &count, err));
    v->count = (size_t)count;
    if (!nb_h5_dataset_is(v->dataset, mem_type)) {
        status = nb_fail(err, NB_ERR_INPUT, "dataset '%s' holds elements of another type than belongs there", name);
        goto done;
    }
    NB_TRY(h5_vector_check_layout(v, file, err));
done:
    if (status != NB_OK) {
        nb_h5_vector_close(v);
    }
    return status;
}

void nb_h5_vector_close(nb_h5_vector *v)
{
    if (v->dataset > 0) {
        H5Dclose(v->dataset);
    }
    free(v->chunk);
    nb_h5_unpacker_close(&v->unpacker);
    *v = (nb_h5_vector){0};
}

/* Has the chunk in v->chunk. */
static nb_status h5_vector_load(nb_h5_vector *v, size_t chunk, nb_error *err)
{
    const nb_h5_stored s = {.dataset = v->dataset, .name = v->name, .element = v->element, .file_bytes = v->file_bytes};
    const nb_h5_place_of place = {chunk * v->chunk_rows, v->chunk_rows * v->element};
    nb_status status = NB_OK;
    if (chunk + 1 == v->loaded) {
        return NB_OK;
    }
    if (!v->chunk) {
        NB_TRY_NEW(v->chunk, place.bytes);
    }
    v->loaded = 0;
    NB_TRY(nb_h5_unpack_chunk(&s, &v->unpacker, &place, v->chunk, err));
    v->loaded = chunk + 1;
done:
    return status;
}

static nb_status h5_vector_read_chunks(nb_h5_vector *v, size_t begin, size_t count, void *out, nb_error *err)
{
    unsigned char *to = out;
    nb_status status = NB_OK;
    while (count && status == NB_OK) {
        size_t within = begin % v->chunk_rows, rest = v->chunk_rows - within, part = count < rest ? count : rest;
        status = h5_vector_load(v, begin / v->chunk_rows, err);
        if (status == NB_OK) {
            memcpy(to, v->chunk + within * v->element, part * v->element);
        }
        to += part * v->element;
        begin += part;
        count -= part;
    }
    return status;
}

nb_status nb_h5_vector_read(nb_h5_vector *v, size_t begin, size_t count, void *out, nb_error *err)
{
    hsize_t at = begin, length = count;
    if (begin > v->count || count > v->count - begin) {
        return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is damaged: elements %zu + %zu are beyond its %zu", v->name,
                       begin, count, v->count);
    }
    if (!count || v->chunk_rows) {
        return h5_vector_read_chunks(v, begin, count, out, err);
    }
    hid_t space = H5Dget_space(v->dataset), memory = H5Screate_simple(1, &length, NULL);
    bool read = space >= 0 && memory >= 0 &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, NULL, &length, NULL) >= 0 &&
                H5Dread(v->dataset, v->type, memory, space, H5P_DEFAULT, out) >= 0;
    nb_status status = read ? NB_OK : nb_h5_fail(err, NB_ERR_INPUT, "read dataset", v->name);
    if (space >= 0) {
        H5Sclose(space);
    }
    if (memory >= 0) {
        H5Sclose(memory);
    }
    return status;
}

nb_status nb_h5_strings_read(nb_h5_vector *bytes, nb_h5_vector *offsets, size_t begin, size_t count,
                             nb_strings *strings, nb_error *err)
{
    nb_strings s = {.count = count, .cap_count = count + 1};
    nb_status status;
    NB_TRY_NEW(s.offset, count + 1);
    NB_TRY(nb_h5_vector_read(offsets, begin, count + 1, s.offset, err));
    uint64_t first = s.offset[0], last = s.offset[count];
    if (last < first || last > bytes->count) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", offsets->name);
        goto done;
    }
    for (size_t i = 0; i <= count; i++) {
        s.offset[i] -= first;
    }
    s.cap_bytes = (size_t)(last - first);
    NB_TRY_NEW(s.bytes, s.cap_bytes + 1);
    NB_TRY(nb_h5_vector_read(bytes, (size_t)first, s.cap_bytes, s.bytes, err));
    if (!nb_h5_strings_sound(&s, s.cap_bytes)) {
        status = nb_fail(err, NB_ERR_INPUT, "strings '%s' are damaged", offsets->name);
    }
done:
    if (status != NB_OK) {
        nb_strings_free(&s);
    }
    *strings = s;
    return status;
}
