/** @file
 * Embeds preprocessed images in batches. Nothing here is collective. An encoder is for one thread at a time. */
#ifndef NB_COMMON_CLIP_MODEL_IMAGE_ENCODER_H
#define NB_COMMON_CLIP_MODEL_IMAGE_ENCODER_H

#include "common/clip/model/model.h"

/** Embeds images; holds the memory for a batch. */
typedef struct nb_image_encoder nb_image_encoder;

/** Makes an encoder.
 * @param[out] out freed by nb_image_encoder_destroy; NULL on failure
 * @param clip borrowed for the encoder's life
 * @param batch images usually given at once; more are taken in several steps
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_image_encoder_create(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);

/** Frees an encoder. Takes NULL.
 * @param encoder no longer of use afterwards */
void nb_image_encoder_destroy(nb_image_encoder *encoder);

/** Embeds images.
 * @param encoder its memory is used
 * @param pixels [count, 3, size, size] as nb_preprocess_normalise makes them
 * @param count any number; more than the encoder's batch are taken in several steps
 * @param[out] out [count, projection], NOT normalised */
void nb_image_encoder_run(nb_image_encoder *encoder, const float *pixels, size_t count, float *out);

#endif
