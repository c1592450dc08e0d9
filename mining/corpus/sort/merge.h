/** @file
 * Merging runs, each of sorted entries, into one sequence without entries equal in text and tag. Nothing here is
 * collective. */
#ifndef NB_MINING_CORPUS_SORT_MERGE_H
#define NB_MINING_CORPUS_SORT_MERGE_H

#include "mining/corpus/sort/sort.h"
#include "mining/corpus/sort/spool.h"

/** Long loops ask once in so many entries whether they are to stop (common/parallel/stop.h): NB_STOPPED. */
enum { NB_STOP_EVERY = 1 << 14 };

enum { NB_RUN_BUFFER_MIN = 1 << 16 }; /**< bytes of memory a run on disk takes while it is merged */

/** Sorted entries: records [begin, end) over an area in memory, or bytes [begin, end) of a spool (area NULL). */
typedef struct nb_run {
    const nb_record *records;
    const char *area;
    const nb_spool *spool;
    uint64_t begin, end;
} nb_run;

/** Where one run stands: reads its entries one by one. */
typedef struct nb_run_reader {
    nb_run run;
    nb_spool_reader spool;
    nb_entry entry; /**< the last one read */
    uint64_t key;   /**< nb_entry_key of it */
} nb_run_reader;

/** Begins to read a run.
 * @param r close with nb_run_reader_close, also after a failure
 * @param run what is read; its area or spool is borrowed
 * @param buffer bytes of memory for a run on disk
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_run_reader_open(nb_run_reader *r, const nb_run *run, size_t buffer, nb_error *err);

/** Ends the reading.
 * @param r a reader or {0} */
void nb_run_reader_close(nb_run_reader *r);

/** r->entry becomes the next entry, valid until the next call.
 * @param r the reader
 * @param more false at the end: there was no entry
 * @return NB_OK; NB_ERR_IO when scratch cannot be read; NB_ERR_INTERNAL when it breaks off. */
nb_status nb_run_next(nb_run_reader *r, bool *more, nb_error *err);

/** Several runs while they are merged. */
typedef struct nb_merge {
    nb_run_reader *readers; /**< [count] */
    size_t count;
    uint32_t *heap; /**< [left] readers that have an entry, the least first */
    size_t left;
    nb_entry entry;      /**< the last one given */
    char *text;          /**< its text [NB_TEXT_BYTES_MAX] */
    uint64_t duplicates; /**< entries that were left out */
    bool started;
} nb_merge;

/** Opens runs to be merged.
 * @param m close with nb_merge_close; {0} on failure
 * @param runs [count] their areas or spools are borrowed
 * @param count how many
 * @param memory bytes for all buffers together, about
 * @return NB_OK; NB_ERR_IO when scratch cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_merge_open(nb_merge *m, const nb_run *runs, size_t count, size_t memory, nb_error *err);

/** Frees a merge.
 * @param m a merge or {0} */
void nb_merge_close(nb_merge *m);

/** m->entry becomes the next entry, of those equal in text and tag the first; valid until the next call.
 * @param m the merge
 * @param more false at the end: there was no entry
 * @return as nb_run_next. */
nb_status nb_merge_next(nb_merge *m, bool *more, nb_error *err);

/** Puts all that is left of a merge into a spool, which is finished.
 * @param m the merge
 * @param out the spool, begun by the caller
 * @param count the entries are added to it
 * @param text_bytes the bytes of their texts are added to it
 * @return NB_OK; NB_ERR_IO when scratch cannot be read or written; NB_ERR_LIMIT without memory; NB_STOPPED after a
 * request to stop. */
nb_status nb_merge_into(nb_merge *m, nb_spool *out, uint64_t *count, uint64_t *text_bytes, nb_error *err);

#endif
