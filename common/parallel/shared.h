/* Memory shared by the ranks of one node: what is large and the same for all (weights) lies there once. */
#ifndef NB_PARALLEL_SHARED_H
#define NB_PARALLEL_SHARED_H

#include "common/parallel/comm.h"

/** One node's memory. {0}: none. */
typedef struct nb_shared {
    MPI_Comm node; /**< the ranks of this node; made and freed here */
    void *base;    /**< 64-byte aligned; the same memory on all ranks of the node */
    size_t mapped; /**< bytes of the mapping; 0 for a rank alone on its node, whose memory is of nb_alloc */
    bool first;    /**< this rank fills it */
} nb_shared;

/** Makes the memory, zeroed: a file in /dev/shm, or where that lacks the room in $TMPDIR, else /tmp (a disk's pages are
 * written back in time, and otherwise shared alike). It has no name once all have mapped it. MPI's own shared windows
 * are not used: where /dev/shm is too small, as in Docker, Open MPI 4 waits in them for ever. Collective over the
 * communicator; all ranks pass the same size.
 *
 * @param out   destroyed by the caller with nb_shared_destroy, on NB_OK; else nothing is left of it
 * @param comm  its communicator stays the caller's; those of the nodes are split from it
 * @param bytes of the memory
 * @return the same on all ranks: NB_OK, NB_ERR_LIMIT where a node has no such memory, or NB_ERR_INTERNAL when MPI
 * cannot tell which ranks share a node. */
NB_CHECKED nb_status nb_shared_create(nb_shared *out, const nb_comm *comm, size_t bytes, nb_error *err);

/** What the first rank of each node wrote is seen by all behind this. Collective over the communicator.
 *
 * @param shared the memory
 * @param comm   the one it was made with
 * @return the same on all ranks: NB_OK, or NB_ERR_INTERNAL when MPI fails. */
NB_CHECKED nb_status nb_shared_publish(nb_shared *shared, const nb_comm *comm, nb_error *err);

/** Frees the memory and the communicators of the nodes. Collective over the communicator, directly behind an agreement;
 * harmless on {0}, which all ranks must then hold.
 *
 * @param shared becomes {0} */
void nb_shared_destroy(nb_shared *shared);

#endif
