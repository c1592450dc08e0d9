/** @file
 * Selection: which candidates become the bank, in which order, and why the others did not.
 *
 * Orders are total: by the criterion, ties by global id. Every tag gets its share and keeps its own order; the bank
 * lists nouns first, then untagged texts, then adjectives. Where a criterion has lists that take turns, there is one
 * order over all tags (mining/select/turns.h).
 *
 * Every rank reads the ledger's records of its own tiles. The value of the last candidate kept is found digit by digit
 * with counts added over the ranks; where values are known to a slack only, all candidates that may be among the kept
 * are rescored first. What travels: 8 rounds of 256 counts a tag and a cut (two cuts, and one more for ties), then 16
 * bytes a negative to rank 0, whatever the number of candidates. */
#ifndef NB_MINING_SELECT_SELECT_H
#define NB_MINING_SELECT_SELECT_H

#include "common/base/tag.h"
#include "mining/affinity/reasons.h"
#include "mining/criteria/criterion.h"
#include "mining/select/ledger.h"

/** How many to keep: a count (all tags together, split in proportion to their accepted candidates, the remainder to the
 * first tag that has any), or when count is 0 a fraction of each tag's accepted candidates (rounded down). */
typedef struct nb_quota {
    size_t count;                  /**< 0: by fraction */
    double fraction[NB_TAG_COUNT]; /**< of each tag */
    bool clamp;                    /**< a count beyond the accepted candidates means all of them */
    bool of_labels_too;            /**< the fraction is of those that are ID labels too, though none is kept */
    size_t max;                    /**< never more than so many, however asked for; 0: no bound */
} nb_quota;

/** What decides. */
typedef struct nb_selection_basis {
    const nb_comm *comm;     /**< the ranks */
    const nb_ledger *ledger; /**< what is known of the candidates */
    size_t column;           /**< of the ledger */
    bool smallest;           /**< keep the smallest values, else the largest */
    const char *rule;        /**< the name of the rejection rule, for messages */
    double slack;            /**< values of the ledger are within this of the exact ones */
    /** Exact values of candidates ids [count] into values; NULL when those of the ledger are exact. Not collective. */
    nb_status (*rescore)(void *state, const uint64_t *ids, size_t count, double *values, nb_error *err);
    void *state;                    /**< of rescore */
    const nb_criterion_list *lists; /**< [list_count] that take turns, in place of `column` and tags; without rescore */
    size_t list_count;              /**< at most NB_LISTS_MAX; 0: `column` decides */
} nb_selection_basis;

/** What was selected. */
typedef struct nb_selection {
    uint64_t *ids;                    /**< [count] global ids in bank order, on rank 0; NULL elsewhere */
    double *values;                   /**< [count] what decided, on rank 0 */
    size_t count;                     /**< on rank 0 */
    size_t accepted;                  /**< candidates that could have been selected */
    size_t rejected[NB_REASON_COUNT]; /**< candidates by reason */
    bool clamped;                     /**< fewer were accepted than asked for */
    bool bounded;                     /**< the quota's bound held some back */
    size_t listed[NB_LISTS_MAX];      /**< candidates that stand in each list */
} nb_selection;

/** Selects. Collective.
 * @param out freed with nb_selection_free; empty after a failure
 * @param basis what decides
 * @param quota how many to keep
 * @return NB_OK; NB_ERR_INPUT when nothing is accepted or nothing is left to select, with the counts by reason;
 *         NB_ERR_USAGE when quota.count exceeds the accepted ones and is not to be clamped; NB_ERR_NUMERIC when an
 *         accepted candidate's value is not finite; NB_ERR_IO, NB_ERR_LIMIT; the same on all ranks */
nb_status nb_select(nb_selection *out, const nb_selection_basis *basis, const nb_quota *quota, nb_error *err);

/** Takes {0}. Not collective.
 * @param selection emptied */
void nb_selection_free(nb_selection *selection);

#endif
