#include "common/clip/weights.h"

#include "common/base/memory.h"
#include "common/clip/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 128 };

/* Runs twice over all tensors: first to check and measure, then to convert. */
typedef struct loader {
    const nb_safetensors *file;
    float *arena; /* NULL while measuring */
    size_t used;
    nb_error *err;
    nb_status status; /* the first failure; nothing is done after it */
} loader;

static nb_status wrong_shape(const loader *l, const nb_tensor *t, size_t rank, const size_t *shape)
{
    char have[160] = "", want[160] = "";
    for (size_t i = 0, at = 0; i < t->rank && at < sizeof have; i++) {
        at += (size_t)snprintf(have + at, sizeof have - at, "%s%zu", i ? ", " : "", t->shape[i]);
    }
    for (size_t i = 0, at = 0; i < rank && at < sizeof want; i++) {
        at += (size_t)snprintf(want + at, sizeof want - at, "%s%zu", i ? ", " : "", shape[i]);
    }
    return nb_fail(l->err, NB_ERR_INPUT, "'%s': tensor '%s' has shape [%s], config.json says [%s]",
                   nb_safetensors_path(l->file), t->name, have, want);
}

static nb_status convert(loader *l, const nb_tensor *t)
{
    float *to = l->arena + l->used;
    nb_status status = nb_tensor_to_float(t, to, l->err);
    if (status != NB_OK) {
        return nb_context(l->err, "'%s'", nb_safetensors_path(l->file));
    }
    for (size_t i = 0; i < t->count; i++) {
        if (!isfinite(to[i])) {
            return nb_fail(l->err, NB_ERR_INPUT, "'%s': element %zu of tensor '%s' is %g: the checkpoint is damaged",
                           nb_safetensors_path(l->file), i, t->name, (double)to[i]);
        }
    }
    return NB_OK;
}

/* Takes one tensor of `rank` dimensions; returns where its floats are (or will be). */
static const float *take(loader *l, const char *name, size_t rank, const size_t *shape)
{
    if (l->status != NB_OK) {
        return NULL;
    }
    const nb_tensor *t = nb_safetensors_find(l->file, name);
    if (!t) {
        nb_fail(l->err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_safetensors_path(l->file), name);
        l->status = nb_hint(l->err, "a CLIP with ViT image tower in Hugging Face's layout is needed");
        return NULL;
    }
    bool fits = t->rank == rank;
    for (size_t i = 0; fits && i < rank; i++) {
        fits = t->shape[i] == shape[i];
    }
    if (!fits) {
        l->status = wrong_shape(l, t, rank, shape);
        return NULL;
    }
    if (t->dtype != NB_F32 && t->dtype != NB_F16 && t->dtype != NB_BF16) {
        l->status = nb_fail(l->err, NB_ERR_INPUT, "'%s': tensor '%s' has dtype %s; F32, F16 and BF16 are read",
                            nb_safetensors_path(l->file), name, nb_dtype_name(t->dtype));
        return NULL;
    }
    if (l->arena) {
        l->status = convert(l, t);
    }
    const float *at = l->arena ? l->arena + l->used : NULL;
    l->used += t->count;
    return at;
}

static const float *vector(loader *l, const char *prefix, const char *name, size_t n)
{
    char full[NAME_MAX_BYTES];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return take(l, full, 1, &n);
}

static const float *matrix(loader *l, const char *prefix, const char *name, size_t rows, size_t columns)
{
    char full[NAME_MAX_BYTES];
    size_t shape[2] = {rows, columns};
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return take(l, full, 2, shape);
}

/* Queries, keys and values lie one behind another in the arena: one [3 width, width] matrix. */
static void take_block(loader *l, const char *tower, size_t layer, const nb_tower_config *c, nb_block *b)
{
    char p[NAME_MAX_BYTES / 2];
    size_t w = c->width;
    snprintf(p, sizeof p, "%s.encoder.layers.%zu.", tower, layer);
    b->norm1_weight = vector(l, p, "layer_norm1.weight", w);
    b->norm1_bias = vector(l, p, "layer_norm1.bias", w);
    b->qkv_weight = matrix(l, p, "self_attn.q_proj.weight", w, w);
    matrix(l, p, "self_attn.k_proj.weight", w, w);
    matrix(l, p, "self_attn.v_proj.weight", w, w);
    b->qkv_bias = vector(l, p, "self_attn.q_proj.bias", w);
    vector(l, p, "self_attn.k_proj.bias", w);
    vector(l, p, "self_attn.v_proj.bias", w);
    b->out_weight = matrix(l, p, "self_attn.out_proj.weight", w, w);
    b->out_bias = vector(l, p, "self_attn.out_proj.bias", w);
    b->norm2_weight = vector(l, p, "layer_norm2.weight", w);
    b->norm2_bias = vector(l, p, "layer_norm2.bias", w);
    b->fc1_weight = matrix(l, p, "mlp.fc1.weight", c->mlp, w);
    b->fc1_bias = vector(l, p, "mlp.fc1.bias", c->mlp);
    b->fc2_weight = matrix(l, p, "mlp.fc2.weight", w, c->mlp);
    b->fc2_bias = vector(l, p, "mlp.fc2.bias", w);
}

static void take_all(loader *l, nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    size_t scalar = 0, patch[4] = {c->image.width, 3, c->patch, c->patch};
    for (size_t i = 0; i < c->text.layers; i++) {
        take_block(l, "text_model", i, &c->text, &m->text_blocks[i]);
    }
    for (size_t i = 0; i < c->image.layers; i++) {
        take_block(l, "vision_model", i, &c->image, &m->image_blocks[i]);
    }
    const char *t = "text_model.", *v = "vision_model.";
    m->token_embedding = matrix(l, t, "embeddings.token_embedding.weight", c->vocabulary, c->text.width);
    m->text_position = matrix(l, t, "embeddings.position_embedding.weight", c->context, c->text.width);
    m->text_norm_weight = vector(l, t, "final_layer_norm.weight", c->text.width);
    m->text_norm_bias = vector(l, t, "final_layer_norm.bias", c->text.width);
    m->text_projection = matrix(l, "", "text_projection.weight", c->projection, c->text.width);
    m->class_embedding = vector(l, v, "embeddings.class_embedding", c->image.width);
    m->patch_embedding = take(l, "vision_model.embeddings.patch_embedding.weight", 4, patch);
    m->image_position = matrix(l, v, "embeddings.position_embedding.weight", nb_clip_patches(c) + 1, c->image.width);
    m->pre_norm_weight = vector(l, v, "pre_layrnorm.weight", c->image.width);
    m->pre_norm_bias = vector(l, v, "pre_layrnorm.bias", c->image.width);
    m->post_norm_weight = vector(l, v, "post_layernorm.weight", c->image.width);
    m->post_norm_bias = vector(l, v, "post_layernorm.bias", c->image.width);
    m->image_projection = matrix(l, "", "visual_projection.weight", c->projection, c->image.width);
    const float *scale = take(l, "logit_scale", 0, &scalar);
    m->logit_scale = scale ? *scale : 0;
}

nb_status nb_clip_weights_read(nb_clip *m, const char *path, nb_error *err)
{
    nb_safetensors *file = NULL;
    loader l = {.err = err};
    nb_status status;
    NB_TRY(nb_safetensors_open(&file, path, err));
    l.file = file;
    NB_TRY_NEW(m->text_blocks, m->config.text.layers);
    NB_TRY_NEW(m->image_blocks, m->config.image.layers);
    take_all(&l, m);
    NB_TRY(l.status);
    m->arena = nb_alloc_aligned(l.used, sizeof *m->arena, err);
    if (!m->arena) {
        status = NB_ERR_LIMIT;
        goto done;
    }
    l.arena = m->arena;
    l.used = 0;
    take_all(&l, m);
    status = l.status;
done:
    nb_safetensors_close(file);
    return status;
}
