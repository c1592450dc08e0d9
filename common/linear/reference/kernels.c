#include "common/linear/reference/kernels.h"

#include <math.h>

void nb_layer_norm(float *out, const float *in, size_t rows, const nb_norm_layer *norm)
{
    size_t width = norm->width;
    for (size_t r = 0; r < rows; r++) {
        const float *x = in + r * width;
        float *y = out + r * width;
        double sum = 0, squares = 0;
        for (size_t i = 0; i < width; i++) {
            sum += (double)x[i];
        }
        double mean = sum / (double)width;
        for (size_t i = 0; i < width; i++) {
            double centred = (double)x[i] - mean;
            squares += centred * centred;
        }
        double scale = 1.0 / sqrt(squares / (double)width + (double)norm->epsilon);
        for (size_t i = 0; i < width; i++) {
            y[i] = (float)(((double)x[i] - mean) * scale) * norm->weight[i] + norm->bias[i];
        }
    }
}

void nb_rms_norm(float *out, const float *in, size_t rows, const nb_norm_layer *norm)
{
    size_t width = norm->width;
    for (size_t r = 0; r < rows; r++) {
        const float *x = in + r * width;
        float *y = out + r * width;
        double squares = 0;
        for (size_t i = 0; i < width; i++) {
            squares += (double)x[i] * (double)x[i];
        }
        double scale = 1.0 / sqrt(squares / (double)width + (double)norm->epsilon);
        for (size_t i = 0; i < width; i++) {
            y[i] = (float)((double)x[i] * scale) * norm->weight[i];
        }
    }
}

void nb_softmax_rows(float *x, size_t rows, size_t width, size_t stride)
{
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * stride;
        float top = row[0];
        for (size_t i = 1; i < width; i++) {
            top = row[i] > top ? row[i] : top;
        }
        float sum = 0;
        for (size_t i = 0; i < width; i++) {
            row[i] = expf(row[i] - top);
            sum += row[i];
        }
        for (size_t i = 0; i < width; i++) {
            row[i] /= sum;
        }
    }
}

void nb_quick_gelu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = x[i] / (1.0f + expf(-1.702f * x[i]));
    }
}

void nb_gelu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678f));
    }
}

void nb_gelu_tanh(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double v = (double)x[i], inner = sqrt(2 / 3.141592653589793) * (v + 0.044715 * v * v * v);
        x[i] = (float)(v / 2 * (1 + tanh(inner)));
    }
}

void nb_swiglu(float *x, const float *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double g = (double)gate[i];
        x[i] = (float)((double)x[i] * g / (1 + exp(-g)));
    }
}

void nb_geglu(float *x, const float *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double g = (double)gate[i];
        x[i] = (float)((double)x[i] * g * 0.5 * (1 + erf(g * 0.70710678118654752)));
    }
}

void nb_rotate_pairs(float *x, const float *cosines, const float *sines, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = b * cosines[i] + a * sines[i];
    }
}

void nb_add_bias(float *x, size_t rows, size_t width, const float *bias)
{
    for (size_t r = 0; r < rows; r++) {
        nb_add(x + r * width, bias, width);
    }
}

void nb_add(float *x, const float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] += y[i];
    }
}

double nb_dot(const double *a, const double *b, size_t d)
{
    double part[4] = {0};
    size_t i = 0;
    for (; i + 4 <= d; i += 4) {
        for (size_t k = 0; k < 4; k++) {
            part[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < d; i++) {
        part[0] += a[i] * b[i];
    }
    return (part[0] + part[1]) + (part[2] + part[3]);
}

double nb_normalise_row(double *out, const double *in, size_t d)
{
    double norm = sqrt(nb_dot(in, in, d));
    for (size_t i = 0; i < d; i++) {
        out[i] = norm > 0 ? in[i] / norm : 0;
    }
    return norm;
}

double nb_log_sum_exp(const double *x, size_t count)
{
    double top = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        top = x[i] > top ? x[i] : top;
    }
    if (!isfinite(top)) {
        return top;
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += exp(x[i] - top);
    }
    return top + log(sum);
}

double nb_entropy(const double *x, size_t count)
{
    double whole = nb_log_sum_exp(x, count), sum = 0;
    for (size_t i = 0; i < count; i++) {
        double p = exp(x[i] - whole);
        sum -= p * log(p + 1e-8);
    }
    return sum;
}

double nb_softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
