/**
 * @file
 * Rows of a store of images as scores want them.
 */
#ifndef NB_SCORING_FILES_IMAGE_ROWS_H
#define NB_SCORING_FILES_IMAGE_ROWS_H

#include "common/store/embeddings.h"

/** Rows [begin, begin + count) into out [count, width], normalised. Errors of nb_store_rows_float and
 * nb_score_normalise, which name the store.
 * @return NB_OK, or as nb_store_rows_float and nb_score_normalise fail */
nb_status nb_image_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err);

#endif
