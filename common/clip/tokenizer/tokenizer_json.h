/* tokenizer.json of Hugging Face's tokenizers library, for checkpoints without vocab.json and merges.txt.
 *
 * Read are model.type ("BPE"), model.vocab, model.merges (each "left right" or ["left", "right"]),
 * model.end_of_word_suffix ("</w>"), model.continuing_subword_prefix (none) and added_tokens (id, content), which join
 * the vocabulary. Cleaning and cutting are CLIP's own (common/clip/tokenizer/tokenizer.h), whatever the file's
 * normalizer says. Files of up to NB_TOKENIZER_FILE_MAX bytes. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_JSON_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_JSON_H

#include "common/base/memory.h"
#include "common/clip/tokenizer/tokenizer.h"

/* Appends to `files` the names of the files the tokenizer of a model folder is read from: vocab.json and merges.txt
 * when both exist or tokenizer.json does not, else tokenizer.json. */
nb_status nb_tokenizer_files(nb_strings *files, const char *model_directory, nb_error *err);

/* Opens DIRECTORY/tokenizer.json; errors as nb_tokenizer_open_memory and nb_tokenizer_json_convert. */
nb_status nb_tokenizer_json_open(nb_tokenizer **out, const char *model_directory, nb_error *err);

/* Writes what vocab.json and merges.txt would hold to the buffers, which start from {0}. `path` is for messages.
 * NB_ERR_INPUT names what is missing or of another kind. */
nb_status nb_tokenizer_json_convert(nb_buffer *vocab, nb_buffer *merges, const char *json, size_t len, const char *path,
                                    nb_error *err);

#endif
