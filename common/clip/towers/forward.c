#include "common/clip/towers/forward.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_forward_create(nb_forward *f, const nb_engine *engine, const nb_tower_config *c, const nb_block *blocks,
                            const nb_forward_size *size, nb_error *err)
{
    size_t w = c->width, rows = size->rows, pooled = size->pooled, longest = size->longest;
    size_t most = rows > pooled ? rows : pooled, together = most < engine->together ? most : engine->together;
    nb_status status;
    *f = (nb_forward){.config = c,
                      .blocks = blocks,
                      .engine = engine,
                      .vector = nb_vector_best(),
                      .rows = rows,
                      .pooled = pooled,
                      .longest = longest,
                      .together = together};
    f->x = nb_alloc_aligned(rows * w, sizeof *f->x, err);
    f->normed = nb_alloc_aligned((together > pooled ? together : pooled) * w, sizeof *f->normed, err);
    f->qkv = nb_alloc_aligned(most * 3 * w, sizeof *f->qkv, err);
    f->attention_out = nb_alloc_aligned(most * w, sizeof *f->attention_out, err);
    f->input = nb_alloc_aligned(engine->packs ? engine->input_bytes(together, w) : 1, 1, err);
    f->hidden = nb_alloc_aligned(engine->input_bytes(together, c->mlp), 1, err);
    f->pooled_x = nb_alloc_aligned(pooled * w, sizeof *f->pooled_x, err);
    NB_TRY(f->x && f->normed && f->qkv && f->attention_out && f->input && f->hidden && f->pooled_x ? NB_OK
                                                                                                   : NB_ERR_LIMIT);
    NB_TRY_NEW(f->pool, pooled);
    if (size->causal) {
        f->path.stride = (longest + 15) / 16 * 16;
        f->path.keys = nb_alloc_aligned(w * f->path.stride, sizeof *f->path.keys, err);
        f->path.values = nb_alloc_aligned(f->path.stride * w, sizeof *f->path.values, err);
        f->path.scores = nb_alloc_aligned(f->path.stride, sizeof *f->path.scores, err);
        NB_TRY(f->path.keys && f->path.values && f->path.scores ? NB_OK : NB_ERR_LIMIT);
    } else {
        f->attention = nb_alloc_aligned(engine->attention_bytes(longest, w / c->heads), 1, err);
        NB_TRY(f->attention ? NB_OK : NB_ERR_LIMIT);
    }
done:
    if (status != NB_OK) {
        nb_forward_destroy(f);
    }
    return status;
}

void nb_forward_destroy(nb_forward *f)
{
    if (f) {
        free(f->x);
        free(f->normed);
        free(f->qkv);
        free(f->attention_out);
        free(f->input);
        free(f->hidden);
        free(f->attention);
        free(f->pooled_x);
        free(f->pool);
        free(f->path.keys);
        free(f->path.values);
        free(f->path.scores);
        *f = (nb_forward){0};
    }
}

/* A matrix as the engine has it: packed where it packs. */
static const void *forward_weights_of(const float *plain, const void *packed)
{
    return packed ? packed : plain;
}

static size_t forward_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A linear layer to the residual stream. */
typedef struct residual_layer {
    const void *weight; /* [width, inputs] as the engine has it */
    const float *bias;  /* [width] */
    size_t inputs;
} residual_layer;

/* out[rows, width] += layer(input[rows, inputs]) */
static void forward_add_linear(nb_forward *f, const residual_layer *layer, const void *input, size_t rows, float *out)
{
    f->engine->product(f->engine, &(nb_product){.vector = f->vector,
                                                .input = input,
                                                .rows = rows,
                                                .k = layer->inputs,
                                                .weight = layer->weight,
                                                .count = f->config->width,
                                                .bias = layer->bias,
                                                .epilogue = NB_ADD,
                                                .out = out,
                                                .scratch = f->normed});
}

/* x[rows, width] += mlp(layer norm(x)); and before it the attention's output in f->attention_out. */
static void forward_finish_block(nb_forward *f, const nb_block *b, float *x, size_t rows)
{
    const nb_tower_config *c = f->config;
    const nb_engine *e = f->engine;
    size_t w = c->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        float *some = x + at * w;
        const void *input = e->input(e, f->input, f->attention_out + at * w, n, w);
        forward_add_linear(f, &(residual_layer){forward_weights_of(b->out_weight, b->packed.out), b->out_bias, w},
                           input, n, some);
        f->vector->layer_norm(f->normed, some, n, &(nb_norm_layer){b->norm2_weight, b->norm2_bias, w, c->epsilon});
        e->product(e, &(nb_product){.vector = f->vector,
                                    .input = e->input(e, f->input, f->normed, n, w),
                                    .rows = n,
                                    .k = w,
                                    .weight = forward_weights_of(b->fc1_weight, b->packed.fc1),
                                    .count = c->mlp,
                                    .bias = b->fc1_bias,
                                    .epilogue = c->activation == NB_QUICK_GELU ? NB_STORE_QUICK_GELU : NB_STORE_GELU,
                                    .out = f->hidden});
        forward_add_linear(f, &(residual_layer){forward_weights_of(b->fc2_weight, b->packed.fc2), b->fc2_bias, c->mlp},
                           f->hidden, n, some);
    }
}

/* Which of a block's queries, keys and values are computed: outputs [first, first + count) of 3 width. */
typedef struct outputs {
    size_t first, count;
} outputs;

/* out[rows, wanted.count] of normed[rows, width] */
static void forward_some_qkv(nb_forward *f, const nb_block *b, const float *normed, size_t rows, outputs wanted,
                             float *out)
{
    f->engine->product(f->engine,
                       &(nb_product){.vector = f->vector,
                                     .input = f->engine->input(f->engine, f->input, normed, rows, f->config->width),
                                     .rows = rows,
                                     .k = f->config->width,
                                     .weight = forward_weights_of(b->qkv_weight, b->packed.qkv),
                                     .first = wanted.first,
                                     .count = wanted.count,
                                     .bias = b->qkv_bias + wanted.first,
                                     .out = out});
}

/* qkv[rows, 3 width] of a block. */
static void forward_project(nb_forward *f, const nb_block *b, size_t rows)
{
    size_t w = f->config->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        f->vector->layer_norm(f->normed, f->x + at * w, n,
                              &(nb_norm_layer){b->norm1_weight, b->norm1_bias, w, f->config->epsilon});
        forward_some_qkv(f, b, f->normed, n, (outputs){0, 3 * w}, f->qkv + at * 3 * w);
    }
}

/* Keys and values of all rows into f->qkv [rows, 2 width], behind them queries of the pooled rows [pooled, width],
 * which are returned; f->pooled_x takes over their residual stream. */
static float *forward_project_last(nb_forward *f, const nb_block *b, size_t rows, size_t pooled)
{
    const nb_tower_config *c = f->config;
    size_t w = c->width;
    float *queries = f->qkv + rows * 2 * w;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        f->vector->layer_norm(f->normed, f->x + at * w, n,
                              &(nb_norm_layer){b->norm1_weight, b->norm1_bias, w, c->epsilon});
        forward_some_qkv(f, b, f->normed, n, (outputs){w, 2 * w}, f->qkv + at * 2 * w);
        for (size_t i = 0; i < pooled; i++) {
            if (f->pool[i] - at < n) {
                memcpy(f->attention_out + i * w, f->normed + (f->pool[i] - at) * w, w * sizeof *f->attention_out);
            }
        }
    }
    for (size_t i = 0; i < pooled; i++) {
        memcpy(f->pooled_x + i * w, f->x + f->pool[i] * w, w * sizeof *f->pooled_x);
    }
    for (size_t at = 0; at < pooled; at += f->together) {
        forward_some_qkv(f, b, f->attention_out + at * w, forward_min(pooled - at, f->together), (outputs){0, w},
                         queries + at * w);
    }
    return queries;
}

/* Every row against the path above it: the path's keys and values stay in place from text to text. */
static void forward_attend_trie(nb_forward *f, const nb_trie *t)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k, depth = t->texts[i].shared + k;
            const float *qkv = f->qkv + row * 3 * w;
            f->vector->path_push(&f->path, depth, w, qkv + w, qkv + 2 * w);
            f->vector->path_attend(&f->path, depth, w, f->config->heads, qkv, f->attention_out + row * w);
        }
    }
}

/* The same, of which only the end tokens' rows are wanted. */
static void forward_attend_trie_last(nb_forward *f, const nb_trie *t, const float *queries)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k;
            const float *kv = f->qkv + row * 2 * w;
            f->vector->path_push(&f->path, t->texts[i].shared + k, w, kv, kv + w);
        }
        f->vector->path_attend(&f->path, t->depths[t->texts[i].last], w, f->config->heads, queries + i * w,
                               f->attention_out + i * w);
    }
}

void nb_forward_trie(nb_forward *f, const nb_trie *t)
{
    size_t layers = f->config->layers;
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        forward_project(f, &f->blocks[layer], t->rows);
        forward_attend_trie(f, t);
        forward_finish_block(f, &f->blocks[layer], f->x, t->rows);
    }
    for (size_t i = 0; i < t->count; i++) {
        f->pool[i] = t->texts[i].last;
    }
    forward_attend_trie_last(f, t, forward_project_last(f, &f->blocks[layers - 1], t->rows, t->count));
    forward_finish_block(f, &f->blocks[layers - 1], f->pooled_x, t->count);
}

/* Attention of one head, of which q, k, v, their strides, the counts and `out` are given. */
static void forward_attend_head(nb_forward *f, nb_attention a)
{
    a.vector = f->vector;
    a.head = f->config->width / f->config->heads;
    a.out_stride = f->config->width;
    a.scratch = f->attention;
    f->engine->attend(f->engine, &a);
}

void nb_forward_full(nb_forward *f, size_t count, size_t length)
{
    size_t layers = f->config->layers, w = f->config->width, head = w / f->config->heads, rows = count * length;
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        forward_project(f, &f->blocks[layer], rows);
        for (size_t i = 0; i < count * f->config->heads; i++) {
            size_t row = i / f->config->heads * length, at = i % f->config->heads * head;
            const float *q = f->qkv + row * 3 * w + at;
            forward_attend_head(f, (nb_attention){.m = length,
                                                  .n = length,
                                                  .q = q,
                                                  .k = q + w,
                                                  .v = q + 2 * w,
                                                  .q_stride = 3 * w,
                                                  .stride = 3 * w,
                                                  .out = f->attention_out + row * w + at});
        }
        forward_finish_block(f, &f->blocks[layer], f->x, rows);
    }
    for (size_t i = 0; i < count; i++) {
        f->pool[i] = i * length;
    }
    const float *queries = forward_project_last(f, &f->blocks[layers - 1], rows, count);
    for (size_t i = 0; i < count * f->config->heads; i++) {
        size_t image = i / f->config->heads, at = i % f->config->heads * head;
        const float *k = f->qkv + image * length * 2 * w + at;
        forward_attend_head(f, (nb_attention){.m = 1,
                                              .n = length,
                                              .q = queries + image * w + at,
                                              .k = k,
                                              .v = k + w,
                                              .q_stride = w,
                                              .stride = 2 * w,
                                              .out = f->attention_out + image * w + at});
    }
    forward_finish_block(f, &f->blocks[layers - 1], f->pooled_x, count);
}
