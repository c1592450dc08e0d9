#include "mining/visual/wild_inversion.h"

#include "common/clip/inversion/visual_negatives.h"
#include "scoring/scores/neglabel.h"
#include "scoring/streams/tins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double temperature = 0.01; /* of the score by which an image is confident, as InterNeg and TINS have it */
static const double lambda = 0.3;       /* TINS': weight of the distance to the prototypes */
enum { WORD_STEPS = 30 };               /* of its inversion */

/* What one run holds. */
typedef struct run {
    const nb_evidence *e;
    const nb_visual_plan *plan;
    double *scores;   /* [wild_count], all-reduced */
    uint64_t *chosen; /* [confident] images under theta, ascending */
    size_t confident;
    double *margins; /* [confident], all-reduced */
    float *features; /* [own tiles, NB_INVERT_TILE, d]: this rank's tiles only */
} run;

static size_t wild_count(const nb_evidence *e)
{
    return (size_t)e->wild_images->plan.count;
}

/* A bank of what is mined so far, for the scorer; borrows everything. */
static nb_bank wild_bank_of(const run *r)
{
    return (nb_bank){.d = r->e->d,
                     .label_count = r->e->label_count,
                     .negative_count = r->plan->negative_count,
                     .label_rows = (double *)(uintptr_t)r->e->labels,
                     .negative_rows = (double *)(uintptr_t)r->plan->negatives};
}

/* The scores of this rank's tiles of wild images; those of others stay 0. */
static nb_status wild_score_tiles(run *r, nb_error *err)
{
    const nb_evidence *e = r->e;
    const nb_bank bank = wild_bank_of(r);
    const nb_score_parameters parameters = {.rule = r->plan->words ? &nb_score_tins_alone : &nb_score_neglabel,
                                            .shared = {.temperature = temperature, .groups = r->plan->groups}};
    nb_score_result results[NB_SCORE_BATCH];
    nb_scorer scorer = {0};
    double *images = NULL;
    nb_status status;
    NB_TRY_NEW(images, NB_SCORE_BATCH * e->d);
    NB_TRY(nb_scorer_create(&scorer, &bank, &parameters, err));
    for (size_t at = 0; at < wild_count(e); at += NB_SCORE_BATCH) {
        size_t n = wild_count(e) - at < NB_SCORE_BATCH ? wild_count(e) - at : NB_SCORE_BATCH;
        if (!nb_comm_owns(e->comm, at / NB_SCORE_BATCH)) {
            continue;
        }
        NB_TRY(nb_store_rows(e->wild_images, at, n, images, err));
        NB_TRY(nb_scorer_run(&scorer, images, n, results, err));
        for (size_t i = 0; i < n; i++) {
            r->scores[at + i] = results[i].score;
        }
    }
done:
    nb_scorer_destroy(&scorer);
    free(images);
    return status;
}

/* Collective. Fills chosen with the images under theta. */
static nb_status wild_choose(run *r, nb_error *err)
{
    const nb_evidence *e = r->e;
    nb_status status;
    r->scores = nb_alloc(wild_count(e), sizeof *r->scores, err);
    r->chosen = nb_alloc(wild_count(e), sizeof *r->chosen, err);
    status = r->scores && r->chosen ? wild_score_tiles(r, err) : NB_ERR_LIMIT;
    NB_TRY(nb_comm_agree(e->comm, status, err));
    NB_TRY(nb_comm_or(e->comm, r->scores, wild_count(e), err));
    for (size_t i = 0; i < wild_count(e); i++) {
        if (r->scores[i] < r->plan->theta) {
            r->chosen[r->confident++] = i;
        }
    }
done:
    return status;
}

static size_t wild_tiles_of(size_t count)
{
    return (count + NB_INVERT_TILE - 1) / NB_INVERT_TILE;
}

/* One tile of chosen images. */
static nb_status wild_invert_tile(run *r, nb_visual_source *source, size_t tile, double *images, nb_error *err)
{
    const nb_evidence *e = r->e;
    size_t at = tile * NB_INVERT_TILE, size = (size_t)e->comm->size;
    size_t n = r->confident - at < NB_INVERT_TILE ? r->confident - at : NB_INVERT_TILE;
    nb_status status = NB_OK;
    for (size_t i = 0; i < n; i++) {
        NB_TRY(nb_store_rows(e->wild_images, (size_t)r->chosen[at + i], 1, images + i * e->d, err));
    }
    const nb_visual_batch batch = {.images = images,
                                   .ids = r->chosen + at,
                                   .count = n,
                                   .features = r->features + tile / size * NB_INVERT_TILE * e->d,
                                   .margins = r->margins + at};
    status = nb_visual_source_run(source, &batch, err);
done:
    return status;
}

static nb_status wild_invert_tiles(run *r, const nb_clip *clip, nb_error *err)
{
    const nb_evidence *e = r->e;
    size_t tiles = wild_tiles_of(r->confident), own = tiles / (size_t)e->comm->size + 1;
    nb_visual_source source = {0};
    double *images = NULL;
    nb_status status;
    nb_progress progress = nb_progress_start(e->log, "inverted images", (double)r->confident);
    NB_TRY_NEW(r->margins, r->confident);
    NB_TRY_NEW(r->features, own * NB_INVERT_TILE * e->d);
    NB_TRY_NEW(images, NB_INVERT_TILE * e->d);
    const nb_visual_classes classes = {.labels = e->labels, .prototypes = e->prototypes, .count = e->label_count};
    const nb_word_inversion_plan words = {.words = r->plan->words, .lambda = lambda, .steps = WORD_STEPS};
    NB_TRY(words.words ? nb_visual_source_create_words(&source, clip, &classes, &words, err)
                       : nb_visual_source_create(&source, clip, &classes, r->plan->seed, err));
    for (size_t t = 0; t < tiles; t++) {
        if (!nb_comm_owns(e->comm, t)) {
            continue;
        }
        NB_TRY(wild_invert_tile(r, &source, t, images, err));
        nb_progress_update(&progress, (double)((t + 1) * NB_INVERT_TILE));
    }
    nb_progress_finish(&progress);
done:
    nb_visual_source_destroy(&source);
    free(images);
    return status;
}

/* A candidate for the bank: its place among the chosen. */
typedef struct candidate {
    double margin;
    size_t place;
} candidate;

static int wild_by_margin(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->margin != y->margin) {
        return x->margin > y->margin ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

/* Orders the chosen; returns how many passed the rule. */
static size_t wild_rank_candidates(const run *r, candidate *order)
{
    size_t accepted = 0;
    for (size_t i = 0; i < r->confident; i++) {
        order[i] = (candidate){r->margins[i], i};
        accepted += r->margins[i] > -INFINITY;
    }
    qsort(order, r->confident, sizeof *order, wild_by_margin);
    return accepted;
}

/* Fills *out: margins and images on every rank, rows of this rank's tiles as words to all-reduce. */
static nb_status wild_keep_best(nb_visual *out, const run *r, uint64_t **words, nb_error *err)
{
    const nb_evidence *e = r->e;
    size_t d = e->d, size = (size_t)e->comm->size;
    candidate *order = NULL;
    nb_status status;
    NB_TRY_NEW(order, r->confident);
    size_t accepted = wild_rank_candidates(r, order);
    out->confident = r->confident;
    out->rejected = r->confident - accepted;
    out->count = accepted < r->plan->count ? accepted : r->plan->count;
    NB_TRY_NEW(*words, (out->count * d + 1) / 2);
    NB_TRY_NEW(out->margins, out->count);
    NB_TRY_NEW(out->images, out->count);
    out->rows = (float *)*words;
    for (size_t i = 0; i < out->count; i++) {
        size_t place = order[i].place, tile = place / NB_INVERT_TILE;
        out->margins[i] = order[i].margin;
        out->images[i] = r->chosen[place];
        if (nb_comm_owns(e->comm, tile)) {
            size_t row = tile / size * NB_INVERT_TILE + place % NB_INVERT_TILE;
            memcpy(out->rows + i * d, r->features + row * d, d * sizeof *out->rows);
        }
    }
done:
    free(order);
    return status;
}

nb_status nb_visual_mine(nb_visual *out, const nb_evidence *e, const nb_clip *clip, const nb_visual_plan *plan,
                         nb_error *err)
{
    run r = {.e = e, .plan = plan};
    uint64_t *words = NULL;
    nb_status status = NB_OK;
    *out = (nb_visual){0};
    if (plan->groups < 1 || plan->groups > plan->negative_count) {
        status = nb_fail(err, NB_ERR_USAGE, "%zu groups of negatives asked for, the bank has %zu negatives",
                         plan->groups, plan->negative_count);
    }
    NB_TRY(nb_comm_agree(e->comm, status, err));
    NB_TRY(wild_choose(&r, err));
    NB_TRY(nb_comm_agree(e->comm, wild_invert_tiles(&r, clip, err), err));
    NB_TRY(nb_comm_or(e->comm, r.margins, r.confident, err));
    NB_TRY(nb_comm_agree(e->comm, wild_keep_best(out, &r, &words, err), err));
    NB_TRY(nb_comm_or(e->comm, words, (out->count * e->d + 1) / 2, err));
done:
    free(r.scores);
    free(r.chosen);
    free(r.margins);
    free(r.features);
    if (status != NB_OK) {
        nb_visual_free(out);
    }
    return status;
}

void nb_visual_free(nb_visual *v)
{
    if (v) {
        free(v->rows);
        free(v->margins);
        free(v->images);
        *v = (nb_visual){0};
    }
}
