/* Reads the weights of a checkpoint into a model: names and shapes of the transformers library's CLIPModel. */
#ifndef NB_CLIP_WEIGHTS_H
#define NB_CLIP_WEIGHTS_H

#include "common/clip/model.h"

/* Fills clip->arena, the blocks and every pointer into them from the safetensors file at path; clip->config is set.
 * NB_ERR_INPUT names the first tensor that is missing, has another shape or dtype, or is not finite. Memory is owned by
 * the model even on failure. */
nb_status nb_clip_weights_read(nb_clip *clip, const char *path, nb_error *err);

#endif
