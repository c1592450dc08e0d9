/* AVX512-BF16 in plain C, bit for bit (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
 * VDPBF16PS): of each pair the odd member's product is added to the sum first, then the even one's, each by a fused
 * multiply-add rounded to nearest even; denormals are read and written as zero, whatever the control register says.
 *
 * A product of two bf16 has at most 16 significant bits. Where no product of a block can leave fp32's normal range it
 * is exact, and multiplying and then adding rounds as the fused operation does; such blocks, all of a real model, take
 * the loop that compilers vectorise. */
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

static inline float tiles_flush(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x;
}

static inline float tiles_widen(uint16_t value)
{
    uint32_t u = (uint32_t)value << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return tiles_flush(f);
}

/* The smallest and largest exponent of the numbers that are not zero; those read as zero do not count. */
typedef struct range {
    int low, high;
} range;

static range tiles_range_of(const uint16_t *values, size_t count)
{
    range r = {.low = 255, .high = 0};
    for (size_t i = 0; i < count; i++) {
        int exponent = values[i] >> 7 & 0xff;
        r.low = exponent && exponent < r.low ? exponent : r.low;
        r.high = exponent > r.high ? exponent : r.high;
    }
    return r;
}

/* Whether every product is zero or normal: exponents are those of fp32, 127 for 1. */
static bool tiles_are_exact(range a, range b)
{
    return a.low + b.low > 127 && a.high + b.high < 254 + 127 - 1;
}

static inline float tiles_fused(float sum, float a, float b)
{
    return tiles_flush(fmaf(a, b, sum));
}

static inline float tiles_apart(float sum, float a, float b)
{
    return tiles_flush(sum + a * b);
}

#define ONE_ROW(multiply_add)                                                                                          \
    for (size_t s = 0; s < steps; s++) {                                                                               \
        for (size_t p = 0; p < NB_TILE_STEP / 2; p++) {                                                                \
            float even = tiles_widen(row[s * NB_TILE + 2 * p]), odd = tiles_widen(row[s * NB_TILE + 2 * p + 1]);       \
            const uint16_t *pairs = panel + s * 2 * NB_TILE + p * 32;                                                  \
            for (size_t n = 0; n < 16; n++) {                                                                          \
                sums[n] = multiply_add(sums[n], odd, tiles_widen(pairs[2 * n + 1]));                                   \
                sums[n] = multiply_add(sums[n], even, tiles_widen(pairs[2 * n]));                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

/* One row by 16 outputs, whose tiles begin at `panel`. */
static void tiles_one_row(float *restrict sums, const uint16_t *restrict row, const uint16_t *restrict panel,
                          size_t steps, bool exact)
{
    memset(sums, 0, 16 * sizeof *sums);
    if (exact) {
        ONE_ROW(tiles_apart)
    } else {
        ONE_ROW(tiles_fused)
    }
}

static void tiles_block(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                        nb_operand_prefetch next)
{
    (void)next;
    bool exact =
        tiles_are_exact(tiles_range_of(rows, row_tiles * steps * NB_TILE), tiles_range_of(panel, 2 * steps * NB_TILE));
    for (size_t r = 0; r < row_tiles * NB_TILE_ROWS; r++) {
        const uint16_t *row = rows + r / NB_TILE_ROWS * steps * NB_TILE + r % NB_TILE_ROWS * NB_TILE_STEP;
        tiles_one_row(out + r * NB_PANEL, row, panel, steps, exact);
        tiles_one_row(out + r * NB_PANEL + 16, row, panel + NB_TILE, steps, exact);
    }
}

#define NB_TILES      nb_tiles_pairs_emulated
#define NB_TILES_NAME "emulated AVX512-BF16"
#include "common/linear/tiles/tiles_forms.h"
