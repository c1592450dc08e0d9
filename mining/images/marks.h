/* What the look at all images (check.h) has found so far, kept in a file beside the store to be, so that a run that was
 * interrupted need not decode all of them again.
 *
 * The file: a text line "negbank image marks 1 IDENTITY", the SHA-256 of the names, places and limits of the images; a
 * byte an image, 0 for one not looked at, else 1 + its nb_image_fault; the SHA-256 of all that. The content of the
 * images is not part of the identity: one that is damaged later is an error where it is embedded. */
#ifndef NB_IMAGES_MARKS_H
#define NB_IMAGES_MARKS_H

#include "mining/images/image_inputs.h"

/* Fills marks [in->count] from the file. False, and marks are all 0, when there is none, or it is of other images or
 * damaged. */
bool nb_image_marks_read(uint8_t *marks, const nb_image_inputs *in, const char *path);
/* Replaces the file. */
nb_status nb_image_marks_write(const uint8_t *marks, const nb_image_inputs *in, const char *path, nb_error *err);

#endif
