/**
 * @file
 * Small pictures inside a page.
 */
#ifndef NB_SCORING_REPORT_THUMBNAIL_H
#define NB_SCORING_REPORT_THUMBNAIL_H

#include "common/base/memory.h"

enum { NB_THUMBNAIL_SIDE = 112 }; /**< pixels */

/** Appends a "data:image/png;base64,..." address of an image file, made so small that no side is longer than
 * NB_THUMBNAIL_SIDE.
 * @param out appended to; as it was on failure
 * @param path the image
 * @return NB_OK, NB_ERR_LIMIT when memory is out, NB_ERR_INTERNAL when libpng fails, or as nb_image_read_within fails,
 * with limits of 64 MiB and 64 Mi pixels */
nb_status nb_thumbnail(nb_buffer *out, const char *path, nb_error *err);

#endif
