/* A seeded uniform sample, the control every comparison needs: a number per global id, drawn by a counter. */
#include "common/base/random.h"
#include "mining/criteria/criterion.h"

static nb_status open_state(void **state, const nb_evidence *e, nb_error *err)
{
    (void)err;
    *state = (void *)(uintptr_t)e; /* all it needs is the seed */
    return NB_OK;
}

static void close_state(void *state)
{
    (void)state;
}

static nb_status tile(void *state, const nb_text_tile *t, double *const *values, nb_error *err)
{
    const nb_evidence *e = state;
    (void)err;
    for (size_t i = 0; i < t->count; i++) {
        values[0][i] = nb_random_unit(e->seed, 0, t->begin + i);
    }
    return NB_OK;
}

static const char *const columns[] = {"draw"};
const nb_criterion nb_criterion_random = {.name = "random",
                                          .columns = columns,
                                          .column_count = 1,
                                          .smallest = true,
                                          .count = 1000,
                                          .open = open_state,
                                          .close = close_state,
                                          .tile = tile};
