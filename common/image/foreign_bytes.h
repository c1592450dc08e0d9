/** @file
 * What lies where an image should: a page that a server sent, a pointer to a file, a format that is not read. For
 * common/image only; nothing here is collective. */
#ifndef NB_COMMON_IMAGE_FOREIGN_BYTES_H
#define NB_COMMON_IMAGE_FOREIGN_BYTES_H

#include "common/image/decode.h"

/** What bytes are that no decoder knows, by how they begin.
 * @param bytes [len]
 * @param len bytes, over 0
 * @param[out] fault which of the faults that is
 * @return words for a message: "HTML", "an AVIF image", ...; NULL when it is not known */
const char *nb_image_foreign(const unsigned char *bytes, size_t len, nb_image_fault *fault);

#endif
