/* The main function of a test that runs under MPI: every rank is one of the communicator, and a failure on any of them
 * fails the program. */
#ifndef NB_TESTS_SUPPORT_ON_RANKS_H
#define NB_TESTS_SUPPORT_ON_RANKS_H

#include "common/linear/blas.h"
#include "common/parallel/comm.h"
#include "support/support.h"

/* Runs the array `tests` with the communicator started; setup, called once before them on every rank, may be NULL.
 * Returns what main returns. */
#define run_on_ranks(comm, tests, setup) nb_run_on_ranks((comm), (tests), sizeof(tests) / sizeof *(tests), (setup))

static inline int nb_run_on_ranks(nb_comm *comm, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup)
{
    nb_error err = {0};
    if (nb_comm_start(comm, &err) != NB_OK) {
        return 1;
    }
    nb_blas_start();
    int failed = _cmocka_run_group_tests("parallel", tests, count, setup, NULL);
    nb_comm_stop(comm);
    return failed;
}

#endif
