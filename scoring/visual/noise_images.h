/**
 * @file
 * Noise images, which TANL's queue of OOD images begins with (CVPR 2026): three each of Gaussian, uniform, Poisson and
 * Gamma noise and of salt and pepper, every channel of every pixel drawn alone, scaled to [0, 1] by the smallest and
 * largest of the image, and not put through the checkpoint's mean and standard deviation.
 */
#ifndef NB_SCORING_VISUAL_NOISE_IMAGES_H
#define NB_SCORING_VISUAL_NOISE_IMAGES_H

#include "common/clip/model/model.h"

enum { NB_NOISE_IMAGES = 15 };

/** Draws and embeds the noise images.
 * @param out [NB_NOISE_IMAGES, d], normalised
 * @param clip the checkpoint; its projection is d
 * @param seed of the random numbers, which the result depends on beside the checkpoint alone
 * @return NB_OK, NB_ERR_NUMERIC when an embedding is zero or not finite, or NB_ERR_LIMIT when memory is out */
nb_status nb_noise_images_embed(float *out, const nb_clip *clip, uint64_t seed, nb_error *err);

#endif
