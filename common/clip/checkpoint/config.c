#include "common/clip/checkpoint/config.h"

#include "common/base/json.h"
#include "common/clip/checkpoint/families/family.h"

#include <stdlib.h>
#include <string.h>

static const char *const hugging_face_file = "config.json";
static const char *const open_clip_file = "open_clip_config.json";

/* The number of a text among `names`, which `out` keeps where the key is absent or null. */
static nb_status config_get_choice(nb_config_section s, const char *key, const char *const *names, size_t *out,
                                   nb_error *err)
{
    const json_t *value = json_object_get(s.object, key);
    if (!value || json_is_null(value)) {
        return NB_OK;
    }
    for (size_t i = 0; names[i]; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), names[i]) == 0) {
            *out = i;
            return NB_OK;
        }
    }
    return nb_config_refuse(s, key, value, err);
}

/* As image_transform of open_clip (transform.py): "random" is bicubic wherever nothing is trained. */
static nb_status config_parse_resize(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const char *const modes[] = {
        [NB_RESIZE_SHORTEST] = "shortest", [NB_RESIZE_SQUASH] = "squash", [NB_RESIZE_LONGEST] = "longest", NULL};
    static const char *const filters[] = {"bicubic", "bilinear", "random", NULL};
    const json_t *fill = json_object_get(s.object, "fill_color");
    size_t mode = NB_RESIZE_SHORTEST, filter = 0;
    nb_status status;
    NB_TRY(config_get_choice(s, "resize_mode", modes, &mode, err));
    NB_TRY(config_get_choice(s, "interpolation", filters, &filter, err));
    if (fill && !json_is_null(fill) &&
        (!json_is_integer(fill) || json_integer_value(fill) < 0 || json_integer_value(fill) > UINT8_MAX)) {
        return nb_config_refuse(s, "fill_color", fill, err);
    }
    out->has_pixels = json_is_object(s.object);
    out->resize = (nb_resize)mode;
    out->bilinear = filter == 1;
    out->fill = (uint8_t)json_integer_value(fill);
done:
    return status;
}

static nb_status config_parse_open_clip_pixels(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    static const nb_config_extra extras[] = {{"mode", "RGB"}};
    size_t size;
    nb_status status;
    NB_TRY(nb_config_refuse_extras(s, extras, sizeof extras / sizeof *extras, err));
    NB_TRY(config_parse_resize(out, s, err));
    NB_TRY(nb_config_side(s, "size", out->image_size, &size, err));
    const json_t *mean = json_object_get(s.object, "mean"), *std = json_object_get(s.object, "std");
    if (size != out->image_size) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': %ssize is %zu, the model's image_size is %zu", s.path, s.name, size,
                         out->image_size);
    } else if (mean || std) {
        out->has_channels = nb_config_channels(mean, false, out->mean) && nb_config_channels(std, true, out->std);
        status = out->has_channels
                     ? NB_OK
                     : nb_fail(err, NB_ERR_INPUT, "'%s': %smean and std are not three numbers each, std over 0", s.path,
                               s.name);
    }
done:
    return status;
}

static nb_status config_parse_open_clip(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    nb_config_section pixels = {json_object_get(root, "preprocess_cfg"), path, "preprocess_cfg."};
    nb_status status;
    out->family = nb_family_open_clip.name;
    out->open_clip = true;
    NB_TRY(nb_family_open_clip.read(out, root, path, err));
    NB_TRY(config_parse_open_clip_pixels(out, pixels, err));
done:
    return status;
}

/* ---- Hugging Face ---- */

static nb_status config_parse_hugging_face(nb_clip_config *out, json_t *root, const char *path, nb_error *err)
{
    const char *type = json_string_value(json_object_get(root, "model_type"));
    for (size_t i = 0; type && nb_families[i]; i++) {
        const nb_family *family = nb_families[i];
        if (family->model_type && strcmp(type, family->model_type) == 0) {
            out->family = family->name;
            return family->read(out, root, path, err);
        }
    }
    nb_fail(err, NB_ERR_INPUT, "'%s': model_type '%s' is not 'clip'", path, type ? type : "(missing)");
    if (type && strcmp(type, "metaclip_2") == 0) {
        nb_hint(err, "MetaCLIP 2 is read in open_clip's layout: open_clip_config.json of ViT-*-worldwide");
    }
    return NB_ERR_INPUT;
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

size_t nb_clip_image_rows(const nb_clip_config *config)
{
    return nb_clip_patches(config) + !config->image.no_class_token;
}

size_t nb_clip_text_rows(const nb_clip_config *config)
{
    return config->context + config->text.class_token;
}

nb_tower_config nb_tower_pool(const nb_tower_config *t)
{
    return (nb_tower_config){.width = t->width,
                             .layers = 1,
                             .heads = t->pool_heads ? t->pool_heads : t->heads,
                             .mlp = t->pool_mlp ? t->pool_mlp : t->mlp,
                             .activation = t->activation,
                             .epsilon = t->epsilon};
}

const char *nb_tower_activation_name(const nb_tower_config *t)
{
    static const char *const plain[] = {
        [NB_QUICK_GELU] = "quick_gelu", [NB_GELU] = "gelu", [NB_GELU_TANH] = "gelu_tanh", [NB_RELU] = "relu"};
    static const char *const gated[] = {[NB_QUICK_GELU] = "gated quick_gelu",
                                        [NB_GELU] = "gated gelu",
                                        [NB_GELU_TANH] = "gated gelu_tanh",
                                        [NB_RELU] = "gated relu"};
    switch (t->mlp_kind) {
    case NB_MLP_SWIGLU: return "swiglu";
    case NB_MLP_GEGLU: return "geglu";
    case NB_MLP_GATED: return gated[t->activation];
    case NB_MLP_PLAIN: break;
    }
    return plain[t->activation];
}

nb_status nb_tower_must_be_clip(const nb_tower_config *t, const char *which, const char *what, nb_error *err)
{
    const struct {
        bool beyond;
        const char *what;
    } parts[] = {
        {t->convolutions.list != NULL, "convolutions"},
        {t->activation == NB_GELU_TANH, "GELU by tanh"},
        {t->activation == NB_RELU, "ReLU"},
        {t->sum_norm || t->rms_norm || t->embedding_norm, "norms of another kind than CLIP's"},
        {t->positions != NB_POSITIONS_LEARNED, "positions of another kind than CLIP's"},
        {t->class_token, "a class token behind the text"},
        {t->pooling != NB_POOL_TOKEN, "pooling of another kind than CLIP's"},
        {t->final_norm == NB_FINAL_NORM_NONE, "no last layer norm"},
        {t->projection != NB_PROJECTION_LINEAR, "a projection of another kind than CLIP's"},
        {t->mlp_kind != NB_MLP_PLAIN, "a gated MLP"},
        {t->bidirectional, "bidirectional text"},
        {t->no_class_token || t->no_class_position || t->no_position, "positions of another kind, or no class token"},
        {t->no_pre_norm, "no layer norm before the first block"},
        {t->patch_bias, "a bias of the patches"},
        {t->post_norm, "norms behind attention and MLP"},
        {t->attention_norm || t->mlp_norm || t->mlp_input_norm, "layer norms inside attention or MLP"},
        {t->layer_scale, "layer scale"},
        {t->rotary != 0, "rotary positions"}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].beyond) {
            nb_fail(err, NB_ERR_INPUT, "the model's %s tower has %s: %s of such towers are not computed", which,
                    parts[i].what, what);
            return nb_hint(err, "a model with CLIP's own towers is needed for this; embedding, mining and scoring take "
                                "this one");
        }
    }
    return NB_OK;
}
