#include "support/support.h"

#include "common/base/digest.h"
#include "common/base/random.h"
#include "common/clip/preprocess/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    snprintf(path, sizeof path, "images/%s", name);
    must(nb_image_read(&image, golden_path(path), &err), &err);
    must(nb_preprocess_crop(&image, &(nb_preprocess){.size = size}, crop, &err), &err);
    nb_image_free(&image);
}

/* want [3, size / every, size]: rows 0, every, 2 every, ... of the tensor [3, size, size]. */
static void check_tensor(const nb_preprocess *p, const nb_image *crop, const float *want, size_t every,
                         const char *name)
{
    size_t size = p->size, rows = size / every;
    float *tensor = malloc(3 * size * size * sizeof *tensor);
    assert_non_null(tensor);
    nb_preprocess_normalise(p, crop, tensor);
    double worst = 0;
    for (size_t i = 0; i < 3 * rows * size; i++) {
        size_t channel = i / (rows * size), row = i / size % rows * every;
        worst = fmax(worst, fabs((double)tensor[(channel * size + row) * size + i % size] - (double)want[i]));
    }
    free(tensor);
    if (!(worst <= 1e-6)) {
        fail_msg("%s: tensor differs by %g", name, worst);
    }
}

static void golden_lines(nb_strings *names)
{
    nb_error err = {0};
    must(nb_file_lines(golden_path("images/images.txt"), 4096, names, &err), &err);
    assert_true(names->count >= 8);
}

/* Line i of crops.sha256 is "DIGEST  NAME", of the RGB bytes of the expected crop. */
static void test_golden_crops(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings names = {0}, digests = {0};
    golden_lines(&names);
    must(nb_file_lines(golden_path("images/expected/crops.sha256"), 4096, &digests, &err), &err);
    assert_int_equal(names.count, 36);
    assert_int_equal(digests.count, names.count);
    for (size_t i = 0; i < names.count; i++) {
        nb_image crop;
        const char *name = nb_strings_get(&names, i), *line = nb_strings_get(&digests, i);
        crop_file(name, 224, &crop);
        assert_int_equal(crop.width, 224);
        assert_int_equal(crop.height, 224);
        assert_true(strlen(line) == 66 + strlen(name) && strcmp(line + 66, name) == 0);
        if (memcmp(nb_digest_bytes(crop.rgb, 3 * 224 * 224).hex, line, 64) != 0) {
            fail_msg("%s: the crop has other pixels", name);
        }
        nb_image_free(&crop);
    }
    nb_strings_free(&names);
    nb_strings_free(&digests);
}

/* Those of the expected crops that are there as pictures say where a crop differs. */
static void test_golden_pictures(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings names = {0};
    size_t compared = 0;
    golden_lines(&names);
    for (size_t i = 0; i < names.count; i++) {
        nb_image crop, want;
        const char *name = nb_strings_get(&names, i);
        char path[512];
        snprintf(path, sizeof path, "%s/%s.png", golden_path("images/expected"), name);
        if (access(path, R_OK) != 0) {
            continue;
        }
        crop_file(name, 224, &crop);
        must(nb_image_read(&want, path, &err), &err);
        assert_int_equal(want.width, 224);
        assert_int_equal(want.height, 224);
        for (size_t k = 0; k < 3 * 224 * 224; k++) {
            if (crop.rgb[k] != want.rgb[k]) {
                fail_msg("%s: channel %zu at (%zu, %zu) is %d instead of %d", name, k % 3, k / 3 % 224, k / 3 / 224,
                         crop.rgb[k], want.rgb[k]);
            }
        }
        compared++;
        nb_image_free(&crop);
        nb_image_free(&want);
    }
    assert_int_equal(compared, 26);
    nb_strings_free(&names);
}

static void test_golden_normalised(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_preprocess p;
    nb_image crop;
    const char *file = "";
    must(nb_preprocess_read(&p, scratch_path("."), 224, &file, &err), &err);
    assert_null(file);
    float *want = read_npy(golden_path("images/expected/01_225x224_l.png.normalized.npy"), 3 * 8 * 224);
    crop_file("01_225x224_l.png", 224, &crop);
    check_tensor(&p, &crop, want, 28, "01_225x224_l.png");
    nb_image_free(&crop);
    free(want);
}

static void check_model(const char *model, size_t size, size_t images)
{
    nb_error err = {0};
    nb_preprocess p;
    nb_strings names = {0};
    char path[256];
    const char *file = NULL;
    must(nb_preprocess_read(&p, golden_path(model), size, &file, &err), &err);
    assert_string_equal(file, "preprocessor_config.json");
    assert_int_equal(p.size, size);
    snprintf(path, sizeof path, "%s/pixels.npy", model);
    float *want = read_npy(golden_path(path), images * 3 * size * size);
    golden_lines(&names);
    for (size_t i = 0; i < images; i++) {
        nb_image crop;
        crop_file(nb_strings_get(&names, i), size, &crop);
        check_tensor(&p, &crop, want + i * 3 * size * size, 1, nb_strings_get(&names, i));
        nb_image_free(&crop);
    }
    nb_strings_free(&names);
    free(want);
}

static void test_golden_models(void **state)
{
    (void)state;
    check_model("tiny-quickgelu", 32, 8);
    check_model("tiny-gelu", 48, 2);
}

/* open_clip's and transformers' other ways, against Pillow (golden/images/modes.py). */
static void test_golden_modes(void **state)
{
    enum { SIZE = 32, BYTES = 3 * SIZE * SIZE };
    static const nb_preprocess ways[] = {
        {.size = SIZE, .resize = NB_RESIZE_SQUASH},
        {.size = SIZE, .resize = NB_RESIZE_SQUASH, .bilinear = true},
        {.size = SIZE, .bilinear = true},
        {.size = SIZE, .resize = NB_RESIZE_LONGEST, .fill = 7},
        {.size = SIZE, .resize = NB_RESIZE_LONGEST, .bilinear = true},
        {.size = SIZE, .edge = 40},
    };
    static const char *const names[] = {"04_333x500_rgb.png", "11_1023x777_l.png", "06_64x48_rgb.png",
                                        "07_31x257_l.png"};
    (void)state;
    nb_error err = {0};
    char *want, path[64];
    size_t len;
    must(nb_file_read(golden_path("images/modes.rgb"), 1 << 20, &want, &len, &err), &err);
    assert_int_equal(len, (sizeof ways / sizeof *ways) * 4 * BYTES);
    for (size_t i = 0; i < len / BYTES; i++) {
        nb_image image, crop;
        snprintf(path, sizeof path, "images/%s", names[i % 4]);
        must(nb_image_read(&image, golden_path(path), &err), &err);
        must(nb_preprocess_crop(&image, &ways[i / 4], &crop, &err), &err);
        assert_memory_equal(crop.rgb, want + i * BYTES, BYTES);
        nb_image_free(&image);
        nb_image_free(&crop);
    }
    nb_image narrow = {0}, out;
    must(nb_image_create(&narrow, 1, 900, &err), &err);
    must_fail(nb_preprocess_crop(&narrow, &ways[3], &out, &err), NB_ERR_INPUT, &err, "too narrow");
    nb_image_free(&narrow);
    free(want);
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
        must(nb_preprocess_crop(&image, &(nb_preprocess){.size = 224}, &crop, &err), &err);
        assert_int_equal(crop.width, 224);
        assert_int_equal(crop.height, 224);
        for (size_t k = 0; k < 3 * 224 * 224; k++) {
            assert_int_equal(crop.rgb[k], 77);
        }
        nb_image_free(&image);
        nb_image_free(&crop);
    }
}

/* The slow reference: Pillow's Resample.c told pixel by pixel, without bands, strips or vectors. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    return x < 1.0 ? ((a + 2.0) * x - (a + 3.0)) * x * x + 1 : x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

/* One value of a line of `in` values, `step` bytes apart, resized to `out` values. */
static uint8_t reference_value(const uint8_t *line, size_t step, size_t in, size_t out, size_t at)
{
    double scale = (double)in / (double)out, wide = scale < 1.0 ? 1.0 : scale, total = 0;
    double centre = ((double)at + 0.5) * scale;
    int64_t first = (int64_t)(centre - 2.0 * wide + 0.5), last = (int64_t)(centre + 2.0 * wide + 0.5);
    int32_t sum = 1 << 21;
    if (in == out) {
        return line[at * step];
    }
    first = first < 0 ? 0 : first;
    last = last > (int64_t)in ? (int64_t)in : last;
    for (int64_t k = first; k < last; k++) {
        total += cubic(((double)(k - first) + (double)first - centre + 0.5) * (1.0 / wide));
    }
    for (int64_t k = first; k < last; k++) {
        double weight = cubic(((double)(k - first) + (double)first - centre + 0.5) * (1.0 / wide)) / total * (1 << 22);
        sum += (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5) * line[(size_t)k * step];
    }
    sum >>= 22;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void reference_side(size_t side, size_t other, size_t size, size_t *resized, size_t *offset)
{
    *resized = side <= other ? size : (size_t)((double)(size * side) / (double)other);
    *offset = (size_t)rint((double)(*resized - size) / 2.0);
}

static void reference_crop(const nb_image *in, size_t size, uint8_t *out)
{
    size_t width, height, left, top;
    reference_side(in->width, in->height, size, &width, &left);
    reference_side(in->height, in->width, size, &height, &top);
    uint8_t *middle = malloc(in->height * size * 3);
    assert_non_null(middle);
    for (size_t y = 0; y < in->height; y++) {
        for (size_t i = 0; i < 3 * size; i++) {
            const uint8_t *line = in->rgb + y * in->width * 3 + i % 3;
            middle[y * size * 3 + i] = reference_value(line, 3, in->width, width, left + i / 3);
        }
    }
    for (size_t y = 0; y < size; y++) {
        for (size_t i = 0; i < 3 * size; i++) {
            out[y * size * 3 + i] = reference_value(middle + i, 3 * size, in->height, height, top + y);
        }
    }
    free(middle);
}

/* Extremes beside noise: overshoots of the cubic must be clipped alike. */
static void fill_noise(nb_image *image, uint64_t seed)
{
    for (size_t i = 0; i < 3 * image->width * image->height; i++) {
        uint64_t draw = nb_random_u64(seed, 1, i);
        image->rgb[i] = draw >> 62 == 0 ? 0 : draw >> 62 == 1 ? 255 : (uint8_t)draw;
    }
}

static void check_reference(size_t width, size_t height, size_t size, uint64_t seed)
{
    nb_error err = {0};
    nb_image image = {0}, crop;
    uint8_t *want = malloc(3 * size * size);
    assert_non_null(want);
    must(nb_image_create(&image, width, height, &err), &err);
    fill_noise(&image, seed);
    must(nb_preprocess_crop(&image, &(nb_preprocess){.size = size}, &crop, &err), &err);
    reference_crop(&image, size, want);
    if (memcmp(crop.rgb, want, 3 * size * size) != 0) {
        fail_msg("%zu x %zu to %zu: other pixels than the reference", width, height, size);
    }
    nb_image_free(&image);
    nb_image_free(&crop);
    free(want);
}

static void test_random_sizes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        size_t most = i % 8 == 0 ? 700 : 120, large = i % 16 == 0 ? 230 : 70;
        size_t width = 1 + nb_random_below(7, 2, i, most), height = 1 + nb_random_below(7, 3, i, most);
        check_reference(width, height, 1 + nb_random_below(7, 4, i, large), i);
    }
}

/* Around the sizes of bands and strips, and pictures far larger or smaller than the crop. */
static void test_edge_sizes(void **state)
{
    (void)state;
    const size_t cases[][3] = {{15, 16, 8},   {16, 17, 16},    {17, 33, 31},    {33, 32, 32},  {97, 48, 33},
                               {1, 20000, 8}, {20000, 1, 8},   {1, 1, 65},      {2, 2, 1},     {1500, 1400, 3},
                               {700, 9, 64},  {500, 375, 224}, {224, 224, 224}, {640, 64, 64}, {3, 2000, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_reference(cases[i][0], cases[i][1], cases[i][2], i);
    }
}

/* The formula with its divisions, value by value. */
static void test_normalise(void **state)
{
    (void)state;
    uint8_t bytes[3 * 256];
    float tensor[3 * 256];
    nb_image ramp = {bytes, 16, 16};
    nb_preprocess p = nb_preprocess_default(16);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i / 3);
    }
    nb_preprocess_normalise(&p, &ramp, tensor);
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < 256; i++) {
            assert_true(tensor[c * 256 + i] == ((float)i / 255.0F - p.mean[c]) / p.std[c]);
        }
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
        must(nb_preprocess_crop(&image, &(nb_preprocess){.size = 10}, &crop, &err), &err);
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

    must(read_text("{\"size\": {\"height\": 224, \"width\": 224}, \"do_center_crop\": false, \"resample\": 2}", 224, &p,
                   &err),
         &err);
    assert_int_equal(p.resize, NB_RESIZE_SQUASH);
    assert_true(p.bilinear);
    must(read_text("{\"size\": {\"shortest_edge\": 256}, \"crop_size\": 224}", 224, &p, &err), &err);
    assert_int_equal(p.resize, NB_RESIZE_SHORTEST);
    assert_int_equal(p.edge, 256);
    assert_int_equal(p.size, 224);

    static const char *const bad[][2] = {
        {"{\"resample\": 1}", "resample is 1"},
        {"{\"resample\": \"bicubic\"}", "resample is \"bicubic\""},
        {"{\"do_resize\": false}", "do_resize is false"},
        {"{\"do_center_crop\": false}", "do_center_crop is false"},
        {"{\"do_rescale\": 0}", "do_rescale is 0"},
        {"{\"do_normalize\": false}", "do_normalize is false"},
        {"{\"crop_size\": 336}", "crop_size is 336"},
        {"{\"crop_size\": {\"height\": 224, \"width\": 336}}", "\"width\":336"},
        {"{\"size\": {\"height\": 224, \"width\": 225}}", "size is"},
        {"{\"size\": {\"height\": 223, \"width\": 223}}", "image_size is another"},
        {"{\"size\": {\"height\": 256, \"width\": 256}, \"do_center_crop\": false}", "does not give"},
        {"{\"size\": 223}", "size is 223"},
        {"{\"size\": \"large\"}", "size is \"large\""},
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
    must_fail(nb_preprocess_read(&p, absent_path("model"), 224, NULL, &err), NB_ERR_INPUT, &err, "absent/model");
    must_fail(nb_preprocess_read(&p, scratch_path("."), 0, NULL, &err), NB_ERR_INPUT, &err, "image_size of 0");
}

static void test_bad_crops(void **state)
{
    (void)state;
    nb_error err = {0};
    uint8_t pixel[3] = {0};
    nb_image none = {0}, one = {pixel, 1, 1}, out;
    must_fail(nb_preprocess_crop(&none, &(nb_preprocess){.size = 224}, &out, &err), NB_ERR_INPUT, &err,
              "without pixels");
    must_fail(nb_preprocess_crop(&one, &(nb_preprocess){.size = 0}, &out, &err), NB_ERR_LIMIT, &err, "4096");
    must_fail(nb_preprocess_crop(&one, &(nb_preprocess){.size = 4097}, &out, &err), NB_ERR_LIMIT, &err, "4096");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_crops),
        cmocka_unit_test(test_golden_pictures),
        cmocka_unit_test(test_golden_normalised),
        cmocka_unit_test(test_golden_models),
        cmocka_unit_test(test_golden_modes),
        cmocka_unit_test(test_extreme_shapes),
        cmocka_unit_test(test_random_sizes),
        cmocka_unit_test(test_edge_sizes),
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_bad_crops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
