/* The demo world's own CLIP, a part of the program: the files of jobs/demo/model/, which jobs/train-demo trained on
 * pictures and captions of that world (jobs/demo/training.h). */
#ifndef NB_DEMO_TRAINED_H
#define NB_DEMO_TRAINED_H

#include "common/base/status.h"

#include <stdbool.h>

/** Writes the files of the trained checkpoint into an existing directory. Not collective.
 * @return NB_OK; NB_ERR_USAGE for a file that exists, unless force; NB_ERR_IO when one cannot be written */
nb_status nb_demo_trained_write(const char *directory, bool force, nb_error *err);

#endif
