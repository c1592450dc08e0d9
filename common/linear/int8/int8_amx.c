/* Products of 8-bit numbers by AMX-INT8. Compiled with its instructions: see common/CMakeLists.txt. Inline assembly for
 * the reasons of common/linear/tiles/tiles_amx.c.
 *
 * TDPBUSD multiplies 16 rows of 64 unsigned bytes by 16 outputs of as many signed ones: panels have its order already,
 * 16 groups of a panel being the two tiles of its 32 outputs. */
#include "common/linear/int8/int8_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_AMX_INT8)

#include "common/linear/int8/int8_avx512.h"

typedef struct int8_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} int8_tile_config;

static void int8_begin(void)
{
    int8_tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

static void int8_end(void)
{
    __asm__ volatile("tilerelease" ::: "memory");
}

#define TILE_FILE
#define TILE_ZERO(to) __asm__ volatile("tilezero %%tmm" #to ::)
#define TILE_LOAD(to, from, stride)                                                                                    \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #to ::"r"(from), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(from, to, stride)                                                                                   \
    __asm__ volatile("tilestored %%tmm" #from ", (%0,%1,1)" ::"r"(to), "r"((size_t)(stride)) : "memory")
#define TILE_DOT(to, rows, fours) __asm__ volatile("tdpbusd %%tmm" #fours ", %%tmm" #rows ", %%tmm" #to ::)
#include "common/linear/int8/int8_amx_block.h"

#define NB_INT8_TABLE     nb_int8_tiles
#define NB_INT8_NAME      "AMX-INT8"
#define NB_INT8_MOST_ROWS 32
#include "common/linear/int8/int8_forms.h"

#endif
