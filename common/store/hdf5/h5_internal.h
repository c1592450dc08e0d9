/* What the writing (h5.c) and the reading (h5_read.c) half of h5.h share. Nothing here is collective. */
#ifndef NB_COMMON_STORE_HDF5_H5_INTERNAL_H
#define NB_COMMON_STORE_HDF5_H5_INTERNAL_H

#include "common/store/hdf5/h5.h"
#include "common/store/hdf5/h5_error.h"

/** Refuses a text for its length.
 *
 * @param name  of the dataset
 * @param bytes it has, with its NUL
 * @param most  it may have
 * @return NB_ERR_LIMIT */
nb_status nb_h5_text_too_long(const char *name, size_t bytes, size_t most, nb_error *err);

/** Makes the groups in front of a dataset's name, without the times HDF5 gives those it makes by itself.
 *
 * @param file made by nb_h5_create
 * @param name of the dataset
 * @return NB_OK, or NB_ERR_IO when HDF5 fails. */
NB_CHECKED nb_status nb_h5_create_groups(hid_t file, const char *name, nb_error *err);

/** Bytes of a whole dataset.
 *
 * @param name    for messages
 * @param rank    its dimensions
 * @param dims    [rank]
 * @param element bytes of an element
 * @param bytes   the product
 * @return NB_OK, or NB_ERR_LIMIT over 1 TiB. */
NB_CHECKED nb_status nb_h5_total_bytes(const char *name, size_t rank, const hsize_t *dims, size_t element,
                                       size_t *bytes, nb_error *err);

/** Checks that an open dataset is stored whole in this file, as h5.c stores it, and reads it.
 *
 * @param file    the file it is in
 * @param dataset open
 * @param name    for messages
 * @param want    the type in memory and the dimensions it has
 * @param data    the elements and a NUL behind them, freed by the caller
 * @return as nb_h5_get. */
NB_CHECKED nb_status nb_h5_read_checked(hid_t file, hid_t dataset, const char *name, const nb_h5_array *want,
                                        void **data, nb_error *err);

/** The dimensions of an open dataset.
 *
 * @param dataset open
 * @param name    for messages
 * @param rank    dimensions it must have
 * @param dims    [rank]
 * @return NB_OK, or NB_ERR_INPUT when there are not `rank` of them. */
NB_CHECKED nb_status nb_h5_dataset_dims(hid_t dataset, const char *name, size_t rank, hsize_t *dims, nb_error *err);

/** True when the elements of an open `dataset` are stored as `want`. */
bool nb_h5_dataset_is(hid_t dataset, hid_t want);

/** True when every string of `s` ends in its NUL inside the block of `bytes`, holds no other, and is UTF-8. */
bool nb_h5_strings_sound(const nb_strings *s, size_t bytes);

/** Where an open contiguous dataset's bytes lie.
 *
 * @param dataset open
 * @param name    for messages
 * @param offset  from the file's begin
 * @return NB_OK, or NB_ERR_INPUT when it is not stored so. */
NB_CHECKED nb_status nb_h5_dataset_offset(hid_t dataset, const char *name, uint64_t *offset, nb_error *err);

#endif
