/* The ResNets of CLIP (Radford et al., 2021; ModifiedResNet of OpenAI's model.py and open_clip's modified_resnet.py):
 * three convolutions and a mean before the stages, means in place of strides, and attention of the pixels' mean behind
 * the last stage. Their activation is ReLU, whatever the text tower's. */
#include "common/clip/checkpoint/families/resnet.h"

#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/layers.h"

#include <stdio.h>

enum { EXPANSION = 4, DEPTH_MAX = 1024, REDUCTION = 32 /* pixels of a side for one of the last layer */ };

/* A convolution with a batch norm behind it. */
static void resnet_convolve(const nb_layer_visitor *v, nb_layer_names names, nb_layer layer)
{
    layer.kind = NB_LAYER_CONVOLUTION;
    layer.padding = layer.kernel / 2;
    layer.epsilon = 1e-5f;
    nb_layer_give(v, &names, layer);
}

static void resnet_average(const nb_layer_visitor *v, size_t in, size_t out, size_t channels, size_t window)
{
    nb_layer_give(
        v, &(nb_layer_names){0},
        (nb_layer){
            .kind = NB_LAYER_AVERAGE, .in = in, .out = out, .inputs = channels, .kernel = window, .stride = window});
}

/* One block, of `planes` channels inside; returns the slot of its output. */
static size_t resnet_block(const nb_layer_visitor *v, const char *prefix, size_t x, size_t inputs, size_t planes,
                           size_t stride)
{
    size_t outputs = planes * EXPANSION, a = nb_layer_slot(x, x), b = nb_layer_slot(x, a), shortcut = x;
    resnet_convolve(
        v, (nb_layer_names){.prefix = prefix, .name = "conv1", .norm = "bn1"},
        (nb_layer){.in = x, .out = a, .inputs = inputs, .outputs = planes, .kernel = 1, .activation = NB_LAYER_RELU});
    resnet_convolve(
        v, (nb_layer_names){.prefix = prefix, .name = "conv2", .norm = "bn2"},
        (nb_layer){.in = a, .out = b, .inputs = planes, .outputs = planes, .kernel = 3, .activation = NB_LAYER_RELU});
    if (stride > 1) {
        resnet_average(v, b, a, planes, stride);
        b = a;
    }
    if (stride > 1 || inputs != outputs) {
        size_t pixels = x;
        if (stride > 1) {
            pixels = nb_layer_slot(x, b);
            resnet_average(v, x, pixels, inputs, stride);
        }
        shortcut = pixels == x ? nb_layer_slot(x, b) : x;
        resnet_convolve(v, (nb_layer_names){.prefix = prefix, .name = "downsample.0", .norm = "downsample.1"},
                        (nb_layer){.in = pixels, .out = shortcut, .inputs = inputs, .outputs = outputs, .kernel = 1});
    }
    resnet_convolve(v, (nb_layer_names){.prefix = prefix, .name = "conv3", .norm = "bn3"},
                    (nb_layer){.in = b,
                               .out = shortcut,
                               .inputs = planes,
                               .outputs = outputs,
                               .kernel = 1,
                               .adds = true,
                               .activation = NB_LAYER_RELU});
    return shortcut;
}

static void resnet_list(const nb_clip_config *c, const nb_layer_visitor *v)
{
    const nb_convolutions *shape = &c->image.convolutions;
    size_t width = shape->stem, x = 0, inputs = width;
    resnet_convolve(v, (nb_layer_names){.prefix = "visual.", .name = "conv1", .norm = "bn1"},
                    (nb_layer){.in = 0,
                               .out = 1,
                               .inputs = 3,
                               .outputs = width / 2,
                               .kernel = 3,
                               .stride = 2,
                               .activation = NB_LAYER_RELU});
    resnet_convolve(
        v, (nb_layer_names){.prefix = "visual.", .name = "conv2", .norm = "bn2"},
        (nb_layer){
            .in = 1, .out = 2, .inputs = width / 2, .outputs = width / 2, .kernel = 3, .activation = NB_LAYER_RELU});
    resnet_convolve(
        v, (nb_layer_names){.prefix = "visual.", .name = "conv3", .norm = "bn3"},
        (nb_layer){.in = 2, .out = 1, .inputs = width / 2, .outputs = width, .kernel = 3, .activation = NB_LAYER_RELU});
    resnet_average(v, 1, x, width, 2);
    for (size_t stage = 0; stage < 4; stage++) {
        for (size_t block = 0; block < shape->depths[stage]; block++) {
            char prefix[NB_TENSOR_PART_NAME_MAX / 2];
            snprintf(prefix, sizeof prefix, "visual.layer%zu.%zu.", stage + 1, block);
            x = resnet_block(v, prefix, x, inputs, shape->widths[stage], stage && !block ? 2 : 1);
            inputs = EXPANSION * shape->widths[stage];
        }
    }
}

nb_status nb_resnet_set(nb_clip_config *c, size_t width, size_t heads, const char *path, nb_error *err)
{
    nb_tower_config *t = &c->image;
    t->convolutions.list = resnet_list;
    t->convolutions.stem = width;
    for (size_t i = 0; i < 4; i++) {
        t->convolutions.widths[i] = width << i;
    }
    t->width = REDUCTION * width;
    t->heads = heads;
    t->layers = 0;
    t->epsilon = 1e-5f;
    t->pooling = NB_POOL_MEAN_QUERY;
    t->final_norm = NB_FINAL_NORM_NONE;
    t->projection = NB_PROJECTION_BIASED;
    t->no_pre_norm = true;
    c->patch = REDUCTION;
    bool fits = width % 2 == 0 && c->image_size && heads && t->width % heads == 0 && c->image_size % REDUCTION == 0;
    return fits
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT,
                         "'%s': a ResNet image tower of width %zu with %zu heads and images of %zu pixels does not fit",
                         path, width, heads, c->image_size);
}

nb_status nb_resnet_read(nb_clip_config *c, nb_config_section s, nb_error *err)
{
    const json_t *layers = json_object_get(s.object, "layers");
    size_t width, head_width;
    nb_status status;
    for (size_t i = 0; i < 4; i++) {
        json_t *one = json_pack("{s:O?}", "layers", json_array_get(layers, i));
        status = json_array_size(layers) == 4 && json_object_get(one, "layers")
                     ? nb_config_size((nb_config_section){one, s.path, s.name}, "layers", 1,
                                      &c->image.convolutions.depths[i], err)
                     : nb_config_refuse(s, "layers", layers, err);
        json_decref(one);
        NB_TRY(status);
        if (c->image.convolutions.depths[i] > DEPTH_MAX) {
            return nb_config_refuse(s, "layers", layers, err);
        }
    }
    NB_TRY(nb_config_size(s, "width", 768, &width, err));
    NB_TRY(nb_config_size(s, "head_width", 64, &head_width, err));
    NB_TRY(nb_config_side(s, "image_size", 224, &c->image_size, err));
    NB_TRY(nb_resnet_set(c, width, REDUCTION * width / head_width, s.path, err));
    c->family = nb_family_resnet.name;
done:
    return status;
}

/* clang-format off */
static const nb_naming resnet_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual.layer1.", "visual.attnpool."},
    .root = "visual.", .blocks = "visual.",
    .rows = {[NB_TENSOR_PART_IMAGE_POSITION] = NB_NAME("visual.attnpool.positional_embedding"),
             [NB_TENSOR_PART_POOL_QKV_WEIGHT] =
                 NB_NAME("visual.attnpool.q_proj.weight", "visual.attnpool.k_proj.weight", "visual.attnpool.v_proj.weight"),
             [NB_TENSOR_PART_POOL_QKV_BIAS] =
                 NB_NAME("visual.attnpool.q_proj.bias", "visual.attnpool.k_proj.bias", "visual.attnpool.v_proj.bias"),
             [NB_TENSOR_PART_IMAGE_PROJECTION] = NB_NAME("visual.attnpool.c_proj.weight"),
             [NB_TENSOR_PART_IMAGE_PROJECTION_BIAS] = NB_NAME("visual.attnpool.c_proj.bias")}};
/* clang-format on */

const nb_family nb_family_resnet = {.name = "CLIP ResNet", .namings = (const nb_naming *const[]){&resnet_image, NULL}};
