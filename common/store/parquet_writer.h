/** @file
 * Embeddings as a Parquet file, for other programs: row groups of at most NB_PARQUET_GROUP_BYTES, one page a column in
 * each, PLAIN and uncompressed (embeddings hardly compress). The same rows give the same bytes.
 *
 *     name       required string
 *     label      optional INT32, null where unknown     (stores of images)
 *     tag        required string: none, noun or adj     (stores of texts)
 *     embedding  required LIST of required FLOAT, all of one length
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_STORE_PARQUET_WRITER_H
#define NB_COMMON_STORE_PARQUET_WRITER_H

#include "common/base/file.h"

enum { NB_PARQUET_GROUP_BYTES = 16 << 20 }; /**< of the embeddings of a row group at most */

/** A file while it is written. */
typedef struct nb_parquet_writer nb_parquet_writer;

/** Rows of a row group. */
typedef struct nb_parquet_rows {
    const nb_strings *names; /**< row i has name first + i */
    size_t first, count;
    const int32_t *labels;   /**< [count] -1: unknown; given when the file has labels */
    const uint8_t *tags;     /**< [count] nb_tag; else; NULL: none has one */
    const float *embeddings; /**< [count, width] */
} nb_parquet_rows;

/** Begins a file.
 * @param out ended by the caller with nb_parquet_writer_close; NULL on failure
 * @param path the file
 * @param force replace one that is there
 * @param width of an embedding, at least 1
 * @param labels the file has labels, else tags
 * @return as nb_output_begin; NB_ERR_IO when it cannot be written. */
NB_CHECKED nb_status nb_parquet_writer_open(nb_parquet_writer **out, const char *path, bool force, size_t width,
                                            bool labels, nb_error *err);

/** How many rows a row group has, but the last.
 * @param width of an embedding
 * @return rows */
size_t nb_parquet_group_rows(size_t width);

/** Writes a row group.
 * @param w the file
 * @param rows its rows, at least one and at most nb_parquet_group_rows
 * @return NB_OK; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory. */
NB_CHECKED nb_status nb_parquet_writer_add(nb_parquet_writer *w, const nb_parquet_rows *rows, nb_error *err);

/** Completes the file.
 * @param w the file; still to be closed
 * @return as nb_output_commit; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory. */
NB_CHECKED nb_status nb_parquet_writer_commit(nb_parquet_writer *w, nb_error *err);

/** Ends the writing; what is not committed is removed.
 * @param w may be NULL */
void nb_parquet_writer_close(nb_parquet_writer *w);

#endif
