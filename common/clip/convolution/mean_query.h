/** @file
 * How CLIP's ResNets pool the pixels of their last layer: the mean of all pixels is set before them, positions are
 * added, and the mean's row attends to all rows (Radford et al., 2021, AttentionPool2d). Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CONVOLUTION_MEAN_QUERY_H
#define NB_COMMON_CLIP_CONVOLUTION_MEAN_QUERY_H

#include "common/clip/checkpoint/config.h"
#include "common/linear/engine.h"

/** Its weights, borrowed. */
typedef struct nb_mean_query_weights {
    const float *position; /**< [pixels + 1, width] */
    const void *qkv;       /**< [3 width, width] as the engine has it: queries, keys, values */
    const float *bias;     /**< [3 width] */
} nb_mean_query_weights;

/** Holds the memory for an image. */
typedef struct nb_mean_query nb_mean_query;

/** Makes one.
 * @param[out] out freed by nb_mean_query_destroy; NULL on failure
 * @param engine that packed the weights
 * @param config its image tower's width and heads, and its pixels (nb_clip_patches) are read
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_mean_query_create(nb_mean_query **out, const nb_engine *engine, const nb_clip_config *config,
                               nb_error *err);

/** Frees one. Takes NULL.
 * @param query no longer of use afterwards */
void nb_mean_query_destroy(nb_mean_query *query);

/** Pools one image.
 * @param query its memory is used
 * @param weights of the tower
 * @param pixels [pixels, width]
 * @param[out] out [width], before the projection */
void nb_mean_query_run(nb_mean_query *query, const nb_mean_query_weights *weights, const float *pixels, float *out);

#endif
