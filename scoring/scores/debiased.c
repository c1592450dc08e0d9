/* The score of the criterion `debiased`: three log-odds in favour of the ID labels, each with all negatives at once, of
 * an image f alone. Label c has the text q_c and the prototype p_c, negative u the text e_u, the log prior w_u and the
 * imputed proxy v'_u, its place among images by the map that takes the labels' texts to their images; some negatives
 * have a measured proxy v_u, too, which wild images showed (scoring/bank/bank_proxies.h). With T the temperature,
 *
 *   texts     A = ln sum_c exp(<q_c, f> / T)       - ln sum_u exp(<e_u, f> / T + w_u)
 *   imputed   J = ln sum_c exp(<q_c + p_c, f> / T) - ln sum_u exp(<e_u + v'_u, f> / T + w_u)
 *   measured  W = ln sum_c exp(<q_c + p_c, f> / T) - ln sum_(u measured) exp(<e_u + v_u, f> / T)
 *
 * and the score is J + 2 A + min(2 A, W), or J + 4 A where no proxy was measured. It is a log-odd: any number, and
 * `ood` its logistic function. All rows stand in one matrix, [q; q + p; e; e + v'; e + v]; its product with a batch of
 * images is made in blocks that are reduced to log-sum-exps while they lie in the cache.
 *
 * CLIP's embeddings share a large common part, and single precision would spend most of its digits on it. It is the
 * same in both sums of a log-odd and drops out: a common row is subtracted from q and e, and one from all sums of two.
 */
#include "common/linear/blas.h"
#include "scoring/scores/score.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { BLOCK = 512 }; /* rows of a block at most */

/* What the class is chosen by; numbered as the words below. */
enum { CLASS_TEXT, CLASS_BOTH };

typedef struct settings {
    nb_score_shared shared;
    int class_by;
} settings;

/* The parts of the matrix. */
enum { TEXTS, PAIRS, NEGATIVES, IMPUTED, MEASURED, PARTS };

typedef struct debiased {
    float *rows; /* [begin[PARTS], d] */
    size_t begin[PARTS + 1];
    float *prior; /* [M] T w_u: what a prior adds to a cosine */
} debiased;

/* What is known of one image so far. */
typedef struct sums {
    double part[PARTS]; /* log-sum-exps */
    float top;          /* the largest value of the part that the class is chosen by */
    size_t best;
} sums;

static void debiased_destroy(void *state)
{
    debiased *b = state;
    if (b) {
        free(b->rows);
        free(b->prior);
        free(b);
    }
}

/* The rows a + b - common of a part; b NULL: a - common. */
typedef struct sources {
    const double *a, *b, *common;
} sources;

static void debiased_put_row(float *row, const sources *from, size_t i, size_t i_b, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        row[k] = (float)(from->a[i * d + k] + (from->b ? from->b[i_b * d + k] : 0) - from->common[k]);
    }
}

/* The means of e and of e + v'. */
static void debiased_find_common(const nb_bank *bank, double *texts, double *pairs)
{
    size_t m = bank->negative_count, d = bank->d;
    for (size_t u = 0; u < m; u++) {
        for (size_t k = 0; k < d; k++) {
            double e = bank->negative_rows[u * d + k] / (double)m;
            texts[k] += e;
            pairs[k] += e + bank->proxies->imputed_rows[u * d + k] / (double)m;
        }
    }
}

/* texts, pairs: the common rows. */
static void debiased_fill(debiased *b, const nb_bank *bank, double temperature, const double *texts,
                          const double *pairs)
{
    const nb_bank_proxies *p = bank->proxies;
    const sources from[PARTS] = {{bank->label_rows, NULL, texts},
                                 {bank->label_rows, bank->prototypes, pairs},
                                 {bank->negative_rows, NULL, texts},
                                 {bank->negative_rows, p->imputed_rows, pairs},
                                 {bank->negative_rows, p->measured_rows, pairs}};
    for (size_t part = 0; part < PARTS; part++) {
        for (size_t i = b->begin[part]; i < b->begin[part + 1]; i++) {
            size_t at = i - b->begin[part];
            debiased_put_row(b->rows + i * bank->d, &from[part], part == MEASURED ? p->measured[at] : at, at, bank->d);
        }
    }
    for (size_t u = 0; u < bank->negative_count; u++) {
        /* the least that a product with 1 / T cannot make infinite */
        b->prior[u] = (float)fmax(temperature * p->log_prior[u], (double)-FLT_MAX / 4);
    }
}

static nb_status debiased_create(void **state, const nb_scorer *s, nb_error *err)
{
    const nb_bank *bank = s->bank;
    debiased *b;
    double *texts = NULL, *pairs = NULL;
    size_t elements;
    nb_status status;
    if (!bank->proxies || !bank->prototypes) {
        nb_fail(err, NB_ERR_USAGE, "the bank has no proxies, which the score debiased needs");
        return nb_hint(err, "mine it again with --criterion debiased, or take the score that it suggests, %s",
                       bank->score ? bank->score : "neglabel");
    }
    const size_t rows[PARTS] = {bank->label_count, bank->label_count, bank->negative_count, bank->negative_count,
                                bank->proxies->measured_count};
    NB_TRY_NEW(b, 1);
    *state = b;
    for (size_t part = 0; part < PARTS; part++) {
        b->begin[part + 1] = b->begin[part] + rows[part];
    }
    if (!nb_mul_size(b->begin[PARTS], bank->d, &elements)) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu rows of width %zu are too many", b->begin[PARTS], bank->d);
        goto done;
    }
    b->rows = nb_alloc_aligned(elements, sizeof *b->rows, err);
    NB_TRY(b->rows ? NB_OK : NB_ERR_LIMIT);
    NB_TRY_NEW(b->prior, bank->negative_count);
    NB_TRY_NEW(texts, bank->d);
    NB_TRY_NEW(pairs, bank->d);
    debiased_find_common(bank, texts, pairs);
    debiased_fill(b, bank, s->parameters.shared.temperature, texts, pairs);
done:
    free(texts);
    free(pairs);
    return status;
}

/* Rows [first, first + count) of a part. */
typedef struct block {
    int part;
    size_t first, count;
} block;

/* Takes cosines x [count] of a block's rows. */
static void debiased_add(const debiased *b, const nb_scorer *s, const block *at, float *x, sums *to)
{
    const settings *set = (const void *)s->parameters.block;
    double scale = 1 / set->shared.temperature, sum;
    float top;
    if (at->part == (set->class_by == CLASS_TEXT ? TEXTS : PAIRS)) {
        size_t best = s->vector->first_largest(x, at->count);
        if (x[best] > to->top) {
            to->top = x[best];
            to->best = at->first + best;
        }
    }
    if (at->part == NEGATIVES || at->part == IMPUTED) {
        s->vector->add(x, x, b->prior + at->first, at->count);
    }
    s->vector->sum_exp(x, at->count, (float)scale, &top, &sum);
    to->part[at->part] = nb_log_add(to->part[at->part], scale * (double)top + log(sum));
}

/* A batch of images against all rows. */
static void debiased_score_batch(const debiased *b, const nb_scorer *s, nb_matrix images, float *cosines, sums *to)
{
    for (size_t i = 0; i < images.rows; i++) {
        to[i] = (sums){{-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY}, -INFINITY, 0};
    }
    for (int part = 0; part < PARTS; part++) {
        size_t rows = b->begin[part + 1] - b->begin[part];
        for (block at = {.part = part}; at.first < rows; at.first += at.count) {
            const float *from = b->rows + (b->begin[part] + at.first) * s->d;
            at.count = rows - at.first < BLOCK ? rows - at.first : BLOCK;
            nb_sgemm_nt(images, nb_matrix_of(from, at.count, s->d), 0, cosines, BLOCK);
            for (size_t i = 0; i < images.rows; i++) {
                debiased_add(b, s, &at, cosines + i * BLOCK, &to[i]);
            }
        }
    }
}

static void debiased_finish(const sums *from, nb_score_result *out)
{
    const double *l = from->part;
    double texts = l[TEXTS] - l[NEGATIVES], imputed = l[PAIRS] - l[IMPUTED], measured = l[PAIRS] - l[MEASURED];
    double score = imputed + 2 * texts + fmin(2 * texts, measured); /* measured is +inf where there are none */
    double small = exp(-fabs(score));
    *out =
        (nb_score_result){.label = (int32_t)from->best, .score = score, .ood = (score > 0 ? small : 1) / (1 + small)};
}

static nb_status debiased_run(const void *state, const nb_scorer *s, const float *images, size_t count,
                              nb_score_result *results, nb_error *err)
{
    const debiased *b = state;
    size_t most = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH;
    float *cosines = NULL;
    sums *all = NULL;
    nb_status status;
    NB_TRY_NEW(cosines, most * BLOCK);
    NB_TRY_NEW(all, most);
    for (size_t at = 0; at < count; at += most) {
        size_t batch = count - at < most ? count - at : most;
        debiased_score_batch(b, s, nb_matrix_of(images + at * s->d, batch, s->d), cosines, all);
        for (size_t i = 0; i < batch; i++) {
            debiased_finish(&all[i], &results[at + i]);
        }
    }
done:
    free(cosines);
    free(all);
    return status;
}

/* Two rows a label and a negative, and one more for a negative with a measured proxy: at most three. The bank holds
 * both proxies. */
static nb_score_cost debiased_cost(const nb_score_load *load, const nb_score_parameters *parameters)
{
    (void)parameters;
    return (nb_score_cost){.products = 2 * load->images * load->rows * 3 * load->width,
                           .memory = load->rows * 3 * load->width * sizeof(float) +
                                     load->rows * 2 * load->width * sizeof(double)};
}

static const nb_image_rule debiased_images = {
    .create = debiased_create, .destroy = debiased_destroy, .run = debiased_run};

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    OPT_CHOICE("class", class_by, "HOW", "text", "text|both",
               "the predicted label is the nearest by its text, or by text and prototype; {}"),
};

const nb_score_rule nb_score_debiased = {.name = "debiased",
                                         .source = "the criterion debiased of negbank",
                                         .log_odds = true,
                                         .parameters = parameters,
                                         .parameter_count = sizeof parameters / sizeof *parameters,
                                         .block_size = sizeof(settings),
                                         .image = &debiased_images,
                                         .cost = debiased_cost};
