/** @file
 * The tensors of a checkpoint folder, wherever they lie: one source that hides single files and shards.
 *
 * Which files are read says common/clip/checkpoint/layout.h, in which formats common/clip/checkpoint/tensor_file.h. An
 * index is
 * {"metadata": {...}, "weight_map": {"tensor": "shard file"}}. Every shard is opened and validated; the map and the
 * shards must name the same tensors, each once. Limits: an index of 32 MiB, 1024 shards.
 *
 * Nothing here is collective. A checkpoint is for one thread at a time. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CHECKPOINT_H
#define NB_COMMON_CLIP_CHECKPOINT_CHECKPOINT_H

#include "common/base/memory.h"
#include "common/clip/checkpoint/safetensors.h"

enum {
    NB_INDEX_BYTES_MAX = 32 << 20, /**< most bytes of an index */
    NB_SHARDS_MAX = 1024           /**< most shards */
};

/** An open checkpoint; owns the maps of its files. */
typedef struct nb_checkpoint nb_checkpoint;

/** Opens and validates the weights of a model.
 * @param[out] out closed by nb_checkpoint_close; NULL on failure. The tensors live until then
 * @param model its folder, or its file of weights
 * @return NB_OK, or NB_ERR_INPUT naming the file, and the tensor or shard: no weights in the folder, an index that is
 * none or too long, a shard whose name is not a plain file name, a tensor that is in the map but not in its shard, in a
 * shard but not in the map, or in two shards, a file that nb_tensor_file_open refuses; NB_ERR_IO when a file cannot be
 * read; NB_ERR_LIMIT without memory */
nb_status nb_checkpoint_open(nb_checkpoint **out, const char *model, nb_error *err);

/** Closes the files and frees the checkpoint. Takes NULL.
 * @param checkpoint no longer of use afterwards */
void nb_checkpoint_close(nb_checkpoint *checkpoint);

/** The path of the file to blame for what is missing: the single file or the index. Lives until close.
 * @param checkpoint whose path is wanted */
const char *nb_checkpoint_path(const nb_checkpoint *checkpoint);

/** The names inside the folder of all files read: the single file, or the index and then the shards in bytewise order.
 * The checkpoint's.
 * @param checkpoint owns the names */
const nb_strings *nb_checkpoint_files(const nb_checkpoint *checkpoint);

/** Shards, 1 for a single file.
 * @param checkpoint whose shards are counted */
size_t nb_checkpoint_shards(const nb_checkpoint *checkpoint);

/** Whether it is one module of torch.jit.save, as OpenAI publishes CLIP.
 * @param checkpoint is looked at */
bool nb_checkpoint_scripted(const nb_checkpoint *checkpoint);

/** Tensors of all shards.
 * @param checkpoint whose tensors are counted */
size_t nb_checkpoint_count(const nb_checkpoint *checkpoint);

/** Tensor i < count, in bytewise order of the names. The checkpoint's.
 * @param checkpoint owns the tensor
 * @param i below nb_checkpoint_count */
const nb_tensor *nb_checkpoint_at(const nb_checkpoint *checkpoint, size_t i);

/** The path of the file that holds tensor i. Lives until close.
 * @param checkpoint owns the path
 * @param i below nb_checkpoint_count */
const char *nb_checkpoint_path_at(const nb_checkpoint *checkpoint, size_t i);

/** Whether tensor i was marked as used.
 * @param checkpoint holds the marks
 * @param i below nb_checkpoint_count */
bool nb_checkpoint_used(const nb_checkpoint *checkpoint, size_t i);

/** Marks tensor i as used.
 * @param checkpoint holds the marks
 * @param i below nb_checkpoint_count */
void nb_checkpoint_use(nb_checkpoint *checkpoint, size_t i);

/** Releases the memory of tensor i's bytes, which were read and are not needed again soon. They stay readable:
 * touched again, they are read from the file again.
 * @param checkpoint maps the bytes
 * @param i below nb_checkpoint_count */
void nb_checkpoint_drop(const nb_checkpoint *checkpoint, size_t i);

/** Looks a tensor up by binary search.
 * @param checkpoint is searched
 * @param name of the tensor, whole
 * @param[out] i its number; where there is none, how many tensors have a name that is bytewise less
 * @return whether there is one of that name */
bool nb_checkpoint_find(const nb_checkpoint *checkpoint, const char *name, size_t *i);

/** The first tensor whose name begins with `prefix`, NULL when there is none. The checkpoint's.
 * @param checkpoint owns the tensor */
const nb_tensor *nb_checkpoint_prefix(const nb_checkpoint *checkpoint, const char *prefix);

/** An index, read. Start from {0}. */
typedef struct nb_shard_map {
    nb_strings tensors; /**< names, in the order of the file */
    nb_strings shards;  /**< file names, each once, in bytewise order */
    size_t *shard_of;   /**< [tensors.count] numbers in `shards` */
} nb_shard_map;

/** Reads an index.
 * @param[out] out freed by nb_shard_map_free, also on failure
 * @param json [len] the text of the index; only read in the call
 * @param len bytes of the text
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT when the text is no JSON object with a weight_map, names a shard that is not a plain
 * file name or more than NB_SHARDS_MAX, NB_ERR_LIMIT without memory */
nb_status nb_shard_map_parse(nb_shard_map *out, const char *json, size_t len, const char *path, nb_error *err);

/** Frees the memory and clears the struct. Takes {0}.
 * @param map as nb_shard_map_parse left it, or {0} */
void nb_shard_map_free(nb_shard_map *map);

#endif
