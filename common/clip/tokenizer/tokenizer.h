/** @file
 * The tokenizer of a model: CLIP's byte pairs, or one of sentencepiece's (common/clip/tokenizer/piece_tokenizer.h).
 *
 * CLIP's gives the ids of OpenAI's simple_tokenizer.py, without its mojibake repair (ftfy).
 *
 * A text is cleaned (common/clip/tokenizer/text_clean.h) and cut into words: "<|startoftext|>", "<|endoftext|>", the
 * English contractions 's 't 're 've 'm 'll 'd, runs of letters, single numbers, runs of anything else that is no
 * blank. The UTF-8 bytes of a word are its first symbols, the last one marked "</w>", and are then merged by byte pairs
 * (common/clip/tokenizer/byte_pairs.h).
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_TOKENIZER_H
#define NB_COMMON_CLIP_TOKENIZER_TOKENIZER_H

#include "common/base/memory.h"

#include <stdint.h>

#define NB_TOKENIZER_TEXT_MAX  ((size_t)64 << 20) /**< most bytes of one text */
#define NB_TOKENIZER_VOCAB_MAX ((size_t)1 << 20)  /**< most tokens of a vocabulary */
#define NB_TOKENIZER_FILE_MAX  ((size_t)32 << 20) /**< most bytes of each of the files it is read from */

/** An open tokenizer. Immutable: any number of threads may encode with one. */
typedef struct nb_tokenizer nb_tokenizer;

/** The contents of vocab.json and merges.txt; borrowed. */
typedef struct nb_tokenizer_texts {
    const char *vocab;  /**< [vocab_len] */
    size_t vocab_len;   /**< bytes */
    const char *merges; /**< [merges_len] */
    size_t merges_len;  /**< bytes */
} nb_tokenizer_texts;

/** Opens a tokenizer from the contents of its two files; nb_tokenizer_open (common/clip/tokenizer/tokenizer_files.h)
 * reads them from a folder.
 *
 * vocab.json is one object "token": id. n tokens have the ids 0 to n - 1, each once. Among them are both special
 * tokens and the symbol of every byte with and without "</w>"; every other token is the result of exactly one merge.
 * merges.txt has a first line with "#version", then one merge "left right" a line, the most important first; blank
 * lines are skipped. Lines behind the merge that completes the vocabulary are not read: OpenAI's own file holds more
 * merges than the vocabulary uses.
 * @param[out] out freed by nb_tokenizer_close; NULL on failure
 * @param texts only read in the call
 * @param where the folder that messages name
 * @return NB_OK, or NB_ERR_INPUT with file, line or token for anything else, NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_open_memory(nb_tokenizer **out, const nb_tokenizer_texts *texts, const char *where,
                                   nb_error *err);

struct nb_piece_tokenizer;

/** Makes a tokenizer of one of sentencepiece's.
 * @param[out] out freed by nb_tokenizer_close; NULL on failure
 * @param pieces taken over, even on failure
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_tokenizer_of_pieces(nb_tokenizer **out, struct nb_piece_tokenizer *pieces, nb_error *err);

/** Frees a tokenizer. Takes NULL.
 * @param tokenizer no longer of use afterwards */
void nb_tokenizer_close(nb_tokenizer *tokenizer);

/** Number of tokens: ids are in [0, size). Tokens that are found in text but lie outside of the vocabulary count.
 * @param tokenizer an open one */
size_t nb_tokenizer_vocab_size(const nb_tokenizer *tokenizer);

/** The id of "<|startoftext|>", or of what a sentencepiece tokenizer puts first; -1: nothing.
 * @param tokenizer an open one */
int32_t nb_tokenizer_start(const nb_tokenizer *tokenizer);

/** The id of "<|endoftext|>", or of what a sentencepiece tokenizer puts last; -1: nothing.
 * @param tokenizer an open one */
int32_t nb_tokenizer_end(const nb_tokenizer *tokenizer);

/** What kind it is, in words.
 * @param tokenizer an open one */
const char *nb_tokenizer_kind(const nb_tokenizer *tokenizer);

/** By how much the tokens of its vocabulary may be more or fewer than those that a checkpoint embeds.
 * @param tokenizer an open one
 * @return 0 for CLIP's own */
size_t nb_tokenizer_slack(const nb_tokenizer *tokenizer);

/** What a text is filled up with to the whole context, where the model sees that. */
typedef struct nb_padding {
    int32_t token; /**< the token */
    bool left;     /**< it stands in front of the text, else behind it */
} nb_padding;

/** The padding that the tokenizer's files state.
 * @param tokenizer an open one
 * @param[out] padding of a sentencepiece tokenizer; token 0 behind the text else
 * @return whether it is stated */
bool nb_tokenizer_padding(const nb_tokenizer *tokenizer, nb_padding *padding);

/** Memory for the tokens of a text, the caller's. */
typedef struct nb_token_array {
    int32_t *ids;    /**< [capacity] */
    size_t capacity; /**< the model's context */
} nb_token_array;

/** Writes the start token, the tokens of a text and the end token, or what a sentencepiece tokenizer has for them. A
 * longer list is cut, the end token kept last. Time
 * grows linearly with the text; one word without blanks takes up to 29 bytes of memory a byte, other text 3.
 * @param tokenizer an open one
 * @param text [len] UTF-8; may hold NUL bytes
 * @param len bytes of the text
 * @param[out] out ids behind *count are left alone
 * @param[out] count tokens written, 2 to out.capacity; 0 on failure
 * @return NB_OK, or NB_ERR_USAGE for a capacity below 2, NB_ERR_INPUT for text that is not valid UTF-8, NB_ERR_LIMIT
 * for one over NB_TOKENIZER_TEXT_MAX or without memory */
nb_status nb_tokenizer_encode(const nb_tokenizer *tokenizer, const char *text, size_t len, nb_token_array out,
                              size_t *count, nb_error *err);

/** Appends the text the tokens stand for: start and end tokens left out, a blank behind every word. For checks and
 * messages: slow.
 * @param tokenizer an open one
 * @param ids [count]
 * @param count of the ids
 * @param[in,out] out the text is appended to it
 * @return NB_OK, or NB_ERR_USAGE for an id that is no token, NB_ERR_LIMIT without memory or over the buffer's maximum
 */
nb_status nb_tokenizer_decode(const nb_tokenizer *tokenizer, const int32_t *ids, size_t count, nb_buffer *out,
                              nb_error *err);

#endif
