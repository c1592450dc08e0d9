/**
 * @file
 * The order in which a stream's images come.
 */
#ifndef NB_SCORING_STREAMS_STREAM_ORDER_H
#define NB_SCORING_STREAMS_STREAM_ORDER_H

#include "common/base/memory.h"

/** Reads an order from a file: row numbers, counted from 0, when every line is one (or an .npy vector of integers),
 * else image names. It lists every image exactly once.
 * @param order [names->count], freed by the caller; NULL after a failure
 * @param path the file
 * @param names of the images
 * @return NB_OK, NB_ERR_INPUT naming file and line for an unknown name or number, one that comes twice, a name that
 * several images have, and when images are left out; NB_ERR_IO, or NB_ERR_LIMIT when memory is out */
nb_status nb_stream_order_read(size_t **order, const char *path, const nb_strings *names, nb_error *err);

/** Mixes images: a permutation (Fisher-Yates) that depends on seed and count alone.
 * @param order [count], freed by the caller; NULL after a failure
 * @param count images
 * @param seed of the random numbers
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_stream_order_mixed(size_t **order, size_t count, uint64_t seed, nb_error *err);

#endif
