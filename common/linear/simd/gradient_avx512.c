/* Compiled with its instruction set: see common/CMakeLists.txt. */
#include "common/linear/simd/gradient_sets.h"

#if defined(__x86_64__)
#define NB_GRADIENT_SET      nb_gradient_avx512
#define NB_GRADIENT_SET_NAME "avx512"
#include "common/linear/simd/gradient_impl.h"
#endif
