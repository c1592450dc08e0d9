#include "common/linear/reference/kernels_backward.h"

#include <math.h>

void nb_layer_norm_backward(float *dx, const nb_norm_gradient *gradient, const float *dy, const float *x, size_t rows,
                            const nb_norm_layer *norm)
{
    size_t width = norm->width;
    double n = (double)width;
    for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
        double sum = 0, squares = 0, of_g = 0, of_gx = 0;
        for (size_t i = 0; i < width; i++) {
            sum += (double)x[i];
        }
        double mean = sum / n;
        for (size_t i = 0; i < width; i++) {
            squares += ((double)x[i] - mean) * ((double)x[i] - mean);
        }
        double inverse = 1.0 / sqrt(squares / n + (double)norm->epsilon);
        for (size_t i = 0; i < width; i++) {
            double g = (double)dy[i] * (double)norm->weight[i];
            of_g += g;
            of_gx += g * ((double)x[i] - mean) * inverse;
        }
        for (size_t i = 0; i < width; i++) {
            double unit = ((double)x[i] - mean) * inverse;
            double g = (double)dy[i] * (double)norm->weight[i];
            dx[i] += (float)((g - of_g / n - unit * of_gx / n) * inverse);
            if (gradient->weight) {
                gradient->weight[i] += (float)((double)dy[i] * unit);
                gradient->bias[i] += dy[i];
            }
        }
    }
}

void nb_quick_gelu_backward(float *dx, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double s = 1.0 / (1.0 + exp(-1.702 * (double)x[i]));
        dx[i] *= (float)(s + 1.702 * (double)x[i] * s * (1.0 - s));
    }
}

void nb_gelu_backward(float *dx, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double at = (double)x[i];
        double below = 0.5 * erfc(-at * 0.70710678118654752);
        double density = 0.39894228040143268 * exp(-0.5 * at * at);
        dx[i] *= (float)(below + at * density);
    }
}

void nb_softmax_backward(float *d, const float *p, size_t rows, size_t width, float scale)
{
    for (size_t r = 0; r < rows; r++, d += width, p += width) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) {
            sum += (double)p[i] * (double)d[i];
        }
        for (size_t i = 0; i < width; i++) {
            d[i] = (float)((double)scale * (double)p[i] * ((double)d[i] - sum));
        }
    }
}

void nb_bias_backward(float *dbias, const float *dy, size_t rows, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++) {
            sum += (double)dy[r * width + i];
        }
        dbias[i] += (float)sum;
    }
}

nb_adamw nb_adamw_at(double rate, double decay, double beta1, double beta2, double epsilon, size_t step)
{
    return (nb_adamw){.beta1 = (float)beta1,
                      .beta2 = (float)beta2,
                      .epsilon = (float)epsilon,
                      .decay = (float)decay,
                      .rate = (float)rate,
                      .correct1 = (float)(1.0 - pow(beta1, (double)step)),
                      .correct2 = (float)sqrt(1.0 - pow(beta2, (double)step))};
}

void nb_adamw_step(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count)
{
    double kept = 1.0 - (double)a->rate * (double)a->decay;
    for (size_t i = 0; i < count; i++) {
        double g = (double)gradient[i];
        m[i] = (float)((double)a->beta1 * (double)m[i] + (1.0 - (double)a->beta1) * g);
        v[i] = (float)((double)a->beta2 * (double)v[i] + (1.0 - (double)a->beta2) * g * g);
        double size = sqrt((double)v[i]) / (double)a->correct2 + (double)a->epsilon;
        weight[i] = (float)((double)weight[i] * kept - (double)a->rate * (double)m[i] / (double)a->correct1 / size);
    }
}
