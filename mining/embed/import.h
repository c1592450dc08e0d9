/* Embeddings that others computed, into a store. */
#ifndef NB_MINING_EMBED_IMPORT_H
#define NB_MINING_EMBED_IMPORT_H

#include "common/store/embeddings.h"

/* What an import reads; paths other than `embeddings` may be NULL. */
typedef struct nb_import {
    const char *embeddings; /* .npy [N, d] */
    const char *names;      /* text, one a line; without: row numbers */
    const char *labels;     /* .npy [N] of integers */
    const char *tags;       /* text, one of none, noun, adj a line */
} nb_import;

/* Writes the store at `path`. Rows of half precision that are normalised already (within its rounding) keep their bits;
 * all others are normalised in double precision and kept as floats. NB_ERR_INPUT for counts that differ, a row that is
 * zero or not finite, a label or tag that is none. Not collective. */
nb_status nb_import_store(const nb_import *import, const char *path, bool force, const char *provenance,
                          nb_digest *digest, size_t *count, nb_error *err);

#endif
