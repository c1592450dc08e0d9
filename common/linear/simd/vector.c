#include "common/linear/simd/vector_sets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

size_t nb_vector_all(const nb_vector *out[3])
{
    size_t count = 0;
    out[count++] = &nb_vector_plain;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        out[count++] = &nb_vector_avx2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
            out[count++] = &nb_vector_avx512;
        }
    }
#endif
    return count;
}

static const nb_vector *choose(void)
{
    const nb_vector *sets[3];
    size_t count = nb_vector_all(sets);
    const char *wanted = getenv("NEGBANK_VECTOR");
    for (size_t i = 0; wanted && i < count; i++) {
        if (strcmp(sets[i]->name, wanted) == 0) {
            return sets[i];
        }
    }
    return sets[count - 1];
}

const nb_vector *nb_vector_best(void)
{
    static _Atomic(const nb_vector *) best; /* every thread would find the same */
    const nb_vector *found = atomic_load_explicit(&best, memory_order_relaxed);
    if (!found) {
        found = choose();
        atomic_store_explicit(&best, found, memory_order_relaxed);
    }
    return found;
}
