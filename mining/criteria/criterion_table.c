/* The criteria, one line each, the default one first. It is a file of its own so that a program can link another table
 * in its place. */
#include "mining/criteria/criterion.h"

/* clang-format off */
#define CRITERIA(ROW)    \
    ROW(debiased)        \
    ROW(activation_only) \
    ROW(interneg)        \
    ROW(neglabel)        \
    ROW(csp)             \
    ROW(dnm)             \
    ROW(random)
/* clang-format on */

#define DECLARE(name) extern const nb_criterion nb_criterion_##name;
#define ADDRESS(name) &nb_criterion_##name,
CRITERIA(DECLARE)
const nb_criterion *const nb_criteria[] = {CRITERIA(ADDRESS) NULL};
