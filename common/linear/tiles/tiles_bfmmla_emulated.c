/* BFMMLA in plain C, bit for bit (Arm Architecture Reference Manual for A-profile, BFMatMulAdd, without the extended
 * behaviour that FPCR.EBF would switch on, which Linux leaves off): the products of a pair of values are added to one
 * another, then to the sum. Every operation rounds to odd, whatever the control register says: what is not exact gets,
 * of the two numbers around it, the one whose last bit is 1. Denormals are read and written as zero, and a NaN is the
 * default one. A product of two bf16 has at most 16 significant bits and is exact, infinite or flushed. */
#include "common/linear/tiles/tiles.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static void tiles_begin(void)
{
}
static void tiles_end(void)
{
}

static inline float tiles_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t tiles_bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float tiles_flush(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x;
}

static inline float tiles_widen(uint16_t value)
{
    return tiles_flush(tiles_of_bits((uint32_t)value << 16));
}

/* a + b rounded to odd, of numbers below 2^126. Knuth's two-sum gives what the rounding to nearest has left out,
 * exactly; an even last bit then moves by 1 towards it: outwards where its sign is that of the sum. Without branches,
 * so that compilers vectorise it. */
static inline float tiles_add_odd(float a, float b)
{
    float sum = a + b, of_b = sum - a, left = (a - (sum - of_b)) + (b - of_b);
    uint32_t u = tiles_bits_of(sum), l = tiles_bits_of(left), moves = ~u & (uint32_t)(l << 1 != 0);
    uint32_t inwards = (u ^ l) >> 31;
    return tiles_flush(tiles_of_bits(u + ((moves ^ (0u - inwards)) + inwards)));
}

/* The same of all numbers. A sum to odd is infinite from 2^128 on and not before: it never rounds up to a power of 2.
 * What a quarter of a number loses lies far behind the last bit of such a sum. */
static inline float tiles_add_odd_far(float a, float b)
{
    float sum = a + b;
    if (isnan(sum)) {
        return tiles_of_bits(0x7fc00000u);
    }
    if (isinf(a) || isinf(b)) {
        return sum;
    }
    return fabsf(a) < 0x1p126f && fabsf(b) < 0x1p126f ? tiles_add_odd(a, b) : 4 * tiles_add_odd(a / 4, b / 4);
}

/* The largest exponent; 127 is that of 1, 255 that of what is not finite. */
static int tiles_highest(const uint16_t *values, size_t count)
{
    int high = 0;
    for (size_t i = 0; i < count; i++) {
        int exponent = values[i] >> 7 & 0xff;
        high = exponent > high ? exponent : high;
    }
    return high;
}

#define ONE_ROW(add)                                                                                                   \
    for (size_t s = 0; s < steps; s++) {                                                                               \
        for (size_t p = 0; p < NB_TILE_STEP / 2; p++) {                                                                \
            float even = tiles_widen(row[s * NB_TILE + 2 * p]), odd = tiles_widen(row[s * NB_TILE + 2 * p + 1]);       \
            const uint16_t *pairs = panel + s * 2 * NB_TILE + p * 32;                                                  \
            for (size_t n = 0; n < 16; n++) {                                                                          \
                float first = tiles_flush(even * tiles_widen(pairs[2 * n])),                                           \
                      second = tiles_flush(odd * tiles_widen(pairs[2 * n + 1]));                                       \
                sums[n] = add(sums[n], add(first, second));                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

/* One row by 16 outputs, whose tiles begin at `panel`; near: no sum comes near the end of the range. */
static void tiles_one_row(float *restrict sums, const uint16_t *restrict row, const uint16_t *restrict panel,
                          size_t steps, bool near)
{
    memset(sums, 0, 16 * sizeof *sums);
    if (near) {
        ONE_ROW(tiles_add_odd)
    } else {
        ONE_ROW(tiles_add_odd_far)
    }
}

static void tiles_block(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                        nb_operand_prefetch next)
{
    (void)next;
    int highest = tiles_highest(rows, row_tiles * steps * NB_TILE) + tiles_highest(panel, 2 * steps * NB_TILE);
    bool near = highest < 2 * 127 + 90 && steps < (size_t)1 << 25; /* products below 2^92, at most 2^30 of them */
    for (size_t r = 0; r < row_tiles * NB_TILE_ROWS; r++) {
        const uint16_t *row = rows + r / NB_TILE_ROWS * steps * NB_TILE + r % NB_TILE_ROWS * NB_TILE_STEP;
        tiles_one_row(out + r * NB_PANEL, row, panel, steps, near);
        tiles_one_row(out + r * NB_PANEL + 16, row, panel + NB_TILE, steps, near);
    }
}

#define NB_TILES      nb_tiles_bfmmla_emulated
#define NB_TILES_NAME "emulated BFMMLA"
#include "common/linear/tiles/tiles_forms.h"
