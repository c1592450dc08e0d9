/* Compiled once for every instruction set: see common/CMakeLists.txt. Loops are written so that compilers vectorise
 * them without reordering sums: sums run in LANES parallel parts, combined in a fixed order. */
#include "common/linear/simd/vector.h"

#include "common/linear/simd/fast_math.h"
#include "common/linear/simd/lanes.h"
#include "common/linear/simd/table_name.h"

#include <math.h>
#include <string.h>

static void vector_layer_norm(float *out, const float *in, size_t rows, const nb_norm_layer *norm)
{
    size_t width = norm->width;
    const float *weight = norm->weight, *bias = norm->bias;
    float eps = norm->epsilon;
    for (size_t r = 0; r < rows; r++) {
        const float *x = in + r * width;
        float *y = out + r * width;
        float mean = lanes_sum(x, width) / (float)width;
        float scale = 1.0f / sqrtf(lanes_sum_squares(x, width, mean) / (float)width + eps);
        for (size_t i = 0; i < width; i++) {
            y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
        }
    }
}

static void vector_bias_gelu(float *x, size_t rows, size_t width, const float *bias, nb_gelu_kind kind)
{
    for (size_t r = 0; r < rows; r++, x += width) {
        if (kind == NB_VECTOR_QUICK_GELU) {
            for (size_t i = 0; i < width; i++) {
                x[i] = fast_quick_gelu(x[i] + bias[i]);
            }
        } else if (kind == NB_VECTOR_GELU) {
            for (size_t i = 0; i < width; i++) {
                x[i] = fast_gelu(x[i] + bias[i]);
            }
        } else {
            for (size_t i = 0; i < width; i++) {
                x[i] = fast_gelu_tanh(x[i] + bias[i]);
            }
        }
    }
}

static void vector_add_bias(float *x, size_t rows, size_t width, const float *bias)
{
    for (size_t r = 0; r < rows; r++, x += width) {
        for (size_t i = 0; i < width; i++) {
            x[i] += bias[i];
        }
    }
}

static void vector_add(float *out, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = a[i] + b[i];
    }
}

static void vector_add_residual(float *x, const float *y, size_t rows, size_t width, const float *bias)
{
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        for (size_t i = 0; i < width; i++) {
            x[i] += y[i] + bias[i];
        }
    }
}

static void vector_add_scaled(float *x, const float *y, size_t rows, size_t width, const float *scale)
{
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        for (size_t i = 0; i < width; i++) {
            x[i] += scale[i] * y[i];
        }
    }
}

static void vector_swiglu(float *x, const float *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] *= fast_silu(gate[i]);
    }
}

static void vector_geglu(float *x, const float *gate, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] *= fast_gelu(gate[i]);
    }
}

static void vector_rotate_pairs(float *x, const float *cosines, const float *sines, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = b * cosines[i] + a * sines[i];
    }
}

/* exp(scale (x - max)) in place; returns the sum. */
static inline float vector_exponentials(float *x, size_t n, float scale)
{
    float top = x[0], part[LANES] = {0}, most[LANES], rest = 0;
    size_t i = 0;
    for (int l = 0; l < LANES; l++) {
        most[l] = x[0];
    }
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            most[l] = x[i + (size_t)l] > most[l] ? x[i + (size_t)l] : most[l];
        }
    }
    for (; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    for (int l = 0; l < LANES; l++) {
        top = most[l] > top ? most[l] : top;
    }
    i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            float e = fast_exp((x[i + (size_t)l] - top) * scale);
            x[i + (size_t)l] = e;
            part[l] += e;
        }
    }
    for (; i < n; i++) {
        x[i] = fast_exp((x[i] - top) * scale);
        rest += x[i];
    }
    return lanes_add(part) + rest;
}

static void vector_softmax(float *x, size_t rows, size_t width, size_t stride, float scale)
{
    for (size_t r = 0; r < rows; r++, x += stride) {
        float inverse = 1.0f / vector_exponentials(x, width, scale);
        for (size_t i = 0; i < width; i++) {
            x[i] *= inverse;
        }
    }
}

static void vector_path_push(nb_path *path, size_t depth, size_t width, const float *key, const float *value)
{
    for (size_t i = 0; i < width; i++) {
        path->keys[i * path->stride + depth] = key[i];
    }
    memcpy(path->values + depth * width, value, width * sizeof *value);
}

static void vector_path_attend(nb_path *path, size_t depth, size_t width, size_t heads, const float *query, float *out)
{
    size_t head = width / heads, keys = depth + 1, padded = (keys + LANES - 1) / LANES * LANES;
    float scale = 1.0f / sqrtf((float)head);
    float *restrict s = path->scores;
    for (size_t h = 0; h < heads; h++) {
        const float *q = query + h * head;
        const float *k = path->keys + h * head * path->stride;
        for (size_t j = 0; j < padded; j += LANES) { /* the columns behind `keys` are old, their scores unused */
            float part[LANES] = {0};
            for (size_t c = 0; c < head; c++) {
                for (int l = 0; l < LANES; l++) {
                    part[l] += q[c] * k[c * path->stride + j + (size_t)l];
                }
            }
            memcpy(s + j, part, sizeof part);
        }
        float inverse = 1.0f / vector_exponentials(s, keys, scale);
        const float *v = path->values + h * head;
        float *restrict o = out + h * head;
        for (size_t c = 0; c < head; c++) {
            o[c] = 0;
        }
        for (size_t j = 0; j < keys; j++) {
            float p = s[j] * inverse;
            for (size_t c = 0; c < head; c++) {
                o[c] += p * v[j * width + c];
            }
        }
    }
}

/* ln(x) for normal positive x: x = 2^e m with m in [sqrt(1/2), sqrt(2)), then 2 artanh((m - 1) / (m + 1)) by its series
 * up to the ninth power (absolute error below 2e-7 times 1 + |e|). */
static inline float vector_fast_log(float x)
{
    bits b = {.f = x};
    int32_t e = (int32_t)(b.u - 0x3f3504f3u) >> 23;
    b.u -= (uint32_t)e << 23;
    float s = (b.f - 1.0f) / (b.f + 1.0f), z = s * s;
    float p = 2.0f / 9;
    p = p * z + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    return (float)e * 0.693147181f + s * (2.0f + p * z);
}

enum { PART = 1024 }; /* elements whose float sums go into a double */

/* The last elements in a block of their own, filled up with `rest`. */
static inline void vector_pad(float block[LANES], const float *x, size_t n, float rest)
{
    for (int l = 0; l < LANES; l++) {
        block[l] = (size_t)l < n ? x[l] : rest;
    }
}

static inline float vector_largest(const float *x, size_t n)
{
    float most[LANES], block[LANES], top;
    size_t i = 0;
    for (int l = 0; l < LANES; l++) {
        most[l] = x[0];
    }
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            most[l] = x[i + (size_t)l] > most[l] ? x[i + (size_t)l] : most[l];
        }
    }
    if (i < n) {
        vector_pad(block, x + i, n - i, x[0]);
        for (int l = 0; l < LANES; l++) {
            most[l] = block[l] > most[l] ? block[l] : most[l];
        }
    }
    top = most[0];
    for (int l = 1; l < LANES; l++) {
        top = most[l] > top ? most[l] : top;
    }
    return top;
}

static size_t vector_first_largest(const float *x, size_t n)
{
    float top = vector_largest(x, n);
    size_t i = 0;
    for (int any = 0; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            any |= x[i + (size_t)l] == top;
        }
        if (any) {
            break;
        }
    }
    while (i + 1 < n && x[i] != top) {
        i++;
    }
    return i;
}

static void vector_sum_exp(const float *x, size_t n, float scale, float *out_top, double *out_sum)
{
    float top = vector_largest(x, n), block[LANES];
    double total = 0;
    for (size_t begin = 0; begin < n; begin += PART) {
        size_t end = n - begin < PART ? n : begin + PART, i = begin;
        float part[LANES] = {0};
        for (; i + LANES <= end; i += LANES) {
            for (int l = 0; l < LANES; l++) {
                part[l] += fast_exp((x[i + (size_t)l] - top) * scale);
            }
        }
        if (i < end) {
            vector_pad(block, x + i, end - i, -INFINITY);
            for (int l = 0; l < LANES; l++) {
                part[l] += fast_exp((block[l] - top) * scale);
            }
        }
        total += (double)lanes_add(part);
    }
    *out_top = top;
    *out_sum = total;
}

static void vector_exps(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = fast_exp(x[i]);
    }
}

/* -largest of -x. */
static inline float vector_smallest(const float *x, size_t n)
{
    float block[LANES], low[LANES], bottom;
    size_t i = 0;
    for (int l = 0; l < LANES; l++) {
        low[l] = x[0];
    }
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            low[l] = x[i + (size_t)l] < low[l] ? x[i + (size_t)l] : low[l];
        }
    }
    if (i < n) {
        vector_pad(block, x + i, n - i, x[0]);
        for (int l = 0; l < LANES; l++) {
            low[l] = block[l] < low[l] ? block[l] : low[l];
        }
    }
    bottom = low[0];
    for (int l = 1; l < LANES; l++) {
        bottom = low[l] < bottom ? low[l] : bottom;
    }
    return bottom;
}

enum { SHARES = 512, CHAINS = 4 }; /* elements of a block; sums that run through it beside each other */

/* The running sums of e[n] in CHAINS parts of `part` elements, each from 0; the sum of the parts before each part in
 * `before`, which begins with the first. */
static inline void vector_running_sums(const float *e, size_t n, size_t part, double *upto, double before[CHAINS + 1])
{
    double sum[CHAINS] = {0};
    for (size_t i = 0; i < part; i++) {
        for (size_t c = 0; c < CHAINS; c++) {
            size_t at = c * part + i;
            sum[c] += at < n ? (double)e[at] : 0;
            upto[at] = sum[c];
        }
    }
    for (size_t c = 0; c < CHAINS; c++) {
        before[c + 1] = before[c] + sum[c];
    }
}

/* Adds the shares 1 / (1 + s) and s / (1 + s) of the sums s = before + upto[n]. */
static inline void vector_add_shares(const double *upto, size_t n, double before, double in[8], double out[8])
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t l = 0; l < 8; l++) {
            double s = before + upto[i + l], share = 1 / (1 + s);
            in[l] += share;
            out[l] += s * share;
        }
    }
    for (size_t l = 0; i + l < n; l++) {
        double s = before + upto[i + l], share = 1 / (1 + s);
        in[l] += share;
        out[l] += s * share;
    }
}

static bool vector_prefix_shares(const float *x, size_t n, nb_prefix_shares *s)
{
    float e[SHARES], scale = (float)s->scale;
    double upto[SHARES + CHAINS], in[8] = {0}, out[8] = {0}, before[CHAINS + 1] = {s->sum};
    /* near elements are subtracted exactly; what rounding takes from the shift is small beside the product */
    float base = (float)(s->shift / s->scale), rest = (float)(s->shift - s->scale * (double)base);
    if ((double)vector_largest(x, n) * s->scale - s->shift > s->most ||
        (double)vector_smallest(x, n) * s->scale - s->shift < s->least) {
        return false;
    }
    for (size_t begin = 0; begin < n; begin += SHARES) {
        size_t count = n - begin < SHARES ? n - begin : SHARES, part = (count + CHAINS - 1) / CHAINS;
        for (size_t i = 0; i < count; i++) {
            e[i] = fast_exp((x[begin + i] - base) * scale - rest);
        }
        vector_running_sums(e, count, part, upto, before);
        for (size_t c = 0; c < CHAINS && c * part < count; c++) {
            size_t left = count - c * part;
            vector_add_shares(upto + c * part, left < part ? left : part, before[c], in, out);
        }
        before[0] = before[CHAINS];
    }
    s->sum = before[0];
    s->inside = ((in[0] + in[4]) + (in[2] + in[6])) + ((in[1] + in[5]) + (in[3] + in[7]));
    s->outside = ((out[0] + out[4]) + (out[2] + out[6])) + ((out[1] + out[5]) + (out[3] + out[7]));
    return true;
}

static double vector_entropy(const float *x, size_t n, float scale, float top, double sum)
{
    float inverse = (float)(1 / sum), block[LANES];
    double total = 0;
    for (size_t begin = 0; begin < n; begin += PART) {
        size_t end = n - begin < PART ? n : begin + PART, i = begin;
        float part[LANES] = {0};
        for (; i + LANES <= end; i += LANES) {
            for (int l = 0; l < LANES; l++) {
                float p = fast_exp((x[i + (size_t)l] - top) * scale) * inverse;
                part[l] -= p * vector_fast_log(p + 1e-8f);
            }
        }
        if (i < end) {
            vector_pad(block, x + i, end - i, -INFINITY);
            for (int l = 0; l < LANES; l++) {
                float p = fast_exp((block[l] - top) * scale) * inverse;
                part[l] -= p * vector_fast_log(p + 1e-8f);
            }
        }
        total += (double)lanes_add(part);
    }
    return total > 0 ? total : 0;
}

extern const nb_vector NB_TABLE_NAME(nb_vector);
const nb_vector NB_TABLE_NAME(nb_vector) = {.name = NB_TABLE_SET,
                                            .layer_norm = vector_layer_norm,
                                            .bias_gelu = vector_bias_gelu,
                                            .add_bias = vector_add_bias,
                                            .add = vector_add,
                                            .add_residual = vector_add_residual,
                                            .add_scaled = vector_add_scaled,
                                            .swiglu = vector_swiglu,
                                            .geglu = vector_geglu,
                                            .rotate_pairs = vector_rotate_pairs,
                                            .softmax = vector_softmax,
                                            .path_push = vector_path_push,
                                            .path_attend = vector_path_attend,
                                            .first_largest = vector_first_largest,
                                            .sum_exp = vector_sum_exp,
                                            .exps = vector_exps,
                                            .prefix_shares = vector_prefix_shares,
                                            .entropy = vector_entropy};
