/**
 * @file
 * Bootstrap intervals (Efron, 1979; percentile method): the images are drawn again with replacement and every figure is
 * computed from the counts, without sorting again.
 */
#ifndef NB_SCORING_REPORT_BOOTSTRAP_H
#define NB_SCORING_REPORT_BOOTSTRAP_H

#include "scoring/report/evaluation.h"

/** How often each image is drawn in a resample. Depends on seed, stream, resample and count alone.
 * @param weight [count] filled
 * @param order [count] says whose turn each place is
 * @param count images
 * @param seed, stream, resample what the random numbers depend on */
void nb_bootstrap_draw(uint32_t *weight, const uint32_t *order, size_t count, uint64_t seed, uint64_t stream,
                       uint64_t resample);

/** A quantile with linear interpolation.
 * @param sorted [count] rising values
 * @param count at least 1
 * @param q in [0, 1]
 * @return the q-quantile */
double nb_bootstrap_quantile(const double *sorted, size_t count, double q);

/** Fills low and high of every figure.
 * @param e the images
 * @param how resamples, at least 1, confidence and seed
 * @param report settled
 * @return NB_OK, NB_ERR_LIMIT when memory is out or for too many resamples, or as nb_ranking_create fails */
nb_status nb_bootstrap_intervals(const nb_evaluation *e, const nb_bootstrap *how, nb_report *report, nb_error *err);

#endif
