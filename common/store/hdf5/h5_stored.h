/* Whether a dataset is stored as h5.c stores it, looked at before HDF5 reads it (see h5_read.c). */
#ifndef NB_COMMON_STORE_HDF5_H5_STORED_H
#define NB_COMMON_STORE_HDF5_H5_STORED_H

#include "common/store/hdf5/h5_internal.h"

enum { NB_H5_RANK_MAX = 8 };

/* A dataset that is about to be read. */
typedef struct nb_h5_stored {
    hid_t dataset, properties;
    const char *name;
    size_t rank, element, bytes; /* bytes: of the whole dataset */
    const hsize_t *dims;
    hsize_t file_bytes;
} nb_h5_stored;

/* NB_ERR_INPUT: the dataset is damaged, and how. */
nb_status nb_h5_refuse(const nb_h5_stored *s, const char *what, nb_error *err);
/* Shuffling or nothing, then zstd. */
bool nb_h5_filters_are_ours(hid_t properties);
/* Chunks of whole rows; *rows a chunk, *bytes of one unpacked. */
bool nb_h5_chunk_shape(const nb_h5_stored *s, hsize_t *rows, size_t *bytes);
/* One chunk is stored, packed by all filters, and unpacks to exactly `bytes`: HDF5 does not compare the two. */
nb_status nb_h5_check_chunk(const nb_h5_stored *s, hsize_t row, size_t bytes, nb_error *err);
/* What a read that failed says, errno having been 0 before it: the filter has no other way to say that it had no memory
 * to unpack into. */
nb_status nb_h5_read_failed(const char *name, nb_error *err);
/* All bytes of the dataset are stored, in this file. */
nb_status nb_h5_check_stored(const nb_h5_stored *s, nb_error *err);

#endif
