/** @file
 * The engines that not every build has, for engine_table.c alone. */
#ifndef NB_COMMON_LINEAR_ENGINE_TABLE_H
#define NB_COMMON_LINEAR_ENGINE_TABLE_H

#include "common/linear/engine.h"

#if defined(NEGBANK_AMX)
/** bf16 by AMX; nb_tiles_amx() must have said that it may be used. */
extern const nb_engine nb_engine_bf16_amx;
#endif

#if defined(NEGBANK_AVX512BF16)
/** bf16 by AVX512-BF16; nb_tiles_avx512bf16() must have said that the CPU has it. */
extern const nb_engine nb_engine_bf16_pairs;
#endif

#if defined(NEGBANK_BFMMLA)
/** bf16 by BFMMLA; nb_tiles_arm64() must have said that the CPU has it. */
extern const nb_engine nb_engine_bf16_bfmmla;
#endif

#endif
