/* The tables of common/linear/simd/gradient.h, one a file. */
#ifndef NB_COMMON_LINEAR_SIMD_GRADIENT_SETS_H
#define NB_COMMON_LINEAR_SIMD_GRADIENT_SETS_H

#include "common/linear/simd/gradient.h"

extern const nb_gradient nb_gradient_plain;
#if defined(__x86_64__)
extern const nb_gradient nb_gradient_avx2, nb_gradient_avx512; /* compiled with those instructions: look before use */
#endif

#endif
