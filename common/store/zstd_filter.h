/* The zstd filter of HDF5 (registered id 32015), which Debian's HDF5 lacks. Every chunk is one zstd frame with a
 * content checksum. */
#ifndef NB_STORE_ZSTD_FILTER_H
#define NB_STORE_ZSTD_FILTER_H

#include "common/base/status.h"

enum { NB_ZSTD_FILTER = 32015, NB_ZSTD_LEVEL = 9 };

/* Bytes a stored chunk unpacks to by its frame's header; 0 for what is no chunk of ours: no such frame, or over 1 GiB.
 */
size_t nb_zstd_unpacked_bytes(const void *frame, size_t count);

/* The filter itself, as HDF5 calls it (H5Z_func_t): packs `count` bytes of *buffer, or unpacks them with
 * H5Z_FLAG_REVERSE in `flags`, into new memory of malloc in their place. Bytes in use afterwards; 0 on failure, with
 * the buffer as it was. */
size_t nb_zstd_codec(unsigned flags, size_t value_count, const unsigned values[], size_t count, size_t *buffer_size,
                     void **buffer);

/* Registers the filter with the HDF5 library of this process; harmless when done twice. */
nb_status nb_zstd_filter_register(nb_error *err);

#endif
