/* NegLabel (Jiang et al., ICLR 2024): candidates far from all labels; the 0.95-quantile of the cosines to them, by
 * linear interpolation between order statistics (NumPy's default). */
#include "common/linear/blas.h"
#include "common/linear/exact/exact.h"
#include "common/linear/simd/affinity.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCT_CELLS = 1 << 20 }; /* cosines held at a time */

typedef struct settings {
    double quantile;
} settings;

typedef struct state {
    const nb_evidence *evidence;
    const settings *set;
    const nb_affinity *loops;
    float *labels;      /* [C, d] */
    double *transposed; /* [d, padded C], for `exact` */
    float *cosines;     /* [rows, C] */
    float *kept;        /* [C + NB_AFFINITY_PAD] */
    double *products;   /* [padded C] */
    size_t rows;        /* of a product */
    float lift, reach;  /* how far above its mean a row's quantile may be, less a margin; no result depends on them */
} state;

static void neglabel_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        free(s->labels);
        free(s->transposed);
        free(s->cosines);
        free(s->kept);
        free(s->products);
        free(s);
    }
}

static nb_status neglabel_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
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
static double neglabel_quantile(state *s, const float *x, size_t n)
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

static nb_status neglabel_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    size_t classes = s->evidence->label_count, d = s->evidence->d;
    (void)err;
    for (size_t at = 0; at < t->count; at += s->rows) {
        size_t rows = t->count - at < s->rows ? t->count - at : s->rows;
        nb_sgemm_nt(nb_matrix_of(t->rows + at * d, rows, d), nb_matrix_of(s->labels, classes, d), 0, s->cosines,
                    classes);
        for (size_t i = 0; i < rows; i++) {
            values[0][at + i] = neglabel_quantile(s, s->cosines + i * classes, classes);
        }
    }
    return NB_OK;
}

static nb_status neglabel_exact(void *opaque, const double *rows, size_t count, double *values, nb_error *err)
{
    state *s = opaque;
    size_t n = s->evidence->label_count, d = s->evidence->d;
    double at = s->set->quantile * (double)(n - 1), *x = s->products;
    size_t low = (size_t)at;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        nb_exact_products(x, rows + i * d, 1, s->transposed, d, nb_exact_padded(n));
        qsort(x, n, sizeof *x, nb_ascending);
        values[i] = low + 1 < n ? x[low] + (x[low + 1] - x[low]) * (at - (double)low) : x[n - 1];
    }
    return NB_OK;
}

static void neglabel_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    (void)parameters;
    nb_mining_cost_labels(cost, size);
}

static const char *const columns[] = {"quantile"};
static const nb_option parameters[] = {
    OPT_REAL("quantile", quantile, "Q", "0.95", 0, 1, "neglabel: quantile of the cosines to the labels"),
};
const nb_criterion nb_criterion_neglabel = {.name = "neglabel",
                                            .source = "NegLabel, ICLR 2024",
                                            .columns = columns,
                                            .column_count = 1,
                                            .smallest = true,
                                            .rejection = &nb_rejection_none,
                                            .explained = 1,
                                            .fraction = {0.15, 0.15, 0.15},
                                            .parameters = NB_METHOD_PARAMETERS(parameters),
                                            .cost = neglabel_cost,
                                            .open = neglabel_open,
                                            .close = neglabel_close,
                                            .tile = neglabel_tile,
                                            .exact = neglabel_exact};
