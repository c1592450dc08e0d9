/* How well the model at hand tells the ID classes apart. */
#ifndef NB_MINING_TUNING_EVALUATE_H
#define NB_MINING_TUNING_EVALUATE_H

#include "common/clip/model/model.h"
#include "common/parallel/team.h"
#include "mining/images/image_inputs.h"

/* Collective; the same on all ranks. Of the labelled images, those whose class's prompted label is the text of the
 * largest cosine, the lowest class among equals. Tiles of images are dealt to ranks. */
nb_status nb_tune_evaluate(const nb_team *team, const nb_clip *clip, const nb_image_inputs *images,
                           const nb_strings *labels, const char *prompt, uint64_t *right, nb_error *err);

#endif
