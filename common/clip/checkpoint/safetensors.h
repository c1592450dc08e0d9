/** @file
 * Safetensors files: 8 bytes with the little-endian length N of the header, N bytes of JSON
 * {"name": {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}, "__metadata__": {"key": "text"}},
 * then the data, which the tensors cover exactly: no overlap, no gap, nothing behind. Offsets count from the data's
 * first byte; elements are little-endian, row-major.
 *
 * A file is validated whole when it is opened; what passed can be used without further checks. Limits: a header of
 * 100 MB, 8 dimensions a tensor.
 *
 * Nothing here is collective. An open file is read-only: any number of threads may use one. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_H
#define NB_COMMON_CLIP_CHECKPOINT_SAFETENSORS_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    NB_SAFETENSORS_HEADER_MAX = 100000000, /**< most bytes of a header */
    NB_TENSOR_RANK_MAX = 8                 /**< most dimensions */
};

/** Every element type the format defines. Those we cannot compute with are known so that messages can name them. */
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

/** The name in the file ("F32"), "?" for a number that is no dtype. */
const char *nb_dtype_name(nb_dtype dtype);

/** Bits an element takes: 4 to 64; 0 for a number that is no dtype. */
size_t nb_dtype_bits(nb_dtype dtype);

/** One tensor; borrows name and data. */
typedef struct nb_tensor {
    const char *name;                 /**< in the file; NUL-terminated */
    nb_dtype dtype;                   /**< type of an element */
    size_t rank;                      /**< 0: one number */
    size_t shape[NB_TENSOR_RANK_MAX]; /**< the first `rank` are set */
    size_t count;                     /**< elements: the product of the shape */
    const void *data;                 /**< into the file's map, not necessarily aligned for its type */
} nb_tensor;

/** An open file. */
typedef struct nb_safetensors nb_safetensors;

/** Maps and validates a file.
 * @param[out] out closed by nb_safetensors_close; NULL on failure. The tensors live until then
 * @param path of the file
 * @return NB_OK, or NB_ERR_INPUT naming file, tensor and cause: a missing file, a directory, a header that is too long,
 * no JSON or of another form, tensors that overlap or leave gaps; a file cut short is refused with the number of bytes
 * it lacks; NB_ERR_IO when it cannot be mapped, NB_ERR_LIMIT without memory */
nb_status nb_safetensors_open(nb_safetensors **out, const char *path, nb_error *err);

/** The same for bytes in memory.
 * @param[out] out closed by nb_safetensors_close; NULL on failure. The tensors live until then
 * @param bytes [len], borrowed until close
 * @param len bytes
 * @param name stands for the path in messages
 * @return as nb_safetensors_open of the content */
nb_status nb_safetensors_open_memory(nb_safetensors **out, const void *bytes, size_t len, const char *name,
                                     nb_error *err);

/** The path (or name) it was opened by, for messages. Lives until close.
 * @param s an open file, which owns the path */
const char *nb_safetensors_path(const nb_safetensors *s);

/** Tensors of the file.
 * @param s an open file */
size_t nb_safetensors_count(const nb_safetensors *s);

/** Tensor i < count, in the order of the data. The file's.
 * @param s an open file
 * @param i below nb_safetensors_count */
const nb_tensor *nb_safetensors_at(const nb_safetensors *s, size_t i);

/** Releases the memory of a mapped tensor's bytes; touched again, they are read from the file again.
 * @param s an open file; for one in memory nothing is done
 * @param tensor one of its tensors */
void nb_safetensors_drop(const nb_safetensors *s, const nb_tensor *tensor);

/** Looks a tensor up by binary search. The file's; NULL when there is none of that name.
 * @param s an open file
 * @param name of the tensor, whole */
const nb_tensor *nb_safetensors_find(const nb_safetensors *s, const char *name);

/** Closes the file. Takes NULL.
 * @param s no longer of use afterwards */
void nb_safetensors_close(nb_safetensors *s);

/** Writes the tensors one behind another in the given order, the header padded with spaces so that the data starts at a
 * multiple of 8. A partial never looks complete (common/base/file.h).
 * @param path of the file to write
 * @param force replace a file that exists
 * @param tensors [count]
 * @param metadata_json a JSON object whose values are strings; NULL: none
 * @return NB_OK, or NB_ERR_USAGE when path exists and force is false, or as nb_output_begin, NB_ERR_INPUT for a tensor
 * without a printable name, two of one name, a count that is not the shape's product, or metadata of another form,
 * NB_ERR_IO when writing fails, NB_ERR_LIMIT for a header over NB_SAFETENSORS_HEADER_MAX or without memory */
nb_status nb_safetensors_write(const char *path, bool force, const nb_tensor *tensors, size_t count,
                               const char *metadata_json, nb_error *err);

/** The elements of an F32, F16 or BF16 tensor as floats, exactly (subnormals, infinities and NaN payloads included).
 * @param tensor its data need not be aligned
 * @param[out] out [tensor->count]
 * @return NB_OK, or NB_ERR_INPUT for another dtype */
nb_status nb_tensor_to_float(const nb_tensor *tensor, float *out, nb_error *err);

#endif
