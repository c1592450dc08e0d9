/* AMX tiles. Compiled with their instructions: see common/CMakeLists.txt. Inline assembly, not the compiler's
 * intrinsics: GCC 12 declares of the tile configuration only its first 8 bytes as read, so stores to the rest are
 * optimised away, and loads and stores of tiles not as touching memory. */
#include "common/linear/tiles/tiles_hardware.h"

typedef int no_empty_file;

#if defined(NEGBANK_AMX)

typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

static void tiles_begin(void)
{
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

static void tiles_end(void)
{
    __asm__ volatile("tilerelease" ::: "memory");
}

#define TILE_FILE
#define TILE_ZERO(to) __asm__ volatile("tilezero %%tmm" #to ::)
#define TILE_LOAD(to, from, stride)                                                                                    \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #to ::"r"(from), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(from, to, stride)                                                                                   \
    __asm__ volatile("tilestored %%tmm" #from ", (%0,%1,1)" ::"r"(to), "r"((size_t)(stride)) : "memory")
#define TILE_DOT(to, rows, pairs) __asm__ volatile("tdpbf16ps %%tmm" #pairs ", %%tmm" #rows ", %%tmm" #to ::)
#include "common/linear/tiles/tiles_amx_block.h"

#define NB_TILES      nb_tiles_hardware
#define NB_TILES_NAME "AMX"
#include "common/linear/tiles/tiles_forms.h"

#endif
