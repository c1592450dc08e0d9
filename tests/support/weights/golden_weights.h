/* The other forms of the golden checkpoint's weights, made from the one that is kept: in 16 bits a number, and under
 * open_clip's names. Each is the file that the authors' libraries wrote, byte for byte (golden/README.md). */
#ifndef NB_TESTS_GOLDEN_WEIGHTS_H
#define NB_TESTS_GOLDEN_WEIGHTS_H

#include "common/base/status.h"

#include <stdbool.h>

/* Whether it is one of the files that are made: model.f16.safetensors, model.bf16.safetensors,
 * open_clip_model.safetensors. */
bool golden_weights_made(const char *file);

/* Makes that file at `path` of `source`, single precision under Hugging Face's names. NB_ERR_USAGE for another file or
 * when path exists; NB_ERR_INPUT when a tensor is missing. */
nb_status golden_weights_make(const char *source, const char *file, const char *path, nb_error *err);

#endif
