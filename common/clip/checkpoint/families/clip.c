/* CLIP as the transformers library has it (CLIPModel, CLIPConfig): OpenAI's checkpoints and those after their shape.
 * Keys that are absent have the values of CLIP ViT-B/32, as in that library. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"

#include <string.h>

enum {
    OLD_END_TOKEN = 2 /* what old configurations say, whatever the vocabulary: the library then looks for the highest */
};

static nb_status clip_get_tower(nb_config_section s, const nb_tower_config *fallback, nb_tower_config *out,
                                nb_error *err)
{
    nb_status status;
    NB_TRY(nb_config_size(s, "hidden_size", fallback->width, &out->width, err));
    NB_TRY(nb_config_size(s, "num_hidden_layers", fallback->layers, &out->layers, err));
    NB_TRY(nb_config_size(s, "num_attention_heads", fallback->heads, &out->heads, err));
    NB_TRY(nb_config_size(s, "intermediate_size", fallback->mlp, &out->mlp, err));
    NB_TRY(nb_config_check_heads(s, "num_attention_heads", "hidden_size", out, err));
    const json_t *act = json_object_get(s.object, "hidden_act");
    const char *name = act ? json_string_value(act) : "quick_gelu";
    if (name && strcmp(name, "quick_gelu") == 0) {
        out->activation = NB_QUICK_GELU;
    } else if (name && strcmp(name, "gelu") == 0) {
        out->activation = NB_GELU;
    } else {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %shidden_act '%s' is neither quick_gelu nor gelu", s.path, s.name,
                       name ? name : "(no text)");
    }
    NB_TRY(nb_config_epsilon(s, "layer_norm_eps", 1e-5, &out->epsilon, err));
done:
    return status;
}

/* Old configurations hold the values once more under text_config_dict. As in transformers (CLIPConfig), these count,
 * and what they leave out has its default, whatever text_config says. */
static const json_t *clip_get_section(const json_t *root, const char *name, const char *overlay)
{
    const json_t *over = json_object_get(root, overlay);
    return json_is_object(over) ? over : json_object_get(root, name);
}

static nb_status clip_read(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    static const nb_tower_config text = {.width = 512, .layers = 12, .heads = 8, .mlp = 2048};
    static const nb_tower_config image = {.width = 768, .layers = 12, .heads = 12, .mlp = 3072};
    nb_config_section top = {root, path, ""};
    nb_config_section t = {clip_get_section(root, "text_config", "text_config_dict"), path, "text_config."};
    nb_config_section v = {clip_get_section(root, "vision_config", "vision_config_dict"), path, "vision_config."};
    size_t channels;
    nb_status status;
    if (!json_is_object(t.object) || !json_is_object(v.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path,
                       json_is_object(t.object) ? "vision_config" : "text_config");
    }
    NB_TRY(clip_get_tower(t, &text, &out->text, err));
    NB_TRY(clip_get_tower(v, &image, &out->image, err));
    NB_TRY(nb_config_size(t, "max_position_embeddings", 77, &out->context, err));
    NB_TRY(nb_config_size(t, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(nb_config_size(v, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_size(v, "patch_size", 32, &out->patch, err));
    NB_TRY(nb_config_size(v, "num_channels", 3, &channels, err));
    NB_TRY(nb_config_size(top, "projection_dim", 512, &out->projection, err));
    NB_TRY(nb_config_token(t, "eos_token_id", NB_END_UNSTATED, &out->end_token, err));
    out->end_token = out->end_token == OLD_END_TOKEN ? NB_END_HIGHEST : out->end_token;
    NB_TRY(nb_config_check_image(out, channels, path, err));
done:
    return status;
}

/* clang-format off */
/* clang-format on */

const nb_naming nb_naming_hugging_face_text = {
    .name = "hugging face",
    .tower = NB_TOWER_TEXT,
    .evidence = {"text_model."},
    .root = "text_model.",
    .blocks = "text_model.encoder.layers.",
    .rows = {NB_BLOCK_OF_HUGGING_FACE[NB_TENSOR_PART_TOKEN_EMBEDDING] =
                 NB_NAME("text_model.embeddings.token_embedding.weight"),
             [NB_TENSOR_PART_TEXT_POSITION] = NB_NAME("text_model.embeddings.position_embedding.weight"),
             [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = NB_NAME("text_model.final_layer_norm.weight"),
             [NB_TENSOR_PART_TEXT_NORM_BIAS] = NB_NAME("text_model.final_layer_norm.bias"),
             [NB_TENSOR_PART_TEXT_PROJECTION] = NB_NAME("text_projection.weight"),
             [NB_TENSOR_PART_LOGIT_SCALE] = NB_NAME("logit_scale")}};

const nb_naming nb_naming_hugging_face_image = {
    .name = "hugging face",
    .tower = NB_TOWER_IMAGE,
    .evidence = {"vision_model."},
    .root = "vision_model.",
    .blocks = "vision_model.encoder.layers.",
    .rows = {NB_BLOCK_OF_HUGGING_FACE[NB_TENSOR_PART_CLASS_EMBEDDING] =
                 NB_NAME("vision_model.embeddings.class_embedding"),
             [NB_TENSOR_PART_PATCH_EMBEDDING] = NB_NAME("vision_model.embeddings.patch_embedding.weight"),
             [NB_TENSOR_PART_IMAGE_POSITION] = NB_NAME("vision_model.embeddings.position_embedding.weight"),
             /* "layrnorm" is how transformers spells it */
             [NB_TENSOR_PART_PRE_NORM_WEIGHT] = NB_NAME("vision_model.pre_layrnorm.weight"),
             [NB_TENSOR_PART_PRE_NORM_BIAS] = NB_NAME("vision_model.pre_layrnorm.bias"),
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = NB_NAME("vision_model.post_layernorm.weight"),
             [NB_TENSOR_PART_POST_NORM_BIAS] = NB_NAME("vision_model.post_layernorm.bias"),
             [NB_TENSOR_PART_IMAGE_PROJECTION] = NB_NAME("visual_projection.weight")}};

const nb_family nb_family_clip = {
    .name = "CLIP",
    .model_type = "clip",
    .read = clip_read,
    .namings = (const nb_naming *const[]){&nb_naming_hugging_face_text, &nb_naming_hugging_face_image, NULL}};
