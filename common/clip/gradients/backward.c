#include "common/clip/gradients/backward.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

static size_t backward_kept_layers(const nb_tower_config *c, bool recompute)
{
    return recompute ? 1 : c->layers;
}

nb_status nb_tape_create(nb_tape *t, const nb_tower_config *c, const nb_block *blocks, const nb_tape_size *size,
                         nb_error *err)
{
    size_t rows = size->rows, kept = backward_kept_layers(c, size->recompute), w = c->width,
           scratch_mlp = c->mlp > w ? c->mlp : w;
    nb_status status;
    *t = (nb_tape){.config = c,
                   .blocks = blocks,
                   .vector = nb_vector_best(),
                   .gradient = nb_gradient_best(),
                   .recompute = size->recompute,
                   .rows = rows};
    NB_TRY(nb_tower_must_be_clip(c, size->causal ? "text" : "image", "gradients", err));
    NB_TRY_NEW(t->layers, kept);
    for (size_t i = 0; i < kept; i++) {
        nb_tape_layer *l = &t->layers[i];
        l->qkv = nb_alloc_aligned(rows * 3 * w, sizeof(float), err);
        l->attention_out = nb_alloc_aligned(rows * w, sizeof(float), err);
        l->mid = nb_alloc_aligned(rows * w, sizeof(float), err);
        l->mlp_hidden = nb_alloc_aligned(rows * c->mlp, sizeof(float), err);
        NB_TRY(l->qkv && l->attention_out && l->mid && l->mlp_hidden ? NB_OK : NB_ERR_LIMIT);
    }
    t->inputs = nb_alloc_aligned((c->layers + 1) * rows * w, sizeof(float), err);
    t->scratch_qkv = nb_alloc_aligned(rows * 3 * w, sizeof(float), err);
    t->scratch_mlp = nb_alloc_aligned(rows * scratch_mlp, sizeof(float), err);
    NB_TRY(t->inputs && t->scratch_qkv && t->scratch_mlp ? NB_OK : NB_ERR_LIMIT);
    NB_TRY(nb_attention_scratch_create(&t->attention, c, size->longest, size->causal, err));
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
    for (size_t i = 0; t->layers && i < backward_kept_layers(t->config, t->recompute); i++) {
        free(t->layers[i].qkv);
        free(t->layers[i].attention_out);
        free(t->layers[i].mid);
        free(t->layers[i].mlp_hidden);
    }
    free(t->layers);
    free(t->inputs);
    free(t->scratch_qkv);
    free(t->scratch_mlp);
    nb_attention_scratch_destroy(&t->attention);
    *t = (nb_tape){0};
}

size_t nb_tape_bytes(const nb_tower_config *c, const nb_tape_size *size)
{
    size_t longest = size->longest, kept = backward_kept_layers(c, size->recompute) * (5 * c->width + c->mlp);
    size_t row = kept + (c->layers + 1) * c->width + 3 * c->width + c->mlp;
    return sizeof(float) * (size->rows * row + (size->causal ? longest * (4 * c->width + 2) : 2 * longest * longest));
}

float *nb_tape_input(nb_tape *t)
{
    return t->inputs;
}

/* Sequence i of a layer, whose rows begin at `row`. */
static nb_attention_sequence backward_sequence_of(const nb_tape *t, const nb_tape_layer *l, size_t layer, size_t i,
                                                  size_t row)
{
    size_t w = t->config->width, before = t->prefixes ? t->prefixes[i].before : 0;
    return (nb_attention_sequence){.qkv = l->qkv + row * 3 * w,
                                   .n = t->lengths[i],
                                   .prefix = before ? t->prefixes[i].keys + layer * before * 2 * w : NULL,
                                   .before = before};
}

/* One block: x [used, width] -> out, keeping what the backward pass needs in l. */
static void backward_block_forward(nb_tape *t, size_t layer, nb_tape_layer *l, const float *x, float *out)
{
    const nb_tower_config *c = t->config;
    const nb_block *b = &t->blocks[layer];
    const nb_vector *v = t->vector;
    size_t w = c->width, rows = t->used;
    nb_gelu_kind kind = c->activation == NB_QUICK_GELU ? NB_VECTOR_QUICK_GELU : NB_VECTOR_GELU;
    v->layer_norm(t->scratch_qkv, x, rows, &(nb_norm_layer){b->norm1_weight, b->norm1_bias, w, c->epsilon});
    nb_sgemm_nt(nb_matrix_of(t->scratch_qkv, rows, w), nb_matrix_of(b->qkv_weight, 3 * w, w), 0.0f, l->qkv, 3 * w);
    v->add_bias(l->qkv, rows, 3 * w, b->qkv_bias);
    for (size_t i = 0, at = 0; i < t->sequences; at += t->lengths[i], i++) {
        const nb_attention_sequence sequence = backward_sequence_of(t, l, layer, i, at);
        nb_attention_forward(&t->attention, &sequence, l->attention_out + at * w);
    }
    nb_sgemm_nt(nb_matrix_of(l->attention_out, rows, w), nb_matrix_of(b->out_weight, w, w), 0.0f, t->scratch_qkv, w);
    memcpy(l->mid, x, rows * w * sizeof *x);
    v->add_residual(l->mid, t->scratch_qkv, rows, w, b->out_bias);
    v->layer_norm(t->scratch_qkv, l->mid, rows, &(nb_norm_layer){b->norm2_weight, b->norm2_bias, w, c->epsilon});
    nb_sgemm_nt(nb_matrix_of(t->scratch_qkv, rows, w), nb_matrix_of(b->fc1_weight, c->mlp, w), 0.0f, l->mlp_hidden,
                c->mlp);
    v->add_bias(l->mlp_hidden, rows, c->mlp, b->fc1_bias);
    if (out) {
        t->gradient->gelu(t->scratch_mlp, l->mlp_hidden, rows * c->mlp, kind);
        nb_sgemm_nt(nb_matrix_of(t->scratch_mlp, rows, c->mlp), nb_matrix_of(b->fc2_weight, w, c->mlp), 0.0f,
                    t->scratch_qkv, w);
        memcpy(out, l->mid, rows * w * sizeof *out);
        v->add_residual(out, t->scratch_qkv, rows, w, b->fc2_bias);
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
        backward_block_forward(t, i, &t->layers[t->recompute ? 0 : i], t->inputs + i * step,
                               t->inputs + (i + 1) * step);
    }
    return t->inputs + layers * step;
}

/* A linear layer y = x weight^T + bias. */
typedef struct linear_layer {
    const float *weight, *bias; /* [outputs, inputs], [outputs] */
    size_t outputs, inputs;
} linear_layer;

/* The gradients of its parameters: dweight += dy^T x, dbias += sums of dy; x, dy [used, .]. */
static void backward_linear(const nb_tape *t, const linear_layer *l, const float *dy, const float *x,
                            const nb_gradient_sink *sink)
{
    if (sink->gradients) {
        nb_sgemm_tn(1.0f, nb_matrix_of(dy, t->used, l->outputs), nb_matrix_of(x, t->used, l->inputs), 1.0f,
                    nb_gradient_sink_at(sink, l->weight), l->inputs);
        t->gradient->bias(nb_gradient_sink_at(sink, l->bias), dy, t->used, l->outputs);
    }
}

/* The backward pass of the MLP: d [used, width] is the gradient by the residual stream behind it, then before it. */
static void backward_mlp(nb_tape *t, const nb_block *b, const nb_tape_layer *l, float *d, const nb_gradient_sink *sink)
{
    const nb_tower_config *c = t->config;
    size_t w = c->width, rows = t->used;
    nb_gelu_kind kind = c->activation == NB_QUICK_GELU ? NB_VECTOR_QUICK_GELU : NB_VECTOR_GELU;
    if (sink->gradients) {
        t->gradient->gelu(t->scratch_mlp, l->mlp_hidden, rows * c->mlp, kind);
        backward_linear(t, &(linear_layer){b->fc2_weight, b->fc2_bias, w, c->mlp}, d, t->scratch_mlp, sink);
    }
    nb_sgemm_nn(nb_matrix_of(d, rows, w), nb_matrix_of(b->fc2_weight, w, c->mlp), t->scratch_mlp, c->mlp);
    t->gradient->gelu_backward(t->scratch_mlp, l->mlp_hidden, rows * c->mlp, kind);
    if (sink->gradients) {
        t->vector->layer_norm(t->scratch_qkv, l->mid, rows,
                              &(nb_norm_layer){b->norm2_weight, b->norm2_bias, w, c->epsilon});
        backward_linear(t, &(linear_layer){b->fc1_weight, b->fc1_bias, c->mlp, w}, t->scratch_mlp, t->scratch_qkv,
                        sink);
    }
    nb_sgemm_nn(nb_matrix_of(t->scratch_mlp, rows, c->mlp), nb_matrix_of(b->fc1_weight, c->mlp, w), t->scratch_qkv, w);
    t->gradient->layer_norm(
        d, &(nb_norm_gradient){nb_gradient_sink_at(sink, b->norm2_weight), nb_gradient_sink_at(sink, b->norm2_bias)},
        t->scratch_qkv, l->mid, rows, &(nb_norm_layer){b->norm2_weight, NULL, w, c->epsilon});
}

/* The same for the attention; x is the block's input. */
static void backward_attention(nb_tape *t, size_t layer, const nb_tape_layer *l, const float *x, float *d,
                               const nb_gradient_sink *sink)
{
    const nb_tower_config *c = t->config;
    const nb_block *b = &t->blocks[layer];
    size_t w = c->width, rows = t->used;
    float *dattention_out = t->scratch_mlp, *dqkv = t->scratch_qkv, *normed = t->scratch_mlp;
    backward_linear(t, &(linear_layer){b->out_weight, b->out_bias, w, w}, d, l->attention_out, sink);
    nb_sgemm_nn(nb_matrix_of(d, rows, w), nb_matrix_of(b->out_weight, w, w), dattention_out, w);
    for (size_t i = 0, at = 0; i < t->sequences; at += t->lengths[i], i++) {
        const nb_attention_sequence sequence = backward_sequence_of(t, l, layer, i, at);
        nb_attention_backward(&t->attention, &sequence, dattention_out + at * w, dqkv + at * 3 * w);
    }
    if (sink->gradients) {
        t->vector->layer_norm(normed, x, rows, &(nb_norm_layer){b->norm1_weight, b->norm1_bias, w, c->epsilon});
        backward_linear(t, &(linear_layer){b->qkv_weight, b->qkv_bias, 3 * w, w}, dqkv, normed, sink);
    }
    float *dnormed = t->scratch_mlp;
    nb_sgemm_nn(nb_matrix_of(dqkv, rows, 3 * w), nb_matrix_of(b->qkv_weight, 3 * w, w), dnormed, w);
    t->gradient->layer_norm(
        d, &(nb_norm_gradient){nb_gradient_sink_at(sink, b->norm1_weight), nb_gradient_sink_at(sink, b->norm1_bias)},
        dnormed, x, rows, &(nb_norm_layer){b->norm1_weight, NULL, w, c->epsilon});
}

void nb_tape_backward(nb_tape *t, float *d, const nb_gradient_sink *sink)
{
    size_t step = t->rows * t->config->width;
    for (size_t i = t->config->layers; i-- > 0;) {
        nb_tape_layer *l = &t->layers[t->recompute ? 0 : i];
        const float *x = t->inputs + i * step;
        if (t->recompute && i + 1 < t->config->layers) { /* the last layer is still there */
            backward_block_forward(t, i, l, x, NULL);
        }
        backward_mlp(t, &t->blocks[i], l, d, sink);
        backward_attention(t, i, l, x, d, sink);
    }
}

void nb_tape_keys(const nb_tape *t, size_t layer, float *out)
{
    size_t w = t->config->width;
    for (size_t r = 0; r < t->used; r++) {
        memcpy(out + r * 2 * w, t->layers[layer].qkv + r * 3 * w + w, 2 * w * sizeof *out);
    }
}
