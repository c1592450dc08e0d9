/** @file
 * The decoders behind nb_image_decode, one a format; for common/image only.
 *
 * Each takes the whole file, fills *out by nb_image_create_within and, on failure, leaves freeing what it allocated
 * there to the caller. Its messages name the format and the cause; the caller adds the name of the image. Nothing here
 * is collective; any number of threads may decode. */
#ifndef NB_IMAGE_FORMATS_H
#define NB_IMAGE_FORMATS_H

#include "common/image/decode.h"

/** Decodes a JPEG.
 * @param[out] out from {0}
 * @param bytes [len]
 * @param len bytes
 * @param pixels most that are accepted
 * @return NB_OK, or NB_ERR_INPUT for damaged, truncated or unsupported data or an image over the limit, NB_ERR_LIMIT
 * without memory */
nb_status nb_jpeg_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Decodes a PNG.
 * @param[out] out from {0}
 * @param bytes [len]
 * @param len bytes
 * @param pixels most that are accepted
 * @return as nb_jpeg_decode, and NB_ERR_INTERNAL where libpng makes longer rows than it was asked for */
nb_status nb_png_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Decodes a WebP.
 * @param[out] out from {0}
 * @param bytes [len]
 * @param len bytes
 * @param pixels most that are accepted
 * @return as nb_jpeg_decode, and NB_ERR_INTERNAL where libwebp is not of its headers' version */
nb_status nb_webp_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Decodes the first frame of a GIF.
 * @param[out] out from {0}
 * @param bytes [len]
 * @param len bytes
 * @param pixels most that are accepted
 * @return as nb_jpeg_decode */
nb_status nb_gif_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Decodes a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, plain or with run lengths.
 * @param[out] out from {0}
 * @param bytes [len], of which nb_bmp_known knows the header
 * @param len bytes
 * @param pixels most that are accepted
 * @return as nb_jpeg_decode */
nb_status nb_bmp_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Decodes the first image of a TIFF.
 * @param[out] out from {0}
 * @param bytes [len]
 * @param len bytes
 * @param pixels most that are accepted
 * @return as nb_jpeg_decode */
nb_status nb_tiff_decode(nb_image *out, const unsigned char *bytes, size_t len, size_t pixels, nb_error *err);

/** Whether bytes begin as a BMP whose header is known.
 * @param bytes [len]
 * @param len bytes
 * @return true when nb_bmp_decode may be tried */
bool nb_bmp_known(const unsigned char *bytes, size_t len);

#endif
