/** @file
 * fp32 products of rows by a packed matrix, compiled once for every instruction set, with the same bits in each.
 *
 * Panels [n, k]: 32 outputs together, for k = 0, 1, 2, ... their 32 values one after another; the padding of the last
 * panel is zeros. Rows [m, k] lie as they are.
 *
 * An output is the sum of one chain of fused multiply-adds for each NB_PANELS_CUT values, over k = 0, 1, 2, ... from 0;
 * the chains' sums are added in their order. So a row's outputs depend neither on the instruction set nor on the rows
 * beside it. Plain C calls fmaf() and is slow: it is the reference.
 *
 * Nothing here allocates, fails or is collective; any number of threads may call it on memory of their own. */
#ifndef NB_COMMON_LINEAR_SIMD_PANELS_H
#define NB_COMMON_LINEAR_SIMD_PANELS_H

#include <stddef.h>

enum {
    NB_PANELS_ROWS = 12,    /**< most rows of a block */
    NB_PANELS_OUTPUTS = 32, /**< outputs of a panel */
    NB_PANELS_CUT = 512     /**< values of a chain of sums */
};

/** Which part of a block is wanted. */
typedef struct nb_weight_panels_part {
    size_t rows;          /**< at most NB_PANELS_ROWS */
    size_t skip, columns; /**< outputs of the panel before the first that is wanted; outputs wanted */
} nb_weight_panels_part;

/** The operations, by one instruction set. */
typedef struct nb_weight_panels {
    const char *name; /**< of the instruction set: "plain", "avx2", "avx512" */
    /** Packs weight[n, k], rows `stride` elements apart, into out[nb_weight_panels_count(n, k)]. */
    void (*pack)(float *out, const float *weight, size_t n, size_t k, size_t stride);
    /** Packs the transpose of weight[k, n], rows `stride` elements apart, into out[nb_weight_panels_count(n, k)]. */
    void (*pack_columns)(float *out, const float *weight, size_t n, size_t k, size_t stride);
    /** out[count, NB_PANELS_OUTPUTS] = rows panel^T; count at most NB_PANELS_ROWS, rows `stride` elements apart. `out`
     * is aligned to 64, the panel too. */
    void (*block)(float *out, const float *rows, size_t count, size_t stride, const float *panel, size_t k);
    /** out[part.rows, part.columns] = the part of a block + bias[NB_PANELS_OUTPUTS]; rows of out are `stride` elements
     * apart. */
    void (*store)(float *out, size_t stride, const float *block, const nb_weight_panels_part *part, const float *bias);
    /** As store, added to out. */
    void (*add)(float *out, size_t stride, const float *block, const nb_weight_panels_part *part, const float *bias);
} nb_weight_panels;

/** Those of the CPU's family (common/linear/cpu/cpu.h).
 * @return NULL where it has none, and products are OpenBLAS's */
const nb_weight_panels *nb_weight_panels_best(void);

/** Floats of a packed matrix.
 * @param n outputs
 * @param k values of each */
static inline size_t nb_weight_panels_count(size_t n, size_t k)
{
    return (n + NB_PANELS_OUTPUTS - 1) / NB_PANELS_OUTPUTS * NB_PANELS_OUTPUTS * k;
}

#endif
