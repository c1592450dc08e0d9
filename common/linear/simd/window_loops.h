/** @file
 * What image towers with convolutions do beside matrix products, vectorised: plain loops compiled once for every
 * instruction set and chosen at run time (common/linear/simd/instruction_set.h). common/linear/reference/windows.h is
 * their reference.
 *
 * An image's result depends on that image alone. Different instruction sets round differently. Nothing here allocates,
 * fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_SIMD_WINDOW_LOOPS_H
#define NB_COMMON_LINEAR_SIMD_WINDOW_LOOPS_H

#include "common/linear/reference/windows.h"

/** The loops of one instruction set. */
typedef struct nb_window_loops {
    const char *name; /**< of the instruction set: "plain", "avx2", "avx512" */
    /** As nb_depthwise, summed in single precision. */
    void (*depthwise)(const nb_window *window);
    /** As nb_window_mean, summed in single precision. */
    void (*mean)(const nb_window *window);
    /** As nb_relu. */
    void (*relu)(float *x, size_t count);
    /** As nb_sigmoid. */
    void (*sigmoid)(float *x, size_t count);
    /** As nb_multiply_rows. */
    void (*multiply_rows)(float *x, size_t rows, size_t width, const float *gate);
} nb_window_loops;

/** The loops of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_window_loops *nb_window_loops_best(void);

#endif
