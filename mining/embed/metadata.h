/** @file
 * The metadata that clip-retrieval writes beside embeddings: FOLDER/metadata/metadata_0.parquet, metadata_1.parquet,
 * ..., a file of rows for each file of embeddings. Nothing here is collective. */
#ifndef NB_MINING_EMBED_METADATA_H
#define NB_MINING_EMBED_METADATA_H

#include "common/base/log.h"
#include "mining/embed/embedding_files.h"

/** Lists the files of metadata that belong to a folder of embeddings.
 * @param out appended to, nothing where there are none; freed by the caller, also on failure
 * @param embeddings as nb_embedding_files_list takes it: a folder, or one within it
 * @return NB_OK; NB_ERR_INPUT for files of two names, or where a number is missing; NB_ERR_IO when
 * it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_metadata_list(nb_strings *out, const char *embeddings, nb_error *err);

/** Names of rows of embeddings. */
typedef struct nb_metadata_names {
    nb_strings names; /**< [rows] */
    size_t unnamed;   /**< rows whose value is no text: their number is their name */
} nb_metadata_names;

/** Reads the names. Texts get their canonical form (mining/corpus/text/normalise.h).
 * @param out becomes the names; freed by the caller, also on failure
 * @param paths the files of metadata
 * @param rows the embeddings, open
 * @param column of the names; NULL: the first that is there of image_path, url, URL, key and __key__, or, for files of
 * embeddings named text_emb_*, of caption, text and TEXT
 * @param texts rows are texts, not images
 * @return NB_OK; NB_ERR_INPUT when there are more or fewer files or rows than of embeddings, for a file that is no
 * Parquet or has no such column; NB_ERR_IO; NB_ERR_LIMIT without memory. */
nb_status nb_metadata_read_names(nb_metadata_names *out, const nb_strings *paths, const nb_embedding_files *rows,
                                 const char *column, bool texts, nb_error *err);

/** Whether a file of embeddings is of texts.
 * @param path its path
 * @return true for one named text_emb_* */
bool nb_metadata_of_texts(const char *path);

#endif
