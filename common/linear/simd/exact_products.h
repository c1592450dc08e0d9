/** @file
 * The loop behind nb_exact_products (common/linear/exact/exact.h), compiled once for every instruction set. */
#ifndef NB_COMMON_LINEAR_SIMD_EXACT_PRODUCTS_H
#define NB_COMMON_LINEAR_SIMD_EXACT_PRODUCTS_H

#include <stddef.h>

/** Columns of the second factor come in multiples of this. */
enum { NB_EXACT_COLUMNS = 32 };

/** out[rows, columns] = a[rows, width] b[width, columns]; columns is a multiple of NB_EXACT_COLUMNS. Every output is
 * one sum in double over k = 0, 1, 2, ... with a rounding after each product and each addition. */
typedef void nb_exact_function(double *out, const double *a, size_t rows, const double *b, size_t width,
                               size_t columns);

#endif
