/* An image as rows of patches. */
#ifndef NB_COMMON_CLIP_TOWERS_PATCHES_H
#define NB_COMMON_CLIP_TOWERS_PATCHES_H

#include "common/clip/checkpoint/config.h"

/* Cuts one image [3, size, size] into rows [patches, 3 patch patch], the order of the convolution's weights. */
void nb_patches_cut(const nb_clip_config *config, const float *pixels, float *patches);

#endif
