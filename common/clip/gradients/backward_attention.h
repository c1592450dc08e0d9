/* Attention of one sequence, there and back, all heads.
 *
 * A causal sequence may continue a prefix: rows whose keys and values were computed before and are only read. Weights
 * of the attention are computed again on the way back instead of being kept. */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_ATTENTION_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_ATTENTION_H

#include "common/clip/towers/tower.h"
#include "common/linear/simd/gradient.h"

typedef struct nb_attender {
    const nb_tower_config *config; /* borrowed */
    const nb_vector *vector;
    const nb_gradient *gradient;
    bool causal;
    size_t longest;       /* rows of prefix and sequence together */
    float *weights, *d;   /* [longest, longest] when not causal, else [longest] */
    float *joined, *back; /* [longest, 2 width] keys and values of prefix and sequence, and their gradients; causal */
} nb_attender;

nb_status nb_attender_create(nb_attender *out, const nb_tower_config *config, size_t longest, bool causal,
                             nb_error *err);
void nb_attender_destroy(nb_attender *attention);

/* qkv [n, 3 width] -> out [n, width]. prefix: keys and values [before, 2 width], NULL when before is 0. */
void nb_attender_forward(nb_attender *attention, const float *qkv, size_t n, const float *prefix, size_t before,
                         float *out);
/* dout [n, width] -> dqkv [n, 3 width]; the prefix gets no gradient. */
void nb_attender_back(nb_attender *attention, const float *qkv, size_t n, const float *prefix, size_t before,
                      const float *dout, float *dqkv);

#endif
