/* AdaNeg (Zhang and Zhang, NeurIPS 2024), along a stream, with the rules of the authors' released code.
 *
 * Every image gets its NegLabel score v from the texts. Above gamma + gap (1 - gamma) it is stored
 * (scoring/streams/adaneg_memory.h) under its predicted label, below gamma - gap gamma under its best negative; its key
 * is the entropy of its softmax over the labels, or over the negatives. After the batch's own images are stored, its
 * adaptive score a is the NegLabel score with proxies in place of texts. The score is a + lambda v, a v or a; only the
 * first is no probability. The class is the largest p + lambda p', the softmax over all labels and negatives with texts
 * and with proxies.
 *
 * Adaptive gap: of the last 10 000 confident images, 100 pseudo counts a side to begin with, r were ID. While r > 1/2
 * it takes the place of the gap below, while r < 1/2 its complement takes that of the gap above. Then both parts of the
 * sum weigh 1, whatever lambda, and the class is the largest p + p' of softmaxes over the labels alone. */
#include "common/linear/blas.h"
#include "scoring/scores/neglabel.h"
#include "scoring/scores/nested.h"
#include "scoring/streams/adaneg_memory.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 10000, PSEUDO_COUNT = 100 };

/* How a class's proxy is made from its memory, and the score from its parts; numbered as the words below. */
enum { PROXIES_SAMPLE, PROXIES_TASK };
enum { COMBINE_SUM, COMBINE_PRODUCT, COMBINE_ADAPTIVE };

typedef struct settings {
    nb_score_shared shared;
    double gamma, gap, beta, lambda; /* as explained above */
    size_t memory;                   /* slots a class, one of them the text's */
    int proxies, combine;
    bool adaptive_gap;
} settings;

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_GROUPS("5"),
    NB_SCORE_SEED,
    NB_SCORE_GAMMA("0.5"),
    NB_SCORE_GAP("0.5"),
    NB_SCORE_BETA("5.5"),
    NB_SCORE_LAMBDA("0.1"),
    OPT_INT("memory", memory, "L", "10", 2, 1000, "slots a class, one of them the text's; {}"),
    OPT_CHOICE("proxies", proxies, "KIND", "sample", "sample|task", "proxies by image or one for all; {}"),
    OPT_CHOICE("combine", combine, "HOW", "sum", "sum|product|adaptive",
               "how adaptive and NegLabel score make one; {}"),
    OPT_FLAG("adaptive-gap", adaptive_gap, "the share of ID images so far moves the bounds"),
};

static const settings *adaneg_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

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
    float *ahead; /* [ahead_capacity, C + M] cosines of the images of this and the next batches with the texts */
    size_t ahead_capacity, ahead_at, ahead_count;
    float *texts;           /* among them: [count, C + M] of this batch */
    float *proxies;         /* [capacity, C + M] cosines of this batch */
    double *groups;         /* [G] */
    nb_score_result *plain; /* [capacity] NegLabel scores of a batch */
    double *wholes;         /* [capacity] the log-sum-exp that the class's softmax with texts divides by */
    size_t capacity;
} adaneg;

static void adaneg_window_push(window *w, bool is_id)
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

static void adaneg_destroy(void *state)
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

static nb_status adaneg_create(void **out, const nb_scorer *s, nb_error *err)
{
    const settings *set = adaneg_settings(s);
    nb_memory_spec spec = {.texts = s->rows,
                           .classes = s->label_count + s->negative_count,
                           .d = s->d,
                           .slots = set->memory,
                           .sample = set->proxies == PROXIES_SAMPLE,
                           .beta = set->beta,
                           .vector = s->vector};
    adaneg *a;
    nb_status status;
    NB_TRY_NEW(a, 1);
    *out = a;
    a->scorer = s;
    NB_TRY_NEW(a->groups, set->shared.groups);
    NB_TRY_NEW(a->window.is_id, WINDOW);
    for (size_t i = 0; i < PSEUDO_COUNT; i++) {
        adaneg_window_push(&a->window, true);
        adaneg_window_push(&a->window, false);
    }
    NB_TRY(nb_memory_create(&a->memory, &spec, err));
done:
    if (status != NB_OK) {
        adaneg_destroy(a);
        *out = NULL;
    }
    return status;
}

static nb_status adaneg_settle(nb_score_parameters *values, size_t labels, size_t negatives, char *note, nb_error *err)
{
    const settings *s = (const void *)values->block;
    (void)labels;
    (void)negatives;
    (void)note;
    bool fits = s->gamma >= 0 && s->gamma <= 1 && s->gap >= 0 && s->gap <= 1 && s->beta >= 0 && s->beta <= 1e4 &&
                s->lambda >= 0 && isfinite(s->lambda) && s->memory >= 2 && s->memory <= 1000;
    return fits
               ? NB_OK
               : nb_fail(err, NB_ERR_USAGE,
                         "adaneg with gamma %g, gap %g, beta %g, lambda %g and memory %zu cannot be: gamma and gap are "
                         "within [0, 1], beta within [0, 10000], lambda not negative, memory within [2, 1000]",
                         s->gamma, s->gap, s->beta, s->lambda, s->memory);
}

static nb_status adaneg_make_room(adaneg *a, size_t count, nb_error *err)
{
    size_t width = a->scorer->label_count + a->scorer->negative_count, elements;
    nb_status status = NB_OK;
    if (count <= a->capacity) {
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
    a->capacity = 0;
    NB_TRY_NEW(a->proxies, elements);
    NB_TRY_NEW(a->plain, count);
    NB_TRY_NEW(a->wholes, count);
    a->capacity = count;
done:
    return status;
}

/* What the softmax that the class comes from divides by, as a logarithm. */
static double adaneg_whole(const adaneg *a, const nb_logits *l)
{
    double sum = nb_log_add(l->labels, l->dropped);
    if (adaneg_settings(a->scorer)->adaptive_gap) {
        return l->labels;
    }
    for (size_t g = 0; g < a->scorer->parameters.shared.groups; g++) {
        sum = nb_log_add(sum, l->negatives[g]);
    }
    return sum;
}

static double adaneg_entropy(const nb_scorer *s, const float *cosines, size_t count)
{
    float top, scale = (float)(1 / s->parameters.shared.temperature);
    double sum;
    s->vector->sum_exp(cosines, count, scale, &top, &sum);
    return s->vector->entropy(cosines, count, scale, top, sum);
}

/* The bounds above and below which an image of this batch is stored. */
static void adaneg_bounds(adaneg *a, size_t count, double *above, double *below)
{
    const settings *s = adaneg_settings(a->scorer);
    *above = s->gamma + s->gap * (1 - s->gamma);
    *below = s->gamma - s->gap * s->gamma;
    if (!s->adaptive_gap) {
        return;
    }
    for (int side = 1; side >= 0; side--) { /* the released code counts a batch's ID images first */
        for (size_t i = 0; i < count; i++) {
            if (side ? a->plain[i].score > *above : a->plain[i].score < *below) {
                adaneg_window_push(&a->window, side);
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

static nb_status adaneg_store(adaneg *a, const float *images, size_t count, nb_error *err)
{
    const nb_scorer *s = a->scorer;
    double above, below;
    adaneg_bounds(a, count, &above, &below);
    for (size_t i = 0; i < count; i++) {
        const float *row = a->texts + i * (s->label_count + s->negative_count), *negatives = row + s->label_count;
        nb_status status = NB_OK;
        if (a->plain[i].score > above) {
            a->stored_id++;
            status = nb_memory_store(a->memory, (size_t)a->plain[i].label, images + i * s->d,
                                     adaneg_entropy(s, row, s->label_count), err);
        } else if (a->plain[i].score < below) {
            a->stored_ood++;
            status = nb_memory_store(a->memory, s->label_count + s->vector->first_largest(negatives, s->negative_count),
                                     images + i * s->d, adaneg_entropy(s, negatives, s->negative_count), err);
        }
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

/* The largest exp(z_c - za) + weight exp(y_c - ya), z and y the logits of cosines a and b. Only labels whose larger
 * term reaches half of the largest can win. */
static int32_t adaneg_predict(const nb_scorer *s, const float *a, double za, const float *b, double yb, double weight)
{
    double scale = 1 / s->parameters.shared.temperature, best = -INFINITY, limit, least_a, least_b;
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

static void adaneg_combine(const settings *s, const nb_score_result *plain, nb_score_result *out)
{
    switch (s->combine) {
    case COMBINE_SUM:
        out->score += (s->adaptive_gap ? 1 : s->lambda) * plain->score;
        out->ood = NAN;
        break;
    case COMBINE_PRODUCT:
        out->ood += out->score * plain->ood;
        out->score *= plain->score;
        break;
    default: break; /* COMBINE_ADAPTIVE: as it is */
    }
}

/* The products of a block [rows, d] in which the images stand behind `lead` others; elsewhere it is zero. */
static nb_status adaneg_prepare(void *state, const float *images, size_t count, size_t lead, size_t rows, nb_error *err)
{
    adaneg *a = state;
    const nb_scorer *s = a->scorer;
    size_t width = s->label_count + s->negative_count, elements;
    float *padded = NULL;
    nb_status status = NB_OK;
    if (!nb_mul_size(rows, width, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", rows);
    }
    if (rows > a->ahead_capacity) {
        free(a->ahead);
        a->ahead_capacity = 0;
        NB_TRY_NEW(a->ahead, elements);
        a->ahead_capacity = rows;
    }
    if (count < rows) {
        NB_TRY_NEW(padded, rows * s->d);
        memcpy(padded + lead * s->d, images, count * s->d * sizeof *images);
    }
    nb_sgemm_nt(nb_matrix_of(padded ? padded : images, rows, s->d), nb_matrix_of(s->rows, width, s->d), 0, a->ahead,
                width);
    a->ahead_at = lead;
    a->ahead_count = lead + count;
done:
    free(padded);
    return status;
}

static nb_status adaneg_push(void *state, nb_stream *stream, const float *images, size_t count,
                             nb_score_result *results, nb_error *err)
{
    adaneg *a = state;
    const nb_scorer *s = a->scorer;
    const settings *set = adaneg_settings(s);
    size_t width = s->label_count + s->negative_count;
    nb_logits l;
    nb_status status;
    (void)stream;
    NB_TRY(adaneg_make_room(a, count, err));
    if (a->ahead_count - a->ahead_at < count) {
        NB_TRY(adaneg_prepare(a, images, count, 0, count, err));
    }
    a->texts = a->ahead + a->ahead_at * width;
    a->ahead_at += count;
    for (size_t i = 0; i < count; i++) {
        nb_logits_from_row(s, a->texts + i * width, a->groups, &l);
        nb_score_neglabel.score(&l, &a->plain[i]);
        a->plain[i].label = (int32_t)l.best;
        a->wholes[i] = adaneg_whole(a, &l);
    }
    NB_TRY(adaneg_store(a, images, count, err));
    memcpy(a->proxies, a->texts, count * width * sizeof *a->texts);
    NB_TRY(nb_memory_cosines(a->memory, images, count, a->proxies, err));
    for (size_t i = 0; i < count; i++) {
        float *row = a->proxies + i * width;
        nb_logits_from_row(s, row, a->groups, &l);
        nb_score_neglabel.score(&l, &results[i]);
        results[i].label = adaneg_predict(s, a->texts + i * width, a->wholes[i], row, adaneg_whole(a, &l),
                                          set->adaptive_gap ? 1 : set->lambda);
        adaneg_combine(set, &a->plain[i], &results[i]);
    }
done:
    return status;
}

static nb_status adaneg_describe(const void *state, nb_buffer *out, nb_error *err)
{
    const adaneg *a = state;
    return nb_buffer_printf(out, err, "%zu images were confident ID, %zu confident OOD; %zu lie in the memory",
                            a->stored_id, a->stored_ood, nb_memory_count(a->memory));
}

static nb_status adaneg_state(void *state, nb_state_io *io, nb_error *err)
{
    adaneg *a = state;
    window *w = &a->window;
    nb_status status;
    NB_TRY(nb_state_count(io, &a->stored_id, SIZE_MAX / 2, "ID images", err));
    NB_TRY(nb_state_count(io, &a->stored_ood, SIZE_MAX / 2, "OOD images", err));
    NB_TRY(nb_state_count(io, &w->begin, WINDOW - 1, "images before the window", err));
    NB_TRY(nb_state_count(io, &w->used, WINDOW, "images in the window", err));
    NB_TRY(nb_state_bytes(io, w->is_id, WINDOW, err));
    w->id = 0;
    for (size_t i = 0; i < WINDOW; i++) {
        w->is_id[i] = w->is_id[i] != 0;
    }
    for (size_t i = 0; i < w->used; i++) {
        w->id += w->is_id[(w->begin + i) % WINDOW];
    }
    if (!w->used) {
        status = nb_fail(err, NB_ERR_INPUT, "the state has an empty window");
        goto done;
    }
    NB_TRY(nb_memory_state(a->memory, io, err));
done:
    return status;
}

static const nb_stream_rule adaneg_stream = {.create = adaneg_create,
                                             .destroy = adaneg_destroy,
                                             .push = adaneg_push,
                                             .prepare = adaneg_prepare,
                                             .describe = adaneg_describe,
                                             .state = adaneg_state};

/* The products with the texts, and with the images stored: at most all of them, half of them on average. */
static nb_score_cost adaneg_cost(const nb_score_load *load, const nb_score_parameters *values)
{
    const settings *s = (const void *)values->block;
    double stored = fmin(load->images, load->rows * ((double)s->memory - 1));
    return (nb_score_cost){.products = 2 * load->images * (load->rows + stored / 2) * load->width,
                           .memory = stored * load->width * sizeof(float)};
}

const nb_score_rule nb_score_adaneg = {.name = "adaneg",
                                       .source = "Zhang and Zhang, NeurIPS 2024",
                                       .negatives = true,
                                       .parameters = parameters,
                                       .parameter_count = sizeof parameters / sizeof *parameters,
                                       .block_size = sizeof(settings),
                                       .settle = adaneg_settle,
                                       .stream = &adaneg_stream,
                                       .cost = adaneg_cost};
