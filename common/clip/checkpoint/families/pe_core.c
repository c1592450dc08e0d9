/* PE-Core (Bolya et al.: Perception Encoder: The best visual embeddings are not at the output of the network, 2025) as
 * open_clip has it: image towers of the timm library's eva.py (class Eva, vit_pe_core_*) under `visual.trunk.`, beside
 * open_clip's own text tower. Learned and rotary positions together, the latter by column, then by row, and counted
 * from 1 where there is a class token; a norm before the first block; pooling by attention over all rows, the class
 * token's too, with heads and an MLP of its own; a projection with a bias. The tensors have the names of timm's SigLIP
 * towers (common/clip/checkpoint/families/siglip.c). */
#include "common/clip/checkpoint/families/family.h"

#include <string.h>

/* Rotary positions are made for the grid of the image size in the name. */
static const struct {
    const char *name;
    size_t patch;
    nb_tower_config tower;
} pe_models[] = {
    {"vit_pe_core_tiny_patch16_384", 16, {.width = 192, .layers = 12, .heads = 3, .mlp = 768, .rotary = 24}},
    {"vit_pe_core_small_patch16_384", 16, {.width = 384, .layers = 12, .heads = 6, .mlp = 1536, .rotary = 24}},
    {"vit_pe_core_base_patch16_224", 16, {.width = 768, .layers = 12, .heads = 12, .mlp = 3072, .rotary = 14}},
    {"vit_pe_core_large_patch14_336", 14, {.width = 1024, .layers = 24, .heads = 16, .mlp = 4096, .rotary = 24}},
    {"vit_pe_core_gigantic_patch14_448",
     14,
     {.width = 1536, .layers = 50, .heads = 16, .mlp = 8960, .rotary = 32, .no_class_token = true}},
};

static nb_status pe_core_read_trunk(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                    nb_error *err)
{
    nb_status status = NB_OK;
    nb_tower_config *c = &out->image;
    *known = false;
    for (size_t i = 0; i < sizeof pe_models / sizeof *pe_models && !*known; i++) {
        if (strcmp(model, pe_models[i].name) == 0) {
            *known = true;
            *c = pe_models[i].tower;
            out->patch = pe_models[i].patch;
        }
    }
    if (!*known) {
        return NB_OK;
    }
    c->activation = NB_GELU;
    c->epsilon = 1e-5f;
    c->rotary_columns_first = true;
    c->rotary_first = c->no_class_token ? 0 : 1;
    c->pooling = NB_POOL_ATTENTION;
    c->pool_heads = 8;
    c->pool_mlp = 4 * c->width;
    NB_TRY(nb_config_side(s, "image_size", c->rotary * out->patch, &out->image_size, err));
    NB_TRY(nb_config_timm_head(out, s, err));
done:
    return status;
}

const nb_family nb_family_pe_core = {.name = "PE-Core", .read_trunk = pe_core_read_trunk};
