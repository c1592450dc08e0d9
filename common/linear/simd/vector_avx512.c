/* Compiled with its instruction set: see common/CMakeLists.txt. */
#include "common/linear/simd/vector_sets.h"

#if defined(__x86_64__)
#define NB_VECTOR_SET      nb_vector_avx512
#define NB_VECTOR_SET_NAME "avx512"
#include "common/linear/simd/vector_impl.h"
#endif
