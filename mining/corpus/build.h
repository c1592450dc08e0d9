/** @file
 * Building a corpus: all ranks read, sort and de-duplicate together; each ends with a slice of the canonical corpus,
 * and file/corpus_file.h writes the slices into one file.
 *
 * The rows do not depend on the number of ranks, on who reads which piece, or on the memory they may take.
 * Functions are not collective unless they say so. */
#ifndef NB_CORPUS_BUILD_H
#define NB_CORPUS_BUILD_H

#include "common/base/log.h"
#include "mining/corpus/read_piece.h"
#include "mining/corpus/sort/exchange.h"

/** How a corpus is built, not what it holds: nothing here changes the result. */
typedef struct nb_corpus_options {
    uint64_t memory;     /**< bytes a rank, at least NB_CORPUS_MEMORY_MIN: half for sorting, the rest for what is
                          * received and merged */
    const char *scratch; /**< folder for what memory does not hold; borrowed */
    const nb_log *log;   /**< progress; may be silent; borrowed */
} nb_corpus_options;

/** This rank's slice of the corpus, as entries of text/entry.h in a spool. It must not be moved: the spool points into
 * it. */
typedef struct nb_corpus_slice {
    nb_scratch_file scratch;   /**< of the spool */
    size_t budget;             /**< bytes of memory spools may still take */
    nb_spool rows;             /**< the entries, in order */
    uint64_t spool_rows, skip; /**< rows in the spool; those in front that are left out */
    nb_corpus_range range;     /**< which rows of the corpus these are */
    uint64_t *lines_before;    /**< [piece_count] lines of the same input in front of the piece */
    nb_digest *digests;        /**< [inputs] SHA-256 of each input */
    nb_corpus_counts counts;   /**< of all ranks */
    nb_traffic traffic;        /**< of all ranks */
    uint64_t spilled;          /**< bytes written to scratch while sorting, all ranks */
} nb_corpus_slice;

/** Builds the corpus of a plan. Collective: the plans of all ranks agree, and all get the same status.
 * @param out becomes this rank's slice; {0} on failure. Free with nb_corpus_slice_free.
 * @param comm the ranks that build it
 * @param plan what is read
 * @param options memory, scratch folder and log
 * @return NB_OK; NB_ERR_INPUT when a file is not what its format says (file and line are named) or has changed since
 * the plan was made; NB_ERR_VERIFY when it has not the SHA-256 its manifest gives; NB_ERR_IO when it cannot be read or
 * scratch space is missing; NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop, with nothing kept. */
nb_status nb_corpus_build(nb_corpus_slice *out, const nb_comm *comm, const nb_corpus_plan *plan,
                          const nb_corpus_options *options, nb_error *err);

/** Frees what a slice holds and sets it to {0}.
 * @param slice a slice or {0} */
void nb_corpus_slice_free(nb_corpus_slice *slice);

/** Where the reading of a slice stands. */
typedef struct nb_corpus_rows {
    const nb_corpus_slice *slice;
    const nb_corpus_plan *plan;
    nb_run_reader reader;
    uint64_t left; /**< rows not given yet */
} nb_corpus_rows;

/** Begins to read the rows of a slice.
 * @param r to be closed with nb_corpus_rows_close, also after a failure
 * @param slice, plan as nb_corpus_build left them; borrowed until it is closed
 * @return NB_OK; NB_ERR_IO when scratch cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_corpus_rows_open(nb_corpus_rows *r, const nb_corpus_slice *slice, const nb_corpus_plan *plan,
                              nb_error *err);

/** The next row.
 * @param r the reader
 * @param row becomes the row; its text is valid until the next call
 * @param more false at the end: there was no row
 * @return NB_OK; NB_ERR_IO when scratch cannot be read. */
nb_status nb_corpus_rows_next(nb_corpus_rows *r, nb_corpus_row *row, bool *more, nb_error *err);

/** Ends the reading.
 * @param r a reader, or {0} */
void nb_corpus_rows_close(nb_corpus_rows *r);

#endif
