#include "mining/embed/embed.h"

#include "common/base/text.h"
#include "common/linear/reference/kernels.h"
#include "common/parallel/pool.h"
#include "common/parallel/stop.h"
#include "common/store/provenance.h"
#include "mining/embed/store_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A store being made. */
typedef struct embed_run {
    const nb_comm *comm;
    const nb_embed_job *job;
    nb_store_layout layout;
    nb_output out; /* rank 0's alone */
    nb_store_plan plan;
    size_t first, tiles; /* [first, first + tiles) are this job's */
    uint64_t rows_of;    /* the rows in them */
    int fd;
    const char *path; /* of the partial */
    float *rows, *norms;
} embed_run;

/* ---- tiles: what the worker pool calls ---- */

static nb_status embed_tile_done(void *state, size_t tile, uint64_t *kept, nb_error *err)
{
    embed_run *r = state;
    bool done = false;
    nb_status status = NB_OK;
    if (r->plan.resumed) {
        double begin = nb_clock();
        status = nb_store_tile_done(r->fd, &r->plan, r->first + tile, &done, err);
        r->job->work->times->read += nb_clock() - begin;
    }
    *kept = done ? nb_store_tile_rows(&r->plan, r->first + tile) : 0;
    return status;
}

static void embed_prefetch(void *state, size_t tile)
{
    const embed_run *r = state;
    size_t at = r->first + tile;
    r->job->work->prefetch(r->job->work->maker, nb_store_tile_begin(&r->plan, at), nb_store_tile_rows(&r->plan, at));
}

static nb_status embed_tile(void *state, nb_pool *pool, size_t tile, nb_error *err)
{
    embed_run *r = state;
    const nb_embed_work *w = r->job->work;
    size_t at = r->first + tile, begin = nb_store_tile_begin(&r->plan, at), count = nb_store_tile_rows(&r->plan, at);
    nb_status status = w->make(w->maker, begin, count, r->rows, r->norms, err);
    if (status != NB_OK) {
        return status;
    }
    double writing = nb_clock();
    status = nb_store_write_tile(r->fd, &r->plan, at, r->rows, r->norms, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", r->path);
        return status;
    }
    w->times->write += nb_clock() - writing;
    pool->counters.items += count;
    return NB_OK;
}

static nb_status embed_flush(void *state, nb_error *err)
{
    const embed_run *r = state;
    double syncing = nb_clock();
    nb_status status = fsync(r->fd) == 0 ? NB_OK : nb_fail_errno(err, NB_ERR_IO, "cannot sync '%s'", r->path);
    r->job->work->times->write += nb_clock() - syncing;
    return status;
}

/* ---- the account ---- */

/* Collective, behind an agreement. */
static nb_status embed_count(const embed_run *r, const nb_pool_result *went, nb_embed_account *account, nb_error *err)
{
    struct share {
        nb_embed_times times;
        nb_counters counters;
    } mine = {*r->job->work->times, went->mine};
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    mine.times.wait += went->wait;
    NB_TRY(nb_comm_gather(r->comm, &mine, sizeof mine, &all, &offset, err));
    *account =
        (nb_embed_account){.sharing = went->sharing, .seconds = went->seconds, .fewest = UINT64_MAX, .slowest = -1};
    for (int rank = 0; all && rank < r->comm->size; rank++) {
        struct share s;
        memcpy(&s, all + offset[rank], sizeof s);
        account->times.read += s.times.read;
        account->times.decode += s.times.decode;
        account->times.compute += s.times.compute;
        account->times.write += s.times.write;
        account->times.wait += s.times.wait;
        account->made += s.counters.items;
        account->kept += s.counters.kept;
        account->most = s.counters.items > account->most ? s.counters.items : account->most;
        if (s.counters.items < account->fewest) {
            account->fewest = s.counters.items;
            account->slowest = rank;
        }
    }
done:
    free(all);
    free(offset);
    return status;
}

static void embed_log(const embed_run *r, const nb_embed_account *a)
{
    static const char *const labels[] = {"read", "decode", "compute", "write", "wait"};
    const double seconds[] = {a->times.read, a->times.decode, a->times.compute, a->times.write, a->times.wait};
    char text[256] = "", took[32];
    size_t len = 0;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        nb_format_seconds(took, seconds[i]);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s", i ? ", " : "", labels[i], took);
    }
    nb_log_info(r->job->log, "time of all ranks: %s", text);
    if (r->comm->size > 1) {
        nb_log_info(r->job->log, "%s a rank: %llu to %llu, fewest on rank %d; tiles shared by: %s", r->job->work->what,
                    (unsigned long long)a->fewest, (unsigned long long)a->most, a->slowest,
                    nb_sharing_name(a->sharing));
    }
}

/* Between the layout of a part and this, other jobs may have completed the store: the file has the other name then. */
static nb_status embed_open(embed_run *r, nb_error *err)
{
    const nb_embed_target *target = r->job->target;
    nb_status status = NB_OK;
    r->fd = open(r->path, O_RDWR | O_CLOEXEC);
    if (r->fd < 0 && errno == ENOENT && target->part.count) {
        r->fd = open(target->path, O_RDWR | O_CLOEXEC);
    }
    if (r->fd < 0) {
        return nb_fail_errno(err, NB_ERR_IO, "cannot open '%s'", r->path);
    }
    NB_TRY_NEW(r->rows, (size_t)(r->plan.tile_rows * r->plan.width));
    NB_TRY_NEW(r->norms, (size_t)r->plan.tile_rows);
done:
    return status;
}

/* Collective. All tiles, by all ranks. */
static nb_status embed_tiles(embed_run *r, nb_embed_account *account, nb_error *err)
{
    const nb_pool_work work = {.what = r->job->work->what,
                               .hint = "what is done is kept: run again with --resume to continue",
                               .total = r->rows_of,
                               .tiles = r->tiles,
                               .run = r->job->work->run,
                               .sharing = r->job->work->sharing,
                               .state = r,
                               .visit = embed_tile,
                               .done = embed_tile_done,
                               .prefetch = r->job->work->prefetch ? embed_prefetch : NULL,
                               .flush = embed_flush};
    nb_pool_result went;
    nb_status status;
    NB_TRY(nb_comm_agree(r->comm, embed_open(r, err), err));
    NB_TRY(nb_pool_run(r->comm, r->job->log, &work, &went, err));
    NB_TRY(nb_comm_agree(r->comm, embed_count(r, &went, account, err), err));
    embed_log(r, account);
done:
    return status;
}

/* ---- the file ---- */

/* A partial that another engine began is not thrown away for an option that differs. */
static nb_status embed_check_engine(nb_output *out, const nb_store_spec *spec, nb_error *err)
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

/* Collective. Lays out the partial that the parts share. Without tiles in the plan: others have completed the store. */
static nb_status embed_create_part(embed_run *r, nb_error *err)
{
    const nb_embed_target *target = r->job->target;
    bool left = false;
    nb_status status = NB_OK;
    if (r->comm->rank == 0) {
        status = target->force ? nb_output_begin(&r->out, target->path, true, err)
                               : nb_output_resume(&r->out, target->path, false, &left, err);
        if (status == NB_OK && target->force && unlink(target->path) != 0 && errno != ENOENT) {
            /* parts would find it complete */
            status = nb_fail_errno(err, NB_ERR_IO, "cannot remove '%s'", target->path);
        }
    }
    NB_TRY(nb_comm_agree(r->comm, status, err));
    const nb_part_job job = {r->comm, r->job->log, target->path, target->part};
    NB_TRY(nb_part_lay_out(&job, &r->layout, &r->plan, err));
done:
    return status;
}

/* Collective. What an interrupted run left is of other content: a new layout takes its place once it is whole. */
static nb_status embed_replace(embed_run *r, nb_error *err)
{
    nb_buffer fresh = {0};
    nb_status status = NB_OK;
    if (r->comm->rank == 0 && !r->job->target->force) {
        status = embed_check_engine(&r->out, r->job->spec, err);
    }
    if (status == NB_OK) {
        status = nb_buffer_printf(&fresh, err, "%s.fresh", r->path);
    }
    NB_TRY(nb_comm_agree(r->comm, status, err));
    nb_log_warn(r->job->log, "'%s' is of other inputs or options: starting anew", r->path);
    NB_TRY(nb_store_layout_create(&r->layout, fresh.data, &r->plan, err));
    if (r->comm->rank == 0 && rename(fresh.data, r->path) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot rename '%s'", fresh.data);
    }
    NB_TRY(nb_comm_agree(r->comm, status, err));
done:
    if (fresh.data && r->comm->rank == 0) {
        unlink(fresh.data);
    }
    nb_buffer_free(&fresh);
    return status;
}

/* Collective. Continues a partial when it is of the same store; otherwise starts a new one. */
static nb_status embed_create_or_resume(embed_run *r, nb_error *err)
{
    const nb_embed_target *target = r->job->target;
    bool left = false, same = false;
    nb_status status = NB_OK;
    if (r->comm->rank == 0) {
        status = target->resume ? nb_output_resume(&r->out, target->path, target->force, &left, err)
                                : nb_output_begin(&r->out, target->path, target->force, err);
    }
    NB_TRY(nb_comm_agree(r->comm, status, err));
    NB_TRY(nb_comm_broadcast(r->comm, &left, sizeof left, err));
    if (!left) {
        NB_TRY(nb_store_layout_create(&r->layout, r->path, &r->plan, err));
        goto done;
    }
    NB_TRY(nb_store_layout_same(&r->layout, r->path, (nb_store_layout_share){1, 1}, &r->plan, &same, err));
    if (same) {
        nb_log_info(r->job->log, "continuing '%s'", r->path);
        r->plan.resumed = 1;
    } else {
        NB_TRY(embed_replace(r, err));
    }
done:
    return status;
}

/* Collective. *same: the output is there already, made of the same content. */
static nb_status embed_find_complete(embed_run *r, bool *same, nb_error *err)
{
    const nb_embed_target *target = r->job->target;
    char *old = NULL;
    nb_store_plan plan;
    nb_seal seal;
    nb_error ignored = {0};
    bool there = r->comm->rank == 0 && nb_seal_read(&seal, target->path, NB_STORE_KIND, &ignored) == NB_OK;
    nb_status status = NB_OK;
    *same = false;
    if (!(target->resume || target->part.count) || target->force) {
        return NB_OK;
    }
    NB_TRY(nb_comm_broadcast(r->comm, &there, sizeof there, err));
    if (!there) {
        return NB_OK;
    }
    NB_TRY(nb_store_layout_same(&r->layout, target->path, (nb_store_layout_share){1, 1}, &plan, same, err));
    if (r->comm->rank == 0 && nb_store_provenance(target->path, &old, &ignored) == NB_OK) {
        status = nb_provenance_same_fact(target->path, old, r->job->spec->provenance, NB_PROVENANCE_ENGINE, err);
        status = status == NB_OK ? NB_OK : nb_hint(err, "give the same --precision, or --force to replace it");
    }
    NB_TRY(nb_comm_agree(r->comm, status, err));
done:
    free(old);
    return status;
}

/* Collective. The plan of the store to be made, without tiles when nothing is left to do. */
static nb_status embed_create(embed_run *r, nb_error *err)
{
    const nb_embed_target *target = r->job->target;
    bool done = false;
    nb_status status;
    NB_TRY(nb_store_layout_open(&r->layout, r->comm, r->job->spec, r->job->corpus, err));
    NB_TRY(embed_find_complete(r, &done, err));
    if (!done) {
        NB_TRY(target->part.count ? embed_create_part(r, err) : embed_create_or_resume(r, err));
        done = r->plan.tile_count == 0; /* by other parts, just now */
    }
    if (done) {
        nb_log_info(r->job->log, "'%s' is complete: nothing is left to do", target->path);
    }
done:
    nb_store_layout_close(&r->layout);
    return status;
}

/* Collective, all tiles of this job being done. */
static nb_status embed_complete(embed_run *r, nb_digest *digest, size_t *left, nb_error *err)
{
    nb_status status;
    if (r->job->target->part.count) {
        const nb_part_job job = {r->comm, r->job->log, r->job->target->path, r->job->target->part};
        return nb_part_finish(&job, &r->out, &r->plan, digest, left, err);
    }
    NB_TRY(nb_part_seal(r->comm, r->path, &r->plan, digest, err));
    NB_TRY(nb_comm_agree(r->comm, r->comm->rank == 0 ? nb_output_commit(&r->out, err) : NB_OK, err));
done:
    return status;
}

/* Rank 0. Other jobs' tiles are never removed, this one's where it will be continued. */
static void embed_leave(embed_run *r, nb_status status)
{
    const nb_embed_target *target = r->job->target;
    bool begun = r->plan.tile_count > 0;
    bool keep = status == NB_STOPPED || (status != NB_OK && target->resume && begun);
    if (r->out.partial && keep && status != NB_STOPPED) {
        nb_log_warn(r->job->log, "'%s' keeps what is done: --resume continues it", r->out.partial);
    }
    if (keep || target->part.count) {
        nb_output_release(&r->out);
    }
    nb_output_end(&r->out);
}

nb_status nb_embed_store(const nb_comm *comm, const nb_embed_job *job, nb_digest *digest, nb_embed_account *account,
                         nb_error *err)
{
    const nb_embed_target *target = job->target;
    nb_buffer partial = {0};
    embed_run r = {.comm = comm, .job = job, .fd = -1};
    size_t left = 0;
    nb_status status;
    *digest = (nb_digest){""};
    *account = (nb_embed_account){0};
    nb_stop_listen();
    NB_TRY(nb_comm_agree(comm, nb_buffer_printf(&partial, err, "%s.partial", target->path), err));
    r.path = partial.data;
    NB_TRY(embed_create(&r, err));
    if (!r.plan.tile_count) {
        goto done;
    }
    nb_part_tiles(&target->part, &r.plan, &r.first, &r.tiles, &r.rows_of);
    if (target->part.number || !target->part.count) {
        NB_TRY(embed_tiles(&r, account, err));
    }
    NB_TRY(embed_complete(&r, digest, &left, err));
    account->left = left;
done:
    if (r.fd >= 0) {
        close(r.fd);
    }
    free(r.rows);
    free(r.norms);
    embed_leave(&r, status);
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
