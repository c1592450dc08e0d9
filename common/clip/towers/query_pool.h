/** @file
 * Pools all rows of an image by the attention of one learned query into another width, as open_clip's CoCa does it (Yu
 * et al.: CoCa: Contrastive Captioners are Image-Text Foundation Models, 2022; open_clip/transformer.py,
 * AttentionalPooler). The query is the same for every image, so its norm and projection are computed once. Nothing here
 * is collective. An nb_query_pool is for one thread at a time. */
#ifndef NB_COMMON_CLIP_TOWERS_QUERY_POOL_H
#define NB_COMMON_CLIP_TOWERS_QUERY_POOL_H

#include "common/clip/towers/forward.h"

/** Its weights, borrowed. Of `config`, width is that of the rows and pool_width that of what comes out. */
typedef struct nb_query_weights {
    const float *query;                 /**< [pool_width] the first one */
    nb_norm_weights query_norm;         /**< [pool_width] */
    nb_norm_weights row_norm;           /**< [width] */
    const float *query_weight;          /**< [pool_width, pool_width] */
    const float *kv_weight;             /**< [2 pool_width, width] keys, values; NULL where the engine packs */
    const void *packed_kv;              /**< it as the engine packs it */
    const float *bias;                  /**< [3 pool_width] of queries, keys, values */
    const float *out_weight, *out_bias; /**< [pool_width, pool_width], [pool_width] */
} nb_query_weights;

/** The pooling with its memory. */
typedef struct nb_query_pool {
    const nb_tower_config *config;   /**< borrowed */
    const nb_query_weights *weights; /**< borrowed */
    const nb_engine *engine;         /**< computes keys and values, and the attention */
    const nb_vector *vector;         /**< the small kernels */
    float *query;                    /**< [pool_width] normed and projected */
    float *normed;                   /**< [length, width] of one image */
    float *kv;                       /**< [length, 2 pool_width] of one image */
    float *attended;                 /**< [count, pool_width] */
    void *input;                     /**< [length, width] in the engine's form */
    void *scratch;                   /**< of the attention */
} nb_query_pool;

/** Allocates the memory and projects the query.
 * @param[out] out freed by nb_query_pool_destroy; {0} on failure
 * @param engine whose form the weights have
 * @param config of the image tower, borrowed
 * @param weights borrowed
 * @param size `longest` rows of an image, `pooled` images at most
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_query_pool_create(nb_query_pool *out, const nb_engine *engine, const nb_tower_config *config,
                               const nb_query_weights *weights, const nb_forward_size *size, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param pool as nb_query_pool_create left it, or {0} */
void nb_query_pool_destroy(nb_query_pool *pool);

/** Pools images.
 * @param pool fits them
 * @param rows [count, length, width] the last block's output
 * @param count images
 * @param length rows of each
 * @param[out] pooled [count, pool_width] */
void nb_query_pool_run(nb_query_pool *pool, const float *rows, size_t count, size_t length, float *pooled);

#endif
