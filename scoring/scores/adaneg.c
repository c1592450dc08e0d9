/* AdaNeg (Zhang and Zhang, NeurIPS 2024), along a stream, with the rules of the authors' released code.
 *
 * Every image gets its NegLabel score v from the texts. Above gamma + gap (1 - gamma) it is stored
 * (scoring/scores/adaneg_memory.h) under its predicted label, below gamma - gap gamma under its best negative; its key
 * is the entropy of its softmax over the labels, or over the negatives. After the batch's own images are stored, its
 * adaptive score a is the NegLabel score with proxies in place of texts. The score is a + lambda v, a v or a; only the
 * first is no probability. The class is the largest p + lambda p', the softmax over all labels and negatives with texts
 * and with proxies.
 *
 * Adaptive gap: of the last 10 000 confident images, 100 pseudo counts a side to begin with, r were ID. While r > 1/2
 * it takes the place of the gap below, while r < 1/2 its complement takes that of the gap above. Then both parts of the
 * sum weigh 1, whatever lambda, and the class is the largest p + p' of softmaxes over the labels alone. */
#include "common/linear/blas.h"
#include "scoring/scores/adaneg_memory.h"
#include "scoring/scores/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 10000, PSEUDO_COUNT = 100 };

/* The last confident images, ID or OOD, in a ring. */
typedef struct window {
    uint8_t *is_id; /* [WINDOW] */
    size_t begin, used, id;
} window;

typedef struct adaneg {
    const nb_scorer *scorer;
    nb_memory *memory;
    window window;
    size_t stored_id, stored_ood;
    float *ahead; /* [ahead_room, C + M] cosines of the images of this and the next batches with the texts */
    size_t ahead_room, ahead_at, ahead_count;
    float *texts;           /* among them: [count, C + M] of this batch */
    float *proxies;         /* [room, C + M] cosines of this batch */
    double *groups;         /* [G] */
    nb_score_result *plain; /* [room] NegLabel scores of a batch */
    double *wholes;         /* [room] the log-sum-exp that the class's softmax with texts divides by */
    size_t room;
} adaneg;

static void window_push(window *w, bool is_id)
{
    size_t at;
    if (w->used == WINDOW) {
        at = w->begin;
        w->id -= w->is_id[at];
        w->begin = (w->begin + 1) % WINDOW;
    } else {
        at = (w->begin + w->used++) % WINDOW;
    }
    w->is_id[at] = is_id;
    w->id += is_id;
}

static void destroy(void *state)
{
    adaneg *a = state;
    if (a) {
        nb_memory_destroy(a->memory);
        free(a->window.is_id);
        free(a->ahead);
        free(a->proxies);
        free(a->groups);
        free(a->plain);
        free(a->wholes);
        free(a);
    }
}

static nb_status create(void **out, const nb_scorer *s, nb_error *err)
{
    const nb_score_settings *set = &s->settings;
    nb_memory_spec spec = {.texts = s->rows,
                           .classes = s->label_count + s->negative_count,
                           .d = s->d,
                           .slots = set->memory,
                           .sample = set->proxies == NB_PROXIES_SAMPLE,
                           .beta = set->beta,
                           .vector = s->vector};
    adaneg *a;
    nb_status status;
    NB_TRY_NEW(a, 1);
    *out = a;
    a->scorer = s;
    NB_TRY_NEW(a->groups, set->groups);
    NB_TRY_NEW(a->window.is_id, WINDOW);
    for (size_t i = 0; i < PSEUDO_COUNT; i++) {
        window_push(&a->window, true);
        window_push(&a->window, false);
    }
    NB_TRY(nb_memory_create(&a->memory, &spec, err));
done:
    if (status != NB_OK) {
        destroy(a);
        *out = NULL;
    }
    return status;
}

static nb_status settle(nb_score_settings *s, size_t labels, size_t negatives, nb_error *err)
{
    (void)labels;
    (void)negatives;
    bool fits = s->gamma >= 0 && s->gamma <= 1 && s->gap >= 0 && s->gap <= 1 && s->beta >= 0 && isfinite(s->beta) &&
                s->lambda >= 0 && isfinite(s->lambda) && s->memory >= 2 && s->memory <= 1000;
    return fits
               ? NB_OK
               : nb_fail(err, NB_ERR_USAGE,
                         "adaneg with gamma %g, gap %g, beta %g, lambda %g and memory %zu cannot be: gamma and gap are "
                         "within [0, 1], beta and lambda not negative, memory within [2, 1000]",
                         s->gamma, s->gap, s->beta, s->lambda, s->memory);
}

static nb_status make_room(adaneg *a, size_t count, nb_error *err)
{
    size_t width = a->scorer->label_count + a->scorer->negative_count, elements;
    nb_status status = NB_OK;
    if (count <= a->room) {
        return NB_OK;
    }
    if (!nb_mul_size(count, width, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", count);
    }
    free(a->proxies);
    free(a->plain);
    free(a->wholes);
    a->proxies = NULL;
    a->plain = NULL;
    a->wholes = NULL;
    a->room = 0;
    NB_TRY_NEW(a->proxies, elements);
    NB_TRY_NEW(a->plain, count);
    NB_TRY_NEW(a->wholes, count);
    a->room = count;
done:
    return status;
}

/* What the softmax that the class comes from divides by, as a logarithm. */
static double whole(const adaneg *a, const nb_logits *l)
{
    double sum = nb_log_add(l->labels, l->dropped);
    if (a->scorer->settings.adaptive_gap) {
        return l->labels;
    }
    for (size_t g = 0; g < a->scorer->settings.groups; g++) {
        sum = nb_log_add(sum, l->negatives[g]);
    }
    return sum;
}

static double entropy(const nb_scorer *s, const float *cosines, size_t count)
{
    float top, scale = (float)(1 / s->settings.temperature);
    double sum;
    s->vector->sum_exp(cosines, count, scale, &top, &sum);
    return s->vector->entropy(cosines, count, scale, top, sum);
}

/* The bounds above and below which an image of this batch is stored. */
static void bounds(adaneg *a, size_t count, double *above, double *below)
{
    const nb_score_settings *s = &a->scorer->settings;
    *above = s->gamma + s->gap * (1 - s->gamma);
    *below = s->gamma - s->gap * s->gamma;
    if (!s->adaptive_gap) {
        return;
    }
    for (int side = 1; side >= 0; side--) { /* the released code counts a batch's ID images first */
        for (size_t i = 0; i < count; i++) {
            if (side ? a->plain[i].score > *above : a->plain[i].score < *below) {
                window_push(&a->window, side);
            }
        }
    }
    double share = (double)a->window.id / (double)a->window.used;
    if (share > 0.5) {
        *below = s->gamma - share * s->gamma;
    } else if (share < 0.5) {
        *above = s->gamma + (1 - share) * (1 - s->gamma);
    }
}

static nb_status store(adaneg *a, const float *images, size_t count, nb_error *err)
{
    const nb_scorer *s = a->scorer;
    double above, below;
    bounds(a, count, &above, &below);
    for (size_t i = 0; i < count; i++) {
        const float *row = a->texts + i * (s->label_count + s->negative_count), *negatives = row + s->label_count;
        nb_status status = NB_OK;
        if (a->plain[i].score > above) {
            a->stored_id++;
            status = nb_memory_store(a->memory, (size_t)a->plain[i].label, images + i * s->d,
                                     entropy(s, row, s->label_count), err);
        } else if (a->plain[i].score < below) {
            a->stored_ood++;
            status = nb_memory_store(a->memory, s->label_count + s->vector->first_largest(negatives, s->negative_count),
                                     images + i * s->d, entropy(s, negatives, s->negative_count), err);
        }
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

/* The largest exp(z_c - za) + weight exp(y_c - ya), z and y the logits of cosines a and b. Only labels whose larger
 * term reaches half of the largest can win. */
static int32_t predict(const nb_scorer *s, const float *a, double za, const float *b, double yb, double weight)
{
    double scale = 1 / s->settings.temperature, best = -INFINITY, limit, least_a, least_b;
    size_t n = s->label_count;
    int32_t label = 0;
    yb -= log(weight);
    limit = fmax(scale * (double)a[s->vector->first_largest(a, n)] - za,
                 scale * (double)b[s->vector->first_largest(b, n)] - yb) -
            0.7;
    least_a = (limit + za) / scale;
    least_b = (limit + yb) / scale;
    for (size_t c = 0; c < n; c++) {
        if ((double)a[c] >= least_a || (double)b[c] >= least_b) {
            double sum = nb_log_add(scale * (double)a[c] - za, scale * (double)b[c] - yb);
            label = sum > best ? (int32_t)c : label;
            best = fmax(best, sum);
        }
    }
    return label;
}

static void combine(const nb_score_settings *s, const nb_score_result *plain, nb_score_result *out)
{
    switch (s->combine) {
    case NB_COMBINE_SUM:
        out->score += (s->adaptive_gap ? 1 : s->lambda) * plain->score;
        out->ood = NAN;
        break;
    case NB_COMBINE_PRODUCT:
        out->ood += out->score * plain->ood;
        out->score *= plain->score;
        break;
    case NB_COMBINE_ADAPTIVE: break;
    }
}

static nb_status prepare(void *state, const float *images, size_t count, nb_error *err)
{
    adaneg *a = state;
    const nb_scorer *s = a->scorer;
    size_t width = s->label_count + s->negative_count, elements;
    nb_status status = NB_OK;
    if (!nb_mul_size(count, width, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", count);
    }
    if (count > a->ahead_room) {
        free(a->ahead);
        a->ahead_room = 0;
        NB_TRY_NEW(a->ahead, elements);
        a->ahead_room = count;
    }
    nb_sgemm_nt(nb_matrix_of(images, count, s->d), nb_matrix_of(s->rows, width, s->d), 0, a->ahead, width);
    a->ahead_at = 0;
    a->ahead_count = count;
done:
    return status;
}

static nb_status push(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                      nb_error *err)
{
    adaneg *a = state;
    const nb_scorer *s = a->scorer;
    const nb_score_settings *set = &s->settings;
    size_t width = s->label_count + s->negative_count;
    nb_logits l;
    nb_status status;
    (void)stream;
    NB_TRY(make_room(a, count, err));
    if (a->ahead_count - a->ahead_at < count) {
        NB_TRY(prepare(a, images, count, err));
    }
    a->texts = a->ahead + a->ahead_at * width;
    a->ahead_at += count;
    for (size_t i = 0; i < count; i++) {
        nb_logits_from_row(s, a->texts + i * width, a->groups, &l);
        nb_score_neglabel.score(&l, &a->plain[i]);
        a->plain[i].label = (int32_t)l.best;
        a->wholes[i] = whole(a, &l);
    }
    NB_TRY(store(a, images, count, err));
    memcpy(a->proxies, a->texts, count * width * sizeof *a->texts);
    NB_TRY(nb_memory_cosines(a->memory, images, count, a->proxies, err));
    for (size_t i = 0; i < count; i++) {
        float *row = a->proxies + i * width;
        nb_logits_from_row(s, row, a->groups, &l);
        nb_score_neglabel.score(&l, &results[i]);
        results[i].label =
            predict(s, a->texts + i * width, a->wholes[i], row, whole(a, &l), set->adaptive_gap ? 1 : set->lambda);
        combine(set, &a->plain[i], &results[i]);
    }
done:
    return status;
}

static nb_status describe(const void *state, nb_buffer *out, nb_error *err)
{
    const adaneg *a = state;
    return nb_buffer_printf(out, err, "%zu images were confident ID, %zu confident OOD; %zu lie in the memory",
                            a->stored_id, a->stored_ood, nb_memory_count(a->memory));
}

static const nb_stream_rule stream_rule = {
    .create = create, .destroy = destroy, .push = push, .prepare = prepare, .describe = describe};

const nb_score_rule nb_score_adaneg = {.name = "adaneg",
                                       .defaults = {.temperature = 0.01,
                                                    .groups = 5,
                                                    .gamma = 0.5,
                                                    .gap = 0.5,
                                                    .beta = 5.5,
                                                    .lambda = 0.1,
                                                    .memory = 10,
                                                    .proxies = NB_PROXIES_SAMPLE,
                                                    .combine = NB_COMBINE_SUM},
                                       .uses = NB_USES_TEMPERATURE | NB_USES_NEGATIVES | NB_USES_MEMORY,
                                       .settle = settle,
                                       .stream = &stream_rule};
