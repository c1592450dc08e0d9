/** @file
 * Reads the weights of an image tower's convolutions. Batch norms and factors behind a convolution become part of its
 * matrix and bias. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_MODEL_CONVOLUTION_WEIGHTS_H
#define NB_COMMON_CLIP_MODEL_CONVOLUTION_WEIGHTS_H

#include "common/clip/convolution/convolver.h"
#include "common/clip/model/stored_tensor.h"

/** Where weights come from and go to. */
typedef struct nb_convolution_weights {
    nb_stored_tensors from;  /**< its checkpoint is NULL where nothing is read */
    const nb_engine *engine; /**< packs the matrices */
    char *arena;             /**< aligned to 64; NULL: nothing is stored */
    size_t used;             /**< bytes of the arena that are taken; more afterwards */
    nb_convolution *layers;  /**< [nb_layers_visit] get their weights; NULL: none do */
} nb_convolution_weights;

/** Goes through all layers: checks their tensors where there is a checkpoint, reads them where there is an arena too,
 * and points the layers into the arena where there is one.
 * @param[in,out] weights its `used` and layers are changed
 * @param config the shape
 * @return NB_OK, or as nb_stored_tensor_take, NB_ERR_INPUT naming the first tensor that is missing, NB_ERR_LIMIT
 * without memory */
nb_status nb_convolution_weights_take(nb_convolution_weights *weights, const nb_clip_config *config, nb_error *err);

#endif
