#include "common/clip/preprocess/preprocess.h"

#include "common/base/file.h"
#include "common/image/resample.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20, BILINEAR = 2, BICUBIC = 3 }; /* Pillow's numbers */

static const char *const image_file = "preprocessor_config.json";
static const char *const both_file = "processor_config.json"; /* of newer versions of transformers */

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
    static const char *const steps[] = {"do_resize", "do_rescale", "do_normalize"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const json_t *value = json_object_get(root, steps[i]);
        if (value && !json_is_true(value)) {
            return preprocess_refuse(path, steps[i], value, "only true is supported", err);
        }
    }
    return NB_OK;
}

static nb_status preprocess_read_filter(const json_t *root, bool *bilinear, const char *path, nb_error *err)
{
    const json_t *resample = json_object_get(root, "resample");
    json_int_t filter = resample ? json_integer_value(resample) : BICUBIC;
    *bilinear = filter == BILINEAR;
    return filter == BILINEAR || filter == BICUBIC
               ? NB_OK
               : preprocess_refuse(path, "resample", resample, "only 2 (bilinear) and 3 (bicubic) are supported", err);
}

static bool preprocess_side(const json_t *value, size_t *out)
{
    json_int_t n = json_integer_value(value);
    *out = (size_t)n;
    return json_is_integer(value) && n >= 1 && n <= NB_PREPROCESS_SIZE_MAX;
}

/* A height and a width that are the same. */
static bool preprocess_square(const json_t *value, size_t *out)
{
    size_t other;
    return json_object_size(value) == 2 && preprocess_side(json_object_get(value, "height"), out) &&
           preprocess_side(json_object_get(value, "width"), &other) && other == *out;
}

/* The resize: a number or {"shortest_edge": n} keeps the picture's ratio, {"height": n, "width": n} does not. */
static nb_status preprocess_read_size(nb_preprocess *out, const json_t *root, const char *path, nb_error *err)
{
    const json_t *value = json_object_get(root, "size");
    const json_t *shortest = json_object_size(value) == 1 ? json_object_get(value, "shortest_edge") : NULL;
    out->edge = out->size;
    if (!value || json_is_null(value) || preprocess_side(shortest ? shortest : value, &out->edge)) {
        out->resize = NB_RESIZE_SHORTEST;
        return NB_OK;
    }
    out->resize = NB_RESIZE_SQUASH;
    return preprocess_square(value, &out->edge)
               ? NB_OK
               : preprocess_refuse(path, "size", value,
                                   "a number, a shortest_edge, or a height and a width that are the same are needed",
                                   err);
}

/* The crop must be of the model's size and inside the resized picture; without a crop the resize must give that size.
 */
static nb_status preprocess_read_crop(const nb_preprocess *out, const json_t *root, const char *path, nb_error *err)
{
    const json_t *crops = json_object_get(root, "do_center_crop"), *value = json_object_get(root, "crop_size");
    const json_t *size = json_object_get(root, "size");
    size_t crop = out->size;
    if (crops && !json_is_boolean(crops)) {
        return preprocess_refuse(path, "do_center_crop", crops, "true or false is needed", err);
    }
    if (json_is_false(crops)) {
        return out->resize == NB_RESIZE_SQUASH && out->edge == out->size
                   ? NB_OK
                   : preprocess_refuse(path, "do_center_crop", crops, "the resize does not give the model's image_size",
                                       err);
    }
    bool known = !value || json_is_null(value) || preprocess_side(value, &crop) || preprocess_square(value, &crop);
    bool fits = known && crop == out->size;
    if (!fits || out->edge < out->size) {
        preprocess_refuse(path, fits ? "size" : "crop_size", fits ? size : value, "the model's image_size is another",
                          err);
        nb_hint(err, "the model wants %zu pixels; is the file from this checkpoint?", out->size);
        return NB_ERR_INPUT;
    }
    return NB_OK;
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

/* *found false: the file is processor_config.json, and says nothing of images. */
static nb_status preprocess_read_config(nb_preprocess *out, const char *path, bool *found, nb_error *err)
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
    const json_t *images = root;
    if (strcmp(nb_path_base(path), both_file) == 0) {
        images = json_object_get(root, "image_processor");
        *found = json_is_object(images);
        if (!*found) {
            goto done;
        }
    }
    NB_TRY(preprocess_check_steps(images, path, err));
    NB_TRY(preprocess_read_filter(images, &out->bilinear, path, err));
    NB_TRY(preprocess_read_size(out, images, path, err));
    NB_TRY(preprocess_read_crop(out, images, path, err));
    NB_TRY(preprocess_read_channels(images, "image_mean", false, out->mean, path, err));
    NB_TRY(preprocess_read_channels(images, "image_std", true, out->std, path, err));
    NB_TRY(preprocess_read_rescale(images, &out->rescale, path, err));
done:
    json_decref(root);
    free(text);
    return status;
}

/* Reads one file of the folder; *found false: it is not there, or says nothing of images. */
static nb_status preprocess_read_file(nb_preprocess *out, const char *folder, const char *name, bool *found,
                                      nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, folder, name, err);
    if (status == NB_OK) {
        *found = access(path, F_OK) == 0 || errno != ENOENT || !nb_file_is_directory(folder);
        status = *found ? preprocess_read_config(out, path, found, err) : NB_OK;
    }
    free(path);
    return status;
}

nb_status nb_preprocess_read(nb_preprocess *out, const char *model_directory, size_t image_size, const char **file,
                             nb_error *err)
{
    bool found = false;
    const char *name = image_file;
    nb_status status;
    *out = nb_preprocess_default(image_size);
    if (image_size < 1 || image_size > NB_PREPROCESS_SIZE_MAX) {
        return nb_fail(err, NB_ERR_INPUT, "an image_size of %zu pixels, 1 to %d are accepted", image_size,
                       NB_PREPROCESS_SIZE_MAX);
    }
    NB_TRY(preprocess_read_file(out, model_directory, name, &found, err));
    if (!found) {
        name = both_file;
        NB_TRY(preprocess_read_file(out, model_directory, name, &found, err));
    }
    if (file) {
        *file = found ? name : NULL;
    }
done:
    return status;
}

/* ---- resize, crop, tensor ---- */

/* The side after the resize, and the offset of the crop: (side - size) / 2 rounded half to even. */
static void preprocess_plan_side(nb_resample_side *out, size_t side, size_t other, const nb_preprocess *p)
{
    size_t edge = p->edge ? p->edge : p->size;
    bool whole = side <= other || p->resize == NB_RESIZE_SQUASH;
    size_t resized = whole ? edge : (size_t)((double)(edge * side) / (double)other), spare = resized - p->size;
    *out = (nb_resample_side){
        .in = side, .out = resized, .first = spare / 2 + (spare % 2 && spare / 2 % 2), .bilinear = p->bilinear};
}

/* open_clip's ResizeKeepRatio and CenterCropOrPad: the longer side fits, the other is filled up on both sides. */
static nb_status preprocess_fit_longest(const nb_image *in, const nb_preprocess *p, nb_image *out, nb_error *err)
{
    double down = (double)in->height / (double)p->size, across = (double)in->width / (double)p->size;
    double ratio = down > across ? down : across;
    size_t height = (size_t)nearbyint((double)in->height / ratio), width = (size_t)nearbyint((double)in->width / ratio);
    nb_image inner = {0};
    nb_status status;
    if (!height || !width) {
        return nb_fail(err, NB_ERR_INPUT, "an image of %zu x %zu pixels is too narrow for %zu on its longer side",
                       in->width, in->height, p->size);
    }
    NB_TRY(nb_image_create(&inner, width, height, err));
    NB_TRY(nb_resample(in, &(nb_resample_side){.in = in->width, .out = width, .bilinear = p->bilinear},
                       &(nb_resample_side){.in = in->height, .out = height, .bilinear = p->bilinear}, &inner, err));
    size_t top = (p->size - height) / 2, left = (p->size - width) / 2;
    memset(out->rgb, p->fill, 3 * p->size * p->size);
    for (size_t y = 0; y < height; y++) {
        memcpy(out->rgb + 3 * ((top + y) * p->size + left), inner.rgb + 3 * y * width, 3 * width);
    }
done:
    nb_image_free(&inner);
    return status;
}

nb_status nb_preprocess_crop(const nb_image *in, const nb_preprocess *p, nb_image *out, nb_error *err)
{
    nb_resample_side across, down;
    *out = (nb_image){0};
    if (!in->rgb || !in->width || !in->height) {
        return nb_fail(err, NB_ERR_INPUT, "an image without pixels");
    }
    if (p->size < 1 || p->size > NB_PREPROCESS_SIZE_MAX) {
        return nb_fail(err, NB_ERR_LIMIT, "a crop of %zu pixels, 1 to %d are accepted", p->size,
                       NB_PREPROCESS_SIZE_MAX);
    }
    nb_status status = nb_image_create(out, p->size, p->size, err);
    if (status == NB_OK && p->resize == NB_RESIZE_LONGEST) {
        status = preprocess_fit_longest(in, p, out, err);
    } else if (status == NB_OK) {
        preprocess_plan_side(&across, in->width, in->height, p);
        preprocess_plan_side(&down, in->height, in->width, p);
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
