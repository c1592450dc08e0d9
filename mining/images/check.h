/* The look at all images before a long run: which ones can be decoded. */
#ifndef NB_IMAGES_CHECK_H
#define NB_IMAGES_CHECK_H

#include "common/base/log.h"
#include "common/parallel/team.h"
#include "mining/images/image_inputs.h"

/* Lines of the log that name images left out. */
enum { NB_IMAGES_NAMED = 100 };

/* Where to keep what is known of the images (marks.h), and whether to begin with what is there. */
typedef struct nb_images_notes {
    const char *path;
    bool resume;
} nb_images_notes;

/* Collective. Decodes every image once, tiles taken from a queue, and removes those that cannot be decoded from
 * `inputs` on all ranks alike. *dropped counts them; rank 0 names the first NB_IMAGES_NAMED that are found now, in the
 * order of the inputs, and counts all by reason. Asked to stop, where the caller listens (common/parallel/stop.h),
 * NB_STOPPED: what is known then is kept where `notes` says, as it is in the end; the caller removes it. notes may be
 * NULL. NB_ERR_INPUT when no image is left. */
nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *inputs, const nb_images_notes *notes,
                          size_t *dropped, nb_error *err);

#endif
