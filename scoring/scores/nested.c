/* The nested score over the bank's own order: its negatives by rank (scoring/bank/bank_ranks.h), the best in every
 * prefix. TANL's static score where the bank is its own; any bank with ranks will do. */
#include "scoring/scores/nested.h"

#include "common/linear/blas.h"
#include "scoring/bank/bank_ranks.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 512 }; /* rows of a product */

/* Beyond these, single precision does not hold exp(y - ln P). */
static const double least = -86, most = 86;

nb_nested nb_nested_begin(size_t step, double temperature, double labels)
{
    return (nb_nested){.step = step, .scale = 1 / temperature, .labels = labels, .sum = -INFINITY};
}

/* A prefix is whole. */
static void nested_close(nb_nested *n)
{
    double gap = n->labels - n->sum, e = exp(-fabs(gap)), large = 1 / (1 + e), small = e / (1 + e);
    n->inside += gap > 0 ? large : small;
    n->out += gap > 0 ? small : large;
    n->prefixes++;
}

/* A prefix at every negative: sums run beside ln P. False, with nothing done, where they do not fit. */
static bool nested_add_each(nb_nested *n, const nb_vector *vector, const float *x, size_t count)
{
    nb_prefix_shares shares = {.scale = n->scale, .shift = n->labels, .least = least, .most = most};
    double gap = n->sum - n->labels;
    if (gap > most) {
        return false;
    }
    shares.sum = exp(gap);
    if (!vector->prefix_shares(x, count, &shares)) {
        return false;
    }
    n->sum = log(shares.sum) + n->labels;
    n->inside += shares.inside;
    n->out += shares.outside;
    n->prefixes += count;
    n->taken += count;
    return true;
}

void nb_nested_add(nb_nested *n, const nb_vector *vector, const float *x, size_t count)
{
    if (n->step == 1 && count && nested_add_each(n, vector, x, count)) {
        return;
    }
    for (size_t at = 0, run; at < count; at += run) {
        double sum;
        float top;
        run = n->step ? n->step - n->taken % n->step : count;
        run = run < count - at ? run : count - at;
        vector->sum_exp(x + at, run, (float)n->scale, &top, &sum);
        n->sum = nb_log_add(n->sum, n->scale * (double)top + log(sum));
        n->taken += run;
        if (n->step && n->taken % n->step == 0) {
            nested_close(n);
        }
    }
}

void nb_nested_finish(nb_nested *n, nb_score_result *result)
{
    if (!n->prefixes || n->taken % n->step != 0) { /* step 0 has no prefix yet */
        nested_close(n);
    }
    result->score = n->inside / (double)n->prefixes;
    result->ood = n->out / (double)n->prefixes;
}

nb_status nb_nested_check_step(double gamma, nb_error *err)
{
    bool fits = gamma >= 0 && gamma <= 1e9 && !(gamma > floor(gamma));
    return fits ? NB_OK : nb_fail(err, NB_ERR_USAGE, "gamma %g is no number of negatives", gamma);
}

/* ---- the score ---- */

typedef struct settings {
    nb_score_shared shared;
    double gamma;
} settings;

static const nb_option parameters[] = {NB_SCORE_TEMPERATURE("0.01"), NB_SCORE_GAMMA("1")};

static const settings *nested_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

/* The negatives by rank. */
typedef struct ranked {
    float *rows; /* [M, d] */
    size_t count;
} ranked;

static void nested_destroy(void *state)
{
    ranked *r = state;
    if (r) {
        free(r->rows);
        free(r);
    }
}

static nb_status nested_create(void **state, const nb_scorer *s, nb_error *err)
{
    const nb_bank *b = s->bank;
    size_t *order = NULL, elements;
    ranked *r;
    nb_status status;
    NB_TRY_NEW(r, 1);
    *state = r;
    r->count = b->negative_count;
    if (!nb_mul_size(r->count, s->d, &elements)) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu rows of width %zu are too many", r->count, s->d);
        goto done;
    }
    NB_TRY(nb_bank_ranks(&order, b, err));
    r->rows = nb_alloc_aligned(elements, sizeof *r->rows, err);
    status = r->rows ? NB_OK : NB_ERR_LIMIT;
    for (size_t i = 0; i < r->count && status == NB_OK; i++) {
        for (size_t k = 0; k < s->d; k++) {
            r->rows[i * s->d + k] = (float)b->negative_rows[order[i] * s->d + k];
        }
    }
done:
    free(order);
    return status;
}

/* What is known of an image while the rows pass. */
typedef struct passing {
    size_t best;
    float top;
    double labels;
    nb_nested nested;
} passing;

static void nested_add_labels(const nb_scorer *s, passing *p, const float *x, size_t first, size_t count)
{
    size_t best = s->vector->first_largest(x, count);
    double scale = 1 / s->parameters.shared.temperature, sum;
    float top;
    s->vector->sum_exp(x, count, (float)scale, &top, &sum);
    p->labels = nb_log_add(p->labels, scale * (double)top + log(sum));
    if (first == 0 || x[best] > p->top) {
        p->best = first + best;
        p->top = x[best];
    }
}

/* A batch of images against labels, then negatives. */
static void nested_batch(const ranked *r, const nb_scorer *s, nb_matrix images, float *cosines, passing *to)
{
    for (size_t i = 0; i < images.rows; i++) {
        to[i] = (passing){.labels = -INFINITY};
    }
    for (size_t first = 0, n; first < s->label_count; first += n) {
        n = s->label_count - first < BLOCK ? s->label_count - first : BLOCK;
        nb_sgemm_nt(images, nb_matrix_of(s->rows + first * s->d, n, s->d), 0, cosines, BLOCK);
        for (size_t i = 0; i < images.rows; i++) {
            nested_add_labels(s, &to[i], cosines + i * BLOCK, first, n);
        }
    }
    for (size_t i = 0; i < images.rows; i++) {
        to[i].nested =
            nb_nested_begin((size_t)nested_settings(s)->gamma, s->parameters.shared.temperature, to[i].labels);
    }
    for (size_t first = 0, n; first < r->count; first += n) {
        n = r->count - first < BLOCK ? r->count - first : BLOCK;
        nb_sgemm_nt(images, nb_matrix_of(r->rows + first * s->d, n, s->d), 0, cosines, BLOCK);
        for (size_t i = 0; i < images.rows; i++) {
            nb_nested_add(&to[i].nested, s->vector, cosines + i * BLOCK, n);
        }
    }
}

static nb_status nested_run(const void *state, const nb_scorer *s, const float *images, size_t count,
                            nb_score_result *results, nb_error *err)
{
    size_t together = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH;
    float *cosines = NULL;
    passing *all = NULL;
    nb_status status;
    NB_TRY_NEW(cosines, together * BLOCK);
    NB_TRY_NEW(all, together);
    for (size_t at = 0; at < count; at += together) {
        size_t batch = count - at < together ? count - at : together;
        nested_batch(state, s, nb_matrix_of(images + at * s->d, batch, s->d), cosines, all);
        for (size_t i = 0; i < batch; i++) {
            nb_nested_finish(&all[i].nested, &results[at + i]);
            results[at + i].label = (int32_t)all[i].best;
        }
    }
done:
    free(cosines);
    free(all);
    return status;
}

static nb_status nested_settle(nb_score_parameters *values, size_t labels, size_t negatives, char *note, nb_error *err)
{
    (void)labels;
    (void)negatives;
    (void)note;
    return nb_nested_check_step(((const settings *)(const void *)values->block)->gamma, err);
}

static const nb_image_rule nested_images = {.create = nested_create, .destroy = nested_destroy, .run = nested_run};

const nb_score_rule nb_score_nested = {.name = "nested",
                                       .source = "TANL, CVPR 2026",
                                       .parameters = parameters,
                                       .parameter_count = sizeof parameters / sizeof *parameters,
                                       .block_size = sizeof(settings),
                                       .settle = nested_settle,
                                       .image = &nested_images};
