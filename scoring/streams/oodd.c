/* OODD (Yang et al., CVPR 2025): a queue of the images with the lowest base scores so far, most of them OOD, pulls down
 * the score of what resembles them.
 *
 * A batch is put in first: the queue keeps the `queue` lowest base scores of all images seen, who came first among
 * equals. Then every image of the batch gets base(x) - c, c the `nearest`-th largest cosine of x with the rows of the
 * queue; with fewer rows the smallest there is, without any 0 (the released code fails there). The base is any score of
 * single images, without what this one subtracts: the queue does not feed on itself.
 *
 * The released code counts an image that is in the queue as its own nearest neighbour, at cosine 1. That is a reward
 * for being in the queue which depends on nothing but rounding of the cut; with exclude-self, the default, an image is
 * compared with the others alone, and no-exclude-self gives the paper's numbers. The score lies between -1 and 2 for a
 * base in [0, 1]; it is no probability. */
#include "common/linear/blas.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEAREST_MAX = 256 };

typedef struct settings {
    nb_score_shared shared;
    int base; /* number of the word below */
    size_t queue, nearest;
    bool exclude_self;
} settings;

#define BASES "neglabel|dnm|debiased|nested|mcm|max-logit|energy"

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),
    NB_SCORE_GROUPS("100"),
    NB_SCORE_SEED,
    OPT_CHOICE("base", base, "SCORE", "neglabel", BASES,
               "score that the queue corrects, with the temperature, groups and seed given; {}"),
    NB_SCORE_QUEUE("2048"),
    OPT_INT("nearest", nearest, "K", "5", 1, NEAREST_MAX, "the cosine that counts is the K-th largest; {}"),
    OPT_FLAG("exclude-self", exclude_self,
             "an image that is in the queue does not count itself; default on (off: as released)", .fallback = "on"),
};

static const settings *oodd_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

typedef struct oodd {
    const nb_scorer *scorer;
    nb_scorer base;
    size_t pushed, count; /* images so far; of them in the queue */
    double *keys;         /* [queue] base scores */
    uint64_t *numbers;    /* [queue] of the images in the stream */
    float *rows;          /* [queue, d] */
    float *cosines;       /* [capacity, queue] */
    size_t capacity;
} oodd;

/* The base of a number of the choice above, with the parameters its own score has and those that are given here. */
static nb_status oodd_base(nb_score_parameters *out, const nb_score_parameters *values, const nb_bank *bank,
                           nb_error *err)
{
    const char *origin[NB_SCORE_PARAMETERS_MAX], *word = BASES;
    char name[NB_BANK_SCORE_BYTES];
    nb_status status;
    for (int i = ((const settings *)(const void *)values->block)->base; i > 0; i--) {
        word = strchr(word, '|') + 1;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "|"), word);
    const nb_score_rule *rule = nb_score_find(name);
    if (!rule) {
        return nb_fail(err, NB_ERR_USAGE, "oodd: this program has no score '%s'", name);
    }
    NB_TRY(bank ? nb_parameters_default(out, origin, bank, rule, err) : nb_score_published(out, rule, err));
    out->shared = bank ? values->shared : out->shared;
done:
    return status;
}

/* One temperature does not suit all bases: MCM's is 1. */
static nb_status oodd_settle(nb_score_parameters *values, size_t labels, size_t negatives, char *note, nb_error *err)
{
    nb_score_parameters base;
    nb_status status;
    (void)labels;
    (void)negatives;
    NB_TRY(oodd_base(&base, values, NULL, err));
    double own = base.shared.temperature, given = values->shared.temperature;
    if (own < given || own > given) {
        snprintf(note, NB_SCORE_NOTE_BYTES, "oodd computes %s at temperature %g; %s was published with %g",
                 base.rule->name, given, base.rule->name, own);
    }
done:
    return status;
}

static void oodd_destroy(void *state)
{
    oodd *o = state;
    if (o) {
        nb_scorer_destroy(&o->base);
        free(o->keys);
        free(o->numbers);
        free(o->rows);
        free(o->cosines);
        free(o);
    }
}

static nb_status oodd_create(void **out, const nb_scorer *s, nb_error *err)
{
    size_t queue = oodd_settings(s)->queue, elements;
    nb_score_parameters base;
    oodd *o;
    nb_status status;
    NB_TRY_NEW(o, 1);
    *out = o;
    o->scorer = s;
    if (!nb_mul_size(queue, s->d, &elements)) {
        status = nb_fail(err, NB_ERR_LIMIT, "a queue of %zu images is too large", queue);
        goto done;
    }
    NB_TRY(oodd_base(&base, &s->parameters, s->bank, err));
    NB_TRY(nb_scorer_create(&o->base, s->bank, &base, err));
    NB_TRY_NEW(o->keys, queue);
    NB_TRY_NEW(o->numbers, queue);
    NB_TRY_NEW(o->rows, elements);
done:
    if (status != NB_OK) {
        oodd_destroy(o);
        *out = NULL;
    }
    return status;
}

/* Where an image with this key goes; `queue`: nowhere. The last of the largest keys makes room. */
static size_t oodd_place(const oodd *o, double key, size_t queue)
{
    size_t at = 0;
    if (o->count < queue) {
        return o->count;
    }
    for (size_t i = 1; i < queue; i++) {
        bool later = !(o->keys[i] < o->keys[at]) && (o->keys[i] > o->keys[at] || o->numbers[i] > o->numbers[at]);
        at = later ? i : at;
    }
    return key < o->keys[at] ? at : queue;
}

static void oodd_store(oodd *o, const float *images, size_t count, const nb_score_result *results)
{
    size_t d = o->scorer->d, queue = oodd_settings(o->scorer)->queue;
    for (size_t i = 0; i < count; i++) {
        size_t at = oodd_place(o, results[i].score, queue);
        if (at < queue) {
            o->count += at == o->count;
            o->keys[at] = results[i].score;
            o->numbers[at] = o->pushed + i;
            memcpy(o->rows + at * d, images + i * d, d * sizeof *images);
        }
    }
}

/* The nearest-th largest of cosines [count] with the queue, that of image `number` with itself left out. */
static double oodd_cosine(const oodd *o, const float *cosines, uint64_t number)
{
    const settings *set = oodd_settings(o->scorer);
    float largest[NEAREST_MAX] = {0};
    size_t have = 0, nearest = set->nearest < NEAREST_MAX ? set->nearest : NEAREST_MAX;
    for (size_t q = 0; q < o->count; q++) {
        if ((have && have == nearest && cosines[q] <= largest[have - 1]) ||
            (set->exclude_self && o->numbers[q] == number)) {
            continue;
        }
        size_t at = have < nearest ? have++ : have - 1;
        for (; at > 0 && largest[at - 1] < cosines[q]; at--) {
            largest[at] = largest[at - 1];
        }
        largest[at] = cosines[q];
    }
    return have ? (double)largest[have - 1] : 0;
}

static nb_status oodd_push(void *state, nb_stream *stream, const float *images, size_t count, nb_score_result *results,
                           nb_error *err)
{
    oodd *o = state;
    size_t d = o->scorer->d, queue = oodd_settings(o->scorer)->queue, elements;
    nb_status status;
    (void)stream;
    if (!nb_mul_size(count, queue, &elements)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", count);
    }
    NB_TRY(nb_scorer_run_float(&o->base, images, count, results, err));
    if (count > o->capacity) {
        free(o->cosines);
        o->capacity = 0;
        NB_TRY_NEW(o->cosines, elements);
        o->capacity = count;
    }
    oodd_store(o, images, count, results);
    nb_sgemm_nt(nb_matrix_of(images, count, d), nb_matrix_of(o->rows, o->count, d), 0, o->cosines, o->count);
    for (size_t i = 0; i < count; i++) {
        results[i].score -= oodd_cosine(o, o->cosines + i * o->count, o->pushed + i);
        results[i].ood = NAN;
    }
    o->pushed += count;
done:
    return status;
}

static nb_status oodd_describe(const void *state, nb_buffer *out, nb_error *err)
{
    const oodd *o = state;
    return nb_buffer_printf(out, err, "the queue holds %zu images, an image %s itself", o->count,
                            oodd_settings(o->scorer)->exclude_self ? "does not count" : "counts");
}

static nb_status oodd_state(void *state, nb_state_io *io, nb_error *err)
{
    oodd *o = state;
    nb_status status;
    NB_TRY(nb_state_count(io, &o->pushed, SIZE_MAX / 2, "images", err));
    NB_TRY(nb_state_count(io, &o->count, oodd_settings(o->scorer)->queue, "images in the queue", err));
    NB_TRY(nb_state_bytes(io, o->keys, o->count * sizeof *o->keys, err));
    NB_TRY(nb_state_bytes(io, o->numbers, o->count * sizeof *o->numbers, err));
    NB_TRY(nb_state_bytes(io, o->rows, o->count * o->scorer->d * sizeof *o->rows, err));
done:
    return status;
}

static const nb_stream_rule oodd_stream = {.create = oodd_create,
                                           .destroy = oodd_destroy,
                                           .push = oodd_push,
                                           .describe = oodd_describe,
                                           .state = oodd_state,
                                           .batch = 64};

static nb_score_cost oodd_cost(const nb_score_load *load, const nb_score_parameters *values)
{
    double queue = (double)((const settings *)(const void *)values->block)->queue;
    return (nb_score_cost){.products = 2 * load->images * (load->rows + queue) * load->width,
                           .memory = queue * load->width * sizeof(float)};
}

const nb_score_rule nb_score_oodd = {.name = "oodd",
                                     .source = "OODD, CVPR 2025",
                                     .negatives = true,
                                     .parameters = parameters,
                                     .parameter_count = sizeof parameters / sizeof *parameters,
                                     .block_size = sizeof(settings),
                                     .settle = oodd_settle,
                                     .stream = &oodd_stream,
                                     .cost = oodd_cost};
