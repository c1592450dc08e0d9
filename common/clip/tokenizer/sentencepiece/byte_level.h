/** @file
 * Byte pairs over bytes, as GPT-2 and RoBERTa have them (Radford et al.: Language Models are Unsupervised Multitask
 * Learners, 2019): a text is cut into the contractions 's 't 're 've 'm 'll 'd, letters, numbers and other signs, each
 * with the blank in front of it, and what blanks remain; every byte of a word is written as a printable character, and
 * the characters are merged. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_BYTE_LEVEL_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_BYTE_LEVEL_H

#include "common/clip/tokenizer/sentencepiece/sentence.h"

/** Cuts a text, and writes its bytes as characters.
 * @param text [len] UTF-8
 * @param len bytes
 * @param[in,out] out the words are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_byte_level_split(const char *text, size_t len, nb_strings *out, nb_error *err);

/** Appends the bytes that a piece spells.
 * @param piece [len] UTF-8; what is no byte's character is left out
 * @param len bytes
 * @param[in,out] out appended to
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the buffer's maximum */
nb_status nb_byte_level_spell(const char *piece, size_t len, nb_buffer *out, nb_error *err);

/** Whether a vocab.json is RoBERTa's rather than CLIP's, by a look at its text.
 * @param json [len]
 * @param len bytes */
bool nb_byte_level_is_vocab(const char *json, size_t len);

/** The contents of vocab.json and merges.txt; borrowed. */
typedef struct nb_byte_level_files {
    const char *vocab;  /**< [vocab_len] */
    size_t vocab_len;   /**< bytes */
    const char *merges; /**< [merges_len] */
    size_t merges_len;  /**< bytes */
} nb_byte_level_files;

/** Reads vocab.json and merges.txt as a RobertaTokenizer does: "<s>" stands before a text and "</s>" behind it; these,
 * "<pad>", "<unk>" and "<mask>" are found in texts, the last one with the blanks before it.
 * @param[out] sentence freed by nb_sentence_free; {0} on failure
 * @param files only read in the call
 * @param path the folder's vocab.json, for messages
 * @return NB_OK, or NB_ERR_INPUT for a vocabulary that is no object of ids, lacks one of these tokens or the parts of a
 * merge; NB_ERR_LIMIT over a limit of common/base/json.h or without memory */
nb_status nb_byte_level_read(nb_sentence *sentence, const nb_byte_level_files *files, const char *path, nb_error *err);

#endif
