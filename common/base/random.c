#include "common/base/random.h"

#include <math.h>

static void random_philox(uint32_t counter[4], uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * counter[0];
        uint64_t b = (uint64_t)0xCD9E8D57u * counter[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ key0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ counter[3] ^ key1, (uint32_t)a};
        for (int i = 0; i < 4; i++) {
            counter[i] = next[i];
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

uint64_t nb_random_u64(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    random_philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    return (uint64_t)c[1] << 32 | c[0];
}

double nb_random_unit(uint64_t seed, uint64_t stream, uint64_t counter)
{
    return (double)(nb_random_u64(seed, stream, counter) >> 11) * 0x1p-53;
}

double nb_random_normal(uint64_t seed, uint64_t stream, uint64_t counter)
{
    uint64_t bits = nb_random_u64(seed, stream, counter);
    double u = ((double)(uint32_t)bits + 1.0) * 0x1p-32; /* (0, 1] */
    double v = (double)(uint32_t)(bits >> 32) * 0x1p-32;
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint64_t nb_random_below(uint64_t seed, uint64_t stream, uint64_t counter, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)nb_random_u64(seed, stream, counter) * bound) >> 64);
}
