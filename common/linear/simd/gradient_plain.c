#include "common/linear/simd/gradient_sets.h"

#define NB_GRADIENT_SET      nb_gradient_plain
#define NB_GRADIENT_SET_NAME "plain"
#include "common/linear/simd/gradient_impl.h"
