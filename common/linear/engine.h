/* Engines: who computes the towers' products, and in which precision.
 *
 * fp32: OpenBLAS, operands as they are. bf16: AMX tiles (common/linear/amx/tiles.h): weights and the inputs of products
 * are rounded to bf16 and packed, sums and all else (softmax, layer norm, residual stream, attention of texts, the last
 * projection) stay fp32. It halves the bytes of the matrices. Where the CPU has no AMX bf16 is no gain and not offered.
 *
 * A row's product in bf16 does not depend on the rows beside it; the last projection of an embedding stays fp32, so the
 * same text in another batch agrees to about 1e-6 of its largest element in both precisions.
 *
 * For tests: NEGBANK_AMX=emulate gives the bf16 engine over emulated tiles, everywhere and slowly; NEGBANK_AMX=off
 * hides the CPU's. Provenance names which it was. */
#ifndef NB_LINEAR_ENGINE_H
#define NB_LINEAR_ENGINE_H

#include "common/linear/amx/tiles.h"
#include "common/linear/simd/vector.h"

typedef struct nb_engine nb_engine;

typedef enum nb_epilogue {
    NB_STORE,            /* out = product + bias */
    NB_ADD,              /* out += product + bias */
    NB_STORE_QUICK_GELU, /* out, an input of the next product, = activation(product + bias) */
    NB_STORE_GELU
} nb_epilogue;

/* out[rows, count] of input[rows, k] and outputs [first, first + count) of a packed matrix. */
typedef struct nb_product {
    const nb_vector *vector;
    const void *input; /* from nb_engine.input or an activating product */
    size_t rows, k;
    const void *weight;
    size_t first, count; /* activating: first is 0 */
    const float *bias;   /* [count], NULL: none */
    nb_epilogue epilogue;
    void *out;      /* float [rows, count]; activating: room of nb_engine.input_bytes(rows, count) */
    size_t stride;  /* of out in floats, 0: count; fp32 and activating: 0 */
    float *scratch; /* NB_ADD: [rows, count] */
} nb_product;

/* out[m, head] = softmax(q k^T / sqrt(head)) v of one head; q[m], k[n], v[n] rows of `head` floats. */
typedef struct nb_attention {
    const nb_vector *vector;
    size_t m, n, head;
    const float *q, *k, *v;
    size_t q_stride, stride, out_stride; /* of q; of k and v; of out */
    float *out;
    void *scratch; /* nb_engine.attention_bytes for at least m, n */
} nb_attention;

struct nb_engine {
    const char *name;      /* "fp32", "bf16" */
    const char *precision; /* as provenance has it: "fp32", "bf16 by AMX" */
    const nb_tiles *tiles; /* NULL: none */
    bool packs;            /* matrices and inputs have a form of their own */
    size_t together;       /* rows that best go through a block together, SIZE_MAX: all */
    /* Bytes of a packed matrix [n, k]; packs it. */
    size_t (*weight_bytes)(size_t n, size_t k);
    void (*pack)(const nb_engine *engine, void *out, const float *weight, size_t n, size_t k);
    /* Bytes of an input [rows, k]; makes one of floats, in `room` (64-byte aligned) or the floats themselves. */
    size_t (*input_bytes)(size_t rows, size_t k);
    const void *(*input)(const nb_engine *engine, void *room, const float *rows, size_t count, size_t k);
    void (*product)(const nb_engine *engine, const nb_product *product);
    size_t (*attention_bytes)(size_t longest, size_t head);
    void (*attend)(const nb_engine *engine, const nb_attention *attention);
};

extern const nb_engine nb_engine_fp32, nb_engine_bf16_emulated;

/* The bf16 engine of this CPU, NULL where there is none; then *why, unless NULL, says why. */
const nb_engine *nb_engine_bf16(const char **why);

#endif
