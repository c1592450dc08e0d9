/* The tables of common/linear/affinity.h, one a file. */
#ifndef NB_LINEAR_AFFINITY_SETS_H
#define NB_LINEAR_AFFINITY_SETS_H

#include "common/linear/affinity.h"

extern const nb_affinity nb_affinity_plain;
#if defined(__x86_64__)
extern const nb_affinity nb_affinity_avx2, nb_affinity_avx512; /* compiled with those instructions: look before use */
#endif

#endif
