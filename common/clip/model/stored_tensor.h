/** @file
 * One tensor of a checkpoint as floats: its shape, dtype and values checked. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_MODEL_STORED_TENSOR_H
#define NB_COMMON_CLIP_MODEL_STORED_TENSOR_H

#include "common/clip/checkpoint/checkpoint.h"

/** The shape that the configuration says. */
typedef struct nb_tensor_shape {
    size_t rank, size[4]; /**< [rank] are set */
} nb_tensor_shape;

/** Where tensors are taken from; borrows both. */
typedef struct nb_stored_tensors {
    nb_checkpoint *checkpoint; /**< holds them */
    const char *config;        /**< name of the file that says their shapes, for messages */
} nb_stored_tensors;

/** Checks a tensor, marks it as used, and reads it.
 * @param from is looked in
 * @param at number of the tensor
 * @param shape of the result; leading dimensions of 1 may stand before it in the file
 * @param transposed the file has its two dimensions the other way round
 * @param[out] to gets the numbers; NULL: they are not read
 * @return NB_OK, or NB_ERR_INPUT naming file and tensor for another shape, a dtype other than F32, F16 and BF16, or a
 * number that is not finite; NB_ERR_LIMIT without memory */
nb_status nb_stored_tensor_take(const nb_stored_tensors *from, size_t at, const nb_tensor_shape *shape, bool transposed,
                                float *to, nb_error *err);

#endif
