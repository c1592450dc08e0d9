/** @file
 * The instruction sets that the loops of this folder are compiled for, in one table: which there are, what a CPU must
 * have to run them, and where each loop family's functions lie.
 *
 * A loop family is one source (vector.c, window_loops.c, affinity.c, gradient.c, weight_panels.c, exact_products.c)
 * that common/CMakeLists.txt compiles once for each instruction set, with NB_INSTRUCTION_SET defined as its name. A new
 * instruction set is a row in instruction_set.c and its flags there; a new family is a member of nb_instruction_set. */
#ifndef NB_COMMON_LINEAR_SIMD_INSTRUCTION_SET_H
#define NB_COMMON_LINEAR_SIMD_INSTRUCTION_SET_H

#include "common/linear/simd/affinity.h"
#include "common/linear/simd/exact_products.h"
#include "common/linear/simd/gradient.h"
#include "common/linear/simd/vector.h"
#include "common/linear/simd/weight_panels.h"
#include "common/linear/simd/window_loops.h"

/** Most rows the table has on any CPU family. */
enum { NB_INSTRUCTION_SETS = 3 };

/** One instruction set and the loops compiled with it. */
typedef struct nb_instruction_set {
    const char *name;               /**< "plain", "avx2", "avx512", "neon"; NEGBANK_VECTOR and provenance have it */
    bool (*supported)(void);        /**< whether this CPU runs it; nothing below may be called before it says so */
    const nb_vector *vector;        /**< the small kernels of the towers */
    const nb_window_loops *windows; /**< the loops of convolutions */
    const nb_affinity *affinity;    /**< the loops of the affinity passes */
    const nb_gradient *gradient;    /**< the loops of training */
    const nb_weight_panels *panels; /**< fp32 products of packed matrices */
    nb_exact_function *exact;       /**< products with the same bits everywhere */
} nb_instruction_set;

/** The instruction sets this CPU runs, the best last; "plain" is always there, and first.
 *
 * Not collective. Any number of threads may call it.
 * @param[out] out the rows, NB_INSTRUCTION_SETS of which are set at most
 * @return how many are set */
size_t nb_instruction_sets(const nb_instruction_set *out[NB_INSTRUCTION_SETS]);

/** The instruction set in use: the one NEGBANK_VECTOR names if this CPU runs it, else that of the CPU's family
 * (common/linear/cpu/cpu.h), which is the best this CPU has unless NEGBANK_CPU says otherwise.
 *
 * The variable is read once in the life of the process. Not collective. Any number of threads may call it. */
const nb_instruction_set *nb_instruction_set_best(void);

#endif
