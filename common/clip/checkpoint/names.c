#include "common/clip/checkpoint/names.h"

#include <stdio.h>
#include <string.h>

typedef struct row {
    const char *hugging_face[NB_TENSOR_PART_PIECES];
    const char *open_clip;
    bool transposed; /* in open_clip */
} row;

static const row rows[NB_TENSOR_PART_COUNT] = {
    [NB_TENSOR_PART_NORM1_WEIGHT] = {{"layer_norm1.weight"}, "ln_1.weight", false},
    [NB_TENSOR_PART_NORM1_BIAS] = {{"layer_norm1.bias"}, "ln_1.bias", false},
    [NB_TENSOR_PART_QKV_WEIGHT] = {{"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"},
                                   "attn.in_proj_weight",
                                   false},
    [NB_TENSOR_PART_QKV_BIAS] = {{"self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"},
                                 "attn.in_proj_bias",
                                 false},
    [NB_TENSOR_PART_OUT_WEIGHT] = {{"self_attn.out_proj.weight"}, "attn.out_proj.weight", false},
    [NB_TENSOR_PART_OUT_BIAS] = {{"self_attn.out_proj.bias"}, "attn.out_proj.bias", false},
    [NB_TENSOR_PART_NORM2_WEIGHT] = {{"layer_norm2.weight"}, "ln_2.weight", false},
    [NB_TENSOR_PART_NORM2_BIAS] = {{"layer_norm2.bias"}, "ln_2.bias", false},
    [NB_TENSOR_PART_FC1_WEIGHT] = {{"mlp.fc1.weight"}, "mlp.c_fc.weight", false},
    [NB_TENSOR_PART_FC1_BIAS] = {{"mlp.fc1.bias"}, "mlp.c_fc.bias", false},
    [NB_TENSOR_PART_FC2_WEIGHT] = {{"mlp.fc2.weight"}, "mlp.c_proj.weight", false},
    [NB_TENSOR_PART_FC2_BIAS] = {{"mlp.fc2.bias"}, "mlp.c_proj.bias", false},
    [NB_TENSOR_PART_TOKEN_EMBEDDING] = {{"text_model.embeddings.token_embedding.weight"},
                                        "token_embedding.weight",
                                        false},
    [NB_TENSOR_PART_TEXT_POSITION] = {{"text_model.embeddings.position_embedding.weight"},
                                      "positional_embedding",
                                      false},
    [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = {{"text_model.final_layer_norm.weight"}, "ln_final.weight", false},
    [NB_TENSOR_PART_TEXT_NORM_BIAS] = {{"text_model.final_layer_norm.bias"}, "ln_final.bias", false},
    [NB_TENSOR_PART_TEXT_PROJECTION] = {{"text_projection.weight"}, "text_projection", true},
    [NB_TENSOR_PART_CLASS_EMBEDDING] = {{"vision_model.embeddings.class_embedding"}, "visual.class_embedding", false},
    [NB_TENSOR_PART_PATCH_EMBEDDING] = {{"vision_model.embeddings.patch_embedding.weight"},
                                        "visual.conv1.weight",
                                        false},
    [NB_TENSOR_PART_IMAGE_POSITION] = {{"vision_model.embeddings.position_embedding.weight"},
                                       "visual.positional_embedding",
                                       false},
    /* "layrnorm" is how transformers spells it */
    [NB_TENSOR_PART_PRE_NORM_WEIGHT] = {{"vision_model.pre_layrnorm.weight"}, "visual.ln_pre.weight", false},
    [NB_TENSOR_PART_PRE_NORM_BIAS] = {{"vision_model.pre_layrnorm.bias"}, "visual.ln_pre.bias", false},
    [NB_TENSOR_PART_POST_NORM_WEIGHT] = {{"vision_model.post_layernorm.weight"}, "visual.ln_post.weight", false},
    [NB_TENSOR_PART_POST_NORM_BIAS] = {{"vision_model.post_layernorm.bias"}, "visual.ln_post.bias", false},
    [NB_TENSOR_PART_IMAGE_PROJECTION] = {{"visual_projection.weight"}, "visual.proj", true},
    [NB_TENSOR_PART_LOGIT_SCALE] = {{"logit_scale"}, "logit_scale", false},
};

size_t nb_tensor_part_names(nb_naming naming, nb_tensor_part part, nb_tower tower, size_t layer,
                            char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX])
{
    static const char *const folders[][2] = {
        [NB_NAMES_HUGGING_FACE] = {"text_model.encoder.layers.", "vision_model.encoder.layers."},
        [NB_NAMES_OPEN_CLIP] = {"transformer.resblocks.", "visual.transformer.resblocks."}};
    const row *r = &rows[part];
    char prefix[NB_TENSOR_PART_NAME_MAX / 2] = "";
    size_t count = 0;
    if ((int)part < NB_TENSOR_PART_BLOCK_COUNT) {
        snprintf(prefix, sizeof prefix, "%s%zu.", folders[naming][tower], layer);
    }
    if (naming == NB_NAMES_OPEN_CLIP) {
        snprintf(names[0], NB_TENSOR_PART_NAME_MAX, "%s%s", prefix, r->open_clip);
        return 1;
    }
    for (; count < NB_TENSOR_PART_PIECES && r->hugging_face[count]; count++) {
        snprintf(names[count], NB_TENSOR_PART_NAME_MAX, "%s%s", prefix, r->hugging_face[count]);
    }
    return count;
}

bool nb_tensor_part_transposed(nb_naming naming, nb_tensor_part part)
{
    return naming == NB_NAMES_OPEN_CLIP && rows[part].transposed;
}

nb_status nb_names_detect(nb_naming *out, const nb_checkpoint *checkpoint, nb_error *err)
{
    static const struct {
        const char *prefix, *kind;
    } refused[] = {
        {"visual.layer1.", "a ResNet image tower"},
        {"visual.trunk.", "an image tower of the timm library, as SigLIP has it"},
        {"visual.attn_pool", "an image tower with attention pooling"},
        {"vision_model.head.", "an image tower with attention pooling, as SigLIP has it"},
        {"logit_bias", "a SigLIP model"},
        {"text_decoder.", "a CoCa model"},
        {"text.", "a text tower of another library or of its own kind"},
    };
    static const char *const open_clip[] = {"transformer.resblocks.", "visual.", "positional_embedding",
                                            "token_embedding.weight"};
    *out = NB_NAMES_HUGGING_FACE;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const nb_tensor *t = nb_checkpoint_prefix(checkpoint, refused[i].prefix);
        if (t) {
            nb_fail(err, NB_ERR_INPUT, "'%s' holds %s (tensor '%.200s'), which is not supported",
                    nb_checkpoint_path(checkpoint), refused[i].kind, t->name);
            return nb_hint(err, "CLIPs with ViT image tower and CLIP's own text tower are read");
        }
    }
    bool hugging_face =
        nb_checkpoint_prefix(checkpoint, "text_model.") || nb_checkpoint_prefix(checkpoint, "vision_model.");
    for (size_t i = 0; i < sizeof open_clip / sizeof *open_clip && !hugging_face; i++) {
        if (nb_checkpoint_prefix(checkpoint, open_clip[i])) {
            *out = NB_NAMES_OPEN_CLIP;
        }
    }
    return NB_OK;
}

static bool names_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* What checkpoints hold beside weights, and no tower reads: buffers of numbers that are known anyway. */
static bool names_harmless(const char *name)
{
    static const char *const ends[] = {"position_ids", "attn_mask"};
    static const char *const whole[] = {"input_resolution", "context_length", "vocab_size"}; /* OpenAI's archives */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (names_ends_with(name, ends[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (strcmp(name, whole[i]) == 0) {
            return true;
        }
    }
    return false;
}

nb_status nb_names_check_used(const nb_checkpoint *checkpoint, nb_error *err)
{
    size_t unused = 0, first = 0;
    for (size_t i = nb_checkpoint_count(checkpoint); i-- > 0;) {
        if (!nb_checkpoint_used(checkpoint, i) && !names_harmless(nb_checkpoint_at(checkpoint, i)->name)) {
            unused++;
            first = i;
        }
    }
    if (!unused) {
        return NB_OK;
    }
    char more[48] = "";
    if (unused > 1) {
        snprintf(more, sizeof more, " (and %zu more)", unused - 1);
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' has a tensor '%.200s'%s that the configuration does not account for",
            nb_checkpoint_path_at(checkpoint, first), nb_checkpoint_at(checkpoint, first)->name, more);
    nb_hint(err, "more layers than the configuration says, or towers that compute something else than CLIP's");
    return NB_ERR_INPUT;
}
