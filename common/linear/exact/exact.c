#include "common/linear/exact/exact.h"

#include "common/linear/simd/instruction_set.h"

void nb_exact_products(double *out, const double *a, size_t rows, const double *b, size_t width, size_t columns)
{
    nb_instruction_set_best()->exact(out, a, rows, b, width, columns);
}

void nb_exact_transpose(double *out, const double *in, size_t rows, size_t width)
{
    size_t columns = nb_exact_padded(rows);
    for (size_t k = 0; k < width; k++) {
        for (size_t r = 0; r < columns; r++) {
            out[k * columns + r] = r < rows ? in[r * width + k] : 0;
        }
    }
}
