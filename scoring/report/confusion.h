/**
 * @file
 * Which labels go wrong: their own images rejected or misnamed, and OOD images accepted in their name.
 */
#ifndef NB_SCORING_REPORT_CONFUSION_H
#define NB_SCORING_REPORT_CONFUSION_H

#include "scoring/report/evaluation.h"

enum { NB_CONFUSED_IMAGES = 4 };

/** An image: row of a sample. */
typedef struct nb_culprit {
    size_t sample, row;
    bool id; /**< an ID image misnamed or rejected; else an OOD image accepted */
} nb_culprit;

typedef struct nb_confused {
    size_t label;
    size_t images, right, rejected; /**< its own ID images; those so predicted; those below the threshold */
    size_t taken;                   /**< OOD images accepted and predicted as it */
    size_t mistaken, mistaken_for;  /**< its ID images predicted as mistaken_for, the most frequent wrong one */
    nb_culprit culprits[NB_CONFUSED_IMAGES];
    size_t culprit_count;
} nb_confused;

typedef struct nb_confusion {
    nb_confused *labels; /**< [count] by label */
    size_t count;        /**< one more than the largest class or label seen */
    size_t *ranked;      /**< [count] indices into labels: most OOD images and own mistakes first, then by number */
    double threshold;    /**< the key that 95 % of the ID images reach */
} nb_confusion;

/** From the first run. Empty (count 0) without predicted classes.
 * @param out freed by nb_confusion_free, also after a failure
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_confusion_find(nb_confusion *out, const nb_evaluation *e, nb_error *err);
/** Frees what a confusion holds; takes {0}. */
void nb_confusion_free(nb_confusion *confusion);

/** The key that at least `recall` of keys [count] reach: the largest such.
 * @param keys [count], none NaN
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_key_at_recall(const double *keys, size_t count, double recall, double *out, nb_error *err);

#endif
