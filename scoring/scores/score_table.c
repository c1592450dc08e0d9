/* The scores, one line each. It is a file of its own so that a program can link another table in its place. */
#include "scoring/scores/score.h"

/* clang-format off */
#define SCORES(ROW) \
    ROW(neglabel)   \
    ROW(dnm)        \
    ROW(debiased)   \
    ROW(nested)     \
    ROW(negrefine)  \
    ROW(mcm)        \
    ROW(max_logit)  \
    ROW(energy)     \
    ROW(adaneg)     \
    ROW(interneg)   \
    ROW(oodd)       \
    ROW(tanl)       \
    ROW(tins)
/* clang-format on */

#define DECLARE(name) extern const nb_score_rule nb_score_##name;
#define ADDRESS(name) &nb_score_##name,
SCORES(DECLARE)
const nb_score_rule *const nb_score_table[] = {SCORES(ADDRESS)};
const size_t nb_score_count = sizeof nb_score_table / sizeof *nb_score_table;
