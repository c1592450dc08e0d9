/** @file
 * Cuts normalised text into the pieces of a vocabulary, by the most probable path or by merging pairs.
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_SEGMENT_H
#define NB_COMMON_CLIP_TOKENIZER_SENTENCEPIECE_SEGMENT_H

#include "common/clip/tokenizer/sentencepiece/pieces.h"

/** Merges given as pairs, as tokenizer.json has them: pieces left and right become `id`. {0}: a .model file, in which
 * any two neighbours merge whose joined text is a piece, the one of the highest score first. Start from {0}. */
typedef struct nb_piece_merges {
    int32_t (*merges)[3]; /**< [count] left, right, id; the most important first */
    size_t count;         /**< merges */
    size_t cap;           /**< room in `merges` */
    uint32_t *table;      /**< [mask + 1] ranks, open addressing by (left, right), at most half full */
    size_t mask;          /**< entries of the table, a power of two, less one */
} nb_piece_merges;

/** Builds the table to find merges with.
 * @param merges has at least one
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for a pair that is there twice, NB_ERR_LIMIT without memory */
nb_status nb_piece_merges_finish(nb_piece_merges *merges, const char *path, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param merges in any state */
void nb_piece_merges_free(nb_piece_merges *merges);

/** The most probable path: the pieces whose scores have the largest sum (Kudo: Subword Regularization, ACL 2018). Time
 * grows with the text times the longest piece; 16 bytes of memory a byte.
 * @param pieces their scores are logarithms of probabilities
 * @param text [len] UTF-8, normalised
 * @param len below 2^31
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT for a longer text or without memory */
nb_status nb_segment_unigram(const nb_pieces *pieces, const char *text, size_t len, nb_id_list *out, nb_error *err);

/** Byte-pair encoding over characters: the most important pair of neighbours is joined, the leftmost of equals, until
 * none is left. n log n time; about 80 bytes of memory a character.
 * @param pieces the vocabulary
 * @param merges pairs in the order of their rank, or {0}
 * @param text [len] UTF-8, normalised
 * @param len below 2^31
 * @param out ids are appended
 * @return NB_OK, or NB_ERR_LIMIT for a longer text or without memory */
nb_status nb_segment_pairs(const nb_pieces *pieces, const nb_piece_merges *merges, const char *text, size_t len,
                           nb_id_list *out, nb_error *err);

#endif
