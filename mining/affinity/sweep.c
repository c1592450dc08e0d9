#include "mining/affinity/sweep.h"

#include "common/parallel/queue.h"
#include "common/parallel/stop.h"

#include <stdlib.h>

typedef struct sweep {
    const nb_candidates *candidates;
    nb_queue queue;
    nb_tally tally, *all; /* [ranks] */
    nb_progress progress;
    nb_sweep_visitor visit;
    void *state;
} sweep;

static uint64_t look(sweep *s, uint64_t *kept)
{
    uint64_t done = 0;
    *kept = 0;
    nb_queue_look(&s->queue, s->all);
    for (int r = 0; r < s->candidates->team->size; r++) {
        done += s->all[r].items + s->all[r].kept;
        *kept += s->all[r].kept;
    }
    return done;
}

static void show(sweep *s)
{
    uint64_t kept, done;
    if (s->candidates->team->rank == 0 && nb_progress_due(&s->progress)) {
        done = look(s, &kept);
        s->progress.before = (double)kept;
        nb_progress_update(&s->progress, (double)done);
    }
}

static nb_status take_tiles(sweep *s, nb_error *err)
{
    const nb_candidates *c = s->candidates;
    size_t tile;
    bool more = true, kept;
    nb_status status = NB_OK;
    for (;;) {
        if (nb_stop_requested()) {
            nb_queue_halt(&s->queue, NB_HALT_STOPPED);
        }
        NB_TRY(nb_queue_next(&s->queue, &tile, &more, err));
        if (!more) {
            break;
        }
        kept = false;
        NB_TRY(s->visit(s->state, tile, &kept, err));
        size_t begin = tile * NB_AFFINITY_TEXTS, left = c->count - begin;
        *(kept ? &s->tally.kept : &s->tally.items) += left < NB_AFFINITY_TEXTS ? left : NB_AFFINITY_TEXTS;
        NB_TRY(nb_queue_post(&s->queue, &s->tally, err));
        show(s);
    }
done:
    return status;
}

/* Not collective: no rank waits for another from here to the agreement behind it. */
static nb_status run(sweep *s, nb_error *err)
{
    nb_error second = {0};
    nb_status status, posted;
    NB_TRY_NEW(s->all, (size_t)s->candidates->team->size);
    NB_TRY(take_tiles(s, err));
done:
    if (status != NB_OK) {
        nb_queue_halt(&s->queue, NB_HALT_FAILED);
    }
    s->tally.finished = 1;
    posted = nb_queue_post(&s->queue, &s->tally, status == NB_OK ? err : &second);
    return status == NB_OK ? posted : status;
}

/* Collective. Whether all tiles were done; *kept: candidates that were so before. */
static nb_status judge(sweep *s, uint64_t *kept, nb_error *err)
{
    const nb_candidates *c = s->candidates;
    uint64_t counts[2] = {s->tally.items + s->tally.kept, s->tally.kept};
    nb_status status = nb_team_sum(c->team, counts, 2, err);
    *kept = counts[1];
    if (status == NB_OK && counts[0] != c->count) {
        nb_fail(err, NB_STOPPED, "stopped on request after %llu of %zu candidates", (unsigned long long)counts[0],
                c->count);
        status = nb_hint(err, "what is done is kept: run again with --resume to continue");
    }
    return status;
}

nb_status nb_candidates_sweep(const nb_candidates *candidates, const nb_log *log, const char *what,
                              nb_sweep_visitor visit, void *state, nb_error *err)
{
    sweep s = {.candidates = candidates, .visit = visit, .state = state};
    uint64_t kept = 0;
    nb_status status;
    NB_TRY(nb_queue_create(&s.queue, candidates->team, NB_SHARING_AUTO, candidates->tiles, 1, err));
    s.progress = nb_progress_start(log, what, (double)candidates->count);
    status = nb_team_agree(candidates->team, run(&s, err), err);
    if (status == NB_OK) {
        status = judge(&s, &kept, err);
    }
    if (status == NB_OK) {
        s.progress.before = (double)kept;
        nb_progress_finish(&s.progress);
        if (kept) {
            nb_log_info(log, "%llu of %zu %s were done before", (unsigned long long)kept, candidates->count, what);
        }
    }
    status = nb_team_agree(candidates->team, status, err);
done:
    nb_queue_destroy(&s.queue);
    free(s.all);
    return status;
}
