/** @file
 * Matrix products by OpenBLAS, one thread a rank. Row-major.
 *
 * The product of a slice is not bitwise the slice of the product, so callers cut their global index space into fixed
 * tiles and never into "my part" (see common/parallel/queue.h).
 *
 * Sizes and strides must fit an int, as OpenBLAS counts in int: the limits of what callers read see to it, nothing here
 * does. The products neither allocate for the caller nor fail; OpenBLAS ends the process where it finds no memory for
 * its buffers. Nothing here is collective. Any number of threads may compute at once. */
#ifndef NB_LINEAR_BLAS_H
#define NB_LINEAR_BLAS_H

#include <stddef.h>

/** Makes OpenBLAS compute with one thread from here on: results must not depend on how many cores a rank happens to
 * have. Call it before other threads compute. */
void nb_blas_start(void);

/** The kernel family that OpenBLAS uses: "Cooperlake". The string is OpenBLAS's. */
const char *nb_blas_kernel(void);

/** The family OpenBLAS has for this CPU's instruction sets where the one in use is made for older ones, as
 * OPENBLAS_CORETYPE can have it, or a CPU that is younger than OpenBLAS.
 * @return "Cooperlake", "SkylakeX" or "Haswell"; NULL when the one in use is good enough, and elsewhere than on x86-64
 */
const char *nb_blas_better(void);

/** Starts the program again with the better family where there is one, or that of NEGBANK_CPU, and OPENBLAS_CORETYPE
 * does not choose; first thing in main. OpenBLAS chooses before main, and takes a CPU that it does not know for one of
 * 2004, at a fifth of the speed.
 *
 * Returns in the process that goes on, also where the program could not be started again; what that process starts has
 * the environment as it was. Changes the environment, so no other thread may run yet.
 * @param argv of main */
void nb_blas_choose(char *argv[]);

/** A matrix of floats that is read: data[rows, cols], element (i, k) at data[i * stride + k]. Borrows the memory. */
typedef struct nb_matrix {
    const float *data; /**< row-major */
    size_t rows, cols;
    size_t stride; /**< elements from row to row, at least cols */
} nb_matrix;

/** As nb_matrix, of doubles. */
typedef struct nb_double_matrix {
    const double *data; /**< row-major */
    size_t rows, cols;
    size_t stride; /**< elements from row to row, at least cols */
} nb_double_matrix;

/** The matrix data[rows, cols] whose rows lie one behind another.
 * @param data borrowed
 * @param rows how many
 * @param cols elements of a row, and from row to row */
static inline nb_matrix nb_matrix_of(const float *data, size_t rows, size_t cols)
{
    return (nb_matrix){data, rows, cols, cols};
}

/** The matrix data[rows, cols] whose rows are `stride` elements apart.
 * @param data borrowed
 * @param rows how many
 * @param cols elements of a row
 * @param stride at least cols */
static inline nb_matrix nb_matrix_strided(const float *data, size_t rows, size_t cols, size_t stride)
{
    return (nb_matrix){data, rows, cols, stride};
}

/** As nb_matrix_of, of doubles.
 * @param data borrowed
 * @param rows how many
 * @param cols elements of a row, and from row to row */
static inline nb_double_matrix nb_double_matrix_of(const double *data, size_t rows, size_t cols)
{
    return (nb_double_matrix){data, rows, cols, cols};
}

/** As nb_matrix_strided, of doubles.
 * @param data borrowed
 * @param rows how many
 * @param cols elements of a row
 * @param stride elements from row to row, at least cols */
static inline nb_double_matrix nb_double_matrix_strided(const double *data, size_t rows, size_t cols, size_t stride)
{
    return (nb_double_matrix){data, rows, cols, stride};
}

/** c = a b^T + beta c.
 * @param a [m, k]
 * @param b [n, k]
 * @param beta 0: what c holds is not read
 * @param[in,out] c [m, n], which overlaps neither a nor b
 * @param c_stride elements from row to row of c, at least n */
void nb_sgemm_nt(nb_matrix a, nb_matrix b, float beta, float *c, size_t c_stride);

/** c = alpha a b^T in double.
 * @param a [m, k]
 * @param b [n, k]
 * @param[out] c [m, n], which overlaps neither a nor b
 * @param c_stride elements from row to row of c, at least n */
void nb_dgemm_nt(double alpha, nb_double_matrix a, nb_double_matrix b, double *c, size_t c_stride);

/** c = a b.
 * @param a [m, k]
 * @param b [k, n]
 * @param[out] c [m, n], which overlaps neither a nor b
 * @param c_stride elements from row to row of c, at least n */
void nb_sgemm_nn(nb_matrix a, nb_matrix b, float *c, size_t c_stride);

/** c = alpha a^T b + beta c: what a weight's gradient is.
 * @param a [k, m]
 * @param b [k, n]
 * @param beta 0: what c holds is not read
 * @param[in,out] c [m, n], which overlaps neither a nor b
 * @param c_stride elements from row to row of c, at least n */
void nb_sgemm_tn(float alpha, nb_matrix a, nb_matrix b, float beta, float *c, size_t c_stride);

#endif
