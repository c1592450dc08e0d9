/* What HDF5 is to read is looked at before, by a reader of our own that takes nothing on trust: the HDF5 library
 * (1.10.8) does not survive metadata that are made to harm it, whose checksums anyone can make right.
 *
 * Accepted is what our writer writes (h5.c), and nothing else: a superblock of version 3 behind the user block; object
 * headers of version 2 with their continuations; groups whose links are hard and stand in the header; attributes of one
 * value on the root; dataspaces with fixed dimensions; whole numbers, IEEE floating-point numbers, and strings of fixed
 * or variable length; no fill value; datasets in one piece or in chunks of whole rows, packed by zstd, with shuffle
 * before it for wide elements, found by one chunk's address or a fixed array. All that is named lies in the file, no
 * two things share a byte, and HDF5's checksums are right. What chunks unpack to has a bound. Any object is looked at
 * once, and nothing recurses.
 *
 * Unknown are the names and meanings of datasets: that is for the readers of each kind of file. */
#ifndef NB_COMMON_STORE_HDF5_STRUCTURE_H
#define NB_COMMON_STORE_HDF5_STRUCTURE_H

#include "common/base/file.h"

/** Limits of what is accepted; their names in messages stand behind them. */
enum {
    NB_STRUCTURE_OBJECTS_MAX = 2000,     /**< groups and datasets of a file: h5-objects */
    NB_STRUCTURE_DEPTH_MAX = 8,          /**< groups in groups: h5-depth */
    NB_STRUCTURE_PARTS_MAX = 64,         /**< continuations of an object header: h5-headers */
    NB_STRUCTURE_HEAP_OBJECTS = 8192,    /**< strings in one heap: h5-heap */
    NB_STRUCTURE_CHUNK_MAX = 1 << 30,    /**< bytes of a chunk, unpacked */
    NB_STRUCTURE_UNPACKED_MIN = 1 << 26, /**< bytes that all chunks of any file may unpack to: h5-unpacked */
    NB_STRUCTURE_UNPACKED_TIMES = 256,   /**< beyond that: times the size of the file */
    NB_STRUCTURE_TEXTS_TIMES = 4096      /**< as much for a file of nothing but texts, which may be much alike */
};
/** Bytes of one dataset, unpacked: h5-dataset. */
#define NB_STRUCTURE_DATASET_MAX ((uint64_t)1 << 40)

/** Checks a file.
 *
 * @param map   the whole file with its user block
 * @param path  for messages
 * @param times NB_STRUCTURE_UNPACKED_TIMES, or more
 * @return NB_OK, NB_ERR_INPUT when anything in it is not as our writer writes it, or NB_ERR_LIMIT over a limit, which
 * the message names, or when memory is out. */
NB_CHECKED nb_status nb_structure_check(const nb_map *map, const char *path, unsigned times, nb_error *err);

#endif
