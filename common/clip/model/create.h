/** @file
 * A checkpoint from nothing, in a folder as Hugging Face lays it out. */
#ifndef NB_COMMON_CLIP_MODEL_CREATE_H
#define NB_COMMON_CLIP_MODEL_CREATE_H

#include "common/base/memory.h"
#include "common/clip/checkpoint/config.h"

/** Writes vocab.json, merges.txt, config.json, preprocessor_config.json (CLIP's own) and model.safetensors (F32, drawn
 * from the seed: common/clip/model/initialise.h). The same arguments give the same bytes. Not collective.
 * @param folder exists
 * @param force replace files that exist
 * @param config its vocabulary and end token do not count
 * @param merges the byte pairs of the vocabulary (common/clip/tokenizer/bpe_train.h)
 * @param seed of the random weights
 * @return NB_OK, or NB_ERR_USAGE for a file that exists, unless force, NB_ERR_INPUT for merges that nb_bpe_write
 * refuses, NB_ERR_IO when writing fails, NB_ERR_LIMIT without memory */
nb_status nb_clip_create(const char *folder, bool force, const nb_clip_config *config, const nb_strings *merges,
                         uint64_t seed, nb_error *err);

#endif
