/**
 * @file
 * The nested score of an ordered list of negatives (TANL, CVPR 2026): the mean over the prefixes of g, 2 g, ...
 * negatives, the last one whole whatever g, of the ID labels' share
 *
 *     P / (P + sum over the prefix of exp y),   P = sum_c exp z_c.
 *
 * Early negatives are in every prefix, so the order is part of the result. g = 0: the whole list alone, which is
 * NegLabel's score in one group. One running sum an image; nothing here allocates or fails.
 */
#ifndef NB_SCORING_SCORES_NESTED_H
#define NB_SCORING_SCORES_NESTED_H

#include "scoring/scores/score.h"

/** What is known of one image so far. */
typedef struct nb_nested {
    size_t step;        /**< g */
    double scale;       /**< 1 / T */
    double labels;      /**< ln P */
    size_t taken;       /**< negatives so far */
    size_t prefixes;    /**< of them whole */
    double sum;         /**< ln of the sum over all negatives so far; -INFINITY for none */
    double inside, out; /**< sums over the prefixes of the labels' and the negatives' shares */
} nb_nested;

/** Begins with an image.
 * @param step g
 * @param temperature T
 * @param labels ln P
 * @return the beginning */
nb_nested nb_nested_begin(size_t step, double temperature, double labels);

/** Takes the next negatives.
 * @param nested what is known of the image
 * @param vector the loops to compute with
 * @param cosines [count] of the image with them, in their order
 * @param count negatives */
void nb_nested_add(nb_nested *nested, const nb_vector *vector, const float *cosines, size_t count);

/** The score once all negatives are taken; its label is left alone.
 * @param nested what is known of the image
 * @param result becomes score and complement; 1 and 0 without negatives */
void nb_nested_finish(nb_nested *nested, nb_score_result *result);

/** The parameter g of nested scores, a row that adaneg's gamma shares by its name. */
#define NB_SCORE_GAMMA(DEFAULT)                                                                                        \
    OPT_REAL("gamma", gamma, "X", DEFAULT, 0, 1e9,                                                                     \
             "adaneg: middle of the confidence bounds, up to 1; nested and tanl: negatives from prefix to prefix, 0: " \
             "all in one; {}")

/** Whether a value of gamma is a count.
 * @param gamma the value
 * @return NB_OK, or NB_ERR_USAGE */
nb_status nb_nested_check_step(double gamma, nb_error *err);

#endif
