/* What ranks exchange in training: sums of gradients, and weights. Each rank owns a slice of the parameters: it gets
 * the sums of its slice, keeps the optimiser's state of it, and hands its updated weights to all. */
#ifndef NB_MINING_TUNING_TRAINING_EXCHANGE_H
#define NB_MINING_TUNING_TRAINING_EXCHANGE_H

#include "common/parallel/shared.h"

/* Parameters [begin, end) belong to `rank`. */
typedef struct nb_slice {
    size_t begin, end;
} nb_slice;
nb_slice nb_slice_of(const nb_team *team, int rank, size_t parameters);

/* Collective, directly behind an agreement. The sums [parameters] of all ranks added up, each rank's slice on that
 * rank; what the others hold in it is then of no use. Whole numbers, so the result does not depend on who adds first.
 */
nb_status nb_exchange_sums(const nb_team *team, int64_t *sums, size_t parameters, nb_error *err);

/* Collective, directly behind an agreement. Every rank's slice `own` (of its slice's length) goes to all: into weights
 * [parameters], which is shared by the ranks of a node and written by those of which `first` is true. */
nb_status nb_exchange_weights(const nb_team *team, const float *own, float *weights, size_t parameters, bool first,
                              nb_error *err);

/* Collective, directly behind an agreement. The reverse of keeping slices: `own` of every rank put together into all
 * [parameters] on rank 0 (NULL elsewhere). */
nb_status nb_exchange_gather(const nb_team *team, const float *own, float *all, size_t parameters, nb_error *err);
/* Collective, directly behind an agreement. all [parameters] of rank 0 dealt out into every rank's `own`. */
nb_status nb_exchange_deal(const nb_team *team, const float *all, float *own, size_t parameters, nb_error *err);

#endif
