#include "common/parallel/crew.h"

#include "common/base/text.h"
#include "common/parallel/stop.h"

#include <stdlib.h>
#include <time.h>

nb_status nb_crew_open(nb_crew *c, const nb_team *team, const nb_log *log, const nb_crew_work *work, nb_error *err)
{
    nb_status status;
    *c = (nb_crew){.team = team};
    c->all = nb_alloc((size_t)team->size, sizeof *c->all, err);
    NB_TRY(nb_team_agree(team, c->all ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(nb_queue_create(&c->queue, team, work->sharing, work->tiles, work->run, err));
    if (c->queue.how == NB_SHARING_DEALT && work->sharing == NB_SHARING_AUTO && team->size > 1) {
        nb_log_warn(log, "MPI has no one-sided operations between these nodes: every rank gets the same share");
    }
    c->progress = nb_progress_start(log, work->what, (double)work->total);
done:
    if (status != NB_OK) {
        free(c->all);
        *c = (nb_crew){0};
    }
    return status;
}

void nb_crew_close(nb_crew *c)
{
    nb_queue_destroy(&c->queue);
    free(c->all);
    *c = (nb_crew){0};
}

/* ---- progress ---- */

void nb_crew_look(nb_crew *c, uint64_t *made, uint64_t *kept, int *slowest)
{
    *made = *kept = 0;
    *slowest = 0;
    nb_queue_look(&c->queue, c->all);
    for (int r = 0; r < c->team->size; r++) {
        *made += c->all[r].items;
        *kept += c->all[r].kept;
        *slowest = c->all[r].items < c->all[*slowest].items ? r : *slowest;
    }
    if (c->queue.how == NB_SHARING_DEALT) { /* the others' are not known: they are thought to be as fast */
        *made *= (uint64_t)c->team->size;
        *kept *= (uint64_t)c->team->size;
    }
}

static void show(nb_crew *c)
{
    uint64_t made, kept;
    int slowest;
    if (c->team->rank != 0 || !nb_progress_due(&c->progress)) {
        return;
    }
    nb_crew_look(c, &made, &kept, &slowest);
    double total = c->progress.total, done = (double)(made + kept), seconds = nb_clock() - c->progress.start;
    if (c->team->size > 1 && c->queue.how != NB_SHARING_DEALT && seconds > 0) {
        char rate[32];
        nb_format_count(rate, (double)c->all[slowest].items / seconds);
        snprintf(c->progress.note, sizeof c->progress.note, ", slowest rank %d: %s/s", slowest, rate);
    }
    c->progress.before = (double)kept;
    nb_progress_update(&c->progress, done < total ? done : total);
}

nb_status nb_crew_post(nb_crew *c, nb_error *err)
{
    nb_status status = nb_queue_post(&c->queue, &c->tally, err);
    show(c);
    return status;
}

void nb_crew_watch(nb_crew *c)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    while (c->team->rank == 0 && !nb_queue_finished(&c->queue)) {
        nanosleep(&nap, NULL);
        show(c);
        if (nb_stop_requested()) {
            nb_queue_halt(&c->queue, NB_HALT_STOPPED);
        }
    }
}

/* ---- tiles ---- */

nb_status nb_crew_next(nb_crew *c, size_t *tile, bool *more, nb_error *err)
{
    if (nb_stop_requested()) {
        nb_queue_halt(&c->queue, NB_HALT_STOPPED);
    }
    return nb_queue_next(&c->queue, tile, more, err);
}

nb_status nb_crew_pulse(nb_crew *c, uint64_t items)
{
    nb_error unseen = {0}; /* progress alone: what fails here fails again at the next tile */
    nb_tally whole = c->tally;
    c->tally.items += items;
    nb_crew_post(c, &unseen);
    c->tally = whole;
    return nb_stop_requested() || nb_queue_halted(&c->queue) ? NB_STOPPED : NB_OK;
}

nb_status nb_crew_finish(nb_crew *c, nb_status status, nb_error *err)
{
    nb_error second = {0};
    if (status != NB_OK) {
        nb_queue_halt(&c->queue, NB_HALT_FAILED);
    }
    c->tally.finished = 1;
    nb_status posted = nb_queue_post(&c->queue, &c->tally, status == NB_OK ? err : &second);
    return status == NB_OK ? posted : status;
}

/* ---- the whole loop ---- */

static nb_status take_tiles(nb_crew *c, const nb_crew_work *work, nb_error *err)
{
    size_t tile;
    bool more;
    nb_status status;
    for (;;) {
        NB_TRY(nb_crew_next(c, &tile, &more, err));
        if (!more) {
            break;
        }
        status = work->visit(work->state, c, tile, err);
        if (status == NB_STOPPED) { /* left half done: it does not count */
            nb_error_clear(err);
            nb_queue_halt(&c->queue, NB_HALT_STOPPED);
            status = NB_OK;
            break;
        }
        NB_TRY(status);
        NB_TRY(nb_crew_post(c, err));
    }
done:
    return status;
}

/* Not collective: no rank waits for another from here to the agreement behind it, but for rank 0, which waits for what
 * every rank posts on any way out. */
static nb_status work_here(nb_crew *c, const nb_crew_work *work, nb_error *err)
{
    nb_status status = nb_crew_finish(c, take_tiles(c, work, err), err);
    if (status == NB_OK) {
        nb_crew_watch(c);
    }
    return status;
}

/* Collective. Whether all tiles were done; *kept: items that were so before. */
static nb_status judge(const nb_crew *c, const nb_crew_work *work, uint64_t *kept, nb_error *err)
{
    uint64_t counts[2] = {c->tally.items + c->tally.kept, c->tally.kept};
    nb_status status = nb_team_sum(c->team, counts, 2, err);
    *kept = counts[1];
    if (status == NB_OK && counts[0] != work->total) {
        nb_fail(err, NB_STOPPED, "stopped on request after %llu of %llu %s", (unsigned long long)counts[0],
                (unsigned long long)work->total, work->what);
        status = nb_hint(err, "%s", work->hint);
    }
    return status;
}

nb_status nb_crew_run(const nb_team *team, const nb_log *log, const nb_crew_work *work, uint64_t *kept, nb_error *err)
{
    nb_crew crew;
    uint64_t before = 0;
    nb_status status = nb_crew_open(&crew, team, log, work, err);
    if (status != NB_OK) {
        return status;
    }
    status = nb_team_agree(team, work_here(&crew, work, err), err);
    if (status == NB_OK) {
        status = judge(&crew, work, &before, err);
    }
    if (status == NB_OK) {
        crew.progress.note[0] = '\0';
        crew.progress.before = (double)before;
        nb_progress_finish(&crew.progress);
        if (before) {
            nb_log_info(log, "%llu of %llu %s were done before", (unsigned long long)before,
                        (unsigned long long)work->total, work->what);
        }
    }
    if (kept) {
        *kept = before;
    }
    status = nb_team_agree(team, status, err);
    nb_crew_close(&crew);
    return status;
}
