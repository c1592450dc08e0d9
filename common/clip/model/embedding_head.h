/** @file
 * From the rows of a tower's last block to embeddings: pooling, the last layer norm, the projection. Nothing here is
 * collective. */
#ifndef NB_COMMON_CLIP_MODEL_EMBEDDING_HEAD_H
#define NB_COMMON_CLIP_MODEL_EMBEDDING_HEAD_H

#include "common/clip/model/model.h"
#include "common/linear/simd/vector.h"

/** What stands behind a tower's blocks; borrows the model's weights. */
typedef struct nb_embedding_head {
    const nb_tower_config *config;  /**< of the tower */
    nb_norm_weights norm;           /**< [width]; NULL: none */
    const float *tanh, *tanh_bias;  /**< [width, width], [width] a layer before the projection; NULL: none */
    const float *hidden;            /**< [projection_hidden, width] of a projection by an MLP; NULL: none */
    const float *hidden_bias;       /**< [projection_hidden]; NULL: none */
    float *scratch;                 /**< [count, the larger of width and projection_hidden] of either; else NULL */
    size_t first;                   /**< rows in front that a mean leaves out */
    const float *projection, *bias; /**< [dimension, width], [dimension]; NULL: none */
    size_t dimension;               /**< of the embeddings */
    const nb_vector *vector;        /**< the small kernels */
} nb_embedding_head;

/** The head of the text tower.
 * @param clip an open model */
nb_embedding_head nb_text_embedding_head(const nb_clip *clip);

/** The head of the image tower.
 * @param clip an open model */
nb_embedding_head nb_image_embedding_head(const nb_clip *clip);

/** Whether a tower pools by one row, so that of its last block only that one is needed.
 * @param config of the tower */
bool nb_pools_by_row(const nb_tower_config *config);

/** Pools sequences of equal length of a tower that does not pool by one row.
 * @param head of the tower
 * @param[in,out] rows [count, length, width] the last block's output; overwritten
 * @param count sequences
 * @param length rows of each
 * @param[out] pooled [count, width] */
void nb_embedding_head_pool(const nb_embedding_head *head, float *rows, size_t count, size_t length, float *pooled);

/** From pooled rows to embeddings.
 * @param head of the tower
 * @param[in,out] pooled [count, width]; overwritten
 * @param count how many
 * @param[out] out [count, dimension], not normalised */
void nb_embedding_head_run(const nb_embedding_head *head, float *pooled, size_t count, float *out);

#endif
