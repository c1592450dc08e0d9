/* negbank inspect pixels: what the image tower sees of a picture. */
#include "jobs/commands.h"

#include "common/clip/preprocess/preprocess.h"
#include "common/image/write_png.h"
#include "common/store/npy.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *image, *model, *output;
    int64_t size;
    bool force;
} settings;

static bool inspect_pixels_ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static nb_status inspect_pixels_write_tensor(const settings *s, const nb_preprocess *preprocess, const nb_image *crop,
                                             nb_error *err)
{
    size_t size = crop->width;
    nb_status status;
    float *pixels = NULL;
    NB_TRY_NEW(pixels, 3 * size * size);
    nb_preprocess_normalise(preprocess, crop, pixels);
    NB_TRY(nb_npy_write(s->output, s->force, NB_NPY_F32, (nb_npy_shape){.planes = 3, .rows = size, .columns = size},
                        pixels, err));
done:
    free(pixels);
    return status;
}

static nb_status inspect_pixels(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_image image = {0}, crop = {0};
    nb_preprocess preprocess = nb_preprocess_default((size_t)s->size);
    nb_status status;
    if (s->model) {
        NB_TRY(nb_preprocess_read(&preprocess, s->model, (size_t)s->size, NULL, err));
    }
    NB_TRY(nb_image_read(&image, s->image, err));
    NB_TRY(nb_preprocess_crop(&image, &preprocess, &crop, err));
    NB_TRY(inspect_pixels_ends_in(s->output, ".npy") ? inspect_pixels_write_tensor(s, &preprocess, &crop, err)
                                                     : nb_image_write_png(s->output, &crop, s->force, err));
    nb_log_info(&job->log, "%zu x %zu -> %s", image.width, image.height, s->output);
done:
    nb_image_free(&image);
    nb_image_free(&crop);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("inputs", image, "IMAGE", "JPEG, PNG or WebP", OPT_ARGUMENT, OPT_REQUIRED),
    OPT_INT("size", size, "N", "224", 1, NB_PREPROCESS_SIZE_MAX, "side of the crop, pixels"),
    OPT_INPUT("model", model, "DIR", "checkpoint whose mean and deviation to use; default: CLIP's published ones"),
    NB_OUTPUT_OPTIONS("OUT.png: the crop; OUT.npy: the normalised tensor [3, N, N]"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(inspect_pixels, inspect_pixels, "inspect pixels", "the preprocessed crop of an image",
           "--size N IMAGE -o OUT.png|OUT.npy [options]",
           .description = "Resizes and crops an image as the image tower gets it, and writes what comes of it.\n",
           .examples = "  negbank inspect pixels --size 224 cat.jpg -o seen.png\n"
                       "  negbank inspect pixels --size 336 cat.jpg -o seen.npy\n");
