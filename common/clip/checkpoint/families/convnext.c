/* ConvNeXt (Liu et al.: A ConvNet for the 2020s, CVPR 2022) as open_clip has it: image towers of the timm library's
 * convnext.py under `visual.trunk.`. Patches of 4 x 4 pixels, four stages of depthwise convolutions each with a norm
 * and an MLP behind it, the mean over all pixels. The factors of a block's output become part of its last matrix. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/layers.h"

#include <stdio.h>
#include <string.h>

enum { REDUCTION = 32, STEM = 4 /* pixels of a side that the first layer joins */, EXPANSION = 4 };

static const struct {
    const char *name;
    nb_convolutions convolutions;
    float epsilon;
} convnext_models[] = {
    {"convnext_tiny", {.depths = {3, 3, 9, 3}, .widths = {96, 192, 384, 768}}, 1e-6f},
    {"convnext_small", {.depths = {3, 3, 27, 3}, .widths = {96, 192, 384, 768}}, 1e-6f},
    {"convnext_base", {.depths = {3, 3, 27, 3}, .widths = {128, 256, 512, 1024}}, 1e-6f},
    {"convnext_large", {.depths = {3, 3, 27, 3}, .widths = {192, 384, 768, 1536}}, 1e-6f},
    {"convnext_xlarge", {.depths = {3, 3, 27, 3}, .widths = {256, 512, 1024, 2048}}, 1e-6f},
    {"convnext_xxlarge", {.depths = {3, 4, 30, 3}, .widths = {384, 768, 1536, 3072}}, 1e-5f},
};

/* A layer with a bias, or a norm of the tower's epsilon. */
static void convnext_give(const nb_layer_visitor *v, const nb_clip_config *c, nb_layer_names names, nb_layer layer)
{
    layer.bias = true;
    layer.epsilon = c->image.epsilon;
    nb_layer_give(v, &names, layer);
}

/* One block of slot x, in place. */
static void convnext_block(const nb_layer_visitor *v, const nb_clip_config *c, const char *prefix, size_t x,
                           size_t channels)
{
    size_t narrow = nb_layer_slot(x, x), wide = nb_layer_slot(x, narrow);
    convnext_give(
        v, c, (nb_layer_names){.prefix = prefix, .name = "conv_dw"},
        (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = x, .out = narrow, .inputs = channels, .kernel = 7, .padding = 3});
    convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "norm"},
                  (nb_layer){.kind = NB_LAYER_NORM, .in = narrow, .out = narrow, .inputs = channels});
    convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "mlp.fc1"},
                  (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                             .in = narrow,
                             .out = wide,
                             .inputs = channels,
                             .outputs = EXPANSION * channels,
                             .kernel = 1,
                             .flat = true,
                             .activation = NB_LAYER_GELU});
    convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "mlp.fc2", .scale = "gamma"},
                  (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                             .in = wide,
                             .out = x,
                             .inputs = EXPANSION * channels,
                             .outputs = channels,
                             .kernel = 1,
                             .flat = true,
                             .adds = true});
}

/* The layers that join window x window pixels, of `inputs` channels, behind or before a norm. Returns their slot. */
static size_t convnext_join(const nb_layer_visitor *v, const nb_clip_config *c, const char *prefix, size_t x,
                            size_t stage)
{
    size_t to = nb_layer_slot(x, x), inputs = stage ? c->image.convolutions.widths[stage - 1] : 3;
    size_t outputs = c->image.convolutions.widths[stage], window = stage ? 2 : STEM;
    const nb_layer join = {.kind = NB_LAYER_CONVOLUTION,
                           .in = x,
                           .out = to,
                           .inputs = inputs,
                           .outputs = outputs,
                           .kernel = window,
                           .stride = window};
    if (stage) {
        convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "downsample.0"},
                      (nb_layer){.kind = NB_LAYER_NORM, .in = x, .out = x, .inputs = inputs});
        convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "downsample.1"}, join);
    } else {
        convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "stem.0"}, join);
        convnext_give(v, c, (nb_layer_names){.prefix = prefix, .name = "stem.1"},
                      (nb_layer){.kind = NB_LAYER_NORM, .in = to, .out = to, .inputs = outputs});
    }
    return to;
}

static void convnext_list(const nb_clip_config *c, const nb_layer_visitor *v)
{
    const nb_convolutions *shape = &c->image.convolutions;
    char prefix[NB_TENSOR_PART_NAME_MAX];
    size_t x = convnext_join(v, c, "visual.trunk.", 0, 0);
    for (size_t stage = 0; stage < 4; stage++) {
        if (stage) {
            snprintf(prefix, sizeof prefix, "visual.trunk.stages.%zu.", stage);
            x = convnext_join(v, c, prefix, x, stage);
        }
        for (size_t block = 0; block < shape->depths[stage]; block++) {
            snprintf(prefix, sizeof prefix, "visual.trunk.stages.%zu.blocks.%zu.", stage, block);
            convnext_block(v, c, prefix, x, shape->widths[stage]);
        }
    }
}

static nb_status convnext_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                     nb_error *err)
{
    nb_tower_config *c = &out->image;
    nb_status status = NB_OK;
    *known = false;
    for (size_t i = 0; i < sizeof convnext_models / sizeof *convnext_models && !*known; i++) {
        if (strcmp(model, convnext_models[i].name) == 0) {
            *known = true;
            c->convolutions = convnext_models[i].convolutions;
            c->epsilon = convnext_models[i].epsilon;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    c->convolutions.list = convnext_list;
    c->convolutions.stem = c->convolutions.widths[0];
    c->width = c->convolutions.widths[3];
    c->activation = NB_GELU;
    c->no_class_token = c->no_pre_norm = c->no_position = true;
    out->patch = REDUCTION;
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_timm_convolutions(out, s, err));
done:
    return status;
}

/* clang-format off */
static const nb_naming convnext_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.stages.0.blocks.0.conv_dw."},
    .root = "visual.", .blocks = "visual.trunk.",
    .rows = {NB_HEAD_OF_TIMM
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = NB_NAME("visual.trunk.head.norm.weight"),
             [NB_TENSOR_PART_POST_NORM_BIAS] = NB_NAME("visual.trunk.head.norm.bias")}};
/* clang-format on */

const nb_family nb_family_convnext = {.name = "ConvNeXt",
                                      .read_trunk = convnext_read_trunk,
                                      .namings = (const nb_naming *const[]){&convnext_image, NULL}};
