#include "mining/criteria/criterion.h"

#include <string.h>

static const nb_criterion *const criteria[] = {&nb_criterion_debiased, &nb_criterion_interneg, &nb_criterion_neglabel,
                                               &nb_criterion_dnm, &nb_criterion_random};

const nb_criterion *nb_criterion_find(const char *name)
{
    for (size_t i = 0; i < sizeof criteria / sizeof *criteria; i++) {
        if (strcmp(criteria[i]->name, name) == 0) {
            return criteria[i];
        }
    }
    return NULL;
}

int nb_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nb_say_pass(const nb_evidence *e, const char *what, double rows, double columns, double seconds)
{
    if (seconds > 1) {
        nb_log_info(e->log, "%s: %.0f x %.0f in %.1f s, %.1f GFLOP/s", what, rows, columns, seconds,
                    2e-9 * rows * columns * (double)e->d / seconds);
    }
}
