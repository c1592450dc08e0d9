/** @file
 * Writes a model into a folder as Hugging Face lays it out. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_MODEL_EXPORT_H
#define NB_COMMON_CLIP_MODEL_EXPORT_H

#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/model.h"

/** config.json of a model of this shape.
 * @param config the shape
 * @param end_token its id; -1: not stated
 * @param[out] out the text, freed by the caller
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_clip_config_text(const nb_clip_config *config, int64_t end_token, char **out, nb_error *err);

/** preprocessor_config.json of this preprocessing.
 * @param preprocess all of it is stated
 * @param[out] out the text, freed by the caller
 * @return NB_OK, NB_ERR_INPUT for NB_RESIZE_LONGEST, which the file cannot say, or NB_ERR_LIMIT without memory */
nb_status nb_clip_preprocess_text(const nb_preprocess *preprocess, char **out, nb_error *err);

/** Writes the vocabulary's files and preprocessor_config.json as they are beside `model`, or the latter made where
 * there is none; config.json likewise, or made when it is open_clip's or inferred; model.safetensors last. Files of
 * these names are replaced.
 * @param clip in fp32; for its shape and the names of its files
 * @param weights [nb_clip_parameters] laid out as the model's arena, where clip's pointers lead
 * @param dtype NB_F32 or, rounded to nearest, NB_F16
 * @param model the folder or file that clip was opened from
 * @param to an existing folder
 * @return NB_OK, or NB_ERR_NUMERIC where a weight is beyond the range of NB_F16, NB_ERR_INPUT when one of these files
 * is missing, NB_ERR_USAGE or NB_ERR_IO as nb_output_begin (common/base/file.h) where one of `to` cannot be replaced,
 * NB_ERR_IO when reading or writing fails, NB_ERR_LIMIT without memory */
nb_status nb_clip_export(const nb_clip *clip, const float *weights, nb_dtype dtype, const char *model, const char *to,
                         nb_error *err);

#endif
