#include "common/clip/checkpoint/config_infer.h"

#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/resnet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD_WIDTH = 64,
    MLP_RATIO = 4,
    SIZE_LIMIT = 1 << 20,
    IMAGE_SIZE_LIMIT = 4096,
    LAYERS_MAX = 1024,
    RESNET_REDUCTION = 32
};

/* A tensor of OpenAI's names with that many dimensions, each of a sensible size. */
static nb_status config_get_tensor(const nb_tensor **out, const nb_checkpoint *c, const char *name, size_t rank,
                                   nb_error *err)
{
    size_t at;
    if (!nb_checkpoint_find(c, name, &at)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_checkpoint_path(c), name);
    }
    *out = nb_checkpoint_at(c, at);
    bool good = (*out)->rank == rank;
    for (size_t i = 0; good && i < rank; i++) {
        good = (*out)->shape[i] >= 1 && (*out)->shape[i] <= SIZE_LIMIT;
    }
    return good ? NB_OK
                : nb_fail(err, NB_ERR_INPUT, "'%s': tensor '%s' has not the shape of a CLIP's", nb_checkpoint_path(c),
                          name);
}

static size_t config_count_layers(const nb_checkpoint *c, const char *prefix)
{
    char name[NB_TENSOR_PART_NAME_MAX];
    size_t layers = 0, at;
    do {
        snprintf(name, sizeof name, "%s.resblocks.%zu.attn.in_proj_weight", prefix, layers++);
    } while (layers <= LAYERS_MAX && nb_checkpoint_find(c, name, &at));
    return layers - 1;
}

static void config_set_tower(nb_tower_config *out, size_t width, size_t layers)
{
    *out = (nb_tower_config){.width = width,
                             .layers = layers,
                             .heads = width / HEAD_WIDTH,
                             .mlp = MLP_RATIO * width,
                             .activation = NB_QUICK_GELU,
                             .epsilon = 1e-5f};
}

static nb_status config_check_fits(const nb_clip_config *c, const char *path, nb_error *err)
{
    size_t side = c->image_size / c->patch;
    bool fits = (c->image.layers || c->image.convolutions.list) && c->text.layers && c->image.heads && c->text.heads &&
                c->image.width % c->image.heads == 0 && c->text.width % c->text.heads == 0 && side &&
                c->image_size <= IMAGE_SIZE_LIMIT;
    return fits ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s': the shapes of its tensors are not those of a CLIP", path);
}

/* Blocks of a stage of a ResNet. */
static size_t config_count_blocks(const nb_checkpoint *c, size_t stage)
{
    char name[NB_TENSOR_PART_NAME_MAX];
    size_t blocks = 0, at;
    do {
        snprintf(name, sizeof name, "visual.layer%zu.%zu.conv1.weight", stage, blocks++);
    } while (blocks <= LAYERS_MAX && nb_checkpoint_find(c, name, &at));
    return blocks - 1;
}

/* The image tower of a ResNet: its width is that of its first block. */
static nb_status config_infer_resnet(nb_clip_config *out, const nb_checkpoint *c, nb_error *err)
{
    const nb_tensor *first, *places;
    nb_status status;
    NB_TRY(config_get_tensor(&first, c, "visual.layer1.0.conv1.weight", 4, err));
    NB_TRY(config_get_tensor(&places, c, "visual.attnpool.positional_embedding", 2, err));
    for (size_t i = 0; i < 4; i++) {
        out->image.convolutions.depths[i] = config_count_blocks(c, i + 1);
    }
    out->image_size = RESNET_REDUCTION * (size_t)lround(sqrt((double)(places->shape[0] - 1)));
    NB_TRY(out->image_size && out->image_size <= IMAGE_SIZE_LIMIT
               ? NB_OK
               : nb_fail(err, NB_ERR_INPUT, "'%s': its images have %zu pixels a side", nb_checkpoint_path(c),
                         out->image_size));
    NB_TRY(nb_resnet_set(out, first->shape[0], RESNET_REDUCTION * first->shape[0] / HEAD_WIDTH, nb_checkpoint_path(c),
                         err));
done:
    return status;
}

static nb_status config_infer_vit(nb_clip_config *out, const nb_checkpoint *c, nb_error *err)
{
    const nb_tensor *patch, *places;
    nb_status status;
    NB_TRY(config_get_tensor(&patch, c, "visual.conv1.weight", 4, err));
    NB_TRY(config_get_tensor(&places, c, "visual.positional_embedding", 2, err));
    config_set_tower(&out->image, patch->shape[0], config_count_layers(c, "visual.transformer"));
    out->patch = patch->shape[3];
    out->image_size = out->patch * (size_t)lround(sqrt((double)(places->shape[0] - 1)));
done:
    return status;
}

nb_status nb_clip_config_infer(nb_clip_config *out, const nb_checkpoint *c, nb_error *err)
{
    const char *path = nb_checkpoint_path(c);
    const nb_tensor *projection, *context, *tokens, *norm;
    nb_names names;
    nb_status status;
    *out = (nb_clip_config){
        .family = nb_family_open_clip.name, .open_clip = true, .inferred = true, .end_token = NB_END_HIGHEST};
    NB_TRY(nb_names_detect(&names, c, err));
    if (!nb_checkpoint_scripted(c) || strcmp(names.towers[NB_TOWER_TEXT]->name, nb_family_open_clip.name) != 0 ||
        strcmp(names.towers[NB_TOWER_IMAGE]->name, nb_family_open_clip.name) != 0) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no configuration beside it", path);
        nb_hint(err, "put the model's open_clip_config.json or config.json into its folder; only OpenAI's archives "
                     "(torch.jit.save) tell their shape themselves");
        return NB_ERR_INPUT;
    }
    NB_TRY(config_get_tensor(&projection, c, "text_projection", 2, err));
    NB_TRY(config_get_tensor(&context, c, "positional_embedding", 2, err));
    NB_TRY(config_get_tensor(&tokens, c, "token_embedding.weight", 2, err));
    NB_TRY(config_get_tensor(&norm, c, "ln_final.weight", 1, err));
    config_set_tower(&out->text, norm->shape[0], config_count_layers(c, "transformer"));
    out->projection = projection->shape[1];
    out->context = context->shape[0];
    out->vocabulary = tokens->shape[0];
    NB_TRY(nb_checkpoint_prefix(c, "visual.layer1.") ? config_infer_resnet(out, c, err)
                                                     : config_infer_vit(out, c, err));
    NB_TRY(config_check_fits(out, path, err));
done:
    return status;
}
