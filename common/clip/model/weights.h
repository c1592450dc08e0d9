/** @file
 * Reads the weights of a checkpoint into a model, in either naming scheme (common/clip/checkpoint/names.h). Nothing
 * here is collective. */
#ifndef NB_COMMON_CLIP_MODEL_WEIGHTS_H
#define NB_COMMON_CLIP_MODEL_WEIGHTS_H

#include "common/clip/checkpoint/checkpoint.h"
#include "common/clip/model/model.h"

/** What nb_clip_weights_read would find wrong with names, shapes and dtypes, without reading a weight.
 * @param clip its config and engine are set; gets blocks
 * @param checkpoint the tensors that are needed are marked as used
 * @return as nb_clip_weights_read */
nb_status nb_clip_weights_check(nb_clip *clip, nb_checkpoint *checkpoint, nb_error *err);

/** Fills the arena, the blocks and every pointer into them, and the logit scale. What a scheme stores as [in, out] is
 * transposed.
 * @param clip its config and engine are set; owns the blocks even on failure
 * @param checkpoint the tensors that are read are marked as used
 * @param arena nb_clip_weight_bytes, aligned to 64, which must outlive the model; NULL: memory of the model's own
 * (clip->arena)
 * @return NB_OK, or NB_ERR_INPUT naming the first tensor that is missing, has another shape or dtype, is not finite, or
 * belongs to a tower but not to the configuration, or the kind of a model that is none of ours; NB_ERR_LIMIT without
 * memory */
nb_status nb_clip_weights_read(nb_clip *clip, nb_checkpoint *checkpoint, void *arena, nb_error *err);

/** Points the blocks and every pointer of a model into an arena, and reads the logit scale from it.
 * @param clip its config and engine are set; owns the blocks even on failure
 * @param arena as nb_clip_weights_read filled it for the same configuration and engine; must outlive the model
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_clip_weights_bind(nb_clip *clip, void *arena, nb_error *err);

/** Numbers a model of this configuration has, the logit scale included: floats of its arena in fp32.
 * @param config the shape */
size_t nb_clip_parameters(const nb_clip_config *config);

/** Bytes of its arena as an engine packs it.
 * @param config the shape
 * @param engine decides the form of the matrices */
size_t nb_clip_weight_bytes(const nb_clip_config *config, const nb_engine *engine);

#endif
