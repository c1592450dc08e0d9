/* Texts as a trie of tokens: prefixes that texts share (the prompt's, and those of neighbours in a sorted corpus) are
 * rows computed once. The text tower is causal, so a row depends only on the path above it: sharing is exact. */
#ifndef NB_COMMON_CLIP_TOWERS_TRIE_H
#define NB_COMMON_CLIP_TOWERS_TRIE_H

#include "common/base/status.h"

#include <stdint.h>

/* One text: the rows [first, first + count) are its own, at depths `shared` and on; the rows above them on its path
 * belong to the text before it in `order`. count is 0 for a text equal to the one before. */
typedef struct nb_trie_text {
    size_t text; /* number in the batch */
    size_t first, count, shared;
    size_t last; /* row of its end token */
} nb_trie_text;

typedef struct nb_trie {
    int32_t *tokens;  /* [rows] */
    uint16_t *depths; /* [rows] */
    size_t rows, row_room;
    nb_trie_text *texts; /* [count] in the order of their tokens */
    size_t count, text_room;
} nb_trie;

/* Room for `texts` texts of up to `context` tokens and up to `rows` rows, rows >= context. */
nb_status nb_trie_create(nb_trie *out, size_t texts, size_t context, size_t rows, nb_error *err);
void nb_trie_destroy(nb_trie *trie);

/* Orders texts by their tokens: order [count] gets their numbers. ids [count, context], lengths [count]. */
void nb_trie_order(size_t *order, const int32_t *ids, const size_t *lengths, size_t count, size_t context);

/* Builds the trie of texts order[begin..] until rows or texts run out; returns how many were taken, at least one. */
size_t nb_trie_build(nb_trie *trie, const size_t *order, size_t begin, size_t end, const int32_t *ids,
                     const size_t *lengths, size_t context);

#endif
