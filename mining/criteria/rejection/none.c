/* No rule: only ID labels and the stop list are left out. */
#include "mining/criteria/rejection/rejection.h"

const nb_rejection nb_rejection_none = {.name = "none", .source = "the control"};
