/* The loader: the same tensors with and without threads, in any order of asking; the first bad image is named. */
#include "support/support.h"

#include "common/image/write_png.h"
#include "mining/images/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 40, TILE = 7, SIZE = 16, ROW = 3 * SIZE * SIZE };

static nb_image_inputs inputs;
static nb_preprocess preprocess;

/* Small images of many shapes; number 33 is none. */
static int make_images(void **state)
{
    (void)state;
    nb_error err = {0};
    inputs.limits = nb_image_limits_default();
    preprocess = nb_preprocess_default(SIZE);
    for (size_t i = 0; i < IMAGES; i++) {
        char name[32];
        nb_image image = {0};
        snprintf(name, sizeof name, "load/%zu.png", i);
        const char *path = scratch_path(name);
        must(nb_make_directories(scratch_path("load"), &err), &err);
        must(nb_image_create(&image, 5 + 3 * i, 60 - i, &err), &err);
        for (size_t k = 0; k < image.width * image.height * 3; k++) {
            image.rgb[k] = (uint8_t)(k * (i + 1) / 3);
        }
        must(nb_image_write_png(path, &image, true, &err), &err);
        if (i == 33) {
            must(nb_file_write(path, true, "none", 4, &err), &err);
        }
        must(nb_strings_push(&inputs.paths, path, strlen(path), &err), &err);
        nb_image_free(&image);
    }
    inputs.count = IMAGES;
    return 0;
}

static int free_images(void **state)
{
    (void)state;
    nb_image_inputs_free(&inputs);
    return 0;
}

static nb_image_loader *create(size_t threads)
{
    nb_error err = {0};
    nb_image_loader *l;
    const nb_image_loader_plan plan = {
        .preprocess = &preprocess, .size = SIZE, .inputs = &inputs, .threads = threads, .tile = TILE};
    must(nb_image_loader_create(&l, &plan, &err), &err);
    return l;
}

/* Images [0, 28) tile by tile, each asked for ahead as embedding does. */
static void load_all(size_t threads, float *out)
{
    nb_error err = {0};
    nb_image_loader *l = create(threads);
    nb_image_loader_prefetch(l, 0, TILE);
    for (size_t at = 0; at < 28; at += TILE) {
        const float *pixels;
        if (at + TILE < 28) {
            nb_image_loader_prefetch(l, at + TILE, TILE);
        }
        must(nb_image_loader_take(l, at, TILE, &pixels, &err), &err);
        memcpy(out + at * ROW, pixels, (size_t)TILE * ROW * sizeof *out);
    }
    nb_loader_times t = nb_image_loader_spent(l);
    assert_true(t.decode > 0 && t.read > 0);
    t = nb_image_loader_spent(l);
    assert_true(t.decode == 0 && t.read == 0 && t.wait == 0);
    nb_image_loader_destroy(l);
}

static void test_same(void **state)
{
    (void)state;
    float *want = calloc((size_t)28 * ROW, sizeof *want), *got = calloc((size_t)28 * ROW, sizeof *got);
    assert_non_null(want);
    assert_non_null(got);
    load_all(0, want);
    for (size_t threads = 1; threads <= 5; threads++) {
        memset(got, 0, (size_t)28 * ROW * sizeof *got);
        load_all(threads, got);
        assert_memory_equal(got, want, (size_t)28 * ROW * sizeof *got);
    }
    free(want);
    free(got);
}

/* Tiles that were asked for ahead and never taken, taken twice, taken without asking. */
static void test_any_order(void **state)
{
    (void)state;
    nb_error err = {0};
    float *want = calloc((size_t)28 * ROW, sizeof *want);
    assert_non_null(want);
    load_all(0, want);
    for (size_t threads = 0; threads <= 3; threads++) {
        nb_image_loader *l = create(threads);
        static const size_t takes[] = {14, 14, 0, 21, 7, 0};
        for (size_t i = 0; i < 6; i++) {
            const float *pixels;
            nb_image_loader_prefetch(l, 21, 3);
            nb_image_loader_prefetch(l, 2, 5);
            nb_image_loader_prefetch(l, 9, 7);
            must(nb_image_loader_take(l, takes[i], TILE, &pixels, &err), &err);
            assert_memory_equal(pixels, want + takes[i] * ROW, (size_t)TILE * ROW * sizeof *want);
        }
        nb_image_loader_prefetch(l, 0, TILE); /* under way when it ends */
        nb_image_loader_destroy(l);
    }
    nb_image_loader_destroy(NULL);
    free(want);
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t threads = 0; threads <= 3; threads++) {
        nb_image_loader *l = create(threads);
        for (int again = 0; again < 3; again++) {
            nb_error err = {0};
            const float *pixels;
            nb_image_loader_prefetch(l, 30, 6);
            must_fail(nb_image_loader_take(l, 30, 6, &pixels, &err), NB_ERR_INPUT, &err, "load/33.png");
            must(nb_image_loader_take(l, 0, TILE, &pixels, &err), &err);
        }
        nb_image_loader_destroy(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, make_images, free_images);
}
