/* The team: all ranks of the job, and how they agree.
 *
 * A rank that fails does not branch on its own: it carries its status to the next nb_team_agree, whichever that is, and
 * there it becomes everybody's error. An error all ranks hold passes later agreements without communication, so nested
 * ones are safe. The rule that follows: a collective call other than agree stands directly behind an agree, with
 * nothing between them that can fail on one rank alone. nb_team_abort is for what cannot be agreed. */
#ifndef NB_PARALLEL_TEAM_H
#define NB_PARALLEL_TEAM_H

#include "common/base/memory.h"

#include <mpi.h>

typedef struct nb_team {
    MPI_Comm comm; /* a duplicate of MPI_COMM_WORLD; errors are returned, not fatal. MPI_COMM_NULL with a size of 1: a
                    * process without MPI, which agrees with itself */
    int rank, size;
    char host[64];
    uint64_t *traffic; /* bytes this rank has handed to collective calls, agreements aside */
} nb_team;

/* Collective. Initialises MPI, also for a program started without mpirun or srun (a team of one). */
nb_status nb_team_start(nb_team *team, nb_error *err);
/* Collective. Finalises MPI. */
void nb_team_stop(nb_team *team);
/* Not collective. Prints nothing; ends every rank with the status as exit code. */
void nb_team_abort(const nb_team *team, nb_status status);

/* Collective. NB_OK when every rank passes NB_OK; otherwise every rank gets the status and error of the lowest rank
 * that failed. */
nb_status nb_team_agree(const nb_team *team, nb_status status, nb_error *err);

/* Collective. Bytes of rank 0 to all; bytes may exceed INT_MAX. */
nb_status nb_team_broadcast(const nb_team *team, void *bytes, size_t len, nb_error *err);
/* Collective. Blocks of all ranks to rank 0, one after the other in rank order, in *all (freed by the caller; NULL
 * elsewhere), block r at offset[r], offset has size + 1 entries. */
nb_status nb_team_gather(const nb_team *team, const void *block, size_t len, char **all, uint64_t **offset,
                         nb_error *err);
/* Collective. Combines an array of 64-bit words of which every rank filled a disjoint part and left the rest zero, so
 * that all hold all of it, bit for bit. */
nb_status nb_team_unite(const nb_team *team, void *words, size_t count, nb_error *err);
/* Collective. Sum over the ranks. */
nb_status nb_team_sum(const nb_team *team, uint64_t *values, size_t count, nb_error *err);
/* Collective. The largest over the ranks, element by element. */
nb_status nb_team_largest(const nb_team *team, int64_t *values, size_t count, nb_error *err);

/* Collective. NB_OK when every rank passes the text rank 0 passes (up to 255 bytes), else NB_ERR_LIMIT naming `what`
 * and both texts: results would depend on which rank computed them. */
nb_status nb_team_same(const nb_team *team, const char *what, const char *text, nb_error *err);

/* True when `tile` belongs to this rank: whole tiles are dealt round robin. */
static inline bool nb_team_owns(const nb_team *team, size_t tile)
{
    return tile % (size_t)team->size == (size_t)team->rank;
}

/* Analysers look into one file at a time: this tells them that a rank that fails never goes on. */
#if defined(__clang_analyzer__) && !defined(NB_TEAM_DEFINITIONS)
static inline nb_status nb_team_agree_analysed(const nb_team *team, nb_status status, nb_error *err)
{
    nb_status all = nb_team_agree(team, status, err);
    return status == NB_OK ? all : status;
}
#define nb_team_agree(team, status, err) nb_team_agree_analysed((team), (status), (err))
#endif

#endif
