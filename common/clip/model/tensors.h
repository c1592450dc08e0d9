/* A model's weights as named tensors, the way Hugging Face's CLIPModel names and shapes them: what is written into a
 * checkpoint. Any arena laid out as the weights will do: gradients, an optimiser's state. */
#ifndef NB_COMMON_CLIP_MODEL_TENSORS_H
#define NB_COMMON_CLIP_MODEL_TENSORS_H

#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/model.h"

typedef struct nb_clip_tensors {
    nb_tensor *tensors; /* [count], F32, data inside the arena; logit_scale first, then text, then image */
    size_t count;
    nb_strings names; /* the tensors' */
} nb_clip_tensors;

/* `arena` [nb_clip_parameters] is laid out as the weights of `clip`, whose own arena begins at `weights`. The caller
 * frees *out, which is {0} on failure. */
nb_status nb_clip_tensors_list(nb_clip_tensors *out, const nb_clip *clip, const float *weights, const float *arena,
                               nb_error *err);
void nb_clip_tensors_free(nb_clip_tensors *tensors);

#endif
