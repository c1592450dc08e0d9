/* The debiased criterion: how much of the wild images a candidate explains that the ID images do not.
 *
 * Wild images are a mixture, P_wild = tau P_neg + (1 - tau) P_id. The responsibility of candidate u for image x, all
 * candidates and the ID label texts competing, is
 *   r_u(x) = exp(cos(e(u), f(x)) / T) / (sum_v exp(cos(e(v), f(x)) / T) + sum_c exp(cos(q_c, f(x)) / T)),
 * its means over the wild and the ID images are A_wild and A_id, and the activation under the true negatives is
 *   A(u) = (A_wild(u) - (1 - tau) A_id(u)) / tau.
 *
 * Two passes over the affinities, neither of which is ever kept: the log partition sum of every image (image tiles
 * dealt to ranks, each running over all text tiles in order), then the responsibilities (text tiles dealt to ranks,
 * each running over all image tiles in order). No floating-point sum crosses ranks, so the bits are those of one. */
#include "common/linear/blas.h"
#include "common/linear/kernels.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One image set; its tiles are numbered behind those of the sets before it. */
typedef struct image_set {
    const double *rows; /* [count, d] */
    size_t count;
    double *partition;  /* [count] ln of the partition sums */
    double *top, *sum;  /* [count] running maximum and sum of the pass */
    double *activation; /* [N] */
} image_set;

typedef struct state {
    const nb_evidence *evidence;
    image_set sets[2]; /* wild, ID */
    double *logits;    /* [NB_AFFINITY_IMAGES, NB_AFFINITY_TEXTS] or transposed */
    bool second;
} state;

static void add(double *top, double *sum, double x)
{
    if (x <= *top) {
        *sum += exp(x - *top);
    } else {
        *sum = *sum * exp(*top - x) + 1;
        *top = x;
    }
}

/* First pass: one text tile against this rank's images of one set. */
static void add_partition(state *s, image_set *set, size_t *tile, const uint8_t *ignored, size_t count,
                          const double *rows)
{
    const nb_evidence *e = s->evidence;
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES, ++*tile) {
        size_t images = set->count - x < NB_AFFINITY_IMAGES ? set->count - x : NB_AFFINITY_IMAGES;
        if (!nb_team_owns(e->team, *tile)) {
            continue;
        }
        nb_dgemm_nt(images, count, e->d, 1 / e->affinity_temperature, set->rows + x * e->d, e->d, rows, e->d, s->logits,
                    count);
        for (size_t i = 0; i < images; i++) {
            for (size_t k = 0; k < count; k++) {
                if (!ignored || !ignored[k]) {
                    add(&set->top[x + i], &set->sum[x + i], s->logits[i * count + k]);
                }
            }
        }
    }
}

/* Second pass: one text tile against all images of one set. */
static void add_responsibility(state *s, image_set *set, size_t begin, size_t count, const double *rows)
{
    const nb_evidence *e = s->evidence;
    for (size_t x = 0; x < set->count; x += NB_AFFINITY_IMAGES) {
        size_t images = set->count - x < NB_AFFINITY_IMAGES ? set->count - x : NB_AFFINITY_IMAGES;
        nb_dgemm_nt(count, images, e->d, 1 / e->affinity_temperature, rows, e->d, set->rows + x * e->d, e->d, s->logits,
                    images);
        for (size_t i = 0; i < count; i++) {
            double sum = 0;
            for (size_t k = 0; k < images; k++) {
                sum += exp(s->logits[i * images + k] - set->partition[x + k]);
            }
            set->activation[begin + i] += sum;
        }
    }
    for (size_t i = 0; i < count; i++) {
        set->activation[begin + i] /= (double)set->count;
    }
}

static nb_status visit(void *opaque, size_t begin, size_t count, const double *rows, nb_error *err)
{
    state *s = opaque;
    size_t tile = 0;
    (void)err;
    for (size_t i = 0; i < 2; i++) {
        if (s->second) {
            add_responsibility(s, &s->sets[i], begin, count, rows);
        } else {
            add_partition(s, &s->sets[i], &tile, s->evidence->ignored + begin, count, rows);
        }
    }
    return NB_OK;
}

/* The label texts compete too; tiles of them are as narrow as the label set, at most NB_AFFINITY_TEXTS. */
static void add_labels(state *s)
{
    const nb_evidence *e = s->evidence;
    for (size_t c = 0; c < e->label_count; c += NB_AFFINITY_TEXTS) {
        size_t count = e->label_count - c < NB_AFFINITY_TEXTS ? e->label_count - c : NB_AFFINITY_TEXTS;
        size_t tile = 0;
        for (size_t i = 0; i < 2; i++) {
            add_partition(s, &s->sets[i], &tile, NULL, count, e->labels + c * e->d);
        }
    }
}

static nb_status unite_partitions(state *s, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    nb_status status = NB_OK;
    size_t tile = 0;
    for (size_t i = 0; i < 2; i++) {
        image_set *set = &s->sets[i];
        for (size_t x = 0; x < set->count; x++) {
            if (nb_team_owns(e->team, tile + x / NB_AFFINITY_IMAGES)) {
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): all ranks agreed that they have memory */
                set->partition[x] = set->top[x] + log(set->sum[x]);
            }
        }
        tile += (set->count + NB_AFFINITY_IMAGES - 1) / NB_AFFINITY_IMAGES;
        NB_TRY(nb_team_unite(e->team, set->partition, set->count, err));
    }
done:
    return status;
}

static nb_status prepare(image_set *set, const double *rows, size_t count, double *activation, nb_error *err)
{
    nb_status status = NB_OK;
    *set = (image_set){.rows = rows, .count = count, .activation = activation};
    NB_TRY_NEW(set->partition, count);
    NB_TRY_NEW(set->top, count);
    NB_TRY_NEW(set->sum, count);
    for (size_t x = 0; x < count; x++) {
        set->top[x] = -INFINITY;
    }
done:
    return status;
}

static nb_status compute(const nb_evidence *e, double *const *values, nb_error *err)
{
    state s = {.evidence = e};
    nb_status status;
    NB_TRY(prepare(&s.sets[0], e->wild_images, e->wild_count, values[0], err));
    NB_TRY(prepare(&s.sets[1], e->id_images, e->id_count, values[1], err));
    NB_TRY_NEW(s.logits, (size_t)NB_AFFINITY_IMAGES * NB_AFFINITY_TEXTS);
    status = nb_visit_texts(e, false, visit, &s, err);
    add_labels(&s);
done:
    status = nb_team_agree(e->team, status, err);
    if (status == NB_OK) {
        status = unite_partitions(&s, err);
    }
    if (status == NB_OK) {
        s.second = true;
        status = nb_visit_texts(e, true, visit, &s, err);
    }
    for (size_t u = 0; status == NB_OK && u < e->texts->plan.count; u++) {
        if (nb_team_owns(e->team, u / NB_AFFINITY_TEXTS)) {
            values[2][u] = (values[0][u] - (1 - e->tau) * values[1][u]) / e->tau;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        free(s.sets[i].partition);
        free(s.sets[i].top);
        free(s.sets[i].sum);
    }
    free(s.logits);
    return status;
}

static const char *const columns[] = {"activation_wild", "activation_id", "activation"};
const nb_criterion nb_criterion_debiased = {.name = "debiased",
                                            .columns = columns,
                                            .column_count = 3,
                                            .needs_prototypes = true,
                                            .needs_wild = true,
                                            .rejects = true,
                                            .count = 1000,
                                            .compute = compute};
