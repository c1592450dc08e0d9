/* The tables of common/linear/simd/vector.h, one a file. */
#ifndef NB_COMMON_LINEAR_SIMD_VECTOR_SETS_H
#define NB_COMMON_LINEAR_SIMD_VECTOR_SETS_H

#include "common/linear/simd/vector.h"

extern const nb_vector nb_vector_plain;
#if defined(__x86_64__)
extern const nb_vector nb_vector_avx2, nb_vector_avx512; /* compiled with those instructions: look before use */
#endif

#endif
