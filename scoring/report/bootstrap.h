/**
 * @file
 * Bootstrap intervals (Efron, 1979; percentile method): the images are drawn again with replacement and every figure is
 * computed from the counts, without sorting again.
 */
#ifndef NB_SCORING_REPORT_BOOTSTRAP_H
#define NB_SCORING_REPORT_BOOTSTRAP_H

#include "scoring/report/evaluation.h"

/** Sets weight [count] to how often each image is drawn in this resample; order [count] says whose turn each place is.
 * Depends on seed, stream, resample and count alone. */
void nb_bootstrap_draw(uint32_t *weight, const uint32_t *order, size_t count, uint64_t seed, uint64_t stream,
                       uint64_t resample);

/** The q-quantile of sorted values [count] with linear interpolation. */
double nb_bootstrap_quantile(const double *sorted, size_t count, double q);

/** Fills low and high of every figure of a settled report.
 * @return NB_OK, or NB_ERR_LIMIT when memory is out or a resample has too many pairs to count */
nb_status nb_bootstrap_intervals(const nb_evaluation *e, const nb_bootstrap *how, nb_report *report, nb_error *err);

#endif
