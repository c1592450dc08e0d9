/** @file
 * Which files of a folder make a checkpoint: a configuration and weights that belong together.
 *
 * Two pairs are known: Hugging Face's (config.json; model.safetensors or pytorch_model.bin, each whole or as the shards
 * of its .index.json) and open_clip's (open_clip_config.json; open_clip_model.safetensors, its shards, or
 * open_clip_pytorch_model.bin). Hugging Face's is read where its configuration is a CLIP's and it has weights, else
 * open_clip's; repositories of timm hold a config.json and a model.safetensors of an image tower beside open_clip's
 * pair. A folder with one configuration may have the weights of either name, or one file *.pt. A file *.pt, or any file
 * of weights, may be named in place of the folder; the other files are then looked for beside it. An archive of
 * torch.jit.save needs no configuration. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_LAYOUT_H
#define NB_COMMON_CLIP_CHECKPOINT_LAYOUT_H

#include "common/base/memory.h"

/** The files of a checkpoint. */
typedef struct nb_layout {
    char *folder;       /**< holds all of them */
    const char *config; /**< "config.json" or "open_clip_config.json"; NULL: none */
    bool open_clip;     /**< the configuration is open_clip's */
    char *weights;      /**< name of the file of weights, or of their index; NULL: none */
    bool sharded;       /**< it is an index */
} nb_layout;

/** Chooses the files.
 * @param[out] out freed by nb_layout_free; {0} on failure
 * @param path a folder, or a file of weights
 * @return NB_OK, also where configuration or weights are missing; NB_ERR_INPUT when there is no such folder or file, or
 * several *.pt to choose from; NB_ERR_IO when the folder cannot be read, NB_ERR_LIMIT without memory */
nb_status nb_layout_find(nb_layout *out, const char *path, nb_error *err);

/** Frees the names and clears the struct. Takes {0}.
 * @param layout as nb_layout_find left it, or {0} */
void nb_layout_free(nb_layout *layout);

/** The folder of a checkpoint: the path itself, or the folder of the file it names.
 * @param[out] out freed by the caller
 * @param path a folder or a file
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_layout_folder(char **out, const char *path, nb_error *err);

/** Lists the files of weights that would be read in a folder with the configurations it has, the first preferred.
 * @param[in,out] names of files or indices are appended
 * @param folder holds the configurations; its weights do not count
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_layout_weights(nb_strings *names, const char *folder, nb_error *err);

/** Whether a file of weights is the index of shards.
 * @param name of the file */
bool nb_layout_index(const char *name);

#endif
