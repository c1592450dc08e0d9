/** @file
 * A model's weights as named tensors, the way Hugging Face's CLIPModel names and shapes them: what is written into a
 * checkpoint. Any arena of the same layout will do: gradients, an optimiser's state. Nothing here is collective.
 */
#ifndef NB_COMMON_CLIP_MODEL_TENSORS_H
#define NB_COMMON_CLIP_MODEL_TENSORS_H

#include "common/clip/checkpoint/safetensors.h"
#include "common/clip/model/model.h"

/** Tensors in the order they are written: logit_scale first, then text, then image. */
typedef struct nb_clip_tensors {
    nb_tensor *tensors; /**< [count], F32, data inside the arena */
    size_t count;       /**< tensors */
    nb_strings names;   /**< the tensors' */
} nb_clip_tensors;

/** Lists the tensors of an arena.
 * @param[out] out freed by nb_clip_tensors_free; {0} on failure
 * @param clip in fp32
 * @param weights where the model's own arena begins
 * @param arena [nb_clip_parameters] laid out likewise; borrowed for the list's life
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_clip_tensors_list(nb_clip_tensors *out, const nb_clip *clip, const float *weights, const float *arena,
                               nb_error *err);

/** Frees the list and clears the struct. Takes NULL and {0}.
 * @param tensors as nb_clip_tensors_list left them, or {0} */
void nb_clip_tensors_free(nb_clip_tensors *tensors);

#endif
