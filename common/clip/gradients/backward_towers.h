/** @file
 * Both towers forward and backward: from tokens and pixels to embeddings, and from gradients by the embeddings to
 * gradients of every weight. Embeddings are NOT normalised; nor does the logit scale belong here: the loss has both.
 *
 * Nothing here is collective. A tape is for one thread at a time. The model must be in fp32 (nb_engine_fp32). */
#ifndef NB_COMMON_CLIP_GRADIENTS_BACKWARD_TOWERS_H
#define NB_COMMON_CLIP_GRADIENTS_BACKWARD_TOWERS_H

#include "common/clip/gradients/projection_head.h"
#include "common/clip/model/model.h"

/** The text tower over up to `batch` texts of up to config.context tokens. */
typedef struct nb_text_tape {
    const nb_clip *clip;        /**< borrowed */
    size_t batch, count;        /**< capacity; texts of the last forward pass */
    nb_tape tape;               /**< of the transformer */
    nb_projection_head head;    /**< weights, borrowed from the model */
    nb_pooled_rows pooled_rows; /**< [batch, width] */
    const int32_t *ids;         /**< borrowed from forward to backward */
    size_t *lengths;            /**< [batch] */
    float *d;                   /**< [rows, width] */
} nb_text_tape;

/** Allocates the memory for a batch of texts.
 * @param[out] out freed by nb_text_tape_destroy; {0} on failure
 * @param clip borrowed for the tape's life
 * @param batch most texts of a pass
 * @param recompute as in nb_tape_size
 * @return as nb_tape_create */
nb_status nb_text_tape_create(nb_text_tape *out, const nb_clip *clip, size_t batch, bool recompute, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param tape as nb_text_tape_create left it, or {0} */
void nb_text_tape_destroy(nb_text_tape *tape);

/** Embeds texts.
 * @param tape keeps what the backward pass needs
 * @param ids [count, context] tokens, each below the vocabulary's size; borrowed until the backward pass
 * @param lengths [count] tokens of each text, the end token last; ids behind it are not looked at
 * @param count up to the batch
 * @param[out] out [count, d] */
void nb_text_tape_forward(nb_text_tape *tape, const int32_t *ids, const size_t *lengths, size_t count, float *out);

/** Adds the gradients of every weight of the text tower to the sink's.
 * @param tape after nb_text_tape_forward
 * @param dout [count, d] the gradient by the output of the last forward pass
 * @param sink gets the gradients */
void nb_text_tape_backward(nb_text_tape *tape, const float *dout, const nb_gradient_sink *sink);

/** The image tower over up to `batch` images. */
typedef struct nb_image_tape {
    const nb_clip *clip;        /**< borrowed */
    size_t batch, count;        /**< capacity; images of the last forward pass */
    nb_tape tape;               /**< of the transformer */
    nb_projection_head head;    /**< weights, borrowed from the model */
    nb_pooled_rows pooled_rows; /**< [batch, width] */
    const float *pixels;        /**< borrowed from forward to backward */
    size_t *lengths;            /**< [batch] */
    float *patches;             /**< [patches, 3 patch patch] of one image */
    float *embedded;            /**< [rows, width] before the first layer norm */
    float *d, *dembedded;       /**< [rows, width] */
} nb_image_tape;

/** Allocates the memory for a batch of images.
 * @param[out] out freed by nb_image_tape_destroy; {0} on failure
 * @param clip borrowed for the tape's life
 * @param batch most images of a pass
 * @param recompute as in nb_tape_size
 * @return as nb_tape_create */
nb_status nb_image_tape_create(nb_image_tape *out, const nb_clip *clip, size_t batch, bool recompute, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param tape as nb_image_tape_create left it, or {0} */
void nb_image_tape_destroy(nb_image_tape *tape);

/** Embeds images.
 * @param tape keeps what the backward pass needs
 * @param pixels [count, 3, size, size] as nb_preprocess_normalise makes them; borrowed until the backward pass
 * @param count up to the batch
 * @param[out] out [count, d] */
void nb_image_tape_forward(nb_image_tape *tape, const float *pixels, size_t count, float *out);

/** Adds the gradients of every weight of the image tower to the sink's.
 * @param tape after nb_image_tape_forward
 * @param dout [count, d] the gradient by the output of the last forward pass
 * @param sink gets the gradients */
void nb_image_tape_backward(nb_image_tape *tape, const float *dout, const nb_gradient_sink *sink);

/** Bytes that a text tape and an image tape of this shape ask for together, about.
 * @param config of the model
 * @param batch texts, and images, of a pass
 * @param recompute as in nb_tape_size */
size_t nb_tapes_bytes(const nb_clip_config *config, size_t batch, bool recompute);

/** The projection head of the text tower; borrows the model's weights.
 * @param clip in fp32 */
nb_projection_head nb_text_projection_head(const nb_clip *clip);

#endif
