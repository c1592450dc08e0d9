/* NegRefine (ICCV 2025): NegLabel's score, and how much better a text of one of the likely labels and one of the likely
 * negatives together fits the image than that negative alone:
 *
 *     neglabel + w max over the k labels with the largest z and the k' negatives with the largest y of
 *         exp v / (exp v + exp y_n),   v = cos(e("<label> and <negative>"), f(x)) / T
 *
 * An image that shows a label beside something else is in-distribution, though a negative label fits it, too. A
 * function of the image alone, in [0, 1 + w], no probability. What a fraction of two exponentials is, is computed from
 * their difference: the release's plain exp overflows above a cosine of 0.887. */
#include "common/linear/blas.h"
#include "scoring/scores/neglabel.h"

#include <math.h>
#include <stdlib.h>

typedef struct settings {
    nb_score_shared shared;
    size_t labels, negatives;
    double weight;
} settings;

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_GROUPS("100"),
    NB_SCORE_SEED,
    OPT_INT("pair-labels", labels, "K", "5", 1, 1000, "labels that are paired; {}"),
    OPT_INT("pair-negatives", negatives, "K", "5", 1, 1000, "negatives that are paired; {}"),
    OPT_REAL("pair-weight", weight, "W", "2", 0, 1e6, "weight of the best pair; {}"),
};

static nb_status negrefine_settle(nb_score_parameters *p, size_t label_count, size_t negative_count, char *note,
                                  nb_error *err)
{
    settings *s = (void *)p->block;
    (void)note;
    if (!negative_count) {
        return nb_fail(err, NB_ERR_USAGE, "the score negrefine needs a bank with negatives");
    }
    s->labels = s->labels < label_count ? s->labels : label_count;
    s->negatives = s->negatives < negative_count ? s->negatives : negative_count;
    return NB_OK;
}

/* It keeps nothing. */
static nb_status negrefine_create(void **state, const nb_scorer *scorer, nb_error *err)
{
    (void)state;
    (void)scorer;
    (void)err;
    return NB_OK;
}

static void negrefine_destroy(void *state)
{
    (void)state;
}

/* best[k] becomes the places of the k largest of x[n], the largest first, the first ones among equals. */
static void negrefine_largest(const float *x, size_t n, size_t *best, size_t k)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (count == k && !(x[i] > x[best[k - 1]])) {
            continue;
        }
        size_t at = count < k ? count++ : k - 1;
        for (; at > 0 && x[i] > x[best[at - 1]]; at--) {
            best[at] = best[at - 1];
        }
        best[at] = i;
    }
}

static double negrefine_cosine(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++) {
        sum += (double)a[j] * (double)b[j];
    }
    return sum;
}

/* The best pair of an image, of its cosines row [C + M]; places: memory for the largest ones. */
static nb_status negrefine_match(const nb_scorer *s, const float *image, const float *row, size_t *places, double *out,
                                 nb_error *err)
{
    const settings *set = (const void *)s->parameters.block;
    size_t *labels = places, *negatives = places + set->labels;
    nb_status status = NB_OK;
    negrefine_largest(row, s->label_count, labels, set->labels);
    negrefine_largest(row + s->label_count, s->negative_count, negatives, set->negatives);
    *out = 0;
    for (size_t i = 0; i < set->labels; i++) {
        for (size_t k = 0; k < set->negatives; k++) {
            const float *pair;
            NB_TRY(s->pairs->embed(s->pairs->self, labels[i], s->order[negatives[k]], &pair, err));
            double alone = negrefine_cosine(s->rows + (s->label_count + negatives[k]) * s->d, image, s->d);
            double gap = (negrefine_cosine(pair, image, s->d) - alone) / set->shared.temperature;
            double share = 1 / (1 + exp(-gap));
            *out = share > *out ? share : *out;
        }
    }
done:
    return status;
}

static nb_status negrefine_run(const void *state, const nb_scorer *s, const float *images, size_t count,
                               nb_score_result *results, nb_error *err)
{
    const settings *set = (const void *)s->parameters.block;
    size_t rows = s->label_count + s->negative_count, most = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH;
    float *cosines = NULL;
    double *groups = NULL, match;
    size_t *places = NULL;
    nb_status status;
    (void)state;
    if (!s->pairs) {
        nb_fail(err, NB_ERR_USAGE, "the score negrefine needs the checkpoint, to embed texts of two labels");
        return nb_hint(err, "`negbank score --score negrefine --model DIR` has one");
    }
    NB_TRY_NEW(cosines, most * rows);
    NB_TRY_NEW(groups, set->shared.groups);
    NB_TRY_NEW(places, set->labels + set->negatives);
    for (size_t at = 0; at < count; at += most) {
        size_t batch = count - at < most ? count - at : most;
        nb_sgemm_nt(nb_matrix_of(images + at * s->d, batch, s->d), nb_matrix_of(s->rows, rows, s->d), 0, cosines, rows);
        for (size_t i = 0; i < batch; i++) {
            float *row = cosines + i * rows;
            nb_score_result *out = &results[at + i];
            nb_logits logits;
            NB_TRY(negrefine_match(s, images + (at + i) * s->d, row, places, &match, err));
            nb_logits_from_row(s, row, groups, &logits);
            nb_score_neglabel.score(&logits, out);
            *out = (nb_score_result){(int32_t)logits.best, out->score + set->weight * match, NAN};
        }
    }
done:
    free(cosines);
    free(groups);
    free(places);
    return status;
}

static const nb_image_rule image = {
    .create = negrefine_create, .destroy = negrefine_destroy, .run = negrefine_run, .pairs = true};

/* The product, and the cosines of a batch; what the pairs cost depends on how many differ. */
static nb_score_cost negrefine_cost(const nb_score_load *load, const nb_score_parameters *p)
{
    (void)p;
    nb_score_cost cost = nb_score_plain_cost(load);
    cost.memory += NB_SCORE_BATCH * load->rows * sizeof(float);
    return cost;
}

const nb_score_rule nb_score_negrefine = {.name = "negrefine",
                                          .source = "NegRefine, ICCV 2025",
                                          .negatives = true,
                                          .parameters = parameters,
                                          .parameter_count = sizeof parameters / sizeof *parameters,
                                          .block_size = sizeof(settings),
                                          .settle = negrefine_settle,
                                          .image = &image,
                                          .cost = negrefine_cost};
