#include "jobs/check/accuracy.h"

#include "common/base/file.h"
#include "common/clip/model/model.h"
#include "common/linear/reference/kernels.h"
#include "mining/embed/embed.h"
#include "mining/images/image_inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_TEXTS = 8, LINE_MAX_BYTES = 4096 };

/* What both engines embed. */
typedef struct inputs {
    nb_strings texts;
    nb_image_inputs images;
    size_t count; /* of the images, those that are embedded */
} inputs;

/* Rows [texts, d] and [images, d] of one engine, normalised. */
typedef struct rows {
    float *texts, *images;
    size_t d;
} rows;

/* `most` of `count`, evenly spread: number i of them. */
static size_t accuracy_spread(size_t i, size_t count, size_t most)
{
    return count <= most ? i : i * count / most;
}

static nb_status accuracy_read_texts(nb_strings *out, const char *path, nb_error *err)
{
    nb_strings all = {0};
    nb_status status;
    NB_TRY(nb_file_lines(path, LINE_MAX_BYTES, &all, err));
    size_t count = all.count < NB_ACCURACY_TEXTS ? all.count : NB_ACCURACY_TEXTS;
    for (size_t i = 0; i < count; i++) {
        size_t at = accuracy_spread(i, all.count, NB_ACCURACY_TEXTS);
        if (nb_strings_len(&all, at)) {
            NB_TRY(nb_strings_push(out, nb_strings_get(&all, at), nb_strings_len(&all, at), err));
        }
    }
    if (out->count < LEAST_TEXTS) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' has %zu texts: %d are needed to compare ranks", path, out->count,
                         LEAST_TEXTS);
    }
done:
    nb_strings_free(&all);
    return status;
}

static nb_status accuracy_read_images(nb_image_inputs *out, const char *path, nb_error *err)
{
    nb_strings paths = {0};
    nb_status status;
    NB_TRY(nb_strings_push(&paths, path, strlen(path), err));
    NB_TRY(nb_image_inputs_read(out, &paths, "none", err));
done:
    nb_strings_free(&paths);
    return status;
}

static nb_status accuracy_embed_images(rows *out, const nb_clip *clip, const inputs *in, nb_error *err)
{
    nb_image_embedder embedder = {0};
    float norm;
    nb_status status;
    NB_TRY(nb_image_embedder_open(&embedder, clip, &in->images, 0, err));
    for (size_t i = 0; i < in->count; i++) {
        size_t at = accuracy_spread(i, in->images.count, NB_ACCURACY_IMAGES);
        NB_TRY(nb_image_embedder_tile(&embedder, at, 1, out->images + i * out->d, &norm, err));
    }
done:
    nb_image_embedder_destroy(&embedder);
    return status;
}

static nb_status accuracy_embed(rows *out, const char *model, const nb_engine *engine, const inputs *in, nb_error *err)
{
    nb_clip *clip = NULL;
    nb_prompts prompts = {0};
    nb_status status;
    NB_TRY(nb_clip_open_by(&clip, model, engine, err));
    out->d = clip->config.projection;
    NB_TRY_NEW(out->texts, in->texts.count * out->d);
    NB_TRY_NEW(out->images, in->count * out->d);
    NB_TRY(nb_prompts_create(&prompts, NULL, NULL, err));
    NB_TRY(nb_embed_texts(clip, &prompts, &in->texts, out->texts, err));
    NB_TRY(accuracy_embed_images(out, clip, in, err));
done:
    nb_prompts_destroy(&prompts);
    nb_clip_close(clip);
    return status;
}

static double accuracy_dot(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* The least and the mean cosine of rows to their own. */
typedef struct cosines {
    double least, mean;
} cosines;

static cosines accuracy_cosines(const float *got, const float *want, size_t count, size_t d)
{
    cosines c = {.least = 1};
    for (size_t i = 0; i < count; i++) {
        const float *a = got + i * d, *b = want + i * d;
        double cosine = accuracy_dot(a, b, d) / sqrt(accuracy_dot(a, a, d) * accuracy_dot(b, b, d));
        c.least = fmin(c.least, cosine);
        c.mean += cosine / (double)count;
    }
    return c;
}

/* The texts nearest to an image, the nearest first; the earlier of two alike. */
static void accuracy_nearest(size_t *out, size_t most, const float *image, const float *texts, size_t count, size_t d)
{
    double values[NB_ACCURACY_NEAREST];
    size_t kept = 0;
    for (size_t t = 0; t < count; t++) {
        double value = accuracy_dot(image, texts + t * d, d);
        size_t at = kept;
        while (at > 0 && values[at - 1] < value) {
            at--;
        }
        if (at < most) {
            size_t moved = (kept < most ? kept : most - 1) - at;
            memmove(values + at + 1, values + at, moved * sizeof *values);
            memmove(out + at + 1, out + at, moved * sizeof *out);
            values[at] = value;
            out[at] = t;
            kept += kept < most;
        }
    }
}

static void accuracy_ranks(nb_accuracy *out, const rows *got, const rows *want)
{
    size_t d = got->d;
    size_t mine[NB_ACCURACY_NEAREST] = {0}, theirs[NB_ACCURACY_NEAREST] = {0}, shared = 0, first = 0, k = out->nearest;
    for (size_t i = 0; i < out->images; i++) {
        accuracy_nearest(mine, k, got->images + i * d, got->texts, out->texts, d);
        accuracy_nearest(theirs, k, want->images + i * d, want->texts, out->texts, d);
        first += mine[0] == theirs[0];
        for (size_t a = 0; a < k; a++) {
            for (size_t b = 0; b < k; b++) {
                shared += mine[a] == theirs[b];
            }
        }
    }
    out->shared = (double)shared / (double)(out->images * k);
    out->first = (double)first / (double)out->images;
}

nb_status nb_accuracy_measure(nb_accuracy *out, const nb_accuracy_of *of, nb_error *err)
{
    inputs in = {0};
    rows got = {0}, want = {0};
    nb_status status;
    NB_TRY(accuracy_read_texts(&in.texts, of->texts, err));
    NB_TRY(accuracy_read_images(&in.images, of->images, err));
    in.count = in.images.count < NB_ACCURACY_IMAGES ? in.images.count : NB_ACCURACY_IMAGES;
    NB_TRY(accuracy_embed(&want, of->model, nb_engine_fp32_best(), &in, err));
    NB_TRY(accuracy_embed(&got, of->model, of->engine, &in, err));
    size_t quarter = in.texts.count / 4;
    cosines texts = accuracy_cosines(got.texts, want.texts, in.texts.count, got.d);
    cosines images = accuracy_cosines(got.images, want.images, in.count, got.d);
    *out = (nb_accuracy){.texts = in.texts.count,
                         .images = in.count,
                         .nearest = quarter < NB_ACCURACY_NEAREST ? quarter : NB_ACCURACY_NEAREST,
                         .text_least = texts.least,
                         .text_mean = texts.mean,
                         .image_least = images.least,
                         .image_mean = images.mean};
    accuracy_ranks(out, &got, &want);
    out->passed = out->text_least >= NB_ACCURACY_COSINE && out->image_least >= NB_ACCURACY_COSINE &&
                  out->shared >= NB_ACCURACY_SHARED;
done:
    nb_strings_free(&in.texts);
    nb_image_inputs_free(&in.images);
    free(got.texts), free(got.images), free(want.texts), free(want.images);
    return status;
}
