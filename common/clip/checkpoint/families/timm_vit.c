/* Plain ViT image towers of the timm library (models/vision_transformer.py) in open_clip checkpoints: OpenAI's shape
 * under timm's names, and a small one that pools the mean of its patches. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"

#include <string.h>

static const struct {
    const char *name;
    size_t patch;
    nb_tower_config tower;
} timm_models[] = {
    {"vit_base_patch32_clip_224", 32, {.width = 768, .layers = 12, .heads = 12, .mlp = 3072}},
    {"vit_base_patch16_clip_224", 16, {.width = 768, .layers = 12, .heads = 12, .mlp = 3072}},
    {"vit_large_patch14_clip_224", 14, {.width = 1024, .layers = 24, .heads = 16, .mlp = 4096}},
    {"vit_huge_patch14_clip_224", 14, {.width = 1280, .layers = 32, .heads = 16, .mlp = 5120}},
    {"vit_medium_patch16_gap_256",
     16,
     {.width = 512, .layers = 12, .heads = 8, .mlp = 2048, .no_class_token = true, .layer_scale = true}},
};

static nb_status timm_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                 nb_error *err)
{
    nb_status status = NB_OK;
    *known = false;
    for (size_t i = 0; i < sizeof timm_models / sizeof *timm_models && !*known; i++) {
        if (strcmp(model, timm_models[i].name) == 0) {
            *known = true;
            out->image = timm_models[i].tower;
            out->patch = timm_models[i].patch;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    bool clip = !out->image.no_class_token; /* those have CLIP's norm before the first block, and its epsilon */
    out->image.activation = NB_GELU;
    out->image.epsilon = clip ? 1e-5f : 1e-6f;
    out->image.no_pre_norm = out->image.patch_bias = !clip;
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_timm_head(out, s, err));
done:
    return status;
}

/* clang-format off */
static const nb_naming timm_clip = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.norm_pre."},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_NORM_OF_TIMM NB_BLOCK_OF_TIMM
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.qkv.bias"),
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.trunk.cls_token"),
             [NB_TENSOR_PART_PRE_NORM_WEIGHT] = NB_NAME("visual.trunk.norm_pre.weight"),
             [NB_TENSOR_PART_PRE_NORM_BIAS] = NB_NAME("visual.trunk.norm_pre.bias")}};

/* Neither queries nor keys nor values have a bias. */
static const nb_naming timm_gap = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.blocks.0.ls1.gamma"},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_NORM_OF_TIMM NB_BLOCK_OF_TIMM
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_PATCH_BIAS] = NB_NAME("visual.trunk.patch_embed.proj.bias"),
             [NB_TENSOR_PART_SCALE1] = NB_NAME("ls1.gamma"),
             [NB_TENSOR_PART_SCALE2] = NB_NAME("ls2.gamma")}};
/* clang-format on */

const nb_family nb_family_timm_vit = {.name = "timm ViT",
                                      .read_trunk = timm_read_trunk,
                                      .namings = (const nb_naming *const[]){&timm_clip, &timm_gap, NULL}};
