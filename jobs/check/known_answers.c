#include "jobs/check/known_answers.h"

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPEED_TEXTS = 64, SPEED_IMAGES = 4 };

/* OpenAI's ViT-B/32, from text embeddings published in half precision (+- 0.002). */
static const nb_known_pair vit_b_32[] = {
    {"a sharpener", "a dollar", 0.8077},
    {"a hot air balloon", "a cone", 0.7752},
    {"a pocketknife", "a crab", 0.7029},
    {"a extension cord", "a police cruiser", 0.7082},
    {"a potato", "a coffee cup", 0.8243},
    {"a inhaler", "a cufflink", 0.7073},
    {"a cube", "a liquor", 0.8481},
    {"a iron", "a buoy", 0.6823},
    {"a yoke", "a cornbread", 0.6945},
    {"a heater", "a butter", 0.8557},
    {"a beaker", "a bookmark", 0.6177},
    {"a camper", "a parchment", 0.7318},
    {"a organ", "a coloring material", 0.7474},
};

static const nb_known_answers all_answers[] = {
    {"OpenAI CLIP ViT-B/32", 0.005, vit_b_32, sizeof vit_b_32 / sizeof *vit_b_32},
};

const nb_known_answers *nb_known_answers_for(const nb_clip_config *c)
{
    bool same = c->text.width == 512 && c->text.layers == 12 && c->text.heads == 8 && c->text.mlp == 2048 &&
                c->image.width == 768 && c->image.layers == 12 && c->patch == 32 && c->image_size == 224 &&
                c->projection == 512 && c->vocabulary == 49408 && c->context == 77 &&
                nb_tower_must_be_clip(&c->text, "text", "answers", NULL) == NB_OK &&
                nb_tower_must_be_clip(&c->image, "image", "answers", NULL) == NB_OK;
    return same ? &all_answers[0] : NULL;
}

/* Texts -> rows [count, projection] in double, normalised; their norms too when `norms` is not NULL. */
static nb_status known_answers_embed_texts(const nb_clip *clip, const nb_strings *texts, double *rows, double *norms,
                                           nb_error *err)
{
    size_t d = clip->config.projection;
    nb_text_encoder *encoder = NULL;
    float *raw = NULL;
    nb_status status;
    NB_TRY_NEW(raw, texts->count * d);
    NB_TRY(nb_text_encoder_create(&encoder, clip, texts->count, err));
    NB_TRY(nb_text_encoder_run(encoder, texts, 0, texts->count, raw, err));
    for (size_t i = 0; i < texts->count; i++) {
        for (size_t k = 0; k < d; k++) {
            rows[i * d + k] = (double)raw[i * d + k];
        }
        double norm = nb_normalise_row(rows + i * d, rows + i * d, d);
        if (norms) {
            norms[i] = norm;
        }
    }
done:
    nb_text_encoder_destroy(encoder);
    free(raw);
    return status;
}

nb_status nb_known_answers_compare(const nb_clip *clip, const nb_known_answers *a, double *cosines, double *worst,
                                   nb_error *err)
{
    size_t d = clip->config.projection;
    nb_strings texts = {0};
    double *rows = NULL;
    nb_status status;
    NB_TRY_NEW(rows, 2 * a->count * d);
    for (size_t i = 0; i < a->count; i++) {
        NB_TRY(nb_strings_push(&texts, a->pairs[i].first, strlen(a->pairs[i].first), err));
        NB_TRY(nb_strings_push(&texts, a->pairs[i].second, strlen(a->pairs[i].second), err));
    }
    NB_TRY(known_answers_embed_texts(clip, &texts, rows, NULL, err));
    *worst = 0;
    for (size_t i = 0; i < a->count; i++) {
        cosines[i] = nb_dot(rows + 2 * i * d, rows + (2 * i + 1) * d, d);
        *worst = fmax(*worst, fabs(cosines[i] - a->pairs[i].cosine));
    }
done:
    free(rows);
    nb_strings_free(&texts);
    return status;
}

/* ---- sanity ---- */

static const char *const plain_texts[] = {"a photo of a dog", "a red lantern", "3 old umbrellas, folded!",
                                          "it's the sea at night", "\xC3\xA9t\xC3\xA9"};

enum { PLAIN_TEXTS = sizeof plain_texts / sizeof *plain_texts };

/* Without its blanks: the tokenizer does not keep where they were. */
static void known_answers_drop_blanks(nb_buffer *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] != ' ') {
            text->data[kept++] = text->data[i];
        }
    }
    text->len = kept;
}

/* A text comes back from its tokens, blanks aside; what came back has the same tokens. Sentencepiece's tokenizers may
 * clean more away than blanks, so of theirs only the tokens count. */
static nb_status known_answers_check_round_trip(const nb_clip *clip, const char *text, nb_error *err)
{
    const nb_tokenizer *t = clip->tokenizer;
    size_t context = clip->config.context, count, again;
    nb_buffer back = {0}, want = {0};
    nb_padding padding;
    int32_t *ids = NULL, *second = NULL;
    nb_status status;
    NB_TRY_NEW(ids, context);
    NB_TRY_NEW(second, context);
    NB_TRY(nb_tokenizer_encode(t, text, strlen(text), (nb_token_array){ids, context}, &count, err));
    if (count == context) { /* perhaps cut */
        goto done;
    }
    NB_TRY(nb_tokenizer_decode(t, ids, count, &back, err));
    NB_TRY(nb_buffer_append(&want, text, strlen(text), err));
    NB_TRY(
        nb_tokenizer_encode(t, back.data ? back.data : "", back.len, (nb_token_array){second, context}, &again, err));
    known_answers_drop_blanks(&back);
    known_answers_drop_blanks(&want);
    bool kept =
        nb_tokenizer_padding(t, &padding) || (back.len == want.len && memcmp(back.data, want.data, want.len) == 0);
    if (again != count || memcmp(ids, second, count * sizeof *ids) != 0 || !kept) {
        status = nb_fail(err, NB_ERR_NUMERIC, "the text '%s' does not come back from its tokens", text);
    }
done:
    nb_buffer_free(&back);
    nb_buffer_free(&want);
    free(ids);
    free(second);
    return status;
}

/* Rows [count, d], normalised, with their norms before. */
static nb_status known_answers_check_rows(const double *rows, const double *norms, size_t count, size_t d,
                                          const char *what, nb_error *err)
{
    double least = 1;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(norms[i]) || norms[i] <= 0) {
            return nb_fail(err, NB_ERR_NUMERIC, "the embedding of %s %zu has the norm %g", what, i, norms[i]);
        }
        least = fmin(least, nb_dot(rows, rows + i * d, d));
    }
    return least < 1 - 1e-9 ? NB_OK : nb_fail(err, NB_ERR_NUMERIC, "%s embeddings are the same for all inputs", what);
}

static nb_status known_answers_check_texts(const nb_clip *clip, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_strings texts = {0};
    double *rows = NULL, norms[PLAIN_TEXTS];
    nb_status status;
    NB_TRY_NEW(rows, PLAIN_TEXTS * d);
    for (size_t i = 0; i < PLAIN_TEXTS; i++) {
        NB_TRY(known_answers_check_round_trip(clip, plain_texts[i], err));
        NB_TRY(nb_strings_push(&texts, plain_texts[i], strlen(plain_texts[i]), err));
    }
    NB_TRY(known_answers_embed_texts(clip, &texts, rows, norms, err));
    NB_TRY(known_answers_check_rows(rows, norms, PLAIN_TEXTS, d, "text", err));
done:
    nb_strings_free(&texts);
    free(rows);
    return status;
}

/* Normalised noise [count, 3, size, size]. */
static nb_status known_answers_draw_images(float **out, const nb_clip *clip, size_t count, nb_error *err)
{
    size_t size = clip->config.image_size, values = count * 3 * size * size;
    nb_status status;
    NB_TRY_NEW(*out, values);
    for (size_t i = 0; i < values; i++) {
        (*out)[i] = (float)(4 * nb_random_unit(1, 0, i) - 2);
    }
done:
    return status;
}

static nb_status known_answers_check_images(const nb_clip *clip, nb_error *err)
{
    size_t d = clip->config.projection;
    nb_image_encoder *encoder = NULL;
    float *pixels = NULL, *raw = NULL;
    double *rows = NULL, norms[NB_SANITY_IMAGES];
    nb_status status;
    NB_TRY(known_answers_draw_images(&pixels, clip, NB_SANITY_IMAGES, err));
    NB_TRY_NEW(raw, NB_SANITY_IMAGES * d);
    NB_TRY_NEW(rows, NB_SANITY_IMAGES * d);
    NB_TRY(nb_image_encoder_create(&encoder, clip, NB_SANITY_IMAGES, err));
    nb_image_encoder_run(encoder, pixels, NB_SANITY_IMAGES, raw);
    for (size_t i = 0; i < NB_SANITY_IMAGES * d; i++) {
        rows[i] = (double)raw[i];
    }
    for (size_t i = 0; i < NB_SANITY_IMAGES; i++) {
        norms[i] = nb_normalise_row(rows + i * d, rows + i * d, d);
    }
    NB_TRY(known_answers_check_rows(rows, norms, NB_SANITY_IMAGES, d, "image", err));
done:
    nb_image_encoder_destroy(encoder);
    free(pixels);
    free(raw);
    free(rows);
    return status;
}

nb_status nb_check_sanity(const nb_clip *clip, size_t *texts, nb_error *err)
{
    double scale = (double)clip->logit_scale;
    nb_status status;
    *texts = PLAIN_TEXTS;
    if (!(scale > 0 && scale <= log(200.0))) {
        nb_fail(err, NB_ERR_NUMERIC, "logit_scale is %g, outside (0, ln 200]", scale);
        return nb_hint(err, "it is the natural logarithm of 1 / temperature; CLIP's training keeps it up to ln 100");
    }
    NB_TRY(known_answers_check_texts(clip, err));
    NB_TRY(known_answers_check_images(clip, err));
done:
    return status;
}

/* ---- speed ---- */

nb_status nb_check_text_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err)
{
    const size_t words = 2 * (sizeof vit_b_32 / sizeof *vit_b_32);
    nb_text_encoder *encoder = NULL;
    nb_strings texts = {0};
    nb_buffer prompt = {0};
    float *out = NULL;
    size_t done_texts = 0;
    nb_status status;
    for (size_t i = 0; i < SPEED_TEXTS; i++) {
        const nb_known_pair *pair = &vit_b_32[i % words / 2], *other = &vit_b_32[i / words];
        nb_buffer_clear(&prompt);
        NB_TRY(nb_buffer_printf(&prompt, err, "the nice %s%s", (i % 2 ? pair->second : pair->first) + 2,
                                i < words ? "" : other->first + 1));
        NB_TRY(nb_strings_push(&texts, prompt.data, prompt.len, err));
    }
    NB_TRY_NEW(out, SPEED_TEXTS * clip->config.projection);
    NB_TRY(nb_text_encoder_create(&encoder, clip, SPEED_TEXTS, err));
    double start = nb_clock(), now = start;
    for (; now - start < seconds || done_texts == 0; now = nb_clock()) {
        NB_TRY(nb_text_encoder_run(encoder, &texts, 0, SPEED_TEXTS, out, err));
        done_texts += SPEED_TEXTS;
    }
    *rate = (double)done_texts / fmax(now - start, 1e-9);
done:
    nb_text_encoder_destroy(encoder);
    nb_buffer_free(&prompt);
    nb_strings_free(&texts);
    free(out);
    return status;
}

nb_status nb_check_image_speed(const nb_clip *clip, double seconds, double *rate, nb_error *err)
{
    nb_image_encoder *encoder = NULL;
    float *pixels = NULL, *out = NULL;
    size_t images = 0;
    nb_status status;
    NB_TRY(known_answers_draw_images(&pixels, clip, SPEED_IMAGES, err));
    NB_TRY_NEW(out, SPEED_IMAGES * clip->config.projection);
    NB_TRY(nb_image_encoder_create(&encoder, clip, SPEED_IMAGES, err));
    double start = nb_clock(), now = start;
    for (; now - start < seconds || images == 0; now = nb_clock()) {
        nb_image_encoder_run(encoder, pixels, SPEED_IMAGES, out);
        images += SPEED_IMAGES;
    }
    *rate = (double)images / fmax(now - start, 1e-9);
done:
    nb_image_encoder_destroy(encoder);
    free(pixels);
    free(out);
    return status;
}
