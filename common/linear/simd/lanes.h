/** @file
 * Sums that compilers vectorise without reordering them: LANES parallel parts, combined in a fixed order. For the files
 * compiled once per instruction set. */
#ifndef NB_COMMON_LINEAR_SIMD_LANES_H
#define NB_COMMON_LINEAR_SIMD_LANES_H

#include <stddef.h>

/** Parts of a sum. */
enum { LANES = 16 };

/** The sum of the parts, in a fixed order. */
static inline float lanes_add(const float part[LANES])
{
    float half[8];
    for (int i = 0; i < 8; i++) {
        half[i] = part[i] + part[i + 8];
    }
    return ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]));
}

/** The sum of x[n]. */
static inline float lanes_sum(const float *x, size_t n)
{
    float part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            part[l] += x[i + (size_t)l];
        }
    }
    for (; i < n; i++) {
        rest += x[i];
    }
    return lanes_add(part) + rest;
}

/** The sum of (x - mean)^2 over x[n]. */
static inline float lanes_sum_squares(const float *x, size_t n, float mean)
{
    float part[LANES] = {0}, rest = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            float c = x[i + (size_t)l] - mean;
            part[l] += c * c;
        }
    }
    for (; i < n; i++) {
        rest += (x[i] - mean) * (x[i] - mean);
    }
    return lanes_add(part) + rest;
}

#endif
