/** @file
 * The small kernels of the towers, vectorised: plain loops compiled once for every instruction set and chosen at run
 * time (common/linear/simd/instruction_set.h). common/linear/reference/kernels.h is their reference.
 *
 * A row's result does not depend on the rows beside it. Different instruction sets round differently; the name of the
 * one in use goes into provenance. Nothing here allocates, fails or is collective; any number of threads may call it on
 * memory of their own. */
#ifndef NB_COMMON_LINEAR_SIMD_VECTOR_H
#define NB_COMMON_LINEAR_SIMD_VECTOR_H

#include "common/linear/reference/kernels.h"

#include <stdbool.h>
#include <stdint.h>

/** Which activation a transformer has. */
typedef enum nb_gelu_kind {
    NB_VECTOR_QUICK_GELU, /**< as nb_quick_gelu */
    NB_VECTOR_GELU,       /**< as nb_gelu */
    NB_VECTOR_GELU_TANH   /**< as nb_gelu_tanh; forward only */
} nb_gelu_kind;

/** Keys and values of one path of a token trie, all heads: keys transposed, so that scores run along the path. The
 * caller allocates it. */
typedef struct nb_path {
    float *keys;   /**< [width, stride]; column j: the key of depth j */
    float *values; /**< [stride, width] */
    float *scores; /**< [stride] scratch */
    size_t stride; /**< longest path, a multiple of 16 */
} nb_path;

/** The shares of a running sum: what prefix_shares takes and gives. */
typedef struct nb_prefix_shares {
    double scale, shift; /**< element i stands for exp(scale x[i] - shift) */
    double least, most;  /**< exponents that are taken, within [-86, 86] */
    double sum;          /**< before the first element, at least 0; behind the last one */
    double inside;       /**< out: sum over i of 1 / (1 + s_i), s_i the sum up to element i */
    double outside;      /**< out: sum over i of s_i / (1 + s_i) */
} nb_prefix_shares;

/** The kernels of one instruction set. */
typedef struct nb_vector {
    const char *name; /**< of the instruction set: "plain", "avx2", "avx512", "neon" */
    /** As nb_layer_norm: out[rows, width] of in[rows, width]; out may be `in`. */
    void (*layer_norm)(float *out, const float *in, size_t rows, const nb_norm_layer *norm);
    /** x[rows, width] = activation(x + bias[width]), in place. */
    void (*bias_gelu)(float *x, size_t rows, size_t width, const float *bias, nb_gelu_kind kind);
    /** x[rows, width] += bias[width]. */
    void (*add_bias)(float *x, size_t rows, size_t width, const float *bias);
    /** out[count] = a[count] + b[count]; out may be a. */
    void (*add)(float *out, const float *a, const float *b, size_t count);
    /** x[rows, width] += y[rows, width] + bias[width]. */
    void (*add_residual)(float *x, const float *y, size_t rows, size_t width, const float *bias);
    /** x[rows, width] += scale[width] y[rows, width]. */
    void (*add_scaled)(float *x, const float *y, size_t rows, size_t width, const float *scale);
    /** As nb_swiglu. */
    void (*swiglu)(float *x, const float *gate, size_t count);
    /** As nb_geglu. */
    void (*geglu)(float *x, const float *gate, size_t count);
    /** As nb_rotate_pairs. */
    void (*rotate_pairs)(float *x, const float *cosines, const float *sines, size_t pairs);
    /** Softmax of scale x over each of `rows` rows of `width` elements, in place; rows are `stride` elements apart. */
    void (*softmax)(float *x, size_t rows, size_t width, size_t stride, float scale);
    /** Puts a row's key[width] and value[width] at `depth` of the path. */
    void (*path_push)(nb_path *path, size_t depth, size_t width, const float *key, const float *value);
    /** Attention of one query[width] over depths 0 to `depth` of the path, all heads, into out[width]. */
    void (*path_attend)(nb_path *path, size_t depth, size_t width, size_t heads, const float *query, float *out);
    /** Index of the first largest of x[count], count > 0; none is NaN. */
    size_t (*first_largest)(const float *x, size_t count);
    /** *top = the largest of x[count], count > 0; *sum = sum exp(scale (x - top)), at least 1: the log-sum-exp of
     * scale x is scale top + ln sum. Relative error of *sum below 2e-6; nb_log_sum_exp is the reference. x may hold
     * -INFINITY (an element left out) beside one finite number at least. */
    void (*sum_exp)(const float *x, size_t count, float scale, float *top, double *sum);
    /** x[count] = exp(x) in place, relative error below 3e-7; x <= 0, results under 1e-37 are not exact. */
    void (*exps)(float *x, size_t count);
    /** Runs through x[count]; relative error of the results below 1e-5, of exponents near 0 below 1e-6. False, with
     * nothing changed, where an exponent is not taken. */
    bool (*prefix_shares)(const float *x, size_t count, nb_prefix_shares *shares);
    /** -sum p ln(p + 1e-8) of p = exp(scale (x - top)) / sum over x[count], with top and sum as sum_exp gives them;
     * never negative. nb_entropy is the reference. */
    double (*entropy)(const float *x, size_t count, float scale, float top, double sum);
} nb_vector;

/** The kernels of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_vector *nb_vector_best(void);

#endif
