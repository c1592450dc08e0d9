/** @file
 * What ranks exchange in training: sums of gradients, and weights. Each rank owns a slice of the parameters: it gets
 * the sums of its slice, keeps the optimiser's state of it, and hands its updated weights to all. */
#ifndef NB_MINING_TUNING_TRAINING_EXCHANGE_H
#define NB_MINING_TUNING_TRAINING_EXCHANGE_H

#include "common/parallel/shared.h"

/** Parameters [begin, end) belong to `rank`. */
typedef struct nb_slice {
    size_t begin, end;
} nb_slice;

/** The slice of a rank. Not collective.
 * @param comm the ranks
 * @param rank one of them
 * @param parameters of the model
 * @return its slice */
nb_slice nb_slice_of(const nb_comm *comm, int rank, size_t parameters);

/** Adds up the sums of all ranks, each rank's slice on that rank. Collective, directly behind an agreement.
 *
 * Whole numbers, so the result does not depend on who adds first.
 * @param comm the ranks
 * @param sums [parameters] this rank's; afterwards its slice holds the sums, and the rest is of no use
 * @param parameters of the model
 * @return NB_OK; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL when MPI fails. */
nb_status nb_training_reduce_scatter(const nb_comm *comm, int64_t *sums, size_t parameters, nb_error *err);

/** Hands every rank's slice of the weights to all. Collective, directly behind an agreement.
 * @param comm the ranks
 * @param own this rank's slice, of its length
 * @param weights [parameters] shared by the ranks of a node
 * @param parameters of the model
 * @param first whether this rank writes the weights of its node
 * @return NB_OK; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL when MPI fails. */
nb_status nb_training_all_gather(const nb_comm *comm, const float *own, float *weights, size_t parameters, bool first,
                                 nb_error *err);

/** Puts the slices of all ranks together on rank 0. Collective, directly behind an agreement.
 * @param comm the ranks
 * @param own this rank's slice
 * @param all [parameters] on rank 0, NULL elsewhere
 * @param parameters of the model
 * @return NB_OK; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL when MPI fails. */
nb_status nb_training_gather(const nb_comm *comm, const float *own, float *all, size_t parameters, nb_error *err);

/** The reverse: gives every rank its slice of what rank 0 has. Collective, directly behind an agreement.
 * @param comm the ranks
 * @param all [parameters] on rank 0, ignored elsewhere
 * @param own becomes this rank's slice
 * @param parameters of the model
 * @return NB_OK; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL when MPI fails. */
nb_status nb_training_scatter(const nb_comm *comm, const float *all, float *own, size_t parameters, nb_error *err);

#endif
