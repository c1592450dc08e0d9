#include "mining/embed/embed.h"

#include "common/base/text.h"
#include "common/linear/reference/kernels.h"
#include "common/parallel/crew.h"
#include "common/parallel/stop.h"
#include "common/store/provenance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a rank's loop over its tiles needs. */
typedef struct loop {
    const nb_team *team;
    const nb_log *log;
    const nb_store_plan *plan;
    const nb_embed_work *work;
    size_t first, tiles; /* [first, first + tiles) are this job's */
    uint64_t rows_of;    /* the rows in them */
    int fd, cause;       /* errno where fd is -1 */
    const char *path;    /* of fd, for messages */
    nb_crew crew;
    float *rows, *norms;
} loop;

/* ---- tiles ---- */

/* The next tile that is not done yet. A request to stop, on any rank, ends the queue for all. */
static nb_status draw(loop *l, size_t *tile, bool *more, nb_error *err)
{
    nb_status status = NB_OK;
    for (bool done = true; done;) {
        NB_TRY(nb_crew_next(&l->crew, tile, more, err));
        done = false;
        *tile += l->first;
        if (*more && l->plan->resumed) {
            double begin = nb_clock();
            NB_TRY(nb_store_tile_done(l->fd, l->plan, *tile, &done, err));
            l->work->times->read += nb_clock() - begin;
        }
        if (done) {
            l->crew.tally.kept += nb_store_tile_rows(l->plan, *tile);
            NB_TRY(nb_crew_post(&l->crew, err));
        }
    }
done:
    return status;
}

static nb_status make_tile(loop *l, size_t tile, nb_error *err)
{
    const nb_embed_work *w = l->work;
    size_t begin = nb_store_tile_begin(l->plan, tile), count = nb_store_tile_rows(l->plan, tile);
    nb_status status;
    NB_TRY(w->make(w->maker, begin, count, l->rows, l->norms, err));
    double writing = nb_clock();
    status = nb_store_write_tile(l->fd, l->plan, tile, l->rows, l->norms, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", l->path);
        goto done;
    }
    w->times->write += nb_clock() - writing;
    l->crew.tally.items += count;
    NB_TRY(nb_crew_post(&l->crew, err));
done:
    return status;
}

static nb_status draw_ahead(loop *l, size_t *tile, bool *more, nb_error *err)
{
    nb_status status = draw(l, tile, more, err);
    if (status == NB_OK && *more) {
        l->work->herald(l->work->maker, nb_store_tile_begin(l->plan, *tile), nb_store_tile_rows(l->plan, *tile));
    }
    return status;
}

/* Takes tiles until there are no more. With a herald the next one is taken before this one is made. */
static nb_status make_tiles(loop *l, nb_error *err)
{
    bool ahead = l->work->herald != NULL, any = false, more = false;
    size_t tile = 0, next = 0;
    nb_status status;
    NB_TRY(ahead ? draw_ahead(l, &tile, &any, err) : draw(l, &tile, &any, err));
    while (any) {
        if (ahead) {
            NB_TRY(draw_ahead(l, &next, &more, err));
        }
        if (nb_queue_halted(&l->crew.queue)) {
            break;
        }
        NB_TRY(make_tile(l, tile, err));
        if (!ahead) {
            NB_TRY(draw(l, &next, &more, err));
        }
        tile = next;
        any = more;
    }
done:
    return status;
}

/* Rank 0 speaks for all whose tiles are shared. */
static nb_status judge_halt(loop *l, nb_error *err)
{
    uint64_t made = 0, kept = 0, why = nb_queue_halted(&l->crew.queue);
    int slowest;
    bool dealt = l->crew.queue.how == NB_SHARING_DEALT;
    if (!(why & NB_HALT_STOPPED) || (why & NB_HALT_FAILED) || (l->team->rank != 0 && !dealt)) {
        return NB_OK;
    }
    if (!dealt) {
        nb_crew_look(&l->crew, &made, &kept, &slowest);
        if (made + kept == l->rows_of) {
            return NB_OK; /* too late to stop anything */
        }
        nb_fail(err, NB_STOPPED, "stopped on request after %llu of %llu %s", (unsigned long long)(made + kept),
                (unsigned long long)l->rows_of, l->work->what);
    } else {
        nb_fail(err, NB_STOPPED, "stopped on request after %llu %s of one rank",
                (unsigned long long)(l->crew.tally.items + l->crew.tally.kept), l->work->what);
    }
    return nb_hint(err, "what is done is kept: run again with --resume to continue");
}

/* Not collective: from here to the agreement behind it no rank waits for another, but for rank 0, which waits for what
 * every rank posts on any way out. */
static nb_status run_loop(loop *l, nb_error *err)
{
    errno = l->cause;
    nb_status status = l->fd < 0 ? nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", l->path) : NB_OK;
    if (status == NB_OK) {
        l->rows = nb_alloc((size_t)(l->plan->tile_rows * l->plan->width), sizeof *l->rows, err);
        l->norms = nb_alloc((size_t)l->plan->tile_rows, sizeof *l->norms, err);
        status = l->rows && l->norms ? make_tiles(l, err) : NB_ERR_LIMIT;
    }
    double syncing = nb_clock();
    if (l->fd >= 0 && fsync(l->fd) != 0 && status == NB_OK) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", l->path);
    }
    l->work->times->write += nb_clock() - syncing;
    status = nb_crew_finish(&l->crew, status, err);
    if (status == NB_OK) {
        double waiting = nb_clock();
        nb_crew_watch(&l->crew);
        l->work->times->wait += nb_clock() - waiting;
        status = judge_halt(l, err);
    }
    return status;
}

/* ---- the account ---- */

/* Collective, behind an agreement. */
static nb_status account_for(loop *l, nb_embed_account *account, nb_error *err)
{
    struct share {
        nb_embed_times times;
        nb_tally tally;
    } mine = {*l->work->times, l->crew.tally};
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    NB_TRY(nb_team_gather(l->team, &mine, sizeof mine, &all, &offset, err));
    *account = (nb_embed_account){.sharing = l->crew.queue.how,
                                  .seconds = nb_clock() - l->crew.progress.start,
                                  .fewest = UINT64_MAX,
                                  .slowest = -1};
    for (int r = 0; all && r < l->team->size; r++) {
        struct share s;
        memcpy(&s, all + offset[r], sizeof s);
        account->times.read += s.times.read;
        account->times.decode += s.times.decode;
        account->times.compute += s.times.compute;
        account->times.write += s.times.write;
        account->times.wait += s.times.wait;
        account->made += s.tally.items;
        account->kept += s.tally.kept;
        account->most = s.tally.items > account->most ? s.tally.items : account->most;
        if (s.tally.items < account->fewest) {
            account->fewest = s.tally.items;
            account->slowest = r;
        }
    }
done:
    free(all);
    free(offset);
    return status;
}

static void say_account(loop *l, const nb_embed_account *a)
{
    static const char *const labels[] = {"read", "decode", "compute", "write", "wait"};
    const double seconds[] = {a->times.read, a->times.decode, a->times.compute, a->times.write, a->times.wait};
    char text[256] = "", took[32];
    size_t len = 0;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        nb_format_seconds(took, seconds[i]);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s", i ? ", " : "", labels[i], took);
    }
    l->crew.progress.note[0] = '\0';
    l->crew.progress.before = (double)a->kept;
    nb_progress_finish(&l->crew.progress);
    if (a->kept) {
        nb_log_info(l->log, "%llu of %llu %s were done before", (unsigned long long)a->kept,
                    (unsigned long long)l->rows_of, l->work->what);
    }
    nb_log_info(l->log, "time of all ranks: %s", text);
    if (l->team->size > 1) {
        nb_log_info(l->log, "%s a rank: %llu to %llu, fewest on rank %d; tiles shared by: %s", l->work->what,
                    (unsigned long long)a->fewest, (unsigned long long)a->most, a->slowest,
                    nb_sharing_name(a->sharing));
    }
}

/* Collective. All tiles, by all ranks. */
static nb_status make_all(loop *l, nb_embed_account *account, nb_error *err)
{
    const nb_crew_work work = {.what = l->work->what,
                               .total = l->rows_of,
                               .tiles = l->tiles,
                               .run = l->work->run,
                               .sharing = l->work->sharing};
    nb_status status;
    NB_TRY(nb_crew_open(&l->crew, l->team, l->log, &work, err));
    status = nb_team_agree(l->team, run_loop(l, err), err);
    if (status == NB_OK) {
        status = nb_team_agree(l->team, account_for(l, account, err), err);
    }
    if (status == NB_OK) {
        say_account(l, account);
    }
done:
    nb_crew_close(&l->crew); /* behind an agreement on every way */
    free(l->rows);
    free(l->norms);
    return status;
}

/* A partial that another engine began is not thrown away for an option that differs. */
static nb_status check_engine(nb_output *out, const nb_store_spec *spec, nb_error *err)
{
    nb_error unreadable = {0};
    char *old = NULL;
    nb_status status = NB_OK;
    if (nb_store_provenance(out->partial, &old, &unreadable) == NB_OK) {
        status = nb_provenance_same_fact(out->partial, old, spec->provenance, NB_PROVENANCE_ENGINE, err);
    }
    if (status != NB_OK) {
        nb_hint(err, "continue it with the same --precision, or give --force to start anew");
        nb_output_release(out); /* it stays */
    }
    free(old);
    return status;
}

/* Continues a partial when it is of the same store; otherwise starts a new one. The new skeleton is written beside it,
 * for the same content gives the same skeleton. */
static nb_status create_or_resume(nb_output *out, nb_store_plan *plan, const nb_embed_target *target,
                                  const nb_store_spec *spec, const nb_log *log, nb_error *err)
{
    nb_buffer fresh = {0};
    bool left = false, same = false;
    nb_status status;
    if (target->part.count) {
        NB_TRY(target->force ? nb_output_begin(out, target->path, true, err)
                             : nb_output_resume(out, target->path, false, &left, err));
        if (target->force && unlink(target->path) != 0 && errno != ENOENT) { /* parts would find it complete */
            status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", target->path);
            goto done;
        }
        NB_TRY(nb_part_lay_out(out, &target->part, plan, spec, log, err));
        return NB_OK;
    }
    NB_TRY(target->resume ? nb_output_resume(out, target->path, target->force, &left, err)
                          : nb_output_begin(out, target->path, target->force, err));
    if (!left) {
        NB_TRY(nb_store_create(plan, out->partial, spec, err));
        goto done;
    }
    NB_TRY(nb_buffer_printf(&fresh, err, "%s.fresh", out->partial));
    NB_TRY(nb_store_create(plan, fresh.data, spec, err));
    NB_TRY(nb_store_same_plan(plan, fresh.data, out->partial, &same, err));
    if (same) {
        nb_log_info(log, "continuing '%s'", out->partial);
    } else {
        NB_TRY(target->force ? NB_OK : check_engine(out, spec, err));
        nb_log_warn(log, "'%s' is of other inputs or options: starting anew", out->partial);
        if (rename(fresh.data, out->partial) != 0) {
            status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", fresh.data);
        }
    }
    plan->resumed = same;
done:
    if (fresh.data) {
        unlink(fresh.data);
    }
    nb_buffer_free(&fresh);
    return status;
}

static bool same_strings(const nb_strings *a, const nb_strings *b)
{
    for (size_t i = 0; a->count == b->count && i < a->count; i++) {
        if (nb_bytes_compare(nb_strings_get(a, i), nb_strings_len(a, i), nb_strings_get(b, i), nb_strings_len(b, i))) {
            return false;
        }
    }
    return a->count == b->count;
}

/* *same: the output is there already, made of the same content. */
static nb_status complete(const nb_embed_target *target, const nb_store_spec *spec, bool *same, nb_error *err)
{
    nb_store store;
    nb_error ignored = {0};
    *same = false;
    if (!(target->resume || target->part.count) || target->force ||
        nb_store_open(&store, target->path, false, &ignored) != NB_OK) {
        return NB_OK;
    }
    *same = strcmp(store.provenance, spec->provenance) == 0 && same_strings(&store.names, spec->names) &&
            !store.labels == !spec->labels &&
            (!store.labels || memcmp(store.labels, spec->labels, spec->count * sizeof *store.labels) == 0);
    nb_status status =
        nb_provenance_same_fact(target->path, store.provenance, spec->provenance, NB_PROVENANCE_ENGINE, err);
    nb_store_close(&store);
    return status == NB_OK ? NB_OK : nb_hint(err, "give the same --precision, or --force to replace it");
}

static nb_status create(const nb_team *team, const nb_log *log, nb_output *out, nb_store_plan *plan,
                        const nb_embed_target *target, const nb_store_spec *spec, nb_error *err)
{
    bool done = false;
    nb_status status = team->rank == 0 ? complete(target, spec, &done, err) : NB_OK;
    if (team->rank == 0 && status == NB_OK && !done) {
        status = create_or_resume(out, plan, target, spec, log, err);
        done = status == NB_OK && plan->tile_count == 0; /* by other parts, just now */
    }
    if (done) {
        nb_log_info(log, "'%s' is complete: nothing is left to do", target->path);
    }
    NB_TRY(nb_team_agree(team, status, err));
    NB_TRY(nb_team_broadcast(team, plan, sizeof *plan, err));
done:
    return status;
}

/* Rank 0, all tiles of this job being done. */
static nb_status complete_store(nb_output *out, const nb_embed_target *target, const nb_store_plan *plan,
                                nb_digest *digest, size_t *left, nb_error *err)
{
    nb_status status;
    if (target->part.count) {
        return nb_part_finish(out, &target->part, plan, digest, left, err);
    }
    NB_TRY(nb_store_seal(out->partial, plan, digest, err));
    NB_TRY(nb_output_commit(out, err));
done:
    return status;
}

/* Rank 0. Other jobs' tiles are never removed, this one's where it will be continued. */
static void leave(nb_output *out, const nb_log *log, const nb_embed_target *target, bool begun, nb_status status)
{
    bool keep = status == NB_STOPPED || (status != NB_OK && target->resume && begun);
    if (out->partial && keep && status != NB_STOPPED) {
        nb_log_warn(log, "'%s' keeps what is done: --resume continues it", out->partial);
    }
    if (keep || target->part.count) {
        nb_output_release(out);
    }
    nb_output_end(out);
}

/* Between the layout of a part and this, other jobs may have completed the store: the file has the other name then. */
static void open_rows(loop *l, const nb_embed_target *target)
{
    l->fd = open(l->path, O_RDWR | O_CLOEXEC);
    if (l->fd < 0 && errno == ENOENT && target->part.count) {
        l->fd = open(target->path, O_RDWR | O_CLOEXEC);
    }
    l->cause = errno;
}

nb_status nb_embed_store(const nb_team *team, const nb_log *log, const nb_embed_target *target,
                         const nb_store_spec *spec, const nb_embed_work *work, nb_digest *digest,
                         nb_embed_account *account, nb_error *err)
{
    nb_output out = {0}; /* rank 0's alone */
    nb_buffer partial = {0};
    nb_store_plan plan = {0};
    loop l = {.team = team, .log = log, .plan = &plan, .work = work, .fd = -1};
    size_t left = 0;
    nb_status status;
    *digest = (nb_digest){""};
    *account = (nb_embed_account){0};
    nb_stop_listen();
    NB_TRY(create(team, log, &out, &plan, target, spec, err));
    if (!plan.tile_count) {
        return NB_OK;
    }
    nb_part_tiles(&target->part, &plan, &l.first, &l.tiles, &l.rows_of);
    NB_TRY(nb_team_agree(team, nb_buffer_printf(&partial, err, "%s.partial", target->path), err));
    l.path = partial.data;
    if (target->part.number || !target->part.count) {
        open_rows(&l, target);
        NB_TRY(make_all(&l, account, err));
    }
    status = team->rank == 0 ? complete_store(&out, target, &plan, digest, &left, err) : NB_OK;
    account->left = left; /* rank 0's until all hear of it */
    NB_TRY(nb_team_agree(team, status, err));
    if (target->part.count) {
        NB_TRY(nb_team_broadcast(team, &account->left, sizeof account->left, err));
    }
done:
    if (l.fd >= 0) {
        close(l.fd);
    }
    leave(&out, log, target, plan.tile_count > 0, status);
    nb_buffer_free(&partial);
    return status;
}

float nb_embed_finish_row(float *out, double *row, size_t d)
{
    double norm = nb_normalise_row(row, row, d);
    for (size_t i = 0; i < d; i++) {
        out[i] = (float)row[i];
    }
    return (float)norm;
}
