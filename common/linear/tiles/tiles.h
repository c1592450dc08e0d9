/** @file
 * Blocks of bf16 products: the few operations that the bf16 engines need, by Intel AMX, AVX512-BF16 or arm64's
 * BFMMLA, each in hardware and emulated in plain C.
 *
 * All share the forms of the operands and what is done with a block (tiles_forms.h); they differ in how a block is
 * multiplied. The emulations give the hardware's bits, run everywhere and are slow; so tests cover on any machine what
 * another one computes.
 *
 * A tile is 16 rows of 64 bytes.
 * AMX: TDPBF16PS multiplies a tile of [16, 32] bf16 by one of [16, 16] pairs into [16, 16] fp32: even and odd members
 * of the pairs are summed apart, in fp32 with fused multiply-add from zero, then added to one another and to the
 * destination; rounded to nearest even, denormals read and written as zero (Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2, TDPBF16PS). The kernel is written once over four tile operations (tiles_amx_block.h).
 * AVX512-BF16: VDPBF16PS adds to each of 16 sums the products of a pair, the odd member's first, then the even one's,
 * rounded and flushed alike (the same manual); pair follows pair from the first to the last.
 * BFMMLA: to each of 2 by 2 sums it adds the sum of the products of a pair, then that of the next pair, each addition
 * rounded to odd, denormals flushed alike (Arm Architecture Reference Manual for A-profile, BFMMLA).
 *
 * Forms of the operands, padded with zeros:
 * rows [m, k]: tiles of 16 rows by 32 values, tile (r / 16, k / 32) at ((r / 16) steps + k / 32) NB_TILE;
 * panels [n, k]: 32 outputs together, for each step of 32 values two tiles of 16 outputs, in a tile the pairs
 * (k, k + 1) of 16 outputs side by side.
 *
 * Nothing here allocates, fails or is collective. */
#ifndef NB_COMMON_LINEAR_TILES_TILES_H
#define NB_COMMON_LINEAR_TILES_TILES_H

#include <stddef.h>
#include <stdint.h>

enum {
    NB_TILE = 512,     /**< bf16 numbers of a tile */
    NB_TILE_ROWS = 16, /**< rows of a tile */
    NB_TILE_STEP = 32, /**< values of a tile's row */
    NB_PANEL = 32      /**< outputs of a panel */
};

/** Memory that is fetched into the cache while a block is computed; it need not be readable. */
typedef struct nb_operand_prefetch {
    const void *begin; /**< first byte */
    size_t bytes;      /**< 0: none */
} nb_operand_prefetch;

/** The part of a block [NB_PANEL, NB_PANEL] that is wanted: its first `rows` rows, of those `columns` values from
 * `skip` on. */
typedef struct nb_tile_part {
    size_t skip, rows, columns; /**< values before it; its rows; values of each row */
} nb_tile_part;

/** The operations of one kind of hardware, or its emulation. */
typedef struct nb_tiles {
    const char *name; /**< "AMX", "BFMMLA", "emulated AVX512-BF16" */
    /** Before calls of `block` on a thread. */
    void (*begin)(void);
    /** Behind calls of `block` on that thread. */
    void (*end)(void);
    /** out[32, 32] = rows panel^T over `steps` steps, `rows` being row_tiles (1 or 2) tiles of the rows' form, `panel`
     * one panel; row_tiles 1 fills the first 16 rows only. */
    void (*block)(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                  nb_operand_prefetch next);
    /** out[part.rows, part.columns] = the part of block[32, 32] + bias[32], of which the part's columns count; rows of
     * out are `stride` elements apart. */
    void (*store)(float *out, size_t stride, const float *block, const nb_tile_part *part, const float *bias);
    /** As store, added to out. */
    void (*add)(float *out, size_t stride, const float *block, const nb_tile_part *part, const float *bias);
    /** Rounds in[count] to bf16, to nearest even. */
    void (*to_bf16)(uint16_t *out, const float *in, size_t count);
    /** in[count, k] with row stride `stride` into the rows' form, of which out holds nb_tile_rows_count numbers. */
    void (*pack_rows)(uint16_t *out, const float *in, size_t count, size_t k, size_t stride);
    /** in[n, k] with row stride `stride` into panels, of which out holds nb_tile_panels_count numbers. */
    void (*pack_panels)(uint16_t *out, const float *in, size_t n, size_t k, size_t stride);
    /** As pack_panels of the transpose of in[k, n]. */
    void (*pack_columns)(uint16_t *out, const float *in, size_t n, size_t k, size_t stride);
} nb_tiles;

/** AMX in plain C, which runs everywhere. */
extern const nb_tiles nb_tiles_emulated;

/** AVX512-BF16 in plain C, which runs everywhere. */
extern const nb_tiles nb_tiles_pairs_emulated;

/** BFMMLA in plain C, which runs everywhere. */
extern const nb_tiles nb_tiles_bfmmla_emulated;

/** AMX. Asks the operating system to let the process use it.
 * @param[out] why NULL, or gets what is missing where there are none: "this CPU has no AMX"
 * @return NULL where CPU, operating system or build have none */
const nb_tiles *nb_tiles_amx(const char **why);

/** AVX512-BF16.
 * @param[out] why NULL, or gets what is missing where there is none: "this CPU has no AVX512-BF16"
 * @return NULL where CPU or build have none */
const nb_tiles *nb_tiles_avx512bf16(const char **why);

/** BFMMLA.
 * @param[out] why NULL, or gets what is missing where there is none: "this CPU has no BFMMLA"
 * @return NULL where CPU or build have none */
const nb_tiles *nb_tiles_arm64(const char **why);

/** Steps that k values take. */
static inline size_t nb_tile_steps(size_t k)
{
    return (k + NB_TILE_STEP - 1) / NB_TILE_STEP;
}

/** bf16 numbers of [rows, k] in the rows' form; rows are padded to whole blocks of 32. */
static inline size_t nb_tile_rows_count(size_t rows, size_t k)
{
    return (rows + 31) / 32 * 2 * NB_TILE * nb_tile_steps(k);
}

/** bf16 numbers of [n, k] in panels. */
static inline size_t nb_tile_panels_count(size_t n, size_t k)
{
    return (n + NB_PANEL - 1) / NB_PANEL * 2 * NB_TILE * nb_tile_steps(k);
}

#endif
