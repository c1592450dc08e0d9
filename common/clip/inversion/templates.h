/** @file
 * The 80 prompt templates that CLIP's authors published for ImageNet, in their order; {} is the class. */
#ifndef NB_COMMON_CLIP_INVERSION_TEMPLATES_H
#define NB_COMMON_CLIP_INVERSION_TEMPLATES_H

#include <stddef.h>

/** The templates. Not collective; any thread may call it.
 * @param[out] count their number
 * @return [count] constant strings */
const char *const *nb_clip_templates(size_t *count);

#endif
