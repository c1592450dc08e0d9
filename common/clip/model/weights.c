#include "common/clip/model/weights.h"

#include "common/base/memory.h"
#include "common/clip/checkpoint/names.h"
#include "common/clip/model/convolution_weights.h"
#include "common/clip/model/stored_tensor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs over all parts: without a checkpoint to count, with one to check and measure, then with memory to convert. */
typedef struct loader {
    nb_checkpoint *checkpoint; /* NULL while counting */
    const char *config;        /* file name, for messages */
    nb_names names;
    const nb_engine *engine;
    char *arena; /* NULL before converting */
    size_t used; /* bytes */
    nb_error *err;
    nb_status status; /* the first failure; nothing is done after it */
} loader;

enum { PACKED_ALIGN = 64 };

/* A tower's projection; NULL: it has none. */
typedef struct projection_weights {
    const float *hidden, *hidden_bias, *weight, *bias;
} projection_weights;

/* The place of a part. */
typedef struct place {
    nb_tower tower;
    size_t layer;
} place;

typedef nb_tensor_shape shape;

static nb_status weights_take_tensor(loader *l, size_t at, bool transposed, const shape *s)
{
    const nb_stored_tensors stored = {l->checkpoint, l->config};
    return nb_stored_tensor_take(&stored, at, s, transposed, l->arena ? (float *)(void *)(l->arena + l->used) : NULL,
                                 l->err);
}

/* One piece of a part, of shape s and `count` numbers. */
static nb_status weights_take_piece(loader *l, const nb_tensor_row *row, const char *name, const shape *s, size_t count)
{
    size_t at;
    if (!*name) {
        if (l->arena) {
            memset(l->arena + l->used, 0, count * sizeof(float));
        }
        return NB_OK;
    }
    if (nb_checkpoint_find(l->checkpoint, name, &at)) {
        return weights_take_tensor(l, at, row->transposed, s);
    }
    if (row->other && nb_checkpoint_find(l->checkpoint, row->other, &at)) {
        return weights_take_tensor(l, at, false, s);
    }
    nb_fail(l->err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_checkpoint_path(l->checkpoint), name);
    return nb_hint(l->err, "a CLIP is needed, with the names of Hugging Face or open_clip");
}

/* How many equal parts of a part this piece is. */
static size_t weights_share(const nb_tensor_row *row, size_t piece)
{
    return row->shares[piece] ? row->shares[piece] : 1;
}

/* Takes one part of shape [*, *, ...]; returns where its floats are (or will be). */
static const float *weights_take(loader *l, nb_tensor_part part, place where, shape s)
{
    const float *begin = l->arena ? (const void *)(l->arena + l->used) : NULL;
    const nb_naming *naming = l->names.towers[where.tower];
    char names[NB_TENSOR_PART_PIECES][NB_TENSOR_PART_NAME_MAX];
    size_t pieces = l->checkpoint ? nb_tensor_part_names(naming, part, where.layer, names) : 1;
    if (!pieces) {
        l->status = nb_fail(l->err, NB_ERR_INPUT, "'%s' has the names of %s, which has no part that %s asks for",
                            nb_checkpoint_path(l->checkpoint), naming->name, l->config);
        return NULL;
    }
    size_t shares = 0, whole = s.size[0];
    for (size_t i = 0; i < pieces; i++) {
        shares += l->checkpoint ? weights_share(&naming->rows[part], i) : 1;
    }
    for (size_t i = 0; i < pieces && l->status == NB_OK; i++) {
        size_t count = 1;
        s.size[0] = pieces > 1 ? whole / shares * weights_share(&naming->rows[part], i) : whole;
        for (size_t k = 0; k < s.rank; k++) {
            count *= s.size[k];
        }
        if (l->checkpoint) {
            l->status = weights_take_piece(l, &naming->rows[part], names[i], &s, count);
        }
        l->used += count * sizeof(float);
    }
    return begin;
}

static const float *weights_vector(loader *l, nb_tensor_part part, place where, size_t n)
{
    return weights_take(l, part, where, (shape){1, {n}});
}

static const float *weights_matrix(loader *l, nb_tensor_part part, place where, size_t rows, size_t columns)
{
    return weights_take(l, part, where, (shape){2, {rows, columns}});
}

/* A matrix of the towers' products, into *plain or, packed, into *packed; the other becomes NULL. */
static void weights_product_matrix(loader *l, nb_tensor_part part, place where, shape s, const float **plain,
                                   const void **packed)
{
    size_t rows = s.size[0], columns = s.rank == 4 ? s.size[1] * s.size[2] * s.size[3] : s.size[1];
    float *straight = NULL;
    *plain = NULL;
    *packed = NULL;
    if (!l->engine->packs) {
        *plain = weights_take(l, part, where, s);
        return;
    }
    l->used = (l->used + PACKED_ALIGN - 1) / PACKED_ALIGN * PACKED_ALIGN;
    if (l->checkpoint && l->arena && l->status == NB_OK) { /* what failed before stays failed */
        straight = nb_alloc_aligned(rows * columns, sizeof *straight, l->err);
        l->status = straight ? NB_OK : NB_ERR_LIMIT;
    }
    loader elsewhere = *l;
    elsewhere.arena = (char *)straight;
    elsewhere.used = 0;
    if (l->status == NB_OK) {
        weights_take(&elsewhere, part, where, s);
        l->status = elsewhere.status;
    }
    *packed = l->arena ? l->arena + l->used : NULL;
    if (straight && l->status == NB_OK) {
        l->engine->pack(l->engine, l->arena + l->used, straight, rows, columns);
    }
    l->used += l->engine->weight_bytes(rows, columns);
    free(straight);
}

static void weights_norm(loader *l, nb_tensor_part weight, place at, nb_norm_weights *norm, size_t n)
{
    norm->weight = weights_vector(l, weight, at, n);
    norm->bias = weights_vector(l, (nb_tensor_part)(weight + 1), at, n);
}

static void weights_take_block(loader *l, place at, const nb_tower_config *c, nb_block *b)
{
    size_t w = c->width;
    b->norm1_weight = weights_vector(l, NB_TENSOR_PART_NORM1_WEIGHT, at, w);
    b->norm1_bias = weights_vector(l, NB_TENSOR_PART_NORM1_BIAS, at, w);
    weights_product_matrix(l, NB_TENSOR_PART_QKV_WEIGHT, at, (shape){2, {3 * w, w}}, &b->qkv_weight, &b->packed.qkv);
    b->qkv_bias = weights_vector(l, NB_TENSOR_PART_QKV_BIAS, at, 3 * w);
    weights_product_matrix(l, NB_TENSOR_PART_OUT_WEIGHT, at, (shape){2, {w, w}}, &b->out_weight, &b->packed.out);
    b->out_bias = weights_vector(l, NB_TENSOR_PART_OUT_BIAS, at, w);
    b->norm2_weight = weights_vector(l, NB_TENSOR_PART_NORM2_WEIGHT, at, w);
    b->norm2_bias = weights_vector(l, NB_TENSOR_PART_NORM2_BIAS, at, w);
    weights_product_matrix(l, NB_TENSOR_PART_FC1_WEIGHT, at, (shape){2, {c->mlp, w}}, &b->fc1_weight, &b->packed.fc1);
    b->fc1_bias = weights_vector(l, NB_TENSOR_PART_FC1_BIAS, at, c->mlp);
    weights_product_matrix(l, NB_TENSOR_PART_FC2_WEIGHT, at, (shape){2, {w, c->mlp}}, &b->fc2_weight, &b->packed.fc2);
    b->fc2_bias = weights_vector(l, NB_TENSOR_PART_FC2_BIAS, at, w);
    if (c->mlp_kind != NB_MLP_PLAIN) {
        weights_product_matrix(l, NB_TENSOR_PART_GATE_WEIGHT, at, (shape){2, {c->mlp, w}}, &b->gate_weight,
                               &b->packed.gate);
        b->gate_bias = weights_vector(l, NB_TENSOR_PART_GATE_BIAS, at, c->mlp);
    }
    if (c->attention_norm) {
        weights_norm(l, NB_TENSOR_PART_ATTENTION_NORM_WEIGHT, at, &b->attention_norm, w);
    }
    if (c->mlp_norm || c->mlp_input_norm) {
        weights_norm(l, NB_TENSOR_PART_MLP_NORM_WEIGHT, at, &b->mlp_norm, c->mlp_norm ? c->mlp : w);
    }
    if (c->layer_scale) {
        b->scale1 = weights_vector(l, NB_TENSOR_PART_SCALE1, at, w);
        b->scale2 = weights_vector(l, NB_TENSOR_PART_SCALE2, at, w);
    }
}

/* Projection and bias of a tower; the bias' part stands behind the matrix'. */
static void weights_take_projection(loader *l, nb_tensor_part part, place at, const nb_clip_config *c,
                                    projection_weights *out)
{
    const nb_tower_config *t = at.tower == NB_TOWER_TEXT ? &c->text : &c->image;
    size_t inputs = t->projection == NB_PROJECTION_MLP ? t->projection_hidden
                    : t->pool_width                    ? t->pool_width
                                                       : t->width;
    *out = (projection_weights){0};
    if (t->projection == NB_PROJECTION_MLP && at.tower == NB_TOWER_IMAGE) {
        out->hidden = weights_matrix(l, NB_TENSOR_PART_IMAGE_HIDDEN_WEIGHT, at, inputs, t->width);
        out->hidden_bias = weights_vector(l, NB_TENSOR_PART_IMAGE_HIDDEN_BIAS, at, inputs);
        out->weight = weights_matrix(l, NB_TENSOR_PART_IMAGE_HIDDEN_PROJECTION, at, c->projection, inputs);
    } else if (t->projection != NB_PROJECTION_NONE) {
        out->weight = weights_matrix(l, part, at, c->projection, inputs);
    }
    if (t->projection == NB_PROJECTION_BIASED) {
        out->bias = weights_vector(l, (nb_tensor_part)(part + 1), at, c->projection);
    }
}

/* What stands before the first block. */
static void weights_take_text_input(loader *l, nb_clip *m)
{
    const nb_tower_config *t = &m->config.text;
    const place once = {NB_TOWER_TEXT, 0};
    size_t w = t->width, rows = t->position_rows ? t->position_rows : nb_clip_text_rows(&m->config);
    m->token_embedding = weights_matrix(l, NB_TENSOR_PART_TOKEN_EMBEDDING, once, m->config.vocabulary, w);
    if (t->positions == NB_POSITIONS_LEARNED) {
        m->text_position = weights_matrix(l, NB_TENSOR_PART_TEXT_POSITION, once, rows, w);
    } else if (t->positions == NB_POSITIONS_RELATIVE) {
        m->text_relative = weights_matrix(l, NB_TENSOR_PART_TEXT_RELATIVE, once, t->relative_buckets, t->heads);
    }
    if (t->token_types) {
        m->text_types = weights_matrix(l, NB_TENSOR_PART_TEXT_TYPES, once, t->token_types, w);
    }
    if (t->class_token) {
        m->text_class = weights_vector(l, NB_TENSOR_PART_TEXT_CLASS, once, w);
    }
    if (t->embedding_norm) {
        weights_norm(l, NB_TENSOR_PART_TEXT_PRE_NORM_WEIGHT, once, &m->text_pre_norm, w);
    }
}

static void weights_take_text(loader *l, nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    const place once = {NB_TOWER_TEXT, 0};
    projection_weights projection;
    size_t w = c->text.width;
    weights_take_text_input(l, m);
    if (c->text.final_norm != NB_FINAL_NORM_NONE) {
        m->text_norm_weight = weights_vector(l, NB_TENSOR_PART_TEXT_NORM_WEIGHT, once, w);
        m->text_norm_bias = weights_vector(l, NB_TENSOR_PART_TEXT_NORM_BIAS, once, w);
    }
    if (c->text.tanh_head) {
        m->text_tanh = weights_matrix(l, NB_TENSOR_PART_TEXT_TANH_WEIGHT, once, w, w);
        m->text_tanh_bias = weights_vector(l, NB_TENSOR_PART_TEXT_TANH_BIAS, once, w);
    }
    if (c->text.projection == NB_PROJECTION_MLP) {
        m->text_hidden = weights_matrix(l, NB_TENSOR_PART_TEXT_HIDDEN, once, c->text.projection_hidden, w);
    }
    weights_take_projection(l, NB_TENSOR_PART_TEXT_PROJECTION, once, c, &projection);
    m->text_projection = projection.weight;
    m->text_projection_bias = projection.bias;
}

/* What the mean's row attends by; the projection behind it is the embedding's. */
static void weights_take_mean_query(loader *l, nb_clip *m)
{
    const place once = {NB_TOWER_IMAGE, 0};
    size_t w = m->config.image.width;
    nb_block *b = &m->pool_block;
    weights_product_matrix(l, NB_TENSOR_PART_POOL_QKV_WEIGHT, once, (shape){2, {3 * w, w}}, &b->qkv_weight,
                           &b->packed.qkv);
    b->qkv_bias = weights_vector(l, NB_TENSOR_PART_POOL_QKV_BIAS, once, 3 * w);
}

/* What pools by attention is a block without its first norm, whose query does not come from the rows. */
static void weights_take_pool(loader *l, nb_clip *m)
{
    const place once = {NB_TOWER_IMAGE, 0};
    size_t w = m->config.image.width, mlp = nb_tower_pool(&m->config.image).mlp;
    nb_block *b = &m->pool_block;
    m->pool_query = weights_vector(l, NB_TENSOR_PART_POOL_QUERY, once, w);
    weights_product_matrix(l, NB_TENSOR_PART_POOL_QKV_WEIGHT, once, (shape){2, {3 * w, w}}, &b->qkv_weight,
                           &b->packed.qkv);
    b->qkv_bias = weights_vector(l, NB_TENSOR_PART_POOL_QKV_BIAS, once, 3 * w);
    weights_product_matrix(l, NB_TENSOR_PART_POOL_OUT_WEIGHT, once, (shape){2, {w, w}}, &b->out_weight, &b->packed.out);
    b->out_bias = weights_vector(l, NB_TENSOR_PART_POOL_OUT_BIAS, once, w);
    b->norm2_weight = weights_vector(l, NB_TENSOR_PART_POOL_NORM_WEIGHT, once, w);
    b->norm2_bias = weights_vector(l, NB_TENSOR_PART_POOL_NORM_BIAS, once, w);
    weights_product_matrix(l, NB_TENSOR_PART_POOL_FC1_WEIGHT, once, (shape){2, {mlp, w}}, &b->fc1_weight,
                           &b->packed.fc1);
    b->fc1_bias = weights_vector(l, NB_TENSOR_PART_POOL_FC1_BIAS, once, mlp);
    weights_product_matrix(l, NB_TENSOR_PART_POOL_FC2_WEIGHT, once, (shape){2, {w, mlp}}, &b->fc2_weight,
                           &b->packed.fc2);
    b->fc2_bias = weights_vector(l, NB_TENSOR_PART_POOL_FC2_BIAS, once, w);
}

/* What comes before the blocks: convolutions or patches. */
static void weights_take_pixels(loader *l, nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    const place once = {NB_TOWER_IMAGE, 0};
    size_t w = c->image.width;
    nb_convolution_weights convolutions = {{l->checkpoint, l->config}, l->engine, l->arena, l->used, m->convolutions};
    if (c->image.convolutions.list && l->status == NB_OK) {
        l->status = nb_convolution_weights_take(&convolutions, c, l->err);
        l->used = convolutions.used;
    } else if (!c->image.convolutions.list) {
        weights_product_matrix(l, NB_TENSOR_PART_PATCH_EMBEDDING, once, (shape){4, {w, 3, c->patch, c->patch}},
                               &m->patch_embedding, &m->packed_patch_embedding);
    }
    if (c->image.patch_bias) {
        m->patch_bias = weights_vector(l, NB_TENSOR_PART_PATCH_BIAS, once, w);
    }
    if (!c->image.no_position) {
        m->image_position = weights_matrix(l, NB_TENSOR_PART_IMAGE_POSITION, once,
                                           c->image.no_class_position ? nb_clip_patches(c) : nb_clip_image_rows(c), w);
    }
}

/* A query into another width; of those that are stored the first counts. */
static void weights_take_query(loader *l, nb_clip *m)
{
    const nb_tower_config *t = &m->config.image;
    const place once = {NB_TOWER_IMAGE, 0};
    size_t w = t->width, e = t->pool_width;
    nb_query_weights *q = &m->query_pool;
    q->query = weights_matrix(l, NB_TENSOR_PART_POOL_QUERY, once, t->pool_queries, e);
    weights_norm(l, NB_TENSOR_PART_POOL_NORM_WEIGHT, once, &q->query_norm, e);
    weights_norm(l, NB_TENSOR_PART_POOL_ROWS_WEIGHT, once, &q->row_norm, w);
    q->query_weight = weights_matrix(l, NB_TENSOR_PART_POOL_QUERY_WEIGHT, once, e, e);
    weights_product_matrix(l, NB_TENSOR_PART_POOL_QKV_WEIGHT, once, (shape){2, {2 * e, w}}, &q->kv_weight,
                           &q->packed_kv);
    q->bias = weights_vector(l, NB_TENSOR_PART_POOL_QKV_BIAS, once, 3 * e);
    q->out_weight = weights_matrix(l, NB_TENSOR_PART_POOL_OUT_WEIGHT, once, e, e);
    q->out_bias = weights_vector(l, NB_TENSOR_PART_POOL_OUT_BIAS, once, e);
}

static void weights_take_image(loader *l, nb_clip *m)
{
    const nb_clip_config *c = &m->config;
    const place once = {NB_TOWER_IMAGE, 0};
    projection_weights projection;
    size_t w = c->image.width;
    if (!c->image.no_class_token && c->image.pooling != NB_POOL_MEAN_QUERY) {
        m->class_embedding = weights_vector(l, NB_TENSOR_PART_CLASS_EMBEDDING, once, w);
    }
    weights_take_pixels(l, m);
    if (!c->image.no_pre_norm) {
        m->pre_norm_weight = weights_vector(l, NB_TENSOR_PART_PRE_NORM_WEIGHT, once, w);
        m->pre_norm_bias = weights_vector(l, NB_TENSOR_PART_PRE_NORM_BIAS, once, w);
    }
    if (c->image.final_norm != NB_FINAL_NORM_NONE) {
        size_t normed = c->image.pool_width ? c->image.pool_width : w;
        m->post_norm_weight = weights_vector(l, NB_TENSOR_PART_POST_NORM_WEIGHT, once, normed);
        m->post_norm_bias = weights_vector(l, NB_TENSOR_PART_POST_NORM_BIAS, once, normed);
    }
    if (c->image.pooling == NB_POOL_ATTENTION) {
        weights_take_pool(l, m);
    } else if (c->image.pooling == NB_POOL_MEAN_QUERY) {
        weights_take_mean_query(l, m);
    } else if (c->image.pooling == NB_POOL_QUERY) {
        weights_take_query(l, m);
    }
    weights_take_projection(l, NB_TENSOR_PART_IMAGE_PROJECTION, once, c, &projection);
    m->image_hidden = projection.hidden;
    m->image_hidden_bias = projection.hidden_bias;
    m->image_projection = projection.weight;
    m->image_projection_bias = projection.bias;
}

static void weights_take_outside_blocks(loader *l, nb_clip *m)
{
    weights_take_text(l, m);
    weights_take_image(l, m);
    const float *scale = weights_take(l, NB_TENSOR_PART_LOGIT_SCALE, (place){NB_TOWER_TEXT, 0}, (shape){0});
    m->logit_scale = scale && l->status == NB_OK ? *scale : 0;
}

static void weights_take_all(loader *l, nb_clip *m)
{
    l->used = 0;
    for (size_t i = 0; i < m->config.text.layers && l->status == NB_OK; i++) {
        weights_take_block(l, (place){NB_TOWER_TEXT, i}, &m->config.text, &m->text_blocks[i]);
    }
    for (size_t i = 0; i < m->config.image.layers && l->status == NB_OK; i++) {
        weights_take_block(l, (place){NB_TOWER_IMAGE, i}, &m->config.image, &m->image_blocks[i]);
    }
    if (l->status == NB_OK) {
        weights_take_outside_blocks(l, m);
    }
}

/* Blocks for every layer; a second call keeps the first one's. */
static nb_status weights_make_blocks(nb_clip *m, nb_error *err)
{
    nb_status status = NB_OK;
    if (!m->text_blocks) {
        NB_TRY_NEW(m->text_blocks, m->config.text.layers);
        NB_TRY_NEW(m->image_blocks, m->config.image.layers);
        if (m->config.image.convolutions.list) {
            NB_TRY_NEW(m->convolutions, nb_layers_count(&m->config));
        }
    }
done:
    return status;
}

static nb_status weights_measure(loader *l, nb_clip *m)
{
    nb_error *err = l->err;
    nb_status status;
    NB_TRY(nb_names_detect(&l->names, l->checkpoint, err));
    NB_TRY(weights_make_blocks(m, err));
    weights_take_all(l, m);
    NB_TRY(l->status);
    NB_TRY(nb_names_check_used(l->checkpoint, m->config.decoder, err));
done:
    return status;
}

nb_status nb_clip_weights_check(nb_clip *m, nb_checkpoint *checkpoint, nb_error *err)
{
    loader l = {.checkpoint = checkpoint, .config = nb_clip_config_file(&m->config), .engine = m->engine, .err = err};
    return weights_measure(&l, m);
}

nb_status nb_clip_weights_read(nb_clip *m, nb_checkpoint *checkpoint, void *arena, nb_error *err)
{
    loader l = {.checkpoint = checkpoint, .config = nb_clip_config_file(&m->config), .engine = m->engine, .err = err};
    nb_status status;
    NB_TRY(weights_measure(&l, m));
    if (!arena) {
        arena = m->arena = nb_alloc_aligned(l.used, 1, err);
    }
    if (!arena) {
        status = NB_ERR_LIMIT;
        goto done;
    }
    l.arena = arena;
    weights_take_all(&l, m);
    status = l.status;
done:
    return status;
}

nb_status nb_clip_weights_bind(nb_clip *m, void *arena, nb_error *err)
{
    loader l = {.arena = arena, .engine = m->engine, .err = err};
    nb_status status;
    NB_TRY(weights_make_blocks(m, err));
    weights_take_all(&l, m);
    status = l.status;
done:
    return status;
}

size_t nb_clip_weight_bytes(const nb_clip_config *c, const nb_engine *engine)
{
    nb_clip m = {.config = *c};
    loader l = {.engine = engine};
    nb_block block;
    for (size_t i = 0; i < c->text.layers; i++) {
        weights_take_block(&l, (place){0}, &c->text, &block);
    }
    for (size_t i = 0; i < c->image.layers; i++) {
        weights_take_block(&l, (place){0}, &c->image, &block);
    }
    weights_take_outside_blocks(&l, &m);
    return l.used;
}

size_t nb_clip_parameters(const nb_clip_config *c)
{
    return nb_clip_weight_bytes(c, &nb_engine_fp32) / sizeof(float);
}
