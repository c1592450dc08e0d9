/** @file
 * The files a model folder keeps its tokenizer in: vocab.json and merges.txt, tokenizer.json, a sentencepiece
 * .model, or BERT's vocab.txt.
 */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_FILES_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_FILES_H

#include "common/clip/tokenizer/tokenizer.h"

/** The names of the files the tokenizer of a model folder is read from: vocab.json and merges.txt when both exist or
 * tokenizer.json does not, else tokenizer.json; of sentencepiece and WordPiece
 * (common/clip/tokenizer/piece_tokenizer.h) first the vocabulary's, then those of tokenizer_config.json and
 * special_tokens_map.json that exist.
 *
 * Not collective.
 * @param files the names are appended to it
 * @param model_directory in Hugging Face's layout
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_files(nb_strings *files, const char *model_directory, nb_error *err);

/** Opens the tokenizer of a model folder from those files, each of at most NB_TOKENIZER_FILE_MAX bytes (sentencepiece:
 * NB_PIECE_FILE_MAX).
 *
 * Not collective.
 * @param[out] out freed by nb_tokenizer_close; NULL on failure
 * @param model_directory in Hugging Face's layout
 * @return NB_OK, or NB_ERR_INPUT when a file is missing, too long or not what nb_tokenizer_open_memory and
 * nb_tokenizer_json_convert accept, NB_ERR_IO when it cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_open(nb_tokenizer **out, const char *model_directory, nb_error *err);

#endif
