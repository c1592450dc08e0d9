/* The look at all images before a long run: which ones can be decoded. */
#ifndef NB_IMAGES_CHECK_H
#define NB_IMAGES_CHECK_H

#include "common/base/log.h"
#include "common/parallel/team.h"
#include "mining/images/inputs.h"

/* Collective. Decodes every image once, tiles dealt to ranks, and removes those that cannot be decoded from `inputs` on
 * all ranks alike. *dropped counts them; rank 0 names the first of its own in the log. NB_ERR_INPUT with the last cause
 * when none is left. */
nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *inputs, size_t *dropped,
                          nb_error *err);

#endif
