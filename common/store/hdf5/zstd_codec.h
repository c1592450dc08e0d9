/* The zstd filter of HDF5 (registered id 32015), which Debian's HDF5 lacks: its work, free of HDF5's functions. The
 * program registers it (common/store/hdf5/zstd_filter.h), and the plugin for other programs is built of it
 * (common/store/plugin/h5zstd.c). Every chunk is one zstd frame with a content checksum. */
#ifndef NB_COMMON_STORE_HDF5_ZSTD_CODEC_H
#define NB_COMMON_STORE_HDF5_ZSTD_CODEC_H

#include <stddef.h>

/** The filter's registered id, and the level of compression that our files are written at. */
enum { NB_ZSTD_FILTER = 32015, NB_ZSTD_LEVEL = 9 };

/** Bytes that a stored chunk unpacks to, by its frame's header. Not collective.
 *
 * @param frame the chunk as stored
 * @param count its bytes
 * @return 0 for what is no chunk of ours: no zstd frame, one that does not say its size, or over 1 GiB. */
size_t nb_zstd_unpacked_bytes(const void *frame, size_t count);

/** The filter as HDF5 calls it (H5Z_func_t): packs `count` bytes of *buffer, or unpacks them, into new memory of malloc
 * that takes their place. Not collective.
 *
 * @param flags       H5Z_FLAG_REVERSE in them: unpack
 * @param value_count number of `values`
 * @param values      values[0] is the level of compression, NB_ZSTD_LEVEL without one
 * @param count       bytes in use of *buffer
 * @param buffer_size bytes of *buffer, set to those of the new memory
 * @param buffer      the memory, freed when it is replaced
 * @return bytes in use afterwards; 0 on failure, with the buffer as it was, and errno ENOMEM when memory was out. */
size_t nb_zstd_codec(unsigned flags, size_t value_count, const unsigned values[], size_t count, size_t *buffer_size,
                     void **buffer);

#endif
