/* The small kernels of the towers and of the affinity passes, in plain loops: the reference that faster ones are
 * compared with. */
#ifndef NB_COMMON_LINEAR_REFERENCE_KERNELS_H
#define NB_COMMON_LINEAR_REFERENCE_KERNELS_H

#include <stddef.h>

/* out[rows, width] = (in - mean) / sqrt(var + eps) * weight + bias, per row; in == out is allowed. Mean and variance
 * are summed in double. */
void nb_layer_norm(float *out, const float *in, size_t rows, size_t width, const float *weight, const float *bias,
                   float eps);

/* Softmax over each row of x[rows, width] (row stride `stride`), in place. */
void nb_softmax_rows(float *x, size_t rows, size_t width, size_t stride);

/* x sigmoid(1.702 x): CLIP's own approximation of GELU. */
void nb_quick_gelu(float *x, size_t count);
/* x Phi(x), by erf. */
void nb_gelu(float *x, size_t count);

/* x[rows, width] += bias[width] */
void nb_add_bias(float *x, size_t rows, size_t width, const float *bias);
/* x += y */
void nb_add(float *x, const float *y, size_t count);

/* out[d] = the row divided by its Euclidean norm, in double; returns the norm. A zero row stays zero. in and out may
 * be the same. */
double nb_normalise_row(double *out, const double *in, size_t d);

/* sum_i a[i] b[i] in double, in a fixed order of four interleaved partial sums. */
double nb_dot(const double *a, const double *b, size_t d);

/* ln sum exp x[i], with the maximum subtracted; -inf for count 0. */
double nb_log_sum_exp(const double *x, size_t count);

/* -sum p ln(p + 1e-8) of p = softmax(x[count]): the key by which AdaNeg's memory keeps images (Zhang and Zhang, NeurIPS
 * 2024). */
double nb_entropy(const double *x, size_t count);

/* ln(1 + exp(x)) without overflow or cancellation. */
double nb_softplus(double x);

#endif
