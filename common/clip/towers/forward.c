#include "common/clip/towers/forward.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

nb_status nb_forward_create(nb_forward *f, const nb_engine *engine, const nb_tower_config *c, const nb_block *blocks,
                            size_t rows, size_t pooled, size_t longest, bool causal, nb_error *err)
{
    size_t w = c->width, stride = (longest + 15) / 16 * 16, most = rows > pooled ? rows : pooled;
    size_t together = most < engine->together ? most : engine->together, number = sizeof(float);
    nb_status status;
    *f = (nb_forward){.config = c,
                      .blocks = blocks,
                      .engine = engine,
                      .vector = nb_vector_best(),
                      .rows = rows,
                      .pooled = pooled,
                      .longest = longest,
                      .together = together};
    f->path.stride = stride;
    const struct {
        void *at; /* a pointer's address */
        size_t bytes;
    } parts[] = {
        {&f->x, rows * w * number},
        {&f->normed, (together > pooled ? together : pooled) * w * number},
        {&f->qkv, most * 3 * w * number},
        {&f->mixed, most * w * number},
        {&f->input, engine->packs ? engine->input_bytes(together, w) : 1},
        {&f->hidden, engine->input_bytes(together, c->mlp)},
        {&f->attention, causal ? 1 : engine->attention_bytes(longest, w / c->heads)},
        {&f->top, pooled * w * number},
        {&f->path.keys, causal ? w * stride * number : 1},
        {&f->path.values, causal ? stride * w * number : 1},
        {&f->path.scores, causal ? stride * number : 1},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *room = nb_alloc_aligned(parts[i].bytes, 1, err);
        memcpy(parts[i].at, &room, sizeof room);
        NB_TRY(room ? NB_OK : NB_ERR_LIMIT);
    }
    NB_TRY_NEW(f->pool, pooled);
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
        free(f->mixed);
        free(f->input);
        free(f->hidden);
        free(f->attention);
        free(f->top);
        free(f->pool);
        free(f->path.keys);
        free(f->path.values);
        free(f->path.scores);
        *f = (nb_forward){0};
    }
}

/* A matrix as the engine wants it. */
static const void *either(const float *plain, const void *packed)
{
    return packed ? packed : plain;
}

static size_t fewer(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* out[rows, width] += linear(input[rows, k]) */
static void add_linear(nb_forward *f, const void *input, size_t rows, size_t k, const void *weight, const float *bias,
                       float *out)
{
    f->engine->product(f->engine, &(nb_product){.vector = f->vector,
                                                .input = input,
                                                .rows = rows,
                                                .k = k,
                                                .weight = weight,
                                                .count = f->config->width,
                                                .bias = bias,
                                                .epilogue = NB_ADD,
                                                .out = out,
                                                .scratch = f->normed});
}

/* x[rows, width] += mlp(layer norm(x)); and before it the attention's output in f->mixed. */
static void finish_block(nb_forward *f, const nb_block *b, float *x, size_t rows)
{
    const nb_tower_config *c = f->config;
    const nb_engine *e = f->engine;
    size_t w = c->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = fewer(rows - at, f->together);
        float *some = x + at * w;
        const void *input = e->input(e, f->input, f->mixed + at * w, n, w);
        add_linear(f, input, n, w, either(b->out_weight, b->packed.out), b->out_bias, some);
        f->vector->layer_norm(f->normed, some, n, w, b->norm2_weight, b->norm2_bias, c->epsilon);
        e->product(e, &(nb_product){.vector = f->vector,
                                    .input = e->input(e, f->input, f->normed, n, w),
                                    .rows = n,
                                    .k = w,
                                    .weight = either(b->fc1_weight, b->packed.fc1),
                                    .count = c->mlp,
                                    .bias = b->fc1_bias,
                                    .epilogue = c->activation == NB_QUICK_GELU ? NB_STORE_QUICK_GELU : NB_STORE_GELU,
                                    .out = f->hidden});
        add_linear(f, f->hidden, n, c->mlp, either(b->fc2_weight, b->packed.fc2), b->fc2_bias, some);
    }
}

/* out[rows, count] = outputs [first, first + count) of a block's queries, keys and values. */
static void some_qkv(nb_forward *f, const nb_block *b, const float *normed, size_t rows, size_t first, size_t count,
                     float *out)
{
    f->engine->product(f->engine,
                       &(nb_product){.vector = f->vector,
                                     .input = f->engine->input(f->engine, f->input, normed, rows, f->config->width),
                                     .rows = rows,
                                     .k = f->config->width,
                                     .weight = either(b->qkv_weight, b->packed.qkv),
                                     .first = first,
                                     .count = count,
                                     .bias = b->qkv_bias + first,
                                     .out = out});
}

/* qkv[rows, 3 width] of a block. */
static void project(nb_forward *f, const nb_block *b, size_t rows)
{
    size_t w = f->config->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = fewer(rows - at, f->together);
        f->vector->layer_norm(f->normed, f->x + at * w, n, w, b->norm1_weight, b->norm1_bias, f->config->epsilon);
        some_qkv(f, b, f->normed, n, 0, 3 * w, f->qkv + at * 3 * w);
    }
}

/* Keys and values of all rows into f->qkv [rows, 2 width], behind them queries of the pooled rows [pooled, width],
 * which are returned; f->top takes over their residual stream. */
static float *project_last(nb_forward *f, const nb_block *b, size_t rows, size_t pooled)
{
    const nb_tower_config *c = f->config;
    size_t w = c->width;
    float *queries = f->qkv + rows * 2 * w;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = fewer(rows - at, f->together);
        f->vector->layer_norm(f->normed, f->x + at * w, n, w, b->norm1_weight, b->norm1_bias, c->epsilon);
        some_qkv(f, b, f->normed, n, w, 2 * w, f->qkv + at * 2 * w);
        for (size_t i = 0; i < pooled; i++) {
            if (f->pool[i] - at < n) {
                memcpy(f->mixed + i * w, f->normed + (f->pool[i] - at) * w, w * sizeof *f->mixed);
            }
        }
    }
    for (size_t i = 0; i < pooled; i++) {
        memcpy(f->top + i * w, f->x + f->pool[i] * w, w * sizeof *f->top);
    }
    for (size_t at = 0; at < pooled; at += f->together) {
        some_qkv(f, b, f->mixed + at * w, fewer(pooled - at, f->together), 0, w, queries + at * w);
    }
    return queries;
}

/* Every row against the path above it: the path's keys and values stay in place from text to text. */
static void attend_trie(nb_forward *f, const nb_trie *t)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k, depth = t->texts[i].shared + k;
            const float *qkv = f->qkv + row * 3 * w;
            f->vector->path_push(&f->path, depth, w, qkv + w, qkv + 2 * w);
            f->vector->path_attend(&f->path, depth, w, f->config->heads, qkv, f->mixed + row * w);
        }
    }
}

/* The same, of which only the end tokens' rows are wanted. */
static void attend_trie_last(nb_forward *f, const nb_trie *t, const float *queries)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k;
            const float *kv = f->qkv + row * 2 * w;
            f->vector->path_push(&f->path, t->texts[i].shared + k, w, kv, kv + w);
        }
        f->vector->path_attend(&f->path, t->depths[t->texts[i].last], w, f->config->heads, queries + i * w,
                               f->mixed + i * w);
    }
}

void nb_forward_trie(nb_forward *f, const nb_trie *t)
{
    size_t layers = f->config->layers;
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        project(f, &f->blocks[layer], t->rows);
        attend_trie(f, t);
        finish_block(f, &f->blocks[layer], f->x, t->rows);
    }
    for (size_t i = 0; i < t->count; i++) {
        f->pool[i] = t->texts[i].last;
    }
    attend_trie_last(f, t, project_last(f, &f->blocks[layers - 1], t->rows, t->count));
    finish_block(f, &f->blocks[layers - 1], f->top, t->count);
}

/* Queries q [m, .] of one head against keys and values of n rows: out [m, .]. */
static void attend_head(nb_forward *f, size_t m, size_t n, const float *q, size_t q_stride, const float *k,
                        const float *v, size_t stride, float *out)
{
    size_t w = f->config->width;
    f->engine->attend(f->engine, &(nb_attention){.vector = f->vector,
                                                 .m = m,
                                                 .n = n,
                                                 .head = w / f->config->heads,
                                                 .q = q,
                                                 .k = k,
                                                 .v = v,
                                                 .q_stride = q_stride,
                                                 .stride = stride,
                                                 .out_stride = w,
                                                 .out = out,
                                                 .scratch = f->attention});
}

void nb_forward_full(nb_forward *f, size_t count, size_t length)
{
    size_t layers = f->config->layers, w = f->config->width, head = w / f->config->heads, rows = count * length;
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        project(f, &f->blocks[layer], rows);
        for (size_t i = 0; i < count * f->config->heads; i++) {
            size_t row = i / f->config->heads * length, at = i % f->config->heads * head;
            const float *q = f->qkv + row * 3 * w + at;
            attend_head(f, length, length, q, 3 * w, q + w, q + 2 * w, 3 * w, f->mixed + row * w + at);
        }
        finish_block(f, &f->blocks[layer], f->x, rows);
    }
    for (size_t i = 0; i < count; i++) {
        f->pool[i] = i * length;
    }
    const float *queries = project_last(f, &f->blocks[layers - 1], rows, count);
    for (size_t i = 0; i < count * f->config->heads; i++) {
        size_t image = i / f->config->heads, at = i % f->config->heads * head;
        const float *k = f->qkv + image * length * 2 * w + at;
        attend_head(f, 1, length, queries + image * w + at, w, k, k + w, 2 * w, f->mixed + image * w + at);
    }
    finish_block(f, &f->blocks[layers - 1], f->top, count);
}
