/** @file
 * The shape of a CLIP checkpoint: from Hugging Face's config.json or open_clip's open_clip_config.json. Nothing here is
 * collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CONFIG_H
#define NB_COMMON_CLIP_CHECKPOINT_CONFIG_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** The activation of a transformer's MLP. */
typedef enum nb_activation {
    NB_QUICK_GELU, /**< x sigmoid(1.702 x) */
    NB_GELU        /**< x Phi(x) */
} nb_activation;

/** One transformer. */
typedef struct nb_tower_config {
    size_t width, layers, heads; /**< heads divides width */
    size_t mlp;                  /**< width inside the MLP */
    nb_activation activation;    /**< of the MLP */
    float epsilon;               /**< of the layer norms */
} nb_tower_config;

/** Values of nb_clip_config.end_token that are no token. */
enum {
    NB_END_UNSTATED = -1, /**< the configuration names none */
    NB_END_HIGHEST = 2    /**< the highest id of the text, see end_token */
};

/** The shape of a checkpoint. */
typedef struct nb_clip_config {
    nb_tower_config text, image; /**< the towers */
    size_t projection;           /**< width of the embeddings */
    size_t context;              /**< most tokens of a text, start and end included */
    size_t vocabulary;           /**< tokens */
    size_t image_size;           /**< side of an image, pixels; at most 4096 */
    size_t patch;                /**< side of a patch, pixels; divides image_size */
    bool open_clip;              /**< read from open_clip_config.json, or inferred */
    bool inferred;               /**< from the tensors of an archive without a configuration, as OpenAI's are */
    /** Where the text is read: the first token of this id; NB_END_HIGHEST: the highest id of the text, as open_clip and
     * old Hugging Face configurations (eos_token_id 2) have it. */
    int64_t end_token;
    bool has_channels;     /**< open_clip_config.json states mean and deviation */
    float mean[3], std[3]; /**< of red, green, blue in 0..1; set with has_channels */
} nb_clip_config;

/** Reads the configuration of a checkpoint (common/clip/checkpoint/layout.h), of up to 1 MiB. An archive of
 * torch.jit.save without one has its shape inferred from its tensors, as OpenAI's build_model does.
 *
 * Keys of config.json that are absent have CLIP ViT-B/32's values, as in the transformers library; keys of
 * open_clip_config.json have the defaults of open_clip's CLIPTextCfg and CLIPVisionCfg (open_clip/model.py), GELU where
 * quick_gelu is not set.
 * @param[out] out of no use on failure
 * @param model the model's folder, or its file of weights
 * @return NB_OK, or NB_ERR_INPUT naming file, key and value for anything that is not a ViT CLIP (another model type,
 * ResNet or timm image towers, other text towers, pooling or norms than CLIP's, a size that is not in 1 to 2^20, heads
 * that do not divide the width, a patch that does not divide the image) and when the folder or the file is missing or
 * the file too long, as nb_layout_find, nb_checkpoint_open and nb_clip_config_infer, NB_ERR_IO when it cannot be read,
 * NB_ERR_LIMIT without memory */
nb_status nb_clip_config_read(nb_clip_config *out, const char *model, nb_error *err);

/** The same from the text of one of the two files.
 * @param[out] out of no use on failure
 * @param json [len] the text; only read in the call
 * @param len bytes of the text
 * @param open_clip the text is that of open_clip_config.json
 * @param path for messages
 * @return as nb_clip_config_read of the content */
nb_status nb_clip_config_parse(nb_clip_config *out, const char *json, size_t len, bool open_clip, const char *path,
                               nb_error *err);

/** The name of the file that a configuration was read from: "config.json" or "open_clip_config.json"; "the archive"
 * where it was inferred.
 * @param config as nb_clip_config_read filled it */
const char *nb_clip_config_file(const nb_clip_config *config);

/** Patches an image is cut into, without the class token.
 * @param config its image_size and patch are read */
size_t nb_clip_patches(const nb_clip_config *config);

#endif
