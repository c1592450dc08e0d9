/**
 * @file
 * Rows of a store of images as scores want them.
 */
#ifndef NB_SCORING_FILES_IMAGE_ROWS_H
#define NB_SCORING_FILES_IMAGE_ROWS_H

#include "common/store/embeddings.h"

/** Reads rows of a store of images, normalised. Messages name the store.
 * @param store open
 * @param begin first row
 * @param count rows
 * @param out [count, width] filled
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_store_rows_float and nb_score_normalise fail */
nb_status nb_image_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

#endif
