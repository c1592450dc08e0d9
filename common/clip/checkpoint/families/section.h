/** @file
 * Values of a configuration in JSON, looked up with their defaults and bounds. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_FAMILIES_SECTION_H
#define NB_COMMON_CLIP_CHECKPOINT_FAMILIES_SECTION_H

#include "common/base/json.h"
#include "common/clip/checkpoint/config.h"

/** Where values are looked up; borrows all of it. */
typedef struct nb_config_section {
    const json_t *object; /**< NULL: every key is absent */
    const char *path;     /**< file, for messages */
    const char *name;     /**< what stands before the keys in messages, "text_config." */
} nb_config_section;

/** A whole number from 1 to 2^20.
 * @param section is looked in
 * @param key of the value
 * @param fallback where the key is absent
 * @param[out] out the number
 * @return NB_OK, or NB_ERR_INPUT naming file and key for another value */
nb_status nb_config_size(nb_config_section section, const char *key, size_t fallback, size_t *out, nb_error *err);

/** The same, or a pair [height, width] of equal ones.
 * @param section is looked in
 * @param key of the value
 * @param fallback where the key is absent
 * @param[out] out the number
 * @return NB_OK, or NB_ERR_INPUT naming file and key for another value */
nb_status nb_config_side(nb_config_section section, const char *key, size_t fallback, size_t *out, nb_error *err);

/** A token's number.
 * @param section is looked in
 * @param key of the value
 * @param fallback where the key is absent or null
 * @param[out] out the number, not negative unless the fallback is
 * @return NB_OK, or NB_ERR_INPUT naming file and key for another value */
nb_status nb_config_token(nb_config_section section, const char *key, int64_t fallback, int64_t *out, nb_error *err);

/** A number in (0, 1), for instance of layer norms.
 * @param section is looked in
 * @param key of the value
 * @param fallback where the key is absent
 * @param[out] out the number
 * @return NB_OK, or NB_ERR_INPUT naming file and key for another value */
nb_status nb_config_epsilon(nb_config_section section, const char *key, double fallback, float *out, nb_error *err);

/** Three finite numbers.
 * @param value looked at; NULL: there are none
 * @param positive they must be over 0
 * @param[out] out the numbers
 * @return whether it is three such numbers */
bool nb_config_channels(const json_t *value, bool positive, float out[3]);

/** A value that has only one admissible meaning: absent, null, false, an empty object or the text `plain`. */
typedef struct nb_config_extra {
    const char *key;   /**< of the value */
    const char *plain; /**< NULL: no text */
} nb_config_extra;

/** Refuses what the towers do not have.
 * @param section is looked in
 * @param extras [count]
 * @param count of the extras
 * @return NB_OK, or NB_ERR_INPUT naming file, key and value of the first that has another meaning */
nb_status nb_config_refuse_extras(nb_config_section section, const nb_config_extra *extras, size_t count,
                                  nb_error *err);

/** Refuses keys that the library does not know: it would end there, and a file of another make would be misread.
 * @param section is looked in
 * @param known its keys, NULL-ended; one that ends in '_' stands for all that begin with it
 * @return NB_OK, or NB_ERR_INPUT naming file, key and value of the first other one */
nb_status nb_config_refuse_unknown(nb_config_section section, const char *const *known, nb_error *err);

/** Refuses one value that the towers do not have.
 * @param section names file and section
 * @param key of the value
 * @param value printed; NULL: nothing
 * @return NB_ERR_INPUT */
nb_status nb_config_refuse(nb_config_section section, const char *key, const json_t *value, nb_error *err);

/** Pooling and projection of an image tower of the timm library, from timm_pool, timm_proj and timm_proj_bias, as
 * open_clip's TimmModel makes them (open_clip/timm_model.py). A tower without class token keeps its own mean over the
 * patches.
 * @param[in,out] config its image tower gets them; class token, width and projection are set
 * @param section vision_cfg
 * @return NB_OK, or NB_ERR_INPUT for another pooling or projection */
nb_status nb_config_timm_head(nb_clip_config *config, nb_config_section section, nb_error *err);

/** Refuses images whose sides are no multiple of a tower's patch.
 * @param config its image_size and patch
 * @param section names file and section
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_config_check_sides(const nb_clip_config *config, nb_config_section section, nb_error *err);

/** As nb_config_timm_head for a tower with convolutions, whose mean over all pixels is normed: by a projection of
 * open_clip's own, or by an MLP (timm_proj "mlp").
 * @param[in,out] config its image tower gets them; class token, width, projection, image_size and patch are set
 * @param section vision_cfg
 * @return NB_OK, or NB_ERR_INPUT for another pooling or projection, or for images whose sides are no multiple of the
 * patch */
nb_status nb_config_timm_convolutions(nb_clip_config *config, nb_config_section section, nb_error *err);

/** Refuses heads that do not divide the width.
 * @param section names file and section
 * @param heads the key of the heads, for messages
 * @param width the key of the width
 * @param config its heads and width
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_config_check_heads(nb_config_section section, const char *heads, const char *width,
                                const nb_tower_config *config, nb_error *err);

/** Refuses images that are not of three channels, are over 4096 pixels or smaller than a patch.
 * @param config its image_size and patch
 * @param channels of an image
 * @param path for messages
 * @return NB_OK or NB_ERR_INPUT */
nb_status nb_config_check_image(const nb_clip_config *config, size_t channels, const char *path, nb_error *err);

#endif
