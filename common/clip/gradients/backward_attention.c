#include "common/clip/gradients/backward_attention.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

nb_status nb_attender_create(nb_attender *a, const nb_tower_config *c, size_t longest, bool causal, nb_error *err)
{
    size_t square = causal ? longest : longest * longest, both = causal ? longest * 2 * c->width : 1;
    *a = (nb_attender){
        .config = c, .vector = nb_vector_best(), .gradient = nb_gradient_best(), .causal = causal, .longest = longest};
    a->weights = nb_alloc_aligned(square, sizeof(float), err);
    a->d = nb_alloc_aligned(square, sizeof(float), err);
    a->joined = nb_alloc_aligned(both, sizeof(float), err);
    a->back = nb_alloc_aligned(both, sizeof(float), err);
    if (!a->weights || !a->d || !a->joined || !a->back) {
        nb_attender_destroy(a);
        return NB_ERR_LIMIT;
    }
    return NB_OK;
}

void nb_attender_destroy(nb_attender *a)
{
    if (a) {
        free(a->weights);
        free(a->d);
        free(a->joined);
        free(a->back);
        *a = (nb_attender){0};
    }
}

static float scale_of(const nb_tower_config *c)
{
    size_t head_width = c->width / c->heads;
    return 1.0f / sqrtf((float)head_width);
}

/* Keys and values of one head: in the rows of qkv, or joined behind the prefix's. */
static nb_head head_of(const nb_attender *a, const float *qkv, size_t before, size_t h)
{
    size_t w = a->config->width, head = w / a->config->heads;
    const float *keys = before ? a->joined : qkv + w;
    return (nb_head){.keys = keys + h * head,
                     .values = keys + w + h * head,
                     .stride = before ? 2 * w : 3 * w,
                     .width = head,
                     .scale = scale_of(a->config)};
}

static void join(nb_attender *a, const float *qkv, size_t n, const float *prefix, size_t before)
{
    size_t w = a->config->width;
    if (before) {
        memcpy(a->joined, prefix, before * 2 * w * sizeof *prefix);
        for (size_t i = 0; i < n; i++) {
            memcpy(a->joined + (before + i) * 2 * w, qkv + i * 3 * w + w, 2 * w * sizeof *qkv);
        }
    }
}

static void causal_forward(nb_attender *a, const float *qkv, size_t n, size_t before, float *out)
{
    size_t w = a->config->width, head = w / a->config->heads;
    for (size_t h = 0; h < a->config->heads; h++) {
        nb_head at = head_of(a, qkv, before, h);
        for (size_t i = 0; i < n; i++) {
            a->gradient->attend(&at, before + i + 1, qkv + i * 3 * w + h * head, a->weights, out + i * w + h * head);
        }
    }
}

/* The weights [n, n] of one head of full attention. */
static void weigh(nb_attender *a, const float *q, size_t n)
{
    size_t w = a->config->width;
    nb_sgemm_nt(n, n, w / a->config->heads, q, 3 * w, q + w, 3 * w, 0.0f, a->weights, n);
    a->vector->softmax(a->weights, n, n, n, scale_of(a->config));
}

void nb_attender_forward(nb_attender *a, const float *qkv, size_t n, const float *prefix, size_t before, float *out)
{
    size_t w = a->config->width, head = w / a->config->heads;
    if (a->causal) {
        join(a, qkv, n, prefix, before);
        causal_forward(a, qkv, n, before, out);
        return;
    }
    for (size_t h = 0; h < a->config->heads; h++) {
        const float *q = qkv + h * head;
        weigh(a, q, n);
        nb_sgemm_nn(n, head, n, a->weights, n, q + 2 * w, 3 * w, out + h * head, w);
    }
}

static void causal_back(nb_attender *a, const float *qkv, size_t n, size_t before, const float *dout, float *dqkv,
                        float *dkeys, size_t stride)
{
    size_t w = a->config->width, head = w / a->config->heads;
    float *unused = a->joined; /* the head's own output, which nobody needs again */
    for (size_t h = 0; h < a->config->heads; h++) {
        nb_head at = head_of(a, qkv, before, h);
        for (size_t i = 0; i < n; i++) {
            const float *query = qkv + i * 3 * w + h * head;
            float *dquery = dqkv + i * 3 * w + h * head;
            a->gradient->attend(&at, before + i + 1, query, a->weights, before ? dquery : unused);
            a->gradient->attend_back(&at, before + i + 1, query, a->weights, dout + i * w + h * head, dquery,
                                     dkeys + h * head, dkeys + w + h * head, stride, a->d);
        }
    }
}

static void full_back(nb_attender *a, const float *qkv, size_t n, const float *dout, float *dqkv)
{
    size_t w = a->config->width, head = w / a->config->heads;
    for (size_t h = 0; h < a->config->heads; h++) {
        const float *q = qkv + h * head, *d = dout + h * head;
        float *dq = dqkv + h * head;
        weigh(a, q, n);
        nb_sgemm_tn(n, head, n, 1.0f, a->weights, n, d, w, 0.0f, dq + 2 * w, 3 * w);
        nb_sgemm_nt(n, n, head, d, w, q + 2 * w, 3 * w, 0.0f, a->d, n);
        a->gradient->softmax(a->d, a->weights, n, n, scale_of(a->config));
        nb_sgemm_nn(n, head, n, a->d, n, q + w, 3 * w, dq, 3 * w);
        nb_sgemm_tn(n, head, n, 1.0f, a->d, n, q, 3 * w, 0.0f, dq + w, 3 * w);
    }
}

void nb_attender_back(nb_attender *a, const float *qkv, size_t n, const float *prefix, size_t before, const float *dout,
                      float *dqkv)
{
    size_t w = a->config->width;
    if (!a->causal) {
        full_back(a, qkv, n, dout, dqkv);
        return;
    }
    join(a, qkv, n, prefix, before);
    memset(dqkv, 0, n * 3 * w * sizeof *dqkv);
    if (!before) {
        causal_back(a, qkv, n, 0, dout, dqkv, dqkv + w, 3 * w);
        return;
    }
    memset(a->back, 0, (before + n) * 2 * w * sizeof *a->back);
    causal_back(a, qkv, n, before, dout, dqkv, a->back, 2 * w);
    for (size_t i = 0; i < n; i++) {
        memcpy(dqkv + i * 3 * w + w, a->back + (before + i) * 2 * w, 2 * w * sizeof *dqkv);
    }
}
