/** @file
 * The vocabulary of a sentencepiece tokenizer (Kudo, Richardson: SentencePiece, EMNLP 2018): pieces of text with
 * scores, and an index of them in bytewise order, in which all pieces that a text begins with are found.
 *
 * Nothing here is collective. Read-only once built, so any number of threads may search. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_PIECES_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_PIECES_H

#include "common/base/memory.h"

#include <stdint.h>

/** U+2581, which stands for a blank in pieces. */
#define NB_PIECE_SPACE "\xE2\x96\x81"

/** What a piece is; the numbers of the .model file. */
typedef enum nb_piece_kind {
    NB_PIECE_NORMAL = 1,   /**< text */
    NB_PIECE_UNKNOWN,      /**< stands for what no piece covers */
    NB_PIECE_CONTROL,      /**< never found in text */
    NB_PIECE_USER_DEFINED, /**< text that is never cut nor normalised */
    NB_PIECE_UNUSED,       /**< text that is not used */
    NB_PIECE_BYTE          /**< "<0x41>": a byte of what no piece covers */
} nb_piece_kind;

/** Some strings of a list in bytewise order. Start from {0}. */
typedef struct nb_piece_index {
    const nb_strings *texts; /**< borrowed */
    uint32_t *sorted;        /**< [count] numbers in `texts` */
    size_t count;            /**< of them */
} nb_piece_index;

/** The strings of an index that begin with `depth` given bytes. */
typedef struct nb_piece_range {
    size_t low, high; /**< places in `sorted` */
    size_t depth;     /**< bytes */
} nb_piece_range;

/** A vocabulary. Start from {0}. */
typedef struct nb_pieces {
    nb_strings texts;     /**< piece i has the id i */
    double *scores;       /**< [texts.count] logarithms of probabilities, or minus the rank of a merge */
    uint8_t *kinds;       /**< [texts.count] nb_piece_kind */
    size_t cap_kinds;     /**< room in `kinds` */
    size_t cap_scores;    /**< room in `scores` */
    nb_piece_index text;  /**< the normal, user-defined and unused pieces */
    nb_piece_index users; /**< the user-defined ones */
    int32_t unknown;      /**< the piece for what is unknown, -1 for none */
    int32_t bytes[256];   /**< the pieces of bytes, -1 for none */
    bool byte_fallback;   /**< what is unknown is written as bytes */
    bool single;          /**< sums of scores are rounded to float, as sentencepiece does */
    double lowest;        /**< score of the normal pieces */
    double highest;       /**< score of the normal pieces */
} nb_pieces;

/** Token ids, in a list that grows. Start from {0}; `ids` is freed by the caller. */
typedef struct nb_id_list {
    int32_t *ids; /**< [count] */
    size_t count; /**< ids */
    size_t cap;   /**< room in `ids` */
} nb_id_list;

/** Appends an id.
 * @param list grows
 * @param id appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_id_list_push(nb_id_list *list, int32_t id, nb_error *err);

/** Appends a piece.
 * @param pieces before nb_pieces_finish
 * @param text [len] its text
 * @param len bytes
 * @param score its score
 * @param kind what it is
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_pieces_add(nb_pieces *pieces, const char *text, size_t len, double score, nb_piece_kind kind,
                        nb_error *err);

/** Builds the indexes. Call once, when all pieces are there and `byte_fallback` is set.
 * @param pieces the vocabulary
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for no piece, one that is empty, no UTF-8 or there twice, a score that is no number,
 * or bytes that lack a piece although byte_fallback is set; NB_ERR_LIMIT without memory */
nb_status nb_pieces_finish(nb_pieces *pieces, const char *path, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param pieces in any state */
void nb_pieces_free(nb_pieces *pieces);

/** The piece of exactly this text among all, also those that are never found in text; slow.
 * @param pieces the vocabulary
 * @param text its text
 * @return its id, -1 for none */
int32_t nb_pieces_named(const nb_pieces *pieces, const char *text);

/** Appends what stands for text that no piece covers: its bytes, or the unknown piece unless that was appended last for
 * the text just before.
 * @param pieces the vocabulary
 * @param text [len]
 * @param len bytes
 * @param[in,out] after_unknown whether the unknown piece was appended for the text just before
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_pieces_push_unknown(const nb_pieces *pieces, const char *text, size_t len, bool *after_unknown,
                                 nb_id_list *out, nb_error *err);

/** Sorts strings of a list into an index.
 * @param[out] index `sorted` is freed by the caller
 * @param texts borrowed for the index's life
 * @param wanted [count] their numbers, an allocation that is taken over, even on failure
 * @param count of them
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT when two are the same */
nb_status nb_piece_index_build(nb_piece_index *index, const nb_strings *texts, uint32_t *wanted, size_t count,
                               const char *path, nb_error *err);

/** The range of all strings.
 * @param index that is searched */
nb_piece_range nb_piece_range_all(const nb_piece_index *index);

/** Narrows a range to the strings whose next byte is this one.
 * @param index that is searched
 * @param range narrowed
 * @param byte the next one
 * @return whether there are any */
bool nb_piece_range_step(const nb_piece_index *index, nb_piece_range *range, char byte);

/** The string that ends where the range has come to.
 * @param index that is searched
 * @param range not empty
 * @return its number, -1 for none */
int32_t nb_piece_range_whole(const nb_piece_index *index, const nb_piece_range *range);

/** The string of exactly this text.
 * @param index that is searched
 * @param text [len]
 * @param len bytes
 * @return its number, -1 for none */
int32_t nb_piece_index_find(const nb_piece_index *index, const char *text, size_t len);

/** The longest string that a text begins with.
 * @param index that is searched
 * @param text [len]
 * @param len bytes
 * @return its number, -1 for none */
int32_t nb_piece_index_longest(const nb_piece_index *index, const char *text, size_t len);

/** Bytes of the first character of a text.
 * @param text [len] UTF-8, not empty
 * @param len bytes
 * @return 1 to 4, at most len */
size_t nb_piece_character(const char *text, size_t len);

#endif
