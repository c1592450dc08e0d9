#include "common/linear/simd/gradient_sets.h"

#include <string.h>

const nb_gradient *nb_gradient_named(const char *name)
{
    static const nb_gradient *const known[] = {
        &nb_gradient_plain,
#if defined(__x86_64__)
        &nb_gradient_avx2,
        &nb_gradient_avx512,
#endif
    };
    const nb_vector *runs[3];
    size_t count = nb_vector_all(runs);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            if (strcmp(runs[i]->name, name) == 0 && strcmp(known[k]->name, name) == 0) {
                return known[k];
            }
        }
    }
    return NULL;
}

const nb_gradient *nb_gradient_best(void)
{
    const nb_gradient *best = nb_gradient_named(nb_vector_best()->name);
    return best ? best : &nb_gradient_plain;
}
