#include "common/store/hdf5/h5_chunks.h"

#include "common/store/hdf5/h5_internal.h"
#include "common/store/hdf5/h5_memory.h"
#include "common/store/hdf5/zstd_codec.h"

#include <stdlib.h>
#include <zstd.h>

void nb_h5_packer_close(nb_h5_packer *p)
{
    ZSTD_freeCCtx(p->context);
    free(p->shuffled);
    free(p->packed);
    *p = (nb_h5_packer){.level = p->level};
}

static nb_status h5_chunks_reserve(nb_h5_packer *p, size_t bytes, nb_error *err)
{
    nb_status status = NB_OK;
    if (!p->context && !(p->context = ZSTD_createCCtx())) {
        return nb_fail(err, NB_ERR_LIMIT, "out of memory for packing");
    }
    if (bytes > p->capacity) {
        free(p->shuffled);
        free(p->packed);
        p->packed = NULL;
        NB_TRY_NEW(p->shuffled, bytes);
        NB_TRY_NEW(p->packed, ZSTD_compressBound(bytes));
        p->capacity = bytes;
        p->packed_capacity = ZSTD_compressBound(bytes);
    }
done:
    p->capacity = status == NB_OK ? p->capacity : 0;
    return status;
}

nb_status nb_h5_pack(nb_h5_packer *p, const void *elements, size_t count, size_t width, size_t *len, nb_error *err)
{
    const char *from = elements;
    nb_status status = h5_chunks_reserve(p, count * width, err);
    if (status != NB_OK) {
        return status;
    }
    for (size_t b = 0; width > 1 && b < width; b++) { /* HDF5's shuffle: first bytes first, then second ones, ... */
        for (size_t i = 0; i < count; i++) {
            p->shuffled[b * count + i] = from[i * width + b];
        }
    }
    ZSTD_CCtx *context = p->context;
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, p->level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    *len = ZSTD_compress2(context, p->packed, p->packed_capacity, width > 1 ? p->shuffled : from, count * width);
    return ZSTD_isError(*len) ? nb_fail(err, NB_ERR_LIMIT, "zstd cannot pack: %s", ZSTD_getErrorName(*len)) : NB_OK;
}

nb_status nb_h5_chunked(hid_t *dataset, hid_t file, const char *name, const nb_h5_chunking *chunking, nb_error *err)
{
    size_t width = H5Tget_size(chunking->type);
    hsize_t dims = chunking->count, chunk = nb_h5_chunk_elements(chunking->count, width);
    nb_status status = nb_h5_create_groups(file, name, err);
    if (status != NB_OK) {
        return status;
    }
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    H5Pset_chunk(plist, 1, &chunk);
    if (width > 1) {
        H5Pset_shuffle(plist);
    }
    unsigned value = (unsigned)chunking->level;
    H5Pset_filter(plist, NB_ZSTD_FILTER, H5Z_FLAG_MANDATORY, 1, &value);
    hid_t space = H5Screate_simple(1, &dims, NULL);
    *dataset = H5Dcreate2(file, name, chunking->type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (*dataset < 0) {
        status = nb_h5_fail(err, NB_ERR_IO, "create dataset", name);
    }
    H5Sclose(space);
    H5Pclose(plist);
    return status;
}

nb_status nb_h5_place(hid_t file, const char *path, const nb_h5_chunk *chunk, uint64_t *offset, nb_error *err)
{
    hid_t dataset = chunk->dataset, plist = H5Dget_create_plist(dataset);
    hsize_t elements = 1;
    nb_h5_memory *memory = nb_h5_memory_of(file);
    nb_status status;
    char *bytes = NULL;
    H5Pget_chunk(plist, 1, &elements);
    H5Pclose(plist);
    hsize_t at = chunk->number * elements;
    NB_TRY_NEW(bytes, chunk->len); /* HDF5 passes it on to the driver, which knows it and learns where it belongs */
    memory->left_out = bytes;
    memory->left_out_at = 0;
    herr_t entered = H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &at, chunk->len, bytes);
    memory->left_out = NULL;
    *offset = memory->left_out_at;
    if (entered < 0) {
        status = nb_h5_fail(err, NB_ERR_LIMIT, "enter a chunk into", path);
        goto done;
    }
    NB_TRY(nb_h5_memory_check(memory, path, err));
    if (!*offset) {
        status = nb_fail(err, NB_ERR_INTERNAL, "HDF5 does not say where a chunk of %zu bytes lies", chunk->len);
    }
done:
    free(bytes);
    return status;
}
