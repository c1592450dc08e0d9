#include "jobs/demo/model.h"

#include "common/base/file.h"
#include "common/base/random.h"
#include "common/clip/bpe_train.h"
#include "common/clip/safetensors.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ln(1 / 0.07), where CLIP's training starts. */
static const double logit_scale = 2.6592600369327779;

/* Streams of the weights: one a tensor, apart from those of the pictures and words. */
static const uint64_t weight_stream = (uint64_t)1 << 48;

/* The tensors in the order of the file. */
typedef struct checkpoint {
    uint64_t seed;
    nb_strings names;
    nb_tensor *tensors; /* names are set when all are known */
    float **values;     /* [count], owned */
    size_t count, room;
} checkpoint;

nb_demo_model nb_demo_model_tiny(void)
{
    return (nb_demo_model){.text = {64, 2, 4},
                           .vision = {64, 2, 4},
                           .context = 32,
                           .image_size = 64,
                           .patch_size = 8,
                           .projection = 32,
                           .merges = 500};
}

static void checkpoint_free(checkpoint *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->values[i]);
    }
    free(c->values);
    free(c->tensors);
    nb_strings_free(&c->names);
}

static nb_status make_room(checkpoint *c, nb_error *err)
{
    if (c->count < c->room) {
        return NB_OK;
    }
    size_t room = c->room ? 2 * c->room : 64;
    nb_tensor *tensors = nb_grow(c->tensors, room, sizeof *tensors, err);
    if (!tensors) {
        return NB_ERR_LIMIT;
    }
    c->tensors = tensors;
    float **values = nb_grow(c->values, room, sizeof *values, err);
    if (!values) {
        return NB_ERR_LIMIT;
    }
    c->values = values;
    c->room = room;
    return NB_OK;
}

/* Adds a tensor drawn from the normal distribution (mean, deviation); a shape ends with its first 0. */
static nb_status add(checkpoint *c, const char *prefix, const char *name, const size_t shape[4], double mean,
                     double deviation, nb_error *err)
{
    nb_status status = NB_OK;
    nb_buffer full = {0};
    nb_tensor t = {.dtype = NB_F32, .count = 1};
    while (t.rank < 4 && shape[t.rank]) {
        t.shape[t.rank] = shape[t.rank];
        t.count *= shape[t.rank++];
    }
    NB_TRY(nb_buffer_printf(&full, err, "%s%s", prefix, name));
    NB_TRY(make_room(c, err));
    NB_TRY(nb_strings_push(&c->names, full.data, full.len, err));
    float *values;
    NB_TRY_NEW(values, t.count);
    for (size_t i = 0; i < t.count; i++) {
        double noise = deviation > 0 ? deviation * nb_random_normal(c->seed, weight_stream + c->count, i) : 0.0;
        values[i] = (float)(mean + noise);
    }
    t.data = values;
    c->values[c->count] = values;
    c->tensors[c->count++] = t;
done:
    nb_buffer_free(&full);
    return status;
}

#define SHAPE(...) ((const size_t[4]){__VA_ARGS__})

/* NAME.weight [out, in] with this deviation and NAME.bias [out] of zeros. */
static nb_status add_linear(checkpoint *c, const char *prefix, const char *name, size_t out, size_t in,
                            double deviation, nb_error *err)
{
    nb_status status = NB_OK;
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    NB_TRY(add(c, prefix, full, SHAPE(out, in), 0, deviation, err));
    snprintf(full, sizeof full, "%s.bias", name);
    NB_TRY(add(c, prefix, full, SHAPE(out), 0, 0, err));
done:
    return status;
}

/* A layer norm that changes nothing yet. */
static nb_status add_norm(checkpoint *c, const char *prefix, const char *name, size_t width, nb_error *err)
{
    nb_status status = NB_OK;
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    NB_TRY(add(c, prefix, full, SHAPE(width), 1, 0, err));
    snprintf(full, sizeof full, "%s.bias", name);
    NB_TRY(add(c, prefix, full, SHAPE(width), 0, 0, err));
done:
    return status;
}

static nb_status add_layers(checkpoint *c, const char *tower, const nb_demo_tower *t, nb_error *err)
{
    nb_status status = NB_OK;
    size_t w = t->width;
    double attention = pow((double)w, -0.5);
    double output = attention * pow(2.0 * (double)t->layers, -0.5);
    double widening = pow(2.0 * (double)w, -0.5);
    for (size_t i = 0; i < t->layers; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "%s.encoder.layers.%zu.", tower, i);
        NB_TRY(add_linear(c, prefix, "self_attn.q_proj", w, w, attention, err));
        NB_TRY(add_linear(c, prefix, "self_attn.k_proj", w, w, attention, err));
        NB_TRY(add_linear(c, prefix, "self_attn.v_proj", w, w, attention, err));
        NB_TRY(add_linear(c, prefix, "self_attn.out_proj", w, w, output, err));
        NB_TRY(add_norm(c, prefix, "layer_norm1", w, err));
        NB_TRY(add_norm(c, prefix, "layer_norm2", w, err));
        NB_TRY(add_linear(c, prefix, "mlp.fc1", 4 * w, w, widening, err));
        NB_TRY(add_linear(c, prefix, "mlp.fc2", w, 4 * w, output, err));
    }
done:
    return status;
}

static nb_status add_all(checkpoint *c, const nb_demo_model *m, size_t vocabulary, nb_error *err)
{
    nb_status status = NB_OK;
    const char *text = "text_model.";
    const char *vision = "vision_model.";
    size_t side = m->image_size / m->patch_size;
    double text_scale = pow((double)m->text.width, -0.5);
    double vision_scale = pow((double)m->vision.width, -0.5);
    NB_TRY(add(c, "", "logit_scale", SHAPE(0), logit_scale, 0, err));
    NB_TRY(add(c, text, "embeddings.token_embedding.weight", SHAPE(vocabulary, m->text.width), 0, 0.02, err));
    NB_TRY(add(c, text, "embeddings.position_embedding.weight", SHAPE(m->context, m->text.width), 0, 0.01, err));
    NB_TRY(add_layers(c, "text_model", &m->text, err));
    NB_TRY(add_norm(c, text, "final_layer_norm", m->text.width, err));
    NB_TRY(add(c, "", "text_projection.weight", SHAPE(m->projection, m->text.width), 0, text_scale, err));
    NB_TRY(add(c, vision, "embeddings.class_embedding", SHAPE(m->vision.width), 0, vision_scale, err));
    NB_TRY(add(c, vision, "embeddings.patch_embedding.weight", SHAPE(m->vision.width, 3, m->patch_size, m->patch_size),
               0, 0.02, err));
    NB_TRY(add(c, vision, "embeddings.position_embedding.weight", SHAPE(side * side + 1, m->vision.width), 0,
               vision_scale, err));
    /* "layrnorm" is how transformers spells it */
    NB_TRY(add_norm(c, vision, "pre_layrnorm", m->vision.width, err));
    NB_TRY(add_layers(c, "vision_model", &m->vision, err));
    NB_TRY(add_norm(c, vision, "post_layernorm", m->vision.width, err));
    NB_TRY(add(c, "", "visual_projection.weight", SHAPE(m->projection, m->vision.width), 0, vision_scale, err));
    for (size_t i = 0; i < c->count; i++) {
        c->tensors[i].name = nb_strings_get(&c->names, i);
    }
done:
    return status;
}

/* Writes JSON, whose reference it takes, as directory/name. */
static nb_status write_json(const char *directory, const char *name, bool force, json_t *json, nb_error *err)
{
    char *path = NULL;
    char *text = json ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) : NULL;
    nb_status status =
        text ? nb_path_join(&path, directory, name, err) : nb_fail(err, NB_ERR_LIMIT, "no memory for '%s'", name);
    if (status == NB_OK) {
        status = nb_file_write(path, force, text, strlen(text), err);
    }
    free(path);
    free(text);
    json_decref(json);
    return status;
}

static json_t *tower_config(const char *type, const nb_demo_tower *t, size_t projection)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:f, s:I}", "model_type", type, "hidden_size",
                     (json_int_t)t->width, "intermediate_size", 4 * (json_int_t)t->width, "num_attention_heads",
                     (json_int_t)t->heads, "num_hidden_layers", (json_int_t)t->layers, "hidden_act", "quick_gelu",
                     "layer_norm_eps", 1e-5, "projection_dim", (json_int_t)projection);
}

static json_t *model_config(const nb_demo_model *m, size_t vocabulary)
{
    json_t *text = tower_config("clip_text_model", &m->text, m->projection);
    json_t *vision = tower_config("clip_vision_model", &m->vision, m->projection);
    json_t *more = json_pack("{s:I, s:I, s:I, s:I}", "max_position_embeddings", (json_int_t)m->context, "vocab_size",
                             (json_int_t)vocabulary, "bos_token_id", (json_int_t)vocabulary - 2, "eos_token_id",
                             (json_int_t)vocabulary - 1);
    json_object_update(text, more);
    json_decref(more);
    more = json_pack("{s:I, s:I, s:i}", "image_size", (json_int_t)m->image_size, "patch_size",
                     (json_int_t)m->patch_size, "num_channels", 3);
    json_object_update(vision, more);
    json_decref(more);
    return json_pack("{s:[s], s:s, s:I, s:f, s:s, s:o, s:o}", "architectures", "CLIPModel", "model_type", "clip",
                     "projection_dim", (json_int_t)m->projection, "logit_scale_init_value", 2.6592, "torch_dtype",
                     "float32", "text_config", text, "vision_config", vision);
}

/* CLIP's own preprocessing, at this size. */
static json_t *preprocessor_config(const nb_demo_model *m)
{
    json_int_t size = (json_int_t)m->image_size;
    return json_pack("{s:{s:I, s:I}, s:b, s:b, s:b, s:b, s:b, s:s, s:[f, f, f], s:[f, f, f], s:i, s:f, s:{s:I}}",
                     "crop_size", "height", size, "width", size, "do_center_crop", 1, "do_convert_rgb", 1,
                     "do_normalize", 1, "do_rescale", 1, "do_resize", 1, "image_processor_type", "CLIPImageProcessor",
                     "image_mean", 0.48145466, 0.4578275, 0.40821073, "image_std", 0.26862954, 0.26130258, 0.27577711,
                     "resample", 3, "rescale_factor", 1.0 / 255.0, "size", "shortest_edge", size);
}

static nb_status learn_merges(nb_strings *merges, const nb_strings *texts, size_t limit, nb_error *err)
{
    nb_status status = NB_OK;
    nb_word_counts words = {0};
    for (size_t i = 0; i < texts->count; i++) {
        NB_TRY(nb_word_counts_add(&words, nb_strings_get(texts, i), nb_strings_len(texts, i), err));
    }
    NB_TRY(nb_word_counts_finish(&words, err));
    NB_TRY(nb_bpe_train(merges, &words.words, words.counts, limit, 2, err));
done:
    nb_word_counts_free(&words);
    return status;
}

nb_status nb_demo_model_write(const char *directory, bool force, const nb_demo_model *model, uint64_t seed,
                              const nb_strings *texts, nb_error *err)
{
    nb_status status = NB_OK;
    checkpoint c = {.seed = seed};
    nb_strings merges = {0};
    char *path = NULL;
    NB_TRY(learn_merges(&merges, texts, model->merges, err));
    NB_TRY(nb_bpe_write(directory, force, &merges, err));
    size_t vocabulary = NB_BPE_BASE_SYMBOLS + merges.count + 2;
    NB_TRY(write_json(directory, "config.json", force, model_config(model, vocabulary), err));
    NB_TRY(write_json(directory, "preprocessor_config.json", force, preprocessor_config(model), err));
    NB_TRY(add_all(&c, model, vocabulary, err));
    NB_TRY(nb_path_join(&path, directory, "model.safetensors", err));
    NB_TRY(nb_safetensors_write(path, force, c.tensors, c.count, "{\"format\": \"pt\"}", err));
done:
    free(path);
    nb_strings_free(&merges);
    checkpoint_free(&c);
    return status;
}
