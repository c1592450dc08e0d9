/* Packing, storing and the table behind common/linear/tiles/tiles.h; included by a file that defines NB_TILES (the
 * table it makes), NB_TILES_NAME, tiles_begin(), tiles_end() and tiles_block(). */
#include "common/linear/tiles/tiles.h"

#include <string.h>

static void tiles_store(float *restrict out, size_t stride, const float *restrict from, const nb_tile_part *part,
                        const float *restrict bias)
{
    size_t skip = part->skip, rows = part->rows, columns = part->columns;
    for (size_t r = 0; r < rows; r++, out += stride, from += NB_PANEL) {
        for (size_t c = 0; c < columns; c++) {
            out[c] = from[skip + c] + bias[skip + c];
        }
    }
}

static void tiles_add(float *restrict out, size_t stride, const float *restrict from, const nb_tile_part *part,
                      const float *restrict bias)
{
    size_t skip = part->skip, rows = part->rows, columns = part->columns;
    for (size_t r = 0; r < rows; r++, out += stride, from += NB_PANEL) {
        for (size_t c = 0; c < columns; c++) {
            out[c] += from[skip + c] + bias[skip + c];
        }
    }
}

static inline uint16_t tiles_round_one(float value)
{
    uint32_t u;
    memcpy(&u, &value, sizeof u);
    uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16, quiet = (u >> 16) | 0x40u;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded); /* the carry would turn a NaN into a zero */
}

static void tiles_to_bf16(uint16_t *restrict out, const float *restrict in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = tiles_round_one(in[i]);
    }
}

/* Up to 32 values, zeros behind them. */
static inline void tiles_round_step(uint16_t out[NB_TILE_STEP], const float *in, size_t count)
{
    if (count >= NB_TILE_STEP) {
        tiles_to_bf16(out, in, NB_TILE_STEP);
        return;
    }
    memset(out, 0, NB_TILE_STEP * sizeof *out);
    tiles_to_bf16(out, in, count);
}

static void tiles_pack_rows(uint16_t *out, const float *in, size_t count, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k);
    for (size_t r = 0; r < count; r++) {
        uint16_t *to = out + r / NB_TILE_ROWS * steps * NB_TILE + r % NB_TILE_ROWS * NB_TILE_STEP;
        for (size_t s = 0; s < steps; s++) {
            tiles_round_step(to + s * NB_TILE, in + r * stride + s * NB_TILE_STEP, k - s * NB_TILE_STEP);
        }
    }
}

/* Where output n of step 0 begins in the panels. */
static inline uint16_t *tiles_panel_at(uint16_t *out, size_t n, size_t steps)
{
    return out + n / NB_PANEL * steps * 2 * NB_TILE + n % NB_PANEL / 16 * NB_TILE + n % 16 * 2;
}

/* 16 pairs of bf16. */
typedef uint32_t pairs __attribute__((vector_size(64)));

/* Halves of each group of 2 `BIT` swapped between rows i and i + BIT: four of these transpose 16 rows of 16. */
#define SWAP(i, bit, low, high)                                                                                        \
    do {                                                                                                               \
        pairs a = row[i], b = row[(i) + (bit)];                                                                        \
        row[i] = __builtin_shufflevector(a, b, low);                                                                   \
        row[(i) + (bit)] = __builtin_shufflevector(a, b, high);                                                        \
    } while (0)
#define LOW8  0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW4  0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW2  0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW1  0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

static void tiles_transpose(pairs row[16])
{
    for (size_t i = 0; i < 8; i++) {
        SWAP(i, 8, LOW8, HIGH8);
    }
    for (size_t i = 0; i < 16; i += i % 8 == 3 ? 5 : 1) {
        SWAP(i, 4, LOW4, HIGH4);
    }
    for (size_t i = 0; i < 16; i += i % 4 == 1 ? 3 : 1) {
        SWAP(i, 2, LOW2, HIGH2);
    }
    for (size_t i = 0; i < 16; i += 2) {
        SWAP(i, 1, LOW1, HIGH1);
    }
}

static void tiles_pack_panels(uint16_t *out, const float *in, size_t n, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k), padded = (n + NB_PANEL - 1) / NB_PANEL * NB_PANEL;
    for (size_t o = 0; o < padded; o += NB_TILE_ROWS) {
        uint16_t *to = tiles_panel_at(out, o, steps);
        for (size_t s = 0; s < steps; s++, to += 2 * NB_TILE) {
            _Alignas(64) uint16_t values[NB_TILE] = {0};
            pairs row[16];
            for (size_t r = 0; r < NB_TILE_ROWS && o + r < n; r++) {
                tiles_round_step(values + r * NB_TILE_STEP, in + (o + r) * stride + s * NB_TILE_STEP,
                                 k - s * NB_TILE_STEP);
            }
            memcpy(row, values, sizeof row);
            tiles_transpose(row);
            memcpy(to, row, sizeof row);
        }
    }
}

/* Values of inputs i and i + 1 side by side, of up to 16 outputs; `below` may be NULL. */
static inline void tiles_pair_up(uint16_t *restrict to, const float *restrict above, const float *restrict below,
                                 size_t count)
{
    uint32_t both[16] = {0};
    if (count >= 16 && below) {
        for (size_t c = 0; c < 16; c++) {
            both[c] = tiles_round_one(above[c]) | (uint32_t)tiles_round_one(below[c]) << 16;
        }
    } else {
        for (size_t c = 0; c < 16 && c < count; c++) {
            both[c] = tiles_round_one(above[c]) | (below ? (uint32_t)tiles_round_one(below[c]) << 16 : 0);
        }
    }
    memcpy(to, both, sizeof both);
}

static void tiles_pack_columns(uint16_t *out, const float *in, size_t n, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k), padded = (n + NB_PANEL - 1) / NB_PANEL * NB_PANEL;
    for (size_t i = 0; i < steps * NB_TILE_STEP; i += 2) {
        uint16_t *row = out + i / NB_TILE_STEP * 2 * NB_TILE + i % NB_TILE_STEP / 2 * 32;
        const float *above = in + i * stride;
        for (size_t o = 0; o < padded; o += 16) {
            size_t count = i < k && o < n ? n - o : 0;
            tiles_pair_up(tiles_panel_at(row, o, steps), count ? above + o : in,
                          i + 1 < k && count ? above + stride + o : NULL, count);
        }
    }
}

const nb_tiles NB_TILES = {.name = NB_TILES_NAME,
                           .begin = tiles_begin,
                           .end = tiles_end,
                           .block = tiles_block,
                           .store = tiles_store,
                           .add = tiles_add,
                           .to_bf16 = tiles_to_bf16,
                           .pack_rows = tiles_pack_rows,
                           .pack_panels = tiles_pack_panels,
                           .pack_columns = tiles_pack_columns};
