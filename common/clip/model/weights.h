/* Reads the weights of a checkpoint into a model, in either naming scheme (common/clip/checkpoint/names.h). */
#ifndef NB_COMMON_CLIP_MODEL_WEIGHTS_H
#define NB_COMMON_CLIP_MODEL_WEIGHTS_H

#include "common/clip/checkpoint/checkpoint.h"
#include "common/clip/model/model.h"

/* What nb_clip_weights_read would find wrong with names, shapes and dtypes, without reading a weight. */
nb_status nb_clip_weights_check(nb_clip *clip, nb_checkpoint *checkpoint, nb_error *err);

/* Fills `arena` (nb_clip_weight_bytes), or memory of the model's own when it is NULL (clip->arena), the blocks and
 * every pointer into them, and the logit scale; clip->config and clip->engine are set. What a scheme stores as [in,
 * out] is transposed. NB_ERR_INPUT names the first tensor that is missing, has another shape or dtype, is not finite,
 * or belongs to a tower but not to the configuration. Memory is owned by the model even on failure. Marks the tensors
 * it read as used. */
nb_status nb_clip_weights_read(nb_clip *clip, nb_checkpoint *checkpoint, void *arena, nb_error *err);

/* Points the blocks and every pointer of a model into an arena that nb_clip_weights_read filled for the same
 * configuration and engine, and reads the logit scale from it. */
nb_status nb_clip_weights_bind(nb_clip *clip, void *arena, nb_error *err);

/* Numbers a model of this configuration has, the logit scale included. */
size_t nb_clip_parameters(const nb_clip_config *config);
/* Bytes of its arena. */
size_t nb_clip_weight_bytes(const nb_clip_config *config, const nb_engine *engine);

#endif
