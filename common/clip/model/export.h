/* Writes a model into a folder as Hugging Face lays it out. */
#ifndef NB_COMMON_CLIP_MODEL_EXPORT_H
#define NB_COMMON_CLIP_MODEL_EXPORT_H

#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/model.h"

/* config.json of a model of this shape; end_token: its id, or -1. Freed by the caller. */
nb_status nb_clip_config_text(const nb_clip_config *config, int64_t end_token, char **out, nb_error *err);

/* preprocessor_config.json of this preprocessing. Freed by the caller. */
nb_status nb_clip_preprocess_text(const nb_preprocess *preprocess, char **out, nb_error *err);

/* Into an existing folder: the vocabulary's files and preprocessor_config.json as they are in `from`, config.json
 * likewise, or made when `from` has open_clip's instead; model.safetensors last, NB_F32 or, rounded to nearest, NB_F16
 * (NB_ERR_NUMERIC where a weight is beyond its range). Files of these names are replaced. */
nb_status nb_clip_export(const nb_clip *clip, const float *weights, nb_dtype dtype, const char *from, const char *to,
                         nb_error *err);

#endif
