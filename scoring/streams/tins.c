/* TINS (arXiv 2605.10756) along a stream: NegLabel over the bank and dynamic negatives, which are what the stream's
 * confident OOD images are inverted into, kept away from the ID prototypes
 * (common/clip/inversion/word_inversion.h). The score is the mean over the groups of
 *
 *     P / (P + (C / Q) sum_{b in group} exp y_b),   P = sum_c exp z_c, C labels, Q negatives a group:
 *
 * NegLabel with y shifted by ln(C / Q), so that a bank may grow. Groups are consecutive runs of the bank's negatives
 * with the dynamic ones behind; the remainder is left out from the end, then what stays is permuted by the seed, where
 * there is one. A batch:
 *
 *   1  scores under the bank as it is; every image under theta goes to the maker of visual negatives, where one is
 * given 2  what it accepts has a margin; old and new together by their margins, the best `visual` are the dynamic
 * negatives 3  what falls off goes to the buffer; once that holds `buffer` (0: there is none) the dynamic negatives and
 * the better half of the buffer, in that order, are shuffled by the seed (0 without one), the first `visual` are the
 *      new dynamic negatives in that order, and the buffer is emptied
 *   4  where something was accepted the whole batch is scored again
 *
 * Dynamic negatives are kept in half precision and not normalised again, as released. Without a maker only the visual
 * negatives that came with the bank count. */
#include "scoring/streams/tins.h"

#include "common/base/random.h"
#include "common/linear/reference/half.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 5, PERMUTATION = 1 }; /* streams of the random numbers; the scorer permutes by the second, too */

typedef struct settings {
    nb_score_shared shared;
    double theta, lambda;
    size_t visual, buffer, steps;
} settings;

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_GROUPS("5"),
    NB_SCORE_SEED,
    NB_SCORE_THETA("0.3"),
    NB_SCORE_VISUAL("2000"),
    NB_SCORE_LAMBDA("0.3"),
    OPT_INT("buffer", buffer, "N", "2000", 0, 1e7,
            "visual negatives that fell off before some are drawn again, 0: they are dropped; {}"),
    OPT_INT("steps", steps, "N", "30", 1, 1000, "steps of an inversion; {}"),
};

static const settings *tins_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

/* Visual negatives with their margins, in some order. */
typedef struct pool {
    float *rows;     /* [count, d], exact in half precision */
    double *margins; /* [count] */
    size_t count, capacity;
} pool;

typedef struct tins {
    const nb_scorer *scorer;
    nb_bank view;    /* labels, and the negatives as they are grouped now */
    nb_scorer inner; /* against the view */
    pool dynamic, fresh, buffer;
    size_t pushed, draws, accepted;
    bool changed; /* inner does not know the newest */
    nb_visual_maker make;
    void *self;
} tins;

/* ---- pools ---- */

static nb_status tins_append(pool *p, const float *row, double margin, size_t d, nb_error *err)
{
    if (p->count == p->capacity) {
        size_t wanted = p->capacity ? 2 * p->capacity : 64;
        float *rows = nb_grow(p->rows, wanted, d * sizeof *rows, err);
        p->rows = rows ? rows : p->rows;
        double *margins = rows ? nb_grow(p->margins, wanted, sizeof *margins, err) : NULL;
        if (!margins) {
            return NB_ERR_LIMIT;
        }
        p->margins = margins;
        p->capacity = wanted;
    }
    for (size_t k = 0; k < d; k++) {
        p->rows[p->count * d + k] = nb_half_to_float(nb_float_to_half(row[k]));
    }
    p->margins[p->count++] = margin;
    return NB_OK;
}

static nb_status tins_append_all(pool *p, const pool *from, size_t begin, size_t end, size_t d, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = begin; i < end && status == NB_OK; i++) {
        status = tins_append(p, from->rows + i * d, from->margins[i], d, err);
    }
    return status;
}

static void tins_free(pool *p)
{
    free(p->rows);
    free(p->margins);
    *p = (pool){0};
}

static int tins_by_margin(const void *a, const void *b, void *margins)
{
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    double x = ((const double *)margins)[i], y = ((const double *)margins)[k];
    return x > y ? -1 : x < y ? 1 : (i > k) - (i < k);
}

/* The members of a pool in another order. */
static nb_status tins_reorder(pool *p, const size_t *order, size_t d, nb_error *err)
{
    pool sorted = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < p->count && status == NB_OK; i++) {
        status = tins_append(&sorted, p->rows + order[i] * d, p->margins[order[i]], d, err);
    }
    pool old = status == NB_OK ? *p : sorted;
    *p = status == NB_OK ? sorted : *p;
    tins_free(&old);
    return status;
}

/* Largest margin first; who came first stays first among equals. */
static nb_status tins_sort(pool *p, size_t d, nb_error *err)
{
    size_t *order = NULL;
    nb_status status;
    NB_TRY_NEW(order, p->count);
    for (size_t i = 0; i < p->count; i++) {
        order[i] = i;
    }
    qsort_r(order, p->count, sizeof *order, tins_by_margin, p->margins);
    NB_TRY(tins_reorder(p, order, d, err));
done:
    free(order);
    return status;
}

/* Numbers [count] permuted: by the seed, or as somebody else drew. */
static void tins_permute(const tins *t, size_t count, bool buffer, size_t *order)
{
    const nb_score_shared *shared = &t->scorer->parameters.shared;
    const nb_tins_draws *given = t->scorer->draws;
    uint64_t seed = shared->seeded ? shared->seed : 0, stream = buffer ? DRAWS + t->draws : PERMUTATION;
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    if (given) {
        given->permute(given->self, count, buffer, order);
        return;
    }
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)nb_random_below(seed, stream, i, i), swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

/* ---- the score under the bank as it is ---- */

static void tins_value(const nb_logits *l, nb_score_result *out)
{
    double shift = log((double)l->label_count / (double)l->group_size), in = 0, ood = 0;
    size_t groups = l->parameters->shared.groups;
    for (size_t g = 0; g < groups; g++) {
        double gap = l->labels - l->negatives[g] - shift, e = exp(-fabs(gap)), large = 1 / (1 + e), small = e / (1 + e);
        in += gap > 0 ? large : small;
        ood += gap > 0 ? small : large;
    }
    out->score = in / (double)groups;
    out->ood = ood / (double)groups;
}

const nb_score_rule nb_score_tins_alone = {
    .name = "tins alone", .negatives = true, .block_size = sizeof(nb_score_shared), .score = tins_value};

static nb_status tins_rebuild(tins *t, nb_error *err)
{
    const nb_scorer *s = t->scorer;
    const nb_bank *bank = s->bank;
    nb_score_parameters inner = {.rule = &nb_score_tins_alone, .shared = s->parameters.shared};
    size_t groups = inner.shared.groups, d = s->d;
    size_t used = (bank->negative_count + t->dynamic.count) / groups * groups, *order = NULL;
    double *rows = NULL;
    nb_scorer fresh;
    nb_status status;
    inner.shared.seeded = false; /* the view is permuted already */
    NB_TRY_NEW(order, used);
    NB_TRY_NEW(rows, used * d);
    for (size_t i = 0; i < used; i++) {
        order[i] = i;
    }
    if (s->parameters.shared.seeded || s->draws) {
        tins_permute(t, used, false, order);
    }
    for (size_t i = 0; i < used; i++) {
        size_t from = order[i];
        for (size_t k = 0; k < d; k++) {
            rows[i * d + k] = from < bank->negative_count
                                  ? bank->negative_rows[from * d + k]
                                  : (double)t->dynamic.rows[(from - bank->negative_count) * d + k];
        }
    }
    free(t->view.negative_rows);
    t->view.negative_rows = rows;
    t->view.negative_count = used;
    rows = NULL;
    NB_TRY(nb_scorer_create(&fresh, &t->view, &inner, err));
    nb_scorer_destroy(&t->inner);
    t->inner = fresh;
    t->changed = false;
done:
    free(order);
    free(rows);
    return status;
}

/* ---- what is accepted ---- */

static nb_status tins_add_negatives(void *state, const float *rows, const double *margins, size_t count, nb_error *err)
{
    tins *t = state;
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        if (isnan(margins[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "visual negative %zu has no margin", i);
        }
        NB_TRY(tins_append(&t->fresh, rows + i * t->scorer->d, margins[i], t->scorer->d, err));
    }
done:
    return status;
}

/* The buffer is full: dynamic negatives and its better half are drawn from. */
static nb_status tins_draw(tins *t, nb_error *err)
{
    size_t d = t->scorer->d, most = tins_settings(t->scorer)->visual, *order = NULL;
    nb_status status;
    NB_TRY(tins_sort(&t->buffer, d, err));
    NB_TRY(tins_append_all(&t->dynamic, &t->buffer, 0, t->buffer.count / 2, d, err));
    NB_TRY_NEW(order, t->dynamic.count);
    tins_permute(t, t->dynamic.count, true, order);
    NB_TRY(tins_reorder(&t->dynamic, order, d, err));
    t->dynamic.count = t->dynamic.count < most ? t->dynamic.count : most;
    t->buffer.count = 0;
    t->draws++;
done:
    free(order);
    return status;
}

/* Old and new together. */
static nb_status tins_merge(tins *t, nb_error *err)
{
    const settings *set = tins_settings(t->scorer);
    size_t d = t->scorer->d;
    nb_status status;
    NB_TRY(tins_append_all(&t->dynamic, &t->fresh, 0, t->fresh.count, d, err));
    t->accepted += t->fresh.count;
    t->fresh.count = 0;
    NB_TRY(tins_sort(&t->dynamic, d, err));
    if (t->dynamic.count > set->visual) {
        if (set->buffer) {
            NB_TRY(tins_append_all(&t->buffer, &t->dynamic, set->visual, t->dynamic.count, d, err));
        }
        t->dynamic.count = set->visual;
    }
    if (set->buffer && t->buffer.count >= set->buffer) {
        NB_TRY(tins_draw(t, err));
    }
    t->changed = true;
done:
    return status;
}

/* ---- the stream ---- */

static void tins_destroy(void *state)
{
    tins *t = state;
    if (t) {
        nb_scorer_destroy(&t->inner);
        free(t->view.negative_rows);
        tins_free(&t->dynamic);
        tins_free(&t->fresh);
        tins_free(&t->buffer);
        free(t);
    }
}

/* The visual negatives that came with the bank. */
static nb_status tins_take_banks(tins *t, nb_error *err)
{
    const nb_bank *b = t->scorer->bank;
    float *row = NULL;
    nb_status status;
    NB_TRY_NEW(row, b->d);
    for (size_t i = 0; i < b->visual_count; i++) {
        for (size_t k = 0; k < b->d; k++) {
            row[k] = (float)b->visual_rows[i * b->d + k];
        }
        NB_TRY(tins_add_negatives(t, row, &b->visual_criterion[i], 1, err));
    }
    NB_TRY(tins_merge(t, err));
    t->accepted = 0;
done:
    free(row);
    return status;
}

static nb_status tins_create(void **out, const nb_scorer *s, nb_error *err)
{
    tins *t;
    nb_status status;
    NB_TRY_NEW(t, 1);
    *out = t;
    t->scorer = s;
    t->view = (nb_bank){.d = s->d, .label_count = s->label_count, .label_rows = s->bank->label_rows};
    NB_TRY(tins_take_banks(t, err));
    NB_TRY(tins_rebuild(t, err));
done:
    if (status != NB_OK) {
        tins_destroy(t);
        *out = NULL;
    }
    return status;
}

static nb_status tins_make_visual(void *state, nb_visual_maker make, void *self, nb_error *err)
{
    tins *t = state;
    (void)err;
    t->make = make;
    t->self = self;
    return NB_OK;
}

/* Hands the batch's confident OOD images to the maker. */
static nb_status tins_offer(tins *t, nb_stream *stream, const float *images, size_t count,
                            const nb_score_result *results, nb_error *err)
{
    size_t d = t->scorer->d, n = 0, *number = NULL;
    float *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, count * d);
    NB_TRY_NEW(number, count);
    for (size_t i = 0; i < count; i++) {
        if (results[i].score < tins_settings(t->scorer)->theta) {
            memcpy(rows + n * d, images + i * d, d * sizeof *rows);
            number[n++] = t->pushed + i;
        }
    }
    status = n ? t->make(t->self, stream, rows, number, n, err) : NB_OK;
done:
    free(rows);
    free(number);
    return status;
}

static nb_status tins_push(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                           nb_error *err)
{
    tins *t = state;
    nb_status status;
    if (t->fresh.count) { /* added by somebody between two batches */
        NB_TRY(tins_merge(t, err));
    }
    if (t->changed) {
        NB_TRY(tins_rebuild(t, err));
    }
    NB_TRY(nb_scorer_run_float(&t->inner, images, count, results, err));
    if (t->make) {
        NB_TRY(tins_offer(t, stream, images, count, results, err));
    }
    if (t->fresh.count) {
        NB_TRY(tins_merge(t, err));
        NB_TRY(tins_rebuild(t, err));
        NB_TRY(nb_scorer_run_float(&t->inner, images, count, results, err));
    }
    t->pushed += count;
done:
    return status;
}

static nb_status tins_describe(const void *state, nb_buffer *out, nb_error *err)
{
    const tins *t = state;
    return nb_buffer_printf(out, err, "%zu dynamic negatives of %zu accepted stand beside the bank, %zu in the buffer",
                            t->dynamic.count, t->accepted, t->buffer.count);
}

static nb_status tins_pool_state(pool *p, size_t most, size_t d, nb_state_io *io, nb_error *err)
{
    size_t count = p->count;
    void *rows = p->rows, *margins = p->margins;
    nb_status status;
    NB_TRY(nb_state_count(io, &count, most, "visual negatives", err));
    p->count = io->saving ? count : 0;
    status = nb_state_array(io, &rows, count, d * sizeof *p->rows, err);
    p->rows = rows;
    NB_TRY(status);
    status = nb_state_array(io, &margins, count, sizeof *p->margins, err);
    p->margins = margins;
    NB_TRY(status);
    p->capacity = io->saving ? p->capacity : count;
    for (size_t i = 0; i < count; i++) {
        if (isnan(p->margins[i])) {
            status = nb_fail(err, NB_ERR_INPUT, "the state has a visual negative without a margin");
            goto done;
        }
    }
    p->count = count;
done:
    return status;
}

static nb_status tins_state(void *state, nb_state_io *io, nb_error *err)
{
    tins *t = state;
    const settings *set = tins_settings(t->scorer);
    nb_status status;
    NB_TRY(nb_state_count(io, &t->pushed, SIZE_MAX / 2, "images", err));
    NB_TRY(nb_state_count(io, &t->draws, SIZE_MAX / 2, "draws", err));
    NB_TRY(nb_state_count(io, &t->accepted, SIZE_MAX / 2, "accepted images", err));
    NB_TRY(tins_pool_state(&t->dynamic, set->visual, t->scorer->d, io, err));
    NB_TRY(tins_pool_state(&t->fresh, SIZE_MAX / 2, t->scorer->d, io, err));
    NB_TRY(tins_pool_state(&t->buffer, SIZE_MAX / 2, t->scorer->d, io, err));
    t->changed = t->changed || !io->saving;
done:
    return status;
}

static nb_visual_limits tins_visual(const nb_scorer *scorer)
{
    const settings *s = tins_settings(scorer);
    return (nb_visual_limits){
        .theta = s->theta, .count = s->visual, .words = true, .lambda = s->lambda, .steps = s->steps};
}

static const nb_stream_rule tins_stream = {.create = tins_create,
                                           .destroy = tins_destroy,
                                           .push = tins_push,
                                           .describe = tins_describe,
                                           .state = tins_state,
                                           .add_negatives = tins_add_negatives,
                                           .make_visual = tins_make_visual,
                                           .visual_limits = tins_visual};

const nb_score_rule nb_score_tins = {.name = "tins",
                                     .source = "TINS, arXiv 2605.10756",
                                     .negatives = true,
                                     .parameters = parameters,
                                     .parameter_count = sizeof parameters / sizeof *parameters,
                                     .block_size = sizeof(settings),
                                     .stream = &tins_stream};
