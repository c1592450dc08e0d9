/* Matrix products by OpenBLAS, one thread a rank. Row-major; sizes beyond int are refused by the callers' limits.
 *
 * The product of a slice is not bitwise the slice of the product, so callers cut their global index space into fixed
 * tiles and never into "my part" (see common/parallel/queue.h). */
#ifndef NB_LINEAR_BLAS_H
#define NB_LINEAR_BLAS_H

#include <stddef.h>

/* One BLAS thread from here on: results must not depend on how many cores a rank happens to have. */
void nb_blas_start(void);
/* The kernel family in use, "Cooperlake". */
const char *nb_blas_kernel(void);
/* The family OpenBLAS has for this CPU's instruction sets ("Cooperlake", "SkylakeX", "Haswell") where the one in use is
 * made for older ones, as OPENBLAS_CORETYPE can have it, or a CPU that is younger than OpenBLAS; else NULL. */
const char *nb_blas_better(void);
/* First thing in main, with its argv: starts the program again with the better family where there is one and
 * OPENBLAS_CORETYPE does not choose. OpenBLAS chooses before main, and takes a CPU that it does not know for one of
 * 2004, at a fifth of the speed. Returns in the process that goes on; what that starts has the environment as it was.
 */
void nb_blas_choose(char *argv[]);

/* c[m, n] = a[m, k] b[n, k]^T + beta c; lda, ldb, ldc are row strides in elements. */
void nb_sgemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                 float *c, size_t ldc);
/* c[m, n] = alpha a[m, k] b[n, k]^T */
void nb_dgemm_nt(size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                 double *c, size_t ldc);
/* c[m, n] = a[m, k] b[k, n] */
void nb_sgemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                 size_t ldc);
/* c[m, n] = alpha a[k, m]^T b[k, n] + beta c: what a weight's gradient is. */
void nb_sgemm_tn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b, size_t ldb,
                 float beta, float *c, size_t ldc);

#endif
