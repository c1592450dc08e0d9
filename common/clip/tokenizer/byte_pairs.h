/** @file
 * Byte-pair merging: a word's symbols are joined pair by pair, the most important pair first.
 *
 * While any pair of neighbours is in the list of merges, the pair of the lowest rank is replaced by its merge at all
 * its places, from left to right (Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units;
 * ACL 2016). Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_BYTE_PAIRS_H
#define NB_COMMON_CLIP_TOKENIZER_BYTE_PAIRS_H

#include "common/base/status.h"

#include <stdint.h>

/** A merge: left and right side by side become id; all are >= 0. */
typedef struct nb_byte_pair {
    int32_t left, right, id; /**< symbols */
} nb_byte_pair;

/** Merges in the order of their rank, with a table to find them. Start from {0}. Read-only once built, so any number of
 * threads may merge. */
typedef struct nb_byte_pairs {
    nb_byte_pair *merges; /**< [count] */
    size_t count;         /**< merges */
    uint32_t *table;      /**< [mask + 1] ranks, open addressing by (left, right), at most half full */
    size_t mask;          /**< entries of the table, a power of two, less one */
} nb_byte_pairs;

/** Builds the table. No pair and no id may occur in two merges, and no id may be a part of its own making: the caller
 * has checked.
 * @param[out] pairs freed by nb_byte_pairs_free; {0} on failure
 * @param merges [count], an allocation of malloc's family that is taken over, even on failure
 * @param count below 2^31
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_byte_pairs_build(nb_byte_pairs *pairs, nb_byte_pair *merges, size_t count, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param pairs as nb_byte_pairs_build left them, or {0} */
void nb_byte_pairs_free(nb_byte_pairs *pairs);

/** Merges the symbols of one word in place. Time grows linearly with their number.
 * @param pairs the merges
 * @param[in,out] ids [*count]
 * @param[in,out] count how many there are, then how many are left
 * @return NB_OK, or NB_ERR_LIMIT without memory (24 bytes a symbol in words of over 256) or for 2^30 symbols or more */
nb_status nb_byte_pairs_merge(const nb_byte_pairs *pairs, int32_t *ids, size_t *count, nb_error *err);

#endif
