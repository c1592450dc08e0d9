/* Debiased Negative Mining (KDD 2026): density of a candidate in the wild corpus, the mean over its k nearest other
 * candidates of ln(distance); the smallest are the densest.
 *
 * distance "sphere": 2 - 2 cos, the candidate itself excluded. "released", as the authors' script has it:
 * |a| + |b| - 2 cos(a, b) with the norms of the unnormalised embeddings, the k + 1 smallest, itself included. */
#include "common/linear/blas.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>

/* Two equal embeddings have distance 0, known to about 1e-15 only; ln needs a floor. */
static const double distance_floor = 1e-12;

/* State of the outer loop over own tiles; the inner one runs over all tiles in order. */
typedef struct state {
    const nb_evidence *evidence;
    double *out;
    size_t keep;     /* distances a row keeps */
    double *cosines; /* [NB_AFFINITY_TEXTS, NB_AFFINITY_TEXTS] */
    double *nearest; /* [NB_AFFINITY_TEXTS, keep], a max-heap a row */
    size_t *held;    /* [NB_AFFINITY_TEXTS] */
    const double *rows;
    size_t begin, count;
} state;

static void sink(double *heap, size_t n, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && heap[child + 1] > heap[child]) {
            child++;
        }
        if (heap[child] <= heap[i]) {
            return;
        }
        double swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
        i = child;
    }
}

static void offer(double *heap, size_t *held, size_t keep, double value)
{
    if (*held < keep) {
        heap[(*held)++] = value;
        for (size_t i = *held / 2; *held == keep && i-- > 0;) { /* full: make it a heap */
            sink(heap, keep, i);
        }
    } else if (value < heap[0]) {
        heap[0] = value;
        sink(heap, keep, 0);
    }
}

static nb_status visit_others(void *opaque, size_t begin, size_t count, const double *rows, nb_error *err)
{
    state *s = opaque;
    const nb_evidence *e = s->evidence;
    const float *norms = e->texts->norms;
    (void)err;
    nb_dgemm_nt(s->count, count, e->d, 1.0, s->rows, e->d, rows, e->d, s->cosines, count);
    for (size_t i = 0; i < s->count; i++) {
        size_t u = s->begin + i;
        for (size_t k = 0; k < count; k++) {
            size_t v = begin + k;
            if (e->ignored[v] || (u == v && !e->released_distance)) {
                continue;
            }
            double cosine = s->cosines[i * count + k];
            double distance = e->released_distance ? (double)norms[u] + (double)norms[v] - 2 * cosine : 2 - 2 * cosine;
            offer(s->nearest + i * s->keep, &s->held[i], s->keep,
                  distance > distance_floor ? distance : distance_floor);
        }
    }
    return NB_OK;
}

static nb_status visit_own(void *opaque, size_t begin, size_t count, const double *rows, nb_error *err)
{
    state *s = opaque;
    s->begin = begin;
    s->count = count;
    s->rows = rows;
    for (size_t i = 0; i < count; i++) {
        s->held[i] = 0;
    }
    nb_status status = nb_visit_texts(s->evidence, false, visit_others, s, err);
    for (size_t i = 0; status == NB_OK && i < count; i++) {
        double *nearest = s->nearest + i * s->keep, sum = 0;
        qsort(nearest, s->held[i], sizeof *nearest, nb_ascending); /* a sum in a fixed order */
        for (size_t k = 0; k < s->held[i]; k++) {
            sum += log(nearest[k]);
        }
        s->out[begin + i] = sum / (double)s->held[i];
    }
    return status;
}

static nb_status compute(const nb_evidence *e, double *const *values, nb_error *err)
{
    state s = {.evidence = e, .out = values[0]};
    size_t n = (size_t)e->texts->plan.count, tile = NB_AFFINITY_TEXTS;
    nb_status status;
    if (n < 2) {
        return nb_fail(err, NB_ERR_INPUT, "density needs at least two candidates, '%s' has %zu", e->texts->path, n);
    }
    s.keep = e->neighbours + (e->released_distance ? 1 : 0);
    s.keep = s.keep < n ? s.keep : n - 1;
    NB_TRY_NEW(s.cosines, tile * tile);
    NB_TRY_NEW(s.nearest, tile * s.keep);
    NB_TRY_NEW(s.held, tile);
    NB_TRY(nb_visit_texts(e, true, visit_own, &s, err));
done:
    free(s.cosines);
    free(s.nearest);
    free(s.held);
    return status;
}

static const char *const columns[] = {"density"};
const nb_criterion nb_criterion_dnm = {.name = "dnm",
                                       .columns = columns,
                                       .column_count = 1,
                                       .smallest = true,
                                       .fraction = {[NB_TAG_NONE] = 0.23, [NB_TAG_NOUN] = 0.23, [NB_TAG_ADJ] = 0.13},
                                       .compute = compute};
