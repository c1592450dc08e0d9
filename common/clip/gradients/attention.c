#include "common/clip/gradients/attention.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_attention_scratch_create(nb_attention_scratch *a, const nb_tower_config *c, size_t longest, bool causal,
                                      nb_error *err)
{
    size_t square = causal ? longest : longest * longest, both = causal ? longest * 2 * c->width : 1;
    *a = (nb_attention_scratch){
        .config = c, .vector = nb_vector_best(), .gradient = nb_gradient_best(), .causal = causal, .longest = longest};
    a->weights = nb_alloc_aligned(square, sizeof(float), err);
    a->d = nb_alloc_aligned(square, sizeof(float), err);
    a->joined = nb_alloc_aligned(both, sizeof(float), err);
    a->djoined = nb_alloc_aligned(both, sizeof(float), err);
    if (!a->weights || !a->d || !a->joined || !a->djoined) {
        nb_attention_scratch_destroy(a);
        return NB_ERR_LIMIT;
    }
    return NB_OK;
}

void nb_attention_scratch_destroy(nb_attention_scratch *a)
{
    if (a) {
        free(a->weights);
        free(a->d);
        free(a->joined);
        free(a->djoined);
        *a = (nb_attention_scratch){0};
    }
}

static float attention_scale_of(const nb_tower_config *c)
{
    size_t head_width = c->width / c->heads;
    return 1.0f / sqrtf((float)head_width);
}

/* Keys and values of one head: in the rows of qkv, or joined behind the prefix's. The count is set a query. */
static nb_head attention_head_of(const nb_attention_scratch *a, const nb_attention_sequence *s, size_t h)
{
    size_t w = a->config->width, head = w / a->config->heads;
    const float *keys = s->before ? a->joined : s->qkv + w;
    return (nb_head){.keys = keys + h * head,
                     .values = keys + w + h * head,
                     .stride = s->before ? 2 * w : 3 * w,
                     .width = head,
                     .scale = attention_scale_of(a->config)};
}

static void attention_join(nb_attention_scratch *a, const nb_attention_sequence *s)
{
    size_t w = a->config->width;
    if (s->before) {
        memcpy(a->joined, s->prefix, s->before * 2 * w * sizeof *s->prefix);
        for (size_t i = 0; i < s->n; i++) {
            memcpy(a->joined + (s->before + i) * 2 * w, s->qkv + i * 3 * w + w, 2 * w * sizeof *s->qkv);
        }
    }
}

static void attention_causal_forward(nb_attention_scratch *a, const nb_attention_sequence *s, float *out)
{
    size_t w = a->config->width, head = w / a->config->heads;
    for (size_t h = 0; h < a->config->heads; h++) {
        nb_head at = attention_head_of(a, s, h);
        for (size_t i = 0; i < s->n; i++) {
            at.count = s->before + i + 1;
            a->gradient->attend(&at, s->qkv + i * 3 * w + h * head, a->weights, out + i * w + h * head);
        }
    }
}

/* The weights [n, n] of one head of full attention. */
static void attention_weights(nb_attention_scratch *a, const float *q, size_t n)
{
    size_t w = a->config->width, head = w / a->config->heads;
    nb_sgemm_nt(nb_matrix_strided(q, n, head, 3 * w), nb_matrix_strided(q + w, n, head, 3 * w), 0.0f, a->weights, n);
    a->vector->softmax(a->weights, n, n, n, attention_scale_of(a->config));
}

void nb_attention_forward(nb_attention_scratch *a, const nb_attention_sequence *s, float *out)
{
    size_t w = a->config->width, head = w / a->config->heads, n = s->n;
    if (a->causal) {
        attention_join(a, s);
        attention_causal_forward(a, s, out);
        return;
    }
    for (size_t h = 0; h < a->config->heads; h++) {
        const float *q = s->qkv + h * head;
        attention_weights(a, q, n);
        nb_sgemm_nn(nb_matrix_of(a->weights, n, n), nb_matrix_strided(q + 2 * w, n, head, 3 * w), out + h * head, w);
    }
}

/* Gradients of keys and values are added to dkeys [.., 2 width], rows `stride` apart: those of the prefix too. */
static void attention_causal_backward(nb_attention_scratch *a, const nb_attention_sequence *s, const float *dout,
                                      float *dqkv, float *dkeys, size_t stride)
{
    size_t w = a->config->width, head = w / a->config->heads;
    float *unused = a->joined; /* the head's own output, which nobody needs again */
    for (size_t h = 0; h < a->config->heads; h++) {
        nb_head at = attention_head_of(a, s, h);
        nb_head_gradient d = {
            .keys = dkeys + h * head, .values = dkeys + w + h * head, .stride = stride, .scratch = a->d};
        for (size_t i = 0; i < s->n; i++) {
            const float *query = s->qkv + i * 3 * w + h * head;
            at.count = s->before + i + 1;
            d.query = dqkv + i * 3 * w + h * head;
            a->gradient->attend(&at, query, a->weights, s->before ? d.query : unused);
            a->gradient->attend_backward(&at, query, a->weights, dout + i * w + h * head, &d);
        }
    }
}

static void attention_full_backward(nb_attention_scratch *a, const nb_attention_sequence *s, const float *dout,
                                    float *dqkv)
{
    size_t w = a->config->width, head = w / a->config->heads, n = s->n;
    nb_matrix weights = nb_matrix_of(a->weights, n, n), dscores = nb_matrix_of(a->d, n, n);
    for (size_t h = 0; h < a->config->heads; h++) {
        const float *q = s->qkv + h * head;
        nb_matrix queries = nb_matrix_strided(q, n, head, 3 * w), keys = nb_matrix_strided(q + w, n, head, 3 * w);
        nb_matrix values = nb_matrix_strided(q + 2 * w, n, head, 3 * w);
        nb_matrix d = nb_matrix_strided(dout + h * head, n, head, w);
        float *dq = dqkv + h * head;
        attention_weights(a, q, n);
        nb_sgemm_tn(1.0f, weights, d, 0.0f, dq + 2 * w, 3 * w);
        nb_sgemm_nt(d, values, 0.0f, a->d, n);
        a->gradient->softmax(a->d, a->weights, n, n, attention_scale_of(a->config));
        nb_sgemm_nn(dscores, keys, dq, 3 * w);
        nb_sgemm_tn(1.0f, dscores, queries, 0.0f, dq + w, 3 * w);
    }
}

void nb_attention_backward(nb_attention_scratch *a, const nb_attention_sequence *s, const float *dout, float *dqkv)
{
    size_t w = a->config->width, n = s->n, before = s->before;
    if (!a->causal) {
        attention_full_backward(a, s, dout, dqkv);
        return;
    }
    attention_join(a, s);
    memset(dqkv, 0, n * 3 * w * sizeof *dqkv);
    if (!before) {
        attention_causal_backward(a, s, dout, dqkv, dqkv + w, 3 * w);
        return;
    }
    memset(a->djoined, 0, (before + n) * 2 * w * sizeof *a->djoined);
    attention_causal_backward(a, s, dout, dqkv, a->djoined, 2 * w);
    for (size_t i = 0; i < n; i++) {
        memcpy(dqkv + i * 3 * w + w, a->djoined + (before + i) * 2 * w, 2 * w * sizeof *dqkv);
    }
}
