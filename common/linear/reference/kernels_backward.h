/* Gradients of the small kernels in common/linear/reference/kernels.h, in plain loops that sum in double: the reference
 * that common/linear/simd/gradient.h is compared with. `dy` is the gradient of the loss by a kernel's output, `dx` by
 * its input.
 */
#ifndef NB_COMMON_LINEAR_REFERENCE_KERNELS_BACKWARD_H
#define NB_COMMON_LINEAR_REFERENCE_KERNELS_BACKWARD_H

#include <stddef.h>

/* Of nb_layer_norm: dx[rows, width] +=, dweight[width] += and dbias[width] += (both may be NULL). With
 * x^ = (x - mean) / sigma and g = dy weight: dx = (g - mean(g) - x^ mean(g x^)) / sigma. */
void nb_layer_norm_back(float *dx, float *dweight, float *dbias, const float *dy, const float *x, size_t rows,
                        size_t width, const float *weight, float eps);

/* dx *= the activation's derivative at x. QuickGELU: s + 1.702 x s (1 - s), s = sigmoid(1.702 x). */
void nb_quick_gelu_back(float *dx, const float *x, size_t count);
/* GELU: Phi(x) + x phi(x). */
void nb_gelu_back(float *dx, const float *x, size_t count);

/* Of p = softmax(scale s) by rows: d[rows, width] goes from the gradient by p to the gradient by s,
 * scale p (d - sum p d). */
void nb_softmax_back(float *d, const float *p, size_t rows, size_t width, float scale);

/* Of y = x + bias: dbias[width] += the sums of the columns of dy[rows, width]. */
void nb_bias_back(float *dbias, const float *dy, size_t rows, size_t width);

/* One step of AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, ICLR 2019) as PyTorch takes it. */
typedef struct nb_adamw {
    float beta1, beta2, epsilon, decay; /* decay times rate is what a weight loses */
    float rate;                         /* of this step */
    float correct1, correct2;           /* 1 - beta1^t, sqrt(1 - beta2^t) */
} nb_adamw;

/* The settings of step t = 1, 2, ... */
nb_adamw nb_adamw_at(double rate, double decay, double beta1, double beta2, double epsilon, size_t step);
/* weight, m and v [count] are updated from `gradient`; m and v start from zeros. */
void nb_adamw_step(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count);

#endif
