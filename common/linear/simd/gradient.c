/* Compiled once for every instruction set: see common/CMakeLists.txt. Sums run in LANES parallel parts, combined in a
 * fixed order. */
#include "common/linear/simd/gradient.h"

#include "common/linear/simd/fast_math.h"
#include "common/linear/simd/lanes.h"
#include "common/linear/simd/table_name.h"

#include <string.h>

static inline float gradient_dot(const float *a, const float *b, size_t n)
{
    float part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            part[l] += a[i + (size_t)l] * b[i + (size_t)l];
        }
    }
    for (; i < n; i++) {
        rest += a[i] * b[i];
    }
    return lanes_add(part) + rest;
}

/* Of one row: its mean and 1 / sigma. */
typedef struct moments {
    float mean, inverse;
} moments;

/* Sums of g = dy weight and of g x^. */
static inline void gradient_slopes(const float *dy, const float *x, const float *weight, size_t n, moments row,
                                   float out[2])
{
    float of_g[LANES] = {0}, of_gx[LANES] = {0}, rest[2] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            float g = dy[i + (size_t)l] * weight[i + (size_t)l];
            of_g[l] += g;
            of_gx[l] += g * ((x[i + (size_t)l] - row.mean) * row.inverse);
        }
    }
    for (; i < n; i++) {
        float g = dy[i] * weight[i];
        rest[0] += g;
        rest[1] += g * ((x[i] - row.mean) * row.inverse);
    }
    out[0] = lanes_add(of_g) + rest[0];
    out[1] = lanes_add(of_gx) + rest[1];
}

static void gradient_layer_norm(float *dx, const nb_norm_gradient *gradient, const float *dy, const float *x,
                                size_t rows, const nb_norm_layer *norm)
{
    size_t width = norm->width;
    const float *weight = norm->weight;
    float n = (float)width, eps = norm->epsilon, *dweight = gradient->weight, *dbias = gradient->bias;
    for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
        float mean = lanes_sum(x, width) / n, sums[2];
        float inverse = 1.0f / sqrtf(lanes_sum_squares(x, width, mean) / n + eps);
        gradient_slopes(dy, x, weight, width, (moments){mean, inverse}, sums);
        float of_g = sums[0] / n, of_gx = sums[1] / n;
        for (size_t i = 0; i < width; i++) {
            float unit = (x[i] - mean) * inverse;
            dx[i] += (dy[i] * weight[i] - of_g - unit * of_gx) * inverse;
        }
        for (size_t i = 0; dweight && i < width; i++) {
            dweight[i] += dy[i] * ((x[i] - mean) * inverse);
            dbias[i] += dy[i];
        }
    }
}

static void gradient_gelu(float *out, const float *x, size_t count, nb_gelu_kind kind)
{
    if (kind == NB_VECTOR_QUICK_GELU) {
        for (size_t i = 0; i < count; i++) {
            out[i] = fast_quick_gelu(x[i]);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            out[i] = fast_gelu(x[i]);
        }
    }
}

/* Phi(x) + x phi(x); Phi as in fast_gelu. */
static inline float gradient_gelu_slope(float x)
{
    float a = fabsf(x) * 0.70710678f, e = fast_exp(-a * a);
    float t = 1.0f / (1.0f + 0.3275911f * a);
    float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    float tail = 0.5f * p * e;
    return (x > 0 ? 1.0f - tail : tail) + x * 0.39894228f * e;
}

static inline float gradient_quick_gelu_slope(float x)
{
    float s = 1.0f / fast_math_quick_gelu_divisor(x);
    return s + 1.702f * x * s * (1.0f - s);
}

static void gradient_gelu_backward(float *dx, const float *x, size_t count, nb_gelu_kind kind)
{
    if (kind == NB_VECTOR_QUICK_GELU) {
        for (size_t i = 0; i < count; i++) {
            dx[i] *= gradient_quick_gelu_slope(x[i]);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            dx[i] *= gradient_gelu_slope(x[i]);
        }
    }
}

static void gradient_softmax(float *d, const float *p, size_t rows, size_t width, float scale)
{
    for (size_t r = 0; r < rows; r++, d += width, p += width) {
        float sum = gradient_dot(p, d, width);
        for (size_t i = 0; i < width; i++) {
            d[i] = scale * p[i] * (d[i] - sum);
        }
    }
}

static void gradient_bias(float *dbias, const float *dy, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++, dy += width) {
        for (size_t i = 0; i < width; i++) {
            dbias[i] += dy[i];
        }
    }
}

/* y += a x */
static inline void gradient_add_scaled(float *restrict y, const float *restrict x, float a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] += a * x[i];
    }
}

static void gradient_attend(const nb_head *h, const float *query, float *p, float *out)
{
    size_t keys = h->count;
    float top = -INFINITY, sum = 0;
    for (size_t j = 0; j < keys; j++) {
        p[j] = h->scale * gradient_dot(query, h->keys + j * h->stride, h->width);
        top = p[j] > top ? p[j] : top;
    }
    for (size_t j = 0; j < keys; j++) {
        p[j] = fast_exp(p[j] - top);
        sum += p[j];
    }
    memset(out, 0, h->width * sizeof *out);
    for (size_t j = 0; j < keys; j++) {
        p[j] /= sum;
        gradient_add_scaled(out, h->values + j * h->stride, p[j], h->width);
    }
}

static void gradient_attend_backward(const nb_head *h, const float *query, const float *p, const float *dout,
                                     const nb_head_gradient *gradient)
{
    size_t keys = h->count, dstride = gradient->stride;
    float *dquery = gradient->query, *dkeys = gradient->keys, *dvalues = gradient->values, *d = gradient->scratch;
    for (size_t j = 0; j < keys; j++) {
        d[j] = gradient_dot(dout, h->values + j * h->stride, h->width);
    }
    gradient_softmax(d, p, 1, keys, h->scale);
    memset(dquery, 0, h->width * sizeof *dquery);
    for (size_t j = 0; j < keys; j++) {
        gradient_add_scaled(dquery, h->keys + j * h->stride, d[j], h->width);
        gradient_add_scaled(dkeys + j * dstride, query, d[j], h->width);
        gradient_add_scaled(dvalues + j * dstride, dout, p[j], h->width);
    }
}

static void gradient_adamw(const nb_adamw *a, float *weight, float *m, float *v, const float *gradient, size_t count)
{
    float kept = 1.0f - a->rate * a->decay, rate = a->rate / a->correct1, inverse = 1.0f / a->correct2;
    float rest1 = 1.0f - a->beta1, rest2 = 1.0f - a->beta2, eps = a->epsilon;
    for (size_t i = 0; i < count; i++) {
        m[i] = a->beta1 * m[i] + rest1 * gradient[i];
        v[i] = a->beta2 * v[i] + rest2 * gradient[i] * gradient[i];
        weight[i] = weight[i] * kept - rate * m[i] / (sqrtf(v[i]) * inverse + eps);
    }
}

static float gradient_add_fixed(int64_t *sum, const float *gradient, size_t count, float scale, float limit)
{
    float largest = 0;
    bool finite = true;
    for (size_t i = 0; i < count; i++) {
        float size = fabsf(gradient[i]);
        finite = finite && size < INFINITY; /* false for NaN, which the maximum would pass over */
        largest = size > largest ? size : largest;
    }
    if (!finite || largest >= limit) {
        return finite ? largest : INFINITY;
    }
    for (size_t i = 0; i < count; i++) {
        sum[i] += llrint((double)gradient[i] * (double)scale);
    }
    return largest;
}

extern const nb_gradient NB_TABLE_NAME(nb_gradient);
const nb_gradient NB_TABLE_NAME(nb_gradient) = {.layer_norm = gradient_layer_norm,
                                                .gelu = gradient_gelu,
                                                .gelu_backward = gradient_gelu_backward,
                                                .softmax = gradient_softmax,
                                                .bias = gradient_bias,
                                                .attend = gradient_attend,
                                                .attend_backward = gradient_attend_backward,
                                                .adamw = gradient_adamw,
                                                .add_fixed = gradient_add_fixed};
