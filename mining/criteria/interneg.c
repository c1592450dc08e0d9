/* InterNeg (CVPR 2026), the inter-modal criterion: a label's own name scores a_c = cos(q_c, p_c) on its images; the
 * margin of a candidate is how far below that it stays, on average over the classes. Also its rejection rule. */
#include "common/linear/blas.h"
#include "common/linear/kernels.h"
#include "mining/criteria/criterion.h"

#include <stdlib.h>

typedef struct state {
    const nb_evidence *evidence;
    double *margin;    /* [N] or NULL */
    uint8_t *rejected; /* [N] or NULL */
    double *reference; /* [C] a_c */
    double *cosines;   /* [NB_AFFINITY_TEXTS, C] */
} state;

static nb_status visit(void *opaque, size_t begin, size_t count, const double *rows, nb_error *err)
{
    state *s = opaque;
    const nb_evidence *e = s->evidence;
    size_t classes = e->label_count;
    (void)err;
    nb_dgemm_nt(count, classes, e->d, 1.0, rows, e->d, e->prototypes, e->d, s->cosines, classes);
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        uint8_t over = 0;
        for (size_t c = 0; c < classes; c++) {
            double gap = s->reference[c] - s->cosines[i * classes + c];
            sum += gap;
            over |= gap <= 0;
        }
        if (s->margin) {
            s->margin[begin + i] = sum / (double)classes;
        }
        if (s->rejected) {
            s->rejected[begin + i] = over;
        }
    }
    return NB_OK;
}

static nb_status run(const nb_evidence *e, double *margin, uint8_t *rejected, nb_error *err)
{
    state s = {.evidence = e, .margin = margin, .rejected = rejected};
    nb_status status;
    NB_TRY_NEW(s.reference, e->label_count);
    NB_TRY_NEW(s.cosines, NB_AFFINITY_TEXTS * e->label_count);
    for (size_t c = 0; c < e->label_count; c++) {
        s.reference[c] = nb_dot(e->labels + c * e->d, e->prototypes + c * e->d, e->d);
    }
    NB_TRY(nb_visit_texts(e, true, visit, &s, err));
done:
    free(s.reference);
    free(s.cosines);
    return status;
}

nb_status nb_reject_interneg(const nb_evidence *e, uint8_t *rejected, nb_error *err)
{
    /* bytes padded to whole words, for the union over the ranks */
    size_t n = (size_t)e->texts->plan.count, words = (n + 7) / 8;
    uint8_t *flags = nb_alloc(words, 8, err);
    nb_status status = flags ? run(e, NULL, flags, err) : NB_ERR_LIMIT;
    status = nb_team_agree(e->team, status, err);
    if (status == NB_OK) {
        status = nb_team_unite(e->team, flags, words, err);
    }
    for (size_t u = 0; status == NB_OK && u < n; u++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): all ranks agreed that they have memory */
        rejected[u] = flags[u];
    }
    free(flags);
    return status;
}

static nb_status compute(const nb_evidence *e, double *const *values, nb_error *err)
{
    return run(e, values[0], NULL, err);
}

static const char *const columns[] = {"margin"};
const nb_criterion nb_criterion_interneg = {.name = "interneg",
                                            .columns = columns,
                                            .column_count = 1,
                                            .needs_prototypes = true,
                                            .rejects = true,
                                            .count = 2000,
                                            .compute = compute};
