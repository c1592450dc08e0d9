#include "mining/select/mine.h"

#include "common/parallel/stop.h"
#include "mining/affinity/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { RESCORED = 64 }; /* rows rescored at a time */

/* One criterion at work and where its columns begin in a record. */
typedef struct worker {
    const nb_criterion *criterion;
    void *state;
    size_t first;
} worker;

typedef struct run {
    const nb_mine_plan *plan;
    const nb_evidence *evidence;
    nb_mined *mined;
    worker workers[3];
    size_t worker_count;
    void *rejecter; /* of nb_criterion_interneg: the rule alone, where no worker applies it */
    nb_ledger_tile *tile;
} run;

static void add_worker(run *r, const nb_criterion *c)
{
    nb_mined *m = r->mined;
    for (size_t i = 0; i < r->worker_count; i++) {
        if (r->workers[i].criterion == c) {
            return;
        }
    }
    r->workers[r->worker_count++] = (worker){c, NULL, m->column_count};
    for (size_t k = 0; k < c->column_count; k++) {
        m->column_names[m->column_count++] = c->columns[k];
    }
}

static bool rejects(const run *r, const worker *w)
{
    return r->plan->reject_interneg && w->criterion == &nb_criterion_interneg;
}

/* Collective. */
static nb_status open_workers(run *r, nb_error *err)
{
    bool rejecting = !r->plan->reject_interneg;
    nb_status status = NB_OK;
    for (size_t i = 0; i < r->worker_count; i++) {
        worker *w = &r->workers[i];
        NB_TRY(nb_team_agree(r->evidence->team, w->criterion->open(&w->state, r->evidence, err), err));
        rejecting = rejecting || rejects(r, w);
    }
    if (!rejecting) {
        NB_TRY(nb_team_agree(r->evidence->team, nb_criterion_interneg.open(&r->rejecter, r->evidence, err), err));
    }
done:
    return status;
}

static void close_workers(run *r)
{
    for (size_t i = 0; i < r->worker_count; i++) {
        r->workers[i].criterion->close(r->workers[i].state);
    }
    nb_criterion_interneg.close(r->rejecter);
}

static nb_status make_tile(const run *r, size_t number, nb_ledger_tile *out, nb_error *err)
{
    nb_text_tile tile;
    uint8_t rejected[NB_AFFINITY_TEXTS] = {0};
    nb_status status;
    memset(out, 0, sizeof *out);
    NB_TRY(nb_candidates_load(r->evidence->candidates, number, &tile, err));
    for (size_t i = 0; i < r->worker_count; i++) {
        const worker *w = &r->workers[i];
        double *columns[NB_COLUMNS_MAX] = {NULL};
        for (size_t k = 0; k < w->criterion->column_count; k++) {
            columns[k] = out->columns[w->first + k];
        }
        NB_TRY(rejects(r, w) ? nb_interneg_tile(w->state, &tile, columns[0], rejected, err)
                             : w->criterion->tile(w->state, &tile, columns, err));
    }
    if (r->rejecter) {
        NB_TRY(nb_interneg_tile(r->rejecter, &tile, NULL, rejected, err));
    }
    for (size_t i = 0; i < tile.count; i++) {
        out->reasons[i] = tile.reasons[i] == NB_ACCEPTED && rejected[i] ? NB_REJECTED_INTERNEG : tile.reasons[i];
        out->tags[i] = tile.tags[i];
    }
done:
    return status;
}

/* A tile that the ledger does not hold yet. */
static nb_status visit_tile(void *state, size_t number, bool *kept, nb_error *err)
{
    const run *r = state;
    nb_status status;
    NB_TRY(nb_ledger_read(&r->mined->ledger, number, r->tile, kept, err));
    if (!*kept) {
        NB_TRY(make_tile(r, number, r->tile, err));
        NB_TRY(nb_ledger_write(&r->mined->ledger, number, r->tile, err));
    }
done:
    return status;
}

static nb_status rescore(void *state, const uint64_t *ids, size_t count, double *values, nb_error *err)
{
    const run *r = state;
    size_t d = r->evidence->d;
    double *rows;
    nb_status status;
    NB_TRY_NEW(rows, RESCORED * d);
    for (size_t at = 0; at < count; at += RESCORED) {
        size_t some = count - at < RESCORED ? count - at : RESCORED;
        for (size_t i = 0; i < some; i++) {
            NB_TRY(nb_store_rows(r->evidence->candidates->store, (size_t)ids[at + i], 1, rows + i * d, err));
        }
        NB_TRY(r->workers[0].criterion->exact(r->workers[0].state, rows, some, values + at, err));
    }
done:
    free(rows);
    return status;
}

static nb_status open_ledger(run *r, nb_error *err)
{
    nb_buffer identity = {0};
    nb_mined *m = r->mined;
    nb_status status;
    NB_TRY(nb_buffer_printf(&identity, err, "negbank mining ledger 1\n%s\nreject %d\n", r->plan->identity,
                            r->plan->reject_interneg));
    for (size_t k = 0; k < m->column_count; k++) {
        NB_TRY(nb_buffer_printf(&identity, err, "%s\n", m->column_names[k]));
    }
done:
    status = nb_team_agree(r->evidence->team, status, err);
    if (status == NB_OK) {
        status = nb_ledger_open(&m->ledger, r->evidence->team, r->evidence->log, r->plan->ledger, identity.data,
                                r->evidence->candidates->count, m->column_count, r->plan->resume, err);
    }
    nb_buffer_free(&identity);
    return status;
}

static nb_status select_best(run *r, nb_error *err)
{
    const nb_criterion *c = r->plan->criterion;
    nb_contest contest = {.team = r->evidence->team,
                          .ledger = &r->mined->ledger,
                          .column = c->column_count - 1,
                          .smallest = c->smallest,
                          .slack = nb_affinity_slack(r->evidence->d),
                          .rescore = c->exact ? rescore : NULL,
                          .state = r};
    nb_status status = nb_select(&r->mined->selection, &contest, &r->plan->quota, err);
    if (status == NB_OK && r->mined->selection.clamped) {
        nb_log_warn(r->evidence->log, "%zu candidates are accepted, fewer than the default %zu: all are kept",
                    r->mined->selection.accepted, r->plan->quota.count);
    }
    return status;
}

nb_status nb_mine(nb_mined *m, const nb_mine_plan *plan, const nb_evidence *e, nb_error *err)
{
    run r = {.plan = plan, .evidence = e, .mined = m};
    nb_status status;
    *m = (nb_mined){.criterion = plan->criterion, .ledger.fd = -1};
    add_worker(&r, plan->criterion);
    if (plan->all_columns) {
        add_worker(&r, &nb_criterion_neglabel);
    }
    if (plan->all_columns && e->prototypes) {
        add_worker(&r, &nb_criterion_interneg);
    }
    nb_stop_listen();
    NB_TRY(open_ledger(&r, err));
    NB_TRY(open_workers(&r, err));
    r.tile = nb_alloc(1, sizeof *r.tile, err);
    NB_TRY(nb_team_agree(e->team, r.tile ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(nb_candidates_sweep(e->candidates, e->log, "candidates", visit_tile, &r, err));
    NB_TRY(select_best(&r, err));
done:
    close_workers(&r);
    free(r.tile);
    if (status != NB_OK) {
        nb_mined_free(m);
    }
    return status;
}

void nb_mined_free(nb_mined *m)
{
    nb_ledger_close(&m->ledger);
    nb_selection_free(&m->selection);
    m->column_count = 0;
}
