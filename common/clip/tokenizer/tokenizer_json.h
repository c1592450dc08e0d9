/** @file
 * tokenizer.json of Hugging Face's tokenizers library, for checkpoints without vocab.json and merges.txt.
 *
 * Read are model.type ("BPE"), model.vocab, model.merges (each "left right" or ["left", "right"]),
 * model.end_of_word_suffix ("</w>"), model.continuing_subword_prefix (none) and added_tokens (id, content), which join
 * the vocabulary: start and end alone, others would be cut out of texts. Cleaning and cutting are CLIP's own
 * (common/clip/tokenizer/tokenizer.h); a normalizer that keeps capital letters is refused. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_JSON_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_JSON_H

#include "common/base/memory.h"

/** What vocab.json and merges.txt would hold. Not collective.
 * @param[out] vocab appended to; freed by the caller
 * @param[out] merges appended to; freed by the caller
 * @param json [len] the file's content
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT naming what is missing or of another kind, NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_json_convert(nb_buffer *vocab, nb_buffer *merges, const char *json, size_t len, const char *path,
                                    nb_error *err);

#endif
