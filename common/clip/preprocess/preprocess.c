#include "common/clip/preprocess/preprocess.h"

#include "common/base/file.h"
#include "common/image/resample.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20, BICUBIC = 3 };

/* ---- the configuration file ---- */

nb_preprocess nb_preprocess_default(size_t size)
{
    return (nb_preprocess){.size = size,
                           .mean = {0.48145466F, 0.4578275F, 0.40821073F},
                           .std = {0.26862954F, 0.26130258F, 0.27577711F},
                           .rescale = 1.0 / 255.0};
}

static nb_status preprocess_refuse(const char *path, const char *key, const json_t *value, const char *need,
                                   nb_error *err)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    nb_status status =
        nb_fail(err, NB_ERR_INPUT, "'%s': %s is %.200s, but %s", path, key, text ? text : "missing", need);
    free(text);
    return status;
}

static nb_status preprocess_check_steps(const json_t *root, const char *path, nb_error *err)
{
    static const char *const steps[] = {"do_resize", "do_center_crop", "do_rescale", "do_normalize"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const json_t *value = json_object_get(root, steps[i]);
        if (value && !json_is_true(value)) {
            return preprocess_refuse(path, steps[i], value, "only true is supported", err);
        }
    }
    const json_t *resample = json_object_get(root, "resample");
    if (resample && !(json_is_integer(resample) && json_integer_value(resample) == BICUBIC)) {
        return preprocess_refuse(path, "resample", resample, "only 3 (bicubic) is supported", err);
    }
    return NB_OK;
}

static bool preprocess_equals(const json_t *value, size_t size)
{
    return json_is_integer(value) && json_integer_value(value) == (json_int_t)size;
}

/* An integer, or an object that says the same for the one or two sides it names. A resize to a height and a width would
 * squash the picture, so these are for the crop alone. */
static nb_status preprocess_check_size(const json_t *root, const char *key, bool sides, size_t size, const char *path,
                                       nb_error *err)
{
    const json_t *value = json_object_get(root, key);
    if (!value || preprocess_equals(value, size)) {
        return NB_OK;
    }
    if (sides && json_object_size(value) == 2 && preprocess_equals(json_object_get(value, "height"), size) &&
        preprocess_equals(json_object_get(value, "width"), size)) {
        return NB_OK;
    }
    if (!sides && json_object_size(value) == 1 && preprocess_equals(json_object_get(value, "shortest_edge"), size)) {
        return NB_OK;
    }
    if (!sides && (json_object_get(value, "height") || json_object_get(value, "width"))) {
        return preprocess_refuse(path, key, value, "a resize without keeping the aspect ratio is not supported", err);
    }
    preprocess_refuse(path, key, value, "the model's image_size is another", err);
    return nb_hint(err, "the model wants %zu pixels; is the file from this checkpoint?", size);
}

static nb_status preprocess_read_channels(const json_t *root, const char *key, bool positive, float out[3],
                                          const char *path, nb_error *err)
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
                : preprocess_refuse(path, key, value,
                                    positive ? "three numbers over 0 are needed" : "three numbers are needed", err);
}

static nb_status preprocess_read_rescale(const json_t *root, double *out, const char *path, nb_error *err)
{
    const json_t *value = json_object_get(root, "rescale_factor");
    if (!value) {
        return NB_OK;
    }
    *out = json_number_value(value);
    bool good = *out >= 1e-6 && *out <= 1e6;
    return good ? NB_OK : preprocess_refuse(path, "rescale_factor", value, "a number from 1e-6 to 1e6 is needed", err);
}

static nb_status preprocess_read_config(nb_preprocess *out, const char *path, nb_error *err)
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
    NB_TRY(preprocess_check_steps(root, path, err));
    NB_TRY(preprocess_check_size(root, "crop_size", true, out->size, path, err));
    NB_TRY(preprocess_check_size(root, "size", false, out->size, path, err));
    NB_TRY(preprocess_read_channels(root, "image_mean", false, out->mean, path, err));
    NB_TRY(preprocess_read_channels(root, "image_std", true, out->std, path, err));
    NB_TRY(preprocess_read_rescale(root, &out->rescale, path, err));
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
        status = preprocess_read_config(out, path, err);
    }
    free(path);
    return status;
}

/* ---- resize, crop, tensor ---- */

/* The sides after the resize, and the offset of the crop: (side - size) / 2 rounded half to even. */
static void preprocess_plan_side(size_t side, size_t other, size_t size, size_t *resized, size_t *offset)
{
    *resized = side <= other ? size : (size_t)((double)(size * side) / (double)other);
    size_t spare = *resized - size;
    *offset = spare / 2 + (spare % 2 && spare / 2 % 2);
}

nb_status nb_preprocess_crop(const nb_image *in, size_t size, nb_image *out, nb_error *err)
{
    nb_resample_side across = {.in = in->width}, down = {.in = in->height};
    *out = (nb_image){0};
    if (!in->rgb || !in->width || !in->height) {
        return nb_fail(err, NB_ERR_INPUT, "an image without pixels");
    }
    if (size < 1 || size > NB_PREPROCESS_SIZE_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a crop of %zu pixels, 1 to %d are accepted", size, NB_PREPROCESS_SIZE_MAX);
    }
    preprocess_plan_side(in->width, in->height, size, &across.out, &across.first);
    preprocess_plan_side(in->height, in->width, size, &down.out, &down.first);
    nb_status status = nb_image_create(out, size, size, err);
    if (status == NB_OK) {
        status = nb_resample(in, &across, &down, out, err);
    }
    if (status != NB_OK) {
        nb_image_free(out);
    }
    return status;
}

void nb_preprocess_normalise(const nb_preprocess *p, const nb_image *crop, float *out)
{
    /* Division by 255, not a product with its rounded inverse: the last bit is torchvision's. */
    float scale = (float)(1.0 / p->rescale);
    size_t pixels = crop->width * crop->height;
    for (size_t c = 0; c < 3; c++) {
        float value[256];
        for (size_t byte = 0; byte < 256; byte++) {
            value[byte] = ((float)byte / scale - p->mean[c]) / p->std[c];
        }
        for (size_t i = 0; i < pixels; i++) {
            out[c * pixels + i] = value[crop->rgb[i * 3 + c]];
        }
    }
}
