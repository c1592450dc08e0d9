/* Vectors and lists of strings, read in parts (see h5_read.c for what is refused). */
#include "common/store/hdf5/h5_stored.h"

#include <errno.h>
#include <stdlib.h>

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
        NB_TRY(nb_h5_check_stored(&s, err));
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
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    *v = (nb_h5_vector){.type = mem_type, .name = name, .element = mem_size};
    /* room for a chunk and the next: without it HDF5 unpacks a chunk at every read */
    if (access < 0 || H5Pset_chunk_cache(access, 101, 4 << 20, 1) < 0) {
        status = nb_h5_fail(err, NB_ERR_LIMIT, "prepare dataset", name);
        goto done;
    }
    v->dataset = H5Dopen2(file, name, access);
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
    if (access >= 0) {
        H5Pclose(access);
    }
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
    *v = (nb_h5_vector){0};
}

static nb_status h5_vector_check_chunks_of(nb_h5_vector *v, size_t begin, size_t count, nb_error *err)
{
    nb_h5_stored s = {.dataset = v->dataset, .name = v->name, .file_bytes = v->file_bytes};
    for (size_t chunk = begin / v->chunk_rows; chunk <= (begin + count - 1) / v->chunk_rows; chunk++) {
        nb_status status = NB_OK;
        if (chunk + 1 != v->checked) {
            status = nb_h5_check_chunk(&s, chunk * v->chunk_rows, v->chunk_rows * v->element, err);
        }
        if (status != NB_OK) {
            return status;
        }
        v->checked = chunk + 1;
    }
    return NB_OK;
}

nb_status nb_h5_vector_read(nb_h5_vector *v, size_t begin, size_t count, void *out, nb_error *err)
{
    hsize_t at = begin, length = count;
    nb_status status;
    if (begin > v->count || count > v->count - begin) {
        return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is damaged: elements %zu + %zu are beyond its %zu", v->name,
                       begin, count, v->count);
    }
    if (!count) {
        return NB_OK;
    }
    status = v->chunk_rows ? h5_vector_check_chunks_of(v, begin, count, err) : NB_OK;
    if (status != NB_OK) {
        return status;
    }
    hid_t space = H5Dget_space(v->dataset), memory = H5Screate_simple(1, &length, NULL);
    errno = 0;
    bool read = space >= 0 && memory >= 0 &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, &at, NULL, &length, NULL) >= 0 &&
                H5Dread(v->dataset, v->type, memory, space, H5P_DEFAULT, out) >= 0;
    if (space >= 0) {
        H5Sclose(space);
    }
    if (memory >= 0) {
        H5Sclose(memory);
    }
    return read ? NB_OK : nb_h5_read_failed(v->name, err);
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
