/* As much of OpenBLAS as the kernels' folder calls, by plain loops, for cli/arm64.sh: Debian's is for the machine's own
 * CPU. */
#ifndef NB_TESTS_ARM64_CBLAS_H
#define NB_TESTS_ARM64_CBLAS_H

#include <stddef.h>

typedef int blasint;
enum { CblasRowMajor, CblasNoTrans, CblasTrans };

static inline void openblas_set_num_threads(int count)
{
    (void)count;
}

static inline char *openblas_get_corename(void)
{
    static char name[] = "plain loops";
    return name;
}

#define GEMM(name, type)                                                                                               \
    static inline void name(int order, int turn_a, int turn_b, blasint m, blasint n, blasint k, type alpha,            \
                            const type *a, blasint lda, const type *b, blasint ldb, type beta, type *c, blasint ldc)   \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        for (size_t i = 0; i < (size_t)m; i++) {                                                                       \
            for (size_t j = 0; j < (size_t)n; j++) {                                                                   \
                type sum = 0, *to = c + i * (size_t)ldc + j;                                                           \
                for (size_t p = 0; p < (size_t)k; p++) {                                                               \
                    sum += (turn_a == CblasTrans ? a[p * (size_t)lda + i] : a[i * (size_t)lda + p]) *                  \
                           (turn_b == CblasTrans ? b[j * (size_t)ldb + p] : b[p * (size_t)ldb + j]);                   \
                }                                                                                                      \
                *to = alpha * sum + (beta != 0 ? beta * *to : 0);                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
GEMM(cblas_sgemm, float)
GEMM(cblas_dgemm, double)

#endif
