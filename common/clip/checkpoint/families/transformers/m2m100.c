/* The encoder of NLLB-200 (transformers: models/m2m_100) as a text tower of open_clip (NLLB-CLIP, Visheratin 2023):
 * CLIP's blocks with ReLU, tokens scaled by the root of the width, sinusoidal positions from behind the padding token's
 * number, a norm behind the last block. Padding is hidden; the first token names the language. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/families/transformers/foreign_text.h"

#include <math.h>

enum { PAD = 1 };

static const struct {
    const char *name;
    size_t width, layers, heads, mlp;
} m2m100_models[] = {
    {"nllb-200-distilled-600M", 1024, 12, 16, 4096},
    {"nllb-200-distilled-1.3B", 1024, 24, 16, 8192},
    {"nllb-200-1.3B", 1024, 24, 16, 8192},
    {"nllb-200-3.3B", 2048, 24, 16, 8192},
};

static nb_status m2m100_read_text(nb_clip_config *out, nb_config_section s, const char *model, bool *known,
                                  nb_error *err)
{
    size_t i = 0, count = sizeof m2m100_models / sizeof *m2m100_models;
    while (i < count && !nb_foreign_is(model, m2m100_models[i].name)) {
        i++;
    }
    *known = i < count;
    if (!*known) {
        return NB_OK;
    }
    out->vocabulary = 256206;
    out->text = (nb_tower_config){.width = m2m100_models[i].width,
                                  .layers = m2m100_models[i].layers,
                                  .heads = m2m100_models[i].heads,
                                  .mlp = m2m100_models[i].mlp,
                                  .activation = NB_RELU,
                                  .epsilon = 1e-5f,
                                  .final_norm = NB_FINAL_NORM_ROWS,
                                  .pad = PAD,
                                  .positions = NB_POSITIONS_SINUSOIDAL,
                                  .position_first = PAD + 1,
                                  .embedding_scale = sqrtf((float)m2m100_models[i].width)};
    return nb_foreign_read(out, s, false, err);
}

/* clang-format off */
static const nb_naming m2m100_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT, .evidence = {"text.transformer.layers."},
    .root = "text.", .blocks = "text.transformer.layers.",
    .rows = {[NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("self_attn_layer_norm.weight"),
             [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME("self_attn_layer_norm.bias"),
             [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"),
             [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("self_attn.out_proj.weight"),
             [NB_TENSOR_PART_OUT_BIAS] = NB_NAME("self_attn.out_proj.bias"),
             [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("final_layer_norm.weight"),
             [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME("final_layer_norm.bias"),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("fc1.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("fc1.bias"),
             [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("fc2.weight"),
             [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("fc2.bias"),
             [NB_TENSOR_PART_TOKEN_EMBEDDING] = NB_NAME("text.transformer.embed_tokens.weight"),
             [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = NB_NAME("text.transformer.layer_norm.weight"),
             [NB_TENSOR_PART_TEXT_NORM_BIAS] = NB_NAME("text.transformer.layer_norm.bias"),
             NB_HEAD_OF_FOREIGN_TEXT}};
/* clang-format on */

const nb_family nb_family_m2m100 = {
    .name = "M2M100", .read_text = m2m100_read_text, .namings = (const nb_naming *const[]){&m2m100_text, NULL}};
