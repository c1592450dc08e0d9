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
    if (!s->normed || !s->qkv || !s->attention_out || !s->hidden || !s->scores) {
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

void nb_tower_forward(const nb_tower_config *c, const nb_block *blocks, const nb_tower_sequences *sequences,
                      nb_tower_scratch *s)
{
    const size_t *lengths = sequences->lengths;
    float *x = sequences->x;
    size_t rows = 0, w = c->width;
    for (size_t i = 0; i < sequences->count; i++) {
        rows += lengths[i];
    }
    for (size_t layer = 0; layer < c->layers; layer++) {
        const nb_block *b = &blocks[layer];
        nb_layer_norm(s->normed, x, rows, &(nb_norm_layer){b->norm1_weight, b->norm1_bias, w, c->epsilon});
        tower_linear(&(linear_layer){b->qkv_weight, b->qkv_bias, 3 * w, w}, s->normed, rows, s->qkv);
        for (size_t i = 0, at = 0; i < sequences->count; at += lengths[i], i++) {
            tower_attend(c, s->qkv + at * 3 * w, s->attention_out + at * w, lengths[i], sequences->causal, s->scores);
        }
        tower_linear(&(linear_layer){b->out_weight, b->out_bias, w, w}, s->attention_out, rows, s->normed);
        nb_add(x, s->normed, rows * w);
        nb_layer_norm(s->normed, x, rows, &(nb_norm_layer){b->norm2_weight, b->norm2_bias, w, c->epsilon});
        tower_linear(&(linear_layer){b->fc1_weight, b->fc1_bias, c->mlp, w}, s->normed, rows, s->hidden);
        if (c->activation == NB_QUICK_GELU) {
            nb_quick_gelu(s->hidden, rows * c->mlp);
        } else {
            nb_gelu(s->hidden, rows * c->mlp);
        }
        tower_linear(&(linear_layer){b->fc2_weight, b->fc2_bias, w, c->mlp}, s->hidden, rows, s->normed);
        nb_add(x, s->normed, rows * w);
    }
}
