/** @file
 * Embeds texts in batches. Nothing here is collective. An encoder is for one thread at a time. */
#ifndef NB_COMMON_CLIP_MODEL_TEXT_ENCODER_H
#define NB_COMMON_CLIP_MODEL_TEXT_ENCODER_H

#include "common/clip/model/model.h"

/** Embeds texts; holds the memory for a batch. */
typedef struct nb_text_encoder nb_text_encoder;

/** Makes an encoder of up to `batch` texts at once.
 * @param[out] out freed by nb_text_encoder_destroy; NULL on failure
 * @param clip borrowed for the encoder's life
 * @param batch most texts of a call
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_text_encoder_create(nb_text_encoder **out, const nb_clip *clip, size_t batch, nb_error *err);

/** Frees an encoder. Takes NULL.
 * @param encoder no longer of use afterwards */
void nb_text_encoder_destroy(nb_text_encoder *encoder);

/** Embeds texts [begin, begin + count) of a list. The same texts in the same batch give the same bits. Where
 * the tower is causal, rows of shared prefixes are computed once, and nothing behind the row that is read; where it is
 * bidirectional, every text takes the whole context, and only equal texts are computed once.
 * @param encoder its memory is used
 * @param texts the list
 * @param begin the first one's number
 * @param count up to the batch
 * @param[out] out [count, projection], NOT normalised
 * @return NB_OK, or as nb_tokenizer_encode of the first text that it refuses, NB_ERR_INPUT for a token outside of the
 * model's vocabulary */
nb_status nb_text_encoder_run(nb_text_encoder *encoder, const nb_strings *texts, size_t begin, size_t count, float *out,
                              nb_error *err);

#endif
