/* Compiled with its instruction set: see common/CMakeLists.txt. */
#if defined(__x86_64__)
#define NB_EXACT_NAME nb_exact_avx2
#include "common/linear/exact/exact_impl.h"
#endif
