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

/** A chunk of a dataset. */
typedef struct nb_h5_place_of {
    hsize_t row;  /**< its first */
    size_t bytes; /**< of it unpacked */
} nb_h5_place_of;

/** Reads and unpacks a chunk. HDF5's filters have no part in it: they need not be registered, and HDF5 does not compare
 * what a chunk unpacks to with what it should.
 *
 * @param s     the dataset
 * @param u     the working memory
 * @param place which chunk
 * @param out   [place->bytes]
 * @return NB_OK, NB_ERR_INPUT when it is missing or does not unpack to its full size, or NB_ERR_LIMIT when memory is
 * out. */
NB_CHECKED nb_status nb_h5_unpack_chunk(const nb_h5_stored *s, nb_h5_unpacker *u, const nb_h5_place_of *place,
                                        void *out, nb_error *err);

/** Frees what `u` holds, which becomes {0}. */
void nb_h5_unpacker_close(nb_h5_unpacker *u);

/** Checks that a dataset lies in one piece, all of it in this file.
 *
 * @param s the dataset
 * @return NB_OK, or NB_ERR_INPUT. */
NB_CHECKED nb_status nb_h5_check_contiguous(const nb_h5_stored *s, nb_error *err);

/** Reads a whole dataset, all of whose bytes must be stored in this file.
 *
 * @param s    the dataset
 * @param type of its elements
 * @param out  [s->bytes]
 * @return as nb_h5_unpack_chunk. */
NB_CHECKED nb_status nb_h5_read_stored(const nb_h5_stored *s, hid_t type, void *out, nb_error *err);

#endif
