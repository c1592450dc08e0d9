/* What the writing (h5.c) and the reading (h5_read.c) half of h5.h share. */
#ifndef NB_COMMON_STORE_HDF5_H5_INTERNAL_H
#define NB_COMMON_STORE_HDF5_H5_INTERNAL_H

#include "common/store/hdf5/h5.h"
#include "common/store/hdf5/h5_error.h"

/* Quiets HDF5, keeps it inside the files it is given and registers the filter; harmless when done twice. */
nb_status nb_h5_start(nb_error *err);

/* Makes the groups in front of a dataset's name, without the times HDF5 gives those it makes by itself. */
nb_status nb_h5_create_groups(hid_t file, const char *name, nb_error *err);

/* Bytes of a whole dataset; NB_ERR_LIMIT over 1 TiB. */
nb_status nb_h5_total_bytes(const char *name, size_t rank, const hsize_t *dims, size_t element, size_t *bytes,
                            nb_error *err);

/* Checks that an open dataset is stored whole in this file, as h5.c stores it, and reads it into *data (a NUL behind
 * it), which the caller frees. */
nb_status nb_h5_read_checked(hid_t file, hid_t dataset, const char *name, hid_t type, size_t element, size_t rank,
                             const hsize_t *dims, void **data, nb_error *err);

/* The dimensions of an open dataset; NB_ERR_INPUT unless there are `rank` of them. */
nb_status nb_h5_dataset_dims(hid_t dataset, const char *name, size_t rank, hsize_t *dims, nb_error *err);
/* True when the elements of an open dataset are stored as `want`. */
bool nb_h5_dataset_is(hid_t dataset, hid_t want);
/* Every string must end in its NUL inside the block, hold no other, and be UTF-8. */
bool nb_h5_strings_sound(const nb_strings *s, size_t bytes);

nb_status nb_h5_dataset_offset(hid_t dataset, const char *name, uint64_t *offset, nb_error *err);

#endif
