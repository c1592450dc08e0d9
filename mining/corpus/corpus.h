/* A corpus of tagged texts as a file holds it, in memory. How it is made: plan.h, then build.h, then
 * file/corpus_file.h. */
#ifndef NB_CORPUS_CORPUS_H
#define NB_CORPUS_CORPUS_H

#include "mining/corpus/text/normalise.h"

/* Texts with their tags and where each was first seen. Canonical: ordered bytewise by (text, tag), each pair once, with
 * the smallest (source, line) of its occurrences, sources being in the order of plan.h. A text that is both noun and
 * adjective stays twice, since its prompts differ. Start from {0}; free with nb_corpus_free. */
typedef struct nb_corpus {
    nb_strings texts;
    uint8_t *tags;    /* [count] nb_tag */
    uint32_t *source; /* [count] number of the input */
    uint64_t *line;   /* [count] from 1 */
    size_t count, cap;
} nb_corpus;

/* read = kept + the sum of dropped, always; in candidates (a line of WordNet may hold several). Only uint64_t inside,
 * so counts of several processes can be summed element by element. */
typedef struct nb_corpus_counts {
    uint64_t read, kept;
    uint64_t mended;                 /* of those read: bytes that were not UTF-8 were replaced */
    uint64_t dropped[NB_DROP_COUNT]; /* by nb_drop; [NB_KEPT] is 0 */
} nb_corpus_counts;

/* Appends one text. */
nb_status nb_corpus_push(nb_corpus *c, const char *text, size_t len, uint8_t tag, uint32_t source, uint64_t line,
                         nb_error *err);
void nb_corpus_free(nb_corpus *c);

#endif
