#include "common/linear/simd/vector_sets.h"

#define NB_VECTOR_SET      nb_vector_plain
#define NB_VECTOR_SET_NAME "plain"
#include "common/linear/simd/vector_impl.h"
