/** @file
 * Which instruction sets this CPU has, on arm64: what the operating system says of it.
 *
 * Nothing here is collective; any number of threads may call it. */
#ifndef NB_COMMON_LINEAR_CPU_CPU_ARM64_H
#define NB_COMMON_LINEAR_CPU_CPU_ARM64_H

#include <stdbool.h>
#include <stddef.h>

/** Whether this is an arm64, each of which has NEON and fused multiply-add. */
bool nb_cpu_is_arm64(void);

/** Whether this CPU has the dot products of 8-bit numbers (FEAT_DotProd: SDOT). False elsewhere than on arm64. */
bool nb_cpu_has_sdot(void);

/** Whether this CPU multiplies matrices of 8-bit numbers (FEAT_I8MM: USMMLA). False elsewhere than on arm64. */
bool nb_cpu_has_usmmla(void);

/** Whether this CPU multiplies matrices of bf16 (FEAT_BF16: BFMMLA). False elsewhere than on arm64. */
bool nb_cpu_has_bfmmla(void);

/** The CPU by its maker's numbers: "Arm Neoverse V2"; "implementer 0x41, part 0xd4f" where these are not known here.
 * @param[out] out gets the name, cut to its size; empty elsewhere than on arm64, or where the system hides the numbers
 * @param size of out, at least 1 */
void nb_cpu_arm64_model(char *out, size_t size);

#endif
