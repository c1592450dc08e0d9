/** @file
 * One file of named tensors, in any of the formats of the table in tensor_file.c: safetensors, and what torch.save and
 * torch.jit.save write. The content decides which it is. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_TENSOR_FILE_H
#define NB_COMMON_CLIP_CHECKPOINT_TENSOR_FILE_H

#include "common/clip/checkpoint/safetensors.h"

/** An open file. */
typedef struct nb_tensor_file nb_tensor_file;

/** Opens and validates a file.
 * @param[out] out closed by nb_tensor_file_close; NULL on failure. The tensors live until then
 * @param path of the file
 * @return NB_OK, NB_ERR_INPUT naming the file: a pointer of Git LFS in place of the file, a page of HTML, no known
 * format, or as nb_safetensors_open and nb_torch_open (common/clip/checkpoint/pickle/torch.h), whose other errors are
 * handed on */
nb_status nb_tensor_file_open(nb_tensor_file **out, const char *path, nb_error *err);

/** The path it was opened by. Lives until close.
 * @param file an open file */
const char *nb_tensor_file_path(const nb_tensor_file *file);

/** Tensors of the file.
 * @param file an open file */
size_t nb_tensor_file_count(const nb_tensor_file *file);

/** Tensor i < count. The file's.
 * @param file an open file
 * @param i below nb_tensor_file_count */
const nb_tensor *nb_tensor_file_at(const nb_tensor_file *file, size_t i);

/** Whether it is a module of torch.jit.save, as OpenAI publishes CLIP.
 * @param file an open file */
bool nb_tensor_file_scripted(const nb_tensor_file *file);

/** Releases the memory of a tensor's bytes; touched again, they are read from the file again.
 * @param file an open file
 * @param tensor one of its tensors */
void nb_tensor_file_drop(const nb_tensor_file *file, const nb_tensor *tensor);

/** Closes the file. Takes NULL.
 * @param file no longer of use afterwards */
void nb_tensor_file_close(nb_tensor_file *file);

#endif
