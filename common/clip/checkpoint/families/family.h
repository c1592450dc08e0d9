/** @file
 * Families of models: how a configuration of theirs is read, and what their tensors are called. A family is one file of
 * this folder with one struct, and one line of common/clip/checkpoint/families/family_table.c. Nothing here is
 * collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_FAMILIES_FAMILY_H
#define NB_COMMON_CLIP_CHECKPOINT_FAMILIES_FAMILY_H

#include "common/clip/checkpoint/families/section.h"
#include "common/clip/checkpoint/names.h"

/** A family. What it does not have is NULL. */
typedef struct nb_family {
    const char *name;       /**< for messages and nb_clip_config.family */
    const char *model_type; /**< of a config.json that is this family's */
    /** Reads a configuration: the whole config.json of model_type, or open_clip_config.json where that is NULL.
     * @return as nb_clip_config_parse */
    nb_status (*read)(nb_clip_config *out, json_t *root, const char *path, nb_error *err);
    /** Reads vision_cfg of an open_clip_config.json whose timm_model_name is `model` into out->image, image_size and
     * patch, where that is one of this family's.
     * @param[out] known whether it is
     * @return NB_OK also where it is not, or NB_ERR_INPUT for settings of the model that are not supported */
    nb_status (*read_trunk)(nb_clip_config *out, nb_config_section vision, const char *model, bool *known,
                            nb_error *err);
    /** Reads text_cfg of an open_clip_config.json whose hf_model_name is `model` into out->text, vocabulary, context
     * and end_token, likewise. */
    nb_status (*read_text)(nb_clip_config *out, nb_config_section text, const char *model, bool *known, nb_error *err);
    const nb_naming *const *namings; /**< NULL-ended: what its towers' tensors are called */
} nb_family;

/** All families, NULL-ended, that of CLIP itself first. */
extern const nb_family *const nb_families[];

/** Reads an open_clip_config.json, see nb_family.read. */
extern const nb_family nb_family_open_clip;

#endif
