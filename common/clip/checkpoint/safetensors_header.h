/* What reading (safetensors.c) and writing (safetensors_write.c) of a header share. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_HEADER_H
#define NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_HEADER_H

#include "common/clip/checkpoint/safetensors.h"

#include <jansson.h>

#define NB_SAFETENSORS_METADATA "__metadata__"

/* Elements and bytes of a shape; false when a product overflows or the bits fill no whole bytes. */
bool nb_tensor_size(const nb_tensor *tensor, size_t *count, size_t *bytes);

/* A name stands in messages and logs, so it may neither be empty nor steer a terminal. */
bool nb_tensor_name_printable(const char *name);

/* NB_ERR_INPUT: "'PATH': tensor 'NAME': what". */
nb_status nb_tensor_refuse(nb_error *err, const char *path, const char *name, const char *what);

/* The metadata must be an object of strings. */
nb_status nb_safetensors_check_metadata(json_t *metadata, const char *path, nb_error *err);

#endif
