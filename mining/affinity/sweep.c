#include "mining/affinity/sweep.h"

#include "common/parallel/pool.h"

typedef struct sweep {
    const nb_candidates *candidates;
    nb_sweep_visitor visit;
    void *state;
} sweep;

static nb_status sweep_visit(void *state, nb_pool *pool, size_t tile, nb_error *err)
{
    const sweep *s = state;
    bool kept = false;
    nb_status status = s->visit(s->state, tile, &kept, err);
    size_t left = s->candidates->count - tile * NB_AFFINITY_TEXTS;
    if (status == NB_OK) {
        *(kept ? &pool->counters.kept : &pool->counters.items) += left < NB_AFFINITY_TEXTS ? left : NB_AFFINITY_TEXTS;
    }
    return status;
}

nb_status nb_candidates_sweep(const nb_candidates *candidates, const nb_log *log, const char *what,
                              nb_sweep_visitor visitor, void *state, nb_error *err)
{
    sweep s = {.candidates = candidates, .visit = visitor, .state = state};
    const nb_pool_work work = {.what = what,
                               .hint = "what is done is kept: run again with --resume to continue",
                               .total = candidates->count,
                               .tiles = candidates->tiles,
                               .run = {NB_TILE_RUN, true},
                               .sharing = NB_SHARING_AUTO,
                               .visit = sweep_visit,
                               .state = &s};
    return nb_pool_run(candidates->comm, log, &work, NULL, err);
}
