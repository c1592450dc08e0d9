/* The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), as Python's `random` seeds and draws from it: to repeat
 * what a release drew. Our own draws are counter-based (random.h). Nothing here is collective. */
#ifndef NB_BASE_MERSENNE_H
#define NB_BASE_MERSENNE_H

#include <stddef.h>
#include <stdint.h>

enum { NB_MERSENNE_WORDS = 624 };

/** The generator. */
typedef struct nb_mersenne {
    uint32_t words[NB_MERSENNE_WORDS];
    size_t next;
} nb_mersenne;

/** Makes `m` what `random.seed(seed)` makes Python's generator. */
void nb_mersenne_seed(nb_mersenne *m, uint64_t seed);

/** The next 32 bits of `m`. */
uint32_t nb_mersenne_u32(nb_mersenne *m);

/** The index that `random.choice` takes from a sequence of `count`, at least 1, by `m`: bits are drawn until they are
 * below. */
uint32_t nb_mersenne_choice(nb_mersenne *m, uint32_t count);

#endif
