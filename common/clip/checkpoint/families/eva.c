/* EVA-CLIP (Sun et al.: EVA-CLIP: Improved Training Techniques for CLIP at Scale, 2023) as open_clip has it: the image
 * towers of the timm library's eva.py (class Eva) under `visual.trunk.`, beside open_clip's own text tower. EVA-02 has
 * rotary positions, SwiGLU and layer norms inside attention and MLP; its largest model has norms behind attention and
 * MLP instead. Keys have no bias. Layer norms of timm have an epsilon of 1e-6. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"

#include <string.h>

enum { ROTARY_GRID = 16 /* 224 / 14: the grid all rotary models are pretrained on */ };

static const struct {
    const char *name;
    size_t patch;
    nb_tower_config tower;
} eva_models[] = {
    {"eva_giant_patch14_224", 14, {.width = 1408, .layers = 40, .heads = 16, .mlp = 6144}},
    {"eva_giant_patch14_clip_224", 14, {.width = 1408, .layers = 40, .heads = 16, .mlp = 6144}},
    {"eva02_base_patch16_clip_224", 16, {.width = 768, .layers = 12, .heads = 12, .mlp = 2048, .rotary = ROTARY_GRID}},
    {"eva02_large_patch14_clip_224",
     14,
     {.width = 1024, .layers = 24, .heads = 16, .mlp = 2730, .rotary = ROTARY_GRID}},
    {"eva02_large_patch14_clip_336",
     14,
     {.width = 1024, .layers = 24, .heads = 16, .mlp = 2730, .rotary = ROTARY_GRID}},
    {"eva02_enormous_patch14_clip_224",
     14,
     {.width = 1792, .layers = 64, .heads = 16, .mlp = 15360, .post_norm = true}},
};

static nb_status eva_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known, nb_error *err)
{
    nb_status status = NB_OK;
    *known = false;
    for (size_t i = 0; i < sizeof eva_models / sizeof *eva_models && !*known; i++) {
        if (strcmp(model, eva_models[i].name) == 0) {
            *known = true;
            out->image = eva_models[i].tower;
            out->patch = eva_models[i].patch;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    out->image.activation = NB_GELU;
    out->image.epsilon = 1e-6f;
    out->image.no_pre_norm = true;
    out->image.patch_bias = true;
    if (out->image.rotary) {
        out->image.mlp_kind = NB_MLP_SWIGLU;
        out->image.attention_norm = out->image.mlp_norm = true;
    }
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_timm_head(out, s, err));
done:
    return status;
}

/* clang-format off */
/* EVA-02, base and large: SwiGLU with a layer norm, queries, keys and values apart. */
static const nb_naming eva_apart = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.blocks.0.attn.q_proj.weight"},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_NORM_OF_TIMM
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.trunk.cls_token"),
             [NB_TENSOR_PART_PATCH_BIAS] = NB_NAME("visual.trunk.patch_embed.proj.bias"),
             [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attn.q_proj.weight", "attn.k_proj.weight", "attn.v_proj.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.q_proj.bias", "", "attn.v_proj.bias"),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.fc1_x.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.fc1_x.bias"),
             [NB_TENSOR_PART_GATE_WEIGHT] = NB_NAME("mlp.fc1_g.weight"),
             [NB_TENSOR_PART_GATE_BIAS] = NB_NAME("mlp.fc1_g.bias"),
             [NB_TENSOR_PART_ATTENTION_NORM_WEIGHT] = NB_NAME("attn.norm.weight"),
             [NB_TENSOR_PART_ATTENTION_NORM_BIAS] = NB_NAME("attn.norm.bias"),
             [NB_TENSOR_PART_MLP_NORM_WEIGHT] = NB_NAME("mlp.norm.weight"),
             [NB_TENSOR_PART_MLP_NORM_BIAS] = NB_NAME("mlp.norm.bias")}};

/* EVA and EVA-02's enormous model: a plain MLP, queries, keys and values in one matrix. */
static const nb_naming eva_fused = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.blocks.0.attn.q_bias"},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_NORM_OF_TIMM
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.trunk.cls_token"),
             [NB_TENSOR_PART_PATCH_BIAS] = NB_NAME("visual.trunk.patch_embed.proj.bias"),
             [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attn.qkv.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.q_bias", "", "attn.v_bias"),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.fc1.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.fc1.bias")}};
/* clang-format on */

const nb_family nb_family_eva = {.name = "EVA-CLIP",
                                 .read_trunk = eva_read_trunk,
                                 .namings = (const nb_naming *const[]){&eva_apart, &eva_fused, NULL}};
