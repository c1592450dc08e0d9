/** @file
 * Names for what a loop family's source defines, one an instruction set it is compiled for. For those sources only. */
#ifndef NB_COMMON_LINEAR_SIMD_TABLE_NAME_H
#define NB_COMMON_LINEAR_SIMD_TABLE_NAME_H

#ifndef NB_INSTRUCTION_SET
#error "NB_INSTRUCTION_SET: the name of the instruction set this is compiled for, see common/CMakeLists.txt"
#endif

#define NB_TABLE_JOIN(name, set)   name##_##set
#define NB_TABLE_EXPAND(name, set) NB_TABLE_JOIN(name, set)
#define NB_TABLE_TEXT(set)         #set
#define NB_TABLE_QUOTE(set)        NB_TABLE_TEXT(set)

/** NB_TABLE_NAME(nb_vector) is nb_vector_avx2 in the compilation for AVX2. */
#define NB_TABLE_NAME(name) NB_TABLE_EXPAND(name, NB_INSTRUCTION_SET)
/** The instruction set as a string: "avx2". */
#define NB_TABLE_SET NB_TABLE_QUOTE(NB_INSTRUCTION_SET)

#endif
