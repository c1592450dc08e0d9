/* The table of tiles_amx.c, compiled with AMX and AVX-512: look before use (nb_tiles_amx). */
#ifndef NB_COMMON_LINEAR_AMX_TILES_HARDWARE_H
#define NB_COMMON_LINEAR_AMX_TILES_HARDWARE_H

#include "common/linear/amx/tiles.h"

#if defined(NEGBANK_AMX)
extern const nb_tiles nb_tiles_hardware;
#endif

#endif
