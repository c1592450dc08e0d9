/* InterNeg's score (CVPR 2026): grouped NegLabel over the bank and the visual negatives so far, those of the bank and
 * those added along the stream, of which the `visual` ones with the largest margins stay. An image that scores under
 * theta is a confident OOD image: a maker of visual negatives, where one is given, gets the batch's before the batch is
 * scored for good.
 *
 * The groups are those of the formula, over ONE list: the bank's M negatives in their order, behind them the V visual
 * ones, the largest margin first; permuted as a whole by the seed where there is one; then cut into G runs of
 * Q = floor((M + V) / G), the remainder of (M + V) mod G dropped. Without a seed two things follow. The last group
 * takes the visual negatives first, and while M mod G + V < G they all stand in the remainder: up to G - 1 of them
 * change nothing. And when Q grows, every group's limits move. Neither is repaired here: the definition says so, and
 * the remainder is under G of M + V negatives. A seed spreads visual negatives over all groups. */
#include "scoring/scores/neglabel.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_score_shared shared;
    double theta;  /* an image that scores less may become a visual negative */
    size_t visual; /* visual negatives kept at most */
} settings;

static const nb_option parameters[] = {
    NB_SCORE_TEMPERATURE("0.01"),    NB_SCORE_GROUPS("5"),    NB_SCORE_SEED,
    NB_SCORE_THETA(NB_VISUAL_THETA), NB_SCORE_VISUAL("2000"),
};

static const settings *interneg_settings(const nb_scorer *s)
{
    return (const void *)s->parameters.block;
}

typedef struct interneg {
    const nb_scorer *scorer; /* whose bank and settings count */
    nb_scorer inner;         /* with the visual negatives so far */
    float *rows;             /* [count, d] visual negatives, the largest margin first */
    double *margins;         /* [count] */
    size_t count, pushed;
    bool changed; /* inner does not know the newest */
    nb_visual_maker make;
    void *self;
} interneg;

/* The rule of the inner scorer: NegLabel's, of an image alone. */
static nb_status interneg_rebuild(interneg *v, nb_error *err)
{
    const nb_score_parameters inner = {.rule = &nb_score_neglabel, .shared = v->scorer->parameters.shared};
    nb_scorer fresh;
    nb_status status = nb_scorer_create_with(&fresh, v->scorer->bank, &inner, v->rows, v->count, err);
    if (status == NB_OK) {
        nb_scorer_destroy(&v->inner);
        v->inner = fresh;
        v->changed = false;
    }
    return status;
}

static void interneg_destroy(void *state)
{
    interneg *v = state;
    if (v) {
        nb_scorer_destroy(&v->inner);
        free(v->rows);
        free(v->margins);
        free(v);
    }
}

/* Behind those with the same margin: who came first stays first. */
static nb_status interneg_insert(interneg *v, const float *row, double margin, nb_error *err)
{
    size_t d = v->scorer->d, at = v->count, limit = interneg_settings(v->scorer)->visual;
    while (at > 0 && margin > v->margins[at - 1]) {
        at--;
    }
    if (at >= limit) {
        return NB_OK;
    }
    if (v->count < limit) {
        float *rows = nb_grow(v->rows, v->count + 1, d * sizeof *rows, err);
        v->rows = rows ? rows : v->rows;
        double *margins = rows ? nb_grow(v->margins, v->count + 1, sizeof *margins, err) : NULL;
        if (!margins) {
            return NB_ERR_LIMIT;
        }
        v->margins = margins;
        v->count++;
    }
    memmove(v->rows + (at + 1) * d, v->rows + at * d, (v->count - 1 - at) * d * sizeof *row);
    memmove(v->margins + at + 1, v->margins + at, (v->count - 1 - at) * sizeof margin);
    memcpy(v->rows + at * d, row, d * sizeof *row);
    v->margins[at] = margin;
    v->changed = true;
    return NB_OK;
}

static nb_status interneg_add_negatives(void *state, const float *rows, const double *margins, size_t count,
                                        nb_error *err)
{
    interneg *v = state;
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        if (isnan(margins[i])) {
            return nb_fail(err, NB_ERR_NUMERIC, "visual negative %zu has no margin", i);
        }
        NB_TRY(interneg_insert(v, rows + i * v->scorer->d, margins[i], err));
    }
done:
    return status;
}

/* The visual negatives that came with the bank. */
static nb_status interneg_take_banks(interneg *v, nb_error *err)
{
    const nb_bank *b = v->scorer->bank;
    float *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, b->visual_count * b->d);
    for (size_t i = 0; i < b->visual_count * b->d; i++) {
        rows[i] = (float)b->visual_rows[i];
    }
    NB_TRY(interneg_add_negatives(v, rows, b->visual_criterion, b->visual_count, err));
done:
    free(rows);
    return status;
}

static nb_status interneg_create(void **out, const nb_scorer *s, nb_error *err)
{
    interneg *v;
    nb_status status;
    NB_TRY_NEW(v, 1);
    v->scorer = s;
    *out = v;
    NB_TRY(interneg_take_banks(v, err));
    NB_TRY(interneg_rebuild(v, err));
done:
    if (status != NB_OK) {
        interneg_destroy(v);
        *out = NULL;
    }
    return status;
}

static nb_status interneg_make_visual(void *state, nb_visual_maker make, void *self, nb_error *err)
{
    interneg *v = state;
    (void)err;
    v->make = make;
    v->self = self;
    return NB_OK;
}

/* Hands the batch's confident OOD images to the maker. */
static nb_status interneg_offer(interneg *v, nb_stream *stream, const float *images, size_t count,
                                const nb_score_result *results, nb_error *err)
{
    size_t d = v->scorer->d, n = 0;
    float *rows = NULL;
    size_t *number = NULL;
    nb_status status;
    NB_TRY_NEW(rows, count * d);
    NB_TRY_NEW(number, count);
    for (size_t i = 0; i < count; i++) {
        if (results[i].score < interneg_settings(v->scorer)->theta) {
            memcpy(rows + n * d, images + i * d, d * sizeof *rows);
            number[n++] = v->pushed + i;
        }
    }
    status = n ? v->make(v->self, stream, rows, number, n, err) : NB_OK;
done:
    free(rows);
    free(number);
    return status;
}

static nb_status interneg_push(void *state, nb_stream *stream, const float *images, size_t count,
                               nb_score_result *results, nb_error *err)
{
    interneg *v = state;
    nb_status status;
    if (v->changed) {
        NB_TRY(interneg_rebuild(v, err));
    }
    NB_TRY(nb_scorer_run_float(&v->inner, images, count, results, err));
    if (v->make) {
        NB_TRY(interneg_offer(v, stream, images, count, results, err));
    }
    if (v->changed) {
        NB_TRY(interneg_rebuild(v, err));
        NB_TRY(nb_scorer_run_float(&v->inner, images, count, results, err));
    }
    v->pushed += count;
done:
    return status;
}

static nb_status interneg_describe(const void *state, nb_buffer *out, nb_error *err)
{
    const interneg *v = state;
    return nb_buffer_printf(out, err, "%zu visual negatives stand beside the bank", v->count);
}

static nb_status interneg_state(void *state, nb_state_io *io, nb_error *err)
{
    interneg *v = state;
    size_t count = v->count;
    void *rows = v->rows, *margins = v->margins;
    nb_status status;
    NB_TRY(nb_state_count(io, &v->pushed, SIZE_MAX / 2, "images", err));
    NB_TRY(nb_state_count(io, &count, interneg_settings(v->scorer)->visual, "visual negatives", err));
    v->count = io->saving ? count : 0;
    status = nb_state_array(io, &rows, count, v->scorer->d * sizeof *v->rows, err);
    v->rows = rows;
    NB_TRY(status);
    status = nb_state_array(io, &margins, count, sizeof *v->margins, err);
    v->margins = margins;
    NB_TRY(status);
    for (size_t i = 0; i < count && !io->saving; i++) {
        if (isnan(v->margins[i]) || (i && v->margins[i] > v->margins[i - 1])) {
            status = nb_fail(err, NB_ERR_INPUT, "the margins of the state are in no order");
            goto done;
        }
    }
    v->count = count;
    v->changed = v->changed || !io->saving;
done:
    return status;
}

static nb_visual_limits interneg_visual(const nb_scorer *scorer)
{
    const settings *s = interneg_settings(scorer);
    return (nb_visual_limits){.theta = s->theta, .count = s->visual};
}

static const nb_stream_rule interneg_stream = {.create = interneg_create,
                                               .destroy = interneg_destroy,
                                               .push = interneg_push,
                                               .describe = interneg_describe,
                                               .state = interneg_state,
                                               .add_negatives = interneg_add_negatives,
                                               .make_visual = interneg_make_visual,
                                               .visual_limits = interneg_visual};

const nb_score_rule nb_score_interneg = {.name = "interneg",
                                         .source = "InterNeg, CVPR 2026",
                                         .negatives = true,
                                         .parameters = parameters,
                                         .parameter_count = sizeof parameters / sizeof *parameters,
                                         .block_size = sizeof(settings),
                                         .stream = &interneg_stream};
