/**
 * @file
 * Which labels go wrong: their own images rejected or misnamed, and OOD images accepted in their name.
 */
#ifndef NB_SCORING_REPORT_CONFUSION_H
#define NB_SCORING_REPORT_CONFUSION_H

#include "scoring/report/evaluation.h"

enum { NB_CONFUSED_IMAGES = 4 }; /**< images named a label */

/** An image: row of a sample. */
typedef struct nb_culprit {
    size_t sample, row;
    bool id; /**< an ID image misnamed or rejected; else an OOD image accepted */
} nb_culprit;

/** What went wrong with a label. */
typedef struct nb_confused {
    size_t label;
    size_t images, right, rejected; /**< its own ID images; those so predicted; those below the threshold */
    size_t taken;                   /**< OOD images accepted and predicted as it */
    size_t mistaken, mistaken_for;  /**< its ID images predicted as mistaken_for, the most frequent wrong one */
    nb_culprit culprits[NB_CONFUSED_IMAGES];
    size_t culprit_count;
} nb_confused;

/** What went wrong with all labels. */
typedef struct nb_confusion {
    nb_confused *labels; /**< [count] by label */
    size_t count;        /**< one more than the largest class or label seen */
    size_t *ranked;      /**< [count] indices into labels: most OOD images and own mistakes first, then by number */
    double threshold;    /**< the key that 95 % of the ID images reach */
} nb_confusion;

/** Finds them in the first run.
 * @param out freed by the caller with nb_confusion_free; empty (count 0) without predicted classes; {0} on failure
 * @param e the images
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_confusion_find(nb_confusion *out, const nb_evaluation *e, nb_error *err);

/** Frees what was found.
 * @param confusion what nb_confusion_find gave, or {0} */
void nb_confusion_free(nb_confusion *confusion);

/** The largest key that at least a share of the keys reach.
 * @param keys [count]
 * @param count at least 1
 * @param recall the share, in (0, 1]
 * @param out becomes the key
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_key_at_recall(const double *keys, size_t count, double recall, double *out, nb_error *err);

#endif
