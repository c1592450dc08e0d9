/* The block of AMX tiles of 8-bit numbers; included by a file that defines the tile operations TILE_FILE (declares the
 * registers), TILE_ZERO(to), TILE_LOAD(to, from, bytes a row), TILE_STORE(from, to, bytes a row), TILE_DOT(to, rows,
 * fours); registers are the literals 0 to 7. */
#include "common/linear/int8/int8.h"

/* Of a tile: rows, bytes of a row, groups of 4 values. Bytes from group to group of a panel, and from row to row of the
 * block. */
enum { TILE_ROWS = 16, TILE_BYTES = 64, TILE_GROUPS = 16, PANEL_ROW = 128 };

/* Two by two tiles: every tile loaded is used twice. Rows and panels are padded with zeros to whole tiles. */
static void int8_block(int32_t *out, const uint8_t *rows, size_t count, size_t stride, const int8_t *panel,
                       size_t groups)
{
    size_t steps = (groups + TILE_GROUPS - 1) / TILE_GROUPS;
    TILE_FILE
    TILE_ZERO(0);
    TILE_ZERO(1);
    if (count <= TILE_ROWS) {
        for (size_t s = 0; s < steps; s++, rows += TILE_BYTES, panel += TILE_GROUPS * PANEL_ROW) {
            TILE_LOAD(4, rows, stride);
            TILE_LOAD(6, panel, PANEL_ROW);
            TILE_LOAD(7, panel + TILE_BYTES, PANEL_ROW);
            TILE_DOT(0, 4, 6);
            TILE_DOT(1, 4, 7);
        }
    } else {
        const uint8_t *below = rows + TILE_ROWS * stride;
        TILE_ZERO(2);
        TILE_ZERO(3);
        for (size_t s = 0; s < steps; s++, rows += TILE_BYTES, below += TILE_BYTES, panel += TILE_GROUPS * PANEL_ROW) {
            TILE_LOAD(4, rows, stride);
            TILE_LOAD(6, panel, PANEL_ROW);
            TILE_LOAD(7, panel + TILE_BYTES, PANEL_ROW);
            TILE_DOT(0, 4, 6);
            TILE_DOT(1, 4, 7);
            TILE_LOAD(5, below, stride);
            TILE_DOT(2, 5, 6);
            TILE_DOT(3, 5, 7);
        }
        TILE_STORE(2, out + TILE_ROWS * NB_INT8_PANEL, PANEL_ROW);
        TILE_STORE(3, out + TILE_ROWS * NB_INT8_PANEL + 16, PANEL_ROW);
    }
    TILE_STORE(0, out, PANEL_ROW);
    TILE_STORE(1, out + 16, PANEL_ROW);
}
