#include "common/linear/vector_sets.h"

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

const nb_vector *nb_vector_best(void)
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
