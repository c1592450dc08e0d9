#include "support/sketch.h"

#include <stdint.h>
#include <string.h>

/* SplitMix64, number i. golden/convert.py has the same: what is stored depends on it. */
static uint64_t hash(uint64_t i)
{
    uint64_t h = (i + 1) * 0x9E3779B97F4A7C15U;
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9U;
    h = (h ^ h >> 27) * 0x94D049BB133111EBU;
    return h ^ h >> 31;
}

size_t sketch_make(double out[SKETCH_BUCKETS], const float *values, const float *from, size_t count)
{
    memset(out, 0, SKETCH_BUCKETS * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i] - (from ? (double)from[i] : 0);
        if (count <= SKETCH_BUCKETS) {
            out[i] = value;
        } else {
            uint64_t h = hash(i);
            out[h >> 55] += h & 1 ? -value : value;
        }
    }
    return count < SKETCH_BUCKETS ? count : SKETCH_BUCKETS;
}
