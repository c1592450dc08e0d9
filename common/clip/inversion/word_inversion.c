#include "common/clip/inversion/word_inversion.h"

#include "common/clip/inversion/invert_templates.h"
#include "common/clip/model/text_encoder.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 256 }; /* texts that are embedded together */

static nb_status word_tokens(const nb_clip *m, const char *text, int32_t *ids, size_t *count, nb_error *err)
{
    return nb_tokenizer_encode(m->tokenizer, text, strlen(text), (nb_token_array){ids, m->config.context}, count, err);
}

/* The prompts, and where the last token of each word stands in its own. */
static nb_status word_fill_texts(nb_word_inversion *v, const nb_strings *words, nb_error *err)
{
    nb_buffer text = {0};
    int32_t *ids = NULL;
    nb_status status;
    NB_TRY_NEW(ids, v->clip->config.context);
    NB_TRY_NEW(v->places, words->count);
    for (size_t b = 0; b < words->count; b++) {
        size_t count;
        nb_buffer_clear(&text);
        NB_TRY(nb_buffer_printf(&text, err, "a photo of a %s", nb_strings_get(words, b)));
        NB_TRY(word_tokens(v->clip, text.data, ids, &count, err));
        v->places[b] = count > 2 ? count - 2 : 0;
        NB_TRY(nb_buffer_append(&text, ".", 1, err));
        NB_TRY(nb_strings_push(&v->texts, text.data, text.len, err));
    }
done:
    nb_buffer_free(&text);
    free(ids);
    return status;
}

static nb_status word_normalise(float *row, size_t d, const char *text, nb_error *err)
{
    double square = 0;
    for (size_t k = 0; k < d; k++) {
        square += (double)row[k] * (double)row[k];
    }
    if (!(square > 0) || !isfinite(square)) {
        return nb_fail(err, NB_ERR_NUMERIC, "the embedding of '%.200s' has norm %g", text, sqrt(square));
    }
    for (size_t k = 0; k < d; k++) {
        row[k] = (float)((double)row[k] / sqrt(square));
    }
    return NB_OK;
}

static nb_status word_embed(nb_word_inversion *v, nb_error *err)
{
    nb_text_encoder *encoder = NULL;
    nb_status status;
    NB_TRY_NEW(v->starts, v->count * v->d);
    NB_TRY(nb_text_encoder_create(&encoder, v->clip, TOGETHER, err));
    for (size_t at = 0, n; at < v->count; at += n) {
        n = v->count - at < TOGETHER ? v->count - at : TOGETHER;
        NB_TRY(nb_text_encoder_run(encoder, &v->texts, at, n, v->starts + at * v->d, err));
    }
    for (size_t b = 0; b < v->count; b++) {
        NB_TRY(word_normalise(v->starts + b * v->d, v->d, nb_strings_get(&v->texts, b), err));
    }
done:
    nb_text_encoder_destroy(encoder);
    return status;
}

/* The mean prototype, and how near the words are to it. */
static nb_status word_keep_away(nb_word_inversion *v, const nb_word_inversion_plan *plan, nb_error *err)
{
    double *mean = NULL;
    nb_status status;
    NB_TRY_NEW(mean, v->d);
    NB_TRY_NEW(v->away, v->d);
    NB_TRY_NEW(v->regulariser, v->count);
    for (size_t c = 0; c < plan->classes; c++) {
        for (size_t k = 0; k < v->d; k++) {
            mean[k] += plan->prototypes[c * v->d + k] / (double)plan->classes;
        }
    }
    for (size_t k = 0; k < v->d; k++) {
        v->away[k] = (float)(v->lambda * mean[k]);
    }
    for (size_t b = 0; b < v->count; b++) {
        v->regulariser[b] = 1;
        for (size_t k = 0; k < v->d; k++) {
            v->regulariser[b] += (double)v->starts[b * v->d + k] * mean[k];
        }
    }
done:
    free(mean);
    return status;
}

nb_status nb_word_inversion_create(nb_word_inversion *v, const nb_clip *clip, const nb_word_inversion_plan *plan,
                                   nb_error *err)
{
    nb_status status;
    *v = (nb_word_inversion){.clip = clip,
                             .d = clip->config.projection,
                             .count = plan->words->count,
                             .steps = plan->steps,
                             .lambda = plan->lambda};
    if (!v->count || !plan->classes || plan->steps < 1 || plan->steps > NB_INVERT_STEPS_MAX) {
        return nb_fail(err, NB_ERR_USAGE, "inversion from %zu words by %zu classes in %zu steps cannot be", v->count,
                       plan->classes, plan->steps);
    }
    NB_TRY(word_fill_texts(v, plan->words, err));
    NB_TRY(word_embed(v, err));
    NB_TRY(word_keep_away(v, plan, err));
done:
    return status;
}

void nb_word_inversion_destroy(nb_word_inversion *v)
{
    nb_strings_free(&v->texts);
    free(v->places);
    free(v->starts);
    free(v->regulariser);
    free(v->away);
    *v = (nb_word_inversion){0};
}

size_t nb_word_inversion_start(const nb_word_inversion *v, const float *image)
{
    size_t best = 0;
    double least = INFINITY;
    for (size_t b = 0; b < v->count; b++) {
        double dot = 0;
        for (size_t k = 0; k < v->d; k++) {
            dot += (double)v->starts[b * v->d + k] * (double)image[k];
        }
        double loss = 1 - dot + v->lambda * v->regulariser[b];
        best = loss < least ? b : best;
        least = fmin(loss, least);
    }
    return best;
}

/* The words that images start from, each once, and their number for every step of every image. */
typedef struct chosen {
    nb_strings texts;
    size_t words[NB_INVERT_TILE], places[NB_INVERT_TILE], count;
    uint32_t *choices; /* [images, steps] */
} chosen;

static nb_status word_choose(const nb_word_inversion *v, const nb_word_inverted *n, chosen *out, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(out->choices, n->count * v->steps);
    for (size_t i = 0; i < n->count; i++) {
        size_t word = n->starts[i], at = 0;
        while (at < out->count && out->words[at] != word) {
            at++;
        }
        if (at == out->count) {
            const char *text = nb_strings_get(&v->texts, word);
            NB_TRY(nb_strings_push(&out->texts, text, strlen(text), err));
            out->places[at] = v->places[word];
            out->words[out->count++] = word;
        }
        for (size_t k = 0; k < v->steps; k++) {
            out->choices[i * v->steps + k] = (uint32_t)at;
        }
    }
done:
    return status;
}

nb_status nb_word_inversion_run(const nb_word_inversion *v, nb_word_inverted *n, nb_error *err)
{
    size_t width = v->clip->config.text.width;
    chosen words = {.count = 0};
    nb_word_templates templates = {0};
    nb_inverter *inverter = NULL;
    float *tokens = NULL;
    nb_status status;
    for (size_t i = 0; i < n->count; i++) {
        n->starts[i] = nb_word_inversion_start(v, n->images + i * v->d);
    }
    NB_TRY(word_choose(v, n, &words, err));
    NB_TRY_NEW(tokens, n->count * width);
    NB_TRY(nb_word_templates_of_texts(&templates, v->clip, &words.texts, words.places, err));
    for (size_t i = 0; i < n->count; i++) {
        int32_t id = templates.list[words.choices[i * v->steps]].tokens[0];
        memcpy(tokens + i * width, v->clip->token_embedding + (size_t)id * width, width * sizeof *tokens);
    }
    NB_TRY(nb_inverter_create_with(&inverter, v->clip, &templates, v->steps, n->count, err));
    const nb_inversion inversion = {.images = n->images,
                                    .count = n->count,
                                    .words = tokens,
                                    .choices = words.choices,
                                    .away = v->away,
                                    .away_loss = v->lambda};
    NB_TRY(nb_inverter_run(inverter, &inversion, n->features, n->losses, err));
    if (n->words) {
        memcpy(n->words, tokens, n->count * width * sizeof *tokens);
    }
done:
    nb_inverter_destroy(inverter);
    nb_word_templates_destroy(&templates);
    nb_strings_free(&words.texts);
    free(words.choices);
    free(tokens);
    return status;
}
