/* Whether a dataset is stored as h5.c stores it, looked at before HDF5 reads it (see h5_read.c). Nothing here is
 * collective. */
#ifndef NB_COMMON_STORE_HDF5_H5_STORED_H
#define NB_COMMON_STORE_HDF5_H5_STORED_H

#include "common/store/hdf5/h5_internal.h"

/** Most dimensions of a dataset. */
enum { NB_H5_RANK_MAX = 8 };

/** A dataset that is about to be read. */
typedef struct nb_h5_stored {
    hid_t dataset, properties; /**< open; its creation properties */
    const char *name;          /**< for messages */
    size_t rank;               /**< its dimensions */
    size_t element;            /**< bytes of an element */
    size_t bytes;              /**< of the whole dataset, unpacked */
    const hsize_t *dims;       /**< [rank] */
    hsize_t file_bytes;        /**< of the whole file */
} nb_h5_stored;

/** Refuses a dataset.
 *
 * @param s    the dataset
 * @param what how it is damaged
 * @return NB_ERR_INPUT */
nb_status nb_h5_refuse(const nb_h5_stored *s, const char *what, nb_error *err);

/** True when the filters of creation `properties` are shuffling or nothing, then zstd. */
bool nb_h5_filters_are_ours(hid_t properties);

/** The shape of a dataset's chunks.
 *
 * @param s     the dataset
 * @param rows  whole rows a chunk
 * @param bytes of one chunk unpacked
 * @return false when chunks are no whole rows, or over 1 GiB. */
bool nb_h5_chunk_shape(const nb_h5_stored *s, hsize_t *rows, size_t *bytes);

/** Checks that a chunk is stored, packed by all filters, and unpacks to its full size: HDF5 does not compare the two.
 *
 * @param s     the dataset
 * @param row   the chunk's first
 * @param bytes of it unpacked
 * @return NB_OK, NB_ERR_INPUT when it is missing or incomplete, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_h5_check_chunk(const nb_h5_stored *s, hsize_t row, size_t bytes, nb_error *err);

/** What a read that failed says, errno having been 0 before it: the filter has no other way to say that it had no
 * memory to unpack into.
 *
 * @param name of the dataset
 * @return NB_ERR_LIMIT when memory was out, else NB_ERR_INPUT. */
nb_status nb_h5_read_failed(const char *name, nb_error *err);

/** Checks that all bytes of a dataset are stored, in this file.
 *
 * @param s the dataset
 * @return as nb_h5_check_chunk. */
NB_CHECKED nb_status nb_h5_check_stored(const nb_h5_stored *s, nb_error *err);

#endif
