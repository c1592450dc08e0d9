#include "mining/tuning/evaluate.h"

#include "mining/embed/embed.h"

#include <stdlib.h>
#include <string.h>

static size_t evaluate_best_class(const float *image, const float *texts, size_t classes, size_t d)
{
    size_t best = 0;
    double most = -2;
    for (size_t c = 0; c < classes; c++) {
        double dot = 0;
        for (size_t k = 0; k < d; k++) {
            dot += (double)image[k] * (double)texts[c * d + k];
        }
        if (dot > most) {
            most = dot;
            best = c;
        }
    }
    return best;
}

/* texts [labels, d]: the embeddings of the labels. Adds those of this rank's tiles. */
static nb_status evaluate_count_right(const nb_comm *comm, const nb_clip *clip, const nb_labelled_images *held,
                                      const float *texts, uint64_t *right, nb_error *err)
{
    const nb_image_inputs *images = held->images;
    size_t d = clip->config.projection, classes = held->labels->count;
    nb_image_embedder embedder = {0};
    float *rows = NULL, norms[NB_IMAGE_TILE];
    nb_status status;
    NB_TRY_NEW(rows, NB_IMAGE_TILE * d);
    NB_TRY(nb_image_embedder_open(&embedder, clip, images, 0, err));
    for (size_t at = 0; at < images->count; at += NB_IMAGE_TILE) {
        size_t n = images->count - at < NB_IMAGE_TILE ? images->count - at : NB_IMAGE_TILE;
        if (!nb_comm_owns(comm, at / NB_IMAGE_TILE)) {
            continue;
        }
        NB_TRY(nb_image_embedder_tile(&embedder, at, n, rows, norms, err));
        for (size_t i = 0; i < n; i++) {
            *right += (int64_t)evaluate_best_class(rows + i * d, texts, classes, d) == images->labels[at + i];
        }
    }
done:
    nb_image_embedder_destroy(&embedder);
    free(rows);
    return status;
}

nb_status nb_tune_evaluate(const nb_comm *comm, const nb_clip *clip, const nb_labelled_images *held, uint64_t *right,
                           nb_error *err)
{
    nb_prompts prompts = {0};
    nb_strings templates = {0};
    float *texts = NULL;
    nb_status status;
    *right = 0;
    NB_TRY(nb_strings_push(&templates, held->prompt, strlen(held->prompt), err));
    NB_TRY(nb_prompts_create(&prompts, &templates, NULL, err));
    NB_TRY_NEW(texts, held->labels->count * clip->config.projection);
    NB_TRY(nb_embed_texts(clip, &prompts, held->labels, texts, err));
    NB_TRY(evaluate_count_right(comm, clip, held, texts, right, err));
done:
    nb_prompts_destroy(&prompts);
    nb_strings_free(&templates);
    free(texts);
    status = nb_comm_agree(comm, status, err);
    return status == NB_OK ? nb_comm_sum(comm, right, 1, err) : status;
}
