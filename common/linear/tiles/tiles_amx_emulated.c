/* AMX tiles in plain C. A product of two bf16 is exact in fp32 while it stays in range, so multiplying and then adding
 * rounds as the fused operation does; where a product leaves fp32's normal range the last place may differ. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef union tile {
    unsigned char bytes[16][64];
    uint16_t bf16[16][32];
    float fp32[16][16];
} tile;

static inline float tiles_emulated_flush(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x;
}

static inline float tiles_emulated_widen(uint16_t value)
{
    uint32_t u = (uint32_t)value << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return tiles_emulated_flush(f);
}

static void tiles_emulated_tile_load(tile *to, const void *from, size_t stride)
{
    for (size_t r = 0; r < 16; r++) {
        memcpy(to->bytes[r], (const char *)from + r * stride, 64);
    }
}

static void tiles_emulated_tile_store(const tile *from, void *to, size_t stride)
{
    for (size_t r = 0; r < 16; r++) {
        memcpy((char *)to + r * stride, from->bytes[r], 64);
    }
}

static void tiles_emulated_tile_dot(tile *to, const tile *rows, const tile *pairs)
{
    float even[16][16], odd[16][16];
    for (size_t k = 0; k < 16; k++) {
        for (size_t n = 0; n < 16; n++) {
            even[k][n] = tiles_emulated_widen(pairs->bf16[k][2 * n]);
            odd[k][n] = tiles_emulated_widen(pairs->bf16[k][2 * n + 1]);
        }
    }
    for (size_t m = 0; m < 16; m++) {
        float first[16] = {0}, second[16] = {0};
        for (size_t k = 0; k < 16; k++) {
            float a = tiles_emulated_widen(rows->bf16[m][2 * k]), b = tiles_emulated_widen(rows->bf16[m][2 * k + 1]);
            for (size_t n = 0; n < 16; n++) {
                first[n] = tiles_emulated_flush(first[n] + a * even[k][n]);
                second[n] = tiles_emulated_flush(second[n] + b * odd[k][n]);
            }
        }
        for (size_t n = 0; n < 16; n++) {
            to->fp32[m][n] =
                tiles_emulated_flush(tiles_emulated_flush(to->fp32[m][n]) + tiles_emulated_flush(first[n] + second[n]));
        }
    }
}

static void tiles_begin(void)
{
}
static void tiles_end(void)
{
}

#define TILE_FILE                    tile file[8];
#define TILE_ZERO(to)                memset(&file[to], 0, sizeof file[to])
#define TILE_LOAD(to, from, stride)  tiles_emulated_tile_load(&file[to], from, stride)
#define TILE_STORE(from, to, stride) tiles_emulated_tile_store(&file[from], to, stride)
#define TILE_DOT(to, rows, pairs)    tiles_emulated_tile_dot(&file[to], &file[rows], &file[pairs])
#include "common/linear/tiles/tiles_amx_block.h"

#define NB_TILES      nb_tiles_emulated
#define NB_TILES_NAME "emulated AMX"
#include "common/linear/tiles/tiles_forms.h"
