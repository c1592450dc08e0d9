/* Products of 8-bit numbers by arm64's USMMLA. Compiled with its instructions: see common/CMakeLists.txt.
 *
 * USMMLA adds to a 2 by 2 block of sums the products of 8 unsigned bytes of 2 rows and 8 signed bytes of 2 outputs. As
 * in common/linear/tiles/tiles_bfmmla.c, rows are put into pairs first, some values at a time, and two groups of the
 * panel become operands by zips. 12 rows by 8 outputs take 24 registers. */
#include "common/linear/int8/int8_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_USMMLA)

#include <arm_neon.h>
#include <string.h>

/* SOME: groups that are worked off together, an even number. SLICE: outputs in registers. */
enum { SOME = 128, SLICE = 8, SLICES = NB_INT8_PANEL / SLICE, MOST_ROWS = 12, MOST_PAIRS = MOST_ROWS / 2 };

/* For each 8 values and pair of rows the bytes of the one row and those of the other. Where the rows are odd in number
 * the last one is its own neighbour, and half of what becomes of it is left. */
static void int8_pair_rows(uint8_t *out, const uint8_t *rows, size_t count, size_t stride, size_t groups)
{
    size_t pairs = (count + 1) / 2, eights = (groups + 1) / 2;
    for (size_t p = 0; p < pairs; p++) {
        const uint8_t *above = rows + 2 * p * stride, *below = 2 * p + 1 < count ? above + stride : above;
        for (size_t i = 0; i < eights; i++) { /* rows end in zeros, far enough */
            vst1q_u8(out + (i * pairs + p) * 16, vcombine_u8(vld1_u8(above + 8 * i), vld1_u8(below + 8 * i)));
        }
    }
}

static inline int32x4_t int8_group_at(const int8_t *panel)
{
    return vreinterpretq_s32_s8(vld1q_s8(panel));
}

/* 2 outputs' next 8 values. */
static inline int8x16_t int8_low(int32x4_t first, int32x4_t second)
{
    return vreinterpretq_s8_s32(vzip1q_s32(first, second));
}

static inline int8x16_t int8_high(int32x4_t first, int32x4_t second)
{
    return vreinterpretq_s8_s32(vzip2q_s32(first, second));
}

/* `pairs` pairs of rows by 2 groups of 8 outputs at `first` and `second`, 4 outputs in each. */
static inline __attribute__((always_inline)) void int8_two_groups(int32x4_t sum[][4], size_t pairs, const uint8_t *rows,
                                                                  const int32x4_t first[2], const int32x4_t second[2])
{
    int8x16_t outputs[4] = {int8_low(first[0], second[0]), int8_high(first[0], second[0]),
                            int8_low(first[1], second[1]), int8_high(first[1], second[1])};
#pragma GCC unroll 6
    for (size_t p = 0; p < pairs; p++) {
        uint8x16_t both = vld1q_u8(rows + 16 * p);
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            sum[p][j] = vusmmlaq_s32(sum[p][j], both, outputs[j]);
        }
    }
}

/* `pairs` is a literal, so that the sums are registers. */
static inline __attribute__((always_inline)) void int8_some_pairs(int32_t *sums, size_t pairs, const uint8_t *rows,
                                                                  const int8_t *panel, size_t groups)
{
    enum { NEXT = NB_INT8_PANEL * NB_INT8_GROUP };
    int32x4_t sum[MOST_PAIRS][4];
#pragma GCC unroll 24
    for (size_t i = 0; i < 4 * pairs; i++) {
        sum[i / 4][i % 4] = vld1q_s32(sums + 4 * i);
    }
    for (; groups >= 2; groups -= 2, panel += 2 * NEXT, rows += 16 * pairs) {
        const int32x4_t first[2] = {int8_group_at(panel), int8_group_at(panel + 16)},
                        second[2] = {int8_group_at(panel + NEXT), int8_group_at(panel + NEXT + 16)};
        int8_two_groups(sum, pairs, rows, first, second);
    }
    if (groups) {
        const int32x4_t first[2] = {int8_group_at(panel), int8_group_at(panel + 16)},
                        none[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        int8_two_groups(sum, pairs, rows, first, none);
    }
#pragma GCC unroll 24
    for (size_t i = 0; i < 4 * pairs; i++) {
        vst1q_s32(sums + 4 * i, sum[i / 4][i % 4]);
    }
}

#define PAIRS(count)                                                                                                   \
    static void int8_pairs_##count(int32_t *sums, const uint8_t *rows, const int8_t *panel, size_t groups)             \
    {                                                                                                                  \
        int8_some_pairs(sums, count, rows, panel, groups);                                                             \
    }
PAIRS(1)
PAIRS(2)
PAIRS(3)
PAIRS(4)
PAIRS(5)
PAIRS(6)

/* The 2 by 2 blocks of the pairs of rows and 8 outputs, to where they belong. */
static void int8_unpair(int32_t *out, const int32_t *sums, size_t count)
{
    for (size_t r = 0; r < count; r++, out += NB_INT8_PANEL) {
        for (size_t o = 0; o < SLICE; o++) {
            out[o] = sums[r / 2 * 16 + o / 2 * 4 + r % 2 * 2 + o % 2];
        }
    }
}

static void int8_block(int32_t *out, const uint8_t *rows, size_t count, size_t stride, const int8_t *panel,
                       size_t groups)
{
    static void (*const run[])(int32_t *, const uint8_t *, const int8_t *, size_t) = {
        int8_pairs_1, int8_pairs_2, int8_pairs_3, int8_pairs_4, int8_pairs_5, int8_pairs_6};
    _Alignas(64) uint8_t paired[MOST_ROWS * SOME * NB_INT8_GROUP];
    _Alignas(64) int32_t sums[SLICES][MOST_PAIRS * 16] = {{0}};
    for (size_t g = 0; g < groups; g += SOME) {
        size_t some = groups - g < SOME ? groups - g : SOME;
        int8_pair_rows(paired, rows + g * NB_INT8_GROUP, count, stride, some);
        for (size_t i = 0; count && i < SLICES; i++) {
            run[(count - 1) / 2](sums[i], paired, panel + (g * NB_INT8_PANEL + i * SLICE) * NB_INT8_GROUP, some);
        }
    }
    for (size_t i = 0; i < SLICES; i++) {
        int8_unpair(out + i * SLICE, sums[i], count);
    }
}

static void int8_begin(void)
{
}

static void int8_end(void)
{
}

#define NB_INT8_TABLE     nb_int8_usmmla
#define NB_INT8_NAME      "USMMLA"
#define NB_INT8_MOST_ROWS MOST_ROWS
#include "common/linear/int8/int8_forms.h"

#endif
