/** @file
 * Mining as a whole: from candidates and evidence to a ledger, a selection, and an explain table. */
#ifndef NB_MINING_SELECT_MINE_H
#define NB_MINING_SELECT_MINE_H

#include "mining/criteria/criterion.h"
#include "mining/select/select.h"

/** What to mine. */
typedef struct nb_mine_plan {
    const nb_criterion *criterion; /**< decides */
    const nb_rejection *rejection; /**< rejects */
    const nb_parsed *options;      /**< has the parameters of both as options (nb_mining_row); NULL: their defaults */
    bool all_columns;              /**< also the criteria that explain, where the evidence allows */
    nb_quota quota;                /**< how many to keep */
    bool automatic;                /**< the criterion may keep fewer, where it chooses sizes */
    const char *ledger;            /**< the path of the ledger */
    const char *identity;          /**< what decides the ledger's content, beside the methods and their columns */
    bool resume;                   /**< continue the ledger that is there */
} nb_mine_plan;

/** What mining found out. */
typedef struct nb_mined {
    const nb_criterion *criterion;               /**< that decided */
    const nb_rejection *rejection;               /**< that rejected */
    const char *column_names[NB_LEDGER_COLUMNS]; /**< [column_count] */
    size_t column_count;                         /**< of the ledger; the criterion's own come first */
    nb_ledger ledger;                            /**< open */
    nb_selection selection;                      /**< its arrays on rank 0 only */
    nb_criterion_outcome outcome;                /**< what the criterion made of the selection */
} nb_mined;

enum { NB_MINE_CRITERIA = 4 }; /**< criteria a run computes at most */

/** The criteria a run computes: the deciding one, then with `all_columns` those that explain and find what they need,
 * as far as a ledger has columns. Not collective.
 * @param plan what to mine
 * @param prototypes, wild what is there
 * @param out              [NB_MINE_CRITERIA]
 * @return how many */
size_t nb_mine_criteria(const nb_mine_plan *plan, bool prototypes, bool wild, const nb_criterion **out);

/** Mines. Collective.
 * @param out freed with nb_mined_free; empty after a failure
 * @param plan borrowed for this call
 * @param evidence borrowed for this call
 * @return NB_OK; NB_STOPPED after SIGUSR1 or SIGTERM, the ledger keeps the tiles that are done; an error of nb_select,
 *         of the ledger or of a criterion; the same on all ranks */
nb_status nb_mine(nb_mined *out, const nb_mine_plan *plan, const nb_evidence *evidence, nb_error *err);

/** Frees it; the ledger's file stays. Not collective.
 * @param mined emptied */
void nb_mined_free(nb_mined *mined);

/** The selected texts in bank order. Not collective: on rank 0, which has the selection.
 * @param mined what was found
 * @param texts the store mined from
 * @param names freed by the caller
 * @param tags  [selection.count] nb_tag
 * @return NB_OK, or the error of reading names */
nb_status nb_mined_texts(const nb_mined *mined, nb_store *texts, nb_strings *names, uint8_t *tags, nb_error *err);

/** Writes the explain table: id, text (escaped as in score files), tag, status, position (row of the bank, from 0), the
 * columns; rows by id. Not collective: on rank 0, which has the selection.
 * @param mined what was found
 * @param texts the store mined from
 * @param path of the table
 * @param force overwrite
 * @return NB_OK, NB_ERR_IO, or the error of reading names */
nb_status nb_mined_explain(const nb_mined *mined, nb_store *texts, const char *path, bool force, nb_error *err);

#endif
