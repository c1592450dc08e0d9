/** @file
 * Weights to start training from, by the rules of CLIP's published model code (Radford et al.: Learning Transferable
 * Visual Models From Natural Language Supervision, 2021; CLIP.initialize_parameters), for both towers alike: normal
 * numbers of deviation width^-1/2 for attention, over sqrt(2 layers) less where a residual branch ends, (2 width)^-1/2
 * for the MLP's first layer, 0.02 for tokens and patches, 0.01 for the texts' positions, width^-1/2 for class
 * token, the images' positions and projections; norms change nothing, biases are 0, the logit scale is ln(1 / 0.07). */
#ifndef NB_COMMON_CLIP_MODEL_INITIALISE_H
#define NB_COMMON_CLIP_MODEL_INITIALISE_H

#include "common/clip/model/model.h"

/** Draws all weights. The same configuration and seed give the same weights. Not collective.
 * @param clip has a configuration and an engine, fp32; is bound to the arena
 * @param[out] arena [nb_clip_parameters]
 * @param seed of the random numbers
 * @return NB_OK, or NB_ERR_LIMIT without memory for the blocks */
nb_status nb_clip_initialise(nb_clip *clip, float *arena, uint64_t seed, nb_error *err);

#endif
