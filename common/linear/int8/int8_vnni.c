/* Products of 8-bit numbers by AVX512-VNNI. Compiled with its instructions: see common/CMakeLists.txt.
 *
 * VPDPBUSD adds to each of 16 sums the products of 4 unsigned and 4 signed bytes. A row's 4 bytes are read from memory
 * and go to all 16. 12 rows by 32 outputs take 24 of the 32 registers: as many sums as hide the instruction's latency,
 * and each pair of loads of the panel serves 24 products. */
#include "common/linear/int8/int8_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_AVX512VNNI)

#include "common/linear/int8/int8_avx512.h"

#include <string.h>

/* AHEAD: groups between those in use and those that are fetched into the first-level cache. */
enum { ROWS_TOGETHER = 12, AHEAD = 16 };

/* 16 times the 4 bytes at `bytes`. */
static inline __m512i int8_spread(const uint8_t *bytes)
{
    int four;
    memcpy(&four, bytes, sizeof four);
    return _mm512_set1_epi32(four);
}

/* `count` is a literal, so that the sums are registers. */
static inline __attribute__((always_inline)) void int8_some_rows(int32_t *out, const uint8_t *rows, size_t count,
                                                                 size_t stride, const int8_t *panel, size_t groups)
{
    __m512i sums[ROWS_TOGETHER][2];
#pragma GCC unroll 12
    for (size_t r = 0; r < count; r++) {
        sums[r][0] = sums[r][1] = _mm512_setzero_si512();
    }
    for (size_t g = 0; g < groups; g++, panel += 128) {
        __m512i left = _mm512_loadu_si512(panel), right = _mm512_loadu_si512(panel + 64);
        __builtin_prefetch(panel + AHEAD * 128);
        __builtin_prefetch(panel + AHEAD * 128 + 64);
#pragma GCC unroll 12
        for (size_t r = 0; r < count; r++) {
            __m512i four = int8_spread(rows + r * stride + g * NB_INT8_GROUP);
            sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], four, left);
            sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], four, right);
        }
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < count; r++) {
        _mm512_storeu_si512(out + r * NB_INT8_PANEL, sums[r][0]);
        _mm512_storeu_si512(out + r * NB_INT8_PANEL + 16, sums[r][1]);
    }
}

#define ROWS(count)                                                                                                    \
    static void int8_rows_##count(int32_t *out, const uint8_t *rows, size_t stride, const int8_t *panel,               \
                                  size_t groups)                                                                       \
    {                                                                                                                  \
        int8_some_rows(out, rows, count, stride, panel, groups);                                                       \
    }
ROWS(12)
ROWS(8)
ROWS(4)
ROWS(2)
ROWS(1)

static void int8_block(int32_t *out, const uint8_t *rows, size_t count, size_t stride, const int8_t *panel,
                       size_t groups)
{
    static const struct {
        size_t rows;
        void (*run)(int32_t *, const uint8_t *, size_t, const int8_t *, size_t);
    } sizes[] = {{12, int8_rows_12}, {8, int8_rows_8}, {4, int8_rows_4}, {2, int8_rows_2}, {1, int8_rows_1}};
    for (size_t i = 0, at = 0; at<count; i += at + sizes[i].rows> count) {
        if (at + sizes[i].rows <= count) {
            sizes[i].run(out + at * NB_INT8_PANEL, rows + at * stride, stride, panel, groups);
            at += sizes[i].rows;
        }
    }
}

static void int8_begin(void)
{
}

static void int8_end(void)
{
}

#define NB_INT8_TABLE     nb_int8_hardware
#define NB_INT8_NAME      "AVX512-VNNI"
#define NB_INT8_MOST_ROWS 12
#include "common/linear/int8/int8_forms.h"

#endif
