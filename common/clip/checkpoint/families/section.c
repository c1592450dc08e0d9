#include "common/clip/checkpoint/families/section.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 1 << 20, IMAGE_SIZE_LIMIT = 4096 };

nb_status nb_config_size(nb_config_section s, const char *key, size_t fallback, size_t *out, nb_error *err)
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

nb_status nb_config_side(nb_config_section s, const char *key, size_t fallback, size_t *out, nb_error *err)
{
    json_t *value = json_object_get(s.object, key);
    if (json_array_size(value) == 2 && json_equal(json_array_get(value, 0), json_array_get(value, 1))) {
        json_t *one = json_pack("{s:O}", key, json_array_get(value, 0));
        nb_status status = nb_config_size((nb_config_section){one, s.path, s.name}, key, fallback, out, err);
        json_decref(one);
        return status;
    }
    return nb_config_size(s, key, fallback, out, err);
}

nb_status nb_config_token(nb_config_section s, const char *key, int64_t fallback, int64_t *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, key);
    *out = json_is_integer(value) ? json_integer_value(value) : fallback;
    bool good = !value || json_is_null(value) || (json_is_integer(value) && *out >= 0);
    return good ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s': %s%s is not a token's number", s.path, s.name, key);
}

nb_status nb_config_epsilon(nb_config_section s, const char *key, double fallback, float *out, nb_error *err)
{
    const json_t *value = json_object_get(s.object, key);
    double epsilon = value ? json_number_value(value) : fallback;
    if (!(epsilon > 0 && epsilon < 1)) {
        return nb_fail(err, NB_ERR_INPUT, "'%s': %s%s %g is not in (0, 1)", s.path, s.name, key, epsilon);
    }
    *out = (float)epsilon;
    return NB_OK;
}

bool nb_config_channels(const json_t *value, bool positive, float out[3])
{
    for (size_t i = 0; i < 3; i++) {
        const json_t *one = json_array_get(value, i);
        out[i] = (float)json_number_value(one);
        if (!json_is_number(one) || !isfinite(out[i]) || (positive && !(out[i] > 0))) {
            return false;
        }
    }
    return json_array_size(value) == 3;
}

nb_status nb_config_refuse(nb_config_section s, const char *key, const json_t *value, nb_error *err)
{
    char *have = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    nb_fail(err, NB_ERR_INPUT, "'%s': %s%s is %.200s, which is not supported", s.path, s.name, key, have ? have : "?");
    free(have);
    return nb_hint(err, "image towers that are read: ViTs, CLIP's ResNets, ViTamin, ConvNeXt, MobileCLIP's; text "
                        "towers: CLIP's own, SigLIP's, BERT's, RoBERTa's, XLM-R's, mT5's, NLLB's");
}

static bool section_knows(const char *const *known, const char *key)
{
    for (size_t i = 0; known[i]; i++) {
        size_t len = strlen(known[i]);
        if (strcmp(key, known[i]) == 0 || (known[i][len - 1] == '_' && strncmp(key, known[i], len) == 0)) {
            return true;
        }
    }
    return false;
}

nb_status nb_config_refuse_unknown(nb_config_section s, const char *const *known, nb_error *err)
{
    const char *key;
    json_t *value, *object = json_copy((json_t *)(uintptr_t)s.object); /* the macro asks for one that may change */
    nb_status status = NB_OK;
    json_object_foreach(object, key, value)
    {
        if (status == NB_OK && !section_knows(known, key)) {
            char name[64];
            snprintf(name, sizeof name, "%.60s", key);
            status = nb_config_refuse(s, name, value, err);
        }
    }
    json_decref(object);
    return status;
}

nb_status nb_config_refuse_extras(nb_config_section s, const nb_config_extra *extras, size_t count, nb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(s.object, extras[i].key);
        const char *text = json_string_value(value);
        bool plain = !value || json_is_null(value) || json_is_false(value) ||
                     (json_is_object(value) && json_object_size(value) == 0) ||
                     (text && extras[i].plain && strcmp(text, extras[i].plain) == 0);
        if (!plain) {
            return nb_config_refuse(s, extras[i].key, value, err);
        }
    }
    return NB_OK;
}

nb_status nb_config_check_heads(nb_config_section s, const char *heads, const char *width, const nb_tower_config *c,
                                nb_error *err)
{
    return c->heads && c->width % c->heads == 0 ? NB_OK
                                                : nb_fail(err, NB_ERR_INPUT, "'%s': %s%s %zu does not divide %s %zu",
                                                          s.path, s.name, heads, c->heads, width, c->width);
}

nb_status nb_config_check_image(const nb_clip_config *c, size_t channels, const char *path, nb_error *err)
{
    bool fits = channels == 3 && c->patch <= c->image_size && c->image_size <= IMAGE_SIZE_LIMIT;
    return fits ? NB_OK
                : nb_fail(err, NB_ERR_INPUT, "'%s': images of %zu pixels, patches of %zu and %zu channels do not fit",
                          path, c->image_size, c->patch, channels);
}

/* Attention where the tower is made for it. The mean of the patches: a tower that timm makes with that pooling and a
 * classifier norms behind it, one whose classifier open_clip takes away norms before. */
static nb_status section_timm_pool(nb_tower_config *out, nb_config_section s, bool classifier, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "timm_pool");
    const char *pool = value ? json_string_value(value) : "avg";
    if (out->pooling == NB_POOL_ATTENTION) {
        out->final_norm = NB_FINAL_NORM_ROWS;
        return pool && strcmp(pool, "map") == 0 ? NB_OK : nb_config_refuse(s, "timm_pool", value, err);
    }
    if (out->no_class_token && pool && (!*pool || strcmp(pool, "avg") == 0)) {
        out->pooling = NB_POOL_AVERAGE;
        out->final_norm = NB_FINAL_NORM_ROWS;
    } else if (!out->no_class_token && pool && strcmp(pool, "avg") == 0) {
        out->pooling = NB_POOL_AVERAGE;
        out->final_norm = classifier ? NB_FINAL_NORM_POOLED : NB_FINAL_NORM_ROWS;
    } else if (out->no_class_token || !pool || (*pool && strcmp(pool, "token") != 0)) {
        return nb_config_refuse(s, "timm_pool", value, err);
    }
    return NB_OK;
}

nb_status nb_config_timm_head(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "timm_proj");
    const char *name = value ? json_string_value(value) : "linear";
    bool classifier = (!value || json_is_null(value) || name) && (!name || !*name);
    bool biased = json_is_true(json_object_get(s.object, "timm_proj_bias"));
    if (classifier) {
        out->image.projection = NB_PROJECTION_BIASED;
    } else if (name && strcmp(name, "linear") == 0) {
        out->image.projection = biased ? NB_PROJECTION_BIASED : NB_PROJECTION_LINEAR;
    } else if (name && strcmp(name, "mlp") == 0 && !biased) {
        out->image.projection = NB_PROJECTION_MLP;
        out->image.projection_hidden = 2 * out->projection;
    } else if (name && strcmp(name, "none") == 0 && out->image.width == out->projection) {
        out->image.projection = NB_PROJECTION_NONE;
    } else {
        return nb_config_refuse(s, "timm_proj", value, err);
    }
    return section_timm_pool(&out->image, s, classifier || out->image.projection == NB_PROJECTION_NONE, err);
}

nb_status nb_config_check_sides(const nb_clip_config *c, nb_config_section s, nb_error *err)
{
    return c->image_size % c->patch ? nb_fail(err, NB_ERR_INPUT, "'%s': %simage_size %zu is no multiple of %zu", s.path,
                                              s.name, c->image_size, c->patch)
                                    : NB_OK;
}

nb_status nb_config_timm_convolutions(nb_clip_config *out, nb_config_section s, nb_error *err)
{
    const json_t *value = json_object_get(s.object, "timm_proj");
    const char *name = value ? json_string_value(value) : "linear";
    nb_status status;
    NB_TRY(nb_config_check_sides(out, s, err));
    NB_TRY(nb_config_timm_head(out, s, err));
    if (!name || (strcmp(name, "linear") != 0 && strcmp(name, "mlp") != 0)) {
        return nb_config_refuse(s, "timm_proj", value, err); /* a classifier of timm's own stands elsewhere */
    }
    out->image.final_norm = NB_FINAL_NORM_POOLED;
done:
    return status;
}
