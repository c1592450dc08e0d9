/** @file
 * A corpus file read in ranges: what a rank needs of it, in memory that does not grow with the corpus. Sources and
 * lines are not read. Nothing here is collective but nb_corpus_reader_open. */
#ifndef NB_MINING_CORPUS_FILE_CORPUS_READER_H
#define NB_MINING_CORPUS_FILE_CORPUS_READER_H

#include "common/parallel/comm.h"
#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"

/** An open corpus file: a few MiB, the chunk of each column that was read last. {0}: none. */
typedef struct nb_corpus_reader {
    char *path;
    hid_t file;
    nb_h5_vector bytes, offsets, tags; /**< the columns that are read */
    nb_seal seal;                      /**< verified */
    size_t count;                      /**< texts, at least 1 */
} nb_corpus_reader;

/** Verifies a corpus file, every rank hashing a share of it, and opens it. Collective.
 *
 * @param out  closed by the caller with nb_corpus_reader_close; {0} on failure
 * @param comm the ranks, which see the same file
 * @param path the file
 * @return the same on all ranks: NB_OK; NB_ERR_VERIFY when its seal does not match; NB_ERR_INPUT when it is missing, no
 * corpus, of a newer format or without texts; NB_ERR_IO when it cannot be read; NB_ERR_LIMIT without memory. */
NB_CHECKED nb_status nb_corpus_reader_open(nb_corpus_reader *out, const nb_comm *comm, const char *path, nb_error *err);

/** Closes a reader. Not collective.
 *
 * @param reader becomes {0}; harmless on {0} */
void nb_corpus_reader_close(nb_corpus_reader *reader);

/** Reads texts and tags [begin, begin + count), which exist.
 *
 * @param reader an open reader
 * @param begin  the first
 * @param count  how many
 * @param texts  [count], freed by the caller; {0} on failure
 * @param tags   [count] nb_tag
 * @return NB_OK; NB_ERR_INPUT when they are damaged or hold a tag that is none; NB_ERR_LIMIT without memory. */
NB_CHECKED nb_status nb_corpus_reader_rows(nb_corpus_reader *reader, size_t begin, size_t count, nb_strings *texts,
                                           uint8_t *tags, nb_error *err);

#endif
