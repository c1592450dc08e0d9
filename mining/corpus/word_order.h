/** @file
 * The words of all inputs in one order, for what is drawn word by word as CSP's release does it. */
#ifndef NB_MINING_CORPUS_WORD_ORDER_H
#define NB_MINING_CORPUS_WORD_ORDER_H

#include "mining/corpus/plan.h"

/** Gives a plan its superclasses; where they are drawn, rank 0 reads all inputs for it, in the order in which they were
 * named. Collective; all get the same status.
 * @param plan with its pieces; plan->superclasses is filled
 * @param comm the ranks
 * @return NB_OK; NB_ERR_INPUT or NB_ERR_IO when an input cannot be read; NB_ERR_LIMIT without memory, or when there are
 * too many words to draw for. */
nb_status nb_corpus_join_superclasses(nb_corpus_plan *plan, const nb_comm *comm, nb_error *err);

/** What becomes of a canonical text by what WordNet says of it. Not collective.
 * @param plan the plan
 * @param source the input it is from
 * @param n working memory
 * @param text the text, as a normaliser left it
 * @return NB_KEPT, or why it is left out */
nb_drop nb_corpus_judge(const nb_corpus_plan *plan, const nb_source *source, nb_normaliser *n,
                        const nb_normaliser *text);

#endif
