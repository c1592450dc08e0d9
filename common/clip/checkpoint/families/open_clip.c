/* Models of the open_clip library, from open_clip_config.json: its own ViT (VisionTransformer) or an image tower of the
 * timm library that another family knows (nb_family.read_trunk), and its own text tower (TextTransformer). Keys that
 * are absent have the defaults of CLIPTextCfg and CLIPVisionCfg (open_clip/model.py). The names of tensors are
 * OpenAI's. */
#include "common/clip/checkpoint/families/family.h"
#include "common/clip/checkpoint/families/resnet.h"
#include "common/clip/checkpoint/families/tensor_names.h"

#include <string.h>

enum { MLP_RATIO_LIMIT = 64, END_TOKEN = 2 /* eos_id unless stated */ };

/* int(width * mlp_ratio), as open_clip cuts it. */
static nb_status open_get_mlp(nb_config_section s, nb_tower_config *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "mlp_ratio");
    double ratio = value ? json_number_value(value) : 4.0;
    double mlp = (double)out->width * ratio;
    if (!(mlp >= 1 && ratio <= MLP_RATIO_LIMIT)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %smlp_ratio %g is not in (0, %d]", s.path, s.name, ratio,
                       MLP_RATIO_LIMIT);
    }
    out->mlp = (size_t)mlp;
    return NB_OK;
}

/* A number, for instance the initial layer scale, switches its part on; null or absent leaves it off. */
static bool open_has_number(nb_config_section s, const char *key)
{
    return json_is_number(json_object_get(s.object, key));
}

static bool open_is_true(nb_config_section s, const char *key)
{
    return json_is_true(json_object_get(s.object, key));
}

static bool open_is_text(nb_config_section s, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(s.object, key));
    return value && strcmp(value, text) == 0;
}

/* {"eps": number} for the layer norms. */
static nb_status open_get_epsilon(nb_config_section s, nb_tower_config *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "norm_kwargs");
    size_t known = json_object_get(value, "eps") ? 1 : 0;
    out->epsilon = 1e-5f;
    if (value && !json_is_null(value) && (!json_is_object(value) || json_object_size(value) != known)) {
        return nb_config_refuse(s, "norm_kwargs", value, err);
    }
    return known ? nb_config_epsilon((nb_config_section){value, s.path, s.name}, "eps", 1e-5, &out->epsilon, err)
                 : NB_OK;
}

/* {"approximate": "tanh"} for GELU; open_clip's QuickGELU takes nothing. */
static nb_status open_get_activation(nb_config_section s, bool quick, nb_tower_config *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "act_kwargs");
    const char *approximate = json_string_value(json_object_get(value, "approximate"));
    bool tanh = approximate && strcmp(approximate, "tanh") == 0;
    bool none = !value || json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0);
    out->activation = quick ? NB_QUICK_GELU : tanh ? NB_GELU_TANH : NB_GELU;
    if (!none &&
        (quick || json_object_size(value) != 1 || !(tanh || (approximate && strcmp(approximate, "none") == 0)))) {
        return nb_config_refuse(s, "act_kwargs", value, err);
    }
    return NB_OK;
}

/* Keys of both towers. */
#define OPEN_BLOCK_KEYS                                                                                                \
    "width", "layers", "mlp_ratio", "ls_init_value", "final_ln_after_pool", "pool_type", "output_tokens",              \
        "act_kwargs", "norm_kwargs", "block_type", "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", \
        "scale_attn", "scale_fc"

/* What text and image towers have in common. */
static nb_status open_get_blocks(nb_config_section s, bool quick, nb_tower_config *out, nb_error *err)
{
    static const nb_config_extra extras[] = {
        {"qk_norm", NULL}, {"scaled_cosine_attn", NULL}, {"scale_heads", NULL}, {"scale_attn", NULL}};
    nb_status status;
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(open_get_mlp(s, out, err));
    NB_TRY(open_get_epsilon(s, out, err));
    NB_TRY(open_get_activation(s, quick, out, err));
    out->layer_scale = open_has_number(s, "ls_init_value");
    out->attention_norm = open_is_true(s, "scale_attn_inner");
    out->mlp_norm = open_is_true(s, "scale_fc");
done:
    return status;
}

/* Where a text is read, as open_clip's text_global_pool does it. */
static nb_status open_get_text_pooling(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "pool_type");
    const char *pool = value ? json_string_value(value) : "argmax";
    nb_status status = NB_OK;
    out->end_token = NB_END_UNSTATED;
    if (pool && strcmp(pool, "argmax") == 0) {
        out->end_token = NB_END_HIGHEST;
    } else if (pool && strcmp(pool, "first") == 0) {
        out->text.pooling = NB_POOL_FIRST;
    } else if (pool && strcmp(pool, "last") == 0) {
        out->text.pooling = NB_POOL_LAST;
    } else if (pool && strcmp(pool, "eos") == 0) {
        status = nb_config_token(s, "eos_id", END_TOKEN, &out->end_token, err);
    } else {
        status = nb_config_refuse(s, "pool_type", value, err);
    }
    return status;
}

/* linear or none, with a bias or without. */
static nb_status open_get_text_projection(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const nb_config_extra extras[] = {{"proj_type", "linear"}};
    if (open_is_text(s, "proj_type", "none") && out->text.width == out->projection) {
        out->text.projection = NB_PROJECTION_NONE;
        return NB_OK;
    }
    out->text.projection = open_is_true(s, "proj_bias") ? NB_PROJECTION_BIASED : NB_PROJECTION_LINEAR;
    return nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err);
}

/* Which tokenizer it is, its files say (common/clip/tokenizer/piece_tokenizer.h). Of its options `clean` is honoured
 * there, and strip_sep_token of BERT's. */
static nb_status open_check_tokenizer(nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "hf_tokenizer_name");
    json_t *options = json_object_get(s.object, "tokenizer_kwargs"), *option;
    const char *name = json_string_value(value), *key;
    bool bert = name && strncmp(name, "bert-", strlen("bert-")) == 0;
    json_object_foreach(options, key, option)
    {
        bool fine = json_is_null(option) || json_is_false(option) ||
                    (bert && strcmp(key, "strip_sep_token") == 0 && json_is_true(option));
        if (!fine && (strcmp(key, "clean") != 0 || !json_is_string(option))) {
            return nb_config_refuse(s, "tokenizer_kwargs", options, err);
        }
    }
    return NB_OK;
}

/* The text tower of the transformers library that text_cfg names. */
static nb_status open_read_foreign_text(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "hf_model_name");
    const char *model = json_string_value(value);
    bool known = false;
    nb_status status = NB_OK;
    for (size_t i = 0; model && nb_families[i] && !known && status == NB_OK; i++) {
        if (nb_families[i]->read_text) {
            status = nb_families[i]->read_text(out, s, model, &known, err);
        }
    }
    return status != NB_OK || known ? status : nb_config_refuse(s, "hf_model_name", value, err);
}

/* CoCa's class token behind the text: it is what is read, whatever pool_type says, and the tower is causal. */
static nb_status open_get_class_token(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    if (!open_is_true(s, "embed_cls")) {
        return NB_OK;
    }
    out->text.class_token = true;
    out->text.class_mask = open_is_true(s, "correct_cls_mask") ? NB_CLASS_MASK_CORRECT : NB_CLASS_MASK_SHIFTED;
    out->text.pooling = NB_POOL_LAST;
    out->end_token = NB_END_UNSTATED;
    if (out->text.bidirectional) {
        return nb_config_refuse(s, "embed_cls", json_object_get(s.object, "embed_cls"), err);
    }
    int64_t pad = 0;
    nb_status status = nb_config_token(s, "pad_id", 0, &pad, err);
    if (status == NB_OK && pad != 0) { /* CLIP's own tokenizer pads with 0 */
        status = nb_config_refuse(s, "pad_id", json_object_get(s.object, "pad_id"), err);
    }
    return status;
}

static nb_status open_read_text(nb_clip_config *out, nb_config_section s, bool quick, nb_error *err)
{
    static const char *const known[] = {
        OPEN_BLOCK_KEYS,    "context_length",   "vocab_size", "heads",     "hf_",
        "tokenizer_kwargs", "embed_cls",        "pad_id",     "eos_id",    "no_causal_mask",
        "use_pad_mask",     "correct_cls_mask", "proj_type",  "proj_bias", NULL};
    const json_t *model = json_object_get(s.object, "hf_model_name");
    nb_status status;
    NB_TRY(open_check_tokenizer(s, err));
    NB_TRY(nb_config_refuse_unknown(s, known, err));
    if (model && !json_is_null(model)) {
        return open_read_foreign_text(out, s, err);
    }
    NB_TRY(nb_config_size(s, "width", 512, &out->text.width, err));
    NB_TRY(nb_config_size(s, "layers", 12, &out->text.layers, err));
    NB_TRY(nb_config_size(s, "heads", 8, &out->text.heads, err));
    NB_TRY(nb_config_size(s, "context_length", 77, &out->context, err));
    NB_TRY(nb_config_size(s, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(nb_config_check_heads(s, "heads", "width", &out->text, err));
    NB_TRY(open_get_blocks(s, quick, &out->text, err));
    NB_TRY(open_get_text_pooling(out, s, err));
    NB_TRY(open_get_text_projection(out, s, err));
    out->text.bidirectional = open_is_true(s, "no_causal_mask");
    NB_TRY(open_get_class_token(out, s, err));
    if (out->text.bidirectional && open_is_true(s, "use_pad_mask")) { /* a causal tower does not look at it */
        status = nb_config_refuse(s, "use_pad_mask", json_object_get(s.object, "use_pad_mask"), err);
    }
done:
    return status;
}

/* The image tower of the timm library that vision_cfg names. */
static nb_status open_read_trunk(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "timm_model_name");
    const char *model = json_string_value(value);
    bool known = false;
    nb_status status = NB_OK;
    for (size_t i = 0; model && nb_families[i] && !known && status == NB_OK; i++) {
        if (nb_families[i]->read_trunk) {
            status = nb_families[i]->read_trunk(out, s, model, &known, err);
            out->family = known ? nb_families[i]->name : out->family;
        }
    }
    return status != NB_OK || known ? status : nb_config_refuse(s, "timm_model_name", value, err);
}

/* The class token's row or the mean of the patches, normed before or after. */
static nb_status open_get_image_pooling(nb_config_section s, nb_tower_config *out, nb_error *err)
{
    static const nb_config_extra extras[] = {{"pool_type", "tok"}};
    if (!open_is_text(s, "pool_type", "avg")) {
        return nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err);
    }
    out->pooling = NB_POOL_AVERAGE;
    out->final_norm = open_is_true(s, "final_ln_after_pool") ? NB_FINAL_NORM_POOLED : NB_FINAL_NORM_ROWS;
    return NB_OK;
}

/* Keys of vision_cfg. */
static const char *const open_vision_keys[] = {
    OPEN_BLOCK_KEYS,    "head_width",   "patch_size", "image_size",     "patch_dropout",
    "attentional_pool", "attn_pooler_", "no_ln_pre",  "pos_embed_type", "global_average_pool",
    "input_patchnorm",  "timm_",        NULL};

/* Of a ResNet. Keys of ViTs do not count there. */
static nb_status open_read_resnet(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const nb_config_extra extras[] = {{"timm_model_name", NULL}};
    nb_status status;
    NB_TRY(nb_config_refuse_unknown(s, open_vision_keys, err));
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(nb_resnet_read(out, s, err));
done:
    return status;
}

/* CoCa's pooling by attention: of its queries the first one becomes the embedding. */
static nb_status open_get_query_pooling(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "attentional_pool");
    nb_tower_config *t = &out->image;
    nb_status status;
    if (!value || json_is_null(value) || json_is_false(value)) {
        return NB_OK;
    }
    NB_TRY(nb_config_size(s, "attn_pooler_queries", 256, &t->pool_queries, err));
    NB_TRY(nb_config_size(s, "attn_pooler_heads", 8, &t->pool_heads, err));
    t->pool_width = out->projection;
    /* with equal widths the checkpoint holds another form of the weights */
    if (!json_is_true(value) || t->pooling != NB_POOL_TOKEN || t->width == t->pool_width ||
        t->pool_width % t->pool_heads != 0) {
        return nb_config_refuse(s, "attentional_pool", value, err);
    }
    t->pooling = NB_POOL_QUERY;
done:
    return status;
}

static nb_status open_read_vision(nb_clip_config *out, nb_config_section s, bool quick, nb_error *err)
{
    static const nb_config_extra extras[] = {{"global_average_pool", NULL}, {"input_patchnorm", NULL}};
    static const nb_config_extra positions[] = {{"pos_embed_type", "learnable"}};
    const json_t *model = json_object_get(s.object, "timm_model_name");
    size_t head_width;
    nb_status status;
    if (json_is_array(json_object_get(s.object, "layers"))) {
        return open_read_resnet(out, s, err);
    }
    if (model && !json_is_null(model)) {
        return open_read_trunk(out, s, err);
    }
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(nb_config_refuse_unknown(s, open_vision_keys, err));
    if (!open_is_text(s, "pos_embed_type", "sin_cos_2d")) { /* that is computed when a model is made, and stored */
        NB_TRY(nb_config_refuse_extras(s, positions, 1, err));
    }
    NB_TRY(nb_config_size(s, "width", 768, &out->image.width, err));
    NB_TRY(nb_config_size(s, "layers", 12, &out->image.layers, err));
    NB_TRY(nb_config_size(s, "head_width", 64, &head_width, err));
    NB_TRY(nb_config_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(nb_config_side(s, "patch_size", 16, &out->patch, err));
    out->image.heads = out->image.width / head_width;
    NB_TRY(nb_config_check_heads(s, "width / head_width =", "width", &out->image, err));
    NB_TRY(open_get_blocks(s, quick, &out->image, err));
    NB_TRY(open_get_image_pooling(s, &out->image, err));
    NB_TRY(open_get_query_pooling(out, s, err));
    out->image.no_pre_norm = open_is_true(s, "no_ln_pre");
done:
    return status;
}

static nb_status open_read(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    nb_config_section model = {json_object_get(root, "model_cfg"), path, "model_cfg."};
    nb_config_section text = {json_object_get(model.object, "text_cfg"), path, "model_cfg.text_cfg."};
    nb_config_section vision = {json_object_get(model.object, "vision_cfg"), path, "model_cfg.vision_cfg."};
    nb_status status;
    if (!json_is_object(text.object) || !json_is_object(vision.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path,
                       json_is_object(text.object) ? "model_cfg.vision_cfg" : "model_cfg.text_cfg");
    }
    NB_TRY(nb_config_size(model, "embed_dim", 0, &out->projection, err));
    const json_t *quick = json_object_get(model.object, "quick_gelu");
    if (!out->projection || (quick && !json_is_boolean(quick))) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %s", path,
                         out->projection ? "model_cfg.quick_gelu is neither true nor false"
                                         : "model_cfg.embed_dim is missing");
        goto done;
    }
    /* CoCa's decoder and SuperCLIP's classifier stand beside the towers. */
    out->decoder = json_is_object(json_object_get(model.object, "multimodal_cfg")) ||
                   json_is_object(json_object_get(model.object, "clstext_cfg"));
    NB_TRY(open_read_text(out, text, json_is_true(quick), err));
    NB_TRY(open_read_vision(out, vision, json_is_true(quick), err));
    NB_TRY(nb_config_check_image(out, 3, path, err));
done:
    return status;
}

/* clang-format off */
#define BLOCK                                                               \
    [NB_TENSOR_PART_NORM1_WEIGHT] = NB_NAME("ln_1.weight"),                   \
    [NB_TENSOR_PART_NORM1_BIAS] = NB_NAME("ln_1.bias"),                       \
    [NB_TENSOR_PART_QKV_WEIGHT] = NB_NAME("attn.in_proj_weight"),             \
    [NB_TENSOR_PART_QKV_BIAS] = NB_NAME("attn.in_proj_bias"),                 \
    [NB_TENSOR_PART_OUT_WEIGHT] = NB_NAME("attn.out_proj.weight"),            \
    [NB_TENSOR_PART_OUT_BIAS] = NB_NAME("attn.out_proj.bias"),                \
    [NB_TENSOR_PART_NORM2_WEIGHT] = NB_NAME("ln_2.weight"),                   \
    [NB_TENSOR_PART_NORM2_BIAS] = NB_NAME("ln_2.bias"),                       \
    [NB_TENSOR_PART_FC1_WEIGHT] = NB_NAME("mlp.c_fc.weight"),                 \
    [NB_TENSOR_PART_FC1_BIAS] = NB_NAME("mlp.c_fc.bias"),                     \
    [NB_TENSOR_PART_FC2_WEIGHT] = NB_NAME("mlp.c_proj.weight"),               \
    [NB_TENSOR_PART_FC2_BIAS] = NB_NAME("mlp.c_proj.bias"),                   \
    [NB_TENSOR_PART_ATTENTION_NORM_WEIGHT] = NB_NAME("attn.ln_inner.weight"), \
    [NB_TENSOR_PART_ATTENTION_NORM_BIAS] = NB_NAME("attn.ln_inner.bias"),     \
    [NB_TENSOR_PART_MLP_NORM_WEIGHT] = NB_NAME("mlp.ln.weight"),              \
    [NB_TENSOR_PART_MLP_NORM_BIAS] = NB_NAME("mlp.ln.bias"),                  \
    [NB_TENSOR_PART_SCALE1] = NB_NAME("ls_1.gamma"),                          \
    [NB_TENSOR_PART_SCALE2] = NB_NAME("ls_2.gamma"),

/* The text tower; `prefix` is what custom_text puts before its names. */
#define TEXT(prefix)                                                                              \
    BLOCK                                                                                         \
    [NB_TENSOR_PART_TOKEN_EMBEDDING] = NB_NAME(prefix "token_embedding.weight"),                    \
    [NB_TENSOR_PART_TEXT_POSITION] = NB_NAME(prefix "positional_embedding"),                        \
    [NB_TENSOR_PART_TEXT_CLASS] = NB_NAME(prefix "cls_emb"),                                        \
    [NB_TENSOR_PART_TEXT_NORM_WEIGHT] = NB_NAME(prefix "ln_final.weight"),                          \
    [NB_TENSOR_PART_TEXT_NORM_BIAS] = NB_NAME(prefix "ln_final.bias"),                              \
    [NB_TENSOR_PART_TEXT_PROJECTION] = {.pieces = {prefix "text_projection"}, .transposed = true, \
                                        .other = prefix "text_projection.weight"},                \
    [NB_TENSOR_PART_TEXT_PROJECTION_BIAS] = NB_NAME(prefix "text_projection.bias"),                 \
    [NB_TENSOR_PART_LOGIT_SCALE] = NB_NAME("logit_scale"),

static const nb_naming open_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT,
    .evidence = {"transformer.", "positional_embedding", "token_embedding.weight"},
    .root = "transformer.", .blocks = "transformer.resblocks.", .rows = {TEXT("")}};

static const nb_naming open_custom_text = {
    .name = "open_clip", .tower = NB_TOWER_TEXT, .evidence = {"text.transformer.resblocks."},
    .root = "text.", .blocks = "text.transformer.resblocks.", .rows = {TEXT("text.")}};

static const nb_naming open_image = {
    .name = "open_clip", .tower = NB_TOWER_IMAGE, .evidence = {"visual."},
    .root = "visual.", .blocks = "visual.transformer.resblocks.",
    .rows = {BLOCK
             [NB_TENSOR_PART_CLASS_EMBEDDING] = NB_NAME("visual.class_embedding"),
             [NB_TENSOR_PART_PATCH_EMBEDDING] = NB_NAME("visual.conv1.weight"),
             [NB_TENSOR_PART_IMAGE_POSITION] = NB_NAME("visual.positional_embedding"),
             [NB_TENSOR_PART_PRE_NORM_WEIGHT] = NB_NAME("visual.ln_pre.weight"),
             [NB_TENSOR_PART_PRE_NORM_BIAS] = NB_NAME("visual.ln_pre.bias"),
             [NB_TENSOR_PART_POOL_QUERY] = NB_NAME("visual.attn_pool.query"),
             [NB_TENSOR_PART_POOL_NORM_WEIGHT] = NB_NAME("visual.attn_pool.ln_q.weight"),
             [NB_TENSOR_PART_POOL_NORM_BIAS] = NB_NAME("visual.attn_pool.ln_q.bias"),
             [NB_TENSOR_PART_POOL_ROWS_WEIGHT] = NB_NAME("visual.attn_pool.ln_k.weight"),
             [NB_TENSOR_PART_POOL_ROWS_BIAS] = NB_NAME("visual.attn_pool.ln_k.bias"),
             [NB_TENSOR_PART_POOL_QUERY_WEIGHT] = NB_NAME("visual.attn_pool.attn.q_proj_weight"),
             [NB_TENSOR_PART_POOL_QKV_WEIGHT] = NB_NAME("visual.attn_pool.attn.k_proj_weight", "visual.attn_pool.attn.v_proj_weight"),
             [NB_TENSOR_PART_POOL_QKV_BIAS] = NB_NAME("visual.attn_pool.attn.in_proj_bias"),
             [NB_TENSOR_PART_POOL_OUT_WEIGHT] = NB_NAME("visual.attn_pool.attn.out_proj.weight"),
             [NB_TENSOR_PART_POOL_OUT_BIAS] = NB_NAME("visual.attn_pool.attn.out_proj.bias"),
             [NB_TENSOR_PART_POST_NORM_WEIGHT] = NB_NAME("visual.ln_post.weight"),
             [NB_TENSOR_PART_POST_NORM_BIAS] = NB_NAME("visual.ln_post.bias"),
             [NB_TENSOR_PART_IMAGE_PROJECTION] = {.pieces = {"visual.proj"}, .transposed = true}}};
/* clang-format on */

const nb_family nb_family_open_clip = {
    .name = "open_clip",
    .read = open_read,
    .namings = (const nb_naming *const[]){&open_custom_text, &open_text, &open_image, NULL}};
