/** @file
 * A CLIP checkpoint with random weights (common/clip/model/create.h), its byte-pair vocabulary learned from given
 * texts: such a model computes, but knows nothing. */
#ifndef NB_JOBS_DEMO_DEMO_MODEL_H
#define NB_JOBS_DEMO_DEMO_MODEL_H

#include "common/base/memory.h"

/** One tower. The feed-forward layers are four times as wide. */
typedef struct nb_demo_tower {
    size_t width, layers, heads;
} nb_demo_tower;

/** A model. */
typedef struct nb_demo_model {
    nb_demo_tower text, vision;
    size_t context;    /**< tokens a text, start and end included */
    size_t image_size; /**< pixels a side */
    size_t patch_size; /**< divides image_size */
    size_t projection; /**< width of the embeddings */
    size_t merges;     /**< learned at most; the vocabulary has 514 symbols more */
} nb_demo_model;

/** A small model: two layers of width 64 and 4 heads in both towers, 32 tokens, 64 pixels in patches of 8, projection
 * 32, 500 merges.
 * @return the model */
nb_demo_model nb_demo_model_tiny(void);

/** Writes the five files of a checkpoint. The same model, seed and texts give the same bytes. Not collective.
 * @param directory must be there
 * @param force replace files that are there
 * @param model its sizes
 * @param seed of the weights
 * @param texts what the vocabulary is learned from
 * @return NB_OK; NB_ERR_USAGE when a file is there and `force` is not given; NB_ERR_INPUT for a model that cannot be;
 * NB_ERR_IO when a file cannot be written; NB_ERR_LIMIT without memory. */
nb_status nb_demo_model_write(const char *directory, bool force, const nb_demo_model *model, uint64_t seed,
                              const nb_strings *texts, nb_error *err);

#endif
