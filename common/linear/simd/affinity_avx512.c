/* Compiled with its instruction set: see common/CMakeLists.txt. */
#include "common/linear/simd/affinity_sets.h"

#if defined(__x86_64__)
#define NB_AFFINITY_SET      nb_affinity_avx512
#define NB_AFFINITY_SET_NAME "avx512"
#include "common/linear/simd/affinity_impl.h"
#endif
