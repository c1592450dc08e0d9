/* Merging runs, each of sorted entries, into one sequence without entries equal in text and tag. */
#ifndef NB_MINING_CORPUS_SORT_MERGE_H
#define NB_MINING_CORPUS_SORT_MERGE_H

#include "mining/corpus/sort/sort.h"
#include "mining/corpus/sort/spool.h"

/* Long loops ask once in so many entries whether they are to stop (common/parallel/stop.h): NB_STOPPED. */
enum { NB_STOP_EVERY = 1 << 14 };

enum { NB_RUN_BUFFER_MIN = 1 << 16 }; /* bytes of memory a run on disk takes while it is merged */

/* Sorted entries: records [begin, end) over an area in memory, or bytes [begin, end) of a spool (area NULL). */
typedef struct nb_run {
    const nb_record *records;
    const char *area;
    const nb_spool *spool;
    uint64_t begin, end;
} nb_run;

/* Where one run stands: reads its entries one by one. */
typedef struct nb_run_reader {
    nb_run run;
    nb_spool_reader spool;
    nb_entry entry;
    uint64_t key;
} nb_run_reader;

nb_status nb_run_reader_open(nb_run_reader *r, const nb_run *run, size_t buffer, nb_error *err);
void nb_run_reader_close(nb_run_reader *r);
/* r->entry becomes the next entry, valid until the next call; *more is false at the end. */
nb_status nb_run_next(nb_run_reader *r, bool *more, nb_error *err);

typedef struct nb_merge {
    nb_run_reader *readers;
    size_t count;
    uint32_t *heap; /* [left] readers that have an entry, the least first */
    size_t left;
    nb_entry entry; /* the last one given */
    char *text;     /* its text [NB_TEXT_BYTES_MAX] */
    uint64_t duplicates;
    bool started;
} nb_merge;

/* Opens `count` runs, each with about `memory` / count bytes of buffer. Close takes {0}. */
nb_status nb_merge_open(nb_merge *m, const nb_run *runs, size_t count, size_t memory, nb_error *err);
void nb_merge_close(nb_merge *m);
/* m->entry becomes the next entry; *more is false at the end. */
nb_status nb_merge_next(nb_merge *m, bool *more, nb_error *err);

/* All that is left of a merge into a spool, which is finished. */
nb_status nb_merge_into(nb_merge *m, nb_spool *out, uint64_t *count, uint64_t *text_bytes, nb_error *err);

#endif
