/** @file
 * BERT's WordPiece (Devlin et al.: BERT, NAACL 2019), as the tokenizers library does it: what BertNormalizer and
 * BertPreTokenizer make of a text, and how a word is cut.
 *
 * Characters are classed by utf8proc's Unicode; the library's tables are of Unicode 8, so that some 570 characters
 * which are newer, none of them of common use, count as letters there.
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_WORDPIECE_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_WORDPIECE_H

#include "common/clip/tokenizer/sentencepiece/pieces.h"

/** What BertNormalizer does, in this order; options are joined by |. */
typedef enum nb_bert_option {
    NB_BERT_CLEAN = 1,      /**< control characters go, any white space becomes a blank */
    NB_BERT_IDEOGRAPHS = 2, /**< blanks go around each Chinese character */
    NB_BERT_ACCENTS = 4,    /**< characters are decomposed (NFD) and nonspacing marks go */
    NB_BERT_LOWER = 8       /**< lower case, each code point by itself */
} nb_bert_option;

/** A text as BertNormalizer leaves it.
 * @param options nb_bert_option
 * @param text UTF-8
 * @param[in,out] out appended to
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the buffer's maximum */
nb_status nb_bert_normalise(int options, const nb_buffer *text, nb_buffer *out, nb_error *err);

/** Cuts a text as BertPreTokenizer does: at white space, which goes, and around every punctuation character.
 * @param text [len] UTF-8
 * @param len bytes
 * @param[in,out] out the words are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_bert_split(const char *text, size_t len, nb_strings *out, nb_error *err);

/** The ids of a word: the longest piece it begins with, then the longest "##" piece of what follows, and so on; the
 * unknown piece alone when that comes to no end, or for a word of too many characters.
 * @param pieces with an unknown one
 * @param most characters of a word
 * @param word [len] UTF-8
 * @param len bytes
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_wordpiece_segment(const nb_pieces *pieces, size_t most, const char *word, size_t len, nb_id_list *out,
                               nb_error *err);

#endif
