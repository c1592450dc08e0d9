/* A seeded uniform sample, the control every comparison needs: a number per global id, drawn by a counter. */
#include "common/base/random.h"
#include "mining/criteria/criterion.h"

typedef struct settings {
    int64_t seed;
} settings;

static nb_status random_open(void **state, const nb_evidence *e, const void *parameters, nb_error *err)
{
    (void)e;
    (void)err;
    *state = (void *)(uintptr_t)parameters; /* all it needs is the seed */
    return NB_OK;
}

static void random_close(void *state)
{
    (void)state;
}

static nb_status random_tile(void *state, const nb_text_tile *t, double *const *values, nb_error *err)
{
    const settings *set = state;
    (void)err;
    for (size_t i = 0; i < t->count; i++) {
        values[0][i] = nb_random_unit((uint64_t)set->seed, 0, t->begin + i);
    }
    return NB_OK;
}

static const char *const columns[] = {"draw"};
static const nb_option parameters[] = {NB_MINING_SEED_ROW};
const nb_criterion nb_criterion_random = {.name = "random",
                                          .source = "the control",
                                          .columns = columns,
                                          .column_count = 1,
                                          .smallest = true,
                                          .rejection = &nb_rejection_none,
                                          .count = 1000,
                                          .parameters = NB_METHOD_PARAMETERS(parameters),
                                          .open = random_open,
                                          .close = random_close,
                                          .tile = random_tile};
