#include "common/clip/forward.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_forward_create(nb_forward *f, const nb_tower_config *c, const nb_block *blocks, size_t rows, size_t pooled,
                            size_t longest, bool causal, nb_error *err)
{
    size_t w = c->width, stride = (longest + 15) / 16 * 16, most = rows > pooled ? rows : pooled;
    nb_status status;
    *f = (nb_forward){
        .config = c, .blocks = blocks, .vector = nb_vector_best(), .rows = rows, .pooled = pooled, .longest = longest};
    f->path.stride = stride;
    const struct {
        float **at;
        size_t count;
    } parts[] = {
        {&f->x, rows * w},
        {&f->normed, most * w},
        {&f->qkv, most * 3 * w},
        {&f->mixed, most * w},
        {&f->hidden, most * c->mlp},
        {&f->top, pooled * w},
        {&f->scores, causal ? 1 : longest * longest},
        {&f->path.keys, causal ? w * stride : 1},
        {&f->path.values, causal ? stride * w : 1},
        {&f->path.scores, causal ? stride : 1},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].at = nb_alloc_aligned(parts[i].count, sizeof(float), err);
        NB_TRY(*parts[i].at ? NB_OK : NB_ERR_LIMIT);
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
        free(f->hidden);
        free(f->scores);
        free(f->top);
        free(f->pool);
        free(f->path.keys);
        free(f->path.values);
        free(f->path.scores);
        *f = (nb_forward){0};
    }
}

/* x[rows, width] += mlp(layer norm(x)); and before it the attention's output in f->mixed. */
static void finish_block(nb_forward *f, const nb_block *b, float *x, size_t rows)
{
    const nb_tower_config *c = f->config;
    const nb_vector *v = f->vector;
    size_t w = c->width;
    nb_gelu_kind kind = c->activation == NB_QUICK_GELU ? NB_VECTOR_QUICK_GELU : NB_VECTOR_GELU;
    nb_sgemm_nt(rows, w, w, f->mixed, w, b->out_weight, w, 0.0f, f->normed, w);
    v->add_residual(x, f->normed, rows, w, b->out_bias);
    v->layer_norm(f->normed, x, rows, w, b->norm2_weight, b->norm2_bias, c->epsilon);
    nb_sgemm_nt(rows, c->mlp, w, f->normed, w, b->fc1_weight, w, 0.0f, f->hidden, c->mlp);
    v->bias_gelu(f->hidden, rows, c->mlp, b->fc1_bias, kind);
    nb_sgemm_nt(rows, w, c->mlp, f->hidden, c->mlp, b->fc2_weight, c->mlp, 0.0f, f->normed, w);
    v->add_residual(x, f->normed, rows, w, b->fc2_bias);
}

/* qkv[rows, 3 width] of a block. */
static void project(nb_forward *f, const nb_block *b, size_t rows)
{
    size_t w = f->config->width;
    f->vector->layer_norm(f->normed, f->x, rows, w, b->norm1_weight, b->norm1_bias, f->config->epsilon);
    nb_sgemm_nt(rows, 3 * w, w, f->normed, w, b->qkv_weight, w, 0.0f, f->qkv, 3 * w);
    f->vector->add_bias(f->qkv, rows, 3 * w, b->qkv_bias);
}

/* Keys and values of all rows into f->qkv [rows, 2 width], queries of the pooled rows into f->hidden [pooled, width];
 * f->top takes over their residual stream. */
static void project_last(nb_forward *f, const nb_block *b, size_t rows, size_t pooled)
{
    const nb_tower_config *c = f->config;
    size_t w = c->width;
    f->vector->layer_norm(f->normed, f->x, rows, w, b->norm1_weight, b->norm1_bias, c->epsilon);
    nb_sgemm_nt(rows, 2 * w, w, f->normed, w, b->qkv_weight + w * w, w, 0.0f, f->qkv, 2 * w);
    f->vector->add_bias(f->qkv, rows, 2 * w, b->qkv_bias + w);
    for (size_t i = 0; i < pooled; i++) {
        memcpy(f->top + i * w, f->x + f->pool[i] * w, w * sizeof *f->top);
        memcpy(f->mixed + i * w, f->normed + f->pool[i] * w, w * sizeof *f->mixed);
    }
    nb_sgemm_nt(pooled, w, w, f->mixed, w, b->qkv_weight, w, 0.0f, f->hidden, w);
    f->vector->add_bias(f->hidden, pooled, w, b->qkv_bias);
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
static void attend_trie_last(nb_forward *f, const nb_trie *t)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k;
            const float *kv = f->qkv + row * 2 * w;
            f->vector->path_push(&f->path, t->texts[i].shared + k, w, kv, kv + w);
        }
        f->vector->path_attend(&f->path, t->depths[t->texts[i].last], w, f->config->heads, f->hidden + i * w,
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
    project_last(f, &f->blocks[layers - 1], t->rows, t->count);
    attend_trie_last(f, t);
    finish_block(f, &f->blocks[layers - 1], f->top, t->count);
}

/* Queries q [m, .] of one head against keys and values of n rows: out [m, .]. */
static void attend_head(nb_forward *f, size_t m, size_t n, const float *q, size_t q_stride, const float *k,
                        const float *v, size_t stride, float *out)
{
    size_t w = f->config->width, head = w / f->config->heads;
    nb_sgemm_nt(m, n, head, q, q_stride, k, stride, 0.0f, f->scores, n);
    f->vector->softmax(f->scores, m, n, n, 1.0f / sqrtf((float)head));
    nb_sgemm_nn(m, head, n, f->scores, n, v, stride, out, w);
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
    project_last(f, &f->blocks[layers - 1], rows, count);
    for (size_t i = 0; i < count * f->config->heads; i++) {
        size_t image = i / f->config->heads, at = i % f->config->heads * head;
        const float *k = f->qkv + image * length * 2 * w + at;
        attend_head(f, 1, length, f->hidden + image * w + at, w, k, k + w, 2 * w, f->mixed + image * w + at);
    }
    finish_block(f, &f->blocks[layers - 1], f->top, count);
}
