/** @file
 * The shape of a CLIP that has no configuration: OpenAI's archives. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CONFIG_INFER_H
#define NB_COMMON_CLIP_CHECKPOINT_CONFIG_INFER_H

#include "common/clip/checkpoint/checkpoint.h"
#include "common/clip/checkpoint/config.h"

/** Infers the shape from the tensors, as build_model of OpenAI's CLIP (clip/model.py) does: heads of width 64, an MLP
 * of four widths, quick GELU.
 * @param[out] out of no use on failure
 * @param checkpoint an archive of torch.jit.save, with OpenAI's names
 * @return NB_OK, or NB_ERR_INPUT for a checkpoint that is no such archive (its activation and heads would be guesses),
 * for what nb_names_detect refuses, a tensor that is missing or of another rank, and sizes that do not fit together */
nb_status nb_clip_config_infer(nb_clip_config *out, const nb_checkpoint *checkpoint, nb_error *err);

#endif
