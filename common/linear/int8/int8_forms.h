/* Rounding, storing and the table behind common/linear/int8/int8.h; included by a file that defines NB_INT8_TABLE (the
 * table it makes), NB_INT8_NAME, NB_INT8_MOST_ROWS (of a block), int8_block(), int8_begin() and int8_end(). One that
 * includes common/linear/int8/int8_avx512.h before rounds with AVX-512, else plain C does. */
#include "common/linear/int8/int8.h"

#include <math.h>
#include <string.h>

#if !defined(NB_COMMON_LINEAR_INT8_INT8_AVX512_H)
/* The span lane by lane, as compilers vectorise it. */
typedef struct int8_lanes {
    float low[16], high[16], bad[16];
} int8_lanes;

static inline void int8_widen_span(int8_lanes *s, size_t lane, float x)
{
    s->low[lane] = x < s->low[lane] ? x : s->low[lane];
    s->high[lane] = x > s->high[lane] ? x : s->high[lane];
    s->bad[lane] += x * 0.0f;
}

static nb_int8_span int8_span_of(const float *in, size_t k)
{
    int8_lanes s = {{0}, {0}, {0}};
    size_t whole = k / 16 * 16;
    for (size_t i = 0; i < whole; i += 16) {
        for (size_t l = 0; l < 16; l++) {
            int8_widen_span(&s, l, in[i + l]);
        }
    }
    for (size_t i = whole; i < k; i++) {
        int8_widen_span(&s, i - whole, in[i]);
    }
    for (size_t l = 1; l < 16; l++) {
        s.low[0] = s.low[l] < s.low[0] ? s.low[l] : s.low[0];
        s.high[0] = s.high[l] > s.high[0] ? s.high[l] : s.high[0];
        s.bad[0] += s.bad[l];
    }
    return (nb_int8_span){s.low[0], s.high[0], s.bad[0]};
}

/* To the nearest integer, ties to even, of |x| < 2^22: behind 3 times 2^22 the last bit of a float is worth 1. Unlike
 * lrintf it is vectorised in every instruction set. */
static inline int32_t int8_nearest(float x)
{
    float shifted = x + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4b400000;
}

static void int8_quantise(uint8_t *restrict out, const float *restrict in, size_t k, float inverse, int32_t zero)
{
    for (size_t i = 0; i < k; i++) {
        int32_t q = int8_nearest(in[i] * inverse) + zero;
        out[i] = (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
    }
}
#endif

static void int8_round(uint8_t *restrict out, nb_int8_row *restrict how, const float *restrict in, size_t k)
{
    nb_int8_span s = int8_span_of(in, k);
    float width = s.high - s.low, inverse = 0;
    *how = (nb_int8_row){.scale = 0};
    if (isnan(s.bad) || isinf(width)) {
        how->scale = NAN; /* and so is all that the row becomes */
    } else if (width > 1e-30f) {
        inverse = 255.0f / width;
        *how = (nb_int8_row){.scale = width / 255.0f, .zero = (int32_t)lrintf(-s.low * inverse)};
    }
    if (isnan(how->scale)) {
        memset(out, 0, k);
    } else {
        int8_quantise(out, in, k, inverse, how->zero);
    }
    memset(out + k, 0, nb_int8_stride(k) - k);
}

/* Sums wrap around like the hardware's, which is without effect up to NB_INT8_MOST values. */
static inline float int8_value(int32_t block, const nb_int8_part *part, size_t r, size_t c)
{
    uint32_t sum = (uint32_t)block - (uint32_t)part->of[r].zero * (uint32_t)part->sums[c];
    return (float)(int32_t)sum * part->scales[c] * part->of[r].scale + part->bias[c];
}

static void int8_store(float *restrict out, size_t stride, const int32_t *restrict block, const nb_int8_part *part)
{
    const nb_int8_part p = *part;
    for (size_t r = 0; r < p.rows; r++, out += stride, block += NB_INT8_PANEL) {
        if (p.columns == NB_INT8_PANEL) {
            for (size_t c = 0; c < NB_INT8_PANEL; c++) {
                out[c] = int8_value(block[c], &p, r, c);
            }
            continue;
        }
        for (size_t c = 0; c < p.columns; c++) {
            out[c] = int8_value(block[p.skip + c], &p, r, p.skip + c);
        }
    }
}

static void int8_add(float *restrict out, size_t stride, const int32_t *restrict block, const nb_int8_part *part)
{
    const nb_int8_part p = *part;
    for (size_t r = 0; r < p.rows; r++, out += stride, block += NB_INT8_PANEL) {
        if (p.columns == NB_INT8_PANEL) {
            for (size_t c = 0; c < NB_INT8_PANEL; c++) {
                out[c] += int8_value(block[c], &p, r, c);
            }
            continue;
        }
        for (size_t c = 0; c < p.columns; c++) {
            out[c] += int8_value(block[p.skip + c], &p, r, p.skip + c);
        }
    }
}

const nb_int8 NB_INT8_TABLE = {.name = NB_INT8_NAME,
                               .rows = NB_INT8_MOST_ROWS,
                               .begin = int8_begin,
                               .end = int8_end,
                               .round = int8_round,
                               .block = int8_block,
                               .store = int8_store,
                               .add = int8_add};
