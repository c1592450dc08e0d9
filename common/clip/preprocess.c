#include "common/clip/preprocess.h"

#include "common/base/file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20, BICUBIC = 3, FRACTION_BITS = 32 - 8 - 2 };

/* ---- the configuration file ---- */

nb_preprocess nb_preprocess_default(size_t size)
{
    return (nb_preprocess){.size = size,
                           .mean = {0.48145466F, 0.4578275F, 0.40821073F},
                           .std = {0.26862954F, 0.26130258F, 0.27577711F},
                           .rescale = 1.0 / 255.0};
}

static nb_status refuse(const char *path, const char *key, const json_t *value, const char *need, nb_error *err)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    nb_status status =
        nb_fail(err, NB_ERR_INPUT, "'%s': %s is %.200s, but %s", path, key, text ? text : "missing", need);
    free(text);
    return status;
}

static nb_status check_steps(const json_t *root, const char *path, nb_error *err)
{
    static const char *const steps[] = {"do_resize", "do_center_crop", "do_rescale", "do_normalize"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const json_t *value = json_object_get(root, steps[i]);
        if (value && !json_is_true(value)) {
            return refuse(path, steps[i], value, "only true is supported", err);
        }
    }
    const json_t *resample = json_object_get(root, "resample");
    if (resample && !(json_is_integer(resample) && json_integer_value(resample) == BICUBIC)) {
        return refuse(path, "resample", resample, "only 3 (bicubic) is supported", err);
    }
    return NB_OK;
}

static bool equals(const json_t *value, size_t size)
{
    return json_is_integer(value) && json_integer_value(value) == (json_int_t)size;
}

/* An integer, or an object that says the same for the one or two sides it names. A resize to a height and a width would
 * squash the picture, so these are for the crop alone. */
static nb_status check_size(const json_t *root, const char *key, bool sides, size_t size, const char *path,
                            nb_error *err)
{
    const json_t *value = json_object_get(root, key);
    if (!value || equals(value, size)) {
        return NB_OK;
    }
    if (sides && json_object_size(value) == 2 && equals(json_object_get(value, "height"), size) &&
        equals(json_object_get(value, "width"), size)) {
        return NB_OK;
    }
    if (!sides && json_object_size(value) == 1 && equals(json_object_get(value, "shortest_edge"), size)) {
        return NB_OK;
    }
    if (!sides && (json_object_get(value, "height") || json_object_get(value, "width"))) {
        return refuse(path, key, value, "a resize without keeping the aspect ratio is not supported", err);
    }
    refuse(path, key, value, "the model's image_size is another", err);
    return nb_hint(err, "the model wants %zu pixels; is the file from this checkpoint?", size);
}

static nb_status read_channels(const json_t *root, const char *key, bool positive, float out[3], const char *path,
                               nb_error *err)
{
    const json_t *value = json_object_get(root, key);
    if (!value) {
        return NB_OK;
    }
    bool good = json_is_array(value) && json_array_size(value) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        out[i] = (float)json_number_value(item);
        good = json_is_number(item) && isfinite(out[i]) && (!positive || out[i] > 0);
    }
    return good ? NB_OK
                : refuse(path, key, value, positive ? "three numbers over 0 are needed" : "three numbers are needed",
                         err);
}

static nb_status read_rescale(const json_t *root, double *out, const char *path, nb_error *err)
{
    const json_t *value = json_object_get(root, "rescale_factor");
    if (!value) {
        return NB_OK;
    }
    *out = json_number_value(value);
    bool good = *out >= 1e-6 && *out <= 1e6;
    return good ? NB_OK : refuse(path, "rescale_factor", value, "a number from 1e-6 to 1e6 is needed", err);
}

static nb_status read_config(nb_preprocess *out, const char *path, nb_error *err)
{
    char *text = NULL;
    size_t len = 0;
    json_t *root = NULL;
    json_error_t problem;
    nb_status status = NB_OK;
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
    if (!root) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' line %d is not JSON: %s", path, problem.line, problem.text);
        goto done;
    }
    if (!json_is_object(root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' holds no JSON object", path);
        goto done;
    }
    NB_TRY(check_steps(root, path, err));
    NB_TRY(check_size(root, "crop_size", true, out->size, path, err));
    NB_TRY(check_size(root, "size", false, out->size, path, err));
    NB_TRY(read_channels(root, "image_mean", false, out->mean, path, err));
    NB_TRY(read_channels(root, "image_std", true, out->std, path, err));
    NB_TRY(read_rescale(root, &out->rescale, path, err));
done:
    json_decref(root);
    free(text);
    return status;
}

nb_status nb_preprocess_read(nb_preprocess *out, const char *model_directory, size_t image_size, bool *defaulted,
                             nb_error *err)
{
    char *path = NULL;
    *out = nb_preprocess_default(image_size);
    if (image_size < 1 || image_size > NB_PREPROCESS_SIZE_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "an image_size of %zu pixels, 1 to %d are accepted", image_size,
                       NB_PREPROCESS_SIZE_MAX);
    }
    nb_status status = nb_path_join(&path, model_directory, "preprocessor_config.json", err);
    if (status != NB_OK) {
        return status;
    }
    bool absent = access(path, F_OK) != 0 && errno == ENOENT && nb_file_is_directory(model_directory);
    if (defaulted) {
        *defaulted = absent;
    }
    if (!absent) {
        status = read_config(out, path, err);
    }
    free(path);
    return status;
}

/* ---- resize and crop ---- */

/* The windows of one pass: output i is the sum of weight[i * taps + k] * input[start[i] + k], k < length[i]. */
typedef struct windows {
    size_t count, taps;
    size_t *start, *length;
    int32_t *weight; /* [count, taps], FRACTION_BITS fractional bits */
} windows;

static void windows_free(windows *w)
{
    free(w->start);
    free(w->length);
    free(w->weight);
}

/* Keys' cubic with a = -0.5, in Pillow's order of operations. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    }
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static int32_t to_fixed(double weight)
{
    double scaled = weight * (1 << FRACTION_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* The window of output `at` when a side of `in` pixels is resampled with `scale` input pixels an output pixel. */
static void fill_window(windows *w, size_t i, double at, size_t in, double scale, double *real)
{
    double stretch = scale < 1.0 ? 1.0 : scale;
    double support = 2.0 * stretch;
    double centre = (at + 0.5) * scale;
    double first = trunc(centre - support + 0.5);
    double last = trunc(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    last = last > (double)in ? (double)in : last;
    w->start[i] = (size_t)first;
    w->length[i] = (size_t)(last - first);
    double sum = 0;
    for (size_t k = 0; k < w->length[i]; k++) {
        real[k] = bicubic(((double)k + first - centre + 0.5) * (1.0 / stretch));
        sum += real[k];
    }
    for (size_t k = 0; k < w->length[i]; k++) {
        w->weight[i * w->taps + k] = to_fixed(sum != 0.0 ? real[k] / sum : real[k]);
    }
}

/* Windows of outputs first .. first + count - 1 of a side resized from `in` to `out` pixels. An unchanged side gets
 * windows of weight one: the fixed-point sum then gives back the pixel, as Pillow's skipped pass does. */
static nb_status windows_make(windows *w, size_t in, size_t out, size_t first, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    double scale = (double)in / (double)out;
    double *real = NULL;
    size_t cells;
    w->count = count;
    w->taps = in == out ? 1 : (size_t)ceil(2.0 * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
    if (!nb_mul_size(count, w->taps, &cells)) {
        return nb_fail(err, NB_ERR_LIMIT, "a resize from %zu to %zu pixels is too large", in, out);
    }
    NB_TRY_NEW(w->start, count);
    NB_TRY_NEW(w->length, count);
    NB_TRY_NEW(w->weight, cells);
    NB_TRY_NEW(real, w->taps);
    for (size_t i = 0; i < count; i++) {
        if (in == out) {
            w->start[i] = first + i;
            w->length[i] = 1;
            w->weight[i] = 1 << FRACTION_BITS;
        } else {
            fill_window(w, i, (double)(first + i), in, scale, real);
        }
    }
done:
    free(real);
    return status;
}

static uint8_t to_byte(int32_t sum)
{
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static const int32_t half = 1 << (FRACTION_BITS - 1);

/* One row [in width, 3] to [w->count, 3]. */
static void resample_row(const windows *w, const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < w->count; i++) {
        const int32_t *weight = w->weight + i * w->taps;
        const uint8_t *pixel = in + w->start[i] * 3;
        int32_t red = half, green = half, blue = half;
        for (size_t k = 0; k < w->length[i]; k++, pixel += 3) {
            red += weight[k] * pixel[0];
            green += weight[k] * pixel[1];
            blue += weight[k] * pixel[2];
        }
        out[3 * i] = to_byte(red);
        out[3 * i + 1] = to_byte(green);
        out[3 * i + 2] = to_byte(blue);
    }
}

/* Rows [.., width bytes], of which `in` holds those from row `first` on, to out [w->count, width bytes]. */
static void resample_columns(const windows *w, const uint8_t *in, size_t first, size_t width, int32_t *sums,
                             uint8_t *out)
{
    for (size_t i = 0; i < w->count; i++, out += width) {
        const uint8_t *row = in + (w->start[i] - first) * width;
        for (size_t x = 0; x < width; x++) {
            sums[x] = half;
        }
        for (size_t k = 0; k < w->length[i]; k++, row += width) {
            int32_t weight = w->weight[i * w->taps + k];
            for (size_t x = 0; x < width; x++) {
                sums[x] += weight * row[x];
            }
        }
        for (size_t x = 0; x < width; x++) {
            out[x] = to_byte(sums[x]);
        }
    }
}

/* The sides after the resize, and the offset of the crop: (side - size) / 2 rounded half to even. */
static void plan_side(size_t side, size_t other, size_t size, size_t *resized, size_t *offset)
{
    *resized = side <= other ? size : (size_t)((double)(size * side) / (double)other);
    size_t spare = *resized - size;
    *offset = spare / 2 + (spare % 2 && spare / 2 % 2);
}

nb_status nb_preprocess_crop(const nb_image *in, size_t size, nb_image *out, nb_error *err)
{
    nb_status status = NB_OK;
    windows across = {0}, down = {0};
    uint8_t *middle = NULL;
    int32_t *sums = NULL;
    size_t width, height, left, top;
    *out = (nb_image){0};
    if (!in->rgb || !in->width || !in->height) {
        return nb_fail(err, NB_ERR_INPUT, "an image without pixels");
    }
    if (size < 1 || size > NB_PREPROCESS_SIZE_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a crop of %zu pixels, 1 to %d are accepted", size, NB_PREPROCESS_SIZE_MAX);
    }
    plan_side(in->width, in->height, size, &width, &left);
    plan_side(in->height, in->width, size, &height, &top);
    NB_TRY(windows_make(&across, in->width, width, left, size, err));
    NB_TRY(windows_make(&down, in->height, height, top, size, err));
    /* Windows move monotonically, so the first and the last span all the rows that are needed. */
    size_t first = down.start[0];
    size_t rows = down.start[size - 1] + down.length[size - 1] - first;
    NB_TRY_NEW(middle, rows * size * 3);
    NB_TRY_NEW(sums, size * 3);
    for (size_t y = 0; y < rows; y++) {
        resample_row(&across, in->rgb + (first + y) * in->width * 3, middle + y * size * 3);
    }
    NB_TRY(nb_image_create(out, size, size, err));
    resample_columns(&down, middle, first, size * 3, sums, out->rgb);
done:
    free(sums);
    free(middle);
    windows_free(&across);
    windows_free(&down);
    return status;
}

void nb_preprocess_normalise(const nb_preprocess *p, const nb_image *crop, float *out)
{
    /* Division by 255, not a product with its rounded inverse: the last bit is torchvision's. */
    float scale = (float)(1.0 / p->rescale);
    size_t pixels = crop->width * crop->height;
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < pixels; i++) {
            out[c * pixels + i] = ((float)crop->rgb[i * 3 + c] / scale - p->mean[c]) / p->std[c];
        }
    }
}
