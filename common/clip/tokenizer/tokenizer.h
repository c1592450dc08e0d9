/* CLIP's byte-pair tokenizer: the ids of OpenAI's simple_tokenizer.py, without its mojibake repair (ftfy).
 *
 * A text is cleaned (common/clip/tokenizer/text_clean.h) and cut into words: "<|startoftext|>", "<|endoftext|>", the
 * English contractions 's 't 're 've 'm 'll 'd, runs of letters, single numbers, runs of anything else that is no
 * blank. The UTF-8 bytes of a word are its first symbols, the last one marked "</w>", and are then merged by byte pairs
 * (common/clip/tokenizer/byte_pairs.h). */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_H

#include "common/base/memory.h"

#include <stdint.h>

/* Most bytes of one text, most tokens of a vocabulary, most bytes of vocab.json and of merges.txt. */
#define NB_TOKENIZER_TEXT_MAX  ((size_t)64 << 20)
#define NB_TOKENIZER_VOCAB_MAX ((size_t)1 << 20)
#define NB_TOKENIZER_FILE_MAX  ((size_t)32 << 20)

/* Immutable once open: any number of threads may encode with one tokenizer. */
typedef struct nb_tokenizer nb_tokenizer;

/* Reads vocab.json and merges.txt of a model folder (Hugging Face layout), or its tokenizer.json when one of them is
 * absent (common/clip/tokenizer/tokenizer_json.h); nb_tokenizer_close frees *out.
 *
 * vocab.json is one object "token": id. n tokens have the ids 0 to n - 1, each once. Among them are both special
 * tokens and the symbol of every byte with and without "</w>"; every other token is the result of exactly one merge.
 * merges.txt has a first line with "#version", then one merge "left right" a line, the most important first; blank
 * lines are skipped. Lines behind the merge that completes the vocabulary are not read: OpenAI's own file holds more
 * merges than the vocabulary uses. Anything else is NB_ERR_INPUT with file, line or token. */
nb_status nb_tokenizer_open(nb_tokenizer **out, const char *model_directory, nb_error *err);

/* The same from the contents of the two files; `where` is the folder that messages name. */
nb_status nb_tokenizer_open_memory(nb_tokenizer **out, const char *vocab_json, size_t vocab_len, const char *merges,
                                   size_t merges_len, const char *where, nb_error *err);

/* Takes NULL. */
void nb_tokenizer_close(nb_tokenizer *tokenizer);

/* Number of tokens: ids are in [0, size). */
size_t nb_tokenizer_vocab_size(const nb_tokenizer *tokenizer);
int32_t nb_tokenizer_start(const nb_tokenizer *tokenizer);
int32_t nb_tokenizer_end(const nb_tokenizer *tokenizer);

/* Writes the start token, the tokens of text[len] and the end token to ids[context_length] and their number to *count,
 * in [2, context_length]. A longer list is cut, the end token kept last. ids behind *count are left alone. The text may
 * hold NUL bytes. NB_ERR_USAGE for a context_length below 2, NB_ERR_INPUT for text that is not valid UTF-8,
 * NB_ERR_LIMIT for one over NB_TOKENIZER_TEXT_MAX or without memory. Time grows linearly with the text; one word
 * without blanks takes up to 29 bytes of memory a byte, other text 3. */
nb_status nb_tokenizer_encode(const nb_tokenizer *tokenizer, const char *text, size_t len, size_t context_length,
                              int32_t *ids, size_t *count, nb_error *err);

/* Appends the text the tokens stand for to `out`: start and end tokens left out, a blank behind every word. For checks
 * and messages: slow. NB_ERR_USAGE for an id that is no token. */
nb_status nb_tokenizer_decode(const nb_tokenizer *tokenizer, const int32_t *ids, size_t count, nb_buffer *out,
                              nb_error *err);

#endif
