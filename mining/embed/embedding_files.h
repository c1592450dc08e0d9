/* Embeddings in .npy files, one or the parts of a folder as clip-retrieval writes them. Nothing here is collective. */
#ifndef NB_MINING_EMBED_EMBEDDING_FILES_H
#define NB_MINING_EMBED_EMBEDDING_FILES_H

#include "common/store/npy.h"

/** The rows of all files, one behind the other. */
typedef struct nb_embedding_files {
    nb_npy *parts;  /**< [count] */
    size_t *begin;  /**< [count + 1] first row of each */
    size_t count;   /**< files */
    size_t rows;    /**< of all */
    size_t columns; /**< of each */
    bool half;      /**< all are little-endian half precision */
} nb_embedding_files;

/** Lists the files that a path stands for: itself, or, of a folder, `img_emb/img_emb_0.npy`, `img_emb_1.npy`, ... in
 * the order of their numbers. A folder without `img_emb` holds such files itself, under any one name.
 * @param out appended to; freed by the caller, also on failure
 * @param path a file or a folder
 * @return NB_OK; NB_ERR_INPUT for a folder without such files, with those of two names, or one that lacks a number;
 * NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_embedding_files_list(nb_strings *out, const char *path, nb_error *err);

/** Lists the files STEM_0.SUFFIX, STEM_1.SUFFIX, ... of a folder in the order of their numbers, which may begin with
 * zeros; none when it has no such file.
 * @param out appended to; freed by the caller, also on failure
 * @param folder its path
 * @param suffix with its dot
 * @return NB_OK; NB_ERR_INPUT for those of two names, or where a number is missing; NB_ERR_IO when the folder cannot be
 * read; NB_ERR_LIMIT without memory. */
nb_status nb_embedding_files_list_parts(nb_strings *out, const char *folder, const char *suffix, nb_error *err);

/** Opens matrices of one width.
 * @param out closed by the caller with nb_embedding_files_close, also after a failure
 * @param paths of files
 * @return NB_OK; NB_ERR_INPUT for one that is no matrix, or of another width; else as nb_npy_open. */
nb_status nb_embedding_files_open(nb_embedding_files *out, const nb_strings *paths, nb_error *err);

/** Closes files.
 * @param files may be {0} */
void nb_embedding_files_close(nb_embedding_files *files);

/** A row as numbers.
 * @param files open
 * @param row   which exists
 * @param out   [columns] filled */
void nb_embedding_files_row(const nb_embedding_files *files, size_t row, double *out);

/** A row of half precision, bit by bit.
 * @param files open, with `half`
 * @param row   which exists
 * @param out   [columns] filled */
void nb_embedding_files_bits(const nb_embedding_files *files, size_t row, uint16_t *out);

#endif
