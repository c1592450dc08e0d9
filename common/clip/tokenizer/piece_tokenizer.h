/** @file
 * The tokenizer of a model folder whose vocabulary is sentencepiece's, as the folder's own library uses it: what it
 * does to a text before, which special tokens it puts around it, what it pads with.
 *
 * In Hugging Face's layout tokenizer_config.json says which: SiglipTokenizer (lower case, punctuation removed,
 * spiece.model), a Gemma tokenizer (tokenizer.json, else tokenizer.model; SigLIP 2 in lower case), or any other that
 * tokenizer.json defines whole. In open_clip's layout tokenizer.json (else spiece.model or tokenizer.model) is used
 * behind the cleaning that text_cfg.tokenizer_kwargs of open_clip_config.json names; its mojibake repair (ftfy) is left
 * out.
 *
 * BERT's WordPiece (tokenizer.json, else vocab.txt) is read in the same way, with the options of a BertTokenizer; so
 * are RoBERTa's byte pairs (tokenizer.json, else vocab.json and merges.txt). An NllbTokenizer's special tokens follow
 * its src_lang and legacy_behaviour.
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_PIECE_TOKENIZER_H
#define NB_COMMON_CLIP_TOKENIZER_PIECE_TOKENIZER_H

#include "common/clip/tokenizer/sentencepiece/sentence.h"
#include "common/clip/tokenizer/text_clean.h"

#define NB_PIECE_FILE_MAX ((size_t)128 << 20) /**< most bytes of each of the files it is read from */

/** An open tokenizer. */
typedef struct nb_piece_tokenizer {
    nb_sentence sentence;      /**< vocabulary and how text is cut */
    nb_text_cleaning cleaning; /**< before that */
    bool siglip;               /**< as transformers' SiglipTokenizer does it */
    size_t skipped;            /**< pieces of the "<unk>" that SiglipTokenizer puts in front and takes away */
    int32_t pad;               /**< the token behind a text */
    int32_t stripped;          /**< open_clip's strip_sep_token: this token becomes 0 in the end; -1: none */
    bool pads_left;            /**< it stands before the text instead */
} nb_piece_tokenizer;

/** The file that a folder's sentencepiece vocabulary is read from.
 * @param directory a model's folder
 * @param[out] name the file's, constant; NULL when the folder's tokenizer is none of sentencepiece's
 * @return NB_OK, NB_ERR_INPUT for a tokenizer.json that is no JSON object or too long, NB_ERR_IO when it cannot be
 * read, NB_ERR_LIMIT without memory */
nb_status nb_piece_tokenizer_find(const char *directory, const char **name, nb_error *err);

/** Opens the tokenizer.
 * @param[out] out freed by nb_piece_tokenizer_close; NULL on failure
 * @param directory a model's folder
 * @param name as nb_piece_tokenizer_find gives it
 * @return NB_OK, or NB_ERR_INPUT naming the file and what in it is missing, damaged or not supported, NB_ERR_IO when it
 * cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_piece_tokenizer_open(nb_piece_tokenizer **out, const char *directory, const char *name, nb_error *err);

/** Frees a tokenizer. Takes NULL.
 * @param tokenizer no longer of use afterwards */
void nb_piece_tokenizer_close(nb_piece_tokenizer *tokenizer);

/** The ids of a text, special tokens around it. A longer list is cut, the special tokens kept; it is not padded.
 * @param tokenizer an open one
 * @param text [len] UTF-8
 * @param len bytes
 * @param most ids, at least as many as there are special tokens
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory or for a text that is too long */
nb_status nb_piece_tokenizer_encode(const nb_piece_tokenizer *tokenizer, const char *text, size_t len, size_t most,
                                    nb_id_list *out, nb_error *err);

/** Appends the text that ids stand for, special tokens and the blank that is put in front left out.
 * @param tokenizer an open one
 * @param ids [count]
 * @param count of the ids
 * @param[in,out] out the text is appended to it
 * @return NB_OK, or NB_ERR_USAGE for an id that is no token, NB_ERR_LIMIT without memory or over the buffer's maximum
 */
nb_status nb_piece_tokenizer_decode(const nb_piece_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                    nb_buffer *out, nb_error *err);

#endif
