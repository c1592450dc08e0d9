/** @file
 * The gradients of common/linear/reference/kernels_backward.h and what training needs beside them, vectorised: plain
 * loops compiled once for every instruction set and chosen at run time, as common/linear/simd/vector.h.
 *
 * A row's result does not depend on the rows beside it; sums over rows run in their order. Nothing here allocates,
 * fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_SIMD_GRADIENT_H
#define NB_COMMON_LINEAR_SIMD_GRADIENT_H

#include "common/linear/reference/kernels_backward.h"
#include "common/linear/simd/vector.h"

/** What one query of one head of attention looks at; borrows the rows. */
typedef struct nb_head {
    const float *keys;   /**< [count, width] */
    const float *values; /**< [count, width] */
    size_t count;        /**< keys that the query sees */
    size_t stride;       /**< elements from row to row of keys and of values */
    size_t width;        /**< of the head */
    float scale;         /**< of the scores: 1 / sqrt(width) */
} nb_head;

/** The gradients of an nb_head and of its query. */
typedef struct nb_head_gradient {
    float *query;   /**< [width], set */
    float *keys;    /**< [count, width], added to */
    float *values;  /**< [count, width], added to */
    size_t stride;  /**< elements from row to row of keys and of values */
    float *scratch; /**< [count] */
} nb_head_gradient;

/** The gradients of one instruction set. */
typedef struct nb_gradient {
    /** As nb_layer_norm_backward. */
    void (*layer_norm)(float *dx, const nb_norm_gradient *gradient, const float *dy, const float *x, size_t rows,
                       const nb_norm_layer *norm);
    /** out[count] = activation(x[count]), out of place: the backward pass needs x. */
    void (*gelu)(float *out, const float *x, size_t count, nb_gelu_kind kind);
    /** dx[count] *= activation'(x[count]). */
    void (*gelu_backward)(float *dx, const float *x, size_t count, nb_gelu_kind kind);
    /** As nb_softmax_backward. */
    void (*softmax)(float *d, const float *p, size_t rows, size_t width, float scale);
    /** As nb_bias_backward. */
    void (*bias)(float *dbias, const float *dy, size_t rows, size_t width);
    /** One query[width]: p[count] gets the weights, out[width] the weighted sum of the values. */
    void (*attend)(const nb_head *head, const float *query, float *p, float *out);
    /** The gradient of `attend`, with the p that it gave and dout[width], the gradient by its output. */
    void (*attend_backward)(const nb_head *head, const float *query, const float *p, const float *dout,
                            const nb_head_gradient *gradient);
    /** As nb_adamw_step. */
    void (*adamw)(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count);
    /** sum[count] += gradient[count] in units of 1 / scale, rounded to nearest: a sum of whole numbers does not depend
     * on its order. Returns the largest magnitude, INFINITY where something is not finite; unless that is below `limit`
     * nothing is added. limit scale must be at most 2^62. */
    float (*add_fixed)(int64_t *sum, const float *gradient, size_t count, float scale, float limit);
} nb_gradient;

/** The gradients of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_gradient *nb_gradient_best(void);

#endif
