/** @file
 * Computes the convolutions of an image tower (common/clip/checkpoint/layers.h), one image at a time: products by an
 * engine (common/linear/engine.h) over the windows' pixels, gathered some rows at a time; the rest by
 * common/linear/simd. An image's bits do not depend on the images beside it.
 *
 * Nothing here is collective. A convolver is for one thread at a time. */
#ifndef NB_COMMON_CLIP_CONVOLUTION_CONVOLVER_H
#define NB_COMMON_CLIP_CONVOLUTION_CONVOLVER_H

#include "common/clip/checkpoint/layers.h"
#include "common/linear/engine.h"

/** A layer with its weights, borrowed. */
typedef struct nb_convolution {
    nb_layer layer;      /**< what it computes */
    const float *weight; /**< [outputs, kernel, kernel, inputs]; [kernel, kernel, channels] of a depthwise one;
                            [channels] of a norm; NULL: the engine packs it, or there is none */
    const void *packed;  /**< the matrix as the engine has it */
    const float *bias;   /**< [outputs]; NULL: a mean has none */
} nb_convolution;

/** Holds the memory for an image. */
typedef struct nb_convolver nb_convolver;

/** Makes a convolver.
 * @param[out] out freed by nb_convolver_destroy; NULL on failure
 * @param engine that packed the weights
 * @param config its layers' shapes are read
 * @param layers [nb_layers_visit of config] borrowed for the convolver's life
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_convolver_create(nb_convolver **out, const nb_engine *engine, const nb_clip_config *config,
                              const nb_convolution *layers, nb_error *err);

/** Frees a convolver. Takes NULL.
 * @param convolver no longer of use afterwards */
void nb_convolver_destroy(nb_convolver *convolver);

/** Bytes that a convolver takes.
 * @param engine of the model
 * @param config its layers' shapes are read */
size_t nb_convolver_bytes(const nb_engine *engine, const nb_clip_config *config);

/** Convolves one image.
 * @param convolver its memory is used
 * @param pixels [3, size, size] as nb_preprocess_normalise makes them
 * @return the last layer's output [nb_clip_patches, width], the convolver's, until the next call */
float *nb_convolver_run(nb_convolver *convolver, const float *pixels);

#endif
