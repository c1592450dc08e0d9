/* One CLIP transformer with a way back: forward as common/clip/towers/tower.h, keeping what the gradients need, then
 * backward.
 *
 * What is kept of a layer is its input, the queries, keys and values, the attention's output, the rows between
 * attention and perceptron, and the perceptron's inner rows: 10 rows of the width for every row. With `recompute` only
 * the inputs are kept and a layer is computed a second time on the way back: one forward pass more for a tenth of the
 * memory, and the same bits. Layer norms and activations are always computed again. */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_H

#include "common/clip/gradients/backward_attention.h"

/* Where gradients go: an arena laid out as that of the weights (common/clip/model/weights.h). Gradients are added to
 * what is there. gradients NULL: the weights are frozen and get none. */
typedef struct nb_sink {
    const float *weights;
    float *gradients;
} nb_sink;

/* The place of a weight's gradient, NULL when it is frozen. */
static inline float *nb_sink_at(const nb_sink *sink, const float *weight)
{
    return sink->gradients ? sink->gradients + (weight - sink->weights) : NULL;
}

/* What is kept of one layer. */
typedef struct nb_tape_layer {
    float *qkv;   /* [rows, 3 width] */
    float *mixed; /* [rows, width] */
    float *mid;   /* [rows, width] behind the attention */
    float *inner; /* [rows, mlp] before the activation */
} nb_tape_layer;

/* Rows before a causal sequence, as nb_tape_keys gave them: keys [layers][before, 2 width]. */
typedef struct nb_tape_prefix {
    const float *keys;
    size_t before;
} nb_tape_prefix;

typedef struct nb_tape {
    const nb_tower_config *config; /* borrowed */
    const nb_block *blocks;        /* borrowed */
    const nb_vector *vector;
    const nb_gradient *gradient;
    bool recompute;
    size_t rows;           /* room */
    float *inputs;         /* [layers + 1][rows, width]: of every layer, and the last one's output */
    nb_tape_layer *layers; /* [layers], or one with recompute */
    nb_attender attention;
    float *narrow, *wide;           /* scratch [rows, 3 width] and [rows, mlp or width] */
    size_t sequences, used;         /* of the last forward pass */
    const size_t *lengths;          /* borrowed until the way back */
    const nb_tape_prefix *prefixes; /* borrowed likewise */
} nb_tape;

/* Room for `rows` packed rows of sequences of up to `longest` rows, their prefixes included. */
nb_status nb_tape_create(nb_tape *out, const nb_tower_config *config, const nb_block *blocks, size_t rows,
                         size_t longest, bool causal, bool recompute, nb_error *err);
/* Takes NULL and {0}. */
void nb_tape_destroy(nb_tape *tape);
/* Bytes nb_tape_create asks for. */
size_t nb_tape_bytes(const nb_tower_config *config, size_t rows, size_t longest, bool causal, bool recompute);

/* [rows, width], filled by the caller before forward. */
float *nb_tape_input(nb_tape *tape);
/* All blocks over the packed sequences. prefixes [sequences] or NULL. Returns the output [rows, width], the tape's. */
const float *nb_tape_forward(nb_tape *tape, const size_t *lengths, const nb_tape_prefix *prefixes, size_t sequences);
/* d [rows, width]: the gradient by the output on the way in, by the input on the way out. */
void nb_tape_backward(nb_tape *tape, float *d, const nb_sink *sink);

/* Keys and values [used rows, 2 width] of a layer of the last forward pass, for use as a prefix. Not with recompute. */
void nb_tape_keys(const nb_tape *tape, size_t layer, float *out);

#endif
