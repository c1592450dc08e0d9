/* The rejection rules, one line each. It is a file of its own so that a program can link another table in its place. */
#include "mining/criteria/rejection/rejection.h"

/* clang-format off */
#define REJECTIONS(ROW) \
    ROW(interneg)       \
    ROW(superclass)     \
    ROW(none)
/* clang-format on */

#define DECLARE(name) extern const nb_rejection nb_rejection_##name;
#define ADDRESS(name) &nb_rejection_##name,
REJECTIONS(DECLARE)
const nb_rejection *const nb_rejections[] = {REJECTIONS(ADDRESS) NULL};
