/* Mining as a whole: from candidates and evidence to a selection, a bank and an explain table. */
#ifndef NB_MINING_MINE_H
#define NB_MINING_MINE_H

#include "mining/criteria/criterion.h"
#include "mining/select.h"

enum { NB_MINE_COLUMNS_MAX = NB_COLUMNS_MAX + 2 };

/* What mining found out about all N candidates; the same on every rank. */
typedef struct nb_mined {
    const nb_criterion *criterion;
    const char *column_names[NB_MINE_COLUMNS_MAX];
    double *columns[NB_MINE_COLUMNS_MAX]; /* [N] each; the criterion's own first */
    size_t column_count;
    uint8_t *reasons; /* [N] nb_reason */
    nb_selection selection;
} nb_mined;

/* Collective. `reject_interneg` applies InterNeg's rule; `all_columns` also computes quantile and margin where the
 * evidence allows, for the explain table. quota.count is lowered to what is accepted when `clamp`. */
nb_status nb_mine(nb_mined *out, const nb_criterion *criterion, const nb_evidence *evidence, bool reject_interneg,
                  bool all_columns, nb_quota quota, bool clamp, nb_error *err);
void nb_mined_free(nb_mined *mined);

/* Writes the explain table: id, text (escaped as in score files), tag, status, position (row of the bank, from 0), the
 * columns; rows by id. Not collective. */
nb_status nb_mined_explain(const nb_mined *mined, const nb_store *texts, const char *path, bool force, nb_error *err);

#endif
