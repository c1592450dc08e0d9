/**
 * @file
 * Quality against the size of the bank and against the number of groups: the images are scored again with parts of the
 * bank.
 */
#ifndef NB_SCORING_REPORT_SIZE_SWEEP_H
#define NB_SCORING_REPORT_SIZE_SWEEP_H

#include "scoring/bank/bank.h"
#include "scoring/metrics.h"

enum { NB_SWEEP_MAX = 12 }; /**< values at most */

/** Which images are scored again, and how. */
typedef struct nb_rescore {
    const nb_bank *bank; /**< or a part of it */
    size_t groups;       /**< that its negatives are cut into */
    size_t set;          /**< 0: the ID images, 1 + i: OOD set i */
} nb_rescore;

/** Who can score the images again. */
typedef struct nb_rescorer {
    void *context;
    size_t set_count, groups; /**< groups: as the evaluation had them */
    /** The keys [*count] of the images, freed by the caller. */
    nb_status (*keys)(void *context, const nb_rescore *what, double **keys, size_t *count, nb_error *err);
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
 * @param out freed by the caller with nb_sweep_free, also after a failure
 * @param bank the whole bank
 * @param by scores the images again
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or what by->keys fails with but for NB_ERR_USAGE, NB_ERR_INPUT and
 * NB_ERR_NUMERIC */
nb_status nb_sweep_sizes(nb_sweep *out, const nb_bank *bank, const nb_rescorer *by, nb_error *err);

/** 1, 2, 5, 10, ... groups up to one negative a group.
 * @param out freed by the caller with nb_sweep_free, also after a failure
 * @param bank the bank
 * @param by scores the images again
 * @return as nb_sweep_sizes */
nb_status nb_sweep_groups(nb_sweep *out, const nb_bank *bank, const nb_rescorer *by, nb_error *err);

/** Frees a sweep.
 * @param sweep a sweep or {0} */
void nb_sweep_free(nb_sweep *sweep);

/** A bank of the best negatives of another, in its order.
 * @param out freed by the caller with nb_part_free; borrows all else from `bank`
 * @param bank the whole bank
 * @param count how many negatives
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_part_of_bank(nb_bank *out, const nb_bank *bank, size_t count, nb_error *err);

/** A bank without some of its negatives, in its order.
 * @param out freed by the caller with nb_part_free; borrows all else from `bank`
 * @param bank the whole bank
 * @param left_out [negative_count] which go
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_without(nb_bank *out, const nb_bank *bank, const bool *left_out, nb_error *err);

/** Frees what such a bank owns.
 * @param part from nb_part_of_bank or nb_bank_without, or {0} */
void nb_part_free(nb_bank *part);

#endif
