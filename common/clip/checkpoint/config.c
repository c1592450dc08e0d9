#include "common/clip/checkpoint/config.h"

#include "common/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 1 << 20, IMAGE_SIZE_LIMIT = 4096, MLP_RATIO_LIMIT = 64 };

static const char *const hugging_face_file = "config.json";
static const char *const open_clip_file = "open_clip_config.json";

/* Where a value is looked up, for messages. */
typedef struct section {
    const json_t *object;
    const char *path, *name;
} section;

static nb_status config_get_size(section s, const char *key, size_t fallback, size_t *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, key);
    if (!value) {
        *out = fallback;
        return NB_OK;
    }
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n <= 0 || n > SIZE_LIMIT) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %s%s is not a whole number in [1, %d]", s.path, s.name, key,
                       SIZE_LIMIT);
    }
    *out = (size_t)n;
    return NB_OK;
}

static nb_status config_check_heads(section s, const char *heads, const char *width, const nb_tower_config *c,
                                    nb_error *err)
{
    return c->heads && c->width % c->heads == 0 ? NB_OK
                                                : nb_fail(err, NB_ERR_INPUT, "'%s': %s%s %zu does not divide %s %zu",
                                                          s.path, s.name, heads, c->heads, width, c->width);
}

static nb_status config_check_image(const nb_clip_config *c, size_t channels, const char *path, nb_error *err)
{
    bool fits = channels == 3 && c->image_size % c->patch == 0 && c->image_size <= IMAGE_SIZE_LIMIT;
    return fits ? NB_OK
                : nb_fail(err, NB_ERR_INPUT, "'%s': images of %zu pixels, patches of %zu and %zu channels do not fit",
                          path, c->image_size, c->patch, channels);
}

/* ---- Hugging Face ---- */

static nb_status config_get_end_token(section s, int64_t *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "eos_token_id");
    *out = json_is_integer(value) ? json_integer_value(value) : NB_END_UNSTATED;
    bool good = !value || json_is_null(value) || (json_is_integer(value) && *out >= 0);
    return good ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s': %seos_token_id is not a token's number", s.path, s.name);
}

static nb_status config_get_tower(section s, const nb_tower_config *fallback, nb_tower_config *out, nb_error *err)
{
    nb_status status;
    NB_TRY(config_get_size(s, "hidden_size", fallback->width, &out->width, err));
    NB_TRY(config_get_size(s, "num_hidden_layers", fallback->layers, &out->layers, err));
    NB_TRY(config_get_size(s, "num_attention_heads", fallback->heads, &out->heads, err));
    NB_TRY(config_get_size(s, "intermediate_size", fallback->mlp, &out->mlp, err));
    NB_TRY(config_check_heads(s, "num_attention_heads", "hidden_size", out, err));
    const json_t *act = json_object_get(s.object, "hidden_act");
    const char *name = act ? json_string_value(act) : "quick_gelu";
    if (name && strcmp(name, "quick_gelu") == 0) {
        out->activation = NB_QUICK_GELU;
    } else if (name && strcmp(name, "gelu") == 0) {
        out->activation = NB_GELU;
    } else {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %shidden_act '%s' is neither quick_gelu nor gelu", s.path, s.name,
                       name ? name : "(no text)");
    }
    const json_t *eps = json_object_get(s.object, "layer_norm_eps");
    double epsilon = eps ? json_number_value(eps) : 1e-5;
    if (!(epsilon > 0 && epsilon < 1)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %slayer_norm_eps %g is not in (0, 1)", s.path, s.name, epsilon);
    }
    out->epsilon = (float)epsilon;
done:
    return status;
}

/* Old configurations hold the values once more under text_config_dict, and these count. */
static const json_t *config_get_section(json_t *root, const char *name, const char *overlay)
{
    json_t *object = json_object_get(root, name), *over = json_object_get(root, overlay);
    if (json_is_object(object) && json_is_object(over)) {
        json_object_update(object, over);
    }
    return json_is_object(object) ? object : over;
}

static nb_status config_parse_hugging_face(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    static const nb_tower_config text = {.width = 512, .layers = 12, .heads = 8, .mlp = 2048};
    static const nb_tower_config image = {.width = 768, .layers = 12, .heads = 12, .mlp = 3072};
    section top = {root, path, ""};
    section t = {config_get_section(root, "text_config", "text_config_dict"), path, "text_config."};
    section v = {config_get_section(root, "vision_config", "vision_config_dict"), path, "vision_config."};
    const char *type = json_string_value(json_object_get(root, "model_type"));
    size_t channels;
    nb_status status;
    if (!type || strcmp(type, "clip") != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': model_type '%s' is not 'clip'", path, type ? type : "(missing)");
    }
    if (!json_is_object(t.object) || !json_is_object(v.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path,
                       json_is_object(t.object) ? "vision_config" : "text_config");
    }
    NB_TRY(config_get_tower(t, &text, &out->text, err));
    NB_TRY(config_get_tower(v, &image, &out->image, err));
    NB_TRY(config_get_size(t, "max_position_embeddings", 77, &out->context, err));
    NB_TRY(config_get_size(t, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(config_get_size(v, "image_size", 224, &out->image_size, err));
    NB_TRY(config_get_size(v, "patch_size", 32, &out->patch, err));
    NB_TRY(config_get_size(v, "num_channels", 3, &channels, err));
    NB_TRY(config_get_size(top, "projection_dim", 512, &out->projection, err));
    NB_TRY(config_get_end_token(t, &out->end_token, err));
    NB_TRY(config_check_image(out, channels, path, err));
done:
    return status;
}

/* ---- open_clip ---- */

/* What open_clip can switch on that CLIP's towers do not have: absent, null, false, empty or `plain` is CLIP. */
typedef struct extra {
    const char *key, *plain;
} extra;

static nb_status config_refuse_extras(section s, const extra *extras, size_t count, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(s.object, extras[i].key);
        const char *text = json_string_value(value);
        bool plain = !value || json_is_null(value) || json_is_false(value) ||
                     (json_is_object(value) && json_object_size(value) == 0) ||
                     (text && extras[i].plain && strcmp(text, extras[i].plain) == 0);
        if (!plain) {
            char *have = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            nb_fail(err, NB_ERR_INPUT, "'%s': %s%s is %.200s, which is not supported", s.path, s.name, extras[i].key,
                    have ? have : "?");
            free(have);
            return nb_hint(err, "CLIPs with ViT image tower and CLIP's own text tower are read");
        }
    }
    return NB_OK;
}

/* A size, or a pair [height, width] of equal ones. */
static nb_status config_get_side(section s, const char *key, size_t fallback, size_t *out, nb_error *err)
{
    json_t *value = json_object_get(s.object, key);
    if (json_array_size(value) == 2 && json_equal(json_array_get(value, 0), json_array_get(value, 1))) {
        json_t *one = json_pack("{s:O}", key, json_array_get(value, 0));
        nb_status status = config_get_size((section){one, s.path, s.name}, key, fallback, out, err);
        json_decref(one);
        return status;
    }
    return config_get_size(s, key, fallback, out, err);
}

/* int(width * mlp_ratio), as open_clip cuts it. */
static nb_status config_get_mlp(section s, nb_tower_config *out, nb_error *err)
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

static nb_status config_parse_open_clip_text(nb_clip_config *out, section s, nb_error *err)
{
    static const extra extras[] = {{"hf_model_name", NULL}, {"embed_cls", NULL},          {"pool_type", "argmax"},
                                   {"proj_type", "linear"}, {"proj_bias", NULL},          {"no_causal_mask", NULL},
                                   {"ls_init_value", NULL}, {"norm_kwargs", NULL},        {"act_kwargs", NULL},
                                   {"output_tokens", NULL}, {"final_ln_after_pool", NULL}};
    nb_status status;
    NB_TRY(config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(config_get_size(s, "width", 512, &out->text.width, err));
    NB_TRY(config_get_size(s, "layers", 12, &out->text.layers, err));
    NB_TRY(config_get_size(s, "heads", 8, &out->text.heads, err));
    NB_TRY(config_get_size(s, "context_length", 77, &out->context, err));
    NB_TRY(config_get_size(s, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(config_get_mlp(s, &out->text, err));
    NB_TRY(config_check_heads(s, "heads", "width", &out->text, err));
done:
    return status;
}

static nb_status config_parse_open_clip_vision(nb_clip_config *out, section s, nb_error *err)
{
    static const extra extras[] = {{"timm_model_name", NULL},     {"attentional_pool", NULL},
                                   {"global_average_pool", NULL}, {"pool_type", "tok"},
                                   {"no_ln_pre", NULL},           {"input_patchnorm", NULL},
                                   {"ls_init_value", NULL},       {"pos_embed_type", "learnable"},
                                   {"norm_kwargs", NULL},         {"act_kwargs", NULL},
                                   {"final_ln_after_pool", NULL}};
    size_t head_width;
    nb_status status;
    if (json_is_array(json_object_get(s.object, "layers"))) {
        nb_fail(err, NB_ERR_INPUT, "'%s': %slayers is a list: a ResNet image tower, which is not supported", s.path,
                s.name);
        return nb_hint(err, "CLIPs with ViT image tower and CLIP's own text tower are read");
    }
    NB_TRY(config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(config_get_size(s, "width", 768, &out->image.width, err));
    NB_TRY(config_get_size(s, "layers", 12, &out->image.layers, err));
    NB_TRY(config_get_size(s, "head_width", 64, &head_width, err));
    NB_TRY(config_get_side(s, "image_size", 224, &out->image_size, err));
    NB_TRY(config_get_side(s, "patch_size", 16, &out->patch, err));
    NB_TRY(config_get_mlp(s, &out->image, err));
    out->image.heads = out->image.width / head_width;
    NB_TRY(config_check_heads(s, "width / head_width =", "width", &out->image, err));
done:
    return status;
}

static bool config_get_channels(const json_t *value, bool positive, float out[3])
{
    bool good = json_array_size(value) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        out[i] = (float)json_number_value(item);
        good = json_is_number(item) && isfinite(out[i]) && (!positive || out[i] > 0);
    }
    return good;
}

static nb_status config_parse_open_clip_pixels(nb_clip_config *out, section s, nb_error *err)
{
    static const extra extras[] = {{"interpolation", "bicubic"}, {"resize_mode", "shortest"}, {"mode", "RGB"}};
    size_t size;
    nb_status status;
    NB_TRY(config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(config_get_side(s, "size", out->image_size, &size, err));
    const json_t *mean = json_object_get(s.object, "mean"), *std = json_object_get(s.object, "std");
    if (size != out->image_size) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %ssize is %zu, the model's image_size is %zu", s.path, s.name, size,
                         out->image_size);
    } else if (mean || std) {
        out->has_channels = config_get_channels(mean, false, out->mean) && config_get_channels(std, true, out->std);
        status = out->has_channels
                     ? NB_OK
                     : nb_fail(err, NB_ERR_INPUT, "'%s': %smean and std are not three numbers each, std over 0", s.path,
                               s.name);
    }
done:
    return status;
}

static nb_status config_parse_open_clip(nb_clip_config *out, const json_t *root, const char *path, nb_error *err)
{
    static const extra extras[] = {{"multimodal_cfg", NULL}, {"init_logit_bias", NULL}};
    section model = {json_object_get(root, "model_cfg"), path, "model_cfg."};
    section text = {json_object_get(model.object, "text_cfg"), path, "model_cfg.text_cfg."};
    section vision = {json_object_get(model.object, "vision_cfg"), path, "model_cfg.vision_cfg."};
    section pixels = {json_object_get(root, "preprocess_cfg"), path, "preprocess_cfg."};
    nb_status status;
    if (!json_is_object(text.object) || !json_is_object(vision.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path,
                       json_is_object(text.object) ? "model_cfg.vision_cfg" : "model_cfg.text_cfg");
    }
    NB_TRY(config_refuse_extras(model, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(config_get_size(model, "embed_dim", 0, &out->projection, err));
    const json_t *quick = json_object_get(model.object, "quick_gelu");
    if (!out->projection || (quick && !json_is_boolean(quick))) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %s", path,
                         out->projection ? "model_cfg.quick_gelu is neither true nor false"
                                         : "model_cfg.embed_dim is missing");
        goto done;
    }
    out->text.activation = out->image.activation = json_is_true(quick) ? NB_QUICK_GELU : NB_GELU;
    out->text.epsilon = out->image.epsilon = 1e-5f;
    out->open_clip = true;
    out->end_token = NB_END_HIGHEST;
    NB_TRY(config_parse_open_clip_text(out, text, err));
    NB_TRY(config_parse_open_clip_vision(out, vision, err));
    NB_TRY(config_check_image(out, 3, path, err));
    NB_TRY(config_parse_open_clip_pixels(out, pixels, err));
done:
    return status;
}

/* ---- reading ---- */

nb_status nb_clip_config_parse(nb_clip_config *out, const char *json, size_t len, bool open_clip, const char *path,
                               nb_error *err)
{
    json_error_t where;
    nb_status status;
    *out = (nb_clip_config){0};
    json_t *root = NULL;
    status = nb_json_parse(&root, json, len, JSON_REJECT_DUPLICATES, &where, err);
    if (status != NB_OK) {
        nb_context(err, "'%s'", path);
        goto done;
    }
    if (!json_is_object(root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, root ? "another value" : where.text);
        goto done;
    }
    NB_TRY(open_clip ? config_parse_open_clip(out, root, path, err) : config_parse_hugging_face(out, root, path, err));
done:
    json_decref(root);
    return status;
}

const char *nb_clip_config_file(const nb_clip_config *config)
{
    return config->inferred ? "the archive" : config->open_clip ? open_clip_file : hugging_face_file;
}

size_t nb_clip_patches(const nb_clip_config *config)
{
    size_t side = config->image_size / config->patch;
    return side * side;
}
