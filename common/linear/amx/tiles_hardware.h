/** @file
 * The table of tiles_amx.c, compiled with AMX and AVX-512: look before use (nb_tiles_amx). */
#ifndef NB_COMMON_LINEAR_AMX_TILES_HARDWARE_H
#define NB_COMMON_LINEAR_AMX_TILES_HARDWARE_H

#include "common/linear/amx/tiles.h"

#if defined(NEGBANK_AMX)
/** AMX itself; nb_tiles_amx() must have said that it may be used. */
extern const nb_tiles nb_tiles_hardware;
#endif

#endif
