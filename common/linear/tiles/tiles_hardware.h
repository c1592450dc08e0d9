/** @file
 * The tables of tiles_amx.c, tiles_avx512bf16.c and tiles_bfmmla.c, compiled with the instructions they are named
 * after: look before use (nb_tiles_amx, nb_tiles_avx512bf16, nb_tiles_arm64). */
#ifndef NB_COMMON_LINEAR_TILES_TILES_HARDWARE_H
#define NB_COMMON_LINEAR_TILES_TILES_HARDWARE_H

#include "common/linear/tiles/tiles.h"

#if defined(NEGBANK_AMX)
/** AMX itself; nb_tiles_amx() must have said that it may be used. */
extern const nb_tiles nb_tiles_hardware;
#endif

#if defined(NEGBANK_AVX512BF16)
/** AVX512-BF16 itself; nb_tiles_avx512bf16() must have said that the CPU has it. */
extern const nb_tiles nb_tiles_pairs;
#endif

#if defined(NEGBANK_BFMMLA)
/** BFMMLA itself; nb_tiles_arm64() must have said that the CPU has it. */
extern const nb_tiles nb_tiles_bfmmla;
#endif

#endif
