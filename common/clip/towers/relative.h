/** @file
 * Relative positions of T5 (Raffel et al.: Exploring the Limits of Transfer Learning with a Unified Text-to-Text
 * Transformer, 2020): every head adds a learned number to a score, one for each kind of distance of key and query. Near
 * distances are kinds of their own, farther ones share them in growing steps; before and behind are told apart. Scores
 * are not divided by the root of a head's width. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOWERS_RELATIVE_H
#define NB_COMMON_CLIP_TOWERS_RELATIVE_H

#include "common/base/status.h"
#include "common/linear/engine.h"

#include <stdint.h>

/** What one head adds to the scores of one sequence; borrowed. */
typedef struct nb_relative {
    const float *added;          /**< by place of the key less place of the query: [-longest + 1, longest - 1] */
    const uint16_t *query, *key; /**< [m], [n] the places of queries and keys, below `longest` */
} nb_relative;

/** The kind of a distance, as T5 counts them where tokens see both sides.
 * @param distance place of the key less place of the query
 * @param kinds of both sides, at least 4, even
 * @return 0 to kinds - 1 */
size_t nb_relative_kind(int distance, size_t kinds);

/** What every head adds, by distance.
 * @param[out] out [heads, 2 longest - 1], freed by the caller; NULL on failure
 * @param table [kinds, heads]
 * @param kinds of distances
 * @param heads of the tower
 * @param longest rows of a sequence at most
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_relative_create(float **out, const float *table, size_t kinds, size_t heads, size_t longest,
                             nb_error *err);

/** Attention of one head with relative positions: softmax(q k^T + added) v, in fp32.
 * @param attention as an engine gets it; its scratch holds n floats at least
 * @param relative of the head */
void nb_relative_attend(const nb_attention *attention, const nb_relative *relative);

#endif
