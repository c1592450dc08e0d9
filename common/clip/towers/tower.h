/** @file
 * One CLIP transformer, forward, in fp32: the reference in plain calls of OpenBLAS and
 * common/linear/reference/kernels.h.
 *
 * Sequences of unequal length are packed one behind another without padding, so every linear layer is one product
 * over all rows. (Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, 2021.)
 *
 * Nothing here is collective. */
#ifndef NB_COMMON_CLIP_TOWERS_TOWER_H
#define NB_COMMON_CLIP_TOWERS_TOWER_H

#include "common/clip/checkpoint/config.h"
#include "common/clip/towers/rotary.h"

#include <stdbool.h>

/** Weights of a layer norm, borrowed. */
typedef struct nb_norm_weights {
    const float *weight, *bias; /**< [width] */
} nb_norm_weights;

/** Weights of one residual block, borrowed. Matrices are [out, in]. This reference needs them as floats. */
typedef struct nb_block {
    const float *norm1_weight, *norm1_bias; /**< [width] */
    const float *qkv_weight, *qkv_bias;     /**< [3 width, width], [3 width]: queries, keys, values */
    const float *out_weight, *out_bias;     /**< [width, width], [width] */
    const float *norm2_weight, *norm2_bias; /**< [width] */
    const float *fc1_weight, *fc1_bias;     /**< [mlp, width], [mlp] */
    const float *fc2_weight, *fc2_bias;     /**< [width, mlp], [width] */
    const float *gate_weight, *gate_bias;   /**< [mlp, width], [mlp]; of a gated MLP */
    nb_norm_weights attention_norm;         /**< [width]; attention_norm */
    nb_norm_weights mlp_norm;               /**< [mlp]; mlp_norm; [width]: mlp_input_norm */
    const float *scale1, *scale2;           /**< [width] of attention and MLP; layer_scale */
    struct {
        const void *qkv, *out, *fc1, *fc2, *gate;
    } packed; /**< the matrices as an engine has them that packs them; the pointers to floats are then NULL */
} nb_block;

/** Memory for up to `rows` packed rows of sequences of up to `longest` rows. */
typedef struct nb_tower_scratch {
    size_t rows, longest; /**< capacity, as nb_tower_scratch_create got it */
    float *normed;        /**< [rows, width] */
    float *qkv;           /**< [rows, 3 width] */
    float *attention_out; /**< [rows, width] the attention's output */
    float *hidden;        /**< [rows, mlp] */
    float *gate;          /**< [rows, mlp] of a gated MLP; else NULL */
    float *scores;        /**< [longest, longest] */
} nb_tower_scratch;

/** Packed sequences; borrows the rows. */
typedef struct nb_tower_sequences {
    float *x;              /**< [sum of lengths, width] the residual stream */
    const size_t *lengths; /**< [count] */
    size_t count;          /**< sequences */
    bool causal;           /**< a row sees only rows up to its own */
    /** Where the tower has rotary positions: those of a sequence of the length that all have; else NULL. */
    const nb_rotary *rotary;
} nb_tower_sequences;

/** Allocates the memory.
 * @param[out] out freed by nb_tower_scratch_destroy; {0} on failure
 * @param config only used in the call
 * @param rows most rows of all sequences together
 * @param longest most rows of a sequence
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_tower_scratch_create(nb_tower_scratch *out, const nb_tower_config *config, size_t rows, size_t longest,
                                  nb_error *err);

/** Frees the memory and clears the struct. Takes NULL and {0}.
 * @param scratch as nb_tower_scratch_create left it, or {0} */
void nb_tower_scratch_destroy(nb_tower_scratch *scratch);

/** Runs all blocks over the sequences, in place.
 * @param config that of the scratch
 * @param blocks [config->layers] with weights as floats
 * @param sequences their x is the input, then the output
 * @param scratch for as many rows; what it holds afterwards is of no use */
void nb_tower_forward(const nb_tower_config *config, const nb_block *blocks, const nb_tower_sequences *sequences,
                      nb_tower_scratch *scratch);

#endif
