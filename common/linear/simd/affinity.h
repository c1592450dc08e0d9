/** @file
 * The loops of the affinity passes, fused with what consumes them, vectorised: plain loops compiled once for every
 * instruction set and chosen at run time (common/linear/simd/instruction_set.h). common/linear/reference/kernels.h and
 * plain loops in the tests are their reference.
 *
 * A row's result does not depend on the rows beside it. Different instruction sets round differently, by a few units in
 * the last place. Nothing here allocates, fails or is collective; any number of threads may call it on memory of their
 * own. */
#ifndef NB_COMMON_LINEAR_SIMD_AFFINITY_H
#define NB_COMMON_LINEAR_SIMD_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

/** Elements of memory that nb_affinity.above and .order need behind the values. */
enum { NB_AFFINITY_PAD = 16 };

/** The loops of one instruction set. */
typedef struct nb_affinity {
    /** Rows [rows, width] of half-precision numbers, each divided by its Euclidean norm (summed in double), into
     * out[rows, width]; norms[rows] gets the norms. A row that is zero or not finite has a norm that is zero or not
     * finite. */
    void (*unit_half)(float *out, const uint16_t *bits, size_t rows, size_t width, float *norms);
    /** As unit_half, of floats. */
    void (*unit_float)(float *out, const float *in, size_t rows, size_t width, float *norms);
    /** Mean of x[n], roughly (in single precision). */
    float (*mean)(const float *x, size_t n);
    /** sum_i exp((x[i] - shift[i]) scale) over x[n], shift[n]. */
    double (*exp_sum_each)(const float *x, const float *shift, size_t n, float scale);
    /** As exp_sum_each; *squares gets the sum of the squares of the terms. */
    double (*exp_sums_each)(const float *x, const float *shift, size_t n, float scale, double *squares);
    /** Copies the values of x[n] that are >= limit to kept[n + NB_AFFINITY_PAD] in their order, with infinities behind
     * them; returns how many. */
    size_t (*above)(const float *x, size_t n, float limit, float *kept);
    /** The k-th smallest of x[n] with infinities behind them as `above` leaves them (from 0, k < n); *next gets the one
     * after it in order (itself when it is the last). Some ten passes over the values. */
    float (*order)(const float *x, size_t n, size_t k, float *next);
    /** Copies the indices i with add[i] - 2 x[i] < limit, of x[n] and add[n], to index[n]; returns how many. */
    size_t (*nearer)(const float *x, const float *add, size_t n, float limit, uint32_t *index);
    /** *ab = a.b and *bb = b.b of rows [width] of half-precision numbers, in double: the products are exact and the
     * sums have one order, so that these are the same bits in every set. */
    void (*pair_half)(const uint16_t *a, const uint16_t *b, size_t width, double *ab, double *bb);
    /** As pair_half, of floats. */
    void (*pair_float)(const float *a, const float *b, size_t width, double *ab, double *bb);
    /** sum_i (reference[i] - x[i]) over x[n], n >= 1; *least gets the smallest of the differences. */
    double (*gaps)(const float *x, const float *reference, size_t n, float *least);
} nb_affinity;

/** The loops of nb_instruction_set_best() (common/linear/simd/instruction_set.h). */
const nb_affinity *nb_affinity_best(void);

#endif
