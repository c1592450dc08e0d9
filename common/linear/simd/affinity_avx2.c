/* Compiled with its instruction set: see common/CMakeLists.txt. */
#include "common/linear/simd/affinity_sets.h"

#if defined(__x86_64__)
#define NB_AFFINITY_SET      nb_affinity_avx2
#define NB_AFFINITY_SET_NAME "avx2"
#include "common/linear/simd/affinity_impl.h"
#endif
