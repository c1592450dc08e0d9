/* The small kernels of the towers, vectorised: plain loops compiled once for every instruction set and chosen at run
 * time. common/linear/reference/kernels.h is their reference.
 *
 * A row's result does not depend on the rows beside it. Different instruction sets round differently; nb_vector.name
 * goes into provenance. */
#ifndef NB_COMMON_LINEAR_SIMD_VECTOR_H
#define NB_COMMON_LINEAR_SIMD_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nb_gelu_kind { NB_VECTOR_QUICK_GELU, NB_VECTOR_GELU } nb_gelu_kind;

/* Keys and values of one path of a token trie, all heads: keys transposed so that scores run along the path.
 * keys [width][stride] (column j: the key of depth j), values [longest][width]. */
typedef struct nb_path {
    float *keys, *values;
    float *scores; /* [stride] */
    size_t stride; /* longest path, a multiple of 16 */
} nb_path;

typedef struct nb_vector {
    const char *name; /* "plain", "avx2", "avx512" */
    /* out[rows, width] = layer norm of in */
    void (*layer_norm)(float *out, const float *in, size_t rows, size_t width, const float *weight, const float *bias,
                       float eps);
    /* x[rows, width] = activation(x + bias); row stride = width */
    void (*bias_gelu)(float *x, size_t rows, size_t width, const float *bias, nb_gelu_kind kind);
    /* x += bias, rows of `width` */
    void (*add_bias)(float *x, size_t rows, size_t width, const float *bias);
    /* out = a + b; out may be a */
    void (*add)(float *out, const float *a, const float *b, size_t count);
    /* x[rows, width] += y + bias */
    void (*add_residual)(float *x, const float *y, size_t rows, size_t width, const float *bias);
    /* softmax(scale x) over each of `rows` rows of `width`, in place, row stride `stride` */
    void (*softmax)(float *x, size_t rows, size_t width, size_t stride, float scale);
    /* Puts a row's key and value [width] at `depth` of the path. */
    void (*path_push)(nb_path *path, size_t depth, size_t width, const float *key, const float *value);
    /* One query row [width] against depths 0..depth of the path, all heads: out [width]. */
    void (*path_attend)(nb_path *path, size_t depth, size_t width, size_t heads, const float *query, float *out);
    /* Index of the first largest of x[count], count > 0; none is NaN. */
    size_t (*first_largest)(const float *x, size_t count);
    /* *top = the largest of x[count], count > 0; *sum = sum exp(scale (x - top)), at least 1: the log-sum-exp of
     * scale x is scale top + ln sum. Relative error of *sum below 2e-6; nb_log_sum_exp is the reference. x may hold
     * -INFINITY (an element left out) beside one finite number at least. */
    void (*sum_exp)(const float *x, size_t count, float scale, float *top, double *sum);
    /* x = exp(x) in place, relative error below 3e-7; x <= 0, results under 1e-37 are not exact. */
    void (*exps)(float *x, size_t count);
    /* -sum p ln(p + 1e-8) of p = exp(scale (x - top)) / sum, with top and sum as sum_exp gives them; never negative.
     * nb_entropy is the reference. */
    double (*entropy)(const float *x, size_t count, float scale, float top, double sum);
} nb_vector;

/* Of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_vector *nb_vector_best(void);

#endif
