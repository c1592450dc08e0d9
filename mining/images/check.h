/** @file
 * The look at all images before a long run: which ones can be decoded. */
#ifndef NB_IMAGES_CHECK_H
#define NB_IMAGES_CHECK_H

#include "common/base/log.h"
#include "common/parallel/team.h"
#include "mining/images/image_inputs.h"

/** Lines of the log that name images left out. */
enum { NB_IMAGES_NAMED = 100 };

/** Where to keep what is known of the images (marks.h), and whether to begin with what is there. */
typedef struct nb_images_notes {
    const char *path;
    bool resume;
} nb_images_notes;

/** Decodes every image once and removes those that cannot be decoded. Collective: the same list and status on all
 * ranks, which take tiles from a queue.
 *
 * Rank 0 names the first NB_IMAGES_NAMED that are found now, in the order of the inputs, and counts all by reason. What
 * is known in the end, or when the ranks are asked to stop, is kept where `notes` says; the caller removes it.
 * @param team the ranks
 * @param log where images left out are named
 * @param inputs the same list on all ranks; shortened
 * @param notes may be NULL: nothing is kept
 * @param dropped becomes how many were removed
 * @return NB_OK; NB_ERR_INPUT when no image is left; NB_ERR_LIMIT without memory; NB_STOPPED after a request to stop,
 * where the caller listens (common/parallel/stop.h). */
nb_status nb_images_check(const nb_team *team, const nb_log *log, nb_image_inputs *inputs, const nb_images_notes *notes,
                          size_t *dropped, nb_error *err);

#endif
