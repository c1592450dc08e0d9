/* Aligned numbers for tests of linear algebra; freed by the caller. */
#ifndef NB_TESTS_NUMBERS_H
#define NB_TESTS_NUMBERS_H

#include "common/base/random.h"

#include <stdlib.h>
#include <string.h>

static inline void *aligned_room(size_t bytes, int fill)
{
    void *p = aligned_alloc(64, (bytes / 64 + 1) * 64);
    memset(p, fill, (bytes / 64 + 1) * 64);
    return p;
}

/* Normal ones, times `scale`. */
static inline float *normal_numbers(size_t n, uint64_t stream, double scale)
{
    float *x = aligned_room(n * sizeof *x, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(scale * nb_random_normal(21, stream, i));
    }
    return x;
}

#endif
