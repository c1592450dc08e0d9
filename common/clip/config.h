/* The shape of a CLIP checkpoint, from its Hugging Face config.json. */
#ifndef NB_CLIP_CONFIG_H
#define NB_CLIP_CONFIG_H

#include "common/base/status.h"

#include <stdint.h>

typedef enum nb_activation { NB_QUICK_GELU, NB_GELU } nb_activation;

/* One transformer. */
typedef struct nb_tower_config {
    size_t width, layers, heads, mlp;
    nb_activation activation;
    float epsilon; /* of the layer norms */
} nb_tower_config;

typedef struct nb_clip_config {
    nb_tower_config text, image;
    size_t projection;           /* width of the embeddings */
    size_t context, vocabulary;  /* tokens */
    size_t image_size, patch;    /* pixels */
} nb_clip_config;

/* Reads DIRECTORY/config.json. Keys that are absent have CLIP ViT-B/32's values, as in the transformers library.
 * NB_ERR_INPUT names file, key and value for anything that is not a ViT CLIP: another model type, a size that is not
 * positive, heads that do not divide the width, a patch that does not divide the image. */
nb_status nb_clip_config_read(nb_clip_config *out, const char *directory, nb_error *err);

/* Patches an image is cut into, without the class token. */
size_t nb_clip_patches(const nb_clip_config *config);

#endif
