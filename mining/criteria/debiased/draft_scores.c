#include "mining/criteria/debiased/draft_scores.h"

#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/linear/simd/vector.h"

#include <math.h>
#include <stdlib.h>

/* The similarities to a negative that are added up: to its text; to its text and its imputed proxy; to its text and its
 * measured proxy. */
enum { TEXT, IMPUTED, MEASURED, KINDS };

/* ln of a sum of exponentials that grows; top -INFINITY: empty. */
typedef struct log_sum {
    double top, sum;
} log_sum;

/* Rows that images are multiplied with: similarity + offset is what is summed. */
typedef struct block {
    float *rows;    /* [NB_DRAFT_BLOCK, d] */
    float *offsets; /* [NB_DRAFT_BLOCK] T ln weight */
    size_t count;
} block;

typedef struct pass {
    const nb_bank_draft *draft;
    const nb_evidence *evidence;
    size_t d, classes, measured;   /* measured: proxies of the negatives before the block */
    log_sum *sums[NB_IMAGE_SETS];  /* [images, KINDS] */
    double *labels[NB_IMAGE_SETS]; /* [images, 2] ln sum_c exp <q_c, f>/T and exp <q_c + p_c, f>/T */
    double *texts, *places;        /* [NB_DRAFT_BLOCK, d] the block's texts and their imputed proxies */
    block blocks[KINDS];
    double *images;       /* [NB_AFFINITY_IMAGES, d] */
    float *image_rows;    /* the same as floats */
    float *cosines;       /* [NB_AFFINITY_IMAGES, NB_DRAFT_BLOCK] */
    double *label_logits; /* [2][NB_AFFINITY_IMAGES, classes] */
    double *class_norms;  /* [classes] length of the sum of a class's images */
} pass;

static void draft_free(pass *p)
{
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        free(p->sums[i]);
        free(p->labels[i]);
    }
    for (size_t k = 0; k < KINDS; k++) {
        free(p->blocks[k].rows);
        free(p->blocks[k].offsets);
    }
    free(p->texts);
    free(p->places);
    free(p->images);
    free(p->image_rows);
    free(p->cosines);
    free(p->label_logits);
    free(p->class_norms);
}

static nb_status draft_prepare(pass *p, nb_error *err)
{
    size_t d = p->d;
    nb_status status;
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        size_t count = p->draft->responsibilities->sets[i].count + 1; /* there may be none */
        NB_TRY_NEW(p->sums[i], count * KINDS);
        NB_TRY_NEW(p->labels[i], count * 2);
        for (size_t k = 0; k < count * KINDS; k++) {
            p->sums[i][k].top = -INFINITY;
        }
    }
    for (size_t k = 0; k < KINDS; k++) {
        NB_TRY_NEW(p->blocks[k].rows, NB_DRAFT_BLOCK * d);
        NB_TRY_NEW(p->blocks[k].offsets, NB_DRAFT_BLOCK);
    }
    NB_TRY_NEW(p->texts, NB_DRAFT_BLOCK * d);
    NB_TRY_NEW(p->places, NB_DRAFT_BLOCK * d);
    NB_TRY_NEW(p->images, NB_AFFINITY_IMAGES * d);
    NB_TRY_NEW(p->image_rows, NB_AFFINITY_IMAGES * d);
    NB_TRY_NEW(p->cosines, (size_t)NB_AFFINITY_IMAGES * NB_DRAFT_BLOCK);
    NB_TRY_NEW(p->label_logits, 2 * NB_AFFINITY_IMAGES * p->classes);
    NB_TRY_NEW(p->class_norms, p->classes);
done:
    return status;
}

/* Visits the tiles of a set, all of them or this rank's; the images are loaded. */
typedef void (*tile_visitor)(pass *p, size_t set, size_t begin, size_t count);
static nb_status draft_visit(pass *p, size_t set, bool all, tile_visitor visit, nb_error *err)
{
    const nb_image_set *images = &p->draft->responsibilities->sets[set];
    nb_status status = NB_OK;
    for (size_t x = 0; x < images->count; x += NB_AFFINITY_IMAGES) {
        size_t count = nb_image_set_tile(images, x);
        if (all || nb_comm_owns(p->evidence->comm, x / NB_AFFINITY_IMAGES)) {
            NB_TRY(nb_store_rows(images->store, x, count, p->images, err));
            visit(p, set, x, count);
        }
    }
done:
    return status;
}

/* |sum of a class's images| is the sum of their products with its direction. */
static void draft_add_norms(pass *p, size_t set, size_t begin, size_t count)
{
    const int32_t *labels = p->draft->responsibilities->sets[set].store->labels;
    for (size_t i = 0; i < count; i++) {
        int32_t c = labels[begin + i];
        if (c >= 0) {
            p->class_norms[c] += nb_dot(p->images + i * p->d, p->evidence->prototypes + (size_t)c * p->d, p->d);
        }
    }
}

/* <p_c, x> with image x left out of p_c, of the product with x in it; the product itself where nothing is left. */
static double draft_leave_out(double product, double norm)
{
    double squared = norm * norm - 2 * norm * product + 1;
    return squared > 1e-6 ? (norm * product - 1) / sqrt(squared) : product;
}

static void draft_score_labels(pass *p, size_t set, size_t begin, size_t count)
{
    const nb_evidence *e = p->evidence;
    const int32_t *labels = set == NB_ID_SET ? e->id_images->labels : NULL;
    double inverse = 1 / p->draft->responsibilities->temperature;
    double *texts = p->label_logits, *both = texts + NB_AFFINITY_IMAGES * p->classes;
    nb_dgemm_nt(1, nb_double_matrix_of(p->images, count, p->d), nb_double_matrix_of(e->labels, p->classes, p->d), texts,
                p->classes);
    nb_dgemm_nt(1, nb_double_matrix_of(p->images, count, p->d), nb_double_matrix_of(e->prototypes, p->classes, p->d),
                both, p->classes);
    for (size_t i = 0; i < count; i++) {
        double *q = texts + i * p->classes, *qp = both + i * p->classes;
        if (labels && labels[begin + i] >= 0) {
            size_t own = (size_t)labels[begin + i];
            qp[own] = draft_leave_out(qp[own], p->class_norms[own]);
        }
        for (size_t c = 0; c < p->classes; c++) {
            q[c] *= inverse;
            qp[c] = q[c] + inverse * qp[c];
        }
        p->labels[set][2 * (begin + i)] = nb_log_sum_exp(q, p->classes);
        p->labels[set][2 * (begin + i) + 1] = nb_log_sum_exp(qp, p->classes);
    }
}

static void draft_put_row(block *to, const double *text, const double *place, float offset, size_t d)
{
    float *row = to->rows + to->count * d;
    for (size_t k = 0; k < d; k++) {
        row[k] = (float)(text[k] + (place ? place[k] : 0));
    }
    to->offsets[to->count++] = offset;
}

/* Negatives [begin, begin + count). */
static nb_status draft_load_block(pass *p, size_t begin, size_t count, nb_error *err)
{
    const nb_bank_proxies *proxies = p->draft->proxies;
    nb_store *store = p->evidence->candidates->store;
    double temperature = p->draft->responsibilities->temperature;
    nb_status status = NB_OK;
    for (size_t k = 0; k < KINDS; k++) {
        p->blocks[k].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        NB_TRY(nb_store_rows(store, (size_t)p->draft->ids[begin + i], 1, p->texts + i * p->d, err));
    }
    NB_TRY(nb_bank_impute(proxies, nb_double_matrix_of(p->texts, count, p->d), p->places, err));
    for (size_t i = 0; i < count; i++) {
        const double *text = p->texts + i * p->d;
        float offset = (float)(temperature * proxies->log_prior[begin + i]);
        draft_put_row(&p->blocks[TEXT], text, NULL, offset, p->d);
        draft_put_row(&p->blocks[IMPUTED], text, p->places + i * p->d, offset, p->d);
        if (p->measured < proxies->measured_count && proxies->measured[p->measured] == begin + i) {
            draft_put_row(&p->blocks[MEASURED], text, proxies->measured_rows + p->measured * p->d, 0, p->d);
            p->measured++;
        }
    }
done:
    return status;
}

static void draft_add(log_sum *to, double top, double sum)
{
    if (top > to->top) {
        to->sum = to->sum * exp(to->top - top) + sum;
        to->top = top;
    } else {
        to->sum += sum * exp(top - to->top);
    }
}

/* Adds the block's negatives to the sums of a tile's images. */
static void draft_add_block(pass *p, size_t set, size_t begin, size_t count)
{
    const nb_vector *vector = nb_vector_best();
    double inverse = 1 / p->draft->responsibilities->temperature, sum;
    float top;
    for (size_t k = 0; k < count * p->d; k++) {
        p->image_rows[k] = (float)p->images[k];
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        const block *b = &p->blocks[kind];
        if (!b->count) {
            continue;
        }
        nb_sgemm_nt(nb_matrix_of(p->image_rows, count, p->d), nb_matrix_of(b->rows, b->count, p->d), 0, p->cosines,
                    b->count);
        for (size_t i = 0; i < count; i++) {
            float *row = p->cosines + i * b->count;
            vector->add(row, row, b->offsets, b->count);
            vector->sum_exp(row, b->count, (float)inverse, &top, &sum);
            draft_add(&p->sums[set][(begin + i) * KINDS + kind], (double)top * inverse, sum);
        }
    }
}

static double draft_value(const log_sum *s)
{
    return s->top + log(s->sum);
}

/* Scores of this rank's images by the negatives so far. */
static void draft_score(const pass *p, size_t set, double *scores)
{
    const nb_image_set *images = &p->draft->responsibilities->sets[set];
    for (size_t x = 0; x < images->count; x++) {
        const log_sum *sums = p->sums[set] + x * KINDS;
        if (nb_comm_owns(p->evidence->comm, x / NB_AFFINITY_IMAGES)) {
            const double *labels = p->labels[set] + 2 * x;
            double text = labels[0] - draft_value(&sums[TEXT]), imputed = labels[1] - draft_value(&sums[IMPUTED]);
            double wild = sums[MEASURED].top > -INFINITY ? labels[1] - draft_value(&sums[MEASURED]) : INFINITY;
            scores[x] = imputed + 2 * text + fmin(2 * text, wild);
        }
    }
}

/* This rank's images by all sizes. */
static nb_status draft_run(pass *p, const size_t *sizes, double *const *scores, nb_error *err)
{
    nb_status status;
    NB_TRY(draft_visit(p, NB_ID_SET, true, draft_add_norms, err));
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        NB_TRY(draft_visit(p, set, false, draft_score_labels, err));
    }
    for (size_t at = 0, step = 0; at < p->draft->count; at += NB_DRAFT_BLOCK) {
        size_t left = p->draft->count - at, count = left < NB_DRAFT_BLOCK ? left : NB_DRAFT_BLOCK;
        NB_TRY(draft_load_block(p, at, count, err));
        for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
            NB_TRY(draft_visit(p, set, false, draft_add_block, err));
            if (at + count == sizes[step]) {
                draft_score(p, set, scores[set] + step * p->draft->responsibilities->sets[set].count);
            }
        }
        step += at + count == sizes[step];
    }
done:
    return status;
}

nb_status nb_draft_scores(const nb_bank_draft *draft, const size_t *sizes, size_t size_count, double *const *scores,
                          nb_error *err)
{
    const nb_evidence *e = draft->responsibilities->evidence;
    pass p = {.draft = draft, .evidence = e, .d = e->d, .classes = e->label_count};
    nb_status status;
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        for (size_t k = 0; k < size_count * draft->responsibilities->sets[set].count; k++) {
            scores[set][k] = 0;
        }
    }
    NB_TRY(draft_prepare(&p, err));
    NB_TRY(draft_run(&p, sizes, scores, err));
done:
    status = nb_comm_agree(e->comm, status, err);
    for (size_t set = 0; set < NB_IMAGE_SETS && status == NB_OK; set++) {
        size_t count = size_count * draft->responsibilities->sets[set].count;
        status = count ? nb_comm_sum(e->comm, (uint64_t *)(void *)scores[set], count, err) : NB_OK; /* others have 0 */
    }
    draft_free(&p);
    return status;
}
