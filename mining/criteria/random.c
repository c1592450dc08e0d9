/* A seeded uniform sample, the control every comparison needs: a number per global id, drawn by a counter. */
#include "common/base/random.h"
#include "mining/criteria/criterion.h"

static nb_status compute(const nb_evidence *e, double *const *values, nb_error *err)
{
    (void)err;
    for (size_t u = 0; u < e->texts->plan.count; u++) {
        if (nb_team_owns(e->team, u / NB_AFFINITY_TEXTS)) {
            values[0][u] = nb_random_unit(e->seed, 0, u);
        }
    }
    return NB_OK;
}

static const char *const columns[] = {"draw"};
const nb_criterion nb_criterion_random = {
    .name = "random", .columns = columns, .column_count = 1, .smallest = true, .count = 1000, .compute = compute};
