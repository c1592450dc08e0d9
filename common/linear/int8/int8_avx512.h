/** @file
 * Rounding to 8 bits with AVX-512, for the files whose instruction sets include it; the same bits as the plain loops of
 * common/linear/int8/int8_forms.h. */
#ifndef NB_COMMON_LINEAR_INT8_INT8_AVX512_H
#define NB_COMMON_LINEAR_INT8_INT8_AVX512_H

#include "common/linear/int8/int8.h"

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/** The first `count` of 16 lanes. */
static inline __mmask16 int8_first_lanes(size_t count)
{
    return (__mmask16)((1u << count) - 1);
}

/** The span of in[k]; lanes behind the last count as zeros. */
static inline nb_int8_span int8_span_of(const float *in, size_t k)
{
    const __m512 zeros = _mm512_setzero_ps();
    __m512 low[2] = {zeros, zeros}, high[2] = {zeros, zeros}, bad[2] = {zeros, zeros};
    size_t i = 0;
    for (; i + 32 <= k; i += 32) {
        for (size_t l = 0; l < 2; l++) {
            __m512 x = _mm512_loadu_ps(in + i + 16 * l);
            low[l] = _mm512_min_ps(x, low[l]);
            high[l] = _mm512_max_ps(x, high[l]);
            bad[l] = _mm512_fmadd_ps(x, zeros, bad[l]);
        }
    }
    for (; i < k; i += 16) {
        __m512 x = _mm512_maskz_loadu_ps(int8_first_lanes(k - i < 16 ? k - i : 16), in + i);
        low[0] = _mm512_min_ps(x, low[0]);
        high[0] = _mm512_max_ps(x, high[0]);
        bad[0] = _mm512_fmadd_ps(x, zeros, bad[0]);
    }
    return (nb_int8_span){_mm512_reduce_min_ps(_mm512_min_ps(low[1], low[0])),
                          _mm512_reduce_max_ps(_mm512_max_ps(high[1], high[0])),
                          _mm512_reduce_add_ps(_mm512_add_ps(bad[0], bad[1]))};
}

/** 16 values to the nearest integer, ties to even, + zero, held between 0 and 255. */
static inline __m128i int8_quantise_lanes(__m512 x, __m512 inverse, __m512i zero)
{
    __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(x, inverse)), zero);
    return _mm512_cvtusepi32_epi8(_mm512_max_epi32(q, _mm512_setzero_si512()));
}

/** out[k] = in[k] inverse, rounded so. Bytes of the last 16 behind out[k] may be written: they belong to the row. */
static inline void int8_quantise(uint8_t *out, const float *in, size_t k, float inverse, int32_t zero)
{
    const __m512 scale = _mm512_set1_ps(inverse);
    const __m512i shift = _mm512_set1_epi32(zero);
    size_t i = 0;
    for (; i + 16 <= k; i += 16) {
        _mm_storeu_si128((__m128i *)(void *)(out + i), int8_quantise_lanes(_mm512_loadu_ps(in + i), scale, shift));
    }
    if (i < k) {
        __m512 x = _mm512_maskz_loadu_ps(int8_first_lanes(k - i), in + i);
        _mm_storeu_si128((__m128i *)(void *)(out + i), int8_quantise_lanes(x, scale, shift));
    }
}

#endif
