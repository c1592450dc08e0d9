/* Compiled once for every instruction set: see common/CMakeLists.txt. Vectors hold neighbouring outputs. As many rows
 * meet a panel together as leave registers for the panel's values and one value of a row: 12 rows of 2 vectors with
 * AVX-512's 32 registers, 6 with AVX2's 16. */
#include "common/linear/simd/weight_panels.h"

#include "common/linear/simd/table_name.h"

#include <math.h>
#include <string.h>

/* The fused operation by name: compilers that do not optimise do not fuse by themselves. */
#if defined(__AVX512F__)
#include <immintrin.h>
enum { FLOATS = 16, TOGETHER = 12 };
typedef __m512 weight_panels_vector;
#define SPREAD(x)        _mm512_set1_ps(x)
#define FUSED(x, y, sum) _mm512_fmadd_ps(x, y, sum)
#elif defined(__AVX2__)
#include <immintrin.h>
enum { FLOATS = 8, TOGETHER = 6 };
typedef __m256 weight_panels_vector;
#define SPREAD(x)        _mm256_set1_ps(x)
#define FUSED(x, y, sum) _mm256_fmadd_ps(x, y, sum)
#endif

#if defined(__AVX2__)
/* AHEAD: values of the panel between those in use and those that are fetched into the first-level cache. */
enum { VECTORS = 2, GROUP = VECTORS * FLOATS, AHEAD = 24 };

/* `count` rows, a literal, so that the sums are registers. */
static inline __attribute__((always_inline)) void weight_panels_chains(float *out, const float *rows, size_t count,
                                                                       size_t stride, const float *panel, size_t k)
{
    weight_panels_vector sums[TOGETHER][VECTORS];
#pragma GCC unroll 12
    for (size_t r = 0; r < count; r++) {
        sums[r][0] = sums[r][1] = SPREAD(0);
    }
    for (size_t i = 0; i < k; i++, panel += NB_PANELS_OUTPUTS) {
        weight_panels_vector left, right;
        memcpy(&left, panel, sizeof left);
        memcpy(&right, panel + FLOATS, sizeof right);
        __builtin_prefetch(panel + (size_t)AHEAD * NB_PANELS_OUTPUTS);
        __builtin_prefetch(panel + (size_t)AHEAD * NB_PANELS_OUTPUTS + 16);
#pragma GCC unroll 12
        for (size_t r = 0; r < count; r++) {
            weight_panels_vector x = SPREAD(rows[r * stride + i]);
            sums[r][0] = FUSED(x, left, sums[r][0]);
            sums[r][1] = FUSED(x, right, sums[r][1]);
        }
    }
#pragma GCC unroll 12
    for (size_t r = 0; r < count; r++) {
        memcpy(out + r * NB_PANELS_OUTPUTS, &sums[r][0], sizeof sums[r][0]);
        memcpy(out + r * NB_PANELS_OUTPUTS + FLOATS, &sums[r][1], sizeof sums[r][1]);
    }
}

typedef void weight_panels_function(float *out, const float *rows, size_t stride, const float *panel, size_t k);

#define ROWS(count)                                                                                                    \
    static void weight_panels_rows_##count(float *out, const float *rows, size_t stride, const float *panel, size_t k) \
    {                                                                                                                  \
        weight_panels_chains(out, rows, count, stride, panel, k);                                                      \
    }
#if defined(__AVX512F__)
ROWS(12)
ROWS(8)
#endif
ROWS(6)
ROWS(4)
ROWS(2)
ROWS(1)

static const struct {
    size_t rows;
    weight_panels_function *run;
} sizes[] = {
#if defined(__AVX512F__)
    {12, weight_panels_rows_12}, {8, weight_panels_rows_8},
#endif
    {6, weight_panels_rows_6},   {4, weight_panels_rows_4}, {2, weight_panels_rows_2}, {1, weight_panels_rows_1}};

static void weight_panels_chain(float *out, const float *rows, size_t count, size_t stride, const float *panel,
                                size_t k)
{
    for (size_t i = 0, at = 0; at<count; i += at + sizes[i].rows> count) {
        if (at + sizes[i].rows <= count) {
            for (size_t g = 0; g < NB_PANELS_OUTPUTS; g += GROUP) {
                sizes[i].run(out + at * NB_PANELS_OUTPUTS + g, rows + at * stride, stride, panel + g, k);
            }
            at += sizes[i].rows;
        }
    }
}
#else
static void weight_panels_chain(float *out, const float *rows, size_t count, size_t stride, const float *panel,
                                size_t k)
{
    memset(out, 0, count * NB_PANELS_OUTPUTS * sizeof *out);
    for (size_t i = 0; i < k; i++, panel += NB_PANELS_OUTPUTS) {
        for (size_t r = 0; r < count; r++) {
            for (size_t n = 0; n < NB_PANELS_OUTPUTS; n++) {
                out[r * NB_PANELS_OUTPUTS + n] = fmaf(rows[r * stride + i], panel[n], out[r * NB_PANELS_OUTPUTS + n]);
            }
        }
    }
}
#endif

static void weight_panels_block(float *restrict out, const float *restrict rows, size_t count, size_t stride,
                                const float *restrict panel, size_t k)
{
    _Alignas(64) float next[NB_PANELS_ROWS * NB_PANELS_OUTPUTS];
    weight_panels_chain(out, rows, count, stride, panel, k < NB_PANELS_CUT ? k : NB_PANELS_CUT);
    for (size_t at = NB_PANELS_CUT; at < k; at += NB_PANELS_CUT) {
        weight_panels_chain(next, rows + at, count, stride, panel + at * NB_PANELS_OUTPUTS,
                            k - at < NB_PANELS_CUT ? k - at : NB_PANELS_CUT);
        for (size_t i = 0; i < count * NB_PANELS_OUTPUTS; i++) {
            out[i] += next[i];
        }
    }
}

static void weight_panels_pack(float *restrict out, const float *restrict weight, size_t n, size_t k, size_t stride)
{
    for (size_t first = 0; first < n; first += NB_PANELS_OUTPUTS, out += k * NB_PANELS_OUTPUTS) {
        size_t here = n - first < NB_PANELS_OUTPUTS ? n - first : NB_PANELS_OUTPUTS;
        if (here < NB_PANELS_OUTPUTS) {
            memset(out, 0, k * NB_PANELS_OUTPUTS * sizeof *out);
        }
        for (size_t i = 0; i < k; i++) {
            for (size_t o = 0; o < here; o++) {
                out[i * NB_PANELS_OUTPUTS + o] = weight[(first + o) * stride + i];
            }
        }
    }
}

static void weight_panels_pack_columns(float *restrict out, const float *restrict weight, size_t n, size_t k,
                                       size_t stride)
{
    for (size_t first = 0; first < n; first += NB_PANELS_OUTPUTS) {
        size_t here = n - first < NB_PANELS_OUTPUTS ? n - first : NB_PANELS_OUTPUTS;
        for (size_t i = 0; i < k; i++, out += NB_PANELS_OUTPUTS) {
            if (here == NB_PANELS_OUTPUTS) { /* of a size that the compiler knows */
                memcpy(out, weight + i * stride + first, NB_PANELS_OUTPUTS * sizeof *out);
                continue;
            }
            memcpy(out, weight + i * stride + first, here * sizeof *out);
            memset(out + here, 0, (NB_PANELS_OUTPUTS - here) * sizeof *out);
        }
    }
}

static void weight_panels_store(float *restrict out, size_t stride, const float *restrict block,
                                const nb_weight_panels_part *part, const float *restrict bias)
{
    const nb_weight_panels_part p = *part;
    for (size_t r = 0; r < p.rows; r++, out += stride, block += NB_PANELS_OUTPUTS) {
        if (p.columns == NB_PANELS_OUTPUTS) {
            for (size_t c = 0; c < NB_PANELS_OUTPUTS; c++) {
                out[c] = block[c] + bias[c];
            }
            continue;
        }
        for (size_t c = 0; c < p.columns; c++) {
            out[c] = block[p.skip + c] + bias[p.skip + c];
        }
    }
}

static void weight_panels_add(float *restrict out, size_t stride, const float *restrict block,
                              const nb_weight_panels_part *part, const float *restrict bias)
{
    const nb_weight_panels_part p = *part;
    for (size_t r = 0; r < p.rows; r++, out += stride, block += NB_PANELS_OUTPUTS) {
        if (p.columns == NB_PANELS_OUTPUTS) {
            for (size_t c = 0; c < NB_PANELS_OUTPUTS; c++) {
                out[c] += block[c] + bias[c];
            }
            continue;
        }
        for (size_t c = 0; c < p.columns; c++) {
            out[c] += block[p.skip + c] + bias[p.skip + c];
        }
    }
}

extern const nb_weight_panels NB_TABLE_NAME(nb_weight_panels);

const nb_weight_panels NB_TABLE_NAME(nb_weight_panels) = {.name = NB_TABLE_SET,
                                                          .pack = weight_panels_pack,
                                                          .pack_columns = weight_panels_pack_columns,
                                                          .block = weight_panels_block,
                                                          .store = weight_panels_store,
                                                          .add = weight_panels_add};
