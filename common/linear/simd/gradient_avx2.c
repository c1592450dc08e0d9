/* Compiled with its instruction set: see common/CMakeLists.txt. */
#include "common/linear/simd/gradient_sets.h"

#if defined(__x86_64__)
#define NB_GRADIENT_SET      nb_gradient_avx2
#define NB_GRADIENT_SET_NAME "avx2"
#include "common/linear/simd/gradient_impl.h"
#endif
