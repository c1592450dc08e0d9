/* Models of the open_clip library, from open_clip_config.json: its own ViT (VisionTransformer) or an image tower of the
 * timm library that another family knows (nb_family.read_trunk), and its own text tower (TextTransformer). Keys that
 * are absent have the defaults of CLIPTextCfg and CLIPVisionCfg (open_clip/model.py). The names of tensors are
 * OpenAI's. */
#include "common/clip/checkpoint/families/family.h"

#include <string.h>

enum { MLP_RATIO_LIMIT = 64 };

/* int(width * mlp_ratio), as open_clip cuts it. */
static nb_status open_get_mlp(nb_config_section s, nb_tower_config *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "mlp_ratio");
    double ratio = value ? json_number_value(value) : 4.0;
    double mlp = (double)out->width * ratio;
    if (!(mlp >= 1 && ratio <= MLP_RATIO_LIMIT)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %smlp_ratio %g is not in (0, %d]", s.path, s.name, ratio,
                       MLP_RATIO_LIMIT);
    }
    out->mlp = (size_t)mlp;
    return NB_OK;
}

static nb_status open_read_text(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const nb_config_extra extras[] = {
        {"hf_model_name", NULL}, {"embed_cls", NULL},      {"pool_type", "argmax"},      {"proj_type", "linear"},
        {"proj_bias", NULL},     {"no_causal_mask", NULL}, {"ls_init_value", NULL},      {"norm_kwargs", NULL},
        {"act_kwargs", NULL},    {"output_tokens", NULL},  {"final_ln_after_pool", NULL}};
    nb_status status;
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(nb_config_size(s, "width", 512, &out->text.width, err));
    NB_TRY(nb_config_size(s, "layers", 12, &out->text.layers, err));
    NB_TRY(nb_config_size(s, "heads", 8, &out->text.heads, err));
    NB_TRY(nb_config_size(s, "context_length", 77, &out->context, err));
    NB_TRY(nb_config_size(s, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(open_get_mlp(s, &out->text, err));
    NB_TRY(nb_config_check_heads(s, "heads", "width", &out->text, err));
done:
    return status;
}

/* The image tower of the timm library that vision_cfg names. */
static nb_status open_read_trunk(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "timm_model_name");
    const char *model = json_string_value(value);
    bool known = false;
    nb_status status = NB_OK;
    for (size_t i = 0; model && nb_families[i] && !known && status == NB_OK; i++) {
        if (nb_families[i]->read_trunk) {
            status = nb_families[i]->read_trunk(out, s, model, &known, err);
        }
    }
    return status != NB_OK || known ? status : nb_config_refuse(s, "timm_model_name", value, err);
}

static nb_status open_read_vision(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const nb_config_extra extras[] = {
        {"attentional_pool", NULL},      {"global_average_pool", NULL}, {"pool_type", "tok"},  {"no_ln_pre", NULL},
        {"input_patchnorm", NULL},       {"ls_init_value", NULL},       {"norm_kwargs", NULL}, {"act_kwargs", NULL},
        {"pos_embed_type", "learnable"}, {"final_ln_after_pool", NULL}};
    const json_t *model = json_object_get(s.object, "timm_model_name");
    size_t head_width;
    nb_status status;
    if (json_is_array(json_object_get(s.object, "layers"))) {
        nb_fail(err, NB_ERR_INPUT, "'%s': %slayers is a list: a ResNet image tower, which is not supported", s.path,
                s.name);
        return nb_hint(err, "CLIPs with ViT image tower and CLIP's own text tower are read");
    }
    if (model && !json_is_null(model)) {
        return open_read_trunk(out, s, err);
    }
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(nb_config_size(s, "width", 768, &out->image.width, err));
    NB_TRY(nb_config_size(s, "layers", 12, &out->image.layers, err));
    NB_TRY(nb_config_size(s, "head_width", 64, &head_width, err));
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_side(s, "patch_size", 16, &out->patch, err));
    NB_TRY(open_get_mlp(s, &out->image, err));
    out->image.heads = out->image.width / head_width;
    NB_TRY(nb_config_check_heads(s, "width / head_width =", "width", &out->image, err));
done:
    return status;
}

static nb_status open_read(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    static const nb_config_extra extras[] = {{"multimodal_cfg", NULL}, {"init_logit_bias", NULL}};
    nb_config_section model = {json_object_get(root, "model_cfg"), path, "model_cfg."};
    nb_config_section text = {json_object_get(model.object, "text_cfg"), path, "model_cfg.text_cfg."};
    nb_config_section vision = {json_object_get(model.object, "vision_cfg"), path, "model_cfg.vision_cfg."};
    nb_status status;
    if (!json_is_object(text.object) || !json_is_object(vision.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path,
                       json_is_object(text.object) ? "model_cfg.vision_cfg" : "model_cfg.text_cfg");
    }
    NB_TRY(nb_config_refuse_extras(model, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(nb_config_size(model, "embed_dim", 0, &out->projection, err));
    const json_t *quick = json_object_get(model.object, "quick_gelu");
    if (!out->projection || (quick && !json_is_boolean(quick))) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %s", path,
                         out->projection ? "model_cfg.quick_gelu is neither true nor false"
                                         : "model_cfg.embed_dim is missing");
        goto done;
    }
    out->text.activation = out->image.activation = json_is_true(quick) ? NB_QUICK_GELU : NB_GELU;
    out->text.epsilon = out->image.epsilon = 1e-5f;
    out->end_token = NB_END_HIGHEST;
    NB_TRY(open_read_text(out, text, err));
    NB_TRY(open_read_vision(out, vision, err));
    NB_TRY(nb_config_check_image(out, 3, path, err));
done:
    return status;
}

/* clang-format off */
#define BLOCK                                                          \
    [NB_TENSOR_PART_NORM1_WEIGHT] = {{"ln_1.weight"}},                 \
    [NB_TENSOR_PART_NORM1_BIAS] = {{"ln_1.bias"}},                     \
    [NB_TENSOR_PART_QKV_WEIGHT] = {{"attn.in_proj_weight"}},           \
    [NB_TENSOR_PART_QKV_BIAS] = {{"attn.in_proj_bias"}},               \
    [NB_TENSOR_PART_OUT_WEIGHT] = {{"attn.out_proj.weight"}},          \
    [NB_TENSOR_PART_OUT_BIAS] = {{"attn.out_proj.bias"}},              \
    [NB_TENSOR_PART_NORM2_WEIGHT] = {{"ln_2.weight"}},                 \
    [NB_TENSOR_PART_NORM2_BIAS] = {{"ln_2.bias"}},                     \
    [NB_TENSOR_PART_FC1_WEIGHT] = {{"mlp.c_fc.weight"}},               \
    [NB_TENSOR_PART_FC1_BIAS] = {{"mlp.c_fc.bias"}},                   \
    [NB_TENSOR_PART_FC2_WEIGHT] = {{"mlp.c_proj.weight"}},             \
    [NB_TENSOR_PART_FC2_BIAS] = {{"mlp.c_proj.bias"}},                 \
    [NB_TENSOR_PART_SCALE1] = {{"ls_1.gamma"}},                        \
    [NB_TENSOR_PART_SCALE2] = {{"ls_2.gamma"}},

/* The text tower; `prefix` is what custom_text puts before its names. */
#define TEXT(prefix)                                                                                          \
    BLOCK                                                                                                     \
    [NB_TENSOR_PART_TOKEN_EMBEDDING] = {{prefix "token_embedding.weight"}},                                   \
    [NB_TENSOR_PART_TEXT_POSITION] = {{prefix "positional_embedding"}},                                       \
    [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = {{prefix "ln_final.weight"}},                                         \
    [NB_TENSOR_PART_TEXT_NORM_BIAS] = {{prefix "ln_final.bias"}},                                             \
    [NB_TENSOR_PART_TEXT_PROJECTION] = {{prefix "text_projection"}, true, prefix "text_projection.weight"},   \
    [NB_TENSOR_PART_TEXT_PROJECTION_BIAS] = {{prefix "text_projection.bias"}},                                \
    [NB_TENSOR_PART_LOGIT_SCALE] = {{"logit_scale"}},

static const nb_naming open_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT,
    .evidence = {"transformer.", "positional_embedding", "token_embedding.weight"},
    .root = "transformer.", .blocks = "transformer.resblocks.", .rows = {TEXT("")}};

static const nb_naming open_custom_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT, .evidence = {"text.transformer.resblocks."},
    .root = "text.", .blocks = "text.transformer.resblocks.", .rows = {TEXT("text.")}};

static const nb_naming open_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual."},
    .root = "visual.", .blocks = "visual.transformer.resblocks.",
    .rows = {BLOCK
             [NB_TENSOR_PART_CLASS_EMBEDDING] = {{"visual.class_embedding"}},
             [NB_TENSOR_PART_PATCH_EMBEDDING] = {{"visual.conv1.weight"}},
             [NB_TENSOR_PART_IMAGE_POSITION] = {{"visual.positional_embedding"}},
             [NB_TENSOR_PART_PRE_NORM_WEIGHT] = {{"visual.ln_pre.weight"}},
             [NB_TENSOR_PART_PRE_NORM_BIAS] = {{"visual.ln_pre.bias"}},
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = {{"visual.ln_post.weight"}},
             [NB_TENSOR_PART_POST_NORM_BIAS] = {{"visual.ln_post.bias"}},
             [NB_TENSOR_PART_IMAGE_PROJECTION] = {{"visual.proj"}, true, NULL}}};
/* clang-format on */

const nb_family nb_family_open_clip = {
    .name = "open_clip",
    .read = open_read,
    .namings = (const nb_naming *const[]){&open_custom_text, &open_text, &open_image, NULL}};
