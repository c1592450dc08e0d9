/* Matrix tiles for bf16 products: the few operations of Intel AMX that they need, in hardware or emulated.
 *
 * The kernel is written once (tiles_impl.h) over four tile operations and compiled twice: on AMX, run only where the
 * CPU has it and the kernel of the operating system grants it, and over an emulation in plain C of the same semantics,
 * which runs everywhere and is slow. All else a product consists of is shared, so tests cover it on any machine.
 *
 * A tile is 16 rows of 64 bytes. TDPBF16PS multiplies a tile of [16, 32] bf16 by one of [16, 16] pairs into [16, 16]
 * fp32: even and odd members of the pairs are summed apart, in fp32 with fused multiply-add from zero, then added to
 * one another and to the destination; rounded to nearest even, denormals read and written as zero (Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 2, TDPBF16PS).
 *
 * Forms of the operands, padded with zeros:
 * rows [m, k]: tiles of 16 rows by 32 values, tile (r / 16, k / 32) at ((r / 16) steps + k / 32) NB_TILE;
 * panels [n, k]: 32 outputs together, for each step of 32 values two tiles of 16 outputs, in a tile the pairs
 * (k, k + 1) of 16 outputs side by side. */
#ifndef NB_COMMON_LINEAR_AMX_TILES_H
#define NB_COMMON_LINEAR_AMX_TILES_H

#include <stddef.h>
#include <stdint.h>

enum { NB_TILE = 512, NB_TILE_ROWS = 16, NB_TILE_STEP = 32, NB_PANEL = 32 }; /* bf16 of a tile; rows; values; outputs */

typedef struct nb_tiles {
    const char *name; /* "AMX", "emulated AMX" */
    /* Around calls of block on one thread. */
    void (*begin)(void);
    void (*end)(void);
    /* out[32, 32] = rows panel^T over `steps` steps; row_tiles 1 fills the first 16 rows only. Meanwhile `bytes` at
     * `ahead`, which need not be readable, come nearer. */
    void (*block)(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                  const void *ahead, size_t bytes);
    /* out[rows, columns] = block + bias[32], or += ; out has row stride `stride`. The block's columns begin at `skip`.
     */
    void (*store)(float *out, size_t stride, const float *block, size_t skip, size_t rows, size_t columns,
                  const float *bias);
    void (*add)(float *out, size_t stride, const float *block, size_t skip, size_t rows, size_t columns,
                const float *bias);
    /* Rounds to nearest even. */
    void (*to_bf16)(uint16_t *out, const float *in, size_t count);
    /* in[count, k] with row stride `stride` into the rows' form, from its row 0. */
    void (*pack_rows)(uint16_t *out, const float *in, size_t count, size_t k, size_t stride);
    /* in[n, k] with row stride `stride` into panels; and in[k, n], of which the transpose is meant. */
    void (*pack_panels)(uint16_t *out, const float *in, size_t n, size_t k, size_t stride);
    void (*pack_columns)(uint16_t *out, const float *in, size_t n, size_t k, size_t stride);
} nb_tiles;

extern const nb_tiles nb_tiles_emulated;

/* The hardware's, NULL where there is none; then *why, unless NULL, says so: "this CPU has no AMX". */
const nb_tiles *nb_tiles_amx(const char **why);

static inline size_t nb_tile_steps(size_t k)
{
    return (k + NB_TILE_STEP - 1) / NB_TILE_STEP;
}

/* bf16 numbers of the two forms. Rows are padded to whole blocks of 32. */
static inline size_t nb_tile_rows_count(size_t rows, size_t k)
{
    return (rows + 31) / 32 * 2 * NB_TILE * nb_tile_steps(k);
}

static inline size_t nb_tile_panels_count(size_t n, size_t k)
{
    return (n + NB_PANEL - 1) / NB_PANEL * 2 * NB_TILE * nb_tile_steps(k);
}

#endif
