/** @file
 * InterNeg's rejection rule and margins by tiles of candidates: in single precision, and where that cannot tell by
 * common/linear/exact/inter_modal.h, which has the formula. The criterion of the same name takes its margins from the
 * same products. */
#ifndef NB_MINING_CRITERIA_REJECTION_INTERNEG_H
#define NB_MINING_CRITERIA_REJECTION_INTERNEG_H

#include "mining/criteria/evidence.h"

/** The label set and its prototypes made ready; opaque. */
typedef struct nb_interneg nb_interneg;

/** Prepares the rule. Not collective.
 * @param out the rule
 * @param evidence borrowed; it has prototypes
 * @return NB_OK, or NB_ERR_LIMIT without memory; close *out in both cases */
nb_status nb_interneg_open(nb_interneg **out, const nb_evidence *evidence, nb_error *err);

/** Takes NULL. Not collective.
 * @param rule freed */
void nb_interneg_close(nb_interneg *rule);

/** Judges a tile. Not collective.
 * @param margins  [tile->count], within nb_affinity_slack of the exact ones; may be NULL
 * @param rejected [tile->count], 1 for what the rule rejects, as the exact margins decide; may be NULL
 * @return NB_OK, or the error of reading a row of the store again */
nb_status nb_interneg_tile(nb_interneg *rule, const nb_text_tile *tile, double *margins, uint8_t *rejected,
                           nb_error *err);

/** Exact margins [count] of rows [count, d] of unit length. Not collective.
 * @param rule made ready
 * @param rows [count, d] of unit length
 * @param count texts
 * @param margins [count] out */
void nb_interneg_exact(nb_interneg *rule, const double *rows, size_t count, double *margins);

/** What judging all candidates takes, added to *cost. Not collective.
 * @param cost what is added to
 * @param size of the run */
void nb_interneg_cost(nb_mining_cost *cost, const nb_mining_size *size);

#endif
