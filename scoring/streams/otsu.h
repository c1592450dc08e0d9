/**
 * @file
 * Otsu's threshold between two classes of scores, as TANL (CVPR 2026) takes it.
 */
#ifndef NB_SCORING_STREAMS_OTSU_H
#define NB_SCORING_STREAMS_OTSU_H

#include <stddef.h>

/** The threshold t on the grid 0, 0.01, ... 0.99 with the smallest w_0 var_0 + w_1 var_1, class 1 being what is t or
 * more, w the classes' shares, var their population variances. A class without scores disqualifies; of equal minima the
 * middle one (number floor(n / 2), from 0) counts.
 * @param scores [count], in single precision as the grid is
 * @param count scores
 * @return the threshold; 0.5 when none qualifies */
double nb_otsu_threshold(const float *scores, size_t count);

#endif
