/* The labels of images: where they come from, and their numbers. For mining/images only. */
#ifndef NB_MINING_IMAGES_IMAGE_LABELS_H
#define NB_MINING_IMAGES_IMAGE_LABELS_H

#include "mining/images/builder.h"

/** True for the words that `labels_from` may be (mining/images/image_inputs.h lists them). Not collective. */
bool nb_image_labels_known(const char *labels_from);

/** The suffix of a shard's members that hold labels, "cls" for instance; NULL where `labels_from` takes them from
 * elsewhere. Not collective. */
const char *nb_image_labels_suffix(const char *labels_from);

/** Sets labels and classes of the list that is built. Not collective.
 *
 * @param b           its images, with the origins of their labels; b->out gets `labels` [count] and `classes`
 * @param labels_from a word that nb_image_labels_known knows
 * @return NB_OK, NB_ERR_USAGE when "auto" finds two kinds, NB_ERR_INPUT when no image has a label of that kind or one
 * is out of range, or NB_ERR_LIMIT when memory is out. */
nb_status nb_image_labels_assign(nb_image_builder *b, const char *labels_from, nb_error *err);

#endif
