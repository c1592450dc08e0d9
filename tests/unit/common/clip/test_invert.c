/* Inversion of images into pseudo words: against golden/gradients/inversion*, and its independence of company. */
#include "support/support.h"

#include "common/clip/inversion/invert.h"
#include "common/clip/inversion/templates.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 6, STEPS = 10 };

/* A golden array as floats, freed by the caller. */
static float *golden(const char *name, size_t *count)
{
    nb_error err = {0};
    char path[96];
    nb_map map;
    snprintf(path, sizeof path, "gradients/inversion_%s.npy", name);
    must(nb_map_open(&map, golden_path(path), &err), &err);
    size_t header = 10 + (size_t)map.data[8] + ((size_t)map.data[9] << 8); /* version 1: length in two bytes */
    *count = (map.len - header) / sizeof(float);
    float *out = calloc(*count, sizeof *out);
    memcpy(out, map.data + header, *count * sizeof *out);
    nb_map_close(&map);
    return out;
}

static double cosine(const float *a, const float *b, size_t d)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < d; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return dot / sqrt(aa * bb);
}

/* Templates and the choice of one every step, [IMAGES, STEPS]. */
static void read_choices(nb_strings *templates, uint32_t *choices)
{
    nb_error err = {0};
    json_t *root = json_load_file(golden_path("gradients/inversion.json"), 0, NULL);
    json_t *texts = json_object_get(root, "templates"), *steps = json_object_get(root, "template_of_step");
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        must(nb_strings_push(templates, text, strlen(text), &err), &err);
    }
    assert_int_equal(json_array_size(steps), STEPS);
    for (size_t k = 0; k < STEPS; k++) {
        for (size_t i = 0; i < IMAGES; i++) {
            choices[i * STEPS + k] = (uint32_t)json_integer_value(json_array_get(json_array_get(steps, k), i));
        }
    }
    json_decref(root);
}

static void test_golden(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_inverter *inverter;
    nb_strings templates = {0};
    uint32_t choices[IMAGES * STEPS];
    double losses[IMAGES * STEPS], worst_loss = 0, least = 1, least_word = 1;
    size_t n, w, d;
    float *words = golden("initial_tokens", &n), *images = golden("target", &n);
    float *want_losses = golden("losses", &n), *want = golden("final_features", &n);
    float *want_words = golden("final_tokens", &n);
    must(nb_clip_open(&clip, golden_path("tiny-quickgelu"), &err), &err);
    w = clip->config.text.width;
    d = clip->config.projection;
    read_choices(&templates, choices);
    must(nb_inverter_create(&inverter, clip, &templates, STEPS, IMAGES, &err), &err);
    float *features = calloc(IMAGES * d, sizeof *features);
    must(nb_inverter_run(inverter,
                         &(nb_inversion){.images = images, .count = IMAGES, .words = words, .choices = choices},
                         features, losses, &err),
         &err);
    for (size_t i = 0; i < IMAGES * STEPS; i++) {
        worst_loss = fmax(worst_loss, fabs(losses[i] - (double)want_losses[i]));
    }
    for (size_t i = 0; i < IMAGES; i++) {
        least = fmin(least, cosine(features + i * d, want + i * d, d));
        least_word = fmin(least_word, cosine(words + i * w, want_words + i * w, w));
    }
    print_message("largest error of a loss %.2g, least cosine of a feature 1 - %.2g, of a word 1 - %.2g\n", worst_loss,
                  1 - least, 1 - least_word);
    assert_true(worst_loss < 1e-3);
    assert_true(least >= 0.9999);
    assert_true(least_word >= 0.9999);
    nb_inverter_destroy(inverter);
    nb_strings_free(&templates);
    nb_clip_close(clip);
    free(words), free(images), free(want_losses), free(want), free(want_words), free(features);
}

/* The first step moves every number by the rate against the sign of its gradient, after the decay. */
static void test_first_gradient(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_inverter *inverter;
    nb_strings templates = {0};
    uint32_t choices[IMAGES * STEPS];
    size_t n, w;
    float *before = golden("initial_tokens", &n), *gradient = golden("first_gradient", &n);
    float *images = golden("target", &n), *words = golden("initial_tokens", &n);
    must(nb_clip_open(&clip, golden_path("tiny-quickgelu"), &err), &err);
    w = clip->config.text.width;
    read_choices(&templates, choices);
    for (size_t i = 0; i < IMAGES; i++) { /* one step */
        choices[i] = choices[i * STEPS];
    }
    must(nb_inverter_create(&inverter, clip, &templates, 1, IMAGES, &err), &err);
    float *features = calloc(IMAGES * clip->config.projection, sizeof *features);
    must(nb_inverter_run(inverter,
                         &(nb_inversion){.images = images, .count = IMAGES, .words = words, .choices = choices},
                         features, NULL, &err),
         &err);
    for (size_t i = 0; i < IMAGES * w; i++) {
        if (fabsf(gradient[i]) > 1e-5f) {
            double want = (double)before[i] * (1 - 2e-2 * 0.01) - (gradient[i] > 0 ? 2e-2 : -2e-2);
            assert_float_equal(words[i], want, 2e-4);
        }
    }
    nb_inverter_destroy(inverter);
    nb_strings_free(&templates);
    nb_clip_close(clip);
    free(before), free(gradient), free(images), free(words), free(features);
}

/* Alone, or among others, and in another place: the same to rounding; the same company: the same bits. */
static void test_company(void **state)
{
    (void)state;
    enum { COUNT = 37 };
    nb_error err = {0};
    nb_clip *clip;
    nb_inverter *many, *one;
    nb_npy rows;
    must(nb_clip_open(&clip, golden_path("tiny-gelu"), &err), &err);
    must(nb_npy_open(&rows, golden_path("tiny-gelu/image_embeddings.npy"), &err), &err);
    size_t d = clip->config.projection;
    float *images = calloc(COUNT * d, 4), *a = calloc(COUNT * d, 4), *b = calloc(COUNT * d, 4), *c = calloc(d, 4);
    uint64_t ids[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = 1000 + i;
        for (size_t k = 0; k < d; k++) {
            images[i * d + k] = (float)nb_npy_at(&rows, i % rows.rows * d + k);
        }
    }
    must(nb_inverter_create(&many, clip, NULL, NB_INVERT_STEPS, COUNT, &err), &err);
    must(nb_inverter_create(&one, clip, NULL, NB_INVERT_STEPS, 1, &err), &err);
    must(nb_inverter_images(many, 7, &(nb_numbered_images){images, ids, COUNT}, a, &err), &err);
    must(nb_inverter_images(many, 7, &(nb_numbered_images){images, ids, COUNT}, b, &err), &err);
    assert_memory_equal(a, b, COUNT * d * sizeof *a);
    double least = 1;
    for (size_t i = 0; i < COUNT; i++) {
        must(nb_inverter_images(one, 7, &(nb_numbered_images){images + i * d, ids + i, 1}, c, &err), &err);
        least = fmin(least, cosine(a + i * d, c, d));
    }
    print_message("least cosine of an image alone and among others 1 - %.2g\n", 1 - least);
    assert_true(least >= 0.99999);
    must(nb_inverter_images(many, 8, &(nb_numbered_images){images, ids, COUNT}, b, &err), &err);
    assert_true(cosine(a, b, d) < 0.99999); /* another seed, other templates and first word */
    nb_inverter_destroy(many);
    nb_inverter_destroy(one);
    nb_npy_close(&rows);
    nb_clip_close(clip);
    free(images), free(a), free(b), free(c);
}

static void refuse(const nb_clip *clip, const char *text, nb_status want, const char *word)
{
    nb_error err = {0};
    nb_strings templates = {0};
    nb_inverter *inverter;
    if (text) {
        must(nb_strings_push(&templates, text, strlen(text), &err), &err);
    }
    must_fail(nb_inverter_create(&inverter, clip, &templates, NB_INVERT_STEPS, 4, &err), want, &err, word);
    assert_null(inverter);
    nb_strings_free(&templates);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_inverter *inverter;
    must(nb_clip_open(&clip, golden_path("tiny-gelu"), &err), &err);
    refuse(clip, "no place for a word", NB_ERR_INPUT, "exactly one {}");
    refuse(clip, "a {} and a {}", NB_ERR_INPUT, "exactly one {}");
    refuse(clip, "{} for 5 $ only", NB_ERR_INPUT, "beside the pseudo word's");
    refuse(clip, "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen {}",
           NB_ERR_INPUT, "context");
    refuse(clip, NULL, NB_ERR_USAGE, "at least one template");
    must_fail(nb_inverter_create(&inverter, clip, NULL, 0, 4, &err), NB_ERR_USAGE, &err, "steps");
    nb_clip_close(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_first_gradient),
        cmocka_unit_test(test_company),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
