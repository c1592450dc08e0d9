/** @file
 * An image as rows of patches. */
#ifndef NB_COMMON_CLIP_TOWERS_PATCHES_H
#define NB_COMMON_CLIP_TOWERS_PATCHES_H

#include "common/clip/checkpoint/config.h"

/** Cuts one image into patches, in the order of the convolution's weights. Not collective; any thread may call it.
 * @param config its image_size and patch are read
 * @param pixels [3, size, size]
 * @param[out] patches [nb_clip_patches, 3 patch patch] */
void nb_patches_cut(const nb_clip_config *config, const float *pixels, float *patches);

#endif
