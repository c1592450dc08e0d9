/** @file
 * Gradients of the small kernels in common/linear/reference/kernels.h, in plain loops that sum in double: the reference
 * that common/linear/simd/gradient.h is compared with. `dy` is the gradient of the loss by a kernel's output, `dx` by
 * its input.
 *
 * Nothing here allocates, fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_REFERENCE_KERNELS_BACKWARD_H
#define NB_COMMON_LINEAR_REFERENCE_KERNELS_BACKWARD_H

#include "common/linear/reference/kernels.h"

/** Where the gradients of a layer norm's weights are added; both NULL for a frozen layer. */
typedef struct nb_norm_gradient {
    float *weight; /**< [width] */
    float *bias;   /**< [width] */
} nb_norm_gradient;

/** The gradient of nb_layer_norm, added to dx and to the weights' gradients. With x^ = (x - mean) / sigma and
 * g = dy weight: dx += (g - mean(g) - x^ mean(g x^)) / sigma.
 * @param[in,out] dx [rows, width]
 * @param gradient of the weights
 * @param dy [rows, width]
 * @param x [rows, width] what the norm was given
 * @param rows how many
 * @param norm its bias is not read */
void nb_layer_norm_backward(float *dx, const nb_norm_gradient *gradient, const float *dy, const float *x, size_t rows,
                            const nb_norm_layer *norm);

/** dx *= QuickGELU's derivative at x: s + 1.702 x s (1 - s) with s = sigmoid(1.702 x).
 * @param[in,out] dx [count]
 * @param x [count]
 * @param count elements */
void nb_quick_gelu_backward(float *dx, const float *x, size_t count);

/** dx *= GELU's derivative at x: Phi(x) + x phi(x).
 * @param[in,out] dx [count]
 * @param x [count]
 * @param count elements */
void nb_gelu_backward(float *dx, const float *x, size_t count);

/** The gradient of p = softmax(scale s), row by row, in place: d = scale p (d - sum p d).
 * @param[in,out] d [rows, width] the gradient by p, then by s
 * @param p [rows, width]
 * @param rows how many
 * @param width elements of a row
 * @param scale times which the logits s went into the softmax */
void nb_softmax_backward(float *d, const float *p, size_t rows, size_t width, float scale);

/** The gradient of y = x + bias by the bias: dbias += the sums of dy's columns.
 * @param[in,out] dbias [width]
 * @param dy [rows, width]
 * @param rows how many
 * @param width elements of a row */
void nb_bias_backward(float *dbias, const float *dy, size_t rows, size_t width);

/** One step of AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, ICLR 2019) as PyTorch takes it. */
typedef struct nb_adamw {
    float beta1, beta2, epsilon; /**< as nb_adamw_at gets them */
    float decay;                 /**< times the rate it is what a weight loses */
    float rate;                  /**< of this step */
    float correct1;              /**< 1 - beta1^t */
    float correct2;              /**< sqrt(1 - beta2^t) */
} nb_adamw;

/** The settings of one step.
 * @param rate of learning
 * @param decay of the weights
 * @param beta1 decay of the gradients' mean, in [0, 1)
 * @param beta2 decay of the squares' mean, in [0, 1)
 * @param epsilon added to the root of the squares' mean
 * @param step t = 1, 2, ... */
nb_adamw nb_adamw_at(double rate, double decay, double beta1, double beta2, double epsilon, size_t step);

/** Takes a step.
 * @param a the settings of the step
 * @param[in,out] weight [count]
 * @param[in,out] m [count] mean of the gradients; zeros before the first step
 * @param[in,out] v [count] mean of their squares; zeros before the first step
 * @param gradient [count]
 * @param count elements */
void nb_adamw_step(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count);

#endif
