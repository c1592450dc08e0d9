/** @file
 * tokenizer_config.json of transformers beside CLIP's own vocabulary: what it says must leave the ids as
 * common/clip/tokenizer/tokenizer.h makes them. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_OPTIONS_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_OPTIONS_H

#include "common/base/memory.h"

/** Refuses options that change ids: letters kept as they are (do_lower_case false), texts cut before the model's
 * context (model_max_length), start or end tokens of another name or none (bos_token, eos_token, add_bos_token,
 * add_eos_token), a blank in front (add_prefix_space), and tokens that are cut out of a text before the byte pairs
 * (added_tokens_decoder). How texts are padded does not count: nothing behind the end token is seen.
 * @param directory the model's folder; without the file nothing is wrong
 * @param context tokens of the model
 * @return NB_OK, or NB_ERR_INPUT naming file, key and value, or for a file that is no JSON object or over 1 MiB,
 * NB_ERR_IO when it cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_check_options(const char *directory, size_t context, nb_error *err);

#endif
