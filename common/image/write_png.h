/** @file
 * Images as 8-bit RGB PNG files. Nothing here is collective; any number of threads may call it. */
#ifndef NB_COMMON_IMAGE_WRITE_PNG_H
#define NB_COMMON_IMAGE_WRITE_PNG_H

#include "common/image/decode.h"

/** Writes a PNG under its partial name and renames it.
 * @param path of the file
 * @param image its pixels are written
 * @param force replace a file that exists
 * @return NB_OK, or NB_ERR_USAGE for an image without pixels, or as nb_output_begin (common/base/file.h), NB_ERR_IO
 * when writing fails */
nb_status nb_image_write_png(const char *path, const nb_image *image, bool force, nb_error *err);

/** Appends the same PNG to a buffer.
 * @param[in,out] out the PNG is appended to it
 * @param image its pixels are encoded
 * @return NB_OK, or NB_ERR_USAGE for an image without pixels, NB_ERR_LIMIT without memory or over the buffer's maximum
 */
nb_status nb_image_encode_png(nb_buffer *out, const nb_image *image, nb_error *err);

#endif
