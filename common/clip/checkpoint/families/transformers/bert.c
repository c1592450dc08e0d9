/* BERT and its kin as text towers of open_clip (transformers: models/bert, models/roberta, models/xlm_roberta): norms
 * behind the sums, learned positions and one type for all tokens, padding hidden. RoBERTa counts positions from behind
 * its padding token's number. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/tensor_names.h"
#include "common/clip/checkpoint/families/transformers/foreign_text.h"

/* Of the transformers library's models. */
static const struct {
    const char *name;
    size_t width, layers, heads, vocabulary, positions, types;
    int32_t pad; /* positions of RoBERTa's begin behind it */
    bool roberta;
} bert_models[] = {
    {"roberta-base", 768, 12, 12, 50265, 514, 1, 1, true},
    {"roberta-large", 1024, 24, 16, 50265, 514, 1, 1, true},
    {"xlm-roberta-base", 768, 12, 12, 250002, 514, 1, 1, true},
    {"xlm-roberta-large", 1024, 24, 16, 250002, 514, 1, 1, true},
    {"bert-base-uncased", 768, 12, 12, 30522, 512, 2, 0, false},
    {"BiomedNLP-BiomedBERT-base-uncased-abstract", 768, 12, 12, 30522, 512, 2, 0, false},
    {"BiomedNLP-PubMedBERT-base-uncased-abstract", 768, 12, 12, 30522, 512, 2, 0, false},
};

static nb_status bert_read_text(nb_clip_config *out, nb_config_section s, const char *model, bool *known, nb_error *err)
{
    size_t i = 0, count = sizeof bert_models / sizeof *bert_models;
    while (i < count && !nb_foreign_is(model, bert_models[i].name)) {
        i++;
    }
    *known = i < count;
    if (!*known) {
        return NB_OK;
    }
    out->vocabulary = bert_models[i].vocabulary;
    out->text = (nb_tower_config){.width = bert_models[i].width,
                                  .layers = bert_models[i].layers,
                                  .heads = bert_models[i].heads,
                                  .mlp = 4 * bert_models[i].width,
                                  .activation = NB_GELU,
                                  .epsilon = bert_models[i].roberta ? 1e-5f : 1e-12f,
                                  .final_norm = NB_FINAL_NORM_NONE,
                                  .sum_norm = true,
                                  .embedding_norm = true,
                                  .pad = bert_models[i].pad,
                                  .position_rows = bert_models[i].positions,
                                  .position_first = bert_models[i].roberta ? (size_t)bert_models[i].pad + 1 : 0,
                                  .token_types = bert_models[i].types};
    return nb_foreign_read(out, s, true, err);
}

/* clang-format off */
static const nb_naming bert_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT,
    .evidence = {"text.transformer.encoder.layer.", "text.transformer.embeddings.word_embeddings."},
    .root = "text.", .blocks = "text.transformer.encoder.layer.",
    .rows = {[NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attention.self.query.weight", "attention.self.key.weight", "attention.self.value.weight"),
             [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attention.self.query.bias", "attention.self.key.bias", "attention.self.value.bias"),
             [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("attention.output.dense.weight"),
             [NB_TENSOR_PART_OUT_BIAS] = NB_NAME("attention.output.dense.bias"),
             [NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("attention.output.LayerNorm.weight"),
             [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME("attention.output.LayerNorm.bias"),
             [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("intermediate.dense.weight"),
             [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("intermediate.dense.bias"),
             [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("output.dense.weight"),
             [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("output.dense.bias"),
             [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("output.LayerNorm.weight"),
             [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME("output.LayerNorm.bias"),
             [NB_TENSOR_PART_TOKEN_EMBEDDING] = NB_NAME("text.transformer.embeddings.word_embeddings.weight"),
             [NB_TENSOR_PART_TEXT_POSITION] = NB_NAME("text.transformer.embeddings.position_embeddings.weight"),
             [NB_TENSOR_PART_TEXT_TYPES] = NB_NAME("text.transformer.embeddings.token_type_embeddings.weight"),
             [NB_TENSOR_PART_TEXT_PRE_NORM_WEIGHT] = NB_NAME("text.transformer.embeddings.LayerNorm.weight"),
             [NB_TENSOR_PART_TEXT_PRE_NORM_BIAS] = NB_NAME("text.transformer.embeddings.LayerNorm.bias"),
             [NB_TENSOR_PART_TEXT_TANH_WEIGHT] = NB_NAME("text.transformer.pooler.dense.weight"),
             [NB_TENSOR_PART_TEXT_TANH_BIAS] = NB_NAME("text.transformer.pooler.dense.bias"),
             NB_HEAD_OF_FOREIGN_TEXT}};
/* clang-format on */

const nb_family nb_family_bert = {
    .name = "BERT", .read_text = bert_read_text, .namings = (const nb_naming *const[]){&bert_text, NULL}};
