/** @file
 * One CLIP transformer forward and backward: forward as common/clip/towers/tower.h, keeping what the gradients need,
 * then backward.
 *
 * What is kept of a layer is its input, the queries, keys and values, the attention's output, the rows between
 * attention and MLP, and the MLP's rows before the activation: 10 rows of the width for every row. With `recompute`
 * only the inputs are kept and a layer is computed a second time in the backward pass: one forward pass more for a
 * tenth of the memory, and the same bits. Layer norms and activations are always computed again.
 *
 * Nothing here is collective. A tape is for one thread at a time. */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_H

#include "common/clip/gradients/attention.h"

/** Where gradients go: an arena with the layout of the weights (common/clip/model/weights.h). Gradients are added to
 * what is there. Borrows both. */
typedef struct nb_gradient_sink {
    const float *weights; /**< where the model's arena begins */
    float *gradients;     /**< NULL: the weights are frozen and get none */
} nb_gradient_sink;

/** The place of a weight's gradient, NULL when it is frozen.
 * @param weight a pointer into sink->weights */
static inline float *nb_gradient_sink_at(const nb_gradient_sink *sink, const float *weight)
{
    return sink->gradients ? sink->gradients + (weight - sink->weights) : NULL;
}

/** What is kept of one layer. */
typedef struct nb_tape_layer {
    float *qkv;           /**< [rows, 3 width] queries, keys and values */
    float *attention_out; /**< [rows, width] the attention's output */
    float *mid;           /**< [rows, width] the residual stream behind the attention */
    float *mlp_hidden;    /**< [rows, mlp] before the activation */
} nb_tape_layer;

/** Rows before a causal sequence, as nb_tape_keys gave them; borrows them. */
typedef struct nb_tape_prefix {
    const float *keys; /**< [layers][before, 2 width] keys and values */
    size_t before;     /**< rows */
} nb_tape_prefix;

/** What a tape has memory for. */
typedef struct nb_tape_size {
    size_t rows;    /**< of all sequences of a pass together */
    size_t longest; /**< rows of the longest sequence, its prefix included */
    bool causal;    /**< a row sees only rows up to its own */
    bool recompute; /**< only the layers' inputs are kept */
} nb_tape_size;

/** One transformer's memory from forward to backward. */
typedef struct nb_tape {
    const nb_tower_config *config;  /**< borrowed */
    const nb_block *blocks;         /**< borrowed */
    const nb_vector *vector;        /**< for layer norms and activations */
    const nb_gradient *gradient;    /**< for their gradients */
    bool recompute;                 /**< as in nb_tape_size */
    size_t rows;                    /**< capacity */
    float *inputs;                  /**< [layers + 1][rows, width]: of every layer, and the last one's output */
    nb_tape_layer *layers;          /**< [layers], or one with recompute */
    nb_attention_scratch attention; /**< scratch of one sequence */
    float *scratch_qkv;             /**< scratch [rows, 3 width] */
    float *scratch_mlp;             /**< scratch [rows, the larger of mlp and width] */
    size_t sequences, used;         /**< of the last forward pass; used: its rows */
    const size_t *lengths;          /**< borrowed from forward to backward */
    const nb_tape_prefix *prefixes; /**< borrowed likewise */
} nb_tape;

/** Allocates a tape.
 * @param[out] out freed by nb_tape_destroy; {0} on failure
 * @param config borrowed for the tape's life
 * @param blocks [config->layers] with weights as floats, borrowed for the tape's life
 * @param size what the tape gets memory for
 * @return NB_OK, or NB_ERR_INPUT for a tower that goes beyond CLIP's own, whose gradients are not computed,
 * NB_ERR_LIMIT without memory */
nb_status nb_tape_create(nb_tape *out, const nb_tower_config *config, const nb_block *blocks, const nb_tape_size *size,
                         nb_error *err);

/** Frees the memory and clears the struct. Takes NULL and {0}.
 * @param tape as nb_tape_create left it, or {0} */
void nb_tape_destroy(nb_tape *tape);

/** Bytes nb_tape_create asks for, about.
 * @param config of the transformer
 * @param size as nb_tape_create gets it */
size_t nb_tape_bytes(const nb_tower_config *config, const nb_tape_size *size);

/** Where the caller puts the input of the next forward pass: [rows, width], the tape's.
 * @param tape owns the rows */
float *nb_tape_input(nb_tape *tape);

/** Runs all blocks over the packed sequences in nb_tape_input.
 * @param tape its input is filled
 * @param lengths [sequences] rows of each, borrowed until the backward pass; their sum is at most the tape's rows
 * @param prefixes [sequences], borrowed until the backward pass; NULL: none
 * @param sequences how many
 * @return the output [sum of lengths, width], the tape's, valid until the next forward pass */
const float *nb_tape_forward(nb_tape *tape, const size_t *lengths, const nb_tape_prefix *prefixes, size_t sequences);

/** The backward pass of the last forward pass; only one.
 * @param tape after nb_tape_forward; lengths and prefixes of that call are read again
 * @param[in,out] d [sum of lengths, width] the gradient by the output, then by the input
 * @param sink gets the weights' gradients */
void nb_tape_backward(nb_tape *tape, float *d, const nb_gradient_sink *sink);

/** Keys and values of a layer of the last forward pass, for use as a prefix. Not with recompute.
 * @param tape after nb_tape_forward
 * @param layer below config->layers
 * @param[out] out [sum of lengths, 2 width] */
void nb_tape_keys(const nb_tape *tape, size_t layer, float *out);

#endif
