/** @file
 * Which instruction sets this CPU has, and the one table of CPU families: what each gets, in the order of preference.
 *
 * A family is a set of instruction sets that belong together. Its row names the engines of the towers
 * (common/linear/engine.h), the loops of our own (common/linear/simd/instruction_set.h) and OpenBLAS's kernels; the
 * last rows are plain C. The first row that describes the CPU is taken; NEGBANK_CPU=NAME takes another one whose
 * instruction sets the CPU has, for tests. The page for users is "Which CPU gets what" in jobs/README.md.
 *
 * Nothing here is collective; any number of threads may call it. The variable is read once in the life of the process,
 * by the first call. */
#ifndef NB_COMMON_LINEAR_CPU_CPU_H
#define NB_COMMON_LINEAR_CPU_CPU_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/** Most engines of a family. */
enum { NB_CPU_ENGINES = 6 };

/** One row of the table. */
typedef struct nb_cpu_family {
    const char *name; /**< "zen4"; NEGBANK_CPU has it */
    const char *cpus; /**< in words: "AMD Zen 4 and 5" */
    /** Whether this CPU runs all that the row names. */
    bool (*runs)(void);
    /** Whether this CPU is one of the family, given that it runs it; NULL: never by itself, only by NEGBANK_CPU. */
    bool (*is)(void);
    const char *vector; /**< loops of our own: nb_instruction_set.name */
    const char *blas;   /**< OpenBLAS's kernels, as OPENBLAS_CORETYPE has them; NULL: OpenBLAS's own choice */
    /** Engines by nb_engine.precision, the fastest first, NULL behind the last. `--precision auto` takes the first
     * whose results are as good as bf16's; what stands behind "fp32" is slower or less exact, and used only when asked
     * for. */
    const char *engines[NB_CPU_ENGINES];
    bool vnni;             /**< int8 by AVX512-VNNI; false: in plain C, or by what neon_int8 says */
    const char *neon_int8; /**< nb_int8.name on arm64; NULL: none */
    const char *why;       /**< why in this order, a sentence for users */
} nb_cpu_family;

/** Whether this CPU has AVX2 and FMA. False elsewhere than on x86-64. */
bool nb_cpu_has_avx2(void);

/** Whether this CPU has AVX2 and FMA and of AVX-512 the subsets F, BW, VL and DQ. False elsewhere than on x86-64. */
bool nb_cpu_has_avx512(void);

/** Whether this CPU has AVX512-BF16 and what nb_cpu_has_avx512 asks for. */
bool nb_cpu_has_avx512_bf16(void);

/** Whether this CPU has AVX512-VNNI and what nb_cpu_has_avx512 asks for. */
bool nb_cpu_has_avx512_vnni(void);

/** Whether this CPU has AMX with bf16 and what nb_cpu_has_avx512 asks for. Asks the operating system to let the process
 * use it.
 * @param[out] why NULL, or gets what is missing where it is false: "this CPU has no AMX" */
bool nb_cpu_has_amx(const char **why);

/** The row that describes this CPU, whatever NEGBANK_CPU says. */
const nb_cpu_family *nb_cpu_family_found(void);

/** The row in use: the one NEGBANK_CPU names if the CPU runs it, else the one found. */
const nb_cpu_family *nb_cpu_family_used(void);

/** Whether NEGBANK_CPU is set to something; nb_cpu_check says whether it is a row. */
bool nb_cpu_is_forced(void);

/** Whether NEGBANK_CPU, where it is set, names a row that this CPU runs.
 * @param err names the rows there are
 * @return NB_OK; NB_ERR_USAGE when it does not */
nb_status nb_cpu_check(nb_error *err);

/** The CPU as it calls itself: "AMD EPYC 9354"; empty where it does not.
 * @param[out] out gets the name, cut to its size
 * @param size of out, at least 1 */
void nb_cpu_model(char *out, size_t size);

#endif
