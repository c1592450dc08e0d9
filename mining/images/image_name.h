/* What a name tells of an image, before its file is opened. */
#ifndef NB_MINING_IMAGES_IMAGE_NAME_H
#define NB_MINING_IMAGES_IMAGE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/** Suffixes of image formats that are not read. */
enum { NB_IMAGE_OTHER_SUFFIXES = 30 };

/** The suffix of an image format that is not read (".heic", ".avif", ".svg", ...), in any case. Not collective.
 * @param name of a file
 * @return its number, below NB_IMAGE_OTHER_SUFFIXES, or -1 for another name */
int nb_image_name_other(const char *name);

/** Such a suffix. Not collective.
 * @param number below NB_IMAGE_OTHER_SUFFIXES
 * @return a constant string */
const char *nb_image_other_suffix(int number);

/** True for a `name` that ends in .jpg, .jpeg, .jfif, .jpe, .pjpeg, .pjp, .png, .apng, .webp, .gif or .bmp, in any
 * case. Not collective. */
bool nb_image_name_has_suffix(const char *name);

/** True for what macOS puts beside files: a part of `name` begins with "._", or is the folder "__MACOSX". Not
 * collective. */
bool nb_image_name_hidden(const char *name);

/** True when `name` [len] is UTF-8 without control characters: it may stand in a line of text. Not collective. */
bool nb_image_name_is_text(const char *name, size_t len);

#endif
