/* A corpus read by all ranks together. */
#ifndef NB_CORPUS_GATHER_H
#define NB_CORPUS_GATHER_H

#include "common/parallel/team.h"
#include "mining/corpus/corpus.h"

/* Collective; the plans of all ranks agree. Every rank reads and canonicalises its part of the inputs; rank 0 merges
 * them into *out, canonical and limited, and holds the total counts. *out stays {0} on the others. The result does not
 * depend on the number of ranks. */
nb_status nb_corpus_gather(nb_corpus *out, nb_corpus_counts *counts, const nb_team *team, const nb_corpus_plan *plan,
                           nb_error *err);

#endif
