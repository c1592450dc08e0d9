#include "common/base/mersenne.h"

enum { WORDS = NB_MERSENNE_WORDS, SHIFTED = 397 };

static void mersenne_seed_words(nb_mersenne *m, uint32_t seed)
{
    m->words[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        m->words[i] = 1812433253U * (m->words[i - 1] ^ (m->words[i - 1] >> 30)) + i;
    }
}

void nb_mersenne_seed(nb_mersenne *m, uint64_t seed)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t length = key[1] ? 2 : 1, *w = m->words;
    size_t i = 1;
    mersenne_seed_words(m, 19650218U);
    for (uint32_t step = 0, k = 0; step < WORDS; step++, k = k + 1 < length ? k + 1 : 0) {
        w[i] = (w[i] ^ ((w[i - 1] ^ (w[i - 1] >> 30)) * 1664525U)) + key[k] + k;
        if (++i == WORDS) {
            w[0] = w[WORDS - 1];
            i = 1;
        }
    }
    for (size_t step = 1; step < WORDS; step++) {
        w[i] = (w[i] ^ ((w[i - 1] ^ (w[i - 1] >> 30)) * 1566083941U)) - (uint32_t)i;
        if (++i == WORDS) {
            w[0] = w[WORDS - 1];
            i = 1;
        }
    }
    w[0] = 0x80000000U;
    m->next = WORDS;
}

static void mersenne_turn(nb_mersenne *m)
{
    uint32_t *w = m->words;
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t joined = (w[i] & 0x80000000U) | (w[(i + 1) % WORDS] & 0x7fffffffU);
        w[i] = w[(i + SHIFTED) % WORDS] ^ (joined >> 1) ^ (joined & 1 ? 0x9908b0dfU : 0);
    }
    m->next = 0;
}

uint32_t nb_mersenne_u32(nb_mersenne *m)
{
    if (m->next >= WORDS) {
        mersenne_turn(m);
    }
    uint32_t y = m->words[m->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    return y ^ (y >> 18);
}

uint32_t nb_mersenne_choice(nb_mersenne *m, uint32_t count)
{
    int bits = 0;
    uint32_t drawn;
    while (bits < 32 && count >> bits) {
        bits++;
    }
    do {
        drawn = nb_mersenne_u32(m) >> (32 - bits);
    } while (drawn >= count);
    return drawn;
}
