#include "common/parallel/pool.h"

#include "common/base/text.h"
#include "common/parallel/stop.h"

#include <stdlib.h>
#include <time.h>

/* Collective. */
static nb_status pool_open(nb_pool *c, const nb_comm *comm, const nb_log *log, const nb_pool_work *work, nb_error *err)
{
    nb_status status;
    *c = (nb_pool){.comm = comm};
    c->all = nb_alloc((size_t)comm->size, sizeof *c->all, err);
    NB_TRY(nb_comm_agree(comm, c->all ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(nb_queue_create(&c->queue, comm, work->sharing, work->tiles, work->run, err));
    if (c->queue.how == NB_SHARING_ROUND_ROBIN && work->sharing == NB_SHARING_AUTO && comm->size > 1) {
        nb_log_warn(log, "MPI has no one-sided operations between these nodes: every rank gets the same share");
    }
    c->progress = nb_progress_start(log, work->what, (double)work->total);
done:
    if (status != NB_OK) {
        free(c->all);
        *c = (nb_pool){0};
    }
    return status;
}

/* Collective, directly behind an agreement. */
static void pool_close(nb_pool *c)
{
    nb_queue_destroy(&c->queue);
    free(c->all);
    *c = (nb_pool){0};
}

/* ---- progress ---- */

/* Rank 0. Items of all ranks, as far as they are known; *slowest is the rank that made least. */
static void pool_look(nb_pool *c, uint64_t *made, uint64_t *kept, int *slowest)
{
    *made = *kept = 0;
    *slowest = 0;
    nb_queue_counters(&c->queue, c->all);
    for (int r = 0; r < c->comm->size; r++) {
        *made += c->all[r].items;
        *kept += c->all[r].kept;
        *slowest = c->all[r].items < c->all[*slowest].items ? r : *slowest;
    }
    if (c->queue.how == NB_SHARING_ROUND_ROBIN) { /* the others' are not known: they are thought to be as fast */
        *made *= (uint64_t)c->comm->size;
        *kept *= (uint64_t)c->comm->size;
    }
}

static void pool_show(nb_pool *c)
{
    uint64_t made, kept;
    int slowest;
    if (c->comm->rank != 0 || !nb_progress_due(&c->progress)) {
        return;
    }
    pool_look(c, &made, &kept, &slowest);
    double total = c->progress.total, done = (double)(made + kept), seconds = nb_clock() - c->progress.start;
    if (c->comm->size > 1 && c->queue.how != NB_SHARING_ROUND_ROBIN && seconds > 0) {
        char rate[32];
        nb_format_count(rate, (double)c->all[slowest].items / seconds);
        snprintf(c->progress.note, sizeof c->progress.note, ", slowest rank %d: %s/s", slowest, rate);
    }
    c->progress.before = (double)kept;
    nb_progress_update(&c->progress, done < total ? done : total);
}

static nb_status pool_post(nb_pool *c, nb_error *err)
{
    nb_status status = nb_queue_post(&c->queue, &c->counters, err);
    pool_show(c);
    return status;
}

/* Rank 0 waits for all to finish, so that the progress of the last ones is seen and a request to stop is heard. */
static void pool_watch(nb_pool *c)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    while (c->comm->rank == 0 && !nb_queue_finished(&c->queue)) {
        nanosleep(&nap, NULL);
        pool_show(c);
        if (nb_stop_requested()) {
            nb_queue_halt(&c->queue, NB_HALT_STOPPED);
        }
    }
}

nb_status nb_pool_report(nb_pool *c, uint64_t items)
{
    nb_error unseen = {0}; /* progress alone: what fails here fails again at the next tile */
    nb_counters whole = c->counters;
    c->counters.items += items;
    nb_status posted = pool_post(c, &unseen);
    c->counters = whole;
    (void)posted;
    return nb_stop_requested() || nb_queue_halted(&c->queue) ? NB_STOPPED : NB_OK;
}

/* ---- tiles ---- */

/* The next tile that is not done yet. A request to stop ends the queue for all. */
static nb_status pool_fetch(nb_pool *c, const nb_pool_work *work, size_t *tile, bool *more, nb_error *err)
{
    uint64_t kept;
    nb_status status;
    do {
        kept = 0;
        if (nb_stop_requested()) {
            nb_queue_halt(&c->queue, NB_HALT_STOPPED);
        }
        NB_TRY(nb_queue_next(&c->queue, tile, more, err));
        if (*more && work->done) {
            NB_TRY(work->done(work->state, *tile, &kept, err));
        }
        if (kept) {
            c->counters.kept += kept;
            NB_TRY(pool_post(c, err));
        }
    } while (kept);
    if (*more && work->prefetch) {
        work->prefetch(work->state, *tile);
    }
done:
    return status;
}

static nb_status pool_visit(nb_pool *c, const nb_pool_work *work, size_t tile, nb_error *err)
{
    nb_status status = work->visit(work->state, c, tile, err);
    if (status == NB_STOPPED) { /* left half done: it does not count */
        nb_error_clear(err);
        nb_queue_halt(&c->queue, NB_HALT_STOPPED);
        return NB_OK;
    }
    return status == NB_OK ? pool_post(c, err) : status;
}

/* With a prefetch the next tile is fetched before this one is visited. */
static nb_status pool_visit_all(nb_pool *c, const nb_pool_work *work, nb_error *err)
{
    size_t tile = 0, next = 0;
    bool any = false, more = false;
    nb_status status;
    NB_TRY(pool_fetch(c, work, &tile, &any, err));
    while (any) {
        if (work->prefetch) {
            NB_TRY(pool_fetch(c, work, &next, &more, err));
            if (nb_queue_halted(&c->queue)) {
                break;
            }
        }
        NB_TRY(pool_visit(c, work, tile, err));
        if (!work->prefetch) {
            NB_TRY(pool_fetch(c, work, &next, &more, err));
        }
        tile = next;
        any = more;
    }
done:
    return status;
}

/* Not collective: no rank waits for another from here to the agreement behind it, but for rank 0, which waits for what
 * every rank posts on any way out. */
static nb_status pool_work_here(nb_pool *c, const nb_pool_work *work, double *wait, nb_error *err)
{
    nb_error second = {0};
    nb_status status = pool_visit_all(c, work, err);
    nb_status flushed = work->flush ? work->flush(work->state, status == NB_OK ? err : &second) : NB_OK;
    status = status == NB_OK ? flushed : status;
    if (status != NB_OK) {
        nb_queue_halt(&c->queue, NB_HALT_FAILED);
    }
    c->counters.finished = 1;
    nb_status posted = nb_queue_post(&c->queue, &c->counters, status == NB_OK ? err : &second);
    status = status == NB_OK ? posted : status;
    double waiting = nb_clock();
    if (status == NB_OK) {
        pool_watch(c);
    }
    *wait = c->comm->rank == 0 ? nb_clock() - waiting : 0;
    return status;
}

/* Collective. Whether all tiles were done; *kept: items that were so before. */
static nb_status pool_count(const nb_pool *c, const nb_pool_work *work, uint64_t *kept, nb_error *err)
{
    uint64_t counts[2] = {c->counters.items + c->counters.kept, c->counters.kept};
    nb_status status = nb_comm_sum(c->comm, counts, 2, err);
    *kept = counts[1];
    if (status == NB_OK && counts[0] != work->total) {
        nb_fail(err, NB_STOPPED, "stopped on request after %llu of %llu %s", (unsigned long long)counts[0],
                (unsigned long long)work->total, work->what);
        status = nb_hint(err, "%s", work->hint);
    }
    return status;
}

static void pool_report(nb_pool *c, const nb_log *log, uint64_t kept)
{
    c->progress.note[0] = '\0';
    c->progress.before = (double)kept;
    nb_progress_finish(&c->progress);
    if (kept) {
        nb_log_info(log, "%llu of %.0f %s were done before", (unsigned long long)kept, c->progress.total,
                    c->progress.what);
    }
}

nb_status nb_pool_run(const nb_comm *comm, const nb_log *log, const nb_pool_work *work, nb_pool_result *result,
                      nb_error *err)
{
    nb_pool pool;
    nb_pool_result went = {0};
    nb_status status = pool_open(&pool, comm, log, work, err);
    if (status != NB_OK) {
        return status;
    }
    status = nb_comm_agree(comm, pool_work_here(&pool, work, &went.wait, err), err);
    if (status == NB_OK) {
        status = pool_count(&pool, work, &went.kept, err);
    }
    if (status == NB_OK) {
        pool_report(&pool, log, went.kept);
    }
    went.mine = pool.counters;
    went.sharing = pool.queue.how;
    went.seconds = nb_clock() - pool.progress.start;
    if (result) {
        *result = went;
    }
    status = nb_comm_agree(comm, status, err);
    pool_close(&pool);
    return status;
}
