#include "common/linear/exact/exact_sets.h"

#include "common/linear/simd/vector.h"

#include <string.h>

void nb_exact_products(double *out, const double *a, size_t rows, const double *b, size_t width, size_t columns)
{
#if defined(__x86_64__)
    const char *set = nb_vector_best()->name;
    if (strcmp(set, "avx512") == 0) {
        nb_exact_avx512(out, a, rows, b, width, columns);
        return;
    }
    if (strcmp(set, "avx2") == 0) {
        nb_exact_avx2(out, a, rows, b, width, columns);
        return;
    }
#endif
    nb_exact_plain(out, a, rows, b, width, columns);
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
