/** @file
 * How many negatives are enough: banks of a doubling grid of sizes are compared by the scores that they give the ID
 * images, each left out of its class's prototype, and the wild images.
 *
 * All scores fall when a bank doubles, which decides nothing; what counts is their order. How far images move is the
 * mean change of their rank, a score's place among those of the ID images from 0 to 1, from one size to the next: the
 * mean over the ID images, and the mean over the wild ones. ID images without a class (label -1) are left out. */
#ifndef NB_MINING_CRITERIA_DEBIASED_BANK_SIZE_H
#define NB_MINING_CRITERIA_DEBIASED_BANK_SIZE_H

#include "mining/criteria/debiased/draft_scores.h"
#include "scoring/bank/bank_findings.h"

enum { NB_SIZE_SMALLEST = 1000 }; /**< negatives, where the grid begins */

/** Compares sizes and chooses the smallest one from which neither ID nor wild images move by `tolerance` to the next,
 * or else all negatives. Collective.
 * @param out its sizes, size_count and tolerance are set
 * @param kept becomes the size chosen
 * @param draft the bank with all negatives
 * @param tolerance of the mean change of rank, 0 to 1
 * @return NB_OK, NB_ERR_LIMIT without memory, or an error of reading rows; the same on all ranks */
nb_status nb_bank_size_choose(nb_bank_findings *out, size_t *kept, const nb_bank_draft *draft, double tolerance,
                              nb_error *err);

#endif
