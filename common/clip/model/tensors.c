#include "common/clip/model/tensors.h"

#include "common/clip/checkpoint/names.h"
#include "common/clip/model/weights.h"

#include <stdlib.h>
#include <string.h>

typedef struct shape {
    size_t rank, size[4];
} shape;

/* Adds parts to the list one by one; nothing is done after the first failure. */
typedef struct lister {
    nb_clip_tensors *out;
    size_t capacity;
    const float *weights, *arena;
    nb_tower tower;
    size_t layer;
    nb_error *err;
    nb_status status;
} lister;

static void tensors_add(lister *l, nb_tensor_part part, const float *weight, shape s)
{
    char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX];
    const nb_naming *naming = l->tower == NB_TOWER_TEXT ? &nb_naming_hugging_face_text : &nb_naming_hugging_face_image;
    size_t pieces = nb_tensor_part_names(naming, part, l->layer, names);
    const float *data = l->arena + (weight - l->weights);
    if (pieces > 1) {
        s.size[0] /= pieces;
    }
    for (size_t i = 0; i < pieces && l->status == NB_OK; i++) {
        nb_clip_tensors *out = l->out;
        if (out->count == l->capacity) {
            size_t capacity = l->capacity ? 2 * l->capacity : 64;
            nb_tensor *grown = nb_grow(out->tensors, capacity, sizeof *grown, l->err);
            l->status = grown ? NB_OK : NB_ERR_LIMIT;
            if (!grown) {
                return;
            }
            out->tensors = grown;
            l->capacity = capacity;
        }
        nb_tensor t = {.dtype = NB_F32, .rank = s.rank, .count = 1, .data = data};
        for (size_t k = 0; k < s.rank; k++) {
            t.shape[k] = s.size[k];
            t.count *= s.size[k];
        }
        data += t.count;
        out->tensors[out->count++] = t;
        l->status = nb_strings_push(&out->names, names[i], strlen(names[i]), l->err);
    }
}

static void tensors_add_vector(lister *l, nb_tensor_part part, const float *weight, size_t n)
{
    tensors_add(l, part, weight, (shape){1, {n}});
}

static void tensors_add_matrix(lister *l, nb_tensor_part part, const float *weight, size_t rows, size_t columns)
{
    tensors_add(l, part, weight, (shape){2, {rows, columns}});
}

static void tensors_add_blocks(lister *l, const nb_tower_config *c, const nb_block *blocks)
{
    size_t w = c->width;
    for (l->layer = 0; l->layer < c->layers; l->layer++) {
        const nb_block *b = &blocks[l->layer];
        tensors_add_vector(l, NB_TENSOR_PART_NORM1_WEIGHT, b->norm1_weight, w);
        tensors_add_vector(l, NB_TENSOR_PART_NORM1_BIAS, b->norm1_bias, w);
        tensors_add_matrix(l, NB_TENSOR_PART_QKV_WEIGHT, b->qkv_weight, 3 * w, w);
        tensors_add_vector(l, NB_TENSOR_PART_QKV_BIAS, b->qkv_bias, 3 * w);
        tensors_add_matrix(l, NB_TENSOR_PART_OUT_WEIGHT, b->out_weight, w, w);
        tensors_add_vector(l, NB_TENSOR_PART_OUT_BIAS, b->out_bias, w);
        tensors_add_vector(l, NB_TENSOR_PART_NORM2_WEIGHT, b->norm2_weight, w);
        tensors_add_vector(l, NB_TENSOR_PART_NORM2_BIAS, b->norm2_bias, w);
        tensors_add_matrix(l, NB_TENSOR_PART_FC1_WEIGHT, b->fc1_weight, c->mlp, w);
        tensors_add_vector(l, NB_TENSOR_PART_FC1_BIAS, b->fc1_bias, c->mlp);
        tensors_add_matrix(l, NB_TENSOR_PART_FC2_WEIGHT, b->fc2_weight, w, c->mlp);
        tensors_add_vector(l, NB_TENSOR_PART_FC2_BIAS, b->fc2_bias, w);
    }
}

static void tensors_add_text(lister *l, const nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    size_t w = c->text.width;
    l->tower = NB_TOWER_TEXT;
    tensors_add_matrix(l, NB_TENSOR_PART_TOKEN_EMBEDDING, m->token_embedding, c->vocabulary, w);
    tensors_add_matrix(l, NB_TENSOR_PART_TEXT_POSITION, m->text_position, c->context, w);
    tensors_add_blocks(l, &c->text, m->text_blocks);
    tensors_add_vector(l, NB_TENSOR_PART_TEXT_NORM_WEIGHT, m->text_norm_weight, w);
    tensors_add_vector(l, NB_TENSOR_PART_TEXT_NORM_BIAS, m->text_norm_bias, w);
    tensors_add_matrix(l, NB_TENSOR_PART_TEXT_PROJECTION, m->text_projection, c->projection, w);
}

static void tensors_add_image(lister *l, const nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width;
    l->tower = NB_TOWER_IMAGE;
    tensors_add_vector(l, NB_TENSOR_PART_CLASS_EMBEDDING, m->class_embedding, w);
    tensors_add(l, NB_TENSOR_PART_PATCH_EMBEDDING, m->patch_embedding, (shape){4, {w, 3, c->patch, c->patch}});
    tensors_add_matrix(l, NB_TENSOR_PART_IMAGE_POSITION, m->image_position, nb_clip_patches(c) + 1, w);
    tensors_add_vector(l, NB_TENSOR_PART_PRE_NORM_WEIGHT, m->pre_norm_weight, w);
    tensors_add_vector(l, NB_TENSOR_PART_PRE_NORM_BIAS, m->pre_norm_bias, w);
    tensors_add_blocks(l, &c->image, m->image_blocks);
    tensors_add_vector(l, NB_TENSOR_PART_POST_NORM_WEIGHT, m->post_norm_weight, w);
    tensors_add_vector(l, NB_TENSOR_PART_POST_NORM_BIAS, m->post_norm_bias, w);
    tensors_add_matrix(l, NB_TENSOR_PART_IMAGE_PROJECTION, m->image_projection, c->projection, w);
}

nb_status nb_clip_tensors_list(nb_clip_tensors *out, const nb_clip *m, const float *weights, const float *arena,
                               nb_error *err)
{
    lister l = {.out = out, .weights = weights, .arena = arena, .err = err};
    *out = (nb_clip_tensors){0};
    tensors_add(&l, NB_TENSOR_PART_LOGIT_SCALE, weights + nb_clip_parameters(&m->config) - 1,
                (shape){0}); /* the arena's last */
    tensors_add_text(&l, m);
    tensors_add_image(&l, m);
    for (size_t i = 0; i < out->count && l.status == NB_OK; i++) {
        out->tensors[i].name = nb_strings_get(&out->names, i);
    }
    if (l.status != NB_OK) {
        nb_clip_tensors_free(out);
    }
    return l.status;
}

void nb_clip_tensors_free(nb_clip_tensors *t)
{
    if (t) {
        free(t->tensors);
        nb_strings_free(&t->names);
        *t = (nb_clip_tensors){0};
    }
}
