/** @file
 * Engines: who computes the towers' products, and in which precision.
 *
 * fp32: kernels of our own over packed weights (common/linear/simd/weight_panels.h) where the table of CPUs has some,
 * else OpenBLAS, operands as they are. bf16: AMX, AVX512-BF16 or BFMMLA (common/linear/tiles/tiles.h): weights and the
 * inputs of products are rounded to bf16 and packed, sums and all else (softmax, layer norm, residual stream, attention
 * of texts, the last projection) stay fp32. It halves the bytes of the matrices. Whether it is faster depends on the
 * CPU: the table of common/linear/cpu/cpu.h says so.
 *
 * int8: AMX-INT8, AVX512-VNNI, USMMLA, SDOT or plain C (common/linear/int8/int8.h): weights and inputs are rounded to 8
 * bits, sums are integers, all else and the attention of images too is fp32. It is less exact than bf16 and never taken
 * by itself.
 *
 * A row's product in bf16 or int8 does not depend on the rows beside it; the last projection of an embedding stays
 * fp32, so the same text in another batch agrees to about 1e-6 of its largest element in every precision.
 *
 * For tests: NEGBANK_CPU=emulated-amx, -avx512bf16 and -bfmmla (emulated-bfmmla) give the bf16 engines over
 * emulations, everywhere and slowly. NEGBANK_AMX=emulate is the first of these with the CPU's own kernels for all else;
 * NEGBANK_AMX=off hides the CPU's AMX. Provenance names which it was. Nothing here is collective; any number of threads
 * may compute with one engine on memory of their own. */
#ifndef NB_LINEAR_ENGINE_H
#define NB_LINEAR_ENGINE_H

#include "common/linear/int8/int8.h"
#include "common/linear/simd/vector.h"
#include "common/linear/tiles/tiles.h"

/** An engine; its members are below. */
typedef struct nb_engine nb_engine;

/** What is done with a product while it is in the cache. */
typedef enum nb_epilogue {
    NB_STORE,            /**< out = product + bias */
    NB_ADD,              /**< out += product + bias */
    NB_STORE_QUICK_GELU, /**< out, an input of the next product, = QuickGELU(product + bias) */
    NB_STORE_GELU        /**< out, an input of the next product, = GELU(product + bias) */
} nb_epilogue;

/** One product: out[rows, count] of input[rows, k] and outputs [first, first + count) of a packed matrix. */
typedef struct nb_product {
    const nb_vector *vector; /**< needed for a bias or an activation */
    const void *input;       /**< from nb_engine.input or an activating product */
    size_t rows, k;          /**< of the input: rows, and values of each */
    const void *weight;      /**< from nb_engine.pack */
    size_t first, count;     /**< activating: first is 0 */
    const float *bias;       /**< [count], NULL: none; NB_ADD and activating need one in fp32 */
    nb_epilogue epilogue;    /**< what is done with the product */
    void *out;               /**< float [rows, count]; activating: nb_engine.input_bytes(rows, count) bytes */
    size_t stride;           /**< elements from row to row of out, 0: count; fp32 and activating: 0 */
    float *scratch;          /**< NB_ADD: [rows, count] */
} nb_product;

/** Attention of one head: out[m, head] = softmax(q k^T / sqrt(head)) v. */
typedef struct nb_attention {
    const nb_vector *vector; /**< needed for the softmax */
    size_t m, n, head;       /**< queries; keys and values; floats of a row of each */
    const float *q;          /**< [m, head] */
    const float *k, *v;      /**< [n, head] */
    size_t q_stride;         /**< elements from row to row of q */
    size_t stride;           /**< of k and of v */
    size_t out_stride;       /**< of out */
    float *out;              /**< [m, head] */
    void *scratch;           /**< nb_engine.attention_bytes for at least m and n */
} nb_attention;

/** What computes the towers' products. */
struct nb_engine {
    const char *name;      /**< "fp32", "bf16", "int8" */
    const char *precision; /**< as provenance has it: "fp32", "bf16 by AVX512-BF16" */
    const nb_tiles *tiles; /**< bf16's; NULL: none */
    const nb_int8 *int8;   /**< int8's; NULL: nb_int8_best() */
    bool packs;            /**< matrices and inputs have a form of their own */
    size_t together;       /**< rows that best go through a block together, SIZE_MAX: all */
    /** Bytes of a packed matrix [n, k]. */
    size_t (*weight_bytes)(size_t n, size_t k);
    /** Packs weight[n, k] into out, weight_bytes(n, k) bytes aligned to 64. */
    void (*pack)(const nb_engine *engine, void *out, const float *weight, size_t n, size_t k);
    /** Bytes of an input [rows, k]. */
    size_t (*input_bytes)(size_t rows, size_t k);
    /** Makes an input of rows[count, k], in `buffer` (input_bytes(count, k) bytes, aligned to 64); returns it. An
     * engine that does not pack returns `rows` and leaves `buffer` alone. */
    const void *(*input)(const nb_engine *engine, void *buffer, const float *rows, size_t count, size_t k);
    /** Computes a product. */
    void (*product)(const nb_engine *engine, const nb_product *product);
    /** Bytes of scratch for attention over up to `longest` rows, `head` floats each. */
    size_t (*attention_bytes)(size_t longest, size_t head);
    /** Computes the attention of one head. */
    void (*attend)(const nb_engine *engine, const nb_attention *attention);
};

/** OpenBLAS in single precision, which leaves the matrices as they are: what training needs. */
extern const nb_engine nb_engine_fp32;

/** Single precision by packed panels; only where nb_weight_panels_best() has some. A row's bits do not depend on the
 * rows beside it. */
extern const nb_engine nb_engine_fp32_panels;

/** The one of these two that embeds on this CPU. */
const nb_engine *nb_engine_fp32_best(void);

/** int8: of the same bits by every instruction set and in plain C. */
extern const nb_engine nb_engine_int8;

/** bf16 over emulated AMX, for tests. */
extern const nb_engine nb_engine_bf16_emulated;

/** bf16 over emulated AVX512-BF16, for tests. */
extern const nb_engine nb_engine_bf16_pairs_emulated;

/** bf16 over emulated BFMMLA, for tests. */
extern const nb_engine nb_engine_bf16_bfmmla_emulated;

/** Whether an engine computes here. */
typedef enum nb_engine_offer {
    NB_ENGINE_NONE,      /**< not at all */
    NB_ENGINE_ON_DEMAND, /**< when its precision is asked for; it gains nothing here, or is less exact */
    NB_ENGINE_GAIN       /**< faster than fp32 here: --precision auto takes it */
} nb_engine_offer;

/** All engines. Ranks exchange numbers of this order, which is that of preference between those on offer alike.
 * @param[out] out gets an array of pointers to the engines, which lives as long as the program
 * @return how many there are */
size_t nb_engines(const nb_engine *const **out);

/** Whether this CPU, or what NEGBANK_CPU and NEGBANK_AMX make of it, has an engine.
 * @param engine of nb_engines
 * @param[out] why NULL, or gets the reason where it is not taken by itself */
nb_engine_offer nb_engine_offered(const nb_engine *engine, const char **why);

/** The first bf16 engine on offer.
 * @param least NB_ENGINE_GAIN: only one that is faster than fp32; NB_ENGINE_ON_DEMAND: any
 * @param[out] why NULL, or gets the reason where there is none
 * @return NULL where there is none */
const nb_engine *nb_engine_bf16(nb_engine_offer least, const char **why);

#endif
