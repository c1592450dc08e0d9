/* The debiased criterion: a candidate is a good negative when images that are not the user's resemble it. Three things
 * are known of it: its text; what the ID images make of it; what the wild images, of which some are ID, make of it.
 * mining/DEBIASED.md has the derivation, the figures and what was tried and did not help.
 *
 * r_u(x) are responsibilities at CLIP's own temperature (mining/criteria/responsibilities.h), rho(x) the labels' part
 * in x, w weights of the ID images D that give every class the same, W the wild images, N the candidates that compete.
 *
 *   id_activation   A_u = sum_D w(x) r_u(x)
 *   log_prior       -2 ln(1 + N A_u / theta): ID images lower a candidate's weight, none is rejected for them
 *   evidence        E_u = sum_W r_u(x) - n A_u, in images; n = kappa |W|, kappa = min(1, mean_W rho / sum_D w rho) the
 *                   share of ID images among the wild ones
 *   sigma           of the evidence: sigma_u^2 = sum_W r_u(x)^2 + n^2 sum_D (w(x) r_u(x))^2
 *   central         <e_u, mean e>
 *
 * A candidate has evidence when E_u > 2 sigma_u. The bank is filled in turn with the strongest evidence not yet taken
 * and the two most central texts not yet taken; its first M are the best bank of M. */
#include "mining/criteria/criterion.h"
#include "mining/criteria/debiased/bank_size.h"
#include "mining/criteria/debiased/findings.h"
#include "mining/criteria/debiased/measured_proxies.h"
#include "mining/criteria/debiased/text_image_map.h"

#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>

enum { ID_ACTIVATION, LOG_PRIOR, EVIDENCE, SIGMA, CENTRAL, COLUMNS };
enum { BY_EVIDENCE, BY_CENTRALITY, LISTS };

enum { SIGMAS = 2 }; /* evidence is over so many standard deviations */

static const double temperature = 0.01; /* CLIP's own */
static const double theta = 0.05;       /* ID activation, in parts of a candidate's fair share, that the prior feels */
static const double power = 2;          /* of the prior */
static const double gain = 2;           /* texts are spread as widely again when they are mapped among images */
static const double ridge = 0.5;        /* of the map */
static const double tolerance = 0.01;   /* of a bank's size: mean change of an image's rank */

typedef struct state {
    const nb_evidence *evidence;
    nb_responsibilities responsibilities;
    double kappa;      /* share of ID images among the wild ones */
    double n;          /* their number */
    double mistaken;   /* sum_D w (1 - rho): what of the ID images falls on candidates */
    double *squares;   /* [2][NB_AFFINITY_TEXTS] of a tile */
    double *wild_sums; /* [NB_AFFINITY_TEXTS] of a tile */
} state;

static void debiased_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        nb_responsibilities_close(&s->responsibilities);
        free(s->squares);
        free(s->wild_sums);
        free(s);
    }
}

/* ln of weights of sum 1 that give every class the same; none for images without a class. */
static nb_status debiased_weigh(state *s, nb_error *err)
{
    nb_image_set *id = &s->responsibilities.sets[NB_ID_SET];
    size_t classes = s->evidence->label_count, *held = NULL;
    const int32_t *labels = id->store->labels;
    nb_status status;
    NB_TRY_NEW(held, classes);
    NB_TRY_NEW(id->log_weight, id->count);
    for (size_t x = 0; x < id->count; x++) {
        if (labels[x] >= 0) {
            held[labels[x]]++;
        }
    }
    for (size_t x = 0; x < id->count; x++) {
        id->log_weight[x] = labels[x] >= 0 ? -log((double)classes * (double)held[labels[x]]) : -INFINITY;
    }
done:
    free(held);
    return status;
}

/* kappa, from what of the images the labels take. */
static void debiased_estimate_share(state *s)
{
    const nb_image_set *id = &s->responsibilities.sets[NB_ID_SET], *wild = &s->responsibilities.sets[NB_WILD_SET];
    double of_id = 0, of_wild = 0;
    for (size_t x = 0; x < id->count; x++) {
        of_id += exp(id->log_weight[x]) * id->label_share[x];
    }
    for (size_t x = 0; x < wild->count; x++) {
        of_wild += wild->label_share[x] / (double)wild->count;
    }
    s->kappa = wild->count ? fmin(1, of_wild / of_id) : 0;
    s->n = s->kappa * (double)wild->count;
    s->mistaken = 1 - of_id;
}

static nb_status debiased_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    state *s = nb_alloc(1, sizeof *s, err);
    nb_status status = nb_comm_agree(e->comm, s ? NB_OK : NB_ERR_LIMIT, err);
    (void)parameters;
    *out = s;
    if (!s || status != NB_OK) {
        return status;
    }
    s->evidence = e;
    NB_TRY(nb_responsibilities_open(&s->responsibilities, e, temperature, true, err));
    NB_TRY(debiased_weigh(s, err));
    NB_TRY_NEW(s->squares, 2 * NB_AFFINITY_TEXTS);
    NB_TRY_NEW(s->wild_sums, NB_AFFINITY_TEXTS);
    debiased_estimate_share(s);
done:
    return status;
}

static nb_status debiased_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    nb_responsibilities *r = &s->responsibilities;
    double *wild_squares = s->squares, *id_squares = s->squares + NB_AFFINITY_TEXTS;
    nb_status status;
    NB_TRY(nb_responsibilities_load(r, t, err));
    NB_TRY(nb_responsibilities_sum(r, &r->sets[NB_ID_SET], t, values[ID_ACTIVATION], id_squares, err));
    NB_TRY(nb_responsibilities_sum(r, &r->sets[NB_WILD_SET], t, s->wild_sums, wild_squares, err));
    nb_responsibilities_central(r, t, values[CENTRAL]);
    for (size_t i = 0; i < t->count; i++) {
        double a = values[ID_ACTIVATION][i];
        values[LOG_PRIOR][i] = -power * log1p((double)r->accepted * a / theta);
        values[EVIDENCE][i] = s->wild_sums[i] - s->n * a;
        values[SIGMA][i] = sqrt(wild_squares[i] + s->n * s->n * id_squares[i]);
    }
done:
    return status;
}

/* The negatives that have evidence, in the bank's order: their numbers and ids [count each]. */
static size_t debiased_evident(const nb_chosen *c, uint32_t *numbers, uint64_t *ids)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->values[EVIDENCE][i] > SIGMAS * c->values[SIGMA][i]) {
            numbers[count] = (uint32_t)i;
            ids[count++] = c->ids[i];
        }
    }
    return count;
}

/* Takes out proxies without a direction. */
static void debiased_drop_empty(nb_bank_proxies *p, size_t d)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->measured_count; i++) {
        double *row = p->measured_rows + i * d;
        if (nb_dot(row, row, d) > 0) {
            for (size_t k = 0; k < d; k++) {
                p->measured_rows[kept * d + k] = row[k];
            }
            p->measured[kept++] = p->measured[i];
        }
    }
    p->measured_count = kept;
}

/* Collective. What the score needs of all that were chosen, on every rank. */
static nb_status debiased_make_proxies(const state *s, const nb_chosen *c, nb_bank_proxies *p, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    uint64_t *ids = NULL;
    nb_status status;
    NB_TRY_NEW(ids, c->count);
    NB_TRY_NEW(p->measured, c->count);
    NB_TRY_NEW(p->log_prior, c->count);
    NB_TRY_NEW(p->evidence, c->count);
    p->measured_count = debiased_evident(c, p->measured, ids);
    NB_TRY_NEW(p->measured_rows, p->measured_count * e->d + 1);
    for (size_t i = 0; i < c->count; i++) {
        p->log_prior[i] = c->values[LOG_PRIOR][i];
        p->evidence[i] = c->values[EVIDENCE][i];
    }
    NB_TRY(nb_text_image_map(p, e, gain, ridge, err));
done:
    status = nb_comm_agree(e->comm, status, err);
    if (status == NB_OK) {
        status = nb_measured_proxies(&s->responsibilities, s->n, ids, p->measured_count, p->measured_rows, err);
        debiased_drop_empty(p, e->d);
    }
    free(ids);
    return status;
}

/* The share of what the ID images are mistaken for that lies on negatives with a measured proxy. */
static double debiased_covered(const state *s, const nb_chosen *c, const nb_bank_proxies *p)
{
    double covered = 0;
    for (size_t i = 0; i < p->measured_count; i++) {
        covered += c->values[ID_ACTIVATION][p->measured[i]];
    }
    return s->mistaken > 0 ? fmin(1, covered / s->mistaken) : 0;
}

/* ID images that have a class. */
static size_t debiased_count_classed(const nb_image_set *id)
{
    size_t count = 0;
    for (size_t x = 0; x < id->count; x++) {
        count += id->store->labels[x] >= 0;
    }
    return count;
}

/* All but what depends on the bank's size. */
static nb_bank_findings debiased_find(const state *s, const nb_chosen *c)
{
    const nb_responsibilities *r = &s->responsibilities;
    bool wild = r->sets[NB_WILD_SET].count > 0;
    return (nb_bank_findings){.candidates = r->accepted,
                              .id_images = debiased_count_classed(&r->sets[NB_ID_SET]),
                              .wild_images = r->sets[NB_WILD_SET].count,
                              .with_evidence = c->listed[BY_EVIDENCE],
                              .id_share = wild ? s->kappa : (double)NAN,
                              .covered = (double)NAN,
                              .tolerance = (double)NAN};
}

/* Cuts proxies to those of the first negatives. */
static void debiased_cut(nb_bank_proxies *p, size_t kept)
{
    while (p->measured_count && p->measured[p->measured_count - 1] >= kept) {
        p->measured_count--;
    }
}

static nb_status debiased_finish(void *opaque, const nb_chosen *c, nb_criterion_outcome *out, nb_error *err)
{
    state *s = opaque;
    const nb_comm *comm = s->evidence->comm;
    nb_bank_proxies *p = out->proxies = nb_alloc(1, sizeof *out->proxies, err);
    nb_status status;
    out->kept = c->count;
    NB_TRY(nb_comm_agree(comm, p ? NB_OK : NB_ERR_LIMIT, err));
    NB_TRY(debiased_make_proxies(s, c, p, err));
    out->findings = debiased_find(s, c);
    if (c->automatic) {
        const nb_bank_draft draft = {&s->responsibilities, c->ids, c->count, p};
        NB_TRY(nb_bank_size_choose(&out->findings, &out->kept, &draft, tolerance, err));
        debiased_cut(p, out->kept);
    }
    out->findings.measured = p->measured_count;
    if (out->findings.wild_images) {
        out->findings.covered = debiased_covered(s, c, p);
    }
    nb_debiased_say(s->evidence->log, &out->findings, out->kept);
done:
    return status;
}

static void debiased_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    double images = size->wild_images + size->id_images, kept = fmin(size->candidates, NB_CRITERION_BANK_MAX);
    (void)parameters;
    nb_responsibilities_cost(cost, size);
    cost->products += (2 * 2 + 2 * 3) * kept * images * size->width; /* measured proxies, then sizes compared */
    cost->memory += 8 * kept * size->width + 16 * size->width * size->width + 8 * images * 16;
}

static const char *const columns[COLUMNS] = {"id_activation", "log_prior", "evidence", "sigma", "central"};
static const nb_criterion_list lists[LISTS] = {
    [BY_EVIDENCE] = {.column = EVIDENCE, .floor = SIGMA, .times = SIGMAS, .take = 1},
    [BY_CENTRALITY] = {.column = CENTRAL, .floor = NB_NO_COLUMN, .take = 2},
};
const nb_criterion nb_criterion_debiased = {.name = "debiased",
                                            .source = "this program",
                                            .columns = columns,
                                            .column_count = COLUMNS,
                                            .lists = lists,
                                            .list_count = LISTS,
                                            .needs_prototypes = true,
                                            .rejection = &nb_rejection_none,
                                            .automatic = true,
                                            .score = "debiased",
                                            .cost = debiased_cost,
                                            .open = debiased_open,
                                            .close = debiased_close,
                                            .tile = debiased_tile,
                                            .finish = debiased_finish};
