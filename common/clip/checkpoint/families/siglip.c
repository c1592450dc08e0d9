/* SigLIP (Zhai et al.: Sigmoid Loss for Language Image Pre-Training, ICCV 2023) and SigLIP 2 of fixed resolution
 * (Tschannen et al., 2025): text without a causal mask, read at the last token of the whole context, padding included;
 * images without class token, pooled by attention. As the transformers library has it (SiglipModel), and as open_clip
 * does: its own text tower beside image towers of the timm library (models/vision_transformer.py,
 * layers/attention_pool.py) under `visual.trunk.`. The two differ in some activations. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"

#include <stdio.h>
#include <string.h>

/* ---- transformers ---- */

static nb_status siglip_get_tower(nb_config_section s, nb_tower_config *out, nb_error *err)
{
    const json_t *act = json_object_get(s.object, "hidden_act");
    const char *name = act ? json_string_value(act) : "gelu_pytorch_tanh";
    nb_status status;
    NB_TRY(nb_config_size(s, "hidden_size", 768, &out->width, err));
    NB_TRY(nb_config_size(s, "num_hidden_layers", 12, &out->layers, err));
    NB_TRY(nb_config_size(s, "num_attention_heads", 12, &out->heads, err));
    NB_TRY(nb_config_size(s, "intermediate_size", 3072, &out->mlp, err));
    NB_TRY(nb_config_check_heads(s, "num_attention_heads", "hidden_size", out, err));
    NB_TRY(nb_config_epsilon(s, "layer_norm_eps", 1e-6, &out->epsilon, err));
    if (name && strcmp(name, "gelu_pytorch_tanh") == 0) {
        out->activation = NB_GELU_TANH;
    } else if (name && strcmp(name, "gelu") == 0) {
        out->activation = NB_GELU;
    } else {
        status = nb_config_refuse(s, "hidden_act", act, err);
    }
done:
    return status;
}

/* What all image towers of the family have. */
static void siglip_set_image(nb_tower_config *out)
{
    out->pooling = NB_POOL_ATTENTION;
    out->final_norm = NB_FINAL_NORM_ROWS;
    out->projection = NB_PROJECTION_NONE;
    out->no_class_token = out->no_pre_norm = out->patch_bias = true;
}

static nb_status siglip_read(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    /* Absent sections have the library's defaults, as those of the base model. */
    const nb_config_section t = {json_object_get(root, "text_config"), path, "text_config."};
    const nb_config_section v = {json_object_get(root, "vision_config"), path, "vision_config."};
    const json_t *head = json_object_get(v.object, "vision_use_head");
    size_t channels;
    nb_status status;
    NB_TRY(siglip_get_tower(t, &out->text, err));
    NB_TRY(siglip_get_tower(v, &out->image, err));
    NB_TRY(nb_config_size(t, "max_position_embeddings", 64, &out->context, err));
    NB_TRY(nb_config_size(t, "vocab_size", 32000, &out->vocabulary, err));
    NB_TRY(nb_config_size(t, "projection_size", out->text.width, &out->projection, err));
    NB_TRY(nb_config_side(v, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_side(v, "patch_size", 16, &out->patch, err));
    NB_TRY(nb_config_size(v, "num_channels", 3, &channels, err));
    NB_TRY(nb_config_check_image(out, channels, path, err));
    if (head && !json_is_true(head)) {
        status = nb_config_refuse(v, "vision_use_head", head, err);
        goto done;
    }
    if (out->projection != out->image.width) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': texts are embedded in %zu dimensions, images in %zu", path,
                         out->projection, out->image.width);
        goto done;
    }
    out->text.bidirectional = true;
    out->text.pooling = NB_POOL_LAST;
    out->text.projection = NB_PROJECTION_BIASED;
    out->end_token = NB_END_UNSTATED;
    siglip_set_image(&out->image);
done:
    return status;
}

/* Patches of any grid, with positions that are stretched to it, and a mask over what is missing. */
static nb_status siglip_read_naflex(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    (void)out, (void)root;
    nb_fail(err, NB_ERR_INPUT,
            "'%s': model_type 'siglip2' is a SigLIP 2 of variable resolution (NaFlex), which is not "
            "supported",
            path);
    return nb_hint(err, "the SigLIP 2 of fixed resolution are read, for instance siglip2-base-patch16-224; their "
                        "model_type is 'siglip'");
}

/* ---- open_clip and timm ---- */

enum { SO400M_MLP = 4304 };

/* Of the timm library's models; the activation is exact GELU where `tanh` is false. */
static const struct {
    const char *name; /* "vit_NAME_siglip_SIZE" */
    size_t size, patch, width, layers, heads, mlp;
    bool tanh;
} siglip_models[] = {
    {"base_patch32", 256, 32, 768, 12, 12, 3072, true},
    {"base_patch16", 224, 16, 768, 12, 12, 3072, false},
    {"base_patch16", 256, 16, 768, 12, 12, 3072, false},
    {"base_patch16", 384, 16, 768, 12, 12, 3072, false},
    {"base_patch16", 512, 16, 768, 12, 12, 3072, false},
    {"large_patch16", 256, 16, 1024, 24, 16, 4096, false},
    {"large_patch16", 384, 16, 1024, 24, 16, 4096, false},
    {"large_patch16", 512, 16, 1024, 24, 16, 4096, true},
    {"so400m_patch14", 224, 14, 1152, 27, 16, SO400M_MLP, false},
    {"so400m_patch14", 378, 14, 1152, 27, 16, SO400M_MLP, false},
    {"so400m_patch14", 384, 14, 1152, 27, 16, SO400M_MLP, false},
    {"so400m_patch16", 256, 16, 1152, 27, 16, SO400M_MLP, true},
    {"so400m_patch16", 384, 16, 1152, 27, 16, SO400M_MLP, true},
    {"so400m_patch16", 512, 16, 1152, 27, 16, SO400M_MLP, true},
    {"giantopt_patch16", 256, 16, 1536, 40, 16, 6144, true},
    {"giantopt_patch16", 384, 16, 1536, 40, 16, 6144, true},
};

static nb_status siglip_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                   nb_error *err)
{
    const json_t *pool = json_object_get(s.object, "timm_pool"), *proj = json_object_get(s.object, "timm_proj");
    const char *pooling = json_string_value(pool), *projection = json_string_value(proj);
    nb_status status = NB_OK;
    size_t size = 0;
    *known = false;
    for (size_t i = 0; i < sizeof siglip_models / sizeof *siglip_models && !*known; i++) {
        char name[64];
        snprintf(name, sizeof name, "vit_%s_siglip_%zu", siglip_models[i].name, siglip_models[i].size);
        if (strcmp(model, name) == 0) {
            *known = true;
            size = siglip_models[i].size;
            out->patch = siglip_models[i].patch;
            out->image = (nb_tower_config){.width = siglip_models[i].width,
                                           .layers = siglip_models[i].layers,
                                           .heads = siglip_models[i].heads,
                                           .mlp = siglip_models[i].mlp,
                                           .activation = siglip_models[i].tanh ? NB_GELU_TANH : NB_GELU,
                                           .epsilon = 1e-6f};
        }
    }
    if (!*known) {
        return NB_OK;
    }
    NB_TRY(nb_config_side(s, "image_size", size, &out->image_size, err));
    /* timm's own pooling and no projection behind it */
    if (pooling && *pooling && strcmp(pooling, "map") != 0) {
        return nb_config_refuse(s, "timm_pool", pool, err);
    }
    if (!projection || strcmp(projection, "none") != 0) {
        return nb_config_refuse(s, "timm_proj", proj, err);
    }
    siglip_set_image(&out->image);
done:
    return status;
}

/* clang-format off */
static const nb_naming siglip_text = {
    .name = "SigLIP", .tower = NB_TOWER_TEXT, .evidence = {"text_model.head."},
    .root = "text_model.", .blocks = "text_model.encoder.layers.",
    .rows = {NB_BLOCK_OF_HUGGING_FACE
             [NB_TENSOR_PART_TOKEN_EMBEDDING] = NB_NAME("text_model.embeddings.token_embedding.weight"),
             [NB_TENSOR_PART_TEXT_POSITION] = NB_NAME("text_model.embeddings.position_embedding.weight"),
             [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = NB_NAME("text_model.final_layer_norm.weight"),
             [NB_TENSOR_PART_TEXT_NORM_BIAS] = NB_NAME("text_model.final_layer_norm.bias"),
             [NB_TENSOR_PART_TEXT_PROJECTION] = NB_NAME("text_model.head.weight"),
             [NB_TENSOR_PART_TEXT_PROJECTION_BIAS] = NB_NAME("text_model.head.bias"),
             [NB_TENSOR_PART_LOGIT_SCALE] = NB_NAME("logit_scale")}};

static const nb_naming siglip_image = {
    .name = "SigLIP", .tower = NB_TOWER_IMAGE, .evidence = {"vision_model.head."},
    .root = "vision_model.", .blocks = "vision_model.encoder.layers.",
    .rows = {NB_BLOCK_OF_HUGGING_FACE
             [NB_TENSOR_PART_PATCH_EMBEDDING] = NB_NAME("vision_model.embeddings.patch_embedding.weight"),
             [NB_TENSOR_PART_PATCH_BIAS] = NB_NAME("vision_model.embeddings.patch_embedding.bias"),
             [NB_TENSOR_PART_IMAGE_POSITION] = NB_NAME("vision_model.embeddings.position_embedding.weight"),
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = NB_NAME("vision_model.post_layernorm.weight"),
             [NB_TENSOR_PART_POST_NORM_BIAS] = NB_NAME("vision_model.post_layernorm.bias"),
             [NB_TENSOR_PART_POOL_QUERY] = NB_NAME("vision_model.head.probe"),
             [NB_TENSOR_PART_POOL_QKV_WEIGHT] = NB_NAME("vision_model.head.attention.in_proj_weight"),
             [NB_TENSOR_PART_POOL_QKV_BIAS] = NB_NAME("vision_model.head.attention.in_proj_bias"),
             [NB_TENSOR_PART_POOL_OUT_WEIGHT] = NB_NAME("vision_model.head.attention.out_proj.weight"),
             [NB_TENSOR_PART_POOL_OUT_BIAS] = NB_NAME("vision_model.head.attention.out_proj.bias"),
             [NB_TENSOR_PART_POOL_NORM_WEIGHT] = NB_NAME("vision_model.head.layernorm.weight"),
             [NB_TENSOR_PART_POOL_NORM_BIAS] = NB_NAME("vision_model.head.layernorm.bias"),
             [NB_TENSOR_PART_POOL_FC1_WEIGHT] = NB_NAME("vision_model.head.mlp.fc1.weight"),
             [NB_TENSOR_PART_POOL_FC1_BIAS] = NB_NAME("vision_model.head.mlp.fc1.bias"),
             [NB_TENSOR_PART_POOL_FC2_WEIGHT] = NB_NAME("vision_model.head.mlp.fc2.weight"),
             [NB_TENSOR_PART_POOL_FC2_BIAS] = NB_NAME("vision_model.head.mlp.fc2.bias")}};

/* timm's image towers that pool by attention, PE-Core's too: keys and values of the pooling are in one matrix, the query
 * apart. SigLIP's have neither class token nor norm before the first block nor projection. */
static const nb_naming siglip_trunk = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.attn_pool."},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_BLOCK_OF_TIMM
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.qkv.bias"),
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.trunk.cls_token"),
             [NB_TENSOR_PART_PRE_NORM_WEIGHT] = NB_NAME("visual.trunk.norm_pre.weight"),
             [NB_TENSOR_PART_PRE_NORM_BIAS] = NB_NAME("visual.trunk.norm_pre.bias"),
             [NB_TENSOR_PART_PATCH_BIAS] = NB_NAME("visual.trunk.patch_embed.proj.bias"),
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = NB_NAME("visual.trunk.norm.weight"),
             [NB_TENSOR_PART_POST_NORM_BIAS] = NB_NAME("visual.trunk.norm.bias"),
             [NB_TENSOR_PART_POOL_QUERY] = NB_NAME("visual.trunk.attn_pool.latent"),
             [NB_TENSOR_PART_POOL_QKV_WEIGHT] = {.pieces = {"visual.trunk.attn_pool.q.weight", "visual.trunk.attn_pool.kv.weight"}, .shares = {1, 2}},
             [NB_TENSOR_PART_POOL_QKV_BIAS] = {.pieces = {"visual.trunk.attn_pool.q.bias", "visual.trunk.attn_pool.kv.bias"}, .shares = {1, 2}},
             [NB_TENSOR_PART_POOL_OUT_WEIGHT] = NB_NAME("visual.trunk.attn_pool.proj.weight"),
             [NB_TENSOR_PART_POOL_OUT_BIAS] = NB_NAME("visual.trunk.attn_pool.proj.bias"),
             [NB_TENSOR_PART_POOL_NORM_WEIGHT] = NB_NAME("visual.trunk.attn_pool.norm.weight"),
             [NB_TENSOR_PART_POOL_NORM_BIAS] = NB_NAME("visual.trunk.attn_pool.norm.bias"),
             [NB_TENSOR_PART_POOL_FC1_WEIGHT] = NB_NAME("visual.trunk.attn_pool.mlp.fc1.weight"),
             [NB_TENSOR_PART_POOL_FC1_BIAS] = NB_NAME("visual.trunk.attn_pool.mlp.fc1.bias"),
             [NB_TENSOR_PART_POOL_FC2_WEIGHT] = NB_NAME("visual.trunk.attn_pool.mlp.fc2.weight"),
             [NB_TENSOR_PART_POOL_FC2_BIAS] = NB_NAME("visual.trunk.attn_pool.mlp.fc2.bias")}};
/* clang-format on */

const nb_family nb_family_siglip = {.name = "SigLIP",
                                    .model_type = "siglip",
                                    .read = siglip_read,
                                    .read_trunk = siglip_read_trunk,
                                    .namings =
                                        (const nb_naming *const[]){&siglip_text, &siglip_image, &siglip_trunk, NULL}};

const nb_family nb_family_siglip2 = {.name = "SigLIP 2 NaFlex", .model_type = "siglip2", .read = siglip_read_naflex};
