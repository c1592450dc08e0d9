/** @file
 * Products that are the same bits on every CPU and with every BLAS: what a selection near a cut is decided by.
 *
 * Nothing here allocates, fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_EXACT_EXACT_H
#define NB_COMMON_LINEAR_EXACT_EXACT_H

#include "common/linear/simd/exact_products.h"

/** n rounded up to whole NB_EXACT_COLUMNS. */
static inline size_t nb_exact_padded(size_t n)
{
    return (n + NB_EXACT_COLUMNS - 1) / NB_EXACT_COLUMNS * NB_EXACT_COLUMNS;
}

/** out = a b. Every output is one sum in double over k = 0, 1, 2, ... with a rounding after each product and each
 * addition; wide registers only hold neighbouring outputs.
 * @param[out] out [rows, columns]
 * @param a [rows, width]
 * @param b [width, columns], from nb_exact_transpose
 * @param columns a multiple of NB_EXACT_COLUMNS */
void nb_exact_products(double *out, const double *a, size_t rows, const double *b, size_t width, size_t columns);

/** The transpose, padded with zeros to whole NB_EXACT_COLUMNS.
 * @param[out] out [width, nb_exact_padded(rows)]
 * @param in [rows, width] */
void nb_exact_transpose(double *out, const double *in, size_t rows, size_t width);

#endif
