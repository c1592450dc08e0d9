#include "common/linear/vector_sets.h"

#define NB_VECTOR_SET      nb_vector_plain
#define NB_VECTOR_SET_NAME "plain"
#include "common/linear/vector_impl.h"
