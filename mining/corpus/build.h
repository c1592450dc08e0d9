/* Building a corpus: all ranks read, sort and de-duplicate together; each ends with a slice of the canonical corpus,
 * and file/corpus_file.h writes the slices into one file.
 *
 * The rows do not depend on the number of ranks, on who reads which piece, or on the memory they may take. */
#ifndef NB_CORPUS_BUILD_H
#define NB_CORPUS_BUILD_H

#include "common/base/digest.h"
#include "common/base/log.h"
#include "mining/corpus/plan.h"
#include "mining/corpus/sort/exchange.h"

/* How, not what: nothing here changes the result. */
typedef struct nb_corpus_means {
    uint64_t memory;     /* bytes a rank, at least NB_CORPUS_MEMORY_MIN: half for sorting, the rest for what is received
                          * and merged */
    const char *scratch; /* folder for what memory does not hold */
    const nb_log *log;   /* progress; may be silent */
} nb_corpus_means;

/* This rank's slice: rows [first, first + count) of `total`, as entries of text/entry.h in a spool. */
typedef struct nb_corpus_slice {
    nb_scratch scratch;
    size_t budget; /* memory for spools */
    nb_spool rows;
    uint64_t spool_rows, skip;        /* rows in the spool; those in front that are left out */
    uint64_t first, count, total;     /* rows */
    uint64_t first_byte, total_bytes; /* of the texts, each with its NUL: before this slice, of all */
    uint64_t *lines_before;           /* [piece_count] lines of the same input in front of the piece */
    nb_digest *digests;               /* [inputs] SHA-256 of each input */
    nb_corpus_counts counts;          /* of all ranks */
    nb_traffic traffic;               /* of all ranks */
    uint64_t spilled;                 /* bytes written to scratch while sorting, all ranks */
} nb_corpus_slice;

/* Collective; the plans of all ranks agree. Free the slice with nb_corpus_slice_free, which takes {0}; it must not be
 * moved. NB_ERR_INPUT when a file is not what its format says (file and line named) or has changed since the plan was
 * made; NB_ERR_VERIFY when it has not the SHA-256 its manifest gives; NB_ERR_IO when scratch space is missing;
 * NB_STOPPED after a request to stop, with nothing kept. */
nb_status nb_corpus_build(nb_corpus_slice *out, const nb_team *team, const nb_corpus_plan *plan,
                          const nb_corpus_means *means, nb_error *err);
void nb_corpus_slice_free(nb_corpus_slice *slice);

/* Steps through the rows of a slice. */
typedef struct nb_corpus_row {
    nb_entry entry;
    uint32_t source;
    uint64_t line;
} nb_corpus_row;

typedef struct nb_corpus_rows {
    const nb_corpus_slice *slice;
    const nb_corpus_plan *plan;
    nb_run_reader reader;
    uint64_t left;
} nb_corpus_rows;

nb_status nb_corpus_rows_open(nb_corpus_rows *r, const nb_corpus_slice *slice, const nb_corpus_plan *plan,
                              nb_error *err);
/* The next row, valid until the next call; *more is false at the end. */
nb_status nb_corpus_rows_next(nb_corpus_rows *r, nb_corpus_row *row, bool *more, nb_error *err);
void nb_corpus_rows_close(nb_corpus_rows *r);

/* Hears now and then how many bytes of a piece were read; what it returns but NB_OK ends the reading. */
typedef struct nb_corpus_pulse {
    nb_pulse pulse;
    void *state;
} nb_corpus_pulse;

/* Reads one piece into a sorter and adds to *counts; *lines becomes the number of lines in it. `bytes` NULL: from the
 * piece's file, else the file's content [len], in memory. pulse may be NULL. Not collective. */
nb_status nb_corpus_read_piece(nb_sorter *out, nb_corpus_counts *counts, uint64_t *lines, const nb_corpus_plan *plan,
                               size_t piece, const char *bytes, size_t len, const nb_corpus_pulse *pulse,
                               nb_error *err);

#endif
