/* NegLabel (Jiang et al., ICLR 2024): candidates far from all labels; the 0.95-quantile of the cosines to them. */
#include "common/linear/blas.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>

typedef struct state {
    const nb_evidence *evidence;
    double *out;
    double *cosines; /* [NB_AFFINITY_TEXTS, C] */
} state;

/* The q-quantile by linear interpolation between order statistics (NumPy's default). Sorts x. */
static double quantile(double *x, size_t n, double q)
{
    qsort(x, n, sizeof *x, nb_ascending);
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    double part = at - (double)low;
    return low + 1 < n ? x[low] + (x[low + 1] - x[low]) * part : x[n - 1];
}

static nb_status visit(void *opaque, size_t begin, size_t count, const double *rows, nb_error *err)
{
    state *s = opaque;
    const nb_evidence *e = s->evidence;
    (void)err;
    nb_dgemm_nt(count, e->label_count, e->d, 1.0, rows, e->d, e->labels, e->d, s->cosines, e->label_count);
    for (size_t i = 0; i < count; i++) {
        s->out[begin + i] = quantile(s->cosines + i * e->label_count, e->label_count, e->quantile);
    }
    return NB_OK;
}

static nb_status compute(const nb_evidence *e, double *const *values, nb_error *err)
{
    state s = {.evidence = e, .out = values[0]};
    nb_status status;
    NB_TRY_NEW(s.cosines, NB_AFFINITY_TEXTS * e->label_count);
    NB_TRY(nb_visit_texts(e, true, visit, &s, err));
done:
    free(s.cosines);
    return status;
}

static const char *const columns[] = {"quantile"};
const nb_criterion nb_criterion_neglabel = {.name = "neglabel",
                                            .columns = columns,
                                            .column_count = 1,
                                            .smallest = true,
                                            .fraction = {0.15, 0.15, 0.15},
                                            .compute = compute};
