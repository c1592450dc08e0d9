/* The loop behind common/linear/exact/exact.h; included once per instruction set, by a file that defines NB_EXACT_NAME.
 * Never compiled with contraction to fused operations: see common/CMakeLists.txt. */
#include "common/linear/exact/exact_sets.h"

void NB_EXACT_NAME(double *out, const double *a, size_t rows, const double *b, size_t width, size_t columns)
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
