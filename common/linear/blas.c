#include "common/linear/blas.h"

#include "common/linear/simd/instruction_set.h"

#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void nb_blas_start(void)
{
    openblas_set_num_threads(1);
}

const char *nb_blas_kernel(void)
{
    return openblas_get_corename();
}

#if defined(__x86_64__)
/* 2: made for AVX-512, 1: for AVX2, 0: for older instruction sets. */
static int rank_of(const char *family)
{
    static const struct {
        const char *family;
        int rank;
    } families[] = {{"SapphireRapids", 2}, {"Cooperlake", 2}, {"SkylakeX", 2},
                    {"Haswell", 1},        {"Zen", 1},        {"Excavator", 1}};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].family, family) == 0) {
            return families[i].rank;
        }
    }
    return 0;
}

const char *nb_blas_better(void)
{
    int used = rank_of(nb_blas_kernel());
    if (nb_cpu_has_avx512() && used < 2) {
        return __builtin_cpu_supports("avx512bf16") ? "Cooperlake" : "SkylakeX";
    }
    return nb_cpu_has_avx2() && used < 1 ? "Haswell" : NULL;
}
#else
const char *nb_blas_better(void)
{
    return NULL;
}
#endif

#define CORETYPE "OPENBLAS_CORETYPE"
#define CHOSEN   "NEGBANK_KERNELS_CHOSEN" /* tells the second start from a user's own choice */

void nb_blas_choose(char *argv[])
{
    char program[PATH_MAX];
    const char *better = nb_blas_better();
    if (getenv(CHOSEN)) {
        unsetenv(CHOSEN);
        unsetenv(CORETYPE); /* not for the programs this one starts, on other CPUs perhaps */
        return;
    }
    ssize_t len = better && !getenv(CORETYPE) ? readlink("/proc/self/exe", program, sizeof program - 1) : -1;
    if (len <= 0) {
        return;
    }
    program[len] = '\0';
    setenv(CORETYPE, better, 1);
    setenv(CHOSEN, "1", 1);
    execv(program, argv);
    unsetenv(CORETYPE);
    unsetenv(CHOSEN);
}

void nb_sgemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                 float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)lda, b,
                (blasint)ldb, beta, c, (blasint)ldc);
}

void nb_dgemm_nt(size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                 double *c, size_t ldc)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b,
                (blasint)ldb, 0.0, c, (blasint)ldc);
}

void nb_sgemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                 size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)lda, b,
                (blasint)ldb, 0.0f, c, (blasint)ldc);
}

void nb_sgemm_tn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b, size_t ldb,
                 float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b,
                (blasint)ldb, beta, c, (blasint)ldc);
}
