#include "common/clip/config.h"

#include "common/base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20, SIZE_LIMIT = 1 << 20 };

/* Where a value is looked up, for messages. */
typedef struct section {
    const json_t *object;
    const char *path, *name;
} section;

static nb_status get_size(section s, const char *key, size_t fallback, size_t *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, key);
    if (!value) {
        *out = fallback;
        return NB_OK;
    }
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n <= 0 || n > SIZE_LIMIT) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %s%s is not a whole number in [1, %d]", s.path, s.name, key, SIZE_LIMIT);
    }
    *out = (size_t)n;
    return NB_OK;
}

static nb_status get_tower(section s, const nb_tower_config *fallback, nb_tower_config *out, nb_error *err)
{
    nb_status status;
    NB_TRY(get_size(s, "hidden_size", fallback->width, &out->width, err));
    NB_TRY(get_size(s, "num_hidden_layers", fallback->layers, &out->layers, err));
    NB_TRY(get_size(s, "num_attention_heads", fallback->heads, &out->heads, err));
    NB_TRY(get_size(s, "intermediate_size", fallback->mlp, &out->mlp, err));
    if (out->width % out->heads) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %snum_attention_heads %zu does not divide hidden_size %zu", s.path,
                       s.name, out->heads, out->width);
    }
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

static nb_status parse(nb_clip_config *out, const json_t *root, const char *path, nb_error *err)
{
    static const nb_tower_config text = {.width = 512, .layers = 12, .heads = 8, .mlp = 2048};
    static const nb_tower_config image = {.width = 768, .layers = 12, .heads = 12, .mlp = 3072};
    section top = {root, path, ""};
    section t = {json_object_get(root, "text_config"), path, "text_config."};
    section v = {json_object_get(root, "vision_config"), path, "vision_config."};
    const char *type = json_string_value(json_object_get(root, "model_type"));
    size_t channels;
    nb_status status;
    if (!type || strcmp(type, "clip") != 0) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': model_type '%s' is not 'clip'", path, type ? type : "(missing)");
    }
    if (!json_is_object(t.object) || !json_is_object(v.object)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' has no %s", path, json_is_object(t.object) ? "vision_config" : "text_config");
    }
    NB_TRY(get_tower(t, &text, &out->text, err));
    NB_TRY(get_tower(v, &image, &out->image, err));
    NB_TRY(get_size(t, "max_position_embeddings", 77, &out->context, err));
    NB_TRY(get_size(t, "vocab_size", 49408, &out->vocabulary, err));
    NB_TRY(get_size(v, "image_size", 224, &out->image_size, err));
    NB_TRY(get_size(v, "patch_size", 32, &out->patch, err));
    NB_TRY(get_size(v, "num_channels", 3, &channels, err));
    NB_TRY(get_size(top, "projection_dim", 512, &out->projection, err));
    if (channels != 3 || out->image_size % out->patch || out->image_size > 4096) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s': images of %zu pixels, patches of %zu and %zu channels do not fit", path,
                         out->image_size, out->patch, channels);
    }
done:
    return status;
}

nb_status nb_clip_config_read(nb_clip_config *out, const char *directory, nb_error *err)
{
    char *path = NULL, *text = NULL;
    size_t len;
    json_t *root = NULL;
    json_error_t where;
    nb_status status;
    *out = (nb_clip_config){0};
    NB_TRY(nb_path_join(&path, directory, "config.json", err));
    NB_TRY(nb_file_read(path, CONFIG_BYTES_MAX, &text, &len, err));
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(root)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is not a JSON object: %s", path, where.text);
        goto done;
    }
    NB_TRY(parse(out, root, path, err));
done:
    json_decref(root);
    free(text);
    free(path);
    return status;
}

size_t nb_clip_patches(const nb_clip_config *config)
{
    size_t side = config->image_size / config->patch;
    return side * side;
}
