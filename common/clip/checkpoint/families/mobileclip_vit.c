/* MobileCLIP-B (Vasu et al.: MobileCLIP: Fast Image-Text Models through Multi-Modal Reinforced Training, CVPR 2024) as
 * open_clip has it: the timm library's vit_base_mci_224 (models/vision_transformer_hybrid.py) under `visual.trunk.`, a
 * ViT whose patches are made by three convolutions, and whose class token has no position. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/layers.h"

#include <string.h>

enum { REDUCTION = 16 };

#define BACKBONE "visual.trunk.patch_embed.backbone."

/* Windows of 4, 2 and 2 pixels that do not overlap; the first two have a batch norm and GELU behind them. */
static void mobileclip_list(const nb_clip_config *c, const nb_layer_visitor *v)
{
    size_t stem = c->image.convolutions.stem;
    const nb_layer between = {.kind = NB_LAYER_CONVOLUTION, .epsilon = 1e-5f, .activation = NB_LAYER_GELU};
    nb_layer first = between, second = between;
    first.out = 1;
    first.inputs = 3;
    first.outputs = second.inputs = second.outputs = stem;
    first.kernel = first.stride = 4;
    second.in = 1;
    second.kernel = second.stride = 2;
    nb_layer_give(v, &(nb_layer_names){.prefix = BACKBONE, .name = "0.conv", .norm = "0.bn"}, first);
    nb_layer_give(v, &(nb_layer_names){.prefix = BACKBONE, .name = "1.conv", .norm = "1.bn"}, second);
    nb_layer_give(v, &(nb_layer_names){.prefix = BACKBONE, .name = "2.conv"},
                  (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                             .in = 0,
                             .out = 1,
                             .inputs = stem,
                             .outputs = c->image.width,
                             .kernel = 2,
                             .stride = 2,
                             .bias = true});
}

static nb_status mobileclip_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                       nb_error *err)
{
    nb_status status = NB_OK;
    *known = strcmp(model, "vit_base_mci_224") == 0;
    if (!*known) {
        return NB_OK;
    }
    out->image = (nb_tower_config){.width = 768,
                                   .layers = 12,
                                   .heads = 12,
                                   .mlp = 3072,
                                   .activation = NB_GELU,
                                   .epsilon = 1e-6f,
                                   .no_pre_norm = true,
                                   .no_class_position = true,
                                   .convolutions = {.list = mobileclip_list, .stem = 192}};
    out->patch = REDUCTION;
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_check_sides(out, s, err));
    NB_TRY(nb_config_timm_head(out, s, err));
done:
    return status;
}

/* clang-format off */
static const nb_naming mobileclip_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.patch_embed.backbone.0.conv."},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_TRUNK_OF_TIMM NB_NORM_OF_TIMM NB_BLOCK_OF_TIMM
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.qkv.bias"),
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.trunk.cls_token")}};
/* clang-format on */

const nb_family nb_family_mobileclip_vit = {.name = "MobileCLIP ViT",
                                            .read_trunk = mobileclip_read_trunk,
                                            .namings = (const nb_naming *const[]){&mobileclip_image, NULL}};
