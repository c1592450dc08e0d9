#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
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

nb_status nb_visit_texts(const nb_evidence *e, bool own, nb_tile_visitor visit, void *state, nb_error *err)
{
    size_t n = (size_t)e->texts->plan.count;
    nb_status status = NB_OK;
    double *rows = nb_alloc_aligned(NB_AFFINITY_TEXTS * e->d, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    for (size_t tile = 0, begin = 0; begin < n; tile++, begin += NB_AFFINITY_TEXTS) {
        if (own && !nb_team_owns(e->team, tile)) {
            continue;
        }
        size_t count = n - begin < NB_AFFINITY_TEXTS ? n - begin : NB_AFFINITY_TEXTS;
        NB_TRY(nb_store_rows(e->texts, begin, count, rows, err));
        NB_TRY(visit(state, begin, count, rows, err));
    }
done:
    free(rows);
    return status;
}

static nb_status check_finite(const nb_criterion *c, const nb_evidence *e, const double *values, nb_error *err)
{
    for (size_t u = 0; u < e->texts->plan.count; u++) {
        if (!e->ignored[u] && !isfinite(values[u])) {
            return nb_fail(err, NB_ERR_NUMERIC, "criterion %s of candidate %zu ('%.80s') is %g", c->name, u,
                           nb_strings_get(&e->texts->names, u), values[u]);
        }
    }
    return NB_OK;
}

nb_status nb_criterion_compute(const nb_criterion *c, const nb_evidence *e, double *const *values, nb_error *err)
{
    nb_status status = nb_team_agree(e->team, c->compute(e, values, err), err);
    for (size_t k = 0; status == NB_OK && k < c->column_count; k++) {
        status = nb_team_unite(e->team, values[k], (size_t)e->texts->plan.count, err);
    }
    return status == NB_OK ? check_finite(c, e, values[c->column_count - 1], err) : status;
}
