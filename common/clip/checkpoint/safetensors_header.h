/** @file
 * What reading (safetensors.c) and writing (safetensors_write.c) of a header share. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_HEADER_H
#define NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_HEADER_H

#include "common/clip/checkpoint/safetensors.h"

#include <jansson.h>

/** The key of the header that is no tensor. */
#define NB_SAFETENSORS_METADATA "__metadata__"

/** Elements and bytes of a tensor by its shape and dtype.
 * @param tensor its rank, shape and dtype are read
 * @param[out] count elements; unset where the result is false
 * @param[out] bytes of the data; unset where the result is false
 * @return false when a product overflows or the bits fill no whole bytes */
bool nb_tensor_size(const nb_tensor *tensor, size_t *count, size_t *bytes);

/** Whether a name may stand in messages and logs: neither empty nor able to steer a terminal. */
bool nb_tensor_name_printable(const char *name);

/** Reports a tensor: "'PATH': tensor 'NAME': what".
 * @param path of the file
 * @param name of the tensor, of which up to 200 bytes are shown
 * @param what is wrong with it
 * @return NB_ERR_INPUT */
nb_status nb_tensor_refuse(nb_error *err, const char *path, const char *name, const char *what);

/** Checks that the metadata is an object of strings.
 * @return NB_OK, or NB_ERR_INPUT naming the path */
nb_status nb_safetensors_check_metadata(json_t *metadata, const char *path, nb_error *err);

#endif
