#include "common/store/hdf5/zstd_codec.h"

#include <errno.h>
#include <hdf5.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

enum { CHUNK_BYTES_MAX = 1 << 30 };

/* Replaces HDF5's buffer by ours; it frees with free(), as H5allocate_memory is malloc. */
static size_t zstd_codec_hand_over(void **buffer, size_t *buffer_size, void *fresh, size_t fresh_size, size_t used)
{
    free(*buffer);
    *buffer = fresh;
    *buffer_size = fresh_size;
    return used;
}

size_t nb_zstd_unpacked_bytes(const void *frame, size_t count)
{
    unsigned long long size = ZSTD_getFrameContentSize(frame, count);
    bool known = size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN && size <= CHUNK_BYTES_MAX;
    return known ? (size_t)size : 0;
}

static size_t zstd_codec_decompress(size_t count, size_t *buffer_size, void **buffer)
{
    size_t size = nb_zstd_unpacked_bytes(*buffer, count);
    void *out = size ? malloc(size) : NULL;
    if (size && !out) {
        errno = ENOMEM;
    }
    if (!out || ZSTD_decompress(out, size, *buffer, count) != size) {
        free(out);
        return 0;
    }
    return zstd_codec_hand_over(buffer, buffer_size, out, size, size);
}

static size_t zstd_codec_compress(int level, size_t count, size_t *buffer_size, void **buffer)
{
    size_t bound = ZSTD_compressBound(count);
    void *out = malloc(bound);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t got = 0;
    if (!out || !context) {
        errno = ENOMEM;
    }
    if (out && context && !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1))) {
        got = ZSTD_compress2(context, out, bound, *buffer, count);
    }
    ZSTD_freeCCtx(context);
    if (got == 0 || ZSTD_isError(got)) {
        free(out);
        return 0;
    }
    return zstd_codec_hand_over(buffer, buffer_size, out, bound, got);
}

size_t nb_zstd_codec(unsigned flags, size_t value_count, const unsigned values[], size_t count, size_t *buffer_size,
                     void **buffer)
{
    int level = value_count ? (int)values[0] : NB_ZSTD_LEVEL;
    return flags & H5Z_FLAG_REVERSE ? zstd_codec_decompress(count, buffer_size, buffer)
                                    : zstd_codec_compress(level, count, buffer_size, buffer);
}
