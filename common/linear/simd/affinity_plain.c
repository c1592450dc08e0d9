#include "common/linear/simd/affinity_sets.h"

#define NB_AFFINITY_SET      nb_affinity_plain
#define NB_AFFINITY_SET_NAME "plain"
#include "common/linear/simd/affinity_impl.h"
