/* The debiased criterion: how much of the wild images a candidate explains that the ID images do not.
 *
 * Wild images are a mixture, P_wild = tau P_neg + (1 - tau) P_id. The responsibility of candidate u for image x, all
 * candidates and the ID label texts competing, is
 *   r_u(x) = exp(cos(e(u), f(x)) / T) / (sum_v exp(cos(e(v), f(x)) / T) + sum_c exp(cos(q_c, f(x)) / T)),
 * its means over the wild and the ID images are A_wild and A_id, and the activation under the true negatives is
 *   A(u) = (A_wild(u) - (1 - tau) A_id(u)) / tau.
 *
 * Two passes over the affinities, neither of which is ever kept. The first adds up every image's partition sum: a text
 * tile's part of it is one number, and the numbers of all tiles on all ranks are added in a form that does not depend
 * on their order (common/linear/exact/exact_sum.h). The second turns affinities into responsibilities and sums them
 * over the images, tile by tile in order. Images are read from their store a tile at a time. */
#include "common/linear/blas.h"
#include "common/linear/exact/exact_sum.h"
#include "common/linear/simd/affinity.h"
#include "common/linear/simd/vector.h"
#include "mining/affinity/sweep.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>

typedef struct settings {
    double tau;         /* share of true negatives among the wild images */
    double temperature; /* of the responsibilities */
} settings;

/* One image set. */
typedef struct image_set {
    nb_store *store;
    size_t count;
    nb_exact_sum *partition; /* [count], of this rank's texts, then of all */
    float *shift;            /* [count] T times the logarithm of the partition sum */
} image_set;

typedef struct state {
    const nb_evidence *evidence;
    const settings *set;
    const nb_affinity *loops;
    image_set sets[2]; /* wild, ID */
    float *images;     /* [NB_AFFINITY_IMAGES, d] */
    float *cosines;    /* [NB_AFFINITY_TEXTS, NB_AFFINITY_IMAGES] or transposed */
} state;

static void debiased_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        for (size_t i = 0; i < 2; i++) {
            free(s->sets[i].partition);
            free(s->sets[i].shift);
        }
        free(s->images);
        free(s->cosines);
        free(s);
    }
}

static size_t debiased_images_of(const image_set *set, size_t begin)
{
    return set->count - begin < NB_AFFINITY_IMAGES ? set->count - begin : NB_AFFINITY_IMAGES;
}

/* Adds texts [count, d] to the partition sums of a set; those with a reason do not compete (reasons may be NULL). */
static nb_status debiased_add_partition(state *s, image_set *set, const float *texts, const uint8_t *reasons,
                                        size_t count, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    const nb_vector *vector = nb_vector_best();
    double inverse = 1 / s->set->temperature;
    nb_status status = NB_OK;
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = debiased_images_of(set, x);
        NB_TRY(nb_unit_rows(set->store, x, images, s->images, err));
        nb_sgemm_nt(nb_matrix_of(s->images, images, e->d), nb_matrix_of(texts, count, e->d), 0, s->cosines, count);
        for (size_t k = 0; reasons && k < count; k++) {
            for (size_t i = 0; reasons[k] != NB_ACCEPTED && i < images; i++) {
                s->cosines[i * count + k] = -INFINITY;
            }
        }
        for (size_t i = 0; i < images; i++) {
            float top;
            double sum;
            vector->sum_exp(s->cosines + i * count, count, (float)inverse, &top, &sum);
            if (top > -INFINITY) {
                nb_exact_add(&set->partition[x + i], sum, (double)top * inverse);
            }
        }
    }
done:
    return status;
}

/* The label texts compete too; rank 0 adds them. */
static nb_status debiased_add_labels(state *s, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    float *labels = NULL;
    nb_status status;
    NB_TRY_NEW(labels, e->label_count * e->d);
    for (size_t i = 0; i < e->label_count * e->d; i++) {
        labels[i] = (float)e->labels[i];
    }
    for (size_t c = 0; c < e->label_count; c += NB_AFFINITY_TEXTS) {
        size_t count = e->label_count - c < NB_AFFINITY_TEXTS ? e->label_count - c : NB_AFFINITY_TEXTS;
        for (size_t i = 0; i < 2; i++) {
            NB_TRY(debiased_add_partition(s, &s->sets[i], labels + c * e->d, NULL, count, err));
        }
    }
done:
    free(labels);
    return status;
}

static nb_status debiased_add_tile(void *opaque, size_t number, bool *kept, nb_error *err)
{
    state *s = opaque;
    nb_text_tile tile;
    nb_status status;
    (void)kept;
    NB_TRY(nb_candidates_load(s->evidence->candidates, number, &tile, err));
    for (size_t i = 0; i < 2; i++) {
        NB_TRY(debiased_add_partition(s, &s->sets[i], tile.rows, tile.reasons, tile.count, err));
    }
done:
    return status;
}

/* Collective. Brings the sums of all ranks together. */
static nb_status debiased_all_reduce(state *s, image_set *set, nb_error *err)
{
    const nb_comm *comm = s->evidence->comm;
    uint64_t *words = NULL;
    int64_t *tops = NULL;
    nb_status status;
    NB_TRY_NEW(words, set->count * NB_EXACT_DIGITS);
    NB_TRY_NEW(tops, set->count);
done:
    status = nb_comm_agree(comm, words && tops ? NB_OK : NB_ERR_LIMIT, err);
    for (size_t x = 0; status == NB_OK && x < set->count; x++) {
        tops[x] = nb_exact_is_empty(&set->partition[x]) ? INT64_MIN : set->partition[x].top;
    }
    if (status == NB_OK) {
        status = nb_comm_max(comm, tops, set->count, err);
    }
    for (size_t x = 0; status == NB_OK && x < set->count; x++) {
        nb_exact_raise(&set->partition[x], tops[x]);
        for (size_t k = 0; k < NB_EXACT_DIGITS; k++) {
            words[x * NB_EXACT_DIGITS + k] = (uint64_t)set->partition[x].digit[k];
        }
    }
    if (status == NB_OK) {
        status = nb_comm_sum(comm, words, set->count * NB_EXACT_DIGITS, err);
    }
    for (size_t x = 0; status == NB_OK && x < set->count; x++) {
        nb_exact_sum sum = {.top = tops[x]};
        for (size_t k = 0; k < NB_EXACT_DIGITS; k++) {
            sum.digit[k] = (int64_t)words[x * NB_EXACT_DIGITS + k];
        }
        set->shift[x] = (float)(s->set->temperature * nb_exact_log(&sum));
    }
    free(words);
    free(tops);
    return status;
}

static nb_status debiased_prepare(state *s, const nb_evidence *e, nb_error *err)
{
    nb_status status = NB_OK;
    s->sets[0].store = e->wild_images;
    s->sets[1].store = e->id_images;
    for (size_t i = 0; i < 2; i++) {
        s->sets[i].count = (size_t)s->sets[i].store->plan.count;
        NB_TRY_NEW(s->sets[i].partition, s->sets[i].count);
        NB_TRY_NEW(s->sets[i].shift, s->sets[i].count);
    }
    s->images = nb_alloc_aligned(NB_AFFINITY_IMAGES * e->d, sizeof *s->images, err);
    s->cosines = nb_alloc_aligned((size_t)NB_AFFINITY_IMAGES * NB_AFFINITY_TEXTS, sizeof *s->cosines, err);
    status = s->images && s->cosines ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

static nb_status debiased_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    state *s = nb_alloc(1, sizeof *s, err);
    nb_status status = s ? NB_OK : NB_ERR_LIMIT;
    double begin = nb_clock();
    *out = s;
    if (s) {
        s->evidence = e;
        s->set = parameters;
        s->loops = nb_affinity_best();
        status = debiased_prepare(s, e, err);
    }
    NB_TRY(nb_comm_agree(e->comm, status, err));
    NB_TRY(nb_candidates_sweep(e->candidates, e->log, "candidates in partition sums", debiased_add_tile, s, err));
    NB_TRY(nb_comm_agree(e->comm, e->comm->rank == 0 ? debiased_add_labels(s, err) : NB_OK, err));
    for (size_t i = 0; i < 2; i++) {
        NB_TRY(debiased_all_reduce(s, &s->sets[i], err));
    }
    nb_say_pass(e, "partition sums, all ranks", (double)e->candidates->count,
                (double)(s->sets[0].count + s->sets[1].count), nb_clock() - begin);
done:
    return status;
}

static nb_status debiased_add_responsibility(state *s, const image_set *set, const nb_text_tile *t, double *mean,
                                             nb_error *err)
{
    const nb_evidence *e = s->evidence;
    float inverse = (float)(1 / s->set->temperature);
    nb_status status = NB_OK;
    for (size_t i = 0; i < t->count; i++) {
        mean[i] = 0;
    }
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = debiased_images_of(set, x);
        NB_TRY(nb_unit_rows(set->store, x, images, s->images, err));
        nb_sgemm_nt(nb_matrix_of(t->rows, t->count, e->d), nb_matrix_of(s->images, images, e->d), 0, s->cosines,
                    images);
        for (size_t i = 0; i < t->count; i++) {
            mean[i] += s->loops->exp_sum_each(s->cosines + i * images, set->shift + x, images, inverse);
        }
    }
    for (size_t i = 0; i < t->count; i++) {
        mean[i] /= (double)set->count;
    }
done:
    return status;
}

static nb_status debiased_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    double tau = s->set->tau;
    nb_status status = NB_OK;
    for (size_t i = 0; i < 2; i++) {
        NB_TRY(debiased_add_responsibility(s, &s->sets[i], t, values[i], err));
    }
    for (size_t i = 0; i < t->count; i++) {
        values[2][i] = (values[0][i] - (1 - tau) * values[1][i]) / tau;
    }
done:
    return status;
}

static void debiased_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    double images = size->wild_images + size->id_images;
    (void)parameters;
    cost->products += 2 * 2 * size->candidates * images * size->width; /* partition sums, then activations */
    cost->memory +=
        images * (double)(sizeof(nb_exact_sum) * 2 + 4) + 4.0 * NB_AFFINITY_IMAGES * (NB_AFFINITY_TEXTS + size->width);
}

static const char *const columns[] = {"activation_wild", "activation_id", "activation"};
static const nb_option parameters[] = {
    OPT_REAL("tau", tau, "TAU", "0.5", 1e-6, 1, "debiased: share of true negatives among the wild images"),
    OPT_REAL("affinity-temperature", temperature, "T", "0.05", 1e-4, 1e4,
             "debiased: temperature of the responsibilities"),
};
const nb_criterion nb_criterion_debiased = {.name = "debiased",
                                            .source = "this program",
                                            .columns = columns,
                                            .column_count = 3,
                                            .needs_prototypes = true,
                                            .needs_wild = true,
                                            .without_wild = &nb_criterion_dnm,
                                            .rejection = &nb_rejection_interneg,
                                            .count = 1000,
                                            .parameters = NB_METHOD_PARAMETERS(parameters),
                                            .cost = debiased_cost,
                                            .open = debiased_open,
                                            .close = debiased_close,
                                            .tile = debiased_tile};
