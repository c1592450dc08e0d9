/* The encoder of mT5 (Xue et al.: mT5, 2021) as a text tower of open_clip (transformers: models/t5): no positions but
 * what attention adds for distances, norms by the root of the mean square, a gated MLP by GELU's tanh, no biases, and
 * scores that are not divided by the root of a head's width (common/clip/towers/relative.h). Padding is hidden. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/families/transformers/foreign_text.h"

enum { KINDS = 32 /* of distances */ };

static const struct {
    const char *name;
    size_t width, layers, heads, mlp;
} t5_models[] = {
    {"mt5-base", 768, 12, 12, 2048},
    {"mt5-large", 1024, 24, 16, 2816},
    {"mt5-xl", 2048, 24, 32, 5120},
    {"mt5-xxl", 4096, 24, 64, 10240},
};

static nb_status t5_read_text(nb_clip_config *out, nb_config_section s, const char *model, bool *known, nb_error *err)
{
    size_t i = 0, count = sizeof t5_models / sizeof *t5_models;
    while (i < count && !nb_foreign_is(model, t5_models[i].name)) {
        i++;
    }
    *known = i < count;
    if (!*known) {
        return NB_OK;
    }
    out->vocabulary = 250112;
    out->text = (nb_tower_config){.width = t5_models[i].width,
                                  .layers = t5_models[i].layers,
                                  .heads = t5_models[i].heads,
                                  .mlp = t5_models[i].mlp,
                                  .activation = NB_GELU_TANH,
                                  .epsilon = 1e-6f,
                                  .final_norm = NB_FINAL_NORM_ROWS,
                                  .mlp_kind = NB_MLP_GATED,
                                  .rms_norm = true,
                                  .positions = NB_POSITIONS_RELATIVE,
                                  .relative_buckets = KINDS};
    return nb_foreign_read(out, s, false, err);
}

/* clang-format off */
static const nb_naming t5_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT,
    .evidence = {"text.transformer.block.", "text.transformer.final_layer_norm."},
    .root = "text.", .blocks = "text.transformer.block.",
    .rows = {[NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("layer.0.layer_norm.weight"),
             [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("layer.0.SelfAttention.q.weight", "layer.0.SelfAttention.k.weight", "layer.0.SelfAttention.v.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("layer.0.SelfAttention.o.weight"),
             [NB_TENSOR_PART_OUT_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("layer.1.layer_norm.weight"),
             [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_GATE_WEIGHT] = NB_NAME("layer.1.DenseReluDense.wi_0.weight"),
             [NB_TENSOR_PART_GATE_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("layer.1.DenseReluDense.wi_1.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("layer.1.DenseReluDense.wo.weight"),
             [NB_TENSOR_PART_FC2_BIAS] = NB_NAME(""),
             [NB_TENSOR_PART_TOKEN_EMBEDDING] = NB_NAME("text.transformer.embed_tokens.weight"),
             [NB_TENSOR_PART_TEXT_RELATIVE] = NB_NAME("text.transformer.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
             [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = NB_NAME("text.transformer.final_layer_norm.weight"),
             [NB_TENSOR_PART_TEXT_NORM_BIAS] = NB_NAME(""),
             NB_HEAD_OF_FOREIGN_TEXT}};
/* clang-format on */

const nb_family nb_family_t5 = {
    .name = "T5", .read_text = t5_read_text, .namings = (const nb_naming *const[]){&t5_text, NULL}};
