/** @file
 * A quantile of a candidate's cosines to the ID labels, by linear interpolation between order statistics (NumPy's
 * default): what neglabel and csp select by. The functions are members of nb_criterion and are described there. */
#ifndef NB_MINING_CRITERIA_LABEL_QUANTILE_H
#define NB_MINING_CRITERIA_LABEL_QUANTILE_H

#include "mining/criteria/criterion.h"

/** The parameters; a criterion's own block begins with them or is one. */
typedef struct nb_label_quantile {
    double quantile; /**< 0 to 1 */
    double
        nearest; /**< a candidate with a larger cosine to any label gets the value 1, the last of all; 0: none does */
} nb_label_quantile;

/** The row of --quantile, of a block that begins with nb_label_quantile and is called `settings`. */
#define NB_LABEL_QUANTILE_ROW                                                                                          \
    OPT_REAL("quantile", quantile, "Q", "0.95", 0, 1, "neglabel, csp: quantile of the cosines to the labels")

/** The row of --nearest, likewise. */
#define NB_NEAREST_ROW                                                                                                 \
    OPT_REAL("nearest", nearest, "X", "0.95", 0, 1,                                                                    \
             "csp: candidates with a larger cosine to a label come last; 0: none do")

/** nb_criterion.open: keeps the labels in both precisions. Not collective.
 * @param state out, closed by nb_label_quantile_close
 * @param evidence borrowed
 * @param parameters an nb_label_quantile, borrowed
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_label_quantile_open(void **state, const nb_evidence *evidence, const void *parameters, nb_error *err);

/** nb_criterion.close. Not collective.
 * @param state a state or NULL */
void nb_label_quantile_close(void *state);

/** nb_criterion.tile: one column, in single precision but where a cosine lies about `nearest`. Not collective.
 * @param state the criterion's
 * @param tile candidates
 * @param values [1][tile->count] out
 * @return NB_OK. */
nb_status nb_label_quantile_tile(void *state, const nb_text_tile *tile, double *const *values, nb_error *err);

/** nb_criterion.exact. Not collective.
 * @param state the criterion's
 * @param rows [count, d]
 * @param count candidates
 * @param values [count] out
 * @return NB_OK. */
nb_status nb_label_quantile_values(void *state, const double *rows, size_t count, double *values, nb_error *err);

/** nb_criterion.cost: one product of the candidates and the labels. Not collective.
 * @param cost added to
 * @param size of the task
 * @param parameters not looked at */
void nb_label_quantile_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters);

#endif
