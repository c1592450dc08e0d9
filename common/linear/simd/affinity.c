/* Compiled once for every instruction set: see common/CMakeLists.txt. Sums run in LANES parallel parts, combined in a
 * fixed order. */
#include "common/linear/simd/affinity.h"

#include "common/linear/reference/half.h"
#include "common/linear/simd/fast_math.h"
#include "common/linear/simd/lanes.h"
#include "common/linear/simd/table_name.h"

#include <math.h>
#include <string.h>
#if defined(__F16C__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

enum { BLOCK = 64 };
_Static_assert((int)NB_AFFINITY_PAD == (int)LANES, "whole LANES are read and written behind the values");

static inline double affinity_add_lanes(const double part[LANES])
{
    double sum = 0;
    for (int l = 0; l < LANES; l++) {
        sum += part[l];
    }
    return sum;
}

/* LANES values as floats. */
static inline void affinity_widen_lanes(float out[LANES], const uint16_t *half)
{
#if defined(__F16C__)
    for (size_t l = 0; l < LANES; l += 8) {
        __m128i eight;
        memcpy(&eight, half + l, sizeof eight);
        _mm256_storeu_ps(out + l, _mm256_cvtph_ps(eight));
    }
#else
    for (size_t l = 0; l < LANES; l++) {
        out[l] = nb_half_to_float(half[l]);
    }
#endif
}

/* out = in as floats; returns the sum of squares. */
static double affinity_widen_half(float *out, const uint16_t *half, size_t width)
{
    double part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        affinity_widen_lanes(out + i, half + i);
        for (size_t l = 0; l < LANES; l++) {
            part[l] += (double)out[i + l] * (double)out[i + l];
        }
    }
    for (; i < width; i++) {
        out[i] = nb_half_to_float(half[i]);
        rest += (double)out[i] * (double)out[i];
    }
    return affinity_add_lanes(part) + rest;
}

static double affinity_sum_squares(const float *in, size_t width)
{
    double part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            part[l] += (double)in[i + l] * (double)in[i + l];
        }
    }
    for (; i < width; i++) {
        rest += (double)in[i] * (double)in[i];
    }
    return affinity_add_lanes(part) + rest;
}

static void affinity_divide(float *out, const float *in, size_t width, double norm)
{
    float scale = (float)(1 / norm);
    for (size_t i = 0; i < width; i++) {
        out[i] = in[i] * scale;
    }
}

static void affinity_unit_half(float *out, const uint16_t *half, size_t rows, size_t width, float *norms)
{
    for (size_t r = 0; r < rows; r++, out += width, half += width) {
        double norm = sqrt(affinity_widen_half(out, half, width));
        affinity_divide(out, out, width, norm);
        norms[r] = (float)norm;
    }
}

static void affinity_unit_float(float *out, const float *in, size_t rows, size_t width, float *norms)
{
    for (size_t r = 0; r < rows; r++, out += width, in += width) {
        double norm = sqrt(affinity_sum_squares(in, width));
        affinity_divide(out, in, width, norm);
        norms[r] = (float)norm;
    }
}

typedef struct pair {
    double ab[LANES], bb[LANES], rest_ab, rest_bb;
} pair;

static inline void affinity_pair_add(pair *p, const float a[LANES], const float b[LANES])
{
    for (size_t l = 0; l < LANES; l++) {
        p->ab[l] += (double)a[l] * (double)b[l];
        p->bb[l] += (double)b[l] * (double)b[l];
    }
}

static inline void affinity_pair_add_one(pair *p, float a, float b)
{
    p->rest_ab += (double)a * (double)b;
    p->rest_bb += (double)b * (double)b;
}

static inline void affinity_pair_end(const pair *p, double *ab, double *bb)
{
    *ab = affinity_add_lanes(p->ab) + p->rest_ab;
    *bb = affinity_add_lanes(p->bb) + p->rest_bb;
}

static void affinity_pair_half(const uint16_t *a, const uint16_t *b, size_t width, double *ab, double *bb)
{
    pair p = {0};
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        float x[LANES], y[LANES];
        affinity_widen_lanes(x, a + i);
        affinity_widen_lanes(y, b + i);
        affinity_pair_add(&p, x, y);
    }
    for (; i < width; i++) {
        affinity_pair_add_one(&p, nb_half_to_float(a[i]), nb_half_to_float(b[i]));
    }
    affinity_pair_end(&p, ab, bb);
}

static void affinity_pair_float(const float *a, const float *b, size_t width, double *ab, double *bb)
{
    pair p = {0};
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        affinity_pair_add(&p, a + i, b + i);
    }
    for (; i < width; i++) {
        affinity_pair_add_one(&p, a[i], b[i]);
    }
    affinity_pair_end(&p, ab, bb);
}

static float affinity_mean(const float *x, size_t n)
{
    float part[BLOCK] = {0}, sum = 0;
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        for (size_t l = 0; l < BLOCK; l++) {
            part[l] += x[i + l];
        }
    }
    for (; i < n; i++) {
        sum += x[i];
    }
    for (int half = BLOCK / 2; half; half /= 2) {
        for (int l = 0; l < half; l++) {
            part[l] += part[l + half];
        }
    }
    return (sum + part[0]) / (float)n;
}

/* The sum of LANES parts and a rest. */
static inline double affinity_add_parts(float part[LANES], float rest)
{
    for (int l = 0; l < LANES / 2; l++) {
        part[l] += part[l + LANES / 2];
    }
    for (int l = 0; l < LANES / 2; l++) {
        rest += part[l];
    }
    return (double)rest;
}

/* Blocks of BLOCK values are summed in single precision, the blocks in double. */
static double affinity_exp_sum_each(const float *x, const float *shift, size_t n, float scale)
{
    double sum = 0;
    for (size_t i = 0; i < n;) {
        float part[LANES] = {0}, rest = 0;
        size_t end = i + BLOCK < n ? i + BLOCK : n;
        for (; i + LANES <= end; i += LANES) {
            for (size_t l = 0; l < LANES; l++) {
                part[l] += fast_exp((x[i + l] - shift[i + l]) * scale);
            }
        }
        for (; i < end; i++) {
            rest += fast_exp((x[i] - shift[i]) * scale);
        }
        sum += affinity_add_parts(part, rest);
    }
    return sum;
}

static double affinity_exp_sums_each(const float *x, const float *shift, size_t n, float scale, double *squares)
{
    double sum = 0, square_sum = 0;
    for (size_t i = 0; i < n;) {
        float part[LANES] = {0}, square[LANES] = {0}, rest = 0, square_rest = 0;
        size_t end = i + BLOCK < n ? i + BLOCK : n;
        for (; i + LANES <= end; i += LANES) {
            for (size_t l = 0; l < LANES; l++) {
                float term = fast_exp((x[i + l] - shift[i + l]) * scale);
                part[l] += term;
                square[l] += term * term;
            }
        }
        for (; i < end; i++) {
            float term = fast_exp((x[i] - shift[i]) * scale);
            rest += term;
            square_rest += term * term;
        }
        sum += affinity_add_parts(part, rest);
        square_sum += affinity_add_parts(square, square_rest);
    }
    *squares = square_sum;
    return sum;
}

static size_t affinity_above(const float *x, size_t n, float limit, float *kept)
{
    size_t count = 0, i = 0;
#if defined(__AVX512F__)
    for (; i + LANES <= n; i += LANES) {
        __m512 values = _mm512_loadu_ps(x + i);
        __mmask16 mask = _mm512_cmp_ps_mask(values, _mm512_set1_ps(limit), _CMP_GE_OQ);
        _mm512_storeu_ps(kept + count, _mm512_maskz_compress_ps(mask, values)); /* faster than storing the kept alone */
        count += (size_t)__builtin_popcount(mask);
    }
#endif
    for (; i < n; i++) {
        kept[count] = x[i];
        count += x[i] >= limit;
    }
    for (size_t l = 0; l < NB_AFFINITY_PAD; l++) {
        kept[count + l] = INFINITY;
    }
    return count;
}

/* Three passes over whole LANES, n a multiple of them; behind the values are infinities. */
#if defined(__AVX512F__)
/* The smallest value above `floor`. */
static inline float affinity_next_above(const float *x, size_t n, float floor)
{
    __m512 least = _mm512_set1_ps(INFINITY), limit = _mm512_set1_ps(floor);
    for (size_t i = 0; i < n; i += LANES) {
        __m512 values = _mm512_loadu_ps(x + i);
        least = _mm512_mask_min_ps(least, _mm512_cmp_ps_mask(values, limit, _CMP_GT_OQ), least, values);
    }
    return _mm512_reduce_min_ps(least);
}

static inline float affinity_largest_finite(const float *x, size_t n)
{
    __m512 most = _mm512_set1_ps(-INFINITY), limit = _mm512_set1_ps(INFINITY);
    for (size_t i = 0; i < n; i += LANES) {
        __m512 values = _mm512_loadu_ps(x + i);
        most = _mm512_mask_max_ps(most, _mm512_cmp_ps_mask(values, limit, _CMP_LT_OQ), most, values);
    }
    return _mm512_reduce_max_ps(most);
}

static inline size_t affinity_count_to(const float *x, size_t n, float most)
{
    __m512 limit = _mm512_set1_ps(most);
    size_t count = 0;
    for (size_t i = 0; i < n; i += LANES) {
        count += (size_t)__builtin_popcount(_mm512_cmp_ps_mask(_mm512_loadu_ps(x + i), limit, _CMP_LE_OQ));
    }
    return count;
}
#else
static inline float affinity_next_above(const float *x, size_t n, float floor)
{
    float least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        float v = x[i] > floor ? x[i] : INFINITY;
        least = v < least ? v : least;
    }
    return least;
}

static inline float affinity_largest_finite(const float *x, size_t n)
{
    float most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        float v = x[i] < INFINITY ? x[i] : -INFINITY;
        most = v > most ? v : most;
    }
    return most;
}

static inline size_t affinity_count_to(const float *x, size_t n, float most)
{
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        count += x[i] <= most;
    }
    return (size_t)count;
}
#endif

/* A floor with *seen <= k values up to it, by interpolating between floors until few of the k are left above. */
static float affinity_approach(const float *x, size_t padded, size_t n, size_t k, size_t *seen)
{
    enum { FEW = 3, TRIES = 12 };
    float floor = -INFINITY, low, high;
    size_t to_low = 0, to_high = n;
    *seen = 0;
    if (k <= FEW) {
        return floor;
    }
    low = affinity_next_above(x, padded, floor);
    high = affinity_largest_finite(x, padded);
    for (int i = 0; i < TRIES && k - *seen > FEW && low < high; i++) {
        float part = ((float)(k - to_low) - 0.5f * FEW) / (float)(to_high - to_low), at = low + part * (high - low);
        size_t count = affinity_count_to(x, padded, at);
        if (count <= k) {
            floor = low = at;
            *seen = to_low = count;
        } else {
            high = at;
            to_high = count;
        }
    }
    return floor;
}

static float affinity_order(const float *x, size_t n, size_t k, float *next)
{
    size_t padded = (n + LANES - 1) / LANES * LANES, below, seen;
    float floor = affinity_approach(x, padded, n, k, &below), found = floor, behind;
    for (size_t i = below; i <= k; i++) {
        found = affinity_next_above(x, padded, found);
    }
    seen = found < INFINITY ? affinity_count_to(x, padded, found) : 0;
    if (seen != k + 1) { /* some values are equal: count at every step */
        found = floor;
        for (seen = below; seen <= k; seen = affinity_count_to(x, padded, found)) {
            found = affinity_next_above(x, padded, found);
        }
    }
    behind = seen > k + 1 ? found : affinity_next_above(x, padded, found);
    *next = behind < INFINITY ? behind : found;
    return found;
}

static size_t affinity_nearer(const float *x, const float *add, size_t n, float limit, uint32_t *index)
{
    size_t count = 0, i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        int any = 0;
        for (size_t l = 0; l < BLOCK; l++) {
            any |= add[i + l] - 2 * x[i + l] < limit;
        }
        for (size_t l = 0; any && l < BLOCK; l++) {
            index[count] = (uint32_t)(i + l);
            count += add[i + l] - 2 * x[i + l] < limit;
        }
    }
    for (; i < n; i++) {
        index[count] = (uint32_t)i;
        count += add[i] - 2 * x[i] < limit;
    }
    return count;
}

static double affinity_gaps(const float *x, const float *reference, size_t n, float *least)
{
    double part[LANES] = {0}, rest = 0;
    float low[LANES], lowest = INFINITY;
    size_t i = 0;
    for (int l = 0; l < LANES; l++) {
        low[l] = INFINITY;
    }
    for (; i + LANES <= n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            float gap = reference[i + l] - x[i + l];
            low[l] = gap < low[l] ? gap : low[l];
            part[l] += (double)gap;
        }
    }
    for (; i < n; i++) {
        float gap = reference[i] - x[i];
        lowest = gap < lowest ? gap : lowest;
        rest += (double)gap;
    }
    for (int l = 0; l < LANES; l++) {
        lowest = low[l] < lowest ? low[l] : lowest;
    }
    *least = lowest;
    return affinity_add_lanes(part) + rest;
}

extern const nb_affinity NB_TABLE_NAME(nb_affinity);
const nb_affinity NB_TABLE_NAME(nb_affinity) = {.unit_half = affinity_unit_half,
                                                .unit_float = affinity_unit_float,
                                                .mean = affinity_mean,
                                                .exp_sum_each = affinity_exp_sum_each,
                                                .exp_sums_each = affinity_exp_sums_each,
                                                .above = affinity_above,
                                                .order = affinity_order,
                                                .nearer = affinity_nearer,
                                                .pair_half = affinity_pair_half,
                                                .pair_float = affinity_pair_float,
                                                .gaps = affinity_gaps};
