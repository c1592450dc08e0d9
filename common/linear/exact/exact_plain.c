#define NB_EXACT_NAME nb_exact_plain
#include "common/linear/exact/exact_impl.h"
