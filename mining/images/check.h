/* The look at all images before a long run: which ones can be decoded. */
#ifndef NB_IMAGES_CHECK_H
#define NB_IMAGES_CHECK_H

#include "common/base/log.h"
#include "common/parallel/team.h"
#include "mining/images/inputs.h"

/* Lines of the log that name images left out. */
enum { NB_IMAGES_NAMED = 100 };

/* Collective. Decodes every image once, tiles taken from a queue, and removes those that cannot be decoded from
 * `inputs` on all ranks alike. *dropped counts them; rank 0 names the first NB_IMAGES_NAMED, in the order of the
 * inputs, and counts all by reason. Asked to stop, where the
 * caller listens (common/parallel/stop.h), NB_STOPPED: nothing is kept. NB_ERR_INPUT
 * when none is left. */
nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *inputs, size_t *dropped,
                          nb_error *err);

#endif
