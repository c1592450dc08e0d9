#include "common/store/hdf5/h5_stored.h"

#include "common/store/hdf5/zstd_codec.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { CHUNK_BYTES_MAX = 1 << 30 };

nb_status nb_h5_refuse(const nb_h5_stored *s, const char *what, nb_error *err)
{
    return nb_fail(err, NB_ERR_INPUT, "dataset '%s' is damaged: %s", s->name, what);
}

bool nb_h5_filters_are_ours(hid_t properties)
{
    int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; i++) {
        unsigned flags;
        size_t values = 0;
        H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
        if (filter != (i + 1 == count ? NB_ZSTD_FILTER : H5Z_FILTER_SHUFFLE)) {
            return false;
        }
    }
    return count == 1 || count == 2;
}

bool nb_h5_chunk_shape(const nb_h5_stored *s, hsize_t *rows, size_t *bytes)
{
    hsize_t chunk[NB_H5_RANK_MAX];
    if (H5Pget_chunk(s->properties, NB_H5_RANK_MAX, chunk) != (int)s->rank) {
        return false;
    }
    *rows = chunk[0];
    *bytes = s->element;
    for (size_t i = 0; i < s->rank; i++) {
        if ((i && chunk[i] != s->dims[i]) || !nb_mul_size(*bytes, (size_t)chunk[i], bytes)) {
            return false;
        }
    }
    return *bytes && *bytes <= CHUNK_BYTES_MAX;
}

void nb_h5_unpacker_close(nb_h5_unpacker *u)
{
    free(u->packed);
    free(u->shuffled);
    *u = (nb_h5_unpacker){0};
}

/* Room for `bytes` bytes; what was in it is lost. */
static nb_status h5_stored_make_room(unsigned char **buffer, size_t *capacity, size_t bytes, nb_error *err)
{
    nb_status status = NB_OK;
    if (bytes > *capacity) {
        free(*buffer);
        *capacity = 0;
        NB_TRY_NEW(*buffer, bytes);
        *capacity = bytes;
    }
done:
    return status;
}

/* Reads a chunk as it is stored; *len 0: it is not stored whole. */
static nb_status h5_stored_read_packed(const nb_h5_stored *s, nb_h5_unpacker *u, hsize_t row, size_t *len,
                                       nb_error *err)
{
    hsize_t offset[NB_H5_RANK_MAX] = {row}, packed = 0;
    uint32_t skipped = 0;
    nb_status status = NB_OK;
    *len = 0;
    if (H5Dget_chunk_storage_size(s->dataset, offset, &packed) < 0 || !packed || packed > s->file_bytes) {
        return NB_OK;
    }
    NB_TRY(h5_stored_make_room(&u->packed, &u->packed_capacity, (size_t)packed, err));
    *len = H5Dread_chunk(s->dataset, H5P_DEFAULT, offset, &skipped, u->packed) >= 0 && !skipped ? (size_t)packed : 0;
done:
    return status;
}

/* Undoes HDF5's shuffle: first the first bytes of all elements, then the second ones, ... */
static void h5_stored_unshuffle(const unsigned char *from, size_t count, size_t element, unsigned char *out)
{
    for (size_t b = 0; b < element; b++) {
        for (size_t i = 0; i < count; i++) {
            out[i * element + b] = from[b * count + i];
        }
    }
}

nb_status nb_h5_unpack_chunk(const nb_h5_stored *s, nb_h5_unpacker *u, const nb_h5_place_of *place, void *out,
                             nb_error *err)
{
    size_t len, bytes = place->bytes;
    nb_status status;
    NB_TRY(h5_stored_read_packed(s, u, place->row, &len, err));
    if (!len || nb_zstd_unpacked_bytes(u->packed, len) != bytes) {
        return nb_h5_refuse(s, "a chunk is missing or incomplete", err);
    }
    if (s->element > 1) {
        NB_TRY(h5_stored_make_room(&u->shuffled, &u->shuffled_capacity, bytes, err));
    }
    if (ZSTD_decompress(s->element > 1 ? u->shuffled : out, bytes, u->packed, len) != bytes) {
        return nb_h5_refuse(s, "a chunk does not decompress", err);
    }
    if (s->element > 1) {
        h5_stored_unshuffle(u->shuffled, bytes / s->element, s->element, out);
    }
done:
    return status;
}

/* All chunks into their places; the last one may hold rows beyond the end. */
static nb_status h5_stored_read_chunks(const nb_h5_stored *s, unsigned char *out, nb_error *err)
{
    nb_h5_unpacker u = {0};
    unsigned char *last = NULL;
    hsize_t rows;
    size_t bytes;
    nb_status status = NB_OK;
    if (!nb_h5_filters_are_ours(s->properties)) {
        return nb_h5_refuse(s, "its chunks are not compressed as they should be", err);
    }
    if (!nb_h5_chunk_shape(s, &rows, &bytes)) {
        return nb_h5_refuse(s, "its chunks have no proper shape", err);
    }
    size_t row_bytes = bytes / (size_t)rows;
    for (hsize_t row = 0; row < s->dims[0]; row += rows) {
        const nb_h5_place_of place = {row, bytes};
        unsigned char *to = out + (size_t)row * row_bytes;
        size_t left = (size_t)(s->dims[0] - row);
        if (left >= rows) {
            NB_TRY(nb_h5_unpack_chunk(s, &u, &place, to, err));
        } else {
            NB_TRY_NEW(last, bytes);
            NB_TRY(nb_h5_unpack_chunk(s, &u, &place, last, err));
            memcpy(to, last, left * row_bytes);
        }
    }
done:
    free(last);
    nb_h5_unpacker_close(&u);
    return status;
}

nb_status nb_h5_check_contiguous(const nb_h5_stored *s, nb_error *err)
{
    bool whole = H5Pget_layout(s->properties) == H5D_CONTIGUOUS && H5Pget_external_count(s->properties) == 0 &&
                 H5Dget_storage_size(s->dataset) == s->bytes && s->bytes <= s->file_bytes;
    return whole || !s->bytes ? NB_OK : nb_h5_refuse(s, "its bytes are not all in the file", err);
}

nb_status nb_h5_read_stored(const nb_h5_stored *s, hid_t type, void *out, nb_error *err)
{
    if (!s->bytes) {
        return NB_OK;
    }
    if (H5Pget_layout(s->properties) == H5D_CHUNKED) {
        return h5_stored_read_chunks(s, out, err);
    }
    nb_status status = nb_h5_check_contiguous(s, err);
    if (status == NB_OK && H5Dread(s->dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0) {
        status = nb_h5_fail(err, NB_ERR_INPUT, "read dataset", s->name);
    }
    return status;
}
