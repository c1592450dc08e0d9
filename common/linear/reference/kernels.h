/** @file
 * The small kernels of the towers and of the affinity passes, in plain loops: the reference that faster ones are
 * compared with.
 *
 * Nothing here allocates, fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_REFERENCE_KERNELS_H
#define NB_COMMON_LINEAR_REFERENCE_KERNELS_H

#include <stddef.h>

/** A layer norm (Ba, Kiros, Hinton: Layer Normalization, 2016); borrows its weights. */
typedef struct nb_norm_layer {
    const float *weight; /**< [width] */
    const float *bias;   /**< [width]; the gradient does not read it */
    size_t width;        /**< elements of a row */
    float epsilon;       /**< added to the variance */
} nb_norm_layer;

/** out = (in - mean) / sqrt(variance + epsilon) weight + bias, row by row. Mean and variance are summed in double.
 * @param[out] out [rows, width]; may be `in`
 * @param in [rows, width]
 * @param rows how many
 * @param norm its weights, width and epsilon */
void nb_layer_norm(float *out, const float *in, size_t rows, const nb_norm_layer *norm);

/** out = in / sqrt(mean of in^2 + epsilon) weight, row by row (Zhang, Sennrich: Root Mean Square Layer Normalization,
 * 2019). Squares are summed in double.
 * @param[out] out [rows, width]; may be `in`
 * @param in [rows, width]
 * @param rows how many
 * @param norm its weight, width and epsilon; the bias does not count */
void nb_rms_norm(float *out, const float *in, size_t rows, const nb_norm_layer *norm);

/** Softmax over each row, in place, with the row's largest element subtracted first.
 * @param[in,out] x [rows, width], width > 0
 * @param rows how many
 * @param width elements of a row
 * @param stride elements from row to row */
void nb_softmax_rows(float *x, size_t rows, size_t width, size_t stride);

/** x = x sigmoid(1.702 x), in place: CLIP's own approximation of GELU.
 * @param[in,out] x [count]
 * @param count elements */
void nb_quick_gelu(float *x, size_t count);

/** x = x Phi(x) by erf, in place (Hendrycks, Gimpel: Gaussian Error Linear Units, 2016).
 * @param[in,out] x [count]
 * @param count elements */
void nb_gelu(float *x, size_t count);

/** x = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, in place: GELU as many libraries approximate it.
 * @param[in,out] x [count]
 * @param count elements */
void nb_gelu_tanh(float *x, size_t count);

/** x *= gate sigmoid(gate), in place: the gate of SwiGLU (Shazeer: GLU Variants Improve Transformer, 2020).
 * @param[in,out] x [count]
 * @param gate [count]
 * @param count elements */
void nb_swiglu(float *x, const float *gate, size_t count);

/** x *= gate Phi(gate), in place: the gate of GeGLU (as above).
 * @param[in,out] x [count]
 * @param gate [count]
 * @param count elements */
void nb_geglu(float *x, const float *gate, size_t count);

/** Rotates pairs (x[2i], x[2i + 1]) by angles given as cosine and sine (Su et al.: RoFormer, 2021).
 * @param[in,out] x [2 pairs]
 * @param cosines [pairs]
 * @param sines [pairs]
 * @param pairs how many */
void nb_rotate_pairs(float *x, const float *cosines, const float *sines, size_t pairs);

/** x += bias, row by row.
 * @param[in,out] x [rows, width]
 * @param rows how many
 * @param width elements of a row
 * @param bias [width] */
void nb_add_bias(float *x, size_t rows, size_t width, const float *bias);

/** x += y.
 * @param[in,out] x [count]
 * @param y [count]
 * @param count elements */
void nb_add(float *x, const float *y, size_t count);

/** A row divided by its Euclidean norm, in double. A row of zeros stays zero.
 * @param[out] out [d]; may be `in`
 * @param in [d]
 * @param d elements
 * @return the norm */
double nb_normalise_row(double *out, const double *in, size_t d);

/** sum_i a[i] b[i] in double, in a fixed order of four interleaved partial sums.
 * @param a [d]
 * @param b [d]
 * @param d elements */
double nb_dot(const double *a, const double *b, size_t d);

/** ln sum_i exp(x[i]), with the maximum subtracted first.
 * @param x [count]
 * @param count elements
 * @return -INFINITY for a count of 0; the maximum where that is not finite */
double nb_log_sum_exp(const double *x, size_t count);

/** -sum p ln(p + 1e-8) of p = softmax(x): the key by which AdaNeg's memory keeps images (Zhang, Zhang: AdaNeg, NeurIPS
 * 2024).
 * @param x [count]
 * @param count elements */
double nb_entropy(const double *x, size_t count);

/** ln(1 + exp(x)) without overflow or cancellation.
 * @param x any number */
double nb_softplus(double x);

#endif
