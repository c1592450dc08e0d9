/** @file
 * A model to train from nothing. */
#ifndef NB_MINING_TUNING_INITIAL_MODEL_H
#define NB_MINING_TUNING_INITIAL_MODEL_H

#include "mining/images/image_inputs.h"

/** What it is to be. Strings borrowed. */
typedef struct nb_initial_model_plan {
    const char
        *config;       /**< a config.json as of a Hugging Face CLIP; its vocabulary's size and end token do not count */
    size_t vocabulary; /**< tokens at most, over 514 */
    const char *prompt; /**< the captions: this, filled with the image's label */
    uint64_t seed;      /**< of the weights */
} nb_initial_model_plan;

/** Writes a checkpoint (common/clip/model/create.h) into an existing folder, its vocabulary learned from one caption an
 * image. The same plan and images give the same bytes. Not collective.
 * @param folder where to
 * @param plan what it is to be
 * @param images labelled images
 * @param labels the texts of their labels
 * @return NB_OK; NB_ERR_INPUT for an image without a label of `labels`, or a configuration that is none; NB_ERR_IO
 * when the folder cannot be written; NB_ERR_LIMIT without memory. */
nb_status nb_initial_model_write(const char *folder, const nb_initial_model_plan *plan, const nb_image_inputs *images,
                                 const nb_strings *labels, nb_error *err);

#endif
