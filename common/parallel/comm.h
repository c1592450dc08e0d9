/* The communicator: all ranks of the job, and how they agree.
 *
 * A rank that fails does not branch on its own: it carries its status to the next nb_comm_agree, whichever that is, and
 * there it becomes everybody's error. An error all ranks hold passes later agreements without communication, so nested
 * ones are safe. The rule that follows: a collective call other than agree stands directly behind an agree, with
 * nothing between them that can fail on one rank alone. nb_comm_abort is for what cannot be agreed. */
#ifndef NB_COMMON_PARALLEL_COMM_H
#define NB_COMMON_PARALLEL_COMM_H

#include "common/base/memory.h"

#include <mpi.h>

/** The ranks. One of size 1 with MPI_COMM_NULL is a process without MPI, which agrees with itself. */
typedef struct nb_comm {
    MPI_Comm handle; /**< a duplicate of MPI_COMM_WORLD, made and freed here; errors are returned, not fatal */
    int rank, size;
    char host[64];     /**< of this rank */
    uint64_t *traffic; /**< bytes this rank has handed to collective calls, agreements aside; NULL: not counted */
} nb_comm;

/** This process's rank as text, as the launcher that started it has it (mpirun, or srun with PMIx or PMI).
 *
 * @return the value of the launcher's variable, valid until the environment changes; NULL: nobody launched it */
const char *nb_comm_launched_as(void);

/** Initialises MPI, also for a program started without mpirun or srun (a communicator of one rank). Collective over
 * MPI_COMM_WORLD; once a process.
 *
 * @param comm stopped by the caller with nb_comm_stop, also on failure
 * @return NB_OK, NB_ERR_INTERNAL when MPI fails, NB_ERR_USAGE in a step of several tasks that Slurm started without
 * MPI, or NB_ERR_LIMIT when memory is out; not agreed. */
NB_CHECKED nb_status nb_comm_start(nb_comm *comm, nb_error *err);

/** Frees the communicator and finalises MPI. Collective.
 *
 * @param comm as nb_comm_start left it */
void nb_comm_stop(nb_comm *comm);

/** Ends every rank of `comm` with `status` as exit code, and prints nothing. Not collective; does not return. */
void nb_comm_abort(const nb_comm *comm, nb_status status);

/** Agrees on a status. Collective, but for a rank that brings an error all ranks hold already, which is returned at
 * once. Ends the job where MPI fails.
 *
 * @param comm   the ranks
 * @param status of this rank
 * @param err    of this rank; where a rank failed it becomes that of the lowest one, with its rank and host
 * @return the same on all ranks: NB_OK when every rank passes NB_OK, else the status of the lowest rank that failed. */
NB_CHECKED nb_status nb_comm_agree(const nb_comm *comm, nb_status status, nb_error *err);

/** Bytes of rank 0 to all. Collective; `len`, which may exceed INT_MAX, agrees on all ranks.
 *
 * @param comm  the ranks
 * @param bytes [len]
 * @param len   how many
 * @return NB_OK, or NB_ERR_INTERNAL when MPI fails; not agreed. */
NB_CHECKED nb_status nb_comm_broadcast(const nb_comm *comm, void *bytes, size_t len, nb_error *err);

/** Blocks of all ranks to rank 0, one behind the other in rank order. Collective; lengths may differ.
 *
 * @param comm   the ranks
 * @param block  [len], this rank's
 * @param len    its bytes
 * @param all    rank 0: the blocks, freed by the caller; NULL elsewhere and on failure
 * @param offset rank 0: [size + 1], block r is at offset[r]; freed by the caller; NULL elsewhere and on failure
 * @return NB_OK; NB_ERR_LIMIT, on all ranks, when memory is out; or NB_ERR_INTERNAL, not agreed, when MPI fails. */
NB_CHECKED nb_status nb_comm_gather(const nb_comm *comm, const void *block, size_t len, char **all, uint64_t **offset,
                                    nb_error *err);

/** All-reduce by bitwise or: an array of 64-bit words of which every rank filled a disjoint part and left the rest
 * zero, so that all hold all of it, bit for bit. Collective; `count` agrees on all ranks.
 *
 * @param comm  the ranks
 * @param words [count]
 * @param count how many
 * @return as nb_comm_broadcast. */
NB_CHECKED nb_status nb_comm_or(const nb_comm *comm, void *words, size_t count, nb_error *err);

/** Sums over the ranks, element by element. Collective; `count` agrees on all ranks.
 *
 * @param comm   the ranks
 * @param values [count]
 * @param count  how many
 * @return as nb_comm_broadcast. */
NB_CHECKED nb_status nb_comm_sum(const nb_comm *comm, uint64_t *values, size_t count, nb_error *err);

/** The maximum over the ranks, element by element. Collective; `count` agrees on all ranks.
 *
 * @param comm   the ranks
 * @param values [count]
 * @param count  how many
 * @return as nb_comm_broadcast. */
NB_CHECKED nb_status nb_comm_max(const nb_comm *comm, int64_t *values, size_t count, nb_error *err);

/** Refuses ranks that differ in what decides results: else they would depend on which rank computed them. Collective.
 *
 * @param comm the ranks
 * @param what is compared, for the message
 * @param text up to 255 bytes of it are compared
 * @return the same on all ranks: NB_OK when every rank passes the text rank 0 passes, NB_ERR_LIMIT naming both texts
 *         otherwise, or NB_ERR_INTERNAL when MPI fails. */
NB_CHECKED nb_status nb_comm_same(const nb_comm *comm, const char *what, const char *text, nb_error *err);

/** True when `tile` belongs to this rank of `comm`: whole tiles are assigned round-robin. Not collective. */
static inline bool nb_comm_owns(const nb_comm *comm, size_t tile)
{
    return tile % (size_t)comm->size == (size_t)comm->rank;
}

#if defined(__clang_analyzer__) && !defined(NB_COMM_DEFINITIONS)
/** nb_comm_agree for analysers, which look into one file at a time: tells them that a rank that fails never goes on.
 * Collective.
 *
 * @param comm   the ranks
 * @param status of this rank
 * @return as nb_comm_agree. */
static inline nb_status nb_comm_agree_analysed(const nb_comm *comm, nb_status status, nb_error *err)
{
    nb_status all = nb_comm_agree(comm, status, err);
    return status == NB_OK ? all : status;
}
#define nb_comm_agree(comm, status, err) nb_comm_agree_analysed((comm), (status), (err))
#endif

#endif
