#include "mining/criteria/label_quantile.h"

#include "common/linear/blas.h"
#include "common/linear/exact/exact.h"
#include "common/linear/simd/affinity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCT_CELLS = 1 << 20 }; /* cosines held at a time */

typedef struct state {
    const nb_evidence *evidence;
    const nb_label_quantile *set;
    const nb_affinity *loops;
    float *labels;      /* [C, d] */
    double *transposed; /* [d, padded C], for `exact` */
    float *cosines;     /* [rows, C] */
    float *kept;        /* [C + NB_AFFINITY_PAD] */
    double *products;   /* [padded C] */
    double *row;        /* [d] a candidate's */
    size_t rows;        /* of a product */
    float lift, reach;  /* how far above its mean a row's quantile may be, less a margin; no result depends on them */
} state;

void nb_label_quantile_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        free(s->labels);
        free(s->transposed);
        free(s->cosines);
        free(s->kept);
        free(s->products);
        free(s->row);
        free(s);
    }
}

nb_status nb_label_quantile_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    size_t classes = e->label_count, d = e->d;
    nb_status status;
    state *s = nb_alloc(1, sizeof *s, err);
    *out = s;
    if (!s) {
        return NB_ERR_LIMIT;
    }
    *s = (state){.evidence = e,
                 .set = parameters,
                 .loops = nb_affinity_best(),
                 .rows = PRODUCT_CELLS / classes,
                 .lift = 0.1f,
                 .reach = 0.02f};
    s->rows = s->rows < 32 ? 32 : s->rows < NB_AFFINITY_TEXTS ? s->rows : NB_AFFINITY_TEXTS;
    NB_TRY_NEW(s->labels, classes * d);
    NB_TRY_NEW(s->transposed, nb_exact_padded(classes) * d);
    NB_TRY_NEW(s->products, nb_exact_padded(classes));
    NB_TRY_NEW(s->row, d);
    NB_TRY_NEW(s->kept, classes + NB_AFFINITY_PAD);
    s->cosines = nb_alloc_aligned(s->rows * classes, sizeof *s->cosines, err);
    NB_TRY(s->cosines ? NB_OK : NB_ERR_LIMIT);
    for (size_t i = 0; i < classes * d; i++) {
        s->labels[i] = (float)e->labels[i];
    }
    nb_exact_transpose(s->transposed, e->labels, classes, d);
done:
    return status;
}

/* The quantile of x[n], from the few values at its upper end when the guess is good. */
static double label_quantile_of(state *s, const float *x, size_t n)
{
    double at = s->set->quantile * (double)(n - 1);
    size_t low = (size_t)at, needed = n - low;
    float mean = s->loops->mean(x, n), guess = mean + s->lift - s->reach, first_step = 0.3f * s->reach;
    float step = first_step;
    size_t count = s->loops->above(x, n, guess, s->kept);
    while (count < needed) {
        guess = guess > -2 ? guess - step : -INFINITY;
        step *= 2;
        count = s->loops->above(x, n, guess, s->kept);
    }
    size_t k = count - needed; /* the place of the low order statistic among the kept */
    float second, first = s->loops->order(s->kept, count, k, &second);
    /* aim at a few more than are needed: to be short costs a pass over the row, one more costs next to nothing */
    s->reach *= step > first_step ? 1.25f : 0.99f;
    s->reach = s->reach > 1e-4f ? s->reach : 1e-4f;
    s->lift += 0.1f * (first - mean - s->lift);
    return (double)first + ((double)second - (double)first) * (at - (double)low);
}

/* As the quantile of a row in double precision, or 1. */
static double label_quantile_exact(state *s, const double *row)
{
    size_t n = s->evidence->label_count, d = s->evidence->d;
    double at = s->set->quantile * (double)(n - 1), *x = s->products;
    size_t low = (size_t)at;
    nb_exact_products(x, row, 1, s->transposed, d, nb_exact_padded(n));
    qsort(x, n, sizeof *x, nb_ascending);
    if (s->set->nearest > 0 && x[n - 1] > s->set->nearest) {
        return 1;
    }
    return low + 1 < n ? x[low] + (x[low + 1] - x[low]) * (at - (double)low) : x[n - 1];
}

/* Whether a row may have a cosine over the bound: then a slip of single precision would change its value by a lot. */
static bool label_quantile_may_be_near(state *s, const float *x, size_t n)
{
    return s->set->nearest > 0 &&
           s->loops->above(x, n, (float)(s->set->nearest - 2 * nb_affinity_slack(s->evidence->d)), s->kept) > 0;
}

nb_status nb_label_quantile_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    size_t classes = s->evidence->label_count, d = s->evidence->d;
    (void)err;
    for (size_t at = 0; at < t->count; at += s->rows) {
        size_t rows = t->count - at < s->rows ? t->count - at : s->rows;
        nb_sgemm_nt(nb_matrix_of(t->rows + at * d, rows, d), nb_matrix_of(s->labels, classes, d), 0, s->cosines,
                    classes);
        for (size_t i = 0; i < rows; i++) {
            const float *x = s->cosines + i * classes;
            if (!label_quantile_may_be_near(s, x, classes)) {
                values[0][at + i] = label_quantile_of(s, x, classes);
                continue;
            }
            for (size_t k = 0; k < d; k++) {
                s->row[k] = (double)t->rows[(at + i) * d + k];
            }
            values[0][at + i] = label_quantile_exact(s, s->row);
        }
    }
    return NB_OK;
}

nb_status nb_label_quantile_values(void *opaque, const double *rows, size_t count, double *values, nb_error *err)
{
    state *s = opaque;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        values[i] = label_quantile_exact(s, rows + i * s->evidence->d);
    }
    return NB_OK;
}

void nb_label_quantile_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    (void)parameters;
    nb_mining_cost_labels(cost, size);
}
