/* AMX-INT8's tiles in plain C, for tests: the same block, tile by tile. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef union int8_tile {
    unsigned char bytes[16][64];
    uint8_t rows[16][64];
    int8_t fours[16][64];
    int32_t sums[16][16];
} int8_tile;

static void int8_tile_load(int8_tile *to, const void *from, size_t stride)
{
    for (size_t r = 0; r < 16; r++) {
        memcpy(to->bytes[r], (const char *)from + r * stride, 64);
    }
}

static void int8_tile_store(const int8_tile *from, void *to, size_t stride)
{
    for (size_t r = 0; r < 16; r++) {
        memcpy((char *)to + r * stride, from->bytes[r], 64);
    }
}

/* Sums wrap around like the hardware's. */
static void int8_tile_dot(int8_tile *to, const int8_tile *rows, const int8_tile *fours)
{
    for (size_t m = 0; m < 16; m++) {
        for (size_t k = 0; k < 16; k++) {
            for (size_t n = 0; n < 16; n++) {
                int32_t sum = 0;
                for (size_t i = 0; i < 4; i++) {
                    sum += (int32_t)rows->rows[m][4 * k + i] * fours->fours[k][4 * n + i];
                }
                to->sums[m][n] = (int32_t)((uint32_t)to->sums[m][n] + (uint32_t)sum);
            }
        }
    }
}

static void int8_begin(void)
{
}

static void int8_end(void)
{
}

#define TILE_FILE                    int8_tile file[8];
#define TILE_ZERO(to)                memset(&file[to], 0, sizeof file[to])
#define TILE_LOAD(to, from, stride)  int8_tile_load(&file[to], from, stride)
#define TILE_STORE(from, to, stride) int8_tile_store(&file[from], to, stride)
#define TILE_DOT(to, rows, fours)    int8_tile_dot(&file[to], &file[rows], &file[fours])
#include "common/linear/int8/int8_amx_block.h"

#define NB_INT8_TABLE     nb_int8_tiles_emulated
#define NB_INT8_NAME      "emulated AMX-INT8"
#define NB_INT8_MOST_ROWS 32
#include "common/linear/int8/int8_forms.h"
