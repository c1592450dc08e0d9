/* What the writing and the reading half of embedding stores share. */
#ifndef NB_STORE_EMBEDDINGS_INTERNAL_H
#define NB_STORE_EMBEDDINGS_INTERNAL_H

#include "common/store/embeddings.h"

/** Checksum of a tile, never 0. Not collective.
 *
 * @param plan  of the store
 * @param tile  its number
 * @param rows  as stored [n, row bytes], n the tile's rows
 * @param norms floats [n], at any alignment */
uint64_t nb_store_tile_checksum(const nb_store_plan *plan, size_t tile, const void *rows, const void *norms);

#endif
