/* The block of AMX tiles; included by a file that defines the tile operations TILE_FILE (declares the registers),
 * TILE_ZERO(to), TILE_LOAD(to, from, bytes a row), TILE_STORE(from, to, bytes a row), TILE_DOT(to, rows, pairs);
 * registers are the literals 0 to 7. */
#include "common/linear/tiles/tiles.h"

enum { LINE = 64 }; /* bytes of a cache line */

/* Two by two tiles: every tile loaded is used twice. The loads from farther away are spread over the steps, between
 * which there is time for them. */
static void tiles_block(float *out, const uint16_t *rows, size_t row_tiles, const uint16_t *panel, size_t steps,
                        nb_operand_prefetch next)
{
    const char *line = next.begin;
    size_t lines = next.bytes / LINE, each = (lines + steps - 1) / steps;
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
            for (size_t i = s * each; i < (s + 1) * each && i < lines; i++) {
                __builtin_prefetch(line + i * LINE, 0, 2);
            }
        }
        TILE_STORE(2, out + 512, 128);
        TILE_STORE(3, out + 528, 128);
    }
    TILE_STORE(0, out, 128);
    TILE_STORE(1, out + 16, 128);
}
