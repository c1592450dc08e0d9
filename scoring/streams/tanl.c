/* TANL (CVPR 2026) along a stream: the negatives are the entries of a whole corpus that the OOD images of the stream
 * activate and its ID images do not.
 *
 * Two queues hold the activations (scoring/streams/corpus_pass.h) of the last `queue` images taken for ID and for OOD.
 * They begin with the label texts and with noise images, each shuffled by the seed (0 without one), the last `queue` of
 * them kept. `history` first-pass scores are kept too, and begin with those of all label texts, then of the noise
 * images, under the bank of the beginning. A batch:
 *
 *   1  a = mean Q_ood - mean Q_id; the bank is the `beta` entries with the largest a, largest first
 *   2  first pass: nested scores (scoring/scores/nested.h) under that bank, put into the history
 *   3  t = Otsu's threshold of the history (scoring/streams/otsu.h)
 *   4  ID is what scores over t + gap (1 - t), OOD what scores under t - gap t
 *   5  m = alpha mean Q + (1 - alpha) mean of the batch's own, of both kinds (mean Q where the batch has none);
 *      a = m_ood - m_id; the bank anew
 *   6  the result is the nested score under that bank; the class the largest z
 *   7  the batch's own are put into the queues in the order they came
 *
 * Means are of sums in double precision that images are added to and taken from as they come and go. Equal a stand in
 * the corpus's order. The released code seeds nothing; here the same seed gives the same bits. */
#include "scoring/scores/nested.h"
#include "scoring/streams/corpus_pass.h"
#include "scoring/streams/otsu.h"
#include "scoring/streams/stream.h"

#include "common/base/random.h"
#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_DRAWS = 3, NOISE_DRAWS = 4, TOGETHER = 256 /* label texts of a pass */ };

typedef struct settings {
    nb_score_shared shared;
    double gamma, gap, beta, alpha;
    size_t queue, history;
} settings;

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_SEED,
    NB_SCORE_GAMMA("1"),
    NB_SCORE_GAP("0.5"),
    NB_SCORE_BETA("1000"),
    OPT_REAL("alpha", alpha, "X", "0", 0, 1, "weight of the queues beside the batch's own images; {}"),
    NB_SCORE_QUEUE("300"),
    OPT_INT("history", history, "N", "20000", 1, 1e7, "first-pass scores that the threshold is taken from; {}"),
};

static const settings *tanl_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

/* The last activations of a kind, of the own entries. */
typedef struct kind {
    float *rows;  /* [queue, own], a ring */
    double *sum;  /* [own] of the rows that are in it */
    double *mean; /* [own] scratch: the mean that a batch counts with */
    size_t begin, used, stored;
} kind;

enum { ID, OOD, KINDS };

typedef struct activated {
    const nb_scorer *scorer;
    nb_corpus_pass pass;
    kind kinds[KINDS];
    float *history; /* [history], a ring */
    size_t history_begin, history_used;
    size_t *bank;      /* [beta] */
    double *ranked;    /* [own] a */
    float *activation; /* [own] scratch */
    float *cosines;    /* [capacity, beta] */
    double *first;     /* [capacity] first-pass scores */
    size_t capacity;
    double threshold;
} activated;

static nb_status tanl_settle(nb_score_parameters *values, size_t labels, size_t negatives, char *note, nb_error *err)
{
    const settings *s = (const void *)values->block;
    (void)labels;
    (void)negatives;
    (void)note;
    if (!(s->beta >= 1) || s->beta > floor(s->beta)) {
        return nb_fail(err, NB_ERR_USAGE, "tanl: beta %g is no number of negatives", s->beta);
    }
    return nb_nested_check_step(s->gamma, err);
}

static void tanl_destroy(void *state)
{
    activated *t = state;
    if (t) {
        for (size_t k = 0; k < KINDS; k++) {
            free(t->kinds[k].rows);
            free(t->kinds[k].sum);
            free(t->kinds[k].mean);
        }
        nb_corpus_pass_destroy(&t->pass);
        free(t->history);
        free(t->bank);
        free(t->ranked);
        free(t->activation);
        free(t->cosines);
        free(t->first);
        free(t);
    }
}

/* ---- queues ---- */

static void tanl_add(double *sum, const float *row, size_t count)
{
    for (size_t u = 0; u < count; u++) {
        sum[u] += (double)row[u];
    }
}

static void tanl_store(activated *t, kind *k, const float *row)
{
    size_t own = t->pass.own, most = tanl_settings(t->scorer)->queue, at = (k->begin + k->used) % most;
    float *to = k->rows + at * own;
    if (k->used == most) {
        for (size_t u = 0; u < own; u++) {
            k->sum[u] -= (double)to[u];
        }
        k->begin = (k->begin + 1) % most;
    } else {
        k->used++;
    }
    memcpy(to, row, own * sizeof *row);
    tanl_add(k->sum, row, own);
    k->stored++;
}

static void tanl_remember(activated *t, double score)
{
    size_t most = tanl_settings(t->scorer)->history, at = (t->history_begin + t->history_used) % most;
    if (t->history_used == most) {
        t->history_begin = (t->history_begin + 1) % most;
    } else {
        t->history_used++;
    }
    t->history[at] = (float)score;
}

/* The bank of the largest m_ood - m_id. */
static nb_status tanl_choose(activated *t, nb_error *err)
{
    for (size_t u = 0; u < t->pass.own; u++) {
        t->ranked[u] = t->kinds[OOD].mean[u] - t->kinds[ID].mean[u];
    }
    return nb_corpus_pass_top(&t->pass, t->ranked, (size_t)tanl_settings(t->scorer)->beta, t->bank, err);
}

static void tanl_queue_mean(const activated *t, kind *k)
{
    for (size_t u = 0; u < t->pass.own; u++) {
        k->mean[u] = k->used ? k->sum[u] / (double)k->used : 0;
    }
}

/* ---- the beginning ---- */

/* The draws of a queue: given ones, or a shuffle of which the last `queue` are kept. */
static nb_status tanl_draw(const activated *t, size_t count, uint64_t stream, size_t **order, size_t *kept,
                           nb_error *err)
{
    const nb_stream_corpus *c = t->scorer->corpus;
    const size_t *given = stream == LABEL_DRAWS ? c->label_order : c->noise_order;
    const nb_score_shared *shared = &t->scorer->parameters.shared;
    size_t most = tanl_settings(t->scorer)->queue, n = count;
    nb_status status;
    if (given) {
        n = stream == LABEL_DRAWS ? c->label_draws : c->noise_draws;
    }
    NB_TRY_NEW(*order, n);
    for (size_t i = 0; i < n; i++) {
        (*order)[i] = given ? given[i] : i;
    }
    for (size_t i = n; i > 1 && !given; i--) {
        size_t k = (size_t)nb_random_below(shared->seeded ? shared->seed : 0, stream, i, i), swap = (*order)[i - 1];
        (*order)[i - 1] = (*order)[k];
        (*order)[k] = swap;
    }
    *kept = n < most ? n : most;
    memmove(*order, *order + (n - *kept), *kept * sizeof **order);
done:
    return status;
}

/* Puts the drawn ones of images [count, d] into a queue. */
static nb_status tanl_fill(activated *t, kind *k, const float *images, size_t count, uint64_t stream, nb_error *err)
{
    size_t d = t->scorer->d, kept = 0, *order = NULL;
    float *rows = NULL;
    nb_status status;
    NB_TRY(tanl_draw(t, count, stream, &order, &kept, err));
    NB_TRY_NEW(rows, TOGETHER * d);
    for (size_t at = 0, n; at < kept; at += n) {
        n = kept - at < TOGETHER ? kept - at : TOGETHER;
        for (size_t i = 0; i < n; i++) {
            memcpy(rows + i * d, images + order[at + i] * d, d * sizeof *rows);
        }
        NB_TRY(nb_corpus_pass_run(&t->pass, rows, n, err));
        for (size_t i = 0; i < n; i++) {
            nb_corpus_pass_activation(&t->pass, i, t->activation);
            tanl_store(t, k, t->activation);
        }
    }
    k->stored = 0;
done:
    free(order);
    free(rows);
    return status;
}

static double tanl_nested(const activated *t, const float *cosines, double labels, nb_score_result *out)
{
    const settings *set = tanl_settings(t->scorer);
    nb_nested nested = nb_nested_begin((size_t)set->gamma, set->shared.temperature, labels);
    nb_nested_add(&nested, t->scorer->vector, cosines, (size_t)set->beta);
    nb_nested_finish(&nested, out);
    return out->score;
}

/* Remembers the scores of images [count, d] under the bank's embeddings [beta, d]. */
static nb_status tanl_remember_all(activated *t, const float *images, size_t count, const float *bank, nb_error *err)
{
    const nb_scorer *s = t->scorer;
    size_t beta = (size_t)tanl_settings(s)->beta, c = s->label_count;
    float *z = NULL, *y = NULL;
    nb_status status;
    NB_TRY_NEW(z, c);
    NB_TRY_NEW(y, beta);
    for (size_t i = 0; i < count; i++) {
        nb_matrix image = nb_matrix_of(images + i * s->d, 1, s->d);
        nb_score_result result;
        nb_logits logits;
        nb_sgemm_nt(image, nb_matrix_of(s->rows, c, s->d), 0, z, c);
        nb_sgemm_nt(image, nb_matrix_of(bank, beta, s->d), 0, y, beta);
        nb_logits_from_row(s, z, NULL, &logits);
        tanl_remember(t, tanl_nested(t, y, logits.labels, &result));
    }
done:
    free(z);
    free(y);
    return status;
}

static nb_status tanl_begin(activated *t, nb_error *err)
{
    const nb_scorer *s = t->scorer;
    const nb_stream_corpus *c = s->corpus;
    const nb_corpus_entries bank = {t->bank, (size_t)tanl_settings(s)->beta};
    float *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, bank.count * s->d + 1);
    NB_TRY(tanl_fill(t, &t->kinds[ID], s->rows, s->label_count, LABEL_DRAWS, err));
    NB_TRY(tanl_fill(t, &t->kinds[OOD], c->noise, c->noise_count, NOISE_DRAWS, err));
    tanl_queue_mean(t, &t->kinds[ID]);
    tanl_queue_mean(t, &t->kinds[OOD]);
    NB_TRY(tanl_choose(t, err));
    NB_TRY(nb_corpus_pass_rows(&t->pass, &bank, rows, err));
    NB_TRY(tanl_remember_all(t, s->rows, s->label_count, rows, err));
    NB_TRY(tanl_remember_all(t, c->noise, c->noise_count, rows, err));
done:
    free(rows);
    return status;
}

static nb_status tanl_allocate(activated *t, nb_error *err)
{
    const settings *set = tanl_settings(t->scorer);
    size_t elements;
    nb_status status;
    if (!nb_mul_size(set->queue, t->pass.own, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "queues of %zu images are too large", set->queue);
    }
    for (size_t k = 0; k < KINDS; k++) {
        NB_TRY_NEW(t->kinds[k].rows, elements);
        NB_TRY_NEW(t->kinds[k].sum, t->pass.own);
        NB_TRY_NEW(t->kinds[k].mean, t->pass.own);
    }
    NB_TRY_NEW(t->history, set->history);
    NB_TRY_NEW(t->bank, (size_t)set->beta);
    NB_TRY_NEW(t->ranked, t->pass.own);
    NB_TRY_NEW(t->activation, t->pass.own);
done:
    return status;
}

static nb_status tanl_create(void **out, const nb_scorer *s, nb_error *err)
{
    activated *t;
    nb_status status;
    NB_TRY_NEW(t, 1);
    *out = t;
    t->scorer = s;
    NB_TRY(nb_corpus_pass_create(&t->pass, s, err));
    if (tanl_settings(s)->beta > (double)s->corpus->count) {
        status = nb_fail(err, NB_ERR_USAGE, "tanl: a bank of %g negatives cannot be taken from a corpus of %zu",
                         tanl_settings(s)->beta, s->corpus->count);
        goto done;
    }
    NB_TRY(tanl_allocate(t, err));
    NB_TRY(tanl_begin(t, err));
done:
    if (status != NB_OK) {
        tanl_destroy(t);
        *out = NULL;
    }
    return status;
}

/* ---- a batch ---- */

static nb_status tanl_make_room(activated *t, size_t count, nb_error *err)
{
    size_t elements;
    nb_status status = NB_OK;
    if (count <= t->capacity) {
        return NB_OK;
    }
    if (!nb_mul_size(count, (size_t)tanl_settings(t->scorer)->beta, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", count);
    }
    free(t->cosines);
    free(t->first);
    t->cosines = NULL;
    t->first = NULL;
    t->capacity = 0;
    NB_TRY_NEW(t->cosines, elements + 1);
    NB_TRY_NEW(t->first, count);
    t->capacity = count;
done:
    return status;
}

/* Nested scores of the batch under the bank. */
static nb_status tanl_score(activated *t, size_t count, nb_score_result *results, nb_error *err)
{
    const nb_corpus_entries bank = {t->bank, (size_t)tanl_settings(t->scorer)->beta};
    nb_status status = nb_corpus_pass_cosines(&t->pass, count, &bank, t->cosines, err);
    for (size_t i = 0; i < count && status == NB_OK; i++) {
        tanl_nested(t, t->cosines + i * bank.count, t->pass.labels[i], &results[i]);
        results[i].label = t->pass.best[i];
    }
    return status;
}

/* What an image of this first-pass score is taken for; KINDS: neither. */
static size_t tanl_kind_of(const activated *t, double score)
{
    double gap = tanl_settings(t->scorer)->gap, threshold = t->threshold;
    return score > threshold + gap * (1 - threshold) ? ID : score < threshold - gap * threshold ? OOD : KINDS;
}

/* 5 and 7: the batch's own are put into the queues, and the means become those that the final bank comes from. */
static void tanl_take(activated *t, size_t count, const double *first)
{
    double alpha = tanl_settings(t->scorer)->alpha;
    size_t own = t->pass.own, taken[KINDS] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t k = tanl_kind_of(t, first[i]);
        taken[k < KINDS ? k : 0] += k < KINDS;
    }
    for (size_t k = 0; k < KINDS; k++) { /* with none, the mean of the queue stays */
        for (size_t u = 0; u < own && taken[k]; u++) {
            t->kinds[k].mean[u] *= alpha;
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t k = tanl_kind_of(t, first[i]);
        if (k < KINDS) {
            double weight = (1 - alpha) / (double)taken[k];
            nb_corpus_pass_activation(&t->pass, i, t->activation);
            for (size_t u = 0; u < own; u++) {
                t->kinds[k].mean[u] += weight * (double)t->activation[u];
            }
            tanl_store(t, &t->kinds[k], t->activation);
        }
    }
}

static nb_status tanl_push(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                           nb_error *err)
{
    activated *t = state;
    const nb_stream_corpus *c = t->scorer->corpus;
    size_t before[KINDS] = {t->kinds[ID].stored, t->kinds[OOD].stored};
    nb_status status;
    (void)stream;
    NB_TRY(tanl_make_room(t, count, err));
    NB_TRY(nb_corpus_pass_run(&t->pass, images, count, err));
    tanl_queue_mean(t, &t->kinds[ID]);
    tanl_queue_mean(t, &t->kinds[OOD]);
    NB_TRY(tanl_choose(t, err));
    NB_TRY(tanl_score(t, count, results, err));
    for (size_t i = 0; i < count; i++) {
        t->first[i] = results[i].score;
        tanl_remember(t, results[i].score);
    }
    t->threshold = nb_otsu_threshold(t->history, t->history_used);
    tanl_take(t, count, t->first);
    NB_TRY(tanl_choose(t, err));
    NB_TRY(tanl_score(t, count, results, err));
    if (c->watch) {
        const nb_stream_step step = {.threshold = t->threshold,
                                     .bank = t->bank,
                                     .bank_count = (size_t)tanl_settings(t->scorer)->beta,
                                     .first = t->first,
                                     .count = count,
                                     .id = t->kinds[ID].stored - before[ID],
                                     .ood = t->kinds[OOD].stored - before[OOD]};
        c->watch(c->self, &step);
    }
done:
    return status;
}

static nb_status tanl_describe(const void *state, nb_buffer *out, nb_error *err)
{
    const activated *t = state;
    return nb_buffer_printf(out, err, "%zu images were taken for ID, %zu for OOD, by the last threshold %.2f",
                            t->kinds[ID].stored, t->kinds[OOD].stored, t->threshold);
}

/* ---- state ---- */

static nb_status tanl_kind_state(activated *t, kind *k, nb_state_io *io, nb_error *err)
{
    const nb_corpus_pass *p = &t->pass;
    size_t most = tanl_settings(t->scorer)->queue, n = t->scorer->corpus->count;
    double *all = NULL;
    nb_status status;
    NB_TRY_NEW(all, n + 1);
    NB_TRY(nb_state_count(io, &k->stored, SIZE_MAX / 2, "stored images", err));
    NB_TRY(nb_state_count(io, &k->used, most, "images in a queue", err));
    for (size_t i = 0; i < k->used; i++) {
        float *row = k->rows + (io->saving ? (k->begin + i) % most : i) * p->own;
        if (io->saving) {
            NB_TRY(nb_corpus_pass_gather(p, row, sizeof *row, all, err));
        }
        NB_TRY(nb_state_bytes(io, all, n * sizeof *row, err));
        if (!io->saving) {
            nb_corpus_pass_take(p, all, sizeof *row, row);
        }
    }
    if (io->saving) {
        NB_TRY(nb_corpus_pass_gather(p, k->sum, sizeof *k->sum, all, err));
    }
    NB_TRY(nb_state_bytes(io, all, n * sizeof *all, err));
    if (!io->saving) {
        k->begin = 0;
        nb_corpus_pass_take(p, all, sizeof *all, k->sum);
    }
done:
    free(all);
    return status;
}

static nb_status tanl_state(void *state, nb_state_io *io, nb_error *err)
{
    activated *t = state;
    size_t most = tanl_settings(t->scorer)->history;
    nb_status status;
    NB_TRY(nb_state_bytes(io, &t->threshold, sizeof t->threshold, err));
    NB_TRY(nb_state_count(io, &t->history_used, most, "scores", err));
    for (size_t i = 0; i < t->history_used; i++) {
        float *at = &t->history[io->saving ? (t->history_begin + i) % most : i];
        NB_TRY(nb_state_bytes(io, at, sizeof *at, err));
    }
    t->history_begin = io->saving ? t->history_begin : 0;
    for (size_t k = 0; k < KINDS; k++) {
        NB_TRY(tanl_kind_state(t, &t->kinds[k], io, err));
    }
done:
    return status;
}

static const nb_stream_rule tanl_stream = {.create = tanl_create,
                                           .destroy = tanl_destroy,
                                           .push = tanl_push,
                                           .describe = tanl_describe,
                                           .state = tanl_state,
                                           .batch = 256,
                                           .corpus = true};

const nb_score_rule nb_score_tanl = {.name = "tanl",
                                     .source = "TANL, CVPR 2026",
                                     .parameters = parameters,
                                     .parameter_count = sizeof parameters / sizeof *parameters,
                                     .block_size = sizeof(settings),
                                     .settle = tanl_settle,
                                     .stream = &tanl_stream};
