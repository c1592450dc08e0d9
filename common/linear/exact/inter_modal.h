/** @file
 * The inter-modal margin (InterNeg, CVPR 2026). With q_c the label texts, p_c the classes' image prototypes and
 * a_c = cos(q_c, p_c), how well a label's own name fits its images: the margin of a text u is
 * mean_c (a_c - cos(u, p_c)), the larger the better, and u is rejected when cos(u, p_c) >= a_c for any class: it fits
 * some class's images at least as well as the class's own name.
 *
 * Sums are those of common/linear/exact/exact.h: the same bits on every CPU. Mining's criterion and rejection rule and
 * the visual negatives of mining and scoring all decide by it. */
#ifndef NB_COMMON_LINEAR_EXACT_INTER_MODAL_H
#define NB_COMMON_LINEAR_EXACT_INTER_MODAL_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/** Labels and prototypes made ready. */
typedef struct nb_inter_modal {
    size_t label_count; /**< C */
    size_t d;           /**< width of the embeddings */
    double *transposed; /**< [d, nb_exact_padded(C)] prototypes */
    double *reference;  /**< [C] a_c */
    double *products;   /**< [nb_exact_padded(C)] scratch */
} nb_inter_modal;

/** Prepares margins against C classes. Not collective.
 * @param out destroyed with nb_inter_modal_destroy
 * @param labels     [C, d] label texts, of unit length
 * @param prototypes [C, d] image prototypes, of unit length
 * @param label_count C
 * @return NB_OK, or NB_ERR_LIMIT without memory; destroy it in both cases. */
nb_status nb_inter_modal_create(nb_inter_modal *out, const double *labels, const double *prototypes, size_t label_count,
                                size_t d, nb_error *err);

/** Frees the memory. Takes {0}. Not collective.
 * @param margins emptied */
void nb_inter_modal_destroy(nb_inter_modal *margins);

/** The margin of one text. Not collective; uses the scratch of `margins`.
 * @param margins made ready
 * @param row      [d], of unit length
 * @param rejected set to whether the rule rejects it
 * @return the margin, whether it is rejected or not */
double nb_inter_modal_margin(nb_inter_modal *margins, const double *row, bool *rejected);

#endif
