/* FastViT (Vasu et al.: FastViT: A Fast Hybrid Vision Transformer using Structural Reparameterization, ICCV 2023) as
 * the MobileCLIPs of open_clip have it: the timm library's fastvit_mci0 to fastvit_mci4 (models/fastvit.py) under
 * `visual.trunk.`. Stages of depthwise convolutions with an MLP behind each, the last ones of attention in their place.
 * Checkpoints hold the branches of training; the branches of each convolution are summed when they are read. The models
 * of five stages (MobileCLIP2-S3 and -S4) have layer norms before attention and no squeeze-and-excitation between
 * stages. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/layers.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_WIDTH = 32, REDUCTION = 32, LAST_SQUEEZE = 16, SQUEEZE = 4, SQUEEZE_STEP = 8 };

static const struct {
    const char *name;
    nb_convolutions convolutions;
} fastvit_models[] = {
    {"fastvit_mci0", {.depths = {2, 6, 10, 2}, .widths = {64, 128, 256, 512}}},
    {"fastvit_mci1", {.depths = {4, 12, 20, 4}, .widths = {64, 128, 256, 512}}},
    {"fastvit_mci2", {.depths = {4, 12, 24, 4}, .widths = {80, 160, 320, 640}}},
    {"fastvit_mci3", {.depths = {2, 12, 24, 4, 2}, .widths = {96, 192, 384, 768, 1536}}},
    {"fastvit_mci4", {.depths = {2, 12, 24, 4, 4}, .widths = {128, 256, 512, 1024, 2048}}},
};

/* Where layers go, and what they have in common. */
typedef struct fastvit_writer {
    const nb_layer_visitor *visitor;
    const char *prefix;
    bool five;   /* stages */
    size_t side; /* pixels of a side now */
} fastvit_writer;

/* A layer under the writer's prefix. Windows keep the side but for their stride. */
static void fastvit_give(fastvit_writer *w, nb_layer_names names, nb_layer layer)
{
    names.prefix = w->prefix;
    layer.padding = layer.kind == NB_LAYER_AVERAGE ? 0 : layer.kernel / 2;
    layer.epsilon = 1e-5f;
    layer.planar = true;
    w->side = layer.stride > 1 ? (w->side + layer.stride - 1) / layer.stride : w->side;
    nb_layer_give(w->visitor, &names, layer);
}

#define MATRIX(branch) .name = branch ".conv", .norm = branch ".bn"

/* A matrix over the channels of a pixel, which may also be taken as they are. */
static void fastvit_mix(fastvit_writer *w, const char *const names[3], size_t in, size_t out, size_t channels)
{
    const nb_layer_term as_it_is = {.norm = names[2]};
    fastvit_give(w, (nb_layer_names){.name = names[0], .norm = names[1], .more = &as_it_is, .more_count = 1},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = in,
                            .out = out,
                            .inputs = channels,
                            .kernel = 1,
                            .activation = NB_LAYER_GELU});
}

/* Channels of slot x are scaled by a small MLP of their means, then activated; two other slots are used. */
static void fastvit_squeeze(fastvit_writer *w, const char *const names[2], size_t x, size_t channels, size_t inside)
{
    size_t mean = nb_layer_slot(x, x), hidden = nb_layer_slot(x, mean), side = w->side;
    fastvit_give(w, (nb_layer_names){0},
                 (nb_layer){.kind = NB_LAYER_AVERAGE, .in = x, .out = mean, .inputs = channels, .kernel = side});
    fastvit_give(w, (nb_layer_names){.name = names[0]},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = mean,
                            .out = hidden,
                            .inputs = channels,
                            .outputs = inside,
                            .kernel = 1,
                            .bias = true,
                            .activation = NB_LAYER_RELU});
    fastvit_give(w, (nb_layer_names){.name = names[1]},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = hidden,
                            .out = mean,
                            .inputs = inside,
                            .outputs = channels,
                            .kernel = 1,
                            .bias = true,
                            .activation = NB_LAYER_SIGMOID});
    fastvit_give(
        w, (nb_layer_names){0},
        (nb_layer){.kind = NB_LAYER_GATE, .in = mean, .out = x, .inputs = channels, .activation = NB_LAYER_GELU});
}

/* From slot 0 to slot 0: a quarter of the sides. */
static void fastvit_stem(fastvit_writer *w, size_t channels)
{
    static const nb_layer_term one = {MATRIX("stem.0.conv_scale"), .kernel = 1};
    static const nb_layer_term two = {MATRIX("stem.1.conv_scale"), .kernel = 1};
    size_t scales = w->five ? 0 : 1;
    w->prefix = "visual.trunk.";
    fastvit_give(w, (nb_layer_names){MATRIX("stem.0.conv_kxk.0"), .more = &one, .more_count = scales},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = 0,
                            .out = 1,
                            .inputs = 3,
                            .outputs = channels,
                            .kernel = 3,
                            .stride = 2,
                            .activation = NB_LAYER_GELU});
    fastvit_give(w, (nb_layer_names){MATRIX("stem.1.conv_kxk.0"), .more = &two, .more_count = scales},
                 (nb_layer){.kind = NB_LAYER_DEPTHWISE,
                            .in = 1,
                            .out = 2,
                            .inputs = channels,
                            .kernel = 3,
                            .stride = 2,
                            .activation = NB_LAYER_GELU});
    fastvit_mix(w, (const char *const[]){"stem.2.conv_kxk.0.conv", "stem.2.conv_kxk.0.bn", "stem.2.identity"}, 2, 0,
                channels);
}

/* Half the sides and, of every channel, two or as many as `outputs` are `inputs`. From slot x to slot 0. */
static void fastvit_reduce(fastvit_writer *w, size_t x, size_t inputs, size_t outputs, bool squeezes)
{
    static const nb_layer_term small = {MATRIX("downsample.proj.0.small_conv"), .kernel = 3};
    size_t wide = nb_layer_slot(x, x), to = nb_layer_slot(x, wide); /* never slot 0 */
    size_t inside = (outputs / SQUEEZE + SQUEEZE_STEP / 2) / SQUEEZE_STEP * SQUEEZE_STEP;
    fastvit_give(w, (nb_layer_names){0},
                 (nb_layer){.kind = NB_LAYER_REPEAT, .in = x, .out = wide, .inputs = inputs, .outputs = outputs});
    fastvit_give(w, (nb_layer_names){MATRIX("downsample.proj.0.large_conv"), .more = &small, .more_count = 1},
                 (nb_layer){.kind = NB_LAYER_DEPTHWISE,
                            .in = wide,
                            .out = to,
                            .inputs = outputs,
                            .kernel = 7,
                            .stride = 2,
                            .activation = squeezes ? NB_LAYER_LINEAR : NB_LAYER_GELU});
    if (squeezes) {
        fastvit_squeeze(w, (const char *const[]){"downsample.proj.0.se.fc1", "downsample.proj.0.se.fc2"}, to, outputs,
                        inside < SQUEEZE_STEP ? SQUEEZE_STEP : inside);
    }
    fastvit_mix(w,
                (const char *const[]){"downsample.proj.1.conv_kxk.0.conv", "downsample.proj.1.conv_kxk.0.bn",
                                      "downsample.proj.1.identity"},
                to, 0, outputs);
}

/* Slot x += factors times the MLP of its pixels' neighbourhood; two other slots are used. */
static void fastvit_mlp(fastvit_writer *w, const char *scale, size_t x, size_t channels)
{
    size_t narrow = nb_layer_slot(x, x), wide = nb_layer_slot(x, narrow), inside = (w->five ? 4 : 3) * channels;
    fastvit_give(w, (nb_layer_names){MATRIX("mlp.conv")},
                 (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = x, .out = narrow, .inputs = channels, .kernel = 7});
    fastvit_give(w, (nb_layer_names){.name = "mlp.fc1"},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = narrow,
                            .out = wide,
                            .inputs = channels,
                            .outputs = inside,
                            .kernel = 1,
                            .bias = true,
                            .activation = NB_LAYER_GELU});
    fastvit_give(w, (nb_layer_names){.name = "mlp.fc2", .scale = scale},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = wide,
                            .out = x,
                            .inputs = inside,
                            .outputs = channels,
                            .kernel = 1,
                            .bias = true,
                            .adds = true});
}

/* x + factors times (a convolution of x - x, both normed), all one window. Returns the slot of its output. */
static size_t fastvit_convolve(fastvit_writer *w, size_t x, size_t channels)
{
    static const char scale[] = "token_mixer.layer_scale.gamma";
    static const nb_layer_term terms[] = {
        {MATRIX("token_mixer.mixer.conv_kxk.0"), .scale = scale},
        {MATRIX("token_mixer.mixer.conv_scale"), .scale = scale, .kernel = 1},
        {.norm = "token_mixer.mixer.identity", .scale = scale},
        {.norm = "token_mixer.norm.identity", .scale = scale, .negative = true},
    };
    size_t to = nb_layer_slot(x, x);
    fastvit_give(w, (nb_layer_names){.more = terms, .more_count = sizeof terms / sizeof *terms},
                 (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = x, .out = to, .inputs = channels, .kernel = 3});
    fastvit_mlp(w, "layer_scale.gamma", to, channels);
    return to;
}

/* Slot x += factors times the attention of its normed pixels; then the MLP. */
static void fastvit_attend(fastvit_writer *w, size_t x, size_t channels)
{
    size_t narrow = nb_layer_slot(x, x), wide = nb_layer_slot(x, narrow);
    if (w->five) {
        fastvit_give(w, (nb_layer_names){.name = "norm"},
                     (nb_layer){.kind = NB_LAYER_NORM, .in = x, .out = narrow, .inputs = channels});
    } else {
        fastvit_give(w, (nb_layer_names){.norm = "norm"},
                     (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = x, .out = narrow, .inputs = channels, .kernel = 1});
    }
    fastvit_give(w, (nb_layer_names){.name = "token_mixer.qkv"},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = narrow,
                            .out = wide,
                            .inputs = channels,
                            .outputs = 3 * channels,
                            .kernel = 1,
                            .flat = true});
    fastvit_give(w, (nb_layer_names){0},
                 (nb_layer){.kind = NB_LAYER_ATTENTION,
                            .in = wide,
                            .out = narrow,
                            .inputs = 3 * channels,
                            .outputs = channels,
                            .heads = channels / HEAD_WIDTH});
    fastvit_give(w, (nb_layer_names){.name = "token_mixer.proj", .scale = "layer_scale_1.gamma"},
                 (nb_layer){.kind = NB_LAYER_CONVOLUTION,
                            .in = narrow,
                            .out = x,
                            .inputs = channels,
                            .kernel = 1,
                            .flat = true,
                            .bias = true,
                            .adds = true});
    fastvit_mlp(w, "layer_scale_2.gamma", x, channels);
}

/* The blocks of a stage. Returns the slot of their output. */
static size_t fastvit_stage(fastvit_writer *w, size_t stage, size_t depth, size_t channels)
{
    char prefix[NB_TENSOR_PART_NAME_MAX];
    const char *of_stage = w->prefix;
    size_t x = 0;
    bool attends = stage >= 3;
    if (attends) {
        const nb_layer_term as_it_is = {.kernel = 0};
        fastvit_give(
            w, (nb_layer_names){.name = "pos_emb.pos_enc", .more = &as_it_is, .more_count = 1},
            (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = 0, .out = 1, .inputs = channels, .kernel = 7, .bias = true});
        x = 1;
    }
    for (size_t block = 0; block < depth; block++) {
        snprintf(prefix, sizeof prefix, "visual.trunk.stages.%zu.blocks.%zu.", stage, block);
        w->prefix = prefix;
        if (attends) {
            fastvit_attend(w, x, channels);
        } else {
            x = fastvit_convolve(w, x, channels);
        }
    }
    w->prefix = of_stage;
    return x;
}

static void fastvit_list(const nb_clip_config *c, const nb_layer_visitor *v)
{
    static const nb_layer_term scale = {MATRIX("final_conv.conv_scale"), .kernel = 1};
    const nb_convolutions *shape = &c->image.convolutions;
    fastvit_writer w = {.visitor = v, .five = shape->depths[4] != 0, .side = c->image_size};
    size_t stages = w.five ? 5 : 4, x = 0, width = c->image.width;
    fastvit_stem(&w, shape->widths[0]);
    for (size_t stage = 0; stage < stages; stage++) {
        char prefix[NB_TENSOR_PART_NAME_MAX];
        snprintf(prefix, sizeof prefix, "visual.trunk.stages.%zu.", stage);
        w.prefix = prefix;
        if (stage) {
            fastvit_reduce(&w, x, shape->widths[stage - 1], shape->widths[stage], !w.five && stage >= 2);
        }
        x = fastvit_stage(&w, stage, shape->depths[stage], shape->widths[stage]);
    }
    w.prefix = "visual.trunk.";
    fastvit_give(&w, (nb_layer_names){0},
                 (nb_layer){.kind = NB_LAYER_REPEAT,
                            .in = x,
                            .out = nb_layer_slot(x, x),
                            .inputs = shape->widths[stages - 1],
                            .outputs = width});
    fastvit_give(
        &w, (nb_layer_names){MATRIX("final_conv.conv_kxk.0"), .more = &scale, .more_count = 1},
        (nb_layer){.kind = NB_LAYER_DEPTHWISE, .in = nb_layer_slot(x, x), .out = x, .inputs = width, .kernel = 3});
    fastvit_squeeze(&w, (const char *const[]){"final_conv.se.fc1", "final_conv.se.fc2"}, x, width,
                    width / LAST_SQUEEZE);
}

static nb_status fastvit_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                    nb_error *err)
{
    nb_tower_config *c = &out->image;
    const json_t *proj = json_object_get(s.object, "timm_proj");
    nb_status status = NB_OK;
    *known = false;
    for (size_t i = 0; i < sizeof fastvit_models / sizeof *fastvit_models && !*known; i++) {
        if (strcmp(model, fastvit_models[i].name) == 0) {
            *known = true;
            c->convolutions = fastvit_models[i].convolutions;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    bool five = c->convolutions.depths[4] != 0;
    c->convolutions.list = fastvit_list;
    c->convolutions.stem = c->convolutions.widths[0];
    c->width = 2 * c->convolutions.widths[five ? 4 : 3];
    c->activation = NB_GELU;
    c->epsilon = 1e-5f;
    c->no_class_token = c->no_pre_norm = c->no_position = true;
    out->patch = five ? 2 * REDUCTION : REDUCTION;
    NB_TRY(nb_config_side(s, "image_size", 256, &out->image_size, err));
    NB_TRY(nb_config_check_sides(out, s, err));
    if (!proj || !json_is_null(proj)) {
        return nb_config_refuse(s, "timm_proj", proj, err);
    }
    NB_TRY(nb_config_timm_head(out, s, err));
    c->final_norm = NB_FINAL_NORM_NONE;
done:
    return status;
}

/* clang-format off */
static const nb_naming fastvit_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.trunk.stages.0.blocks.0.token_mixer.mixer."},
    .root = "visual.", .blocks = "visual.trunk.",
    .rows = {[NB_TENSOR_PART_IMAGE_PROJECTION] = NB_NAME("visual.trunk.head.fc.weight"),
             [NB_TENSOR_PART_IMAGE_PROJECTION_BIAS] = NB_NAME("visual.trunk.head.fc.bias")}};
/* clang-format on */

const nb_family nb_family_fastvit = {.name = "MobileCLIP FastViT",
                                     .read_trunk = fastvit_read_trunk,
                                     .namings = (const nb_naming *const[]){&fastvit_image, NULL}};
