/** @file
 * Products of 8-bit numbers, by AMX-INT8, AVX512-VNNI, arm64's USMMLA or SDOT, or in plain C, with the same bits
 * everywhere.
 *
 * A matrix [n, k] is rounded to the integers -127 to 127, with one scale an output: w = scale q. A row of an input is
 * rounded to 0 to 255 between its own smallest and largest element, zero included: x = scale (q - zero), zero being an
 * integer, so that 0 stays 0. Products are summed as integers, exactly, and so in any order; then
 * out = (float(sum) weight_scale) row_scale + bias, each operation rounded once. Nothing of this depends on the
 * instruction set, nor on the rows beside a row. |sum| stays below 2^31 while k is at most NB_INT8_MOST.
 *
 * Forms of the operands, whose padding is zeros:
 * rows [m, k]: row after row, nb_int8_stride(k) bytes each;
 * panels [n, k]: 32 outputs together, for each group of 4 values 2 times 64 bytes, in these the 4 values of 16 outputs
 * one after another, and groups of zeros up to a multiple of 16; behind them the 32 scales, and the 32 sums of an
 * output's integers.
 *
 * Nothing here allocates, fails or is collective. */
#ifndef NB_COMMON_LINEAR_INT8_INT8_H
#define NB_COMMON_LINEAR_INT8_INT8_H

#include <stddef.h>
#include <stdint.h>

enum {
    NB_INT8_ROWS = 32,   /**< most rows of a block, of any instruction set */
    NB_INT8_PANEL = 32,  /**< outputs of a panel */
    NB_INT8_GROUP = 4,   /**< values that are multiplied together */
    NB_INT8_MOST = 65536 /**< most values of a row */
};

/** How a row was rounded: x = scale (q - zero). */
typedef struct nb_int8_row {
    float scale;  /**< NaN where the row holds what is not finite; 0 where it holds zeros alone */
    int32_t zero; /**< the integer of 0 */
} nb_int8_row;

/** What a row lies between. */
typedef struct nb_int8_span {
    float low, high; /**< the smallest and the largest, zero included */
    float bad;       /**< NaN where the row holds an infinity or a NaN */
} nb_int8_span;

/** What one block of a product becomes. */
typedef struct nb_int8_part {
    const nb_int8_row *of; /**< [rows] */
    const float *scales;   /**< [NB_INT8_PANEL] of the panel's outputs */
    const int32_t *sums;   /**< [NB_INT8_PANEL] of the panel's integers */
    const float *bias;     /**< [NB_INT8_PANEL] */
    size_t rows;           /**< at most NB_INT8_ROWS */
    size_t skip, columns;  /**< outputs of the panel before the first that is wanted; outputs wanted */
} nb_int8_part;

/** The operations, by one instruction set. */
typedef struct nb_int8 {
    const char *name; /**< "AMX-INT8", "AVX512-VNNI", "USMMLA", "SDOT", "plain C": the table of CPUs has it */
    size_t rows;      /**< most rows of a block, by which blocks are fastest; at most NB_INT8_ROWS */
    /** To be called before the first block of a product, and after the last, by the thread that computes them. */
    void (*begin)(void), (*end)(void);
    /** Rounds in[k] to out[nb_int8_stride(k)] and says how. */
    void (*round)(uint8_t *out, nb_int8_row *how, const float *in, size_t k);
    /** out[count, NB_INT8_PANEL] = rows panel^T of `groups` groups, all that the panel has; count at most `rows`, which
     * lie `stride` apart and are followed by as many bytes as make them a multiple of 16. */
    void (*block)(int32_t *out, const uint8_t *rows, size_t count, size_t stride, const int8_t *panel, size_t groups);
    /** out[part.rows, part.columns] = the part of a block in floats; rows of out are `stride` elements apart. */
    void (*store)(float *out, size_t stride, const int32_t *block, const nb_int8_part *part);
    /** As store, added to out. */
    void (*add)(float *out, size_t stride, const int32_t *block, const nb_int8_part *part);
} nb_int8;

/** Plain C, which runs everywhere and is slow. */
extern const nb_int8 nb_int8_plain;

/** AVX512-VNNI.
 * @return NULL where CPU or build have none */
const nb_int8 *nb_int8_vnni(void);

/** AMX-INT8, whose bits nb_int8_tiles_emulated has.
 * @return NULL where CPU, system or build have none */
const nb_int8 *nb_int8_amx(void);

/** AMX-INT8's tiles in plain C, for tests: slow. */
extern const nb_int8 nb_int8_tiles_emulated;

/** Those of arm64.
 * @param name "USMMLA" or "SDOT"
 * @return NULL where CPU or build have none of that name */
const nb_int8 *nb_int8_neon(const char *name);

/** The one in use: that of the CPU's family (common/linear/cpu/cpu.h); where the CPU or the build lacks it, or
 * NEGBANK_AMX=off hides it, AVX512-VNNI, else plain C. */
const nb_int8 *nb_int8_best(void);

/** Groups that k values take. */
static inline size_t nb_int8_groups(size_t k)
{
    return (k + NB_INT8_GROUP - 1) / NB_INT8_GROUP;
}

/** Bytes from row to row: whole lines of the cache and one more, so that rows do not all fall into the same sets.
 * @param k values of a row */
static inline size_t nb_int8_stride(size_t k)
{
    return (k + 63) / 64 * 64 + 64;
}

/** Bytes of a panel's integers.
 * @param k values of each output */
static inline size_t nb_int8_integers(size_t k)
{
    return (size_t)NB_INT8_PANEL * NB_INT8_GROUP * ((nb_int8_groups(k) + 15) / 16 * 16);
}

/** Bytes of a panel.
 * @param k values of each output */
static inline size_t nb_int8_panel_bytes(size_t k)
{
    return nb_int8_integers(k) + NB_INT8_PANEL * (sizeof(float) + sizeof(int32_t));
}

/** Rounds a matrix into panels, by plain loops: a matrix is packed once.
 * @param[out] out [n / NB_INT8_PANEL rounded up, nb_int8_panel_bytes(k)], aligned to 4
 * @param in [n, k], finite
 * @param n outputs
 * @param k values of each, at most NB_INT8_MOST */
void nb_int8_pack(int8_t *out, const float *in, size_t n, size_t k);

#endif
