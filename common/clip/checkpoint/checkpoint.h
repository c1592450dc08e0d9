/* The tensors of a checkpoint folder, wherever they lie: one source that hides single files and shards.
 *
 * The first of these that exists is read: model.safetensors; model.safetensors.index.json with the shards it names;
 * open_clip_model.safetensors; open_clip_model.safetensors.index.json. An index is
 * {"metadata": {...}, "weight_map": {"tensor": "shard file"}}. Every shard is opened and validated; the map and the
 * shards must name the same tensors, each once. Limits: an index of 32 MiB, 1024 shards. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CHECKPOINT_H
#define NB_COMMON_CLIP_CHECKPOINT_CHECKPOINT_H

#include "common/base/memory.h"
#include "common/clip/checkpoint/safetensors.h"

enum { NB_INDEX_BYTES_MAX = 32 << 20, NB_SHARDS_MAX = 1024 };

typedef struct nb_checkpoint nb_checkpoint;

/* NB_ERR_INPUT names the file, and the tensor or shard: no weights in the folder, an index that is none, a shard whose
 * name is not a plain file name, a tensor that is in the map but not in its shard, in a shard but not in the map, or in
 * two shards. The tensors live until close. */
nb_status nb_checkpoint_open(nb_checkpoint **out, const char *directory, nb_error *err);
/* Takes NULL. */
void nb_checkpoint_close(nb_checkpoint *checkpoint);

/* The file to blame for what is missing: the single file or the index. */
const char *nb_checkpoint_path(const nb_checkpoint *checkpoint);
/* The names inside the folder of all files read: the single file, or the index and then the shards in bytewise order.
 */
const nb_strings *nb_checkpoint_files(const nb_checkpoint *checkpoint);
/* 1 for a single file. */
size_t nb_checkpoint_shards(const nb_checkpoint *checkpoint);

size_t nb_checkpoint_count(const nb_checkpoint *checkpoint);
/* Tensor i < count, in bytewise order of the names. */
const nb_tensor *nb_checkpoint_at(const nb_checkpoint *checkpoint, size_t i);
/* The path of the file that holds tensor i. */
const char *nb_checkpoint_path_at(const nb_checkpoint *checkpoint, size_t i);
/* True once the tensor was marked as used. */
bool nb_checkpoint_used(const nb_checkpoint *checkpoint, size_t i);
void nb_checkpoint_use(nb_checkpoint *checkpoint, size_t i);
/* Gives back the memory of tensor i's bytes, which were read and are not needed again soon. */
void nb_checkpoint_drop(const nb_checkpoint *checkpoint, size_t i);

/* True with the tensor's number in *i when there is one of that name. Binary search. */
bool nb_checkpoint_find(const nb_checkpoint *checkpoint, const char *name, size_t *i);
/* The first tensor whose name begins with `prefix`, NULL when there is none. */
const nb_tensor *nb_checkpoint_prefix(const nb_checkpoint *checkpoint, const char *prefix);

/* An index, read: tensor i of `tensors` lies in shard shard_of[i] of `shards`. Start from {0}. */
typedef struct nb_shard_map {
    nb_strings tensors, shards; /* shards: each once, bytewise order */
    size_t *shard_of;           /* [tensors.count] */
} nb_shard_map;

/* From the text of an index; `path` is for messages. */
nb_status nb_shard_map_parse(nb_shard_map *out, const char *json, size_t len, const char *path, nb_error *err);
void nb_shard_map_free(nb_shard_map *map);

#endif
