/* The program with another table of scores: NegLabel and one of the tests' own. */
#include "common/linear/blas.h"
#include "jobs/job.h"
#include "scoring/scores/neglabel.h"

extern const nb_score_rule nb_score_margin; /* tests/support/margin_score.c */

const nb_score_rule *const nb_score_table[] = {&nb_score_neglabel, &nb_score_margin};
const size_t nb_score_count = sizeof nb_score_table / sizeof *nb_score_table;

int main(int argc, char *argv[])
{
    nb_blas_choose(argv);
    return nb_program(argc, argv);
}
