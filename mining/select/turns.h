/** @file
 * Selection by lists that take turns (nb_criterion_list): one order over all tags. */
#ifndef NB_MINING_SELECT_TURNS_H
#define NB_MINING_SELECT_TURNS_H

#include "mining/select/subset.h"

/** Fills a selection in turns. Collective. What travels: the lists' lengths, and for each list what nb_subset_best of
 * as many candidates as are kept sends.
 * @param out its ids and values hold `kept` on rank 0; count and listed are set. A value is that of the first list's
 *            column where this list gave the candidate, else of the column of the list that did
 * @param basis has lists, one of which has all candidates
 * @param kept candidates, no more than are accepted
 * @return NB_OK, or an error of nb_subset_best; the same on all ranks */
nb_status nb_select_in_turns(nb_selection *out, const nb_selection_basis *basis, size_t kept, nb_error *err);

#endif
