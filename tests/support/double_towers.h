/* Both CLIP towers in plain double-precision loops, written for themselves: what gradients are differenced from. */
#ifndef NB_TESTS_DOUBLE_TOWERS_H
#define NB_TESTS_DOUBLE_TOWERS_H

#include "common/clip/model/model.h"

/* A model's weights as doubles, in the layout of its arena. */
typedef struct double_model {
    const nb_clip *clip;
    const float *base; /* of the float arena */
    double *weights;   /* [nb_clip_parameters] */
} double_model;

void double_model_open(double_model *out, const nb_clip *clip, const float *base);
void double_model_close(double_model *model);

/* One text of `length` tokens -> out [projection], not normalised. */
void double_text(const double_model *model, const int32_t *ids, size_t length, double *out);
/* One image [3, size, size] -> out [projection], not normalised. */
void double_image(const double_model *model, const float *pixels, double *out);

#endif
