/* One CLIP transformer, forward, in fp32: the reference in plain calls of OpenBLAS and
 * common/linear/reference/kernels.h.
 *
 * Sequences of unequal length are packed one behind another without padding, so every linear layer is one product
 * over all rows. (Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, 2021.) */
#ifndef NB_COMMON_CLIP_TOWERS_TOWER_H
#define NB_COMMON_CLIP_TOWERS_TOWER_H

#include "common/clip/checkpoint/config.h"

#include <stdbool.h>

/* Weights of one residual block, borrowed. Matrices are [out, in]. This reference needs them as floats. */
typedef struct nb_block {
    const float *norm1_weight, *norm1_bias;
    const float *qkv_weight, *qkv_bias; /* [3 width, width]: queries, keys, values */
    const float *out_weight, *out_bias;
    const float *norm2_weight, *norm2_bias;
    const float *fc1_weight, *fc1_bias; /* [mlp, width] */
    const float *fc2_weight, *fc2_bias; /* [width, mlp] */
    /* The matrices as an engine has them that packs them; the pointers to floats are then NULL. */
    struct {
        const void *qkv, *out, *fc1, *fc2;
    } packed;
} nb_block;

/* Memory for up to `rows` packed rows of sequences of up to `longest` rows. */
typedef struct nb_tower_scratch {
    size_t rows, longest;
    float *normed; /* [rows, width] */
    float *qkv;    /* [rows, 3 width] */
    float *mixed;  /* [rows, width] */
    float *hidden; /* [rows, mlp] */
    float *scores; /* [longest, longest] */
} nb_tower_scratch;

nb_status nb_tower_scratch_create(nb_tower_scratch *out, const nb_tower_config *config, size_t rows, size_t longest,
                                  nb_error *err);
void nb_tower_scratch_destroy(nb_tower_scratch *scratch);

/* Runs all blocks over x [sum of lengths, width] in place. lengths [sequences]; causal: a row sees only rows up to
 * its own. */
void nb_tower_forward(const nb_tower_config *config, const nb_block *blocks, float *x, const size_t *lengths,
                      size_t sequences, bool causal, nb_tower_scratch *scratch);

#endif
