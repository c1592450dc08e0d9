/* Images against all rows in blocks: a product of [images, block] at a time, reduced to log-sum-exps while it lies in
 * the cache. The cosines as a whole never exist. */
#include "common/linear/blas.h"
#include "scoring/scores/score.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 512 }; /* rows of a block at most */

double nb_log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return isinf(low) && low < 0 ? high : high + log1p(exp(low - high));
}

/* What is known of one image so far. */
typedef struct accumulator {
    size_t best;
    double top, others, dropped;
    double *groups;
} accumulator;

static accumulator batch_start(const nb_scorer *s, double *groups)
{
    for (size_t g = 0; s->negative_count && g < s->parameters.shared.groups; g++) {
        groups[g] = -INFINITY;
    }
    return (accumulator){.top = -INFINITY, .others = -INFINITY, .dropped = -INFINITY, .groups = groups};
}

/* ln sum exp(x / T) */
static double batch_log_sum(const nb_scorer *s, const float *x, size_t n)
{
    double scale = 1 / s->parameters.shared.temperature, sum;
    float top;
    s->vector->sum_exp(x, n, (float)scale, &top, &sum);
    return scale * (double)top + log(sum);
}

/* Cosines x [n] of labels first, first + 1, ... The best one stands apart, so that what the others add to it is known
 * to full precision however small it is. */
static void batch_add_labels(const nb_scorer *s, accumulator *t, float *x, size_t first, size_t n)
{
    size_t best = s->vector->first_largest(x, n);
    float kept = x[best];
    double top = (double)kept / s->parameters.shared.temperature, others = -INFINITY;
    if (n > 1) {
        x[best] = -INFINITY;
        others = batch_log_sum(s, x, n);
        x[best] = kept;
    }
    bool better = top > t->top;
    t->others = nb_log_add(nb_log_add(t->others, others), better ? t->top : top);
    if (better) {
        t->top = top;
        t->best = first + best;
    }
}

/* Cosines x [n] of negatives first, first + 1, ... */
static void batch_add_negatives(const nb_scorer *s, accumulator *t, const float *x, size_t first, size_t n)
{
    size_t groups = s->parameters.shared.groups, size = s->negative_count / groups;
    for (size_t at = 0; at < n;) {
        size_t group = (first + at) / size;
        size_t run = group < groups ? (group + 1) * size - (first + at) : n - at;
        run = run < n - at ? run : n - at;
        double *sum = group < groups ? &t->groups[group] : &t->dropped;
        *sum = nb_log_add(*sum, batch_log_sum(s, x + at, run));
        at += run;
    }
}

/* Cosines x [n] of rows first, first + 1, ..., labels before negatives. */
static void batch_add_rows(const nb_scorer *s, accumulator *t, float *x, size_t first, size_t n)
{
    size_t labels = first >= s->label_count ? 0 : s->label_count - first < n ? s->label_count - first : n;
    if (labels) {
        batch_add_labels(s, t, x, first, labels);
    }
    if (labels < n) {
        batch_add_negatives(s, t, x + labels, first + labels - s->label_count, n - labels);
    }
}

static nb_logits batch_finish(const nb_scorer *s, const accumulator *t)
{
    return (nb_logits){.best = t->best,
                       .top = t->top,
                       .others = t->others,
                       .labels = nb_log_add(t->top, t->others),
                       .negatives = s->negative_count ? t->groups : NULL,
                       .dropped = t->dropped,
                       .label_count = s->label_count,
                       .group_size =
                           s->negative_count / (s->parameters.shared.groups ? s->parameters.shared.groups : 1),
                       .parameters = &s->parameters};
}

void nb_logits_from_row(const nb_scorer *s, float *row, double *groups, nb_logits *out)
{
    accumulator t = batch_start(s, groups);
    batch_add_rows(s, &t, row, 0, s->label_count + s->negative_count);
    *out = batch_finish(s, &t);
}

/* Rows of the block that begins at `first`: of labels or of negatives, and of whole groups where they are small, so
 * that few sums are put together from parts. */
static size_t batch_block_rows(const nb_scorer *s, size_t first)
{
    size_t most = BLOCK, end = s->label_count;
    if (first >= end) {
        size_t size = s->negative_count / s->parameters.shared.groups;
        most = size <= BLOCK ? BLOCK / size * size : BLOCK;
        end += s->negative_count;
    }
    return end - first < most ? end - first : most;
}

nb_status nb_scorer_run_float(const nb_scorer *s, const float *images, size_t count, nb_score_result *results,
                              nb_error *err)
{
    size_t rows = s->label_count + s->negative_count, groups = s->negative_count ? s->parameters.shared.groups : 0;
    size_t most = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH;
    float *cosines = NULL;
    double *sums = NULL;
    accumulator *accumulators = NULL;
    nb_status status;
    if (s->rule->stream) {
        nb_fail(err, NB_ERR_USAGE, "the score '%s' is one of a stream of images, not of an image alone", s->rule->name);
        return nb_hint(err, "score the stream with `negbank score`, then evaluate its score file");
    }
    if (s->rule->image) {
        return s->rule->image->run(s->state, s, images, count, results, err);
    }
    NB_TRY_NEW(cosines, most * BLOCK);
    NB_TRY_NEW(sums, most * groups);
    NB_TRY_NEW(accumulators, most);
    for (size_t at = 0; at < count; at += most) {
        size_t batch = count - at < most ? count - at : most;
        for (size_t i = 0; i < batch; i++) {
            accumulators[i] = batch_start(s, sums + i * groups);
        }
        for (size_t first = 0, n; first < rows; first += n) {
            n = batch_block_rows(s, first);
            nb_sgemm_nt(nb_matrix_of(images + at * s->d, batch, s->d), nb_matrix_of(s->rows + first * s->d, n, s->d), 0,
                        cosines, BLOCK);
            for (size_t i = 0; i < batch; i++) {
                batch_add_rows(s, &accumulators[i], cosines + i * BLOCK, first, n);
            }
        }
        for (size_t i = 0; i < batch; i++) {
            nb_logits logits = batch_finish(s, &accumulators[i]);
            s->rule->score(&logits, &results[at + i]);
            results[at + i].label = (int32_t)logits.best;
        }
    }
done:
    free(cosines);
    free(sums);
    free(accumulators);
    return status;
}

nb_status nb_scorer_run(const nb_scorer *s, const double *images, size_t count, nb_score_result *results, nb_error *err)
{
    size_t most = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH;
    float *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, most * s->d);
    for (size_t at = 0; at < count; at += most) {
        size_t batch = count - at < most ? count - at : most;
        for (size_t i = 0; i < batch * s->d; i++) {
            rows[i] = (float)images[at * s->d + i];
        }
        NB_TRY(nb_scorer_run_float(s, rows, batch, results + at, err));
    }
done:
    free(rows);
    return status;
}
