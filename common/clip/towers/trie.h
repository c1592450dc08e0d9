/** @file
 * Texts as a trie of tokens: prefixes that texts share (the prompt's, and those of neighbours in a sorted corpus) are
 * rows computed once. The text tower is causal, so a row depends only on the path above it: sharing is exact.
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOWERS_TRIE_H
#define NB_COMMON_CLIP_TOWERS_TRIE_H

#include "common/base/status.h"

#include <stdint.h>

/** A batch of texts as tokens; borrows them. */
typedef struct nb_trie_batch {
    const int32_t *ids;    /**< [texts, context] */
    const size_t *lengths; /**< [texts] tokens of each, 1 to context */
    size_t context;        /**< ids from text to text */
} nb_trie_batch;

/** One text: the rows [first, first + count) are its own, at depths `shared` and on; the rows above them on its path
 * belong to the text before it in the order. count is 0 for a text equal to the one before. */
typedef struct nb_trie_text {
    size_t text;                 /**< number in the batch */
    size_t first, count, shared; /**< first row; rows; depth of the first row */
    size_t last;                 /**< row of its end token */
} nb_trie_text;

/** A trie of some texts of a batch. */
typedef struct nb_trie {
    int32_t *tokens;  /**< [rows] */
    uint16_t *depths; /**< [rows] place of the token in its text */
    /** [rows] of a tower that hides keys: how many keys a row sees before its own; NULL: all. The caller's. */
    const uint16_t *slots;
    const uint8_t *hidden;       /**< [rows] with slots: 1 where a row's own key is hidden, else 0 */
    size_t rows, row_capacity;   /**< used; capacity */
    nb_trie_text *texts;         /**< [count] in the order of their tokens */
    size_t count, text_capacity; /**< used; capacity */
} nb_trie;

/** Allocates a trie.
 * @param[out] out freed by nb_trie_destroy; {0} on failure
 * @param texts most texts
 * @param context most tokens of a text
 * @param rows most rows; at least `context` are allocated
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_trie_create(nb_trie *out, size_t texts, size_t context, size_t rows, nb_error *err);

/** Frees the memory and clears the struct. Takes NULL and {0}.
 * @param trie as nb_trie_create left it, or {0} */
void nb_trie_destroy(nb_trie *trie);

/** Orders texts by their tokens, equal ones by their number.
 * @param[out] order [count] the texts' numbers
 * @param batch the texts
 * @param count texts 0 to count - 1 of the batch are ordered */
void nb_trie_order(size_t *order, const nb_trie_batch *batch, size_t count);

/** Builds the trie of texts order[begin], order[begin + 1], ... until order[end] or until memory for texts or rows runs
 * out.
 * @param[out] trie what it held before is overwritten
 * @param order from nb_trie_order
 * @param begin place of the first text in the order
 * @param end place behind the last one
 * @param batch that of nb_trie_order
 * @return how many texts were taken, at least one where begin < end */
size_t nb_trie_build(nb_trie *trie, const size_t *order, size_t begin, size_t end, const nb_trie_batch *batch);

#endif
