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
 * images is made in blocks that are reduced to log-sum-exps while they lie in the cache. */
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

/* Row = a + b; b may be NULL. */
static void debiased_put_row(float *row, const double *a, const double *b, size_t d)
{
    for (size_t k = 0; k < d; k++) {
        row[k] = (float)(a[k] + (b ? b[k] : 0));
    }
}

static void debiased_fill(debiased *b, const nb_bank *bank, double temperature)
{
    const nb_bank_proxies *p = bank->proxies;
    size_t d = bank->d;
    float *at[PARTS];
    for (size_t part = 0; part < PARTS; part++) {
        at[part] = b->rows + b->begin[part] * d;
    }
    for (size_t c = 0; c < bank->label_count; c++) {
        debiased_put_row(at[TEXTS] + c * d, bank->label_rows + c * d, NULL, d);
        debiased_put_row(at[PAIRS] + c * d, bank->label_rows + c * d, bank->prototypes + c * d, d);
    }
    for (size_t u = 0; u < bank->negative_count; u++) {
        /* a prior that no weight of any other is lost against stays finite */
        b->prior[u] = (float)fmax(temperature * p->log_prior[u], (double)-FLT_MAX / 4);
        debiased_put_row(at[NEGATIVES] + u * d, bank->negative_rows + u * d, NULL, d);
        debiased_put_row(at[IMPUTED] + u * d, bank->negative_rows + u * d, p->imputed_rows + u * d, d);
    }
    for (size_t k = 0; k < p->measured_count; k++) {
        debiased_put_row(at[MEASURED] + k * d, bank->negative_rows + p->measured[k] * d, p->measured_rows + k * d, d);
    }
}

static nb_status debiased_create(void **state, const nb_scorer *s, nb_error *err)
{
    const nb_bank *bank = s->bank;
    debiased *b;
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
    debiased_fill(b, bank, s->parameters.shared.temperature);
done:
    return status;
}

/* Takes cosines x [n] of a part's rows, the first of them number `first` of it. */
static void debiased_add(const debiased *b, const nb_scorer *s, sums *to, int part, size_t first, float *x, size_t n)
{
    const settings *set = (const void *)s->parameters.block;
    double scale = 1 / set->shared.temperature, sum;
    float top;
    if (part == (set->class_by == CLASS_TEXT ? TEXTS : PAIRS)) {
        size_t best = s->vector->first_largest(x, n);
        if (x[best] > to->top) {
            to->top = x[best];
            to->best = first + best;
        }
    }
    if (part == NEGATIVES || part == IMPUTED) {
        s->vector->add(x, x, b->prior + first, n);
    }
    s->vector->sum_exp(x, n, (float)scale, &top, &sum);
    to->part[part] = nb_log_add(to->part[part], scale * (double)top + log(sum));
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
    size_t most = count < NB_SCORE_BATCH ? count : NB_SCORE_BATCH, d = s->d;
    float *cosines = NULL;
    sums *all = NULL;
    nb_status status;
    NB_TRY_NEW(cosines, most * BLOCK);
    NB_TRY_NEW(all, most);
    for (size_t at = 0; at < count; at += most) {
        size_t batch = count - at < most ? count - at : most;
        for (size_t i = 0; i < batch; i++) {
            all[i] = (sums){{-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY}, -INFINITY, 0};
        }
        for (int part = 0; part < PARTS; part++) {
            for (size_t first = b->begin[part], n; first < b->begin[part + 1]; first += n) {
                n = b->begin[part + 1] - first < BLOCK ? b->begin[part + 1] - first : BLOCK;
                nb_sgemm_nt(nb_matrix_of(images + at * d, batch, d), nb_matrix_of(b->rows + first * d, n, d), 0,
                            cosines, BLOCK);
                for (size_t i = 0; i < batch; i++) {
                    debiased_add(b, s, &all[i], part, first - b->begin[part], cosines + i * BLOCK, n);
                }
            }
        }
        for (size_t i = 0; i < batch; i++) {
            debiased_finish(&all[i], &results[at + i]);
        }
    }
done:
    free(cosines);
    free(all);
    return status;
}

/* Two rows a label and a negative; a measured proxy is one more, for a third of the negatives where the bank is one of
 * `debiased` with wild images. */
static nb_score_cost debiased_cost(const nb_score_load *load, const nb_score_parameters *parameters)
{
    (void)parameters;
    return (nb_score_cost){.products = 2 * load->images * load->rows * (2 + 1.0 / 3) * load->width,
                           .memory = load->rows * (2 + 1.0 / 3) * load->width * sizeof(float)};
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
