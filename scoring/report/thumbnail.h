/**
 * @file
 * Small pictures inside a page.
 */
#ifndef NB_SCORING_REPORT_THUMBNAIL_H
#define NB_SCORING_REPORT_THUMBNAIL_H

#include "common/base/memory.h"

enum { NB_THUMBNAIL_SIDE = 112 };

/** Appends a "data:image/png;base64,..." address of the image file, made so small that no side is longer than
 * NB_THUMBNAIL_SIDE. Fails as nb_image_read_within does, its limits 64 MiB and 64 Mi pixels; *out is then as it was.
 * @return NB_OK, or as nb_image_read_within fails */
nb_status nb_thumbnail(nb_buffer *out, const char *path, nb_error *err);

#endif
