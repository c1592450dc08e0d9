/** @file
 * Elementary functions as polynomials, so that loops over them vectorise; for the files compiled once per instruction
 * set. */
#ifndef NB_COMMON_LINEAR_SIMD_FAST_MATH_H
#define NB_COMMON_LINEAR_SIMD_FAST_MATH_H

#include <math.h>
#include <stdint.h>

/** A float and its encoding. */
typedef union bits {
    float f;
    uint32_t u;
} bits;

/** exp(x), x held between `least` (from -87 on) and `most` (up to 88): n = round(x / ln 2) by the addition of a large
 * number, then a polynomial of degree 6 on [-ln2/2, ln2/2] (Taylor; relative error below 2e-7). */
static inline float fast_math_exp_between(float x, float least, float most)
{
    x = x < least ? least : x;
    x = x > most ? most : x;
    bits shifted = {.f = x * 1.44269504f + 12582912.0f};
    float n = shifted.f - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    bits scale = {.u = (shifted.u + 127u) << 23};
    return p * scale.f;
}

/** exp(x) for x <= 0 mostly, never less than e^-87. */
static inline float fast_exp(float x)
{
    return fast_math_exp_between(x, -87.0f, 88.0f);
}

/** x Phi(x) with erf by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7). */
static inline float fast_gelu(float x)
{
    float a = fabsf(x) * 0.70710678f;
    float t = 1.0f / (1.0f + 0.3275911f * a);
    float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    float tail = 0.5f * p * fast_exp(-a * a); /* 1 - Phi(|x|) */
    return x > 0 ? x - x * tail : x * tail;
}

/** 1 / sigmoid(1.702 x), at most e^76, where the activation is nothing. Compilers work out the clamped case for every
 * lane: x over e^88 would be subnormal for most, which takes hundreds of cycles. */
static inline float fast_math_quick_gelu_divisor(float x)
{
    return 1.0f + fast_math_exp_between(-1.702f * x, -87.0f, 76.0f);
}

/** x sigmoid(1.702 x). */
static inline float fast_quick_gelu(float x)
{
    return x / fast_math_quick_gelu_divisor(x);
}

/** GELU by tanh, as x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which it equals. */
static inline float fast_gelu_tanh(float x)
{
    float inner = 1.59576912f * (x + 0.044715f * x * x * x);
    return x / (1.0f + fast_math_exp_between(-inner, -87.0f, 76.0f));
}

/** x sigmoid(x). */
static inline float fast_silu(float x)
{
    return x / (1.0f + fast_math_exp_between(-x, -87.0f, 76.0f));
}

#endif
