#include "common/store/hdf5/h5_chunks.h"

#include "common/store/hdf5/h5_internal.h"
#include "common/store/hdf5/h5_memory.h"
#include "common/store/hdf5/zstd_codec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { PAGE = 4096, MARK = 8 };

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

/* HDF5 says where a chunk lies, counted from the file's begin or from the end of its user block, as its version goes.
 * The mark that was written as the chunk's first bytes tells. */
static bool h5_chunks_find_mark(int fd, const char mark[MARK], uint64_t *offset)
{
    const uint64_t shifts[] = {0, NB_H5_USER_BLOCK};
    char seen[MARK];
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        if (pread(fd, seen, MARK, (off_t)(*offset + shifts[i])) == MARK && memcmp(seen, mark, MARK) == 0) {
            *offset += shifts[i];
            return true;
        }
    }
    return false;
}

nb_status nb_h5_place(hid_t file, const char *path, const nb_h5_chunk *chunk, uint64_t *offset, nb_error *err)
{
    static const char mark[MARK] = "nbchunk";
    hid_t dataset = chunk->dataset, plist = H5Dget_create_plist(dataset);
    size_t len = chunk->len;
    hsize_t elements = 1, size = 0;
    unsigned mask;
    haddr_t address = HADDR_UNDEF;
    nb_status status;
    char *bytes = NULL;
    H5Pget_chunk(plist, 1, &elements);
    H5Pclose(plist);
    hsize_t at = chunk->number * elements;
    NB_TRY_NEW(bytes, len < MARK ? MARK : len);
    memcpy(bytes, mark, MARK);
    /* a packed chunk is longer than the mark: a zstd frame has 13 bytes at least */
    if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &at, len, bytes) < 0 ||
        H5Dget_chunk_info_by_coord(dataset, &at, &mask, &address, &size) < 0) {
        status = nb_h5_fail(err, NB_ERR_LIMIT, "enter a chunk into", path);
        goto done;
    }
    *offset = address;
    const nb_h5_memory *memory = nb_h5_memory_of(file);
    NB_TRY(nb_h5_memory_check(memory, path, err));
    int fd = memory->fd;
    if (len < MARK || !h5_chunks_find_mark(fd, mark, offset)) {
        status = nb_fail(err, NB_ERR_INTERNAL, "HDF5 does not say where a chunk of %zu bytes lies", len);
        goto done;
    }
    uint64_t begin = (*offset + PAGE - 1) / PAGE * PAGE, end = (*offset + len) / PAGE * PAGE;
    if (begin < end) { /* memory only: what it holds is written by others */
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)begin, (off_t)(end - begin));
    }
done:
    free(bytes);
    return status;
}
