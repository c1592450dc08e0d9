/* The tiles' operand forms multiplied by arm64's BFMMLA. Compiled with its instructions: see common/CMakeLists.txt.
 *
 * BFMMLA adds to a 2 by 2 block of sums the products of 4 values of 2 rows and of 2 outputs. Rows are put into pairs of
 * 4 values first, on the stack and some steps at a time; each such pair then serves 16 products with the panel. Two
 * groups of a panel's pairs of values become operands by a zip each, which serves as many products as there are pairs
 * of rows in registers. 12 rows by 8 outputs take 24 of the 32 registers. */
#include "common/linear/tiles/tiles_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_BFMMLA)

#include <arm_neon.h>

/* STEPS together are 256 values, which keep rows and panel in the first-level cache. SLICE: outputs in registers. */
enum { STEPS = 8, SLICE = 8, SLICES = NB_PANEL / SLICE, FOURS = NB_TILE_STEP / 4, MOST_PAIRS = 6 };

static void tiles_begin(void)
{
}
static void tiles_end(void)
{
}

/* Of `pairs` pairs of rows, for each 4 values and pair the values of the one row and those of the other. */
static void tiles_pair_rows(uint16_t *out, const uint16_t *const *row, size_t pairs, size_t steps)
{
    for (size_t p = 0; p < pairs; p++) {
        for (size_t s = 0; s < steps; s++) {
            for (size_t i = 0; i < NB_TILE_STEP; i += 8) {
                uint64x2_t above = vreinterpretq_u64_u16(vld1q_u16(row[2 * p] + s * NB_TILE + i)),
                           below = vreinterpretq_u64_u16(vld1q_u16(row[2 * p + 1] + s * NB_TILE + i));
                uint16_t *to = out + ((s * FOURS + i / 4) * pairs + p) * 8;
                vst1q_u16(to, vreinterpretq_u16_u64(vzip1q_u64(above, below)));
                vst1q_u16(to + 8 * pairs, vreinterpretq_u16_u64(vzip2q_u64(above, below)));
            }
        }
    }
}

static inline uint32x4_t tiles_pairs_at(const uint16_t *panel)
{
    return vreinterpretq_u32_u16(vld1q_u16(panel));
}

/* 2 outputs' next 4 values. */
static inline bfloat16x8_t tiles_low(uint32x4_t first, uint32x4_t second)
{
    return vreinterpretq_bf16_u32(vzip1q_u32(first, second));
}

static inline bfloat16x8_t tiles_high(uint32x4_t first, uint32x4_t second)
{
    return vreinterpretq_bf16_u32(vzip2q_u32(first, second));
}

/* `pairs` pairs of rows by 8 outputs, whose pairs of values begin at `panel`; `pairs` is a literal, so that the sums
 * are registers. */
static inline __attribute__((always_inline)) void tiles_some_pairs(float *sums, size_t pairs, const uint16_t *rows,
                                                                   const uint16_t *panel, size_t steps)
{
    float32x4_t sum[MOST_PAIRS][4];
#pragma GCC unroll 24
    for (size_t i = 0; i < 4 * pairs; i++) {
        sum[i / 4][i % 4] = vld1q_f32(sums + 4 * i);
    }
    for (size_t s = 0; s < steps; s++, panel += 2 * NB_TILE) {
        for (size_t f = 0; f < FOURS; f++, rows += 8 * pairs) {
            const uint16_t *at = panel + f * 64;
            uint32x4_t first = tiles_pairs_at(at), second = tiles_pairs_at(at + 32), third = tiles_pairs_at(at + 8),
                       fourth = tiles_pairs_at(at + 40);
            bfloat16x8_t outputs[4] = {tiles_low(first, second), tiles_high(first, second), tiles_low(third, fourth),
                                       tiles_high(third, fourth)};
#pragma GCC unroll 6
            for (size_t p = 0; p < pairs; p++) {
                bfloat16x8_t both = vreinterpretq_bf16_u16(vld1q_u16(rows + 8 * p));
#pragma GCC unroll 4
                for (size_t j = 0; j < 4; j++) {
                    sum[p][j] = vbfmmlaq_f32(sum[p][j], both, outputs[j]);
                }
            }
        }
    }
#pragma GCC unroll 24
    for (size_t i = 0; i < 4 * pairs; i++) {
        vst1q_f32(sums + 4 * i, sum[i / 4][i % 4]);
    }
}

static void tiles_6_pairs(float *sums, const uint16_t *rows, const uint16_t *panel, size_t steps)
{
    tiles_some_pairs(sums, 6, rows, panel, steps);
}

static void tiles_4_pairs(float *sums, const uint16_t *rows, const uint16_t *panel, size_t steps)
{
    tiles_some_pairs(sums, 4, rows, panel, steps);
}

/* The 2 by 2 blocks of `pairs` pairs of rows and 8 outputs, to where they belong. */
static void tiles_unpair(float *out, const float *sums, size_t pairs)
{
    for (size_t p = 0; p < pairs; p++, out += 2 * NB_PANEL) {
        for (size_t j = 0; j < SLICE; j += 4, sums += 8) {
            float64x2_t left = vreinterpretq_f64_f32(vld1q_f32(sums)),
                        right = vreinterpretq_f64_f32(vld1q_f32(sums + 4));
            vst1q_f32(out + j, vreinterpretq_f32_f64(vzip1q_f64(left, right)));
            vst1q_f32(out + NB_PANEL + j, vreinterpretq_f32_f64(vzip2q_f64(left, right)));
        }
    }
}

/* `pairs` pairs of rows, 6 or 4, by all outputs of the panel. */
static void tiles_rows(float *out, const uint16_t *const *row, size_t pairs, const uint16_t *panel, size_t steps)
{
    _Alignas(64) uint16_t paired[STEPS * FOURS * MOST_PAIRS * 8];
    _Alignas(64) float sums[SLICES][MOST_PAIRS * 16] = {{0}};
    const uint16_t *here[2 * MOST_PAIRS];
    for (size_t s = 0; s < steps; s += STEPS) {
        size_t some = steps - s < STEPS ? steps - s : STEPS;
        for (size_t r = 0; r < 2 * pairs; r++) {
            here[r] = row[r] + s * NB_TILE;
        }
        tiles_pair_rows(paired, here, pairs, some);
        for (size_t i = 0; i < SLICES; i++) { /* 2 slices a tile of the panel, whose rows hold 16 pairs */
            const uint16_t *at = panel + (2 * s + i / 2) * NB_TILE + i % 2 * 2 * SLICE;
            (pairs == 6 ? tiles_6_pairs : tiles_4_pairs)(sums[i], paired, at, some);
        }
    }
    for (size_t i = 0; i < SLICES; i++) {
        tiles_unpair(out + i * SLICE, sums[i], pairs);
    }
}

static void tiles_block(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                        nb_operand_prefetch next)
{
    const uint16_t *row[2 * NB_TILE_ROWS];
    for (size_t i = 0; i < next.bytes; i += 64) {
        __builtin_prefetch((const char *)next.begin + i, 0, 2);
    }
    for (size_t r = 0; r < row_tiles * NB_TILE_ROWS; r++) {
        row[r] = rows + r / NB_TILE_ROWS * steps * NB_TILE + r % NB_TILE_ROWS * NB_TILE_STEP;
    }
    if (row_tiles == 1) {
        tiles_rows(out, row, 4, panel, steps);
        tiles_rows(out + 8 * NB_PANEL, row + 8, 4, panel, steps);
    } else {
        tiles_rows(out, row, 6, panel, steps);
        tiles_rows(out + 12 * NB_PANEL, row + 12, 6, panel, steps);
        tiles_rows(out + 24 * NB_PANEL, row + 24, 4, panel, steps);
    }
}

#define NB_TILES      nb_tiles_bfmmla
#define NB_TILES_NAME "BFMMLA"
#include "common/linear/tiles/tiles_forms.h"

#endif
