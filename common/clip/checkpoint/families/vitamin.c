/* ViTamin (Chen et al.: ViTamin: Designing Scalable Vision Models in the Vision-Language Era, CVPR 2024) as open_clip
 * has it: image towers of the timm library's vitamin.py under `visual.trunk.`. Two stages of convolutions, then a ViT
 * whose rows are the pixels of the last one; its MLPs are gated by GELU and have a layer norm of their own behind the
 * block's. The largest models have no positions. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/layers.h"

#include <stdio.h>
#include <string.h>

enum { REDUCTION = 16, EXPANSION = 4 /* channels inside of a block */ };

static const struct {
    const char *name; /* "vitamin_NAME_SIZE" */
    nb_convolutions convolutions;
    nb_tower_config tower;
} vitamin_models[] = {
    {"small",
     {.stem = 64, .depths = {2, 4}, .widths = {64, 128}},
     {.width = 384, .layers = 14, .heads = 6, .mlp = 768}},
    {"base",
     {.stem = 128, .depths = {2, 4}, .widths = {128, 256}},
     {.width = 768, .layers = 14, .heads = 12, .mlp = 1536}},
    {"large",
     {.stem = 160, .depths = {2, 4}, .widths = {160, 320}},
     {.width = 1024, .layers = 31, .heads = 16, .mlp = 2048}},
    {"large2",
     {.stem = 160, .depths = {2, 4}, .widths = {160, 320}},
     {.width = 1024, .layers = 31, .heads = 16, .mlp = 2048}},
    {"xlarge",
     {.stem = 192, .depths = {2, 4}, .widths = {192, 384}},
     {.width = 1152, .layers = 32, .heads = 16, .mlp = 2304, .no_position = true}},
};

#define BACKBONE "visual.trunk.patch_embed.backbone."

/* A layer with a bias, or a norm of timm's epsilon. */
static void vitamin_give(const nb_layer_visitor *v, const char *prefix, const char *name, nb_layer layer)
{
    layer.bias = true;
    layer.epsilon = 1e-6f;
    nb_layer_give(v, &(nb_layer_names){.prefix = prefix, .name = name}, layer);
}

/* What is added to the output of a block that halves the sides: a mean over 3 x 3 pixels, and a matrix where the
 * channels change. Returns its slot. */
static size_t vitamin_shortcut(const nb_layer_visitor *v, const char *prefix, size_t x, size_t inputs, size_t outputs)
{
    size_t mean = nb_layer_slot(x, x), expanded = nb_layer_slot(x, mean);
    vitamin_give(
        v, prefix, NULL,
        (nb_layer){
            .kind = NB_LAYER_AVERAGE, .in = x, .out = mean, .inputs = inputs, .kernel = 3, .stride = 2, .padding = 1});
    if (inputs == outputs) {
        return mean;
    }
    vitamin_give(v, prefix, "shortcut.expand",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = mean,
                            .out = expanded,
                            .inputs = inputs,
                            .outputs = outputs,
                            .kernel = 1});
    return expanded;
}

/* One block of slot x; the first of a stage halves the sides. Returns the slot of its output. */
static size_t vitamin_block(const nb_layer_visitor *v, const char *prefix, size_t x, size_t inputs, size_t outputs,
                            bool first)
{
    size_t inside = EXPANSION * outputs, shortcut = first ? vitamin_shortcut(v, prefix, x, inputs, outputs) : x;
    size_t narrow = first ? x : nb_layer_slot(x, x), wide = nb_layer_slot(shortcut, narrow);
    vitamin_give(v, prefix, "pre_norm", (nb_layer){.kind = NB_LAYER_NORM, .in = x, .out = narrow, .inputs = inputs});
    vitamin_give(v, prefix, "conv1_1x1",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = narrow,
                            .out = wide,
                            .inputs = inputs,
                            .outputs = inside,
                            .kernel = 1,
                            .activation = NB_LAYER_GELU});
    vitamin_give(v, prefix, "conv2_kxk",
                 (nb_layer){.kind = NB_LAYER_DEPTHWISE,
                            .in = wide,
                            .out = narrow,
                            .inputs = inside,
                            .kernel = 3,
                            .stride = first ? 2 : 1,
                            .padding = 1,
                            .activation = NB_LAYER_GELU});
    vitamin_give(v, prefix, "conv3_1x1",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = narrow,
                            .out = shortcut,
                            .inputs = inside,
                            .outputs = outputs,
                            .kernel = 1,
                            .adds = true});
    return shortcut;
}

static void vitamin_list(const nb_clip_config *c, const nb_layer_visitor *v)
{
    const nb_convolutions *shape = &c->image.convolutions;
    size_t inputs = shape->stem, x = 0;
    vitamin_give(v, BACKBONE, "stem.conv1",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = 0,
                            .out = 1,
                            .inputs = 3,
                            .outputs = inputs,
                            .kernel = 3,
                            .stride = 2,
                            .padding = 1});
    vitamin_give(v, BACKBONE, "stem.norm1",
                 (nb_layer){.kind = NB_LAYER_NORM, .in = 1, .out = 1, .inputs = inputs, .activation = NB_LAYER_GELU});
    vitamin_give(v, BACKBONE, "stem.conv2",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = 1,
                            .out = 0,
                            .inputs = inputs,
                            .outputs = inputs,
                            .kernel = 3,
                            .padding = 1});
    for (size_t stage = 0; stage < 2; stage++) {
        for (size_t block = 0; block < shape->depths[stage]; block++) {
            char prefix[NB_TENSOR_PART_NAME_MAX];
            snprintf(prefix, sizeof prefix, BACKBONE "stages.%zu.%zu.", stage, block);
            x = vitamin_block(v, prefix, x, inputs, shape->widths[stage], block == 0);
            inputs = shape->widths[stage];
        }
    }
    vitamin_give(v, BACKBONE, "pool.norm", (nb_layer){.kind = NB_LAYER_NORM, .in = x, .out = x, .inputs = inputs});
    vitamin_give(v, BACKBONE, "pool.proj",
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = x,
                            .out = nb_layer_slot(x, x),
                            .inputs = inputs,
                            .outputs = c->image.width,
                            .kernel = 3,
                            .stride = 2,
                            .padding = 1});
}

static nb_status vitamin_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                    nb_error *err)
{
    nb_tower_config *c = &out->image;
    nb_status status = NB_OK;
    size_t size = 0;
    *known = false;
    for (size_t i = 0; i < sizeof vitamin_models / sizeof *vitamin_models && !*known; i++) {
        static const size_t sizes[] = {224, 256, 336, 384};
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes && !*known; k++) {
            char name[64];
            snprintf(name, sizeof name, "vitamin_%s_%zu", vitamin_models[i].name, sizes[k]);
            *known = strcmp(model, name) == 0;
            size = sizes[k];
        }
        if (*known) {
            *c = vitamin_models[i].tower;
            c->convolutions = vitamin_models[i].convolutions;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    c->convolutions.list = vitamin_list;
    c->activation = NB_GELU;
    c->epsilon = 1e-6f;
    c->mlp_kind = NB_MLP_GEGLU;
    c->mlp_input_norm = c->no_class_token = c->no_pre_norm = true;
    out->patch = REDUCTION;
    NB_TRY(nb_config_side(s, "image_size", size, &out->image_size, err));
    NB_TRY(nb_config_timm_convolutions(out, s, err));
done:
    return status;
}

/* clang-format off */
static const nb_naming vitamin_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.patch_embed.backbone.stem."},
    .root = "visual.", .blocks = "visual.trunk.blocks.",
    .rows = {NB_GATED_TRUNK_OF_TIMM NB_NORM_OF_TIMM
             [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attn.qkv.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.qkv.bias"),
             [NB_TENSOR_PART_MLP_NORM_WEIGHT] = NB_NAME("mlp.norm.weight"),
             [NB_TENSOR_PART_MLP_NORM_BIAS] = NB_NAME("mlp.norm.bias"),
             [NB_TENSOR_PART_GATE_WEIGHT] = NB_NAME("mlp.w0.weight"),
             [NB_TENSOR_PART_GATE_BIAS] = NB_NAME("mlp.w0.bias"),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.w1.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.w1.bias"),
             [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("mlp.w2.weight"),
             [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("mlp.w2.bias")}};
/* clang-format on */

const nb_family nb_family_vitamin = {
    .name = "ViTamin", .read_trunk = vitamin_read_trunk, .namings = (const nb_naming *const[]){&vitamin_image, NULL}};
