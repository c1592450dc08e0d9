/** @file
 * The tables of int8_vnni.c, int8_amx.c, int8_sdot.c and int8_usmmla.c, compiled with the instructions they are named
 * after: look before use (nb_int8_vnni, nb_int8_amx, nb_int8_neon). */
#ifndef NB_COMMON_LINEAR_INT8_INT8_HARDWARE_H
#define NB_COMMON_LINEAR_INT8_INT8_HARDWARE_H

#include "common/linear/int8/int8.h"

#if defined(NEGBANK_AVX512VNNI)
/** AVX512-VNNI itself; nb_int8_vnni() must have said that the CPU has it. */
extern const nb_int8 nb_int8_hardware;
#endif

#if defined(NEGBANK_AMX_INT8)
/** AMX-INT8 itself; nb_int8_amx() must have said that it may be used. */
extern const nb_int8 nb_int8_tiles;
#endif

#if defined(NEGBANK_SDOT)
/** SDOT itself; nb_int8_neon() must have said that the CPU has it. */
extern const nb_int8 nb_int8_sdot;
#endif

#if defined(NEGBANK_USMMLA)
/** USMMLA itself; nb_int8_neon() must have said that the CPU has it. */
extern const nb_int8 nb_int8_usmmla;
#endif

#endif
