/**
 * @file
 * The ranks of a bank's negatives by the criterion they were selected by, for scores in which an order counts.
 *
 * A bank holds every negative's value, and its negatives best first within each tag (scoring/bank/bank.h). That says
 * whether small or large values are good, and the values of all tags together give the ranks.
 */
#ifndef NB_SCORING_BANK_BANK_RANKS_H
#define NB_SCORING_BANK_BANK_RANKS_H

#include "scoring/bank/bank.h"

/** Lists the negatives by rank: best first, in the bank's order where values are equal. Not collective.
 * @param order [negative_count] numbers of negatives, freed by the caller; NULL after a failure
 * @param bank the bank
 * @return NB_OK; NB_ERR_USAGE for a bank without ranks: its values are missing or NaN, its negatives stand in no order
 * of them, or there are several tags and nothing tells which values are good; or NB_ERR_LIMIT when memory is out */
nb_status nb_bank_ranks(size_t **order, const nb_bank *bank, nb_error *err);

#endif
