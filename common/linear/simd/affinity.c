#include "common/linear/simd/affinity_sets.h"

#include "common/linear/simd/vector.h"

#include <stdatomic.h>
#include <string.h>

size_t nb_affinity_all(const nb_affinity *out[3])
{
    static const nb_affinity *const sets[] = {
        &nb_affinity_plain,
#if defined(__x86_64__)
        &nb_affinity_avx2,
        &nb_affinity_avx512,
#endif
    };
    const nb_vector *usable[3];
    size_t usable_count = nb_vector_all(usable), count = 0;
    for (; count < usable_count && count < sizeof sets / sizeof *sets; count++) {
        out[count] = sets[count];
    }
    return count;
}

static const nb_affinity *choose(void)
{
    const nb_affinity *sets[3], *best = &nb_affinity_plain;
    const char *chosen = nb_vector_best()->name;
    size_t count = nb_affinity_all(sets);
    for (size_t i = 0; i < count; i++) {
        best = strcmp(sets[i]->name, chosen) == 0 ? sets[i] : best;
    }
    return best;
}

const nb_affinity *nb_affinity_best(void)
{
    static _Atomic(const nb_affinity *) best; /* every thread would find the same */
    const nb_affinity *found = atomic_load_explicit(&best, memory_order_relaxed);
    if (!found) {
        found = choose();
        atomic_store_explicit(&best, found, memory_order_relaxed);
    }
    return found;
}
