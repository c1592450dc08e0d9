/* The tables of common/linear/simd/affinity.h, one a file. */
#ifndef NB_COMMON_LINEAR_SIMD_AFFINITY_SETS_H
#define NB_COMMON_LINEAR_SIMD_AFFINITY_SETS_H

#include "common/linear/simd/affinity.h"

extern const nb_affinity nb_affinity_plain;
#if defined(__x86_64__)
extern const nb_affinity nb_affinity_avx2, nb_affinity_avx512; /* compiled with those instructions: look before use */
#endif

#endif
