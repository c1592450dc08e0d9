#include "common/store/hdf5/h5_stored.h"

#include "common/store/hdf5/zstd_codec.h"

#include <errno.h>
#include <stdlib.h>

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

nb_status nb_h5_check_chunk(const nb_h5_stored *s, hsize_t row, size_t bytes, nb_error *err)
{
    hsize_t offset[NB_H5_RANK_MAX] = {row}, packed = 0;
    haddr_t at = HADDR_UNDEF;
    unsigned skipped = 0;
    uint32_t skipped_too = 0;
    bool whole = false;
    if (H5Dget_chunk_info_by_coord(s->dataset, offset, &skipped, &at, &packed) >= 0 && at != HADDR_UNDEF && !skipped &&
        packed && packed <= s->file_bytes) {
        void *raw = nb_alloc((size_t)packed, 1, err);
        if (!raw) {
            return NB_ERR_LIMIT;
        }
        whole = H5Dread_chunk(s->dataset, H5P_DEFAULT, offset, &skipped_too, raw) >= 0 &&
                nb_zstd_unpacked_bytes(raw, (size_t)packed) == bytes;
        free(raw);
    }
    return whole ? NB_OK : nb_h5_refuse(s, "a chunk is missing or incomplete", err);
}

nb_status nb_h5_read_failed(const char *name, nb_error *err)
{
    return errno == ENOMEM ? nb_fail(err, NB_ERR_LIMIT, "out of memory to unpack dataset '%s'", name)
                           : nb_h5_fail(err, NB_ERR_INPUT, "read dataset", name);
}

static nb_status h5_stored_check_chunks(const nb_h5_stored *s, nb_error *err)
{
    hsize_t rows;
    size_t bytes;
    if (!nb_h5_filters_are_ours(s->properties)) {
        return nb_h5_refuse(s, "its chunks are not compressed as they should be", err);
    }
    if (!nb_h5_chunk_shape(s, &rows, &bytes)) {
        return nb_h5_refuse(s, "its chunks have no proper shape", err);
    }
    nb_status status = NB_OK;
    for (hsize_t row = 0; row < s->dims[0] && status == NB_OK; row += rows) {
        status = nb_h5_check_chunk(s, row, bytes, err);
    }
    return status;
}

nb_status nb_h5_check_stored(const nb_h5_stored *s, nb_error *err)
{
    if (!s->bytes) {
        return NB_OK;
    }
    H5D_layout_t layout = H5Pget_layout(s->properties);
    if (layout == H5D_CHUNKED) {
        return h5_stored_check_chunks(s, err);
    }
    bool whole = layout == H5D_CONTIGUOUS && H5Pget_external_count(s->properties) == 0 &&
                 H5Dget_storage_size(s->dataset) == s->bytes && s->bytes <= s->file_bytes;
    return whole ? NB_OK : nb_h5_refuse(s, "its bytes are not all in the file", err);
}
