#include "common/linear/simd/instruction_set.h"

#include "common/linear/cpu/cpu.h"
#include "common/linear/cpu/cpu_arm64.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static bool instruction_set_always(void)
{
    return true;
}

#define DECLARE(set)                                                                                                   \
    extern const nb_vector nb_vector_##set;                                                                            \
    extern const nb_window_loops nb_window_loops_##set;                                                                \
    extern const nb_affinity nb_affinity_##set;                                                                        \
    extern const nb_gradient nb_gradient_##set;                                                                        \
    extern const nb_weight_panels nb_weight_panels_##set;                                                              \
    extern nb_exact_function nb_exact_products_##set;
#define ROW(set, when)                                                                                                 \
    {                                                                                                                  \
        .name = #set, .supported = when, .vector = &nb_vector_##set, .windows = &nb_window_loops_##set,                \
        .affinity = &nb_affinity_##set, .gradient = &nb_gradient_##set, .panels = &nb_weight_panels_##set,             \
        .exact = nb_exact_products_##set                                                                               \
    }

DECLARE(plain)
#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avx512)
#elif defined(__aarch64__)
DECLARE(neon)
#endif

/* From the most general to the best. */
static const nb_instruction_set table[] = {
    ROW(plain, instruction_set_always),
#if defined(__x86_64__)
    ROW(avx2, nb_cpu_has_avx2),
    ROW(avx512, nb_cpu_has_avx512),
#elif defined(__aarch64__)
    ROW(neon, nb_cpu_is_arm64),
#endif
};
_Static_assert(sizeof table / sizeof *table <= NB_INSTRUCTION_SETS, "callers have memory for that many");

size_t nb_instruction_sets(const nb_instruction_set *out[NB_INSTRUCTION_SETS])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].supported()) {
            out[count++] = &table[i];
        }
    }
    return count;
}

static const nb_instruction_set *instruction_set_named(const char *name)
{
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets);
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(sets[i]->name, name) == 0) {
            return sets[i];
        }
    }
    return NULL;
}

static const nb_instruction_set *instruction_set_choose(void)
{
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    size_t count = nb_instruction_sets(sets); /* 1 at least: plain code runs everywhere */
    const nb_instruction_set *wanted = instruction_set_named(getenv("NEGBANK_VECTOR"));
    const nb_instruction_set *of_family = instruction_set_named(nb_cpu_family_used()->vector);
    return wanted ? wanted : of_family ? of_family : count ? sets[count - 1] : &table[0];
}

const nb_instruction_set *nb_instruction_set_best(void)
{
    static _Atomic(const nb_instruction_set *) best; /* every thread would find the same */
    const nb_instruction_set *found = atomic_load_explicit(&best, memory_order_relaxed);
    if (!found) {
        found = instruction_set_choose();
        atomic_store_explicit(&best, found, memory_order_relaxed);
    }
    return found;
}

const nb_vector *nb_vector_best(void)
{
    return nb_instruction_set_best()->vector;
}

const nb_weight_panels *nb_weight_panels_best(void)
{
    const nb_instruction_set *of_family = instruction_set_named(nb_cpu_family_used()->panels);
    return of_family ? of_family->panels : NULL;
}

const nb_window_loops *nb_window_loops_best(void)
{
    return nb_instruction_set_best()->windows;
}

const nb_affinity *nb_affinity_best(void)
{
    return nb_instruction_set_best()->affinity;
}

const nb_gradient *nb_gradient_best(void)
{
    return nb_instruction_set_best()->gradient;
}
