#include "common/clip/model/export.h"

#include "common/base/file.h"
#include "common/clip/checkpoint/layout.h"
#include "common/clip/model/tensors.h"
#include "common/clip/model/weights.h"
#include "common/linear/reference/half.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for 1 / 255, and few enough for numbers that have few digits to keep them. */
enum { REAL_DIGITS = 16 };

/* The float as the double with the fewest digits that is read as it again: 1e-05, not 9.99999975e-06. */
static double export_shortest(float value)
{
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) {
            break;
        }
    }
    return strtod(text, NULL);
}

static json_t *export_tower(const char *type, const nb_tower_config *t, size_t projection)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:f, s:I}", "model_type", type, "hidden_size",
                     (json_int_t)t->width, "intermediate_size", (json_int_t)t->mlp, "num_attention_heads",
                     (json_int_t)t->heads, "num_hidden_layers", (json_int_t)t->layers, "hidden_act",
                     t->activation == NB_QUICK_GELU ? "quick_gelu" : "gelu", "layer_norm_eps",
                     export_shortest(t->epsilon), "projection_dim", (json_int_t)projection);
}

nb_status nb_clip_config_text(const nb_clip_config *c, int64_t end_token, char **out, nb_error *err)
{
    json_t *text = export_tower("clip_text_model", &c->text, c->projection);
    json_t *image = export_tower("clip_vision_model", &c->image, c->projection);
    json_object_set_new(text, "max_position_embeddings", json_integer((json_int_t)c->context));
    json_object_set_new(text, "vocab_size", json_integer((json_int_t)c->vocabulary));
    if (end_token >= 0) {
        json_object_set_new(text, "eos_token_id", json_integer((json_int_t)end_token));
    }
    json_object_set_new(image, "image_size", json_integer((json_int_t)c->image_size));
    json_object_set_new(image, "patch_size", json_integer((json_int_t)c->patch));
    json_object_set_new(image, "num_channels", json_integer(3));
    json_t *root = json_pack("{s:[s], s:s, s:I, s:o, s:o}", "architectures", "CLIPModel", "model_type", "clip",
                             "projection_dim", (json_int_t)c->projection, "text_config", text, "vision_config", image);
    *out = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS)) : NULL;
    json_decref(root);
    return *out ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "no memory for a configuration");
}

nb_status nb_clip_preprocess_text(const nb_preprocess *p, char **out, nb_error *err)
{
    json_int_t size = (json_int_t)p->size, edge = (json_int_t)(p->edge ? p->edge : p->size);
    bool squash = p->resize == NB_RESIZE_SQUASH;
    if (p->resize == NB_RESIZE_LONGEST) {
        return nb_fail(err, NB_ERR_INPUT,
                       "preprocessor_config.json cannot say that the longer side is resized and the "
                       "rest filled up (resize_mode longest)");
    }
    json_t *resize =
        squash ? json_pack("{s:I, s:I}", "height", edge, "width", edge) : json_pack("{s:I}", "shortest_edge", edge);
    json_t *root = json_pack(
        "{s:{s:I, s:I}, s:b, s:b, s:b, s:b, s:b, s:[f, f, f], s:[f, f, f], s:i, s:f, s:o}", "crop_size", "height", size,
        "width", size, "do_center_crop", 1, "do_convert_rgb", 1, "do_normalize", 1, "do_rescale", 1, "do_resize", 1,
        "image_mean", export_shortest(p->mean[0]), export_shortest(p->mean[1]), export_shortest(p->mean[2]),
        "image_std", export_shortest(p->std[0]), export_shortest(p->std[1]), export_shortest(p->std[2]), "resample",
        p->bilinear ? 2 : 3, "rescale_factor", p->rescale, "size", resize);
    *out = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS)) : NULL;
    json_decref(root);
    return *out ? NB_OK : nb_fail(err, NB_ERR_LIMIT, "no memory for a configuration");
}

static nb_status export_write_text(const char *folder, const char *name, const char *text, size_t len, nb_error *err)
{
    char *path = NULL;
    nb_status status = nb_path_join(&path, folder, name, err);
    if (status == NB_OK) {
        status = nb_file_write(path, true, text, len, err);
    }
    free(path);
    return status;
}

static nb_status export_copy(const char *from, const char *to, const char *name, nb_error *err)
{
    char *path = NULL;
    nb_map map = {0};
    nb_status status;
    NB_TRY(nb_path_join(&path, from, name, err));
    NB_TRY(nb_map_open(&map, path, err));
    NB_TRY(export_write_text(to, name, (const char *)map.data, map.len, err));
done:
    nb_map_close(&map);
    free(path);
    return status;
}

/* Mean and deviation, where no file states them. */
static nb_status export_write_preprocess(const nb_clip *m, const char *to, nb_error *err)
{
    char *text = NULL;
    nb_status status = nb_clip_preprocess_text(&m->preprocess, &text, err);
    if (status == NB_OK) {
        status = export_write_text(to, "preprocessor_config.json", text, strlen(text), err);
    }
    free(text);
    return status;
}

static nb_status export_write_config(const nb_clip *m, const char *from, const char *to, nb_error *err)
{
    char *text = NULL;
    if (!m->config.open_clip) {
        return export_copy(from, to, nb_clip_config_file(&m->config), err);
    }
    nb_status status = nb_clip_config_text(&m->config, nb_tokenizer_end(m->tokenizer), &text, err);
    if (status == NB_OK) {
        status = export_write_text(to, "config.json", text, strlen(text), err);
    }
    free(text);
    return status;
}

/* Rounds all tensors into `halves`, where they then lie. */
static nb_status export_to_half(nb_clip_tensors *t, uint16_t *halves, nb_error *err)
{
    for (size_t i = 0; i < t->count; i++) {
        nb_tensor *tensor = &t->tensors[i];
        const float *values = tensor->data;
        for (size_t k = 0; k < tensor->count; k++) {
            halves[k] = nb_float_to_half(values[k]);
            if (!isfinite(nb_half_to_float(halves[k]))) {
                nb_fail(err, NB_ERR_NUMERIC, "weight %zu of '%s' is %g", k, tensor->name, (double)values[k]);
                return nb_hint(err, "half precision ends at 65504: write fp32");
            }
        }
        tensor->dtype = NB_F16;
        tensor->data = halves;
        halves += tensor->count;
    }
    return NB_OK;
}

nb_status nb_clip_export(const nb_clip *m, const float *weights, nb_dtype dtype, const char *model, const char *to,
                         nb_error *err)
{
    nb_clip_tensors tensors = {0};
    uint16_t *halves = NULL;
    char *path = NULL, *from = NULL;
    nb_status status;
    NB_TRY(nb_layout_folder(&from, model, err));
    for (size_t i = 0; i < m->tokenizer_files.count; i++) {
        NB_TRY(export_copy(from, to, nb_strings_get(&m->tokenizer_files, i), err));
    }
    NB_TRY(m->preprocess_file ? export_copy(from, to, m->preprocess_file, err) : export_write_preprocess(m, to, err));
    NB_TRY(export_write_config(m, from, to, err));
    NB_TRY(nb_clip_tensors_list(&tensors, m, weights, weights, err));
    if (dtype == NB_F16) {
        NB_TRY_NEW(halves, nb_clip_parameters(&m->config));
        NB_TRY(export_to_half(&tensors, halves, err));
    }
    NB_TRY(nb_path_join(&path, to, "model.safetensors", err));
    NB_TRY(nb_safetensors_write(path, true, tensors.tensors, tensors.count, "{\"format\": \"pt\"}", err));
done:
    nb_clip_tensors_free(&tensors);
    free(halves);
    free(path);
    free(from);
    return status;
}
