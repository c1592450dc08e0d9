/* The kernel behind common/linear/tiles.h; included by a file that defines NB_TILES (the table it makes),
 * NB_TILES_NAME, tiles_begin() and tiles_end(), and the tile operations TILE_FILE (declares the registers),
 * TILE_ZERO(to), TILE_LOAD(to, from, bytes a row), TILE_STORE(from, to, bytes a row), TILE_DOT(to, rows, pairs);
 * registers are the literals 0 to 7. */
#include "common/linear/tiles.h"

#include <string.h>

/* Two by two tiles: every tile loaded is used twice. */
static void block(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps)
{
    TILE_FILE
    TILE_ZERO(0);
    TILE_ZERO(1);
    if (row_tiles == 1) {
        for (size_t s = 0; s < steps; s++) {
            TILE_LOAD(4, rows + s * NB_TILE, 64);
            TILE_LOAD(6, panel + 2 * s * NB_TILE, 64);
            TILE_LOAD(7, panel + (2 * s + 1) * NB_TILE, 64);
            TILE_DOT(0, 4, 6);
            TILE_DOT(1, 4, 7);
        }
    } else {
        const uint16_t *below = rows + steps * NB_TILE;
        TILE_ZERO(2);
        TILE_ZERO(3);
        for (size_t s = 0; s < steps; s++) {
            TILE_LOAD(4, rows + s * NB_TILE, 64);
            TILE_LOAD(6, panel + 2 * s * NB_TILE, 64);
            TILE_LOAD(7, panel + (2 * s + 1) * NB_TILE, 64);
            TILE_DOT(0, 4, 6);
            TILE_DOT(1, 4, 7);
            TILE_LOAD(5, below + s * NB_TILE, 64);
            TILE_DOT(2, 5, 6);
            TILE_DOT(3, 5, 7);
        }
        TILE_STORE(2, out + 512, 128);
        TILE_STORE(3, out + 528, 128);
    }
    TILE_STORE(0, out, 128);
    TILE_STORE(1, out + 16, 128);
}

static void store(float *restrict out, size_t stride, const float *restrict from, size_t skip, size_t rows,
                  size_t columns, const float *restrict bias)
{
    for (size_t r = 0; r < rows; r++, out += stride, from += NB_PANEL) {
        for (size_t c = 0; c < columns; c++) {
            out[c] = from[skip + c] + bias[skip + c];
        }
    }
}

static void add(float *restrict out, size_t stride, const float *restrict from, size_t skip, size_t rows,
                size_t columns, const float *restrict bias)
{
    for (size_t r = 0; r < rows; r++, out += stride, from += NB_PANEL) {
        for (size_t c = 0; c < columns; c++) {
            out[c] += from[skip + c] + bias[skip + c];
        }
    }
}

static inline uint16_t round_one(float value)
{
    uint32_t u;
    memcpy(&u, &value, sizeof u);
    uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16, quiet = (u >> 16) | 0x40u;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded); /* the carry would turn a NaN into a zero */
}

static void to_bf16(uint16_t *restrict out, const float *restrict in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = round_one(in[i]);
    }
}

/* Up to 32 values, zeros behind them. */
static inline void round_step(uint16_t out[NB_TILE_STEP], const float *in, size_t count)
{
    if (count >= NB_TILE_STEP) {
        to_bf16(out, in, NB_TILE_STEP);
        return;
    }
    memset(out, 0, NB_TILE_STEP * sizeof *out);
    to_bf16(out, in, count);
}

static void pack_rows(uint16_t *out, const float *in, size_t count, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k);
    for (size_t r = 0; r < count; r++) {
        uint16_t *to = out + r / NB_TILE_ROWS * steps * NB_TILE + r % NB_TILE_ROWS * NB_TILE_STEP;
        for (size_t s = 0; s < steps; s++) {
            round_step(to + s * NB_TILE, in + r * stride + s * NB_TILE_STEP, k - s * NB_TILE_STEP);
        }
    }
}

/* Where output n of step 0 begins in the panels. */
static inline uint16_t *panel_at(uint16_t *out, size_t n, size_t steps)
{
    return out + n / NB_PANEL * steps * 2 * NB_TILE + n % NB_PANEL / 16 * NB_TILE + n % 16 * 2;
}

static void pack_panels(uint16_t *out, const float *in, size_t n, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k), padded = (n + NB_PANEL - 1) / NB_PANEL * NB_PANEL;
    for (size_t o = 0; o < padded; o++) {
        uint16_t *to = panel_at(out, o, steps), values[NB_TILE_STEP] = {0};
        for (size_t s = 0; s < steps; s++, to += 2 * NB_TILE) {
            if (o < n) {
                round_step(values, in + o * stride + s * NB_TILE_STEP, k - s * NB_TILE_STEP);
            }
            for (size_t pair = 0; pair < NB_TILE_STEP / 2; pair++) {
                memcpy(to + pair * 32, values + 2 * pair, 2 * sizeof *to);
            }
        }
    }
}

static void pack_columns(uint16_t *out, const float *in, size_t n, size_t k, size_t stride)
{
    size_t steps = nb_tile_steps(k);
    memset(out, 0, nb_tile_panels_count(n, k) * sizeof *out);
    for (size_t i = 0; i < k; i++) {
        uint16_t *row = out + i / NB_TILE_STEP * 2 * NB_TILE + i % NB_TILE_STEP / 2 * 32 + i % 2;
        for (size_t o = 0; o < n; o += 16) {
            uint16_t *to = panel_at(row, o, steps);
            for (size_t c = 0; c < 16 && o + c < n; c++) {
                to[2 * c] = round_one(in[i * stride + o + c]);
            }
        }
    }
}

const nb_tiles NB_TILES = {.name = NB_TILES_NAME,
                           .begin = tiles_begin,
                           .end = tiles_end,
                           .block = block,
                           .store = store,
                           .add = add,
                           .to_bf16 = to_bf16,
                           .pack_rows = pack_rows,
                           .pack_panels = pack_panels,
                           .pack_columns = pack_columns};
