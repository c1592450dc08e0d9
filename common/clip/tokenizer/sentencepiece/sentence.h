/** @file
 * Sentencepiece tokenizers: a .model file of the sentencepiece library, or the "Unigram" and "BPE" models of a
 * tokenizer.json of Hugging Face's tokenizers library that work on characters rather than on CLIP's words.
 *
 * A .model is read as sentencepiece 0.1.97 and later read it: unigram and BPE, any precompiled normalisation, byte
 * fallback, user-defined pieces. Refused by name: models of words or characters, blanks as suffixes, unused pieces in
 * BPE.
 *
 * Of a tokenizer.json are read:
 * normalizer: Sequence, Precompiled, Lowercase, Strip, Prepend, Replace of a string or of " {2,}", NFC, NFD, NFKC,
 * NFKD; pre_tokenizer: Sequence, WhitespaceSplit, Metaspace, Split at a string with MergedWithPrevious; model: Unigram;
 * BPE without dropout, suffix, prefix and ignore_merges; post_processor: TemplateProcessing around one text;
 * added_tokens, which are found in the text as it is given, before it is normalised. Of GPT-2's and RoBERTa's:
 * pre_tokenizer ByteLevel without add_prefix_space (byte_level.h), post_processor RobertaProcessing. Of BERT's:
 * normalizer BertNormalizer, pre_tokenizer BertPreTokenizer, model WordPiece with the prefix "##" (wordpiece.h), or its
 * vocab.txt. Anything else in one of these places is refused by name; truncation, padding and decoder do not count.
 *
 * Nothing here is collective. Read-only once open, so any number of threads may encode with one. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_SENTENCE_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_SENTENCE_H

#include "common/clip/tokenizer/sentencepiece/charsmap.h"
#include "common/clip/tokenizer/sentencepiece/segment.h"

enum {
    NB_TEXT_STEPS_MAX = 16,       /**< normalizers, and pre-tokenizers */
    NB_TEMPLATE_TOKENS_MAX = 8,   /**< special tokens in front of a text, and behind it */
    NB_MERGE_JSON_MAX = 2000000,  /**< merges of a tokenizer.json */
    NB_ADDED_TOKENS_MAX = 1 << 16 /**< added_tokens */
};

/** What a step of a tokenizer.json does. */
typedef enum nb_text_step_kind {
    NB_STEP_CHARSMAP,       /**< Precompiled */
    NB_STEP_LOWER,          /**< Lowercase, each code point by itself */
    NB_STEP_REPLACE,        /**< Replace of a string */
    NB_STEP_REPLACE_BLANKS, /**< Replace of " {2,}" */
    NB_STEP_STRIP,          /**< Strip */
    NB_STEP_PREPEND,        /**< Prepend, unless the text is empty */
    NB_STEP_UNICODE,        /**< NFC, NFD, NFKC, NFKD */
    NB_STEP_BERT,           /**< BertNormalizer */
    NB_STEP_WORDS,          /**< WhitespaceSplit */
    NB_STEP_METASPACE,      /**< Metaspace */
    NB_STEP_SPLIT,          /**< Split behind a string */
    NB_STEP_BERT_WORDS,     /**< BertPreTokenizer */
    NB_STEP_BYTE_LEVEL      /**< ByteLevel */
} nb_text_step_kind;

/** One step. */
typedef struct nb_text_step {
    nb_text_step_kind kind; /**< what it does */
    char *from, *to;        /**< of Replace; `to` of Prepend and Metaspace, `from` of Split; NULL elsewhere */
    bool left, right;       /**< the ends of Strip */
    int unicode;            /**< utf8proc's options */
    int bert;               /**< nb_bert_option */
    char scheme;            /**< Metaspace: 'a'lways, 'f'irst, 'n'ever */
    bool split;             /**< Metaspace: cut in front of every blank */
} nb_text_step;

/** A token that is found in text before anything else. */
typedef struct nb_added_token {
    int32_t id;       /**< the token */
    bool left, right; /**< takes the blanks beside it with it */
} nb_added_token;

/** An open tokenizer. Start from {0}. */
typedef struct nb_sentence {
    nb_pieces pieces;       /**< the vocabulary */
    nb_piece_merges merges; /**< of a BPE from tokenizer.json */
    bool pairs;             /**< BPE, else unigram */
    bool byte_level;        /**< its pieces spell bytes (byte_level.h) */
    size_t word_max;        /**< WordPiece: characters of a word that is cut; 0: not WordPiece */
    bool from_json;         /**< steps as of a tokenizer.json, else a .model */
    nb_charsmap map;        /**< of the normalisation */
    bool dummy_prefix;      /**< .model: a blank goes in front */
    bool remove_extra;      /**< .model: blanks at the ends and runs of them go */
    bool escape;            /**< .model: blanks become NB_PIECE_SPACE */

    nb_text_step normalizers[NB_TEXT_STEPS_MAX]; /**< tokenizer.json */
    size_t normalizer_count;                     /**< steps */
    nb_text_step splitters[NB_TEXT_STEPS_MAX];   /**< tokenizer.json */
    size_t splitter_count;                       /**< steps */

    nb_strings added_texts;     /**< tokens that are found in text first */
    nb_added_token *added;      /**< [added_texts.count] */
    nb_piece_index added_index; /**< of added_texts */

    int32_t before[NB_TEMPLATE_TOKENS_MAX]; /**< special tokens in front */
    size_t before_count;                    /**< of them */
    int32_t after[NB_TEMPLATE_TOKENS_MAX];  /**< special tokens behind */
    size_t after_count;                     /**< of them */
} nb_sentence;

/** Reads a .model file.
 * @param[out] sentence freed by nb_sentence_free; {0} on failure. It has no special tokens around a text
 * @param bytes [len]; only read in the call
 * @param len bytes
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT naming what is damaged or not supported, NB_ERR_LIMIT without memory */
nb_status nb_sentence_read_model(nb_sentence *sentence, const char *bytes, size_t len, const char *path, nb_error *err);

/** Whether a tokenizer.json is one that nb_sentence_read_json is for, by a look at its text: it names a Unigram,
 * bytes as what is unknown, Metaspace, ByteLevel or a WordPiece's longest word, and no "</w>" as the end of words,
 * which CLIP's has.
 * @param json [len]
 * @param len bytes */
bool nb_sentence_is_json(const char *json, size_t len);

/** Reads a tokenizer.json.
 * @param[out] sentence freed by nb_sentence_free; {0} on failure
 * @param json [len]; only read in the call
 * @param len bytes
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT naming what is missing, wrong or not supported, NB_ERR_LIMIT over a limit of
 * common/base/json.h or without memory */
nb_status nb_sentence_read_json(nb_sentence *sentence, const char *json, size_t len, const char *path, nb_error *err);

/** Reads BERT's vocab.txt: one piece a line, the first with id 0. Texts are in lower case and without accents, as
 * BertTokenizer has them by default: step 0 of the normalizers.
 * @param[out] sentence freed by nb_sentence_free; {0} on failure
 * @param bytes [len]; only read in the call
 * @param len bytes
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for a piece that is empty, no UTF-8 or there twice, and without "[PAD]", "[UNK]",
 * "[CLS]", "[SEP]" or "[MASK]"; NB_ERR_LIMIT without memory */
nb_status nb_sentence_read_vocab(nb_sentence *sentence, const char *bytes, size_t len, const char *path, nb_error *err);

/** Adds a token that is found in text before anything else; nb_sentence_index_added follows the last one.
 * @param sentence gets it
 * @param text its text, not empty
 * @param token its id and what it takes with it
 * @return NB_OK, or NB_ERR_LIMIT without memory or over NB_ADDED_TOKENS_MAX */
nb_status nb_sentence_add_token(nb_sentence *sentence, const char *text, nb_added_token token, nb_error *err);

/** Makes the added tokens be found.
 * @param sentence has them
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for two of the same text, NB_ERR_LIMIT without memory */
nb_status nb_sentence_index_added(nb_sentence *sentence, const char *path, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param sentence in any state */
void nb_sentence_free(nb_sentence *sentence);

/** What is done to a text between the added tokens; see nb_sentence_each. */
typedef nb_status (*nb_sentence_visit)(const nb_sentence *sentence, const char *text, size_t len, bool first,
                                       nb_id_list *out, nb_error *err);

/** The ids of a text with its added tokens: these are found, and the text between them visited.
 * @param sentence open
 * @param text [len] UTF-8
 * @param len bytes
 * @param visit appends the ids of a text between added tokens, which is not empty; `first` tells whether it is where
 * the whole begins
 * @param out ids are appended
 * @return NB_OK, NB_ERR_LIMIT without memory, or what `visit` returns */
nb_status nb_sentence_each(const nb_sentence *sentence, const char *text, size_t len, nb_sentence_visit visit,
                           nb_id_list *out, nb_error *err);

/** The ids of a text, normalised and cut, without added tokens: an nb_sentence_visit.
 * @param sentence open
 * @param text [len] UTF-8
 * @param len bytes
 * @param first whether it is where the whole begins
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory or for a text that is too long */
nb_status nb_sentence_pieces(const nb_sentence *sentence, const char *text, size_t len, bool first, nb_id_list *out,
                             nb_error *err);

/** The text as a .model normalises it.
 * @param sentence of a .model
 * @param text [len] UTF-8
 * @param len bytes
 * @param[in,out] out appended to
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the buffer's maximum */
nb_status nb_sentence_normalise(const nb_sentence *sentence, const char *text, size_t len, nb_buffer *out,
                                nb_error *err);

/** One step of a tokenizer.json that changes a text.
 * @param sentence whose character map is used
 * @param step up to NB_STEP_UNICODE
 * @param text UTF-8
 * @param[in,out] out appended to
 * @return NB_OK, or NB_ERR_LIMIT without memory or over the buffer's maximum */
nb_status nb_sentence_apply(const nb_sentence *sentence, const nb_text_step *step, const nb_buffer *text,
                            nb_buffer *out, nb_error *err);

/** One step of a tokenizer.json that cuts texts.
 * @param step NB_STEP_WORDS or behind it
 * @param first whether the first text is where the whole begins
 * @param texts cut
 * @param[in,out] out the parts are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_sentence_split(const nb_text_step *step, bool first, const nb_strings *texts, nb_strings *out,
                            nb_error *err);

#endif
