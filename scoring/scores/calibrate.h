/**
 * @file
 * A threshold for a bank from held-out ID images.
 */
#ifndef NB_SCORING_SCORES_CALIBRATE_H
#define NB_SCORING_SCORES_CALIBRATE_H

#include "common/store/embeddings.h"
#include "scoring/bank/bank.h"

enum { NB_CALIBRATE_IMAGES_MIN = 20 };
#define NB_CALIBRATE_RECALL 0.95

/** Scores the images of a store as the bank suggests and takes the highest threshold that accepts at least `recall` of
 * them: the score of image number ceil(recall n) from the top. Images with label -1 are no ID images and are left out;
 * a store without labels is taken as ID images all of it. Not collective.
 * @param out becomes the threshold
 * @param bank whose suggestion is followed
 * @param images [n, d]; read, not kept
 * @param recall share within (0, 1]
 * @return NB_OK; NB_ERR_INPUT when the widths differ, the suggested score is unknown, or there are under
 * NB_CALIBRATE_IMAGES_MIN images (95 % of fewer is all of them); NB_ERR_USAGE for a score of streams or parameters it
 * cannot work with; NB_ERR_NUMERIC when the threshold is not finite; NB_ERR_IO or NB_ERR_LIMIT as reading fails */
nb_status nb_calibrate(nb_bank_threshold *out, const nb_bank *bank, nb_store *images, double recall, nb_error *err);

/** Counts rows of `images` that stand in `others` too, bit for bit: images that are not held out. Not collective.
 * @param shared becomes the count
 * @param images a store, open
 * @param others a store, open
 * @return NB_OK, or NB_ERR_IO, NB_ERR_INPUT or NB_ERR_LIMIT as reading fails */
nb_status nb_calibrate_shared(size_t *shared, nb_store *images, nb_store *others, nb_error *err);

#endif
