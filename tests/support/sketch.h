/* Count sketches (Charikar, Chen and Farach-Colton 2002): 512 sums that stand for a tensor of any size. Every element
 * is added to one of them, with a sign; which and with which is drawn from its position by a hash. Sketching is linear,
 * and the length of a sketch is the length of the tensor but for a few per cent (a standard deviation of 3 %): the
 * distance of two tensors is told by the distance of their sketches, whichever elements differ. */
#ifndef NB_TESTS_SKETCH_H
#define NB_TESTS_SKETCH_H

#include <stddef.h>

enum { SKETCH_BUCKETS = 512 };

/* The sketch of values[count], or of values - from when `from` is not NULL; of up to SKETCH_BUCKETS numbers it is these
 * numbers. Returns how many it has. */
size_t sketch_make(double out[SKETCH_BUCKETS], const float *values, const float *from, size_t count);

#endif
