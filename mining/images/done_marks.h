// clang-format off
/** @file
 * What the look at all images (check.h) has found so far, kept in a file beside the store to be, so that a run that was
 * interrupted need not decode all of them again.
 *
 * The file:
 *
 *     what             bytes
 *     ---------------------------------------------------------------------------------------------------------
 *     text line        "negbank image marks 1 IDENTITY", the SHA-256 of the names, places and limits of the images
 *     marks            a byte an image: 0 for one not looked at, else 1 + its nb_image_fault
 *     digest           the SHA-256 of all that
 *
 * The content of the images is not part of the identity: one that is damaged later is an error where it is embedded.
 * Nothing here is collective. */
// clang-format on
#ifndef NB_MINING_IMAGES_DONE_MARKS_H
#define NB_MINING_IMAGES_DONE_MARKS_H

#include "mining/images/image_inputs.h"

/** Reads the file.
 * @param done_marks [in->count] filled; all 0 when there is no such file
 * @param in the images
 * @param path the file
 * @return false when there is none, or it is of other images or damaged */
bool nb_done_marks_read(uint8_t *done_marks, const nb_image_inputs *in, const char *path);

/** Replaces the file.
 * @param done_marks [in->count]
 * @param in the images
 * @param path the file
 * @return NB_OK; NB_ERR_IO when it cannot be written; NB_ERR_LIMIT without memory. */
nb_status nb_done_marks_write(const uint8_t *done_marks, const nb_image_inputs *in, const char *path, nb_error *err);

#endif
