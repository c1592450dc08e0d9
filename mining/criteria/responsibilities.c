#include "mining/criteria/responsibilities.h"

#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/linear/simd/affinity.h"
#include "common/linear/simd/vector.h"
#include "mining/affinity/sweep.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t nb_image_set_tile(const nb_image_set *set, size_t begin)
{
    return set->count - begin < NB_AFFINITY_IMAGES ? set->count - begin : NB_AFFINITY_IMAGES;
}

void nb_responsibilities_close(nb_responsibilities *r)
{
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        nb_image_set *set = &r->sets[i];
        free(set->partition);
        free(set->log_partition);
        free(set->label_share);
        free(set->log_weight);
        free(set->shift);
    }
    free(r->mean);
    free(r->texts);
    free(r->images);
    free(r->cosines);
    free(r->sums);
    *r = (nb_responsibilities){0};
}

static nb_status responsibilities_load_images(nb_responsibilities *r, const nb_image_set *set, size_t begin,
                                              nb_error *err)
{
    size_t count = nb_image_set_tile(set, begin);
    return r->precise ? nb_store_rows(set->store, begin, count, r->images, err)
                      : nb_unit_rows(set->store, begin, count, r->images, err);
}

nb_status nb_responsibilities_load(nb_responsibilities *r, const nb_text_tile *t, nb_error *err)
{
    return r->precise ? nb_store_rows(r->evidence->candidates->store, t->begin, t->count, r->texts, err) : NB_OK;
}

/* Takes texts that do not compete out of cosines [images, texts]. */
static void responsibilities_take_out(float *cosines, size_t images, const nb_text_tile *t)
{
    for (size_t k = 0; k < t->count; k++) {
        for (size_t i = 0; t->reasons[k] != NB_ACCEPTED && i < images; i++) {
            cosines[i * t->count + k] = -INFINITY;
        }
    }
}

/* Adds the texts that compete to one image's partition sum; cosines in single precision, -INFINITY for the others. */
static void responsibilities_add_single(const nb_responsibilities *r, nb_exact_sum *sum, const float *cosines,
                                        const nb_text_tile *t)
{
    double inverse = 1 / r->temperature, part;
    float top;
    nb_vector_best()->sum_exp(cosines, t->count, (float)inverse, &top, &part);
    if (top > -INFINITY) {
        nb_exact_add(sum, part, (double)top * inverse);
    }
}

static void responsibilities_add_double(const nb_responsibilities *r, nb_exact_sum *sum, const double *cosines,
                                        const nb_text_tile *t)
{
    double inverse = 1 / r->temperature, top = -INFINITY, part = 0;
    for (size_t k = 0; k < t->count; k++) {
        top = t->reasons[k] == NB_ACCEPTED ? fmax(top, cosines[k]) : top;
    }
    for (size_t k = 0; k < t->count; k++) {
        part += t->reasons[k] == NB_ACCEPTED ? exp((cosines[k] - top) * inverse) : 0;
    }
    nb_exact_add(sum, part, top * inverse);
}

static nb_status responsibilities_add_partition(nb_responsibilities *r, nb_image_set *set, const nb_text_tile *t,
                                                nb_error *err)
{
    size_t d = r->evidence->d;
    nb_status status = NB_OK;
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = nb_image_set_tile(set, x);
        NB_TRY(responsibilities_load_images(r, set, x, err));
        if (r->precise) {
            nb_dgemm_nt(1, nb_double_matrix_of(r->images, images, d), nb_double_matrix_of(r->texts, t->count, d),
                        r->cosines, t->count);
        } else {
            nb_sgemm_nt(nb_matrix_of(r->images, images, d), nb_matrix_of(t->rows, t->count, d), 0, r->cosines,
                        t->count);
            responsibilities_take_out(r->cosines, images, t);
        }
        for (size_t i = 0; i < images; i++) {
            if (r->precise) {
                responsibilities_add_double(r, &set->partition[x + i], (double *)r->cosines + i * t->count, t);
            } else {
                responsibilities_add_single(r, &set->partition[x + i], (float *)r->cosines + i * t->count, t);
            }
        }
    }
done:
    return status;
}

/* row[d] += text i of the tile. */
static void responsibilities_add_text(const nb_responsibilities *r, const nb_text_tile *t, size_t i, double *row)
{
    size_t d = r->evidence->d;
    const double *precise = r->precise ? (const double *)r->texts + i * d : NULL;
    const float *single = t->rows + i * d;
    for (size_t k = 0; k < d; k++) {
        row[k] += precise ? precise[k] : (double)single[k];
    }
}

/* Adds the accepted candidates of a tile to the parts of the mean. */
static void responsibilities_add_mean(nb_responsibilities *r, const nb_text_tile *t)
{
    size_t d = r->evidence->d;
    memset(r->mean, 0, d * sizeof *r->mean); /* not known before the end */
    for (size_t i = 0; i < t->count; i++) {
        if (t->reasons[i] == NB_ACCEPTED) {
            responsibilities_add_text(r, t, i, r->mean);
            r->accepted++;
        }
    }
    for (size_t k = 0; k < d; k++) {
        nb_exact_add(&r->sums[r->mean[k] > 0 ? k : d + k], fabs(r->mean[k]), 0);
    }
}

void nb_responsibilities_central(const nb_responsibilities *r, const nb_text_tile *t, double *out)
{
    enum { LANES = 8 };
    size_t d = r->evidence->d;
    for (size_t i = 0; i < t->count; i++) {
        const float *single = t->rows + i * d;
        double part[LANES] = {0};
        for (size_t k = 0; k < d && !r->precise; k++) {
            part[k % LANES] += (double)single[k] * r->mean[k];
        }
        for (size_t l = 1; l < LANES; l++) {
            part[0] += part[l];
        }
        out[i] = r->precise ? nb_dot((const double *)r->texts + i * d, r->mean, d) : part[0];
    }
}

static nb_status responsibilities_add_tile(void *opaque, size_t number, bool *kept, nb_error *err)
{
    nb_responsibilities *r = opaque;
    nb_text_tile tile;
    nb_status status;
    (void)kept;
    NB_TRY(nb_candidates_load(r->evidence->candidates, number, &tile, err));
    NB_TRY(nb_responsibilities_load(r, &tile, err));
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        NB_TRY(responsibilities_add_partition(r, &r->sets[i], &tile, err));
    }
    responsibilities_add_mean(r, &tile);
done:
    return status;
}

/* Collective. Adds the sums [count] of all ranks; every rank gets them. */
static nb_status responsibilities_add_ranks(const nb_comm *comm, nb_exact_sum *sums, size_t count, nb_error *err)
{
    uint64_t *words = NULL;
    int64_t *tops = NULL;
    nb_status status;
    NB_TRY_NEW(words, count * NB_EXACT_DIGITS);
    NB_TRY_NEW(tops, count);
done:
    status = nb_comm_agree(comm, words && tops ? NB_OK : NB_ERR_LIMIT, err);
    for (size_t x = 0; status == NB_OK && x < count; x++) {
        tops[x] = nb_exact_is_empty(&sums[x]) ? INT64_MIN : sums[x].top;
    }
    if (status == NB_OK) {
        status = nb_comm_max(comm, tops, count, err);
    }
    for (size_t x = 0; status == NB_OK && x < count; x++) {
        nb_exact_raise(&sums[x], tops[x]);
        for (size_t k = 0; k < NB_EXACT_DIGITS; k++) {
            words[x * NB_EXACT_DIGITS + k] = (uint64_t)sums[x].digit[k];
        }
    }
    if (status == NB_OK) {
        status = nb_comm_sum(comm, words, count * NB_EXACT_DIGITS, err);
    }
    for (size_t x = 0; status == NB_OK && x < count; x++) {
        sums[x].top = tops[x];
        for (size_t k = 0; k < NB_EXACT_DIGITS; k++) {
            sums[x].digit[k] = (int64_t)words[x * NB_EXACT_DIGITS + k];
        }
    }
    free(words);
    free(tops);
    return status;
}

/* ln sum_c exp(cos(q_c, x) / T) of this rank's tiles of a set into label_share, which is 0 elsewhere. */
static nb_status responsibilities_label_tiles(const nb_responsibilities *r, nb_image_set *set, nb_error *err)
{
    const nb_evidence *e = r->evidence;
    double *images, *logits = NULL;
    nb_status status;
    NB_TRY_NEW(images, NB_AFFINITY_IMAGES * e->d);
    NB_TRY_NEW(logits, NB_AFFINITY_IMAGES * e->label_count);
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t count = nb_image_set_tile(set, x);
        if (!nb_comm_owns(e->comm, x / NB_AFFINITY_IMAGES)) {
            continue;
        }
        NB_TRY(nb_store_rows(set->store, x, count, images, err));
        nb_dgemm_nt(1 / r->temperature, nb_double_matrix_of(images, count, e->d),
                    nb_double_matrix_of(e->labels, e->label_count, e->d), logits, e->label_count);
        for (size_t i = 0; i < count; i++) {
            set->label_share[x + i] = nb_log_sum_exp(logits + i * e->label_count, e->label_count);
        }
    }
done:
    free(images);
    free(logits);
    return status;
}

/* Collective. Finishes a set: the labels compete too. */
static nb_status responsibilities_end_set(const nb_responsibilities *r, nb_image_set *set, nb_error *err)
{
    const nb_comm *comm = r->evidence->comm;
    nb_status status;
    NB_TRY(responsibilities_add_ranks(comm, set->partition, set->count, err));
    NB_TRY(nb_comm_agree(comm, responsibilities_label_tiles(r, set, err), err));
    NB_TRY(nb_comm_sum(comm, (uint64_t *)(void *)set->label_share, set->count, err)); /* one of them is not 0 */
    for (size_t x = 0; x < set->count; x++) {
        double candidates = nb_exact_log(&set->partition[x]), labels = set->label_share[x];
        double top = fmax(candidates, labels);
        set->log_partition[x] = top + log(exp(candidates - top) + exp(labels - top));
        set->label_share[x] = exp(labels - set->log_partition[x]);
    }
    free(set->partition);
    set->partition = NULL;
done:
    return status;
}

/* Collective. */
static nb_status responsibilities_end_mean(nb_responsibilities *r, nb_error *err)
{
    const nb_comm *comm = r->evidence->comm;
    size_t d = r->evidence->d;
    uint64_t accepted = r->accepted;
    nb_status status;
    NB_TRY(responsibilities_add_ranks(comm, r->sums, 2 * d, err));
    NB_TRY(nb_comm_sum(comm, &accepted, 1, err));
    r->accepted = (size_t)accepted;
    for (size_t k = 0; k < d; k++) {
        double above = exp(nb_exact_log(&r->sums[k])), below = exp(nb_exact_log(&r->sums[d + k]));
        r->mean[k] = accepted ? (above - below) / (double)accepted : 0;
    }
done:
    return status;
}

static nb_status responsibilities_prepare(nb_responsibilities *r, nb_error *err)
{
    const nb_evidence *e = r->evidence;
    size_t number = r->precise ? sizeof(double) : sizeof(float);
    nb_status status;
    NB_TRY_NEW(r->mean, e->d);
    NB_TRY_NEW(r->sums, 2 * e->d);
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        NB_TRY_NEW(r->sets[i].partition, r->sets[i].count + 1);
        NB_TRY_NEW(r->sets[i].log_partition, r->sets[i].count + 1);
        NB_TRY_NEW(r->sets[i].label_share, r->sets[i].count + 1);
    }
    r->texts = r->precise ? nb_alloc_aligned(NB_AFFINITY_TEXTS * e->d, number, err) : NULL;
    r->images = nb_alloc_aligned(NB_AFFINITY_IMAGES * e->d, number, err);
    r->cosines = nb_alloc_aligned((size_t)NB_AFFINITY_IMAGES * NB_AFFINITY_TEXTS, number, err);
    status = r->images && r->cosines && (r->texts || !r->precise) ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

nb_status nb_responsibilities_open(nb_responsibilities *r, const nb_evidence *e, double temperature,
                                   bool may_be_precise, nb_error *err)
{
    nb_store *const stores[NB_IMAGE_SETS] = {[NB_WILD_SET] = e->wild_images, [NB_ID_SET] = e->id_images};
    double begin = nb_clock(), images = 0;
    nb_status status;
    *r = (nb_responsibilities){.evidence = e, .temperature = temperature};
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        r->sets[i].store = stores[i];
        r->sets[i].count = stores[i] ? (size_t)stores[i]->plan.count : 0;
        images += (double)r->sets[i].count;
    }
    r->precise = may_be_precise && (double)e->candidates->count * images <= NB_RESPONSIBILITY_PRECISE;
    NB_TRY(nb_comm_agree(e->comm, responsibilities_prepare(r, err), err));
    NB_TRY(
        nb_candidates_sweep(e->candidates, e->log, "candidates in partition sums", responsibilities_add_tile, r, err));
    for (size_t i = 0; i < NB_IMAGE_SETS; i++) {
        if (r->sets[i].count) {
            NB_TRY(responsibilities_end_set(r, &r->sets[i], err));
        }
    }
    NB_TRY(responsibilities_end_mean(r, err));
    nb_say_pass(e, "partition sums, all ranks", (double)e->candidates->count, images, nb_clock() - begin);
done:
    return status;
}

/* The shifts of a set, made at the first sum. */
static nb_status responsibilities_shift(const nb_responsibilities *r, nb_image_set *set, nb_error *err)
{
    nb_status status = NB_OK;
    if (!set->shift) {
        NB_TRY_NEW(set->shift, set->count);
        for (size_t x = 0; x < set->count; x++) {
            set->shift[x] =
                (float)(r->temperature * (set->log_partition[x] - (set->log_weight ? set->log_weight[x] : 0)));
        }
    }
done:
    return status;
}

/* Adds the responsibilities of one candidate for images [x, x + count) of a set, in double. */
static void responsibilities_add_terms(const nb_responsibilities *r, const nb_image_set *set, size_t x, size_t count,
                                       const double *cosines, double sums[2])
{
    double inverse = 1 / r->temperature;
    for (size_t i = 0; i < count; i++) {
        double weight = set->log_weight ? set->log_weight[x + i] : 0;
        double term = exp(cosines[i] * inverse - set->log_partition[x + i] + weight);
        sums[0] += term;
        sums[1] += term * term;
    }
}

nb_status nb_responsibilities_sum(nb_responsibilities *r, const nb_image_set *of, const nb_text_tile *t, double *sums,
                                  double *squares, nb_error *err)
{
    nb_image_set *set = &r->sets[of - r->sets];
    const nb_affinity *loops = nb_affinity_best();
    size_t d = r->evidence->d;
    float inverse = (float)(1 / r->temperature);
    nb_status status;
    NB_TRY(responsibilities_shift(r, set, err));
    for (size_t i = 0; i < t->count; i++) {
        sums[i] = 0;
        *(squares ? &squares[i] : &sums[i]) = 0;
    }
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = nb_image_set_tile(set, x);
        NB_TRY(responsibilities_load_images(r, set, x, err));
        if (r->precise) {
            nb_dgemm_nt(1, nb_double_matrix_of(r->texts, t->count, d), nb_double_matrix_of(r->images, images, d),
                        r->cosines, images);
        } else {
            nb_sgemm_nt(nb_matrix_of(t->rows, t->count, d), nb_matrix_of(r->images, images, d), 0, r->cosines, images);
        }
        for (size_t i = 0; i < t->count; i++) {
            double part[2] = {0, 0};
            if (r->precise) {
                responsibilities_add_terms(r, set, x, images, (const double *)r->cosines + i * images, part);
            } else if (squares) {
                part[0] = loops->exp_sums_each((const float *)r->cosines + i * images, set->shift + x, images, inverse,
                                               &part[1]);
            } else {
                part[0] = loops->exp_sum_each((const float *)r->cosines + i * images, set->shift + x, images, inverse);
            }
            sums[i] += part[0];
            if (squares) {
                squares[i] += part[1];
            }
        }
    }
done:
    return status;
}

void nb_responsibilities_cost(nb_mining_cost *cost, const nb_mining_size *size)
{
    double images = size->wild_images + size->id_images;
    cost->products += 2 * 2 * size->candidates * images * size->width; /* partition sums, then responsibilities */
    cost->memory +=
        images * (double)(sizeof(nb_exact_sum) * 2 + 4) + 4.0 * NB_AFFINITY_IMAGES * (NB_AFFINITY_TEXTS + size->width);
}
