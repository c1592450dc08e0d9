/* Counter-based random numbers: the value depends on (seed, stream, counter) alone, so any rank can draw any number.
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC11). Nothing here is
 * collective. */
#ifndef NB_BASE_RANDOM_H
#define NB_BASE_RANDOM_H

#include <stdint.h>

/** 64 random bits of (`seed`, `stream`, `counter`). */
uint64_t nb_random_u64(uint64_t seed, uint64_t stream, uint64_t counter);

/** Uniform in [0, 1) with 53 bits, of (`seed`, `stream`, `counter`). */
double nb_random_unit(uint64_t seed, uint64_t stream, uint64_t counter);

/** Standard normal (Box-Muller), of (`seed`, `stream`, `counter`). */
double nb_random_normal(uint64_t seed, uint64_t stream, uint64_t counter);

/** Uniform integer in [0, `bound`), bound > 0, of (`seed`, `stream`, `counter`); bias below 2^-32 for bounds under
 * 2^32. */
uint64_t nb_random_below(uint64_t seed, uint64_t stream, uint64_t counter, uint64_t bound);

#endif
