/* Inversion from words (TINS): golden/methods2/tins_inversion_*, and its independence of company. */
#include "support/support.h"

#include "common/clip/inversion/word_inversion.h"
#include "common/linear/blas.h"
#include "support/streams/method_bank.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 8, STEPS = 30 };

typedef struct world {
    nb_clip *clip;
    nb_strings words;
    double *prototypes;
    size_t classes, d;
    nb_word_inversion inversion;
    float *images; /* [IMAGES, d] */
} world;

static void open_world(world *w, size_t steps)
{
    nb_error err = {0};
    size_t n, width, d;
    json_t *root = json_load_file(golden_path("methods2/tins_words.json"), 0, NULL);
    json_t *words = json_object_get(root, "bank_words");
    *w = (world){0};
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *text = json_string_value(json_array_get(words, i));
        must(nb_strings_push(&w->words, text, strlen(text), &err), &err);
    }
    json_decref(root);
    must(nb_clip_open(&w->clip, golden_path("tiny-quickgelu"), &err), &err);
    d = w->clip->config.projection;
    w->prototypes = golden_rows("methods2/tins_prototypes.npy", &w->classes, &w->d);
    assert_int_equal(w->d, d);
    float *all = golden_floats("methods2/tins_images.npy", &n, &width);
    size_t *chosen = golden_numbers("methods2/tins_inversion_images.npy", &n);
    w->images = calloc(IMAGES * d, sizeof *w->images);
    for (size_t i = 0; i < IMAGES; i++) {
        memcpy(w->images + i * d, all + chosen[i] * d, d * sizeof *all);
    }
    free(all), free(chosen);
    const nb_word_inversion_plan plan = {&w->words, w->prototypes, w->classes, 0.3, steps};
    must(nb_word_inversion_create(&w->inversion, w->clip, &plan, &err), &err);
}

static void close_world(world *w)
{
    nb_word_inversion_destroy(&w->inversion);
    nb_clip_close(w->clip);
    nb_strings_free(&w->words);
    free(w->prototypes), free(w->images);
}

static double cosine(const float *a, const double *b, size_t d)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < d; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * (double)a[i];
        bb += b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}

static void test_golden(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    size_t n, width, starts[IMAGES], wide;
    double losses[IMAGES * STEPS], worst = 0, least = 1, least_word = 1, *last;
    open_world(&w, STEPS);
    wide = w.clip->config.text.width;
    last = calloc(wide, sizeof *last);
    double *init = golden_rows("methods2/tins_init_features.npy", &n, &width);
    double *regulariser = golden_rows("methods2/tins_init_regulariser.npy", &n, &width);
    size_t *places = golden_numbers("methods2/tins_init_position.npy", &n);
    assert_int_equal(n, w.words.count);
    for (size_t b = 0; b < w.words.count; b++) {
        assert_true(1 - cosine(w.inversion.starts + b * w.d, init + b * w.d, w.d) < 1e-6);
        assert_true(fabs(w.inversion.regulariser[b] - regulariser[b]) < 1e-5);
        assert_int_equal(w.inversion.places[b], places[b]);
    }
    float *features = calloc(IMAGES * w.d, sizeof *features), *words = calloc(IMAGES * wide, sizeof *words);
    nb_word_inverted all = {w.images, IMAGES, starts, features, words, losses};
    must(nb_word_inversion_run(&w.inversion, &all, &err), &err);
    size_t *want_starts = golden_numbers("methods2/tins_inversion_start.npy", &n);
    double *want = golden_rows("methods2/tins_inversion_final_features.npy", &n, &width);
    double *want_losses = golden_rows("methods2/tins_inversion_losses.npy", &n, &width);
    float *tokens = golden_array("methods2/tins_inversion_tokens_by_step.npy", &n);
    assert_int_equal(n, IMAGES * STEPS * wide);
    for (size_t i = 0; i < IMAGES; i++) {
        assert_int_equal(starts[i], want_starts[i]);
        least = fmin(least, cosine(features + i * w.d, want + i * w.d, w.d));
        for (size_t k = 0; k < wide; k++) {
            last[k] = (double)tokens[(i * STEPS + STEPS - 1) * wide + k];
        }
        least_word = fmin(least_word, cosine(words + i * wide, last, wide));
    }
    for (size_t i = 0; i < IMAGES * STEPS; i++) {
        worst = fmax(worst, fabs(losses[i] - want_losses[i]));
    }
    print_message("largest error of a loss %.2g, least cosine of a feature 1 - %.2g, of a token 1 - %.2g\n", worst,
                  1 - least, 1 - least_word);
    assert_true(worst <= 1e-5 && least >= 0.9999 && least_word >= 0.9999);
    free(init), free(regulariser), free(places), free(features), free(words);
    free(want_starts), free(want), free(want_losses), free(tokens), free(last);
    close_world(&w);
}

/* One step moves a token by the rate against the sign of its gradient, behind the decay: the sign of every number. The
 * gradient itself is that of the released code by a difference quotient of the loss. */
static void test_first_step(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    size_t n, width, starts[IMAGES], agree = 0, counted = 0, wide;
    double losses[IMAGES];
    open_world(&w, 1);
    wide = w.clip->config.text.width;
    float *features = calloc(IMAGES * w.d, sizeof *features), *words = calloc(IMAGES * wide, sizeof *words);
    double *gradient = golden_rows("methods2/tins_inversion_first_gradient.npy", &n, &width);
    double *vectors = golden_rows("methods2/tins_init_vectors.npy", &n, &width);
    nb_word_inverted all = {w.images, IMAGES, starts, features, words, losses};
    must(nb_word_inversion_run(&w.inversion, &all, &err), &err);
    for (size_t i = 0; i < IMAGES; i++) {
        for (size_t k = 0; k < wide; k++) {
            double g = gradient[i * wide + k], before = vectors[starts[i] * wide + k];
            double step = ((double)words[i * wide + k] - before * (1 - 2e-2 * 0.01)) / -2e-2; /* g / (|g| + epsilon) */
            if (fabs(g) > 1e-6) {
                counted++;
                agree += fabs(step - g / (fabs(g) + 1e-8)) < 1e-2;
            }
        }
    }
    assert_true(counted > IMAGES * wide * 9 / 10 && agree == counted);
    free(features), free(words), free(gradient), free(vectors);
    close_world(&w);
}

/* An image alone has the result that it has among others, to rounding. */
static void test_alone(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    size_t starts[IMAGES];
    open_world(&w, STEPS);
    float *together = calloc(IMAGES * w.d, sizeof *together), *alone = calloc(w.d, sizeof *alone);
    nb_word_inverted all = {w.images, IMAGES, starts, together, NULL, NULL};
    must(nb_word_inversion_run(&w.inversion, &all, &err), &err);
    for (size_t i = 0; i < IMAGES; i++) {
        size_t start;
        nb_word_inverted one = {w.images + i * w.d, 1, &start, alone, NULL, NULL};
        must(nb_word_inversion_run(&w.inversion, &one, &err), &err);
        assert_int_equal(start, starts[i]);
        for (size_t k = 0; k < w.d; k++) {
            assert_true(fabs((double)alone[k] - (double)together[i * w.d + k]) < 1e-5);
        }
    }
    nb_word_inversion none;
    nb_strings empty = {0};
    const nb_word_inversion_plan plan = {&empty, w.prototypes, w.classes, 0.3, STEPS};
    must_fail(nb_word_inversion_create(&none, w.clip, &plan, &err), NB_ERR_USAGE, &err, "0 words");
    nb_word_inversion_destroy(&none);
    free(together), free(alone);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_first_step),
                                       cmocka_unit_test(test_alone)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
