/** @file
 * Scores of the ID and the wild images by banks of several sizes, the beginnings of one order, in one pass over the
 * negatives. The formulas are those of the score `debiased` (scoring/scores/debiased.c); every ID image is left out of
 * its class's prototype, where that has others. */
#ifndef NB_MINING_CRITERIA_DEBIASED_DRAFT_SCORES_H
#define NB_MINING_CRITERIA_DEBIASED_DRAFT_SCORES_H

#include "mining/criteria/responsibilities.h"
#include "scoring/bank/bank_proxies.h"

enum { NB_DRAFT_BLOCK = 500 }; /**< negatives at a time */

/** A bank of the largest size. All borrowed, the same on all ranks. */
typedef struct nb_bank_draft {
    const nb_responsibilities *responsibilities; /**< the images and what is mined from */
    const uint64_t *ids;                         /**< [count] negatives, best first */
    size_t count;                                /**< negatives */
    const nb_bank_proxies *proxies;              /**< log_prior, measured, measured_rows and the map are used */
} nb_bank_draft;

/** Scores all images. Collective; tiles of images are dealt to the ranks.
 * @param draft the bank
 * @param sizes [size_count] rising, all but the last multiples of NB_DRAFT_BLOCK, the last draft->count
 * @param size_count how many
 * @param scores [NB_IMAGE_SETS][size_count, images] on every rank
 * @return NB_OK, NB_ERR_LIMIT without memory, or an error of reading rows; the same on all ranks */
nb_status nb_draft_scores(const nb_bank_draft *draft, const size_t *sizes, size_t size_count, double *const *scores,
                          nb_error *err);

#endif
