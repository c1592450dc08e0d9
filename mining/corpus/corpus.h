/** @file
 * A corpus of tagged texts as a file holds it, in memory. How it is made: plan.h, then build.h, then
 * file/corpus_file.h. Nothing here is collective. */
#ifndef NB_CORPUS_CORPUS_H
#define NB_CORPUS_CORPUS_H

#include "mining/corpus/text/normalise.h"

/** One text of a corpus with its tag and where it was first seen. */
typedef struct nb_corpus_row {
    const char *text; /**< [len] canonical, without a NUL; borrowed */
    size_t len;       /**< bytes */
    uint8_t tag;      /**< nb_tag */
    uint32_t source;  /**< number of the input, from 0 */
    uint64_t line;    /**< its line there, from 1 */
} nb_corpus_row;

/** The rows [first, first + count) of a corpus of `total`, and the bytes of their texts, each with a NUL. */
typedef struct nb_corpus_range {
    uint64_t first, count, total;
    uint64_t first_byte, total_bytes; /**< bytes of the texts before these rows; of all texts */
} nb_corpus_range;

/** Texts with their tags and where each was first seen.
 *
 * Canonical: ordered bytewise by (text, tag), each pair once, with the smallest (source, line) of its occurrences,
 * sources being in the order of plan.h. A text that is both noun and adjective stays twice, since its prompts differ.
 * Start from {0}; free with nb_corpus_free. */
typedef struct nb_corpus {
    nb_strings texts;  /**< [count] */
    uint8_t *tags;     /**< [count] nb_tag */
    uint32_t *source;  /**< [count] number of the input */
    uint64_t *line;    /**< [count] from 1 */
    size_t count, cap; /**< rows; rows there is memory for */
} nb_corpus;

/** What became of the candidates: read = kept + the sum of dropped, always (a line of WordNet may hold several).
 *
 * Only uint64_t inside, so that counts of several processes can be summed element by element. */
typedef struct nb_corpus_counts {
    uint64_t read, kept;
    uint64_t sanitised;              /**< of those read: bytes that were not UTF-8 were replaced */
    uint64_t stray;                  /**< quoted fields of csv and tsv with something behind their end */
    uint64_t swallowed;              /**< quoted fields of tsv that hold both tabs and line ends: rows, perhaps */
    uint64_t dropped[NB_DROP_COUNT]; /**< by nb_drop; [NB_KEPT] is 0 */
} nb_corpus_counts;

/** Appends one text, which is copied. The order is the caller's affair.
 * @param c the corpus, {0} or with rows
 * @param row the text
 * @return NB_OK, or NB_ERR_LIMIT without memory: the corpus is then as before. */
nb_status nb_corpus_push(nb_corpus *c, const nb_corpus_row *row, nb_error *err);

/** Frees what a corpus holds and sets it to {0}.
 * @param c {0} or a corpus; may be NULL */
void nb_corpus_free(nb_corpus *c);

#endif
