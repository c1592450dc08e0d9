/** @file
 * The table of int8_vnni.c, compiled with AVX512-VNNI: look before use (nb_int8_vnni). */
#ifndef NB_COMMON_LINEAR_INT8_INT8_HARDWARE_H
#define NB_COMMON_LINEAR_INT8_INT8_HARDWARE_H

#include "common/linear/int8/int8.h"

#if defined(NEGBANK_AVX512VNNI)
/** AVX512-VNNI itself; nb_int8_vnni() must have said that the CPU has it. */
extern const nb_int8 nb_int8_hardware;
#endif

#endif
