/* What a name tells of an image, before its file is opened. */
#ifndef NB_MINING_IMAGES_IMAGE_NAME_H
#define NB_MINING_IMAGES_IMAGE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/** True for a `name` that ends in .jpg, .jpeg, .png or .webp, in any case. Not collective. */
bool nb_image_name_has_suffix(const char *name);

/** True when `name` [len] is UTF-8 without control characters: it may stand in a line of text. Not collective. */
bool nb_image_name_is_text(const char *name, size_t len);

#endif
