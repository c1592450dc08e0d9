/** @file
 * Takes entries in any order, in bounded memory: fills an area, sorts it, removes duplicates, and puts what is left in
 * a scratch file as a run when more comes. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_SORT_SORTER_H
#define NB_MINING_CORPUS_SORT_SORTER_H

#include "mining/corpus/sort/merge.h"

/** A sample of a run: the text at a place of it. */
typedef struct nb_run_index {
    nb_strings texts;
    uint64_t *at; /**< [texts.count] record or byte of the run */
    size_t cap;
    uint64_t bytes; /**< of the run as text/entry.h writes it */
} nb_run_index;

/** The sorter. */
typedef struct nb_sorter {
    char *area;            /**< [room] entries from the front, records from the back */
    size_t capacity, used; /**< bytes; used: by entries */
    size_t count;          /**< records */
    uint64_t unique;       /**< bytes of the entries left by sorting */
    nb_scratch_file scratch;
    size_t no_budget;      /**< 0: runs go to disk */
    nb_spool *spools;      /**< [run_count] of runs on disk */
    nb_run *runs;          /**< [run_count], once finished */
    nb_run_index *indices; /**< [run_count] */
    size_t run_count, run_cap;
    size_t fan_in;                /**< runs on disk merged at once at most */
    uint64_t duplicates, spilled; /**< entries left out; bytes written to scratch */
} nb_sorter;

enum { NB_SORTER_INDEX = 1024, NB_SORTER_CAPACITY_MIN = 1 << 18 }; /**< samples a run; bytes of memory at least */

/** Begins to sort.
 * @param s free with nb_sorter_free, also after a failure
 * @param capacity bytes of memory, at least NB_SORTER_CAPACITY_MIN
 * @param folder for scratch; borrowed
 * @return NB_OK, or NB_ERR_LIMIT without memory. */
nb_status nb_sorter_open(nb_sorter *s, size_t capacity, const char *folder, nb_error *err);

/** Frees a sorter and its scratch.
 * @param s a sorter or {0} */
void nb_sorter_free(nb_sorter *s);

/** Adds an entry.
 * @param s not finished
 * @param text [len] canonical, copied
 * @param len bytes, at most NB_TEXT_BYTES_MAX
 * @param tag nb_tag
 * @param place nb_place of it
 * @return NB_OK; NB_ERR_IO when a scratch file cannot be made or written; NB_ERR_LIMIT without memory. */
nb_status nb_sorter_add(nb_sorter *s, const char *text, size_t len, uint8_t tag, uint64_t place, nb_error *err);

/** No more entries: sorts what is in memory, and merges runs until few are left.
 * @param s its runs are those to be read then
 * @param fan_in runs on disk at most, at least 2
 * @return NB_OK; NB_ERR_IO when scratch cannot be read or written; NB_ERR_LIMIT without memory; NB_STOPPED after a
 * request to stop. */
nb_status nb_sorter_finish(nb_sorter *s, size_t fan_in, nb_error *err);

/** The place in a run of the first entry whose text is not before `text`.
 * @param s finished
 * @param i number of the run
 * @param text [len] the text
 * @param len bytes
 * @param place becomes a record, or a byte of a run on disk
 * @return NB_OK; NB_ERR_IO when scratch cannot be read; NB_ERR_LIMIT without memory. */
nb_status nb_sorter_cut(const nb_sorter *s, size_t i, const char *text, size_t len, uint64_t *place, nb_error *err);

#endif
