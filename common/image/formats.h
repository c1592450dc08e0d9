/* The decoders behind nb_image_decode, one a format; for common/image only.
 *
 * Each takes the whole file, fills *out by nb_image_create_within and, on failure, leaves freeing what it allocated
 * there to the caller. Its messages name the format and the cause; the caller adds the name of the image. */
#ifndef NB_IMAGE_FORMATS_H
#define NB_IMAGE_FORMATS_H

#include "common/image/decode.h"

nb_status nb_jpeg_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);
nb_status nb_png_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);
nb_status nb_webp_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

#endif
