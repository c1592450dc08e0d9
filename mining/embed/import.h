/* Embeddings that others computed, into a store. */
#ifndef NB_MINING_EMBED_IMPORT_H
#define NB_MINING_EMBED_IMPORT_H

#include "common/base/log.h"
#include "common/store/embeddings.h"

/** What an import reads; all of it is borrowed. */
typedef struct nb_import {
    const char *embeddings; /**< .npy [N, d], or a folder of them (mining/embed/embedding_files.h) */
    const char *names;      /**< text, one a line; NULL: those of clip-retrieval's metadata, else row numbers */
    const char *column;     /**< of the metadata (mining/embed/metadata.h); NULL: the usual ones */
    const nb_log *log;      /**< for rows without a name; NULL: none */
    const char *labels;     /**< .npy [N] of integers; NULL: none */
    const char *tags;       /**< text, one of none, noun, adj a line; NULL: none */
    const char *provenance; /**< JSON, as nb_provenance_text makes it */
} nb_import;

/** Makes a store. Rows of half precision that are normalised already (within its rounding) keep their bits; all others
 * are normalised in double precision and kept as floats. Not collective.
 *
 * @param import what is read
 * @param path   the store
 * @param force  replace one that is there
 * @param digest of the sealed store
 * @param count  its rows
 * @return NB_OK, NB_ERR_USAGE for a column without metadata, NB_ERR_INPUT for a file that is missing or of another
 * form, counts that differ, a row that is zero or not finite, a label or tag that is none, NB_ERR_USAGE when the output
 * is there, NB_ERR_IO, or NB_ERR_LIMIT when memory is out. */
NB_CHECKED nb_status nb_import_store(const nb_import *import, const char *path, bool force, nb_digest *digest,
                                     size_t *count, nb_error *err);

#endif
