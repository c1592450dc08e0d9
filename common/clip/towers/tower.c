#include "common/clip/towers/tower.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_tower_scratch_create(nb_tower_scratch *s, const nb_tower_config *c, size_t rows, size_t longest,
                                  nb_error *err)
{
    *s = (nb_tower_scratch){.rows = rows, .longest = longest};
    s->normed = nb_alloc_aligned(rows * c->width, sizeof(float), err);
    s->qkv = nb_alloc_aligned(rows * 3 * c->width, sizeof(float), err);
    s->attention_out = nb_alloc_aligned(rows * c->width, sizeof(float), err);
    s->hidden = nb_alloc_aligned(rows * c->mlp, sizeof(float), err);
    s->scores = nb_alloc_aligned(longest * longest, sizeof(float), err);
    s->gate = nb_alloc_aligned(c->mlp_kind != NB_MLP_PLAIN ? rows * c->mlp : 1, sizeof(float), err);
    if (!s->gate || !s->normed || !s->qkv || !s->attention_out || !s->hidden || !s->scores) {
        nb_tower_scratch_destroy(s);
        return NB_ERR_LIMIT;
    }
    return NB_OK;
}

void nb_tower_scratch_destroy(nb_tower_scratch *s)
{
    if (s) {
        free(s->normed);
        free(s->qkv);
        free(s->attention_out);
        free(s->hidden);
        free(s->scores);
        free(s->gate);
        *s = (nb_tower_scratch){0};
    }
}

/* A linear layer out = in weight^T + bias. */
typedef struct linear_layer {
    const float *weight, *bias; /* [outputs, inputs], [outputs] */
    size_t outputs, inputs;
} linear_layer;

static void tower_linear(const linear_layer *l, const float *in, size_t rows, float *out)
{
    nb_sgemm_nt(nb_matrix_of(in, rows, l->inputs), nb_matrix_of(l->weight, l->outputs, l->inputs), 0.0f, out,
                l->outputs);
    nb_add_bias(out, rows, l->outputs, l->bias);
}

/* Softmax of the scaled scores [n, n]; a causal row i gives its weight to the first i + 1 keys. */
static void tower_softmax(float *scores, size_t n, float scale, bool causal)
{
    for (size_t i = 0; i < n; i++) {
        float *row = scores + i * n;
        size_t seen = causal ? i + 1 : n;
        for (size_t k = 0; k < seen; k++) {
            row[k] *= scale;
        }
        nb_softmax_rows(row, 1, seen, n);
        memset(row + seen, 0, (n - seen) * sizeof *row);
    }
}

/* One sequence of n rows, all heads: qkv [n, 3 width] -> out [n, width]. */
static void tower_attend(const nb_tower_config *c, const float *qkv, float *out, size_t n, bool causal, float *scores)
{
    size_t head = c->width / c->heads, stride = 3 * c->width;
    float scale = 1.0f / sqrtf((float)head);
    for (size_t h = 0; h < c->heads; h++) {
        const float *q = qkv + h * head, *k = q + c->width, *v = k + c->width;
        nb_sgemm_nt(nb_matrix_strided(q, n, head, stride), nb_matrix_strided(k, n, head, stride), 0.0f, scores, n);
        tower_softmax(scores, n, scale, causal);
        nb_sgemm_nn(nb_matrix_of(scores, n, n), nb_matrix_strided(v, n, head, stride), out + h * head, c->width);
    }
}

/* Rotary positions for the queries and keys of one sequence. */
static void tower_rotate(const nb_tower_config *c, float *qkv, const nb_rotary *rotary)
{
    size_t head = c->width / c->heads;
    for (size_t row = 0; row < rotary->rows; row++) {
        for (size_t h = 0; h < 2 * c->heads; h++) {
            nb_rotate_pairs(qkv + row * 3 * c->width + h * head, rotary->cosines + row * rotary->pairs,
                            rotary->sines + row * rotary->pairs, rotary->pairs);
        }
    }
}

/* The layer norm of rows, or with other weights than the block's. */
static void tower_norm(const nb_tower_config *c, float *out, const float *in, size_t rows, nb_norm_weights norm)
{
    nb_layer_norm(out, in, rows, &(nb_norm_layer){norm.weight, norm.bias, c->width, c->epsilon});
}

/* x += what attention or MLP made, in `branch`, scaled or normed where the tower does so. */
static void tower_add_branch(const nb_tower_config *c, float *x, float *branch, size_t rows, const float *scale,
                             nb_norm_weights norm)
{
    if (c->post_norm) {
        tower_norm(c, branch, branch, rows, norm);
    }
    for (size_t i = 0; c->layer_scale && i < rows * c->width; i++) {
        branch[i] *= scale[i % c->width];
    }
    nb_add(x, branch, rows * c->width);
}

static void tower_attention(const nb_tower_config *c, const nb_block *b, const nb_tower_sequences *sequences,
                            nb_tower_scratch *s, size_t rows)
{
    size_t w = c->width;
    const float *in = sequences->x;
    if (!c->post_norm) {
        tower_norm(c, s->normed, in, rows, (nb_norm_weights){b->norm1_weight, b->norm1_bias});
        in = s->normed;
    }
    tower_linear(&(linear_layer){b->qkv_weight, b->qkv_bias, 3 * w, w}, in, rows, s->qkv);
    for (size_t i = 0, at = 0; i < sequences->count; at += sequences->lengths[i], i++) {
        if (sequences->rotary) {
            tower_rotate(c, s->qkv + at * 3 * w, sequences->rotary);
        }
        tower_attend(c, s->qkv + at * 3 * w, s->attention_out + at * w, sequences->lengths[i], sequences->causal,
                     s->scores);
    }
    if (c->attention_norm) {
        tower_norm(c, s->attention_out, s->attention_out, rows, b->attention_norm);
    }
    tower_linear(&(linear_layer){b->out_weight, b->out_bias, w, w}, s->attention_out, rows, s->normed);
    tower_add_branch(c, sequences->x, s->normed, rows, b->scale1, (nb_norm_weights){b->norm1_weight, b->norm1_bias});
}

static void tower_mlp(const nb_tower_config *c, const nb_block *b, float *x, nb_tower_scratch *s, size_t rows)
{
    static void (*const activations[])(float *, size_t) = {
        [NB_QUICK_GELU] = nb_quick_gelu, [NB_GELU] = nb_gelu, [NB_GELU_TANH] = nb_gelu_tanh};
    size_t w = c->width;
    const float *in = x;
    if (!c->post_norm) {
        tower_norm(c, s->normed, in, rows, (nb_norm_weights){b->norm2_weight, b->norm2_bias});
        in = s->normed;
    }
    if (c->mlp_input_norm) {
        tower_norm(c, s->normed, in, rows, b->mlp_norm);
        in = s->normed;
    }
    tower_linear(&(linear_layer){b->fc1_weight, b->fc1_bias, c->mlp, w}, in, rows, s->hidden);
    if (c->mlp_kind != NB_MLP_PLAIN) {
        tower_linear(&(linear_layer){b->gate_weight, b->gate_bias, c->mlp, w}, in, rows, s->gate);
        (c->mlp_kind == NB_MLP_SWIGLU ? nb_swiglu : nb_geglu)(s->hidden, s->gate, rows * c->mlp);
    } else {
        activations[c->activation](s->hidden, rows * c->mlp);
    }
    if (c->mlp_norm) {
        nb_layer_norm(s->hidden, s->hidden, rows,
                      &(nb_norm_layer){b->mlp_norm.weight, b->mlp_norm.bias, c->mlp, c->epsilon});
    }
    tower_linear(&(linear_layer){b->fc2_weight, b->fc2_bias, w, c->mlp}, s->hidden, rows, s->normed);
    tower_add_branch(c, x, s->normed, rows, b->scale2, (nb_norm_weights){b->norm2_weight, b->norm2_bias});
}

void nb_tower_forward(const nb_tower_config *c, const nb_block *blocks, const nb_tower_sequences *sequences,
                      nb_tower_scratch *s)
{
    size_t rows = 0;
    for (size_t i = 0; i < sequences->count; i++) {
        rows += sequences->lengths[i];
    }
    for (size_t layer = 0; layer < c->layers; layer++) {
        tower_attention(c, &blocks[layer], sequences, s, rows);
        tower_mlp(c, &blocks[layer], sequences->x, s, rows);
    }
}
