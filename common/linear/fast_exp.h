/* A single-precision exponential that compilers vectorise; for the files compiled once per instruction set. */
#ifndef NB_LINEAR_FAST_EXP_H
#define NB_LINEAR_FAST_EXP_H

#include <stdint.h>

typedef union nb_float_bits {
    float f;
    uint32_t u;
} nb_float_bits;

/* exp(x): n = round(x / ln 2) by the addition of a large number, then a polynomial of degree 6 on [-ln2/2, ln2/2]
 * (Taylor; relative error below 2e-7). x is held between -87 and 88. */
static inline float nb_fast_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    nb_float_bits shifted = {.f = x * 1.44269504f + 12582912.0f};
    float n = shifted.f - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    nb_float_bits scale = {.u = (shifted.u + 127u) << 23};
    return p * scale.f;
}

#endif
