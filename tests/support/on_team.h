/* The main function of a test that runs under MPI: every rank is one of the team, and a failure on any of them fails
 * the program. */
#ifndef NB_TESTS_ON_TEAM_H
#define NB_TESTS_ON_TEAM_H

#include "common/linear/blas.h"
#include "common/parallel/team.h"
#include "support/support.h"

/* Runs the array `tests` with the team started; setup, called once before them on every rank, may be NULL. Returns what
 * main returns. */
#define run_on_team(team, tests, setup) nb_run_on_team((team), (tests), sizeof(tests) / sizeof *(tests), (setup))

static inline int nb_run_on_team(nb_team *team, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup)
{
    nb_error err = {0};
    if (nb_team_start(team, &err) != NB_OK) {
        return 1;
    }
    nb_blas_start();
    int failed = _cmocka_run_group_tests("parallel", tests, count, setup, NULL);
    nb_team_stop(team);
    return failed;
}

#endif
