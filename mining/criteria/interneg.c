/* InterNeg (CVPR 2026), the inter-modal criterion: a label's own name scores a_c = cos(q_c, p_c) on its images; the
 * margin of a candidate is how far below that it stays, on average over the classes. Also its rejection rule. */
#include "common/linear/blas.h"
#include "common/linear/exact/exact.h"
#include "common/linear/simd/affinity.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 1024 }; /* classes of a product */

typedef struct state {
    const nb_evidence *evidence;
    const nb_affinity *loops;
    float *prototypes;       /* [C, d] */
    float *reference;        /* [C] a_c */
    double *exact_reference; /* [C] */
    double *transposed;      /* [d, padded C] */
    double *products;        /* [padded C] */
    double *row;             /* [d] */
    float *cosines;          /* [NB_AFFINITY_TEXTS, CLASSES or C] */
    float least[NB_AFFINITY_TEXTS];
    double sum[NB_AFFINITY_TEXTS];
} state;

static void close_state(void *opaque)
{
    state *s = opaque;
    if (s) {
        free(s->prototypes);
        free(s->reference);
        free(s->exact_reference);
        free(s->transposed);
        free(s->products);
        free(s->row);
        free(s->cosines);
        free(s);
    }
}

static nb_status open_state(void **out, const nb_evidence *e, nb_error *err)
{
    size_t classes = e->label_count, d = e->d, padded = nb_exact_padded(classes);
    nb_status status;
    state *s = nb_alloc(1, sizeof *s, err);
    *out = s;
    if (!s) {
        return NB_ERR_LIMIT;
    }
    s->evidence = e;
    s->loops = nb_affinity_best();
    NB_TRY_NEW(s->prototypes, classes * d);
    NB_TRY_NEW(s->reference, classes);
    NB_TRY_NEW(s->exact_reference, classes);
    NB_TRY_NEW(s->transposed, padded * d);
    NB_TRY_NEW(s->products, padded);
    NB_TRY_NEW(s->row, d);
    s->cosines =
        nb_alloc_aligned((size_t)NB_AFFINITY_TEXTS * (classes < CLASSES ? classes : CLASSES), sizeof *s->cosines, err);
    NB_TRY(s->cosines ? NB_OK : NB_ERR_LIMIT);
    for (size_t i = 0; i < classes * d; i++) {
        s->prototypes[i] = (float)e->prototypes[i];
    }
    nb_exact_transpose(s->transposed, e->prototypes, classes, d);
    for (size_t c = 0; c < classes; c++) {
        nb_exact_products(s->products, e->labels + c * d, 1, s->transposed, d, padded);
        s->exact_reference[c] = s->products[c];
        s->reference[c] = (float)s->products[c];
    }
done:
    return status;
}

static double exact_margin(state *s, const double *row, bool *over)
{
    size_t classes = s->evidence->label_count;
    double sum = 0;
    nb_exact_products(s->products, row, 1, s->transposed, s->evidence->d, nb_exact_padded(classes));
    *over = false;
    for (size_t c = 0; c < classes; c++) {
        double gap = s->exact_reference[c] - s->products[c];
        *over = *over || gap <= 0;
        sum += gap;
    }
    return sum / (double)classes;
}

nb_status nb_interneg_tile(void *opaque, const nb_text_tile *t, double *margins, uint8_t *rejected, nb_error *err)
{
    state *s = opaque;
    const nb_evidence *e = s->evidence;
    double slack = nb_affinity_slack(e->d);
    nb_status status = NB_OK;
    for (size_t i = 0; i < t->count; i++) {
        s->least[i] = INFINITY;
        s->sum[i] = 0;
    }
    for (size_t c = 0; c < e->label_count; c += CLASSES) {
        size_t classes = e->label_count - c < CLASSES ? e->label_count - c : CLASSES;
        nb_sgemm_nt(nb_matrix_of(t->rows, t->count, e->d), nb_matrix_of(s->prototypes + c * e->d, classes, e->d), 0,
                    s->cosines, classes);
        for (size_t i = 0; i < t->count; i++) {
            float least;
            s->sum[i] += s->loops->gaps(s->cosines + i * classes, s->reference + c, classes, &least);
            s->least[i] = least < s->least[i] ? least : s->least[i];
        }
    }
    for (size_t i = 0; i < t->count; i++) {
        bool over = (double)s->least[i] <= 0;
        if (rejected && fabs((double)s->least[i]) <= slack) {
            NB_TRY(nb_store_rows(e->candidates->store, t->begin + i, 1, s->row, err));
            exact_margin(s, s->row, &over);
        }
        if (rejected) {
            rejected[i] = over;
        }
        if (margins) {
            margins[i] = s->sum[i] / (double)e->label_count;
        }
    }
done:
    return status;
}

static nb_status tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    return nb_interneg_tile(opaque, t, values[0], NULL, err);
}

static nb_status exact(void *opaque, const double *rows, size_t count, double *values, nb_error *err)
{
    state *s = opaque;
    bool over;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        values[i] = exact_margin(s, rows + i * s->evidence->d, &over);
    }
    return NB_OK;
}

static const char *const columns[] = {"margin"};
const nb_criterion nb_criterion_interneg = {.name = "interneg",
                                            .columns = columns,
                                            .column_count = 1,
                                            .needs_prototypes = true,
                                            .rejects = true,
                                            .count = 2000,
                                            .open = open_state,
                                            .close = close_state,
                                            .tile = tile,
                                            .exact = exact};
