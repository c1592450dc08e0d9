#include "support/support.h"

#include "common/clip/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a little-endian float32 .npy file of `count` elements; the caller frees. */
static float *read_npy(const char *path, size_t count)
{
    nb_error err = {0};
    char *bytes;
    size_t len;
    must(nb_file_read(path, (size_t)64 << 20, &bytes, &len, &err), &err);
    assert_true(len > 10 && memcmp(bytes, "\x93NUMPY", 6) == 0);
    assert_non_null(strstr(bytes + 10, "'<f4'"));
    size_t start = 10 + ((size_t)(unsigned char)bytes[8] | (size_t)(unsigned char)bytes[9] << 8);
    assert_int_equal(len - start, count * sizeof(float));
    float *numbers = malloc(count * sizeof *numbers);
    assert_non_null(numbers);
    memcpy(numbers, bytes + start, count * sizeof *numbers);
    free(bytes);
    return numbers;
}

static void crop_file(const char *name, size_t size, nb_image *crop)
{
    nb_error err = {0};
    nb_image image;
    char path[256];
    snprintf(path, sizeof path, "golden/images/%s", name);
    must(nb_image_read(&image, shared_path(path), &err), &err);
    must(nb_preprocess_crop(&image, size, crop, &err), &err);
    nb_image_free(&image);
}

static void check_tensor(const nb_preprocess *p, const nb_image *crop, const float *want, const char *name)
{
    size_t count = 3 * p->size * p->size;
    float *tensor = malloc(count * sizeof *tensor);
    assert_non_null(tensor);
    nb_preprocess_normalise(p, crop, tensor);
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)tensor[i] - (double)want[i]));
    }
    free(tensor);
    if (!(worst <= 1e-6)) {
        fail_msg("%s: tensor differs by %g", name, worst);
    }
}

static void golden_lines(nb_strings *names)
{
    nb_error err = {0};
    must(nb_file_lines(shared_path("golden/images/images.txt"), 4096, names, &err), &err);
    assert_true(names->count >= 8);
}

static void test_golden_crops(void **state)
{
    (void)state;
    nb_strings names = {0};
    golden_lines(&names);
    for (size_t i = 0; i < names.count; i++) {
        nb_error err = {0};
        nb_image crop, want;
        const char *name = nb_strings_get(&names, i);
        char path[256];
        crop_file(name, 224, &crop);
        snprintf(path, sizeof path, "golden/images/expected/%s.png", name);
        must(nb_image_read(&want, shared_path(path), &err), &err);
        assert_int_equal(want.width, 224);
        assert_int_equal(want.height, 224);
        if (memcmp(crop.rgb, want.rgb, 3 * 224 * 224) != 0) {
            fail_msg("%s: the crop has other pixels", name);
        }
        nb_image_free(&crop);
        nb_image_free(&want);
    }
    nb_strings_free(&names);
}

static void test_golden_normalised(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_preprocess p;
    nb_image crop;
    bool defaulted = false;
    must(nb_preprocess_read(&p, scratch_path("."), 224, &defaulted, &err), &err);
    assert_true(defaulted);
    float *want = read_npy(shared_path("golden/images/expected/01_225x224_l.png.normalized.npy"), 3 * 224 * 224);
    crop_file("01_225x224_l.png", 224, &crop);
    check_tensor(&p, &crop, want, "01_225x224_l.png");
    nb_image_free(&crop);
    free(want);
}

static void check_model(const char *model, size_t size)
{
    nb_error err = {0};
    nb_preprocess p;
    nb_strings names = {0};
    char path[256];
    bool defaulted = true;
    snprintf(path, sizeof path, "golden/%s", model);
    must(nb_preprocess_read(&p, shared_path(path), size, &defaulted, &err), &err);
    assert_false(defaulted);
    assert_int_equal(p.size, size);
    snprintf(path, sizeof path, "golden/%s/pixels.npy", model);
    float *want = read_npy(shared_path(path), 8 * 3 * size * size);
    golden_lines(&names);
    for (size_t i = 0; i < 8; i++) {
        nb_image crop;
        crop_file(nb_strings_get(&names, i), size, &crop);
        check_tensor(&p, &crop, want + i * 3 * size * size, nb_strings_get(&names, i));
        nb_image_free(&crop);
    }
    nb_strings_free(&names);
    free(want);
}

static void test_golden_models(void **state)
{
    (void)state;
    check_model("tiny-quickgelu", 32);
    check_model("tiny-gelu", 48);
}

/* A picture of one colour stays it, whatever its shape: weights sum to one after rounding, within a level. */
static void test_extreme_shapes(void **state)
{
    (void)state;
    const size_t shapes[][2] = {{1, 1}, {3, 900}, {900, 3}, {1, 200000}, {200000, 1}, {2, 3}, {224, 225}, {3000, 2000}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        nb_error err = {0};
        nb_image image = {0}, crop;
        must(nb_image_create(&image, shapes[i][0], shapes[i][1], &err), &err);
        memset(image.rgb, 77, image.width * image.height * 3);
        must(nb_preprocess_crop(&image, 224, &crop, &err), &err);
        assert_int_equal(crop.width, 224);
        assert_int_equal(crop.height, 224);
        for (size_t k = 0; k < 3 * 224 * 224; k++) {
            assert_int_equal(crop.rgb[k], 77);
        }
        nb_image_free(&image);
        nb_image_free(&crop);
    }
}

/* When nothing is resized the crop is a copy, and its offset is half the rest rounded to even. */
static void test_offsets(void **state)
{
    (void)state;
    const size_t widths[] = {10, 11, 12, 13, 14, 15, 17};
    const size_t lefts[] = {0, 0, 1, 2, 2, 2, 4}; /* 0, 0.5, 1, 1.5, 2, 2.5, 3.5 */
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        nb_error err = {0};
        nb_image image = {0}, crop;
        must(nb_image_create(&image, widths[i], 10, &err), &err);
        for (size_t k = 0; k < widths[i] * 10; k++) {
            image.rgb[3 * k] = (uint8_t)(k % widths[i]);
        }
        must(nb_preprocess_crop(&image, 10, &crop, &err), &err);
        for (size_t k = 0; k < 100; k++) {
            assert_int_equal(crop.rgb[3 * k], lefts[i] + k % 10);
        }
        nb_image_free(&image);
        nb_image_free(&crop);
    }
}

static nb_status read_text(const char *text, size_t size, nb_preprocess *p, nb_error *err)
{
    nb_error failed = {0};
    must(nb_make_directories(scratch_path("model"), &failed), &failed);
    must(nb_file_write(scratch_path("model/preprocessor_config.json"), true, text, strlen(text), &failed), &failed);
    return nb_preprocess_read(p, scratch_path("model"), size, NULL, err);
}

static void test_config(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_preprocess p;
    must(read_text("{\"crop_size\": 224, \"size\": 224, \"image_mean\": [0.5, 0.25, 1], \"resample\": 3,"
                   " \"image_std\": [0.5, 0.5, 2], \"rescale_factor\": 0.5}",
                   224, &p, &err),
         &err);
    assert_float_equal(p.mean[1], 0.25F, 0);
    assert_float_equal(p.std[2], 2.0F, 0);
    assert_true(p.rescale == 0.5);
    must(read_text("{\"crop_size\": {\"height\": 48, \"width\": 48}, \"size\": {\"shortest_edge\": 48}}", 48, &p, &err),
         &err);
    assert_true(p.rescale == 1.0 / 255.0);
    assert_float_equal(p.mean[0], 0.48145466F, 0);

    static const char *const bad[][2] = {
        {"{\"resample\": 2}", "resample is 2"},
        {"{\"do_resize\": false}", "do_resize is false"},
        {"{\"do_center_crop\": false}", "do_center_crop is false"},
        {"{\"do_rescale\": 0}", "do_rescale is 0"},
        {"{\"do_normalize\": false}", "do_normalize is false"},
        {"{\"crop_size\": 336}", "crop_size is 336"},
        {"{\"crop_size\": {\"height\": 224, \"width\": 336}}", "\"width\":336"},
        {"{\"size\": {\"height\": 224, \"width\": 224}}", "aspect ratio"},
        {"{\"size\": 256}", "size is 256"},
        {"{\"size\": {\"shortest_edge\": 224, \"longest_edge\": 500}}", "longest_edge"},
        {"{\"image_mean\": [1, 2]}", "image_mean is [1,2]"},
        {"{\"image_std\": [1, 0, 1]}", "image_std is [1,0,1]"},
        {"{\"image_mean\": \"x\"}", "image_mean is \"x\""},
        {"{\"rescale_factor\": 0}", "rescale_factor is 0"},
        {"[1]", "object"},
        {"{", "not JSON"},
        {"", "not JSON"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        must_fail(read_text(bad[i][0], 224, &p, &err), NB_ERR_INPUT, &err, bad[i][1]);
        assert_non_null(strstr(err.message, "preprocessor_config.json"));
    }
    must_fail(nb_preprocess_read(&p, "/no/such/model", 224, NULL, &err), NB_ERR_INPUT, &err, "/no/such/model");
    must_fail(nb_preprocess_read(&p, "/tmp", 0, NULL, &err), NB_ERR_INPUT, &err, "image_size of 0");
}

static void test_bad_crops(void **state)
{
    (void)state;
    nb_error err = {0};
    uint8_t pixel[3] = {0};
    nb_image none = {0}, one = {pixel, 1, 1}, out;
    must_fail(nb_preprocess_crop(&none, 224, &out, &err), NB_ERR_INPUT, &err, "without pixels");
    must_fail(nb_preprocess_crop(&one, 0, &out, &err), NB_ERR_LIMIT, &err, "4096");
    must_fail(nb_preprocess_crop(&one, 4097, &out, &err), NB_ERR_LIMIT, &err, "4096");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_crops),  cmocka_unit_test(test_golden_normalised),
        cmocka_unit_test(test_golden_models), cmocka_unit_test(test_extreme_shapes),
        cmocka_unit_test(test_offsets),       cmocka_unit_test(test_config),
        cmocka_unit_test(test_bad_crops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
