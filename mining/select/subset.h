/** @file
 * The best candidates of a subset: of a tag, or of a list that takes turns with others. What nb_select is made of. */
#ifndef NB_MINING_SELECT_SUBSET_H
#define NB_MINING_SELECT_SUBSET_H

#include "mining/criteria/criterion.h"
#include "mining/select/select.h"

/** A candidate as the order sees it: the smaller key the better, then the smaller id. */
typedef struct nb_ranked {
    uint64_t key; /**< of its value */
    uint64_t id;  /**< in the corpus */
} nb_ranked;

/** Which candidates, and by what they are ordered. */
typedef struct nb_subset {
    const nb_selection_basis *basis; /**< borrowed */
    nb_tag tag;                      /**< those of this tag, by the basis's column, */
    const nb_criterion_list *list;   /**< or unless NULL those of this list, by its column */
} nb_subset;

/** Looks at a tile's record. Not collective.
 * @param begin first candidate
 * @param rows candidates
 * @return NB_OK, or an error that ends the visit */
typedef nb_status (*nb_tile_visitor)(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err);

/** Visits the records of this rank's own tiles. Not collective.
 * @param basis its ledger is complete
 * @param visit called with `state`
 * @param state the visitor's
 * @return NB_OK, NB_ERR_IO when a record is not there any more, NB_ERR_LIMIT without memory, or what `visit` returned
 */
nb_status nb_subset_visit(const nb_selection_basis *basis, nb_tile_visitor visit, void *state, nb_error *err);

/** Whether a candidate stands in a list. Not collective.
 * @param list the list
 * @param tile has the candidate's values
 * @param i its row there
 * @return true when its value is over the list's floor */
bool nb_subset_lists(const nb_criterion_list *list, const nb_ledger_tile *tile, size_t i);

/** The value of a key. Not collective.
 * @param subset whose key it is
 * @param key of a candidate
 * @return what the candidate is ordered by */
double nb_subset_value(const nb_subset *subset, uint64_t key);

/** The `kept` best candidates of a subset. Collective.
 * @param subset has at least as many
 * @param kept over 0
 * @param out [*count] in order on rank 0, freed by the caller; NULL elsewhere and after a failure
 * @param count 0 elsewhere
 * @return NB_OK, or an error of nb_subset_visit or of rescoring; the same on all ranks */
nb_status nb_subset_best(const nb_subset *subset, size_t kept, nb_ranked **out, size_t *count, nb_error *err);

#endif
