/* Mining as a whole: from candidates and evidence to a ledger, a selection, and an explain table. */
#ifndef NB_MINING_SELECT_MINE_H
#define NB_MINING_SELECT_MINE_H

#include "mining/criteria/criterion.h"
#include "mining/select/select.h"

typedef struct nb_mine_plan {
    const nb_criterion *criterion;
    bool reject_interneg; /* apply InterNeg's rule */
    bool all_columns;     /* also quantile and margin where the evidence allows, for the explain table */
    nb_quota quota;
    const char *ledger;   /* the path of the ledger */
    const char *identity; /* what decides the ledger's content, beside the criterion and its columns */
    bool resume;          /* continue the ledger that is there */
} nb_mine_plan;

/* What mining found out. */
typedef struct nb_mined {
    const nb_criterion *criterion;
    const char *column_names[NB_LEDGER_COLUMNS];
    size_t column_count;
    nb_ledger ledger;
    nb_selection selection; /* its lists on rank 0 only */
} nb_mined;

/* Collective. NB_STOPPED after SIGUSR1 or SIGTERM: the ledger keeps the tiles that are done. */
nb_status nb_mine(nb_mined *out, const nb_mine_plan *plan, const nb_evidence *evidence, nb_error *err);
/* The ledger's file stays. */
void nb_mined_free(nb_mined *mined);

/* Names and tags [count] of the selected in bank order. On rank 0. */
nb_status nb_mined_texts(const nb_mined *mined, nb_store *texts, nb_strings *names, uint8_t *tags, nb_error *err);

#endif
