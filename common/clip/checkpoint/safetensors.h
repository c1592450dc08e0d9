/* Safetensors files: 8 bytes with the little-endian length N of the header, N bytes of JSON
 * {"name": {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}, "__metadata__": {"key": "text"}},
 * then the data, which the tensors cover exactly: no overlap, no gap, nothing behind. Offsets count from the data's
 * first byte; elements are little-endian, row-major.
 *
 * A file is validated whole when it is opened; what passed can be used without further checks. Limits: a header of
 * 100 MB, 8 dimensions a tensor. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_H
#define NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { NB_SAFETENSORS_HEADER_MAX = 100000000, NB_TENSOR_RANK_MAX = 8 };

/* Every element type the format defines. Those we cannot compute with are known so that messages can name them. */
typedef enum nb_dtype {
    NB_F32,
    NB_F16,
    NB_BF16,
    NB_F64,
    NB_I64,
    NB_I32,
    NB_I16,
    NB_I8,
    NB_U64,
    NB_U32,
    NB_U16,
    NB_U8,
    NB_BOOL,
    NB_C64,
    NB_F8_E5M2,
    NB_F8_E4M3,
    NB_F8_E8M0,
    NB_F6_E2M3,
    NB_F6_E3M2,
    NB_F4,
    NB_DTYPE_COUNT
} nb_dtype;

/* The name in the file ("F32"), "?" for a number that is no dtype. */
const char *nb_dtype_name(nb_dtype dtype);
/* Bits an element takes: 4 to 64; 0 for a number that is no dtype. */
size_t nb_dtype_bits(nb_dtype dtype);

typedef struct nb_tensor {
    const char *name;
    nb_dtype dtype;
    size_t rank;                      /* 0: one number */
    size_t shape[NB_TENSOR_RANK_MAX]; /* the first `rank` are set */
    size_t count;                     /* elements: the product of the shape */
    const void *data;                 /* into the file's map, not necessarily aligned for its type */
} nb_tensor;

typedef struct nb_safetensors nb_safetensors;

/* Maps and validates a file. NB_ERR_INPUT names file, tensor and cause; a file cut short is refused with the number of
 * bytes it lacks. The tensors live until close. */
nb_status nb_safetensors_open(nb_safetensors **out, const char *path, nb_error *err);

/* The same for bytes in memory, borrowed until close. `name` stands for the path in messages. */
nb_status nb_safetensors_open_memory(nb_safetensors **out, const void *bytes, size_t len, const char *name,
                                     nb_error *err);

/* The path (or name) it was opened by, for messages. */
const char *nb_safetensors_path(const nb_safetensors *s);
size_t nb_safetensors_count(const nb_safetensors *s);
/* Tensor i < count, in the order of the data. */
const nb_tensor *nb_safetensors_at(const nb_safetensors *s, size_t i);
/* Gives back the memory of a mapped tensor's bytes; touched again, they are read from the file again. */
void nb_safetensors_drop(const nb_safetensors *s, const nb_tensor *tensor);
/* NULL when there is none of that name. Binary search. */
const nb_tensor *nb_safetensors_find(const nb_safetensors *s, const char *name);
void nb_safetensors_close(nb_safetensors *s);

/* Writes the tensors one behind another in the given order, the header padded with spaces so that the data starts at a
 * multiple of 8. metadata_json: NULL, or a JSON object whose values are strings. A partial never looks complete (see
 * common/base/file.h). NB_ERR_USAGE when path exists and force is false; NB_ERR_INPUT for a tensor without a name, two
 * of one name, a count that is not the shape's product, or metadata of another form. */
nb_status nb_safetensors_write(const char *path, bool force, const nb_tensor *tensors, size_t count,
                               const char *metadata_json, nb_error *err);

/* The elements of an F32, F16 or BF16 tensor as float [tensor->count], exactly (subnormals, infinities and NaN
 * payloads included). Another dtype is NB_ERR_INPUT. */
nb_status nb_tensor_to_float(const nb_tensor *tensor, float *out, nb_error *err);

#endif
