/** @file
 * Sorting entries in memory by (text, tag, place): most significant byte first, in place, with eight bytes of each text
 * beside its address so that most steps do not touch the texts. The time is linear in the bytes that tell texts apart,
 * whatever they are; the depth of recursion is at most the binary logarithm of the count. Nothing here is collective.
 */
#ifndef NB_MINING_CORPUS_SORT_SORT_H
#define NB_MINING_CORPUS_SORT_SORT_H

#include "mining/corpus/text/entry.h"

/** Where an entry lies, and the beginning of its text. */
typedef struct nb_record {
    uint64_t key; /**< nb_entry_key at depth 0 before sorting; undefined behind it */
    uint64_t at;  /**< of the entry in the area, bytes */
} nb_record;

/** Sorts records by their entries.
 * @param records [count] put in order
 * @param count how many
 * @param area the entries, as text/entry.h writes them */
void nb_sort_records(nb_record *records, size_t count, const char *area);

/** Removes all but the first of sorted entries equal in text and tag.
 * @param records [count] sorted; those kept move to the front
 * @param count how many
 * @param area the entries
 * @param bytes becomes what the entries kept take
 * @return how many are left */
size_t nb_sort_unique(nb_record *records, size_t count, const char *area, uint64_t *bytes);

enum { NB_RECORDS_AHEAD = 12 }; /**< how far ahead nb_record_fetch is worth its while */

/** Fetches the entry of a record that is soon looked at: entries lie anywhere in memory, and most time goes into
 * waiting for them.
 * @param record the record
 * @param area the entries */
static inline void nb_record_fetch(const nb_record *record, const char *area)
{
    __builtin_prefetch(area + record->at);
    __builtin_prefetch(area + record->at + 63);
}

#endif
