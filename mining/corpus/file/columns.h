/** @file
 * The columns of a corpus file, cut into chunks by all ranks: each packs the chunks that begin in its slice.
 *
 * Chunks are fixed by the whole corpus, slices are not, so what a rank holds in front of its first chunk goes to the
 * rank in whose slice that chunk begins. */
#ifndef NB_MINING_CORPUS_FILE_COLUMNS_H
#define NB_MINING_CORPUS_FILE_COLUMNS_H

#include "common/parallel/comm.h"
#include "common/store/hdf5/h5_chunks.h"
#include "mining/corpus/corpus.h"
#include "mining/corpus/sort/spool.h"

/** The columns: texts/bytes u8, texts/offsets u64, tags u8, source u32, line u64. */
enum { NB_COLUMN_BYTES, NB_COLUMN_OFFSETS, NB_COLUMN_TAGS, NB_COLUMN_SOURCE, NB_COLUMN_LINE, NB_COLUMN_COUNT };
enum { NB_COLUMN_ZSTD_LEVEL = 3 }; /**< packs about as fast as a disk writes */

/** One column. */
typedef struct nb_column {
    size_t width;          /**< bytes an element */
    uint64_t total, chunk; /**< elements: in all, in a chunk */
    uint64_t begin, end;   /**< those of this rank */
    uint64_t next, filled; /**< the next to be put; elements in the buffer */
    uint64_t *starts;      /**< [size + 1] begin of each rank */
    char *buffer, *head;   /**< [chunk * width] the chunk being filled; what goes to another rank */
    uint64_t head_count;
} nb_column;

/** A packed chunk of this rank. */
typedef struct nb_packed_chunk {
    uint64_t number;  /**< of all chunks: column by column */
    uint64_t at, len; /**< bytes of the spool */
} nb_packed_chunk;

/** All columns, as this rank sees them. */
typedef struct nb_columns {
    const nb_comm *comm;
    nb_column column[NB_COLUMN_COUNT];
    nb_h5_packer packer;
    nb_spool spool;          /**< packed chunks */
    nb_packed_chunk *packed; /**< [packed_count] */
    size_t packed_count, packed_cap;
} nb_columns;

/** The name of a column in the file. Not collective.
 * @param column NB_COLUMN_...
 * @return the path of its dataset */
const char *nb_column_name(size_t column);

/** The type of a column in the file. Not collective.
 * @param column NB_COLUMN_...
 * @return an HDF5 type that is not to be closed */
hid_t nb_column_type(size_t column);

/** How many chunks there are in front of a column. Not collective.
 * @param c open columns
 * @param column NB_COLUMN_...; NB_COLUMN_COUNT: the chunks of all
 * @return chunks */
uint64_t nb_columns_chunks(const nb_columns *c, size_t column);

/** Begins the columns of a corpus that is not empty. Collective: all ranks get the same status.
 * @param c close with nb_columns_close, also after a failure
 * @param comm the ranks; borrowed
 * @param rows this rank's rows; those of all ranks in order are the corpus
 * @param scratch where the packed chunks lie when memory does not hold them; borrowed
 * @param budget bytes of memory they may still take; borrowed
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_columns_open(nb_columns *c, const nb_comm *comm, const nb_corpus_range *rows, nb_scratch_file *scratch,
                          size_t *budget, nb_error *err);

/** Frees the columns. Not collective.
 * @param c columns or {0} */
void nb_columns_close(nb_columns *c);

/** Puts this rank's next row. Not collective.
 * @param c open columns
 * @param row copied
 * @return NB_OK; NB_ERR_IO when scratch space is missing; NB_ERR_LIMIT without memory, or when zstd fails. */
nb_status nb_columns_put(nb_columns *c, const nb_corpus_row *row, nb_error *err);

/** Completes the chunks; all rows are put. Collective: all ranks get the same status.
 * @param c open columns
 * @return as nb_columns_put. */
nb_status nb_columns_finish(nb_columns *c, nb_error *err);

#endif
