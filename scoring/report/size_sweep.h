/** @file
 * Quality against the size of the bank and against the number of groups: the images are scored again with parts of the
 * bank. */
#ifndef NB_SCORING_REPORT_SIZE_SWEEP_H
#define NB_SCORING_REPORT_SIZE_SWEEP_H

#include "scoring/bank/bank.h"
#include "scoring/metrics.h"

enum { NB_SWEEP_MAX = 12 }; /**< values at most */

/** Who can score the images again. */
typedef struct nb_rescorer {
    void *context;
    size_t set_count, groups; /**< groups: as the evaluation had them */
    /** The keys [count] of sample `set` (0: the ID images, 1 + i: OOD set i), allocated for the caller, when scored
     * with `bank` cut into `groups`. */
    nb_status (*keys)(void *context, const nb_bank *bank, size_t groups, size_t set, double **keys, size_t *count,
                      nb_error *err);
} nb_rescorer;

/** Metrics by value. */
typedef struct nb_sweep {
    size_t count;
    size_t values[NB_SWEEP_MAX]; /**< bank sizes or numbers of groups, rising */
    nb_metrics *rows;            /**< [count, set_count + 1]; the last is the mean */
    bool flat;                   /**< nothing depends on the value: the score does not use it */
} nb_sweep;

/** Sizes M, M/2, M/4, ...; a part holds the best negatives of every tag, in proportion. Values with which the score
 * cannot be computed are left out.
 * @param out freed by the caller with nb_sweep_free; {0} on failure
 * @param bank the whole bank
 * @param by scores the images again
 * @return NB_OK; NB_ERR_LIMIT without memory; what `by` returned but NB_ERR_USAGE, NB_ERR_INPUT and NB_ERR_NUMERIC. */
nb_status nb_sweep_sizes(nb_sweep *out, const nb_bank *bank, const nb_rescorer *by, nb_error *err);

/** 1, 2, 5, 10, ... groups up to one negative a group.
 * @param out freed by the caller with nb_sweep_free; {0} on failure
 * @param bank the bank
 * @param by scores the images again
 * @return as nb_sweep_sizes. */
nb_status nb_sweep_groups(nb_sweep *out, const nb_bank *bank, const nb_rescorer *by, nb_error *err);

/** Frees a sweep.
 * @param sweep a sweep or {0} */
void nb_sweep_free(nb_sweep *sweep);

/** A bank of the best negatives of another, in its order.
 * @param out freed by the caller with nb_part_free; borrows all else from `bank`
 * @param bank the whole bank
 * @param count how many negatives
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_part_of_bank(nb_bank *out, const nb_bank *bank, size_t count, nb_error *err);

/** Frees what such a bank owns.
 * @param part from nb_part_of_bank, or {0} */
void nb_part_free(nb_bank *part);

#endif
