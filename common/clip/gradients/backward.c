#include "common/clip/gradients/backward.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

static size_t kept_layers(const nb_tower_config *c, bool recompute)
{
    return recompute ? 1 : c->layers;
}

nb_status nb_tape_create(nb_tape *t, const nb_tower_config *c, const nb_block *blocks, size_t rows, size_t longest,
                         bool causal, bool recompute, nb_error *err)
{
    size_t w = c->width, wide = c->mlp > w ? c->mlp : w;
    nb_status status;
    *t = (nb_tape){.config = c,
                   .blocks = blocks,
                   .vector = nb_vector_best(),
                   .gradient = nb_gradient_best(),
                   .recompute = recompute,
                   .rows = rows};
    NB_TRY_NEW(t->layers, kept_layers(c, recompute));
    for (size_t i = 0; i < kept_layers(c, recompute); i++) {
        nb_tape_layer *l = &t->layers[i];
        l->qkv = nb_alloc_aligned(rows * 3 * w, sizeof(float), err);
        l->mixed = nb_alloc_aligned(rows * w, sizeof(float), err);
        l->mid = nb_alloc_aligned(rows * w, sizeof(float), err);
        l->inner = nb_alloc_aligned(rows * c->mlp, sizeof(float), err);
        NB_TRY(l->qkv && l->mixed && l->mid && l->inner ? NB_OK : NB_ERR_LIMIT);
    }
    t->inputs = nb_alloc_aligned((c->layers + 1) * rows * w, sizeof(float), err);
    t->narrow = nb_alloc_aligned(rows * 3 * w, sizeof(float), err);
    t->wide = nb_alloc_aligned(rows * wide, sizeof(float), err);
    NB_TRY(t->inputs && t->narrow && t->wide ? NB_OK : NB_ERR_LIMIT);
    NB_TRY(nb_attender_create(&t->attention, c, longest, causal, err));
done:
    if (status != NB_OK) {
        nb_tape_destroy(t);
    }
    return status;
}

void nb_tape_destroy(nb_tape *t)
{
    if (!t || !t->config) {
        return;
    }
    for (size_t i = 0; t->layers && i < kept_layers(t->config, t->recompute); i++) {
        free(t->layers[i].qkv);
        free(t->layers[i].mixed);
        free(t->layers[i].mid);
        free(t->layers[i].inner);
    }
    free(t->layers);
    free(t->inputs);
    free(t->narrow);
    free(t->wide);
    nb_attender_destroy(&t->attention);
    *t = (nb_tape){0};
}

size_t nb_tape_bytes(const nb_tower_config *c, size_t rows, size_t longest, bool causal, bool recompute)
{
    size_t kept = kept_layers(c, recompute) * (5 * c->width + c->mlp);
    size_t row = kept + (c->layers + 1) * c->width + 3 * c->width + c->mlp;
    return sizeof(float) * (rows * row + (causal ? longest * (4 * c->width + 2) : 2 * longest * longest));
}

float *nb_tape_input(nb_tape *t)
{
    return t->inputs;
}

static const float *prefix_of(const nb_tape *t, size_t sequence, size_t layer, size_t *before)
{
    *before = t->prefixes ? t->prefixes[sequence].before : 0;
    return *before ? t->prefixes[sequence].keys + layer * *before * 2 * t->config->width : NULL;
}

/* One block: x [used, width] -> out, keeping what the way back needs in l. */
static void block_forward(nb_tape *t, size_t layer, nb_tape_layer *l, const float *x, float *out)
{
    const nb_tower_config *c = t->config;
    const nb_block *b = &t->blocks[layer];
    const nb_vector *v = t->vector;
    size_t w = c->width, rows = t->used, before;
    nb_gelu_kind kind = c->activation == NB_QUICK_GELU ? NB_VECTOR_QUICK_GELU : NB_VECTOR_GELU;
    v->layer_norm(t->narrow, x, rows, w, b->norm1_weight, b->norm1_bias, c->epsilon);
    nb_sgemm_nt(rows, 3 * w, w, t->narrow, w, b->qkv_weight, w, 0.0f, l->qkv, 3 * w);
    v->add_bias(l->qkv, rows, 3 * w, b->qkv_bias);
    for (size_t i = 0, at = 0; i < t->sequences; at += t->lengths[i], i++) {
        const float *prefix = prefix_of(t, i, layer, &before);
        nb_attender_forward(&t->attention, l->qkv + at * 3 * w, t->lengths[i], prefix, before, l->mixed + at * w);
    }
    nb_sgemm_nt(rows, w, w, l->mixed, w, b->out_weight, w, 0.0f, t->narrow, w);
    memcpy(l->mid, x, rows * w * sizeof *x);
    v->add_residual(l->mid, t->narrow, rows, w, b->out_bias);
    v->layer_norm(t->narrow, l->mid, rows, w, b->norm2_weight, b->norm2_bias, c->epsilon);
    nb_sgemm_nt(rows, c->mlp, w, t->narrow, w, b->fc1_weight, w, 0.0f, l->inner, c->mlp);
    v->add_bias(l->inner, rows, c->mlp, b->fc1_bias);
    if (out) {
        t->gradient->gelu(t->wide, l->inner, rows * c->mlp, kind);
        nb_sgemm_nt(rows, w, c->mlp, t->wide, c->mlp, b->fc2_weight, c->mlp, 0.0f, t->narrow, w);
        memcpy(out, l->mid, rows * w * sizeof *out);
        v->add_residual(out, t->narrow, rows, w, b->fc2_bias);
    }
}

const float *nb_tape_forward(nb_tape *t, const size_t *lengths, const nb_tape_prefix *prefixes, size_t sequences)
{
    size_t layers = t->config->layers, step = t->rows * t->config->width;
    t->lengths = lengths;
    t->prefixes = prefixes;
    t->sequences = sequences;
    t->used = 0;
    for (size_t i = 0; i < sequences; i++) {
        t->used += lengths[i];
    }
    for (size_t i = 0; i < layers; i++) {
        block_forward(t, i, &t->layers[t->recompute ? 0 : i], t->inputs + i * step, t->inputs + (i + 1) * step);
    }
    return t->inputs + layers * step;
}

/* A linear layer y = x weight^T + bias, back for its parameters: dweight += dy^T x, dbias += sums of dy. */
static void linear_back(const nb_tape *t, const float *dy, size_t n, const float *x, size_t k, const float *weight,
                        const float *bias, const nb_sink *sink)
{
    if (sink->gradients) {
        nb_sgemm_tn(n, k, t->used, 1.0f, dy, n, x, k, 1.0f, nb_sink_at(sink, weight), k);
        t->gradient->bias(nb_sink_at(sink, bias), dy, t->used, n);
    }
}

/* d [used, width] goes from behind the perceptron to before it. */
static void perceptron_back(nb_tape *t, const nb_block *b, const nb_tape_layer *l, float *d, const nb_sink *sink)
{
    const nb_tower_config *c = t->config;
    size_t w = c->width, rows = t->used;
    nb_gelu_kind kind = c->activation == NB_QUICK_GELU ? NB_VECTOR_QUICK_GELU : NB_VECTOR_GELU;
    if (sink->gradients) {
        t->gradient->gelu(t->wide, l->inner, rows * c->mlp, kind);
        linear_back(t, d, w, t->wide, c->mlp, b->fc2_weight, b->fc2_bias, sink);
    }
    nb_sgemm_nn(rows, c->mlp, w, d, w, b->fc2_weight, c->mlp, t->wide, c->mlp);
    t->gradient->gelu_back(t->wide, l->inner, rows * c->mlp, kind);
    if (sink->gradients) {
        t->vector->layer_norm(t->narrow, l->mid, rows, w, b->norm2_weight, b->norm2_bias, c->epsilon);
        linear_back(t, t->wide, c->mlp, t->narrow, w, b->fc1_weight, b->fc1_bias, sink);
    }
    nb_sgemm_nn(rows, w, c->mlp, t->wide, c->mlp, b->fc1_weight, w, t->narrow, w);
    t->gradient->layer_norm(d, nb_sink_at(sink, b->norm2_weight), nb_sink_at(sink, b->norm2_bias), t->narrow, l->mid,
                            rows, w, b->norm2_weight, c->epsilon);
}

/* d goes from behind the attention to before it; x is the block's input. */
static void attention_back(nb_tape *t, size_t layer, const nb_tape_layer *l, const float *x, float *d,
                           const nb_sink *sink)
{
    const nb_tower_config *c = t->config;
    const nb_block *b = &t->blocks[layer];
    size_t w = c->width, rows = t->used, before;
    float *dmixed = t->wide, *dqkv = t->narrow, *normed = t->wide;
    linear_back(t, d, w, l->mixed, w, b->out_weight, b->out_bias, sink);
    nb_sgemm_nn(rows, w, w, d, w, b->out_weight, w, dmixed, w);
    for (size_t i = 0, at = 0; i < t->sequences; at += t->lengths[i], i++) {
        const float *prefix = prefix_of(t, i, layer, &before);
        nb_attender_back(&t->attention, l->qkv + at * 3 * w, t->lengths[i], prefix, before, dmixed + at * w,
                         dqkv + at * 3 * w);
    }
    if (sink->gradients) {
        t->vector->layer_norm(normed, x, rows, w, b->norm1_weight, b->norm1_bias, c->epsilon);
        linear_back(t, dqkv, 3 * w, normed, w, b->qkv_weight, b->qkv_bias, sink);
    }
    float *dnormed = t->wide;
    nb_sgemm_nn(rows, w, 3 * w, dqkv, 3 * w, b->qkv_weight, w, dnormed, w);
    t->gradient->layer_norm(d, nb_sink_at(sink, b->norm1_weight), nb_sink_at(sink, b->norm1_bias), dnormed, x, rows, w,
                            b->norm1_weight, c->epsilon);
}

void nb_tape_backward(nb_tape *t, float *d, const nb_sink *sink)
{
    size_t step = t->rows * t->config->width;
    for (size_t i = t->config->layers; i-- > 0;) {
        nb_tape_layer *l = &t->layers[t->recompute ? 0 : i];
        const float *x = t->inputs + i * step;
        if (t->recompute && i + 1 < t->config->layers) { /* the last layer is still there */
            block_forward(t, i, l, x, NULL);
        }
        perceptron_back(t, &t->blocks[i], l, d, sink);
        attention_back(t, i, l, x, d, sink);
    }
}

void nb_tape_keys(const nb_tape *t, size_t layer, float *out)
{
    size_t w = t->config->width;
    for (size_t r = 0; r < t->used; r++) {
        memcpy(out + r * 2 * w, t->layers[layer].qkv + r * 3 * w + w, 2 * w * sizeof *out);
    }
}
