/** @file
 * Files of torch.save and torch.jit.save: the tensors of a state dict.
 *
 * Three forms are read, distinguished by their content. A zip archive of torch.save: TOP/data.pkl, a pickle, and a
 * stored member TOP/data/KEY for every storage. An archive of torch.jit.save, as OpenAI publishes CLIP: the same, and
 * the pickle holds a module with its attributes; constants.pkl and the code are not read. The old form of torch.save:
 * the pickles of a magic number, a version, the system's properties, the object and the list of keys, then every
 * storage as its count and its elements.
 *
 * The pickle is read as data (common/clip/checkpoint/pickle/pickle.h): torch._utils._rebuild_tensor_v2,
 * _rebuild_parameter, collections.OrderedDict and the storage types are the only names, and for a module its classes
 * under __torch__. The object is a dict of tensors; or, as training scripts write it, a dict with one under
 * "state_dict". Where the first name begins with "module.", as DistributedDataParallel has it, all must, and it is cut
 * off. Tensors of several names may share a storage; those that do not lie in it row by row are copied. Storages are
 * used in place, after their checksums were compared. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_PICKLE_TORCH_H
#define NB_COMMON_CLIP_CHECKPOINT_PICKLE_TORCH_H

#include "common/clip/checkpoint/safetensors.h"

/** An open file. Read-only: any number of threads may use one. */
typedef struct nb_torch nb_torch;

/** Whether the bytes begin as a zip archive or a pickle does.
 * @param bytes [len]
 * @param len bytes */
bool nb_torch_recognise(const unsigned char *bytes, size_t len);

/** Maps and validates a file.
 * @param[out] out closed by nb_torch_close; NULL on failure. The tensors live until then
 * @param path of the file
 * @return NB_OK, or NB_ERR_INPUT naming file and cause: a missing file, one of another form or cut short, a pickle that
 * nb_pickle_scan or nb_pickle_read refuses, what is no state dict, a tensor outside its storage, a storage that is
 * missing, compressed, damaged, of another length or of a machine with the other byte order; NB_ERR_IO when it cannot
 * be mapped, NB_ERR_LIMIT over a limit or without memory */
nb_status nb_torch_open(nb_torch **out, const char *path, nb_error *err);

/** The same for bytes in memory.
 * @param[out] out closed by nb_torch_close; NULL on failure. The tensors live until then
 * @param bytes [len], borrowed until close
 * @param len bytes
 * @param name stands for the path in messages
 * @return as nb_torch_open of the content */
nb_status nb_torch_open_memory(nb_torch **out, const void *bytes, size_t len, const char *name, nb_error *err);

/** Tensors of the file.
 * @param torch an open file */
size_t nb_torch_count(const nb_torch *torch);

/** Tensor i < count, in the order of the dict. The file's.
 * @param torch an open file
 * @param i below nb_torch_count */
const nb_tensor *nb_torch_at(const nb_torch *torch, size_t i);

/** Whether it is a module of torch.jit.save.
 * @param torch an open file */
bool nb_torch_scripted(const nb_torch *torch);

/** Releases the memory of a mapped tensor's bytes; touched again, they are read from the file again.
 * @param torch an open file
 * @param tensor one of its tensors */
void nb_torch_drop(const nb_torch *torch, const nb_tensor *tensor);

/** Closes the file. Takes NULL.
 * @param torch no longer of use afterwards */
void nb_torch_close(nb_torch *torch);

#endif
