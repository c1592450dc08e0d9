/* Our side of tests/bench/gradients; figures go to standard output.
 *
 *   bench_gradients invert DIR COUNT OUT   inverts COUNT random images in tiles: images/s; leaves in OUT what the other
 *       side needs to do the same: images.f32 words.f32 choices.i32 ids.i32 places.i32, and features.f32 of ours
 *   bench_gradients train DIR PAIRS          a forward and a backward pass of both towers over PAIRS pairs: pairs/s */
#include "bench/measure.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/clip/gradients/backward_towers.h"
#include "common/clip/inversion/invert.h"
#include "common/clip/inversion/invert_templates.h"
#include "common/clip/model/weights.h"
#include "common/linear/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_status leave(const char *folder, const char *name, const void *bytes, size_t len, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, folder, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, true, bytes, len, err);
    }
    free(path);
    return status;
}

/* Token ids [templates, context] and the word's place in each. */
static nb_status leave_templates(const nb_clip *clip, const char *folder, nb_error *err)
{
    nb_word_templates t = {0};
    int32_t *places = NULL;
    nb_status status;
    NB_TRY(nb_word_templates_create(&t, clip, NULL, err));
    NB_TRY_NEW(places, t.count);
    for (size_t i = 0; i < t.count; i++) {
        places[i] = (int32_t)t.list[i].prefix.before;
    }
    NB_TRY(leave(folder, "ids.i32", t.tokens, t.count * clip->config.context * sizeof *t.tokens, err));
    NB_TRY(leave(folder, "places.i32", places, t.count * sizeof *places, err));
done:
    nb_word_templates_destroy(&t);
    free(places);
    return status;
}

/* Runs all tiles; the first words are drawn a second time for the other side. */
static nb_status invert_all(nb_inverter *inverter, const float *images, float *words, uint32_t *choices, size_t count,
                            size_t w, size_t d, float *features, double *seconds, nb_error *err)
{
    double start = nb_clock();
    for (size_t at = 0; at < count; at += NB_INVERT_TILE) {
        size_t n = count - at < NB_INVERT_TILE ? count - at : NB_INVERT_TILE;
        for (size_t i = at; i < at + n; i++) {
            nb_inverter_draw(inverter, BENCH_SEED, i, words + i * w, choices + i * NB_INVERT_STEPS);
        }
        nb_status status = nb_inverter_run(inverter,
                                           &(nb_inversion){.images = images + at * d,
                                                           .count = n,
                                                           .words = words + at * w,
                                                           .choices = choices + at * NB_INVERT_STEPS},
                                           features + at * d, NULL, err);
        if (status != NB_OK) {
            return status;
        }
    }
    *seconds = nb_clock() - start;
    for (size_t i = 0; i < count; i++) {
        nb_inverter_draw(inverter, BENCH_SEED, i, words + i * w, choices + i * NB_INVERT_STEPS);
    }
    return NB_OK;
}

static nb_status invert(const char *directory, size_t count, const char *folder, nb_error *err)
{
    nb_clip *clip = NULL;
    nb_inverter *inverter = NULL;
    float *images = NULL, *words = NULL, *features = NULL;
    uint32_t *choices = NULL;
    double seconds;
    nb_status status;
    NB_TRY(nb_clip_open(&clip, directory, err));
    size_t w = clip->config.text.width, d = clip->config.projection;
    NB_TRY_NEW(images, count * d);
    NB_TRY_NEW(words, count * w);
    NB_TRY_NEW(features, count * d);
    NB_TRY_NEW(choices, count * NB_INVERT_STEPS);
    for (size_t i = 0; i < count * d; i++) {
        images[i] = (float)nb_random_normal(BENCH_SEED, (uint64_t)1 << 40, i);
    }
    NB_TRY(nb_inverter_create(&inverter, clip, NULL, NB_INVERT_STEPS, NB_INVERT_TILE, err));
    NB_TRY(invert_all(inverter, images, words, choices, count, w, d, features, &seconds, err));
    printf("%.2f\n", (double)count / seconds);
    NB_TRY(nb_make_directories(folder, err));
    NB_TRY(leave_templates(clip, folder, err));
    NB_TRY(leave(folder, "images.f32", images, count * d * sizeof *images, err));
    NB_TRY(leave(folder, "words.f32", words, count * w * sizeof *words, err));
    NB_TRY(leave(folder, "choices.i32", choices, count * NB_INVERT_STEPS * sizeof *choices, err));
    NB_TRY(leave(folder, "features.f32", features, count * d * sizeof *features, err));
done:
    nb_inverter_destroy(inverter);
    nb_clip_close(clip);
    free(images);
    free(words);
    free(features);
    free(choices);
    return status;
}

/* One pass forward and backward over all pairs, in tiles of 16. */
static nb_status train(const char *directory, size_t pairs, nb_error *err)
{
    enum { TILE = 16 };
    static const char text[] = "a photo of a yellow bicycle";
    nb_clip *clip = NULL;
    nb_text_tape texts = {0};
    nb_image_tape images = {0};
    float *gradients = NULL, *pixels = NULL, *out = NULL;
    int32_t *ids = NULL;
    size_t lengths[TILE], tokens;
    nb_status status;
    NB_TRY(nb_clip_open(&clip, directory, err));
    const nb_clip_config *c = &clip->config;
    size_t each = 3 * c->image_size * c->image_size;
    NB_TRY(nb_text_tape_create(&texts, clip, TILE, false, err));
    NB_TRY(nb_image_tape_create(&images, clip, TILE, false, err));
    NB_TRY_NEW(gradients, nb_clip_parameters(c));
    NB_TRY_NEW(pixels, TILE * each);
    NB_TRY_NEW(out, TILE * c->projection);
    NB_TRY_NEW(ids, TILE * c->context);
    bench_draw_pixels(pixels, TILE * each);
    for (size_t i = 0; i < TILE; i++) {
        NB_TRY(nb_tokenizer_encode(clip->tokenizer, text, strlen(text),
                                   (nb_token_array){ids + i * c->context, c->context}, &tokens, err));
        lengths[i] = tokens;
    }
    nb_gradient_sink sink = {.weights = clip->arena, .gradients = gradients};
    double start = nb_clock();
    for (size_t at = 0; at < pairs; at += TILE) {
        nb_image_tape_forward(&images, pixels, TILE, out);
        nb_image_tape_backward(&images, out, &sink);
        nb_text_tape_forward(&texts, ids, lengths, TILE, out);
        nb_text_tape_backward(&texts, out, &sink);
    }
    printf("%.2f\n", (double)((pairs + TILE - 1) / TILE * TILE) / (nb_clock() - start));
done:
    nb_text_tape_destroy(&texts);
    nb_image_tape_destroy(&images);
    nb_clip_close(clip);
    free(gradients);
    free(pixels);
    free(out);
    free(ids);
    return status;
}

int main(int argc, char *argv[])
{
    nb_error err = {0};
    int64_t count = 0;
    nb_status status = NB_ERR_USAGE;
    nb_blas_choose(argv);
    nb_blas_start();
    bool counted = argc > 3 && nb_parse_int(argv[3], &count) && count > 0;
    if (counted && argc == 5 && strcmp(argv[1], "invert") == 0) {
        status = invert(argv[2], (size_t)count, argv[4], &err);
    } else if (counted && argc == 4 && strcmp(argv[1], "train") == 0) {
        status = train(argv[2], (size_t)count, &err);
    } else {
        fputs("bench_gradients: the head of tests/bench/bench_gradients.c says how\n", stderr);
    }
    if (status != NB_OK && err.message[0]) {
        fprintf(stderr, "bench_gradients: %s\n", err.message);
    }
    return (int)status;
}
