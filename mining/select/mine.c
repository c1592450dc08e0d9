#include "mining/select/mine.h"

#include "common/parallel/stop.h"
#include "mining/affinity/sweep.h"

#include <stdlib.h>
#include <string.h>

enum { RESCORED = 64 }; /* rows rescored at a time */

/* One criterion at work and where its columns begin in a record. */
typedef struct worker {
    const nb_criterion *criterion;
    void *parameters, *state;
    size_t first;
} worker;

typedef struct run {
    const nb_mine_plan *plan;
    const nb_evidence *evidence;
    nb_mined *mined;
    worker workers[NB_MINE_CRITERIA];
    size_t worker_count;
    bool alone; /* the rejection rule works apart from the criteria */
    void *rule_parameters, *rule;
    nb_ledger_tile *tile;
} run;

/* The criterion that explains behind number `behind`; NULL for none. */
static const nb_criterion *mine_next_explained(unsigned behind)
{
    const nb_criterion *next = NULL;
    for (size_t i = 0; nb_criteria[i]; i++) {
        if (nb_criteria[i]->explained > behind && (!next || nb_criteria[i]->explained < next->explained)) {
            next = nb_criteria[i];
        }
    }
    return next;
}

size_t nb_mine_criteria(const nb_mine_plan *plan, bool prototypes, bool wild, const nb_criterion **out)
{
    size_t count = 1, columns = plan->criterion->column_count;
    const nb_criterion *c = plan->all_columns ? mine_next_explained(0) : NULL;
    out[0] = plan->criterion;
    for (; c && count < NB_MINE_CRITERIA; c = mine_next_explained(c->explained)) {
        bool found = (prototypes || !c->needs_prototypes) && (wild || !c->needs_wild);
        if (c != plan->criterion && found && columns + c->column_count <= NB_LEDGER_COLUMNS) {
            out[count++] = c;
            columns += c->column_count;
        }
    }
    return count;
}

static void mine_add_workers(run *r)
{
    const nb_criterion *criteria[NB_MINE_CRITERIA];
    const nb_evidence *e = r->evidence;
    nb_mined *m = r->mined;
    r->worker_count = nb_mine_criteria(r->plan, e->prototypes, e->wild_images, criteria);
    r->alone = r->plan->rejection->tile;
    for (size_t i = 0; i < r->worker_count; i++) {
        const nb_criterion *c = criteria[i];
        r->workers[i] = (worker){.criterion = c, .first = m->column_count};
        r->alone = r->alone && c->applies != r->plan->rejection;
        for (size_t k = 0; k < c->column_count; k++) {
            m->column_names[m->column_count++] = c->columns[k];
        }
    }
}

/* Collective. */
static nb_status mine_open_workers(run *r, nb_error *err)
{
    const nb_evidence *e = r->evidence;
    const nb_rejection *rule = r->plan->rejection;
    nb_status status = NB_OK;
    for (size_t i = 0; i < r->worker_count; i++) {
        worker *w = &r->workers[i];
        status = nb_mining_parameters(&w->parameters, &w->criterion->parameters, r->plan->options, err);
        NB_TRY(nb_comm_agree(e->comm, status, err));
        NB_TRY(nb_comm_agree(e->comm, w->criterion->open(&w->state, e, w->parameters, err), err));
    }
    if (r->alone) {
        status = nb_mining_parameters(&r->rule_parameters, &rule->parameters, r->plan->options, err);
        NB_TRY(nb_comm_agree(e->comm, status, err));
        NB_TRY(nb_comm_agree(e->comm, rule->open(&r->rule, e, r->rule_parameters, err), err));
    }
done:
    return status;
}

static void mine_close_workers(run *r)
{
    for (size_t i = 0; i < r->worker_count; i++) {
        r->workers[i].criterion->close(r->workers[i].state);
        free(r->workers[i].parameters);
    }
    if (r->alone) {
        r->plan->rejection->close(r->rule);
    }
    free(r->rule_parameters);
}

static nb_status mine_make_tile(const run *r, size_t number, nb_ledger_tile *out, nb_error *err)
{
    nb_text_tile tile;
    uint8_t rejected[NB_AFFINITY_TEXTS] = {0};
    nb_status status;
    memset(out, 0, sizeof *out);
    NB_TRY(nb_candidates_load(r->evidence->candidates, number, &tile, err));
    for (size_t i = 0; i < r->worker_count; i++) {
        const worker *w = &r->workers[i];
        const nb_criterion *c = w->criterion;
        double *columns[NB_COLUMNS_MAX] = {NULL};
        for (size_t k = 0; k < c->column_count; k++) {
            columns[k] = out->columns[w->first + k];
        }
        NB_TRY(c->applies && c->applies == r->plan->rejection
                   ? c->tile_and_reject(w->state, &tile, columns, rejected, err)
                   : c->tile(w->state, &tile, columns, err));
    }
    if (r->alone) {
        NB_TRY(r->plan->rejection->tile(r->rule, &tile, rejected, err));
    }
    for (size_t i = 0; i < tile.count; i++) {
        out->reasons[i] = tile.reasons[i] == NB_ACCEPTED && rejected[i] ? NB_REJECTED_RULE : tile.reasons[i];
        out->tags[i] = tile.tags[i];
    }
done:
    return status;
}

/* A tile that the ledger does not hold yet. */
static nb_status mine_visit_tile(void *state, size_t number, bool *kept, nb_error *err)
{
    const run *r = state;
    nb_status status;
    NB_TRY(nb_ledger_read(&r->mined->ledger, number, r->tile, kept, err));
    if (!*kept) {
        NB_TRY(mine_make_tile(r, number, r->tile, err));
        NB_TRY(nb_ledger_write(&r->mined->ledger, number, r->tile, err));
    }
done:
    return status;
}

static nb_status mine_rescore(void *state, const uint64_t *ids, size_t count, double *values, nb_error *err)
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

static nb_status mine_open_ledger(run *r, nb_error *err)
{
    nb_buffer identity = {0};
    nb_mined *m = r->mined;
    nb_status status;
    NB_TRY(nb_buffer_printf(&identity, err, "negbank mining ledger 1\n%s\nreject %s\n", r->plan->identity,
                            r->plan->rejection->name));
    for (size_t k = 0; k < m->column_count; k++) {
        NB_TRY(nb_buffer_printf(&identity, err, "%s\n", m->column_names[k]));
    }
done:
    status = nb_comm_agree(r->evidence->comm, status, err);
    if (status == NB_OK) {
        const nb_ledger_plan plan = {.path = r->plan->ledger,
                                     .identity = identity.data,
                                     .count = r->evidence->candidates->count,
                                     .column_count = m->column_count,
                                     .resume = r->plan->resume};
        status = nb_ledger_open(&m->ledger, r->evidence->comm, r->evidence->log, &plan, err);
    }
    nb_buffer_free(&identity);
    return status;
}

static nb_status mine_select_best(run *r, nb_error *err)
{
    const nb_criterion *c = r->plan->criterion;
    nb_selection_basis basis = {.comm = r->evidence->comm,
                                .ledger = &r->mined->ledger,
                                .column = c->column_count - 1,
                                .lists = c->lists,
                                .list_count = c->list_count,
                                .smallest = c->smallest,
                                .rule = r->plan->rejection->name,
                                .slack = nb_affinity_slack(r->evidence->d),
                                .rescore = c->exact ? mine_rescore : NULL,
                                .state = r};
    nb_status status = nb_select(&r->mined->selection, &basis, &r->plan->quota, err);
    if (status == NB_OK && r->mined->selection.clamped && !r->plan->automatic) {
        nb_log_warn(r->evidence->log, "%zu candidates are accepted, fewer than the default %zu: all are kept",
                    r->mined->selection.accepted, r->plan->quota.count);
    }
    return status;
}

/* The values of the chosen in every column of the criterion, by looking them up in the ledger; on rank 0. */
static nb_status mine_look_up(const run *r, double *const *values, nb_error *err)
{
    const nb_selection *s = &r->mined->selection;
    uint64_t last = UINT64_MAX;
    bool done = false;
    nb_status status = NB_OK;
    for (size_t i = 0; i < s->count; i++) {
        uint64_t tile = s->ids[i] / NB_AFFINITY_TEXTS;
        if (tile != last) {
            NB_TRY(nb_ledger_read(&r->mined->ledger, (size_t)tile, r->tile, &done, err));
            if (!done) {
                return nb_ledger_lost(&r->mined->ledger, (size_t)tile, err);
            }
            last = tile;
        }
        for (size_t k = 0; k < r->plan->criterion->column_count; k++) {
            values[k][i] = r->tile->columns[k][s->ids[i] % NB_AFFINITY_TEXTS];
        }
    }
done:
    return status;
}

/* Collective. Lets the criterion make what belongs to the chosen; every rank knows them then. */
static nb_status mine_finish(run *r, nb_error *err)
{
    const nb_comm *comm = r->evidence->comm;
    const nb_criterion *c = r->plan->criterion;
    nb_mined *m = r->mined;
    uint64_t count = m->selection.count, *ids = NULL;
    double *columns[NB_COLUMNS_MAX] = {NULL};
    nb_status status;
    NB_TRY(nb_comm_broadcast(comm, &count, sizeof count, err));
    NB_TRY_NEW(ids, count);
    for (size_t k = 0; k < c->column_count; k++) {
        NB_TRY_NEW(columns[k], count);
    }
    if (comm->rank == 0) {
        memcpy(ids, m->selection.ids, count * sizeof *ids);
        NB_TRY(mine_look_up(r, columns, err));
    }
done:
    status = nb_comm_agree(comm, status, err);
    if (status == NB_OK) {
        status = nb_comm_broadcast(comm, ids, count * sizeof *ids, err);
    }
    for (size_t k = 0; k < c->column_count && status == NB_OK; k++) {
        status = nb_comm_broadcast(comm, columns[k], count * sizeof *columns[k], err);
    }
    if (status == NB_OK) {
        const nb_chosen choice = {.ids = ids,
                                  .values = (const double *const *)columns,
                                  .count = (size_t)count,
                                  .listed = m->selection.listed,
                                  .automatic = r->plan->automatic};
        status = nb_comm_agree(comm, c->finish(r->workers[0].state, &choice, &m->outcome, err), err);
    }
    if (status == NB_OK && comm->rank == 0) {
        m->selection.count = m->outcome.kept;
        for (size_t i = 0; i < m->selection.count && c->list_count; i++) {
            m->selection.values[i] = columns[c->lists[0].column][i];
        }
    }
    free(ids);
    for (size_t k = 0; k < c->column_count; k++) {
        free(columns[k]);
    }
    return status;
}

/* A rule made for few labels can reject nearly all candidates when there are many. */
static void mine_warn_of_rejection(const run *r)
{
    const nb_selection *s = &r->mined->selection;
    size_t judged = s->accepted + s->rejected[NB_REJECTED_RULE];
    if (s->accepted < judged / 10) {
        nb_log_warn(r->evidence->log,
                    "%s rejects %zu of %zu candidates, over nine tenths: with many labels a rule can leave too few; "
                    "--criterion debiased needs none",
                    r->plan->rejection->name, s->rejected[NB_REJECTED_RULE], judged);
    }
}

nb_status nb_mine(nb_mined *m, const nb_mine_plan *plan, const nb_evidence *e, nb_error *err)
{
    run r = {.plan = plan, .evidence = e, .mined = m};
    nb_status status;
    *m = (nb_mined){.criterion = plan->criterion, .rejection = plan->rejection, .ledger.fd = -1};
    mine_add_workers(&r);
    nb_stop_listen();
    NB_TRY(mine_open_ledger(&r, err));
    NB_TRY(mine_open_workers(&r, err));
    r.tile = nb_alloc(1, sizeof *r.tile, err);
    NB_TRY(nb_comm_agree(e->comm, r.tile ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(nb_candidates_sweep(e->candidates, e->log, "candidates", mine_visit_tile, &r, err));
    NB_TRY(mine_select_best(&r, err));
    mine_warn_of_rejection(&r);
    if (plan->criterion->finish) {
        NB_TRY(mine_finish(&r, err));
    }
done:
    mine_close_workers(&r);
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
    nb_criterion_outcome_free(&m->outcome);
    m->column_count = 0;
}
