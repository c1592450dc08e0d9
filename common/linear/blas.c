#include "common/linear/blas.h"

#include "common/linear/cpu/cpu.h"

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

/* 2: made for AVX-512, or arm64 of 2020 and later, 1: for AVX2, or arm64 before that, 0: for older ones. */
static int blas_rank_of(const char *family)
{
    static const struct {
        const char *family;
        int rank;
    } families[] = {{"SapphireRapids", 2}, {"Cooperlake", 2}, {"SkylakeX", 2},   {"Haswell", 1},    {"Zen", 1},
                    {"Excavator", 1},      {"neoversev2", 2}, {"neoversev1", 2}, {"neoversen2", 2}, {"neoversen1", 1}};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].family, family) == 0) {
            return families[i].rank;
        }
    }
    return 0;
}

const char *nb_blas_better(void)
{
    const char *of_cpu = nb_cpu_family_found()->blas;
    return of_cpu && blas_rank_of(of_cpu) > blas_rank_of(nb_blas_kernel()) ? of_cpu : NULL;
}

#define CORETYPE "OPENBLAS_CORETYPE"
#define CHOSEN   "NEGBANK_KERNELS_CHOSEN" /* tells the second start from a user's own choice */

void nb_blas_choose(char *argv[])
{
    char program[PATH_MAX];
    const nb_cpu_family *used = nb_cpu_family_used(); /* an emulated one has the kernels of the CPU beside it */
    const char *better = nb_cpu_is_forced() && used->is ? used->blas : nb_blas_better();
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

void nb_sgemm_nt(nb_matrix a, nb_matrix b, float beta, float *c, size_t c_stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)a.rows, (blasint)b.rows, (blasint)a.cols, 1.0f,
                a.data, (blasint)a.stride, b.data, (blasint)b.stride, beta, c, (blasint)c_stride);
}

void nb_dgemm_nt(double alpha, nb_double_matrix a, nb_double_matrix b, double *c, size_t c_stride)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)a.rows, (blasint)b.rows, (blasint)a.cols, alpha,
                a.data, (blasint)a.stride, b.data, (blasint)b.stride, 0.0, c, (blasint)c_stride);
}

void nb_sgemm_nn(nb_matrix a, nb_matrix b, float *c, size_t c_stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)a.rows, (blasint)b.cols, (blasint)a.cols, 1.0f,
                a.data, (blasint)a.stride, b.data, (blasint)b.stride, 0.0f, c, (blasint)c_stride);
}

void nb_sgemm_tn(float alpha, nb_matrix a, nb_matrix b, float beta, float *c, size_t c_stride)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)a.cols, (blasint)b.cols, (blasint)a.rows, alpha,
                a.data, (blasint)a.stride, b.data, (blasint)b.stride, beta, c, (blasint)c_stride);
}
