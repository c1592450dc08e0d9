/* The gradients of common/linear/reference/kernels_backward.h and what training needs beside them, vectorised: plain
 * loops compiled once for every instruction set and chosen at run time, as common/linear/simd/vector.h.
 *
 * A row's result does not depend on the rows beside it; sums over rows run in their order. */
#ifndef NB_COMMON_LINEAR_SIMD_GRADIENT_H
#define NB_COMMON_LINEAR_SIMD_GRADIENT_H

#include "common/linear/reference/kernels_backward.h"
#include "common/linear/simd/vector.h"

/* One head of attention over `keys` rows; rows of keys and values are `stride` apart. */
typedef struct nb_head {
    const float *keys, *values; /* [keys, width] */
    size_t stride, width;
    float scale;
} nb_head;

typedef struct nb_gradient {
    /* nb_layer_norm_back */
    void (*layer_norm)(float *dx, float *dweight, float *dbias, const float *dy, const float *x, size_t rows,
                       size_t width, const float *weight, float eps);
    /* out = activation(x), out of place: x is kept for the way back */
    void (*gelu)(float *out, const float *x, size_t count, nb_gelu_kind kind);
    /* dx *= activation'(x) */
    void (*gelu_back)(float *dx, const float *x, size_t count, nb_gelu_kind kind);
    /* nb_softmax_back */
    void (*softmax)(float *d, const float *p, size_t rows, size_t width, float scale);
    /* nb_bias_back */
    void (*bias)(float *dbias, const float *dy, size_t rows, size_t width);
    /* One query against the first `keys` rows: p[keys] gets the weights, out[width] the mixed values. */
    void (*attend)(const nb_head *head, size_t keys, const float *query, float *p, float *out);
    /* Back through it, with the p of the way there: dquery[width] is set, dkeys and dvalues (rows `dstride` apart) are
     * added to; d[keys] is scratch. */
    void (*attend_back)(const nb_head *head, size_t keys, const float *query, const float *p, const float *dout,
                        float *dquery, float *dkeys, float *dvalues, size_t dstride, float *d);
    /* nb_adamw_step */
    void (*adamw)(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count);
    /* sum += gradient in units of 1 / scale, rounded to nearest: a sum of whole numbers does not depend on its order.
     * Returns the largest magnitude, INFINITY where something is not finite; unless that is below `limit` nothing is
     * added. limit scale must be at most 2^62. */
    float (*add_fixed)(int64_t *sum, const float *gradient, size_t count, float scale, float limit);
} nb_gradient;

/* Of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_gradient *nb_gradient_best(void);

#endif
