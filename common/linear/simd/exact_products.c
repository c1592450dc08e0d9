/* Compiled once for every instruction set, never with contraction to fused operations: see common/CMakeLists.txt. Wide
 * registers only hold neighbouring outputs. */
#include "common/linear/simd/exact_products.h"

#include "common/linear/simd/table_name.h"

extern nb_exact_function NB_TABLE_NAME(nb_exact_products);

void NB_TABLE_NAME(nb_exact_products)(double *out, const double *a, size_t rows, const double *b, size_t width,
                                      size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c += NB_EXACT_COLUMNS) {
            double sum[NB_EXACT_COLUMNS] = {0};
            for (size_t k = 0; k < width; k++) {
                double x = a[r * width + k];
                const double *y = b + k * columns + c;
                for (size_t l = 0; l < NB_EXACT_COLUMNS; l++) {
                    sum[l] += x * y[l];
                }
            }
            for (size_t l = 0; l < NB_EXACT_COLUMNS; l++) {
                out[r * columns + c + l] = sum[l];
            }
        }
    }
}
