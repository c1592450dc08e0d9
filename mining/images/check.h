/** @file
 * The look at all images before a long run: which ones can be decoded. */
#ifndef NB_IMAGES_CHECK_H
#define NB_IMAGES_CHECK_H

#include "common/base/log.h"
#include "common/parallel/comm.h"
#include "mining/images/image_inputs.h"

/** Lines of the log that name images left out. */
enum { NB_IMAGES_NAMED = 100 };

/** Where to keep the done marks of the images (done_marks.h), and whether to begin with what is there. */
typedef struct nb_images_check_options {
    const char *path; /**< NULL: nowhere */
    bool resume;
    bool strict; /**< the first image that cannot be decoded ends it */
} nb_images_check_options;

/** Decodes every image once and removes those that cannot be decoded. Collective: the same list and status on all
 * ranks, which take tiles from a queue.
 *
 * Rank 0 names the first NB_IMAGES_NAMED that are found now, in the order of the inputs, and counts all by reason. What
 * is known in the end, or when the ranks are asked to stop, is kept in options->path; the caller removes it.
 * @param comm the ranks
 * @param log where images left out are named
 * @param inputs the same list on all ranks; shortened
 * @param options may be NULL: nothing is kept
 * @param dropped becomes how many were removed
 * @return NB_OK; NB_ERR_INPUT when no image is left, or one cannot be decoded where that is to end it; NB_ERR_LIMIT
 * without memory; NB_STOPPED after a request to stop, where the caller listens (common/parallel/stop.h). */
nb_status nb_images_check(const nb_comm *comm, const nb_log *log, nb_image_inputs *inputs,
                          const nb_images_check_options *options, size_t *dropped, nb_error *err);

#endif
