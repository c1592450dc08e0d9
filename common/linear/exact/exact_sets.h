/* The loops of common/linear/exact/exact.h, one a file. */
#ifndef NB_COMMON_LINEAR_EXACT_EXACT_SETS_H
#define NB_COMMON_LINEAR_EXACT_EXACT_SETS_H

#include "common/linear/exact/exact.h"

typedef void nb_exact_function(double *out, const double *a, size_t rows, const double *b, size_t width,
                               size_t columns);
nb_exact_function nb_exact_plain;
#if defined(__x86_64__)
nb_exact_function nb_exact_avx2, nb_exact_avx512; /* compiled with those instructions: look before use */
#endif

#endif
