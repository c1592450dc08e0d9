/* Products of 8-bit numbers by arm64's SDOT. Compiled with its instructions: see common/CMakeLists.txt.
 *
 * SDOT adds to each of 4 sums the products of 4 signed bytes and 4 signed bytes. The rows' are unsigned: 128 less they
 * are signed, and 128 times the sum of an output's integers, which stands behind the panel, makes up for it. 6 rows by
 * 8 outputs take 12 registers, and 16 bytes of 8 outputs 8 more. */
#include "common/linear/int8/int8_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_SDOT)

#include <arm_neon.h>
#include <string.h>

/* SLICE: outputs in registers. FOUR: groups that are loaded of a row together. */
enum { SLICE = 8, FOUR = 4, MOST_ROWS = 6 };

static inline int8x16_t int8_signed(uint8x16_t bytes)
{
    return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80)));
}

/* 4 times the 4 bytes at `bytes`. */
static inline int8x16_t int8_spread(const uint8_t *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    return int8_signed(vreinterpretq_u8_u32(vdupq_n_u32(four)));
}

/* Adds to out the products of `count` rows and the 8 outputs whose integers begin at `panel`; `count` is a literal, so
 * that the sums are registers. */
static inline __attribute__((always_inline)) void int8_some_rows(int32_t *out, size_t count, const uint8_t *rows,
                                                                 size_t stride, const int8_t *panel, size_t groups)
{
    int32x4_t sums[MOST_ROWS][2];
    size_t g = 0;
#pragma GCC unroll 6
    for (size_t r = 0; r < count; r++) {
        sums[r][0] = vld1q_s32(out + r * NB_INT8_PANEL);
        sums[r][1] = vld1q_s32(out + r * NB_INT8_PANEL + 4);
    }
    for (; g + FOUR <= groups; g += FOUR) {
        int8x16_t left[FOUR], right[FOUR];
#pragma GCC unroll 4
        for (size_t i = 0; i < FOUR; i++) {
            left[i] = vld1q_s8(panel + (g + i) * NB_INT8_PANEL * NB_INT8_GROUP);
            right[i] = vld1q_s8(panel + (g + i) * NB_INT8_PANEL * NB_INT8_GROUP + 16);
        }
#pragma GCC unroll 6
        for (size_t r = 0; r < count; r++) {
            int8x16_t row = int8_signed(vld1q_u8(rows + r * stride + g * NB_INT8_GROUP));
            sums[r][0] = vdotq_laneq_s32(sums[r][0], left[0], row, 0);
            sums[r][1] = vdotq_laneq_s32(sums[r][1], right[0], row, 0);
            sums[r][0] = vdotq_laneq_s32(sums[r][0], left[1], row, 1);
            sums[r][1] = vdotq_laneq_s32(sums[r][1], right[1], row, 1);
            sums[r][0] = vdotq_laneq_s32(sums[r][0], left[2], row, 2);
            sums[r][1] = vdotq_laneq_s32(sums[r][1], right[2], row, 2);
            sums[r][0] = vdotq_laneq_s32(sums[r][0], left[3], row, 3);
            sums[r][1] = vdotq_laneq_s32(sums[r][1], right[3], row, 3);
        }
    }
    for (; g < groups; g++) {
        const int8_t *at = panel + g * NB_INT8_PANEL * NB_INT8_GROUP;
#pragma GCC unroll 6
        for (size_t r = 0; r < count; r++) {
            int8x16_t four = int8_spread(rows + r * stride + g * NB_INT8_GROUP);
            sums[r][0] = vdotq_s32(sums[r][0], four, vld1q_s8(at));
            sums[r][1] = vdotq_s32(sums[r][1], four, vld1q_s8(at + 16));
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < count; r++) {
        vst1q_s32(out + r * NB_INT8_PANEL, sums[r][0]);
        vst1q_s32(out + r * NB_INT8_PANEL + 4, sums[r][1]);
    }
}

#define ROWS(count)                                                                                                    \
    static void int8_rows_##count(int32_t *out, const uint8_t *rows, size_t stride, const int8_t *panel,               \
                                  size_t groups)                                                                       \
    {                                                                                                                  \
        int8_some_rows(out, count, rows, stride, panel, groups);                                                       \
    }
ROWS(6)
ROWS(4)
ROWS(2)
ROWS(1)

/* What 8 sums begin with: 128 times those of the outputs' integers. */
static void int8_start(int32_t *out, const int8_t *sums)
{
    int32x4_t of[2];
    memcpy(of, sums, sizeof of);
    vst1q_s32(out, vshlq_n_s32(of[0], 7));
    vst1q_s32(out + 4, vshlq_n_s32(of[1], 7));
}

static void int8_block(int32_t *out, const uint8_t *rows, size_t count, size_t stride, const int8_t *panel,
                       size_t groups)
{
    static const struct {
        size_t rows;
        void (*run)(int32_t *, const uint8_t *, size_t, const int8_t *, size_t);
    } sizes[] = {{6, int8_rows_6}, {4, int8_rows_4}, {2, int8_rows_2}, {1, int8_rows_1}};
    const int8_t *sums = panel + nb_int8_integers(groups * NB_INT8_GROUP) + NB_INT8_PANEL * sizeof(float);
    for (size_t slice = 0; slice < NB_INT8_PANEL; slice += SLICE) {
        const int8_t *at = panel + slice * NB_INT8_GROUP;
        for (size_t row = 0; row < count; row++) {
            int8_start(out + row * NB_INT8_PANEL + slice, sums + slice * sizeof(int32_t));
        }
        for (size_t i = 0, row = 0; row < count;) {
            if (row + sizes[i].rows > count) {
                i++;
                continue;
            }
            sizes[i].run(out + row * NB_INT8_PANEL + slice, rows + row * stride, stride, at, groups);
            row += sizes[i].rows;
        }
    }
}

static void int8_begin(void)
{
}

static void int8_end(void)
{
}

#define NB_INT8_TABLE     nb_int8_sdot
#define NB_INT8_NAME      "SDOT"
#define NB_INT8_MOST_ROWS 12
#include "common/linear/int8/int8_forms.h"

#endif
