#include "common/clip/inversion/invert.h"

#include "common/base/random.h"
#include "common/clip/gradients/backward_towers.h"
#include "common/clip/inversion/invert_templates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double rate = 2e-2, decay = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, deviation = 0.02;

struct nb_inverter {
    const nb_clip *clip;
    size_t steps, batch;
    nb_word_templates templates;
    nb_tape tape;
    nb_projection_head head;
    size_t *lengths;            /* [batch] */
    nb_tape_prefix *prefixes;   /* [batch] */
    float *d;                   /* [rows, width] */
    nb_pooled_rows pooled_rows; /* [batch, width] */
    float *m, *v, *gradient;    /* [batch, width] */
    float *texts, *dtexts;      /* [batch, projection] */
    float *drawn_words;         /* [batch, width] */
    uint32_t *drawn_choices;    /* [batch, steps] */
};

/* Arrays of one number a (image, channel). */
static nb_status invert_make_rows(nb_inverter *v, nb_error *err)
{
    size_t w = v->clip->config.text.width, d = v->clip->config.projection;
    nb_status status;
    NB_TRY(nb_pooled_rows_create(&v->pooled_rows, v->batch, w, err));
    NB_TRY_NEW(v->m, v->batch * w);
    NB_TRY_NEW(v->v, v->batch * w);
    NB_TRY_NEW(v->gradient, v->batch * w);
    NB_TRY_NEW(v->drawn_words, v->batch * w);
    NB_TRY_NEW(v->texts, v->batch * d);
    NB_TRY_NEW(v->dtexts, v->batch * d);
done:
    return status;
}

nb_status nb_inverter_create(nb_inverter **out, const nb_clip *clip, const nb_strings *templates, size_t steps,
                             size_t batch, nb_error *err)
{
    nb_word_templates made;
    nb_status status;
    *out = NULL;
    if (steps < 1 || steps > NB_INVERT_STEPS_MAX || batch < 1) {
        return nb_fail(err, NB_ERR_USAGE, "inversion takes 1 to %d steps, not %zu", NB_INVERT_STEPS_MAX, steps);
    }
    NB_TRY(nb_word_templates_create(&made, clip, templates, err));
    NB_TRY(nb_inverter_create_with(out, clip, &made, steps, batch, err));
done:
    return status;
}

nb_status nb_inverter_create_with(nb_inverter **out, const nb_clip *clip, nb_word_templates *templates, size_t steps,
                                  size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    nb_status status;
    *out = NULL;
    nb_inverter *v = nb_alloc(1, sizeof *v, err);
    if (!v) {
        nb_word_templates_destroy(templates);
        return NB_ERR_LIMIT;
    }
    v->clip = clip;
    v->steps = steps;
    v->batch = batch;
    v->templates = *templates;
    *templates = (nb_word_templates){0};
    if (steps < 1 || steps > NB_INVERT_STEPS_MAX || batch < 1) {
        status = nb_fail(err, NB_ERR_USAGE, "inversion takes 1 to %d steps, not %zu", NB_INVERT_STEPS_MAX, steps);
        goto done;
    }
    v->head = nb_text_projection_head(clip);
    size_t rows = batch * v->templates.rows_max;
    const nb_tape_size size = {.rows = rows, .longest = c->context, .causal = true};
    NB_TRY(nb_tape_create(&v->tape, &c->text, clip->text_blocks, &size, err));
    NB_TRY_NEW(v->lengths, batch);
    NB_TRY_NEW(v->prefixes, batch);
    NB_TRY_NEW(v->d, rows * c->text.width);
    NB_TRY_NEW(v->drawn_choices, batch * steps);
    NB_TRY(invert_make_rows(v, err));
    *out = v;
    v = NULL;
done:
    nb_inverter_destroy(v);
    return status;
}

void nb_inverter_destroy(nb_inverter *v)
{
    if (v) {
        nb_word_templates_destroy(&v->templates);
        nb_tape_destroy(&v->tape);
        nb_pooled_rows_destroy(&v->pooled_rows);
        free(v->lengths);
        free(v->prefixes);
        free(v->d);
        free(v->m);
        free(v->v);
        free(v->gradient);
        free(v->texts);
        free(v->dtexts);
        free(v->drawn_words);
        free(v->drawn_choices);
        free(v);
    }
}

/* One stream an image: the first word's numbers, then the choices. */
void nb_inverter_draw(const nb_inverter *v, uint64_t seed, uint64_t id, float *word, uint32_t *choices)
{
    size_t w = v->clip->config.text.width;
    for (size_t i = 0; i < w; i++) {
        word[i] = (float)(deviation * nb_random_normal(seed, id, i));
    }
    for (size_t k = 0; k < v->steps; k++) {
        choices[k] = (uint32_t)nb_random_below(seed, id, w + k, v->templates.count);
    }
}

/* The embeddings [count, projection] of the words in the templates of one step, into v->texts. */
static void invert_embed(nb_inverter *v, const nb_inversion *n, size_t step)
{
    const nb_clip *m = v->clip;
    size_t w = m->config.text.width, count = n->count;
    float *x = nb_tape_input(&v->tape);
    for (size_t i = 0; i < count; i++) {
        const nb_word_template *t = &v->templates.list[n->choices[i * v->steps + step]];
        const float *position = m->text_position + t->prefix.before * w;
        v->lengths[i] = t->rows;
        v->prefixes[i] = t->prefix;
        for (size_t r = 0; r < t->rows; r++, x += w) {
            const float *token = r ? m->token_embedding + (size_t)t->tokens[r] * w : n->words + i * w;
            v->tape.vector->add(x, token, position + r * w, w);
        }
    }
    const float *last = nb_tape_forward(&v->tape, v->lengths, v->prefixes, count);
    for (size_t i = 0, row = 0; i < count; i++) {
        row += v->lengths[i];
        memcpy(v->pooled_rows.pooled + i * w, last + (row - 1) * w, w * sizeof *last);
    }
    nb_projection_head_forward(&v->head, &v->pooled_rows, count, v->texts);
}

/* 1 - cos(text, image), and its gradient by the text. */
static double invert_loss_of(const float *text, const float *image, size_t d, float *dtext)
{
    double dot = 0, text_square = 0, image_square = 0;
    for (size_t i = 0; i < d; i++) {
        dot += (double)text[i] * (double)image[i];
        text_square += (double)text[i] * (double)text[i];
        image_square += (double)image[i] * (double)image[i];
    }
    double text_norm = sqrt(text_square), cosine = dot / (text_norm * sqrt(image_square));
    for (size_t i = 0; i < d; i++) {
        double unit = (double)text[i] / text_norm;
        dtext[i] = (float)((cosine * unit - (double)image[i] / sqrt(image_square)) / text_norm);
    }
    return 1.0 - cosine;
}

/* The dot product of the text's unit vector with `away`, whose gradient by the text is added. */
static double invert_away(const float *text, const float *away, size_t d, float *dtext)
{
    double dot = 0, square = 0;
    for (size_t i = 0; i < d; i++) {
        dot += (double)text[i] * (double)away[i];
        square += (double)text[i] * (double)text[i];
    }
    double norm = sqrt(square), product = dot / norm;
    for (size_t i = 0; i < d; i++) {
        dtext[i] += (float)(((double)away[i] - product * (double)text[i] / norm) / norm);
    }
    return product;
}

/* v->dtexts [count, projection] to v->gradient [count, width], by the words. */
static void invert_backward(nb_inverter *v, size_t count)
{
    const nb_gradient_sink frozen = {0};
    size_t w = v->clip->config.text.width;
    nb_projection_head_backward(&v->head, &v->pooled_rows, v->dtexts, count, &frozen);
    memset(v->d, 0, v->tape.used * w * sizeof *v->d);
    for (size_t i = 0, row = 0; i < count; i++) {
        row += v->lengths[i];
        memcpy(v->d + (row - 1) * w, v->pooled_rows.dpooled + i * w, w * sizeof *v->d);
    }
    nb_tape_backward(&v->tape, v->d, &frozen);
    for (size_t i = 0, row = 0; i < count; row += v->lengths[i], i++) {
        memcpy(v->gradient + i * w, v->d + row * w, w * sizeof *v->d);
    }
}

static nb_status invert_take_features(const nb_inverter *v, size_t count, float *features, nb_error *err)
{
    size_t d = v->clip->config.projection;
    for (size_t i = 0; i < count; i++) {
        const float *text = v->texts + i * d;
        double square = 0;
        for (size_t k = 0; k < d; k++) {
            square += (double)text[k] * (double)text[k];
        }
        if (!isfinite(square) || !(square > 0)) {
            return nb_fail(err, NB_ERR_NUMERIC, "the inverted feature of image %zu of a tile has norm %g", i,
                           sqrt(square));
        }
        for (size_t k = 0; k < d; k++) {
            features[i * d + k] = (float)((double)text[k] / sqrt(square));
        }
    }
    return NB_OK;
}

nb_status nb_inverter_run(nb_inverter *v, const nb_inversion *n, float *features, double *losses, nb_error *err)
{
    size_t w = v->clip->config.text.width, d = v->clip->config.projection, count = n->count;
    memset(v->m, 0, count * w * sizeof *v->m);
    memset(v->v, 0, count * w * sizeof *v->v);
    for (size_t step = 0; step < v->steps; step++) {
        invert_embed(v, n, step);
        for (size_t i = 0; i < count; i++) {
            double loss = invert_loss_of(v->texts + i * d, n->images + i * d, d, v->dtexts + i * d);
            if (n->away) {
                loss += n->away_loss + invert_away(v->texts + i * d, n->away, d, v->dtexts + i * d);
            }
            if (!isfinite(loss)) {
                return nb_fail(err, NB_ERR_NUMERIC, "the loss of image %zu of a tile is %g at step %zu", i, loss,
                               step + 1);
            }
            if (losses) {
                losses[i * v->steps + step] = loss;
            }
        }
        invert_backward(v, count);
        nb_adamw a = nb_adamw_at(rate, decay, beta1, beta2, epsilon, step + 1);
        v->tape.gradient->adamw(&a, n->words, v->m, v->v, v->gradient, count * w);
    }
    invert_embed(v, n, v->steps - 1);
    return invert_take_features(v, count, features, err);
}

nb_status nb_inverter_images(nb_inverter *v, uint64_t seed, const nb_numbered_images *images, float *features,
                             nb_error *err)
{
    size_t w = v->clip->config.text.width;
    for (size_t i = 0; i < images->count; i++) {
        nb_inverter_draw(v, seed, images->ids[i], v->drawn_words + i * w, v->drawn_choices + i * v->steps);
    }
    const nb_inversion n = {
        .images = images->rows, .count = images->count, .words = v->drawn_words, .choices = v->drawn_choices};
    return nb_inverter_run(v, &n, features, NULL, err);
}
