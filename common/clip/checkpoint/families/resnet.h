/** @file
 * CLIP's ResNet image towers, which open_clip's own configurations and OpenAI's archives have. Nothing here is
 * collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_FAMILIES_RESNET_H
#define NB_COMMON_CLIP_CHECKPOINT_FAMILIES_RESNET_H

#include "common/clip/checkpoint/families/family.h"

/** The family. */
extern const nb_family nb_family_resnet;

/** Sets an image tower up.
 * @param[in,out] config its image_size and the blocks of each stage (convolutions.depths) are set
 * @param width channels before the first stage
 * @param heads of the attention behind the last one
 * @param path for messages
 * @return NB_OK, or NB_ERR_INPUT for an odd width, heads that do not divide 32 times the width, or images whose sides
 * are no multiple of 32 */
nb_status nb_resnet_set(nb_clip_config *config, size_t width, size_t heads, const char *path, nb_error *err);

/** Reads a vision_cfg of open_clip whose layers are a list.
 * @param[in,out] config gets image tower, image_size, patch and family
 * @param section vision_cfg
 * @return NB_OK, or NB_ERR_INPUT for other than four stages, or as nb_config_size and nb_resnet_set */
nb_status nb_resnet_read(nb_clip_config *config, nb_config_section section, nb_error *err);

#endif
