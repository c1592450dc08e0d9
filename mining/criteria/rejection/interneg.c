#include "mining/criteria/rejection/interneg.h"

#include "common/linear/blas.h"
#include "common/linear/exact/inter_modal.h"
#include "common/linear/simd/affinity.h"
#include "mining/criteria/rejection/rejection.h"

#include <math.h>
#include <stdlib.h>

enum { CLASSES = 1024 }; /* classes of a product */

struct nb_interneg {
    const nb_evidence *evidence;
    const nb_affinity *loops;
    nb_inter_modal exact;
    float *prototypes; /* [C, d] */
    float *reference;  /* [C] a_c */
    double *row;       /* [d] */
    float *cosines;    /* [NB_AFFINITY_TEXTS, CLASSES or C] */
    float least[NB_AFFINITY_TEXTS];
    double sum[NB_AFFINITY_TEXTS];
};

void nb_interneg_close(nb_interneg *s)
{
    if (s) {
        nb_inter_modal_destroy(&s->exact);
        free(s->prototypes);
        free(s->reference);
        free(s->row);
        free(s->cosines);
        free(s);
    }
}

nb_status nb_interneg_open(nb_interneg **out, const nb_evidence *e, nb_error *err)
{
    size_t classes = e->label_count, d = e->d;
    nb_status status;
    nb_interneg *s = nb_alloc(1, sizeof *s, err);
    *out = s;
    if (!s) {
        return NB_ERR_LIMIT;
    }
    s->evidence = e;
    s->loops = nb_affinity_best();
    NB_TRY_NEW(s->prototypes, classes * d);
    NB_TRY_NEW(s->reference, classes);
    NB_TRY_NEW(s->row, d);
    s->cosines =
        nb_alloc_aligned((size_t)NB_AFFINITY_TEXTS * (classes < CLASSES ? classes : CLASSES), sizeof *s->cosines, err);
    NB_TRY(s->cosines ? NB_OK : NB_ERR_LIMIT);
    NB_TRY(nb_inter_modal_create(&s->exact, e->labels, e->prototypes, classes, d, err));
    for (size_t i = 0; i < classes * d; i++) {
        s->prototypes[i] = (float)e->prototypes[i];
    }
    for (size_t c = 0; c < classes; c++) {
        s->reference[c] = (float)s->exact.reference[c];
    }
done:
    return status;
}

/* Sums and smallest of the gaps a_c - cos(u, p_c) of a tile's texts. */
static void interneg_gaps(nb_interneg *s, const nb_text_tile *t)
{
    const nb_evidence *e = s->evidence;
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
}

nb_status nb_interneg_tile(nb_interneg *s, const nb_text_tile *t, double *margins, uint8_t *rejected, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    double slack = nb_affinity_slack(e->d);
    nb_status status = NB_OK;
    interneg_gaps(s, t);
    for (size_t i = 0; rejected && i < t->count; i++) {
        bool over = (double)s->least[i] <= 0;
        if (fabs((double)s->least[i]) <= slack) { /* single precision cannot tell */
            NB_TRY(nb_store_rows(e->candidates->store, t->begin + i, 1, s->row, err));
            nb_inter_modal_margin(&s->exact, s->row, &over);
        }
        rejected[i] = over;
    }
    for (size_t i = 0; margins && i < t->count; i++) {
        margins[i] = s->sum[i] / (double)e->label_count;
    }
done:
    return status;
}

void nb_interneg_exact(nb_interneg *s, const double *rows, size_t count, double *margins)
{
    bool over;
    for (size_t i = 0; i < count; i++) {
        margins[i] = nb_inter_modal_margin(&s->exact, rows + i * s->evidence->d, &over);
    }
}

void nb_interneg_cost(nb_mining_cost *cost, const nb_mining_size *size)
{
    nb_mining_cost_labels(cost, size);
}

static void interneg_rule_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    (void)parameters;
    nb_interneg_cost(cost, size);
}

static nb_status interneg_rule_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    nb_interneg *rule = NULL;
    (void)parameters;
    nb_status status = nb_interneg_open(&rule, e, err);
    *out = rule;
    return status;
}

static void interneg_rule_close(void *state)
{
    nb_interneg_close(state);
}

static nb_status interneg_rule_tile(void *state, const nb_text_tile *t, uint8_t *rejected, nb_error *err)
{
    return nb_interneg_tile(state, t, NULL, rejected, err);
}

const nb_rejection nb_rejection_interneg = {.name = "interneg",
                                            .source = "InterNeg, CVPR 2026",
                                            .needs_prototypes = true,
                                            .cost = interneg_rule_cost,
                                            .open = interneg_rule_open,
                                            .close = interneg_rule_close,
                                            .tile = interneg_rule_tile};
