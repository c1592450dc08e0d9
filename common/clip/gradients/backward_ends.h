/* What stands behind both towers, with its way back: the pooled rows' layer norm and the projection. */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_ENDS_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_ENDS_H

#include "common/clip/gradients/backward.h"

/* Weights of one tower's end, borrowed. */
typedef struct nb_end {
    const float *norm_weight, *norm_bias, *projection; /* projection [d, width] */
    size_t width, d;
    float epsilon;
    const nb_vector *vector;
    const nb_gradient *gradient;
} nb_end;

/* top [count, width] -> out [count, d]; normed [count, width] is kept by the caller for the way back. */
void nb_end_forward(const nb_end *end, const float *top, size_t count, float *normed, float *out);
/* dout [count, d] -> dtop [count, width], which is overwritten; scratch [count, width]. */
void nb_end_back(const nb_end *end, const float *top, const float *normed, const float *dout, size_t count, float *dtop,
                 float *scratch, const nb_sink *sink);

#endif
