/* Products that are the same bits on every CPU and with every BLAS: what a selection near a cut is decided by.
 *
 * Every output is one sum in double over k = 0, 1, 2, ... with a rounding after each product and each addition; wide
 * registers only hold neighbouring outputs. */
#ifndef NB_COMMON_LINEAR_EXACT_EXACT_H
#define NB_COMMON_LINEAR_EXACT_EXACT_H

#include "common/linear/simd/exact_products.h"

/* n rounded up to whole NB_EXACT_COLUMNS. */
static inline size_t nb_exact_padded(size_t n)
{
    return (n + NB_EXACT_COLUMNS - 1) / NB_EXACT_COLUMNS * NB_EXACT_COLUMNS;
}

/* out[rows, columns] = a[rows, width] b[width, columns]; columns is a multiple of NB_EXACT_COLUMNS. */
void nb_exact_products(double *out, const double *a, size_t rows, const double *b, size_t width, size_t columns);

/* out[width, nb_exact_padded(rows)] = the transpose of in[rows, width], zeros behind. */
void nb_exact_transpose(double *out, const double *in, size_t rows, size_t width);

#endif
