/* The tiles' operand forms multiplied by AVX512-BF16. Compiled with its instructions: see common/CMakeLists.txt.
 *
 * VDPBF16PS adds the products of one pair of bf16 to each of 16 sums. A row's pair is read from memory and goes to all
 * 16, the pairs of 16 outputs lie side by side in a tile of the panel. 11 rows by 32 outputs take 22 of the 32
 * registers: as many sums as hide the instruction's latency, and each pair of loads of the panel serves 22 products. */
#include "common/linear/tiles/tiles_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_AVX512BF16)

#include <immintrin.h>
#include <string.h>

static void tiles_begin(void)
{
}
static void tiles_end(void)
{
}

/* 16 times the pair of bf16 at `pair`. */
static inline __m512i tiles_spread(const uint16_t *pair)
{
    int both;
    memcpy(&both, pair, sizeof both);
    return _mm512_set1_epi32(both);
}

/* `count` rows, at `row` in their tiles, by the panel's 32 outputs; `count` is a literal, so that the sums are
 * registers. */
static inline __attribute__((always_inline)) void tiles_some_rows(float *out, const uint16_t *const *row, size_t count,
                                                                  const uint16_t *panel, size_t steps)
{
    __m512 sums[11][2];
#pragma GCC unroll 11
    for (size_t r = 0; r < count; r++) {
        sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    }
    for (size_t s = 0; s < steps; s++, panel += 2 * NB_TILE) {
#pragma GCC unroll 4
        for (size_t p = 0; p < NB_TILE_STEP; p += 2) {
            __m512i left = _mm512_loadu_si512(panel + p / 2 * 32),
                    right = _mm512_loadu_si512(panel + NB_TILE + p / 2 * 32);
#pragma GCC unroll 11
            for (size_t r = 0; r < count; r++) {
                __m512i pair = tiles_spread(row[r] + s * NB_TILE + p);
                sums[r][0] = _mm512_dpbf16_ps(sums[r][0], (__m512bh)pair, (__m512bh)left);
                sums[r][1] = _mm512_dpbf16_ps(sums[r][1], (__m512bh)pair, (__m512bh)right);
            }
        }
    }
#pragma GCC unroll 11
    for (size_t r = 0; r < count; r++) {
        _mm512_storeu_ps(out + r * NB_PANEL, sums[r][0]);
        _mm512_storeu_ps(out + r * NB_PANEL + 16, sums[r][1]);
    }
}

static void tiles_8_rows(float *out, const uint16_t *const *row, const uint16_t *panel, size_t steps)
{
    tiles_some_rows(out, row, 8, panel, steps);
}

static void tiles_10_rows(float *out, const uint16_t *const *row, const uint16_t *panel, size_t steps)
{
    tiles_some_rows(out, row, 10, panel, steps);
}

static void tiles_11_rows(float *out, const uint16_t *const *row, const uint16_t *panel, size_t steps)
{
    tiles_some_rows(out, row, 11, panel, steps);
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
        tiles_8_rows(out, row, panel, steps);
        tiles_8_rows(out + 8 * NB_PANEL, row + 8, panel, steps);
    } else {
        tiles_11_rows(out, row, panel, steps);
        tiles_11_rows(out + 11 * NB_PANEL, row + 11, panel, steps);
        tiles_10_rows(out + 22 * NB_PANEL, row + 22, panel, steps);
    }
}

#define NB_TILES      nb_tiles_pairs
#define NB_TILES_NAME "AVX512-BF16"
#include "common/linear/tiles/tiles_forms.h"

#endif
