#include "mining/embed/embed.h"

#include <stdlib.h>

static nb_status embed_images_start(nb_image_embedder *e, const nb_clip *clip, const nb_image_inputs *inputs,
                                    size_t threads, nb_error *err)
{
    nb_status status;
    e->clip = clip;
    e->inputs = inputs;
    NB_TRY(nb_image_encoder_create(&e->encoder, clip, NB_IMAGE_TILE, err));
    const nb_image_loader_plan plan = {.preprocess = &clip->preprocess,
                                       .size = clip->config.image_size,
                                       .inputs = inputs,
                                       .threads = threads,
                                       .tile = NB_IMAGE_TILE};
    NB_TRY(nb_image_loader_create(&e->loader, &plan, err));
done:
    if (status != NB_OK) {
        nb_image_embedder_destroy(e);
    }
    return status;
}

nb_status nb_image_embedder_open(nb_image_embedder *e, const nb_clip *clip, const nb_image_inputs *inputs,
                                 size_t threads, nb_error *err)
{
    *e = (nb_image_embedder){0};
    return embed_images_start(e, clip, inputs, threads, err);
}

nb_status nb_image_embedder_create(nb_image_embedder *e, const nb_clip *clip, const nb_strings *paths, nb_error *err)
{
    nb_status status = NB_OK;
    *e = (nb_image_embedder){.own = {.limits = nb_image_limits_default(), .count = paths->count}};
    for (size_t i = 0; status == NB_OK && i < paths->count; i++) {
        status = nb_strings_push(&e->own.paths, nb_strings_get(paths, i), nb_strings_len(paths, i), err);
    }
    if (status != NB_OK) {
        nb_image_embedder_destroy(e);
        return status;
    }
    return embed_images_start(e, clip, &e->own, 0, err);
}

void nb_image_embedder_destroy(nb_image_embedder *e)
{
    if (e) {
        nb_image_loader_destroy(e->loader);
        nb_image_encoder_destroy(e->encoder);
        nb_image_inputs_free(&e->own);
        *e = (nb_image_embedder){0};
    }
}

void nb_image_embedder_prefetch(void *embedder, size_t begin, size_t count)
{
    const nb_image_embedder *e = embedder;
    nb_image_loader_prefetch(e->loader, begin, count);
}

nb_status nb_image_embedder_tile(void *embedder, size_t begin, size_t count, float *rows, float *norms, nb_error *err)
{
    nb_image_embedder *e = embedder;
    size_t d = e->clip->config.projection;
    const float *pixels = NULL;
    double *row = NULL;
    nb_loader_times loading;
    nb_status status;
    NB_TRY(nb_image_loader_take(e->loader, begin, count, &pixels, err));
    double computing = nb_clock();
    nb_image_encoder_run(e->encoder, pixels, count, rows);
    NB_TRY_NEW(row, d);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            row[k] = (double)rows[i * d + k];
        }
        norms[i] = nb_embed_finish_row(rows + i * d, row, d);
        if (!(norms[i] > 0)) {
            status = nb_fail(err, NB_ERR_NUMERIC, "the embedding of image '%s' has norm %g",
                             nb_strings_get(&e->inputs->paths, begin + i), (double)norms[i]);
            goto done;
        }
    }
    loading = nb_image_loader_spent(e->loader);
    e->times.read += loading.read;
    e->times.decode += loading.decode;
    e->times.wait += loading.wait;
    e->times.compute += nb_clock() - computing;
done:
    free(row);
    return status;
}
