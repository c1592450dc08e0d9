/* The shape of a CLIP checkpoint: from Hugging Face's config.json or open_clip's open_clip_config.json. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CONFIG_H
#define NB_COMMON_CLIP_CHECKPOINT_CONFIG_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum nb_activation { NB_QUICK_GELU, NB_GELU } nb_activation;

/* One transformer. */
typedef struct nb_tower_config {
    size_t width, layers, heads, mlp;
    nb_activation activation;
    float epsilon; /* of the layer norms */
} nb_tower_config;

/* Values of nb_clip_config.end_token that are no token. */
enum { NB_END_UNSTATED = -1, NB_END_HIGHEST = 2 };

typedef struct nb_clip_config {
    nb_tower_config text, image;
    size_t projection;          /* width of the embeddings */
    size_t context, vocabulary; /* tokens */
    size_t image_size, patch;   /* pixels */
    bool open_clip;             /* read from open_clip_config.json */
    int64_t end_token;          /* where the text is read: the first token of this id; NB_END_HIGHEST: the highest id of
                                   the text, as open_clip and old Hugging Face configurations (eos_token_id 2) have it */
    bool has_channels;          /* open_clip_config.json states mean and deviation of red, green, blue */
    float mean[3], std[3];
} nb_clip_config;

/* Reads DIRECTORY/config.json or, where that is absent, DIRECTORY/open_clip_config.json.
 *
 * Keys of config.json that are absent have CLIP ViT-B/32's values, as in the transformers library; keys of
 * open_clip_config.json have the defaults of open_clip's CLIPTextCfg and CLIPVisionCfg (open_clip/model.py), GELU where
 * quick_gelu is not set. NB_ERR_INPUT names file, key and value for anything that is not a ViT CLIP: another model
 * type, ResNet or timm image towers, other text towers, pooling or norms than CLIP's, a size that is not positive,
 * heads that do not divide the width, a patch that does not divide the image. */
nb_status nb_clip_config_read(nb_clip_config *out, const char *directory, nb_error *err);

/* The same from the text of one of the two files; `path` is for messages. */
nb_status nb_clip_config_parse(nb_clip_config *out, const char *json, size_t len, bool open_clip, const char *path,
                               nb_error *err);

/* "config.json" or "open_clip_config.json". */
const char *nb_clip_config_file(const nb_clip_config *config);

/* Patches an image is cut into, without the class token. */
size_t nb_clip_patches(const nb_clip_config *config);

#endif
