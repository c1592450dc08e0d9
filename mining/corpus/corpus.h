/* A corpus of tagged texts: read in parts from text inputs, brought into canonical order, merged. Nothing here
 * communicates; nb_corpus_pack makes a part one block of bytes that can travel.
 *
 * The steps: nb_corpus_plan_open once a process, nb_corpus_read and nb_corpus_canonicalise for each part,
 * nb_corpus_merge of all parts (through nb_corpus_pack and nb_corpus_unpack), nb_corpus_canonicalise again,
 * nb_corpus_apply_limit. The result and the sums of all counts do not depend on the number of parts nor on the order in
 * which they are merged. */
#ifndef NB_CORPUS_CORPUS_H
#define NB_CORPUS_CORPUS_H

#include "mining/corpus/source.h"

/* Texts with their tags and where each was first seen. Canonical: ordered bytewise by (text, tag), each pair once, with
 * the smallest (source, line) of its occurrences. A text that is both noun and adjective stays twice, since its prompts
 * differ. Start from {0}; free with nb_corpus_free. */
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
    uint64_t dropped[NB_DROP_COUNT]; /* by nb_drop; [NB_KEPT] is 0 */
} nb_corpus_counts;

typedef struct nb_corpus_settings {
    const char *format;         /* NB_SOURCE_FORMATS; NULL: "auto" */
    const char *tag;            /* NB_SOURCE_TAGS; NULL: "by-file" */
    size_t max_bytes;           /* of a normalised text; 0: NB_TEXT_BYTES_DEFAULT, at most NB_TEXT_BYTES_MAX */
    const nb_strings *excluded; /* labels that are no candidates, whatever their case; NULL: none. Copied. */
    size_t limit;               /* texts to keep, the first in canonical order; 0: all */
} nb_corpus_settings;

/* What is to be read. Not changed by reading, so threads may share it. */
typedef struct nb_corpus_plan {
    nb_corpus_settings settings; /* with the defaults filled in; strings borrowed, excluded NULL */
    nb_strings paths;
    nb_source *inputs; /* [count] */
    size_t count;
    uint64_t bytes; /* of all inputs */
    nb_label_set excluded;
} nb_corpus_plan;

/* Inspects every input (see nb_source_open for what is refused) and keeps what reading needs. NB_ERR_USAGE without
 * inputs or with a wrong setting; NB_ERR_INPUT for a bad file or an excluded label that is no text. The plan is closed
 * on failure; close takes {0}. */
nb_status nb_corpus_plan_open(nb_corpus_plan *plan, const nb_strings *inputs, const nb_corpus_settings *settings,
                              nb_error *err);
void nb_corpus_plan_close(nb_corpus_plan *plan);

/* Reads part `part` of `parts` (NB_SOURCE_BLOCK lines of every input, dealt round robin) into *out, in the order of the
 * inputs, and sets *counts. Every part maps the inputs and passes over the lines of the others. The memory is linear in
 * the texts kept. NB_ERR_INPUT when a file is not what its format says (file and line named) or has changed since the
 * plan was made. *out is {0} on failure. */
nb_status nb_corpus_read(nb_corpus *out, nb_corpus_counts *counts, const nb_corpus_plan *plan, size_t part,
                         size_t parts, nb_error *err);

/* The same for one input whose bytes are given, appended to *out and added to *counts. */
nb_status nb_corpus_read_bytes(nb_corpus *out, nb_corpus_counts *counts, const nb_corpus_plan *plan, size_t input,
                               const nb_source_share *share, nb_error *err);

/* Makes the corpus canonical; what falls out moves from kept to dropped[NB_DROP_DUPLICATE]. Takes the memory of a
 * second corpus while it runs. The corpus is unchanged on failure. */
nb_status nb_corpus_canonicalise(nb_corpus *c, nb_corpus_counts *counts, nb_error *err);

/* Appends the texts of part to *into, which is canonical no more. */
nb_status nb_corpus_merge(nb_corpus *into, const nb_corpus *part, nb_error *err);
void nb_corpus_counts_add(nb_corpus_counts *into, const nb_corpus_counts *part);

/* Keeps the first `limit` texts of a canonical corpus (0: all); the rest moves to dropped[NB_DROP_LIMIT]. */
void nb_corpus_apply_limit(nb_corpus *c, nb_corpus_counts *counts, size_t limit);

/* Appends one text. */
nb_status nb_corpus_push(nb_corpus *c, const char *text, size_t len, uint8_t tag, uint32_t source, uint64_t line,
                         nb_error *err);
void nb_corpus_free(nb_corpus *c);

/* The corpus as one block of *len bytes that the caller frees, for a process of the same job (byte order of the
 * machine):
 *
 *     magic u64, count u64, text bytes u64, line u64 [count], source u32 [count], length u32 [count], tag u8 [count],
 *     the texts one after the other */
nb_status nb_corpus_pack(const nb_corpus *c, char **block, size_t *len, nb_error *err);
/* A new corpus from a block. NB_ERR_INPUT when lengths or tags do not fit; *c is {0} then. */
nb_status nb_corpus_unpack(nb_corpus *c, const char *block, size_t len, nb_error *err);

#endif
