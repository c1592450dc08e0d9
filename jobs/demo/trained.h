/** @file
 * The demo world's own CLIP, a part of the program: the files of jobs/demo/model/, which jobs/train-demo trained on
 * pictures and captions of that world (jobs/demo/training.h). */
#ifndef NB_DEMO_TRAINED_H
#define NB_DEMO_TRAINED_H

#include "common/base/status.h"

#include <stdbool.h>

/** Writes the checkpoint's files. Not collective.
 * @param directory must be there
 * @param force replace files that are there
 * @return as nb_file_write. */
nb_status nb_demo_trained_write(const char *directory, bool force, nb_error *err);

#endif
