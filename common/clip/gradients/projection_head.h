/** @file
 * The projection head of both towers, forward and backward: the pooled rows' layer norm and the projection. Nothing
 * here is collective. */
#ifndef NB_COMMON_CLIP_GRADIENTS_PROJECTION_HEAD_H
#define NB_COMMON_CLIP_GRADIENTS_PROJECTION_HEAD_H

#include "common/clip/gradients/backward.h"

/** Weights of one tower's projection head, borrowed. */
typedef struct nb_projection_head {
    const float *norm_weight, *norm_bias; /**< [width] */
    const float *projection;              /**< [d, width] */
    size_t width, d;                      /**< of the tower; of the embeddings */
    float epsilon;                        /**< of the layer norm */
    const nb_vector *vector;              /**< for the layer norm */
    const nb_gradient *gradient;          /**< for its gradient */
} nb_projection_head;

/** The pooled rows of a batch and their gradients, in the projection head, forward and backward. */
typedef struct nb_pooled_rows {
    float *pooled;  /**< [batch, width] the tower's output; the caller fills it before the forward pass */
    float *normed;  /**< [batch, width] behind the layer norm; kept from forward to backward */
    float *dpooled; /**< [batch, width] the gradient by `pooled`, of the backward pass */
    float *scratch; /**< [batch, width] */
} nb_pooled_rows;

/** Allocates the rows.
 * @param[out] out freed by nb_pooled_rows_destroy, also after a failure
 * @param batch most rows
 * @param width of the tower
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_pooled_rows_create(nb_pooled_rows *out, size_t batch, size_t width, nb_error *err);

/** Frees the rows and clears the struct. Takes {0}.
 * @param rows as nb_pooled_rows_create left them, or {0} */
void nb_pooled_rows_destroy(nb_pooled_rows *rows);

/** Layer norm and projection of rows->pooled.
 * @param head the weights
 * @param rows their `pooled` is read, their `normed` is filled
 * @param count rows, up to the batch
 * @param[out] out [count, d] */
void nb_projection_head_forward(const nb_projection_head *head, nb_pooled_rows *rows, size_t count, float *out);

/** The gradient by rows->pooled, into rows->dpooled, and those of the head's weights, added to the sink's.
 * @param head the weights
 * @param rows as the forward pass left them
 * @param dout [count, d] the gradient by the output
 * @param count rows, as in the forward pass
 * @param sink its arena has the head's weights in it */
void nb_projection_head_backward(const nb_projection_head *head, nb_pooled_rows *rows, const float *dout, size_t count,
                                 const nb_gradient_sink *sink);

#endif
