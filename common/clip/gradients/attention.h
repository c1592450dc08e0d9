/** @file
 * Attention of one sequence, forward and backward, all heads.
 *
 * A causal sequence may continue a prefix: rows whose keys and values were computed before and are only read. Weights
 * of the attention are computed again in the backward pass instead of being kept. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_GRADIENTS_ATTENTION_H
#define NB_COMMON_CLIP_GRADIENTS_ATTENTION_H

#include "common/clip/towers/tower.h"
#include "common/linear/simd/gradient.h"

/** Memory for the attention of one sequence at a time; for one thread. */
typedef struct nb_attention_scratch {
    const nb_tower_config *config; /**< borrowed */
    const nb_vector *vector;       /**< for the softmax */
    const nb_gradient *gradient;   /**< for the attention of a query and for gradients */
    bool causal;                   /**< a row sees only rows up to its own */
    size_t longest;                /**< rows of prefix and sequence together */
    float *weights, *d;            /**< [longest, longest] when not causal, else [longest] */
    float *joined;                 /**< [longest, 2 width] keys and values of prefix and sequence; causal */
    float *djoined;                /**< their gradients */
} nb_attention_scratch;

/** One sequence and what stands before it; borrows both. */
typedef struct nb_attention_sequence {
    const float *qkv;    /**< [n, 3 width] queries, keys and values */
    size_t n;            /**< rows of the sequence */
    const float *prefix; /**< [before, 2 width] keys and values; NULL when before is 0 */
    size_t before;       /**< rows of the prefix; causal attention only */
} nb_attention_sequence;

/** Allocates the memory.
 * @param[out] out freed by nb_attention_scratch_destroy; {0} on failure
 * @param config borrowed for the attention's life
 * @param longest rows of the longest sequence, its prefix included
 * @param causal a row sees only rows up to its own
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_attention_scratch_create(nb_attention_scratch *out, const nb_tower_config *config, size_t longest,
                                      bool causal, nb_error *err);

/** Frees the memory and clears the struct. Takes NULL and {0}.
 * @param attention as nb_attention_scratch_create left it, or {0} */
void nb_attention_scratch_destroy(nb_attention_scratch *attention);

/** The attention's output.
 * @param attention memory for `longest` rows or more; what it holds afterwards is of no use
 * @param sequence its n rows and the prefix are together at most attention->longest
 * @param[out] out [sequence.n, width] */
void nb_attention_forward(nb_attention_scratch *attention, const nb_attention_sequence *sequence, float *out);

/** The gradients by queries, keys and values; the prefix gets none.
 * @param attention as for the forward pass; weights are computed again, so nothing of that pass need be left in it
 * @param sequence that of the forward pass
 * @param dout [sequence.n, width] the gradient by the output
 * @param[out] dqkv [sequence.n, 3 width] */
void nb_attention_backward(nb_attention_scratch *attention, const nb_attention_sequence *sequence, const float *dout,
                           float *dqkv);

#endif
