#include "common/clip/model/embedding_head.h"

#include "common/clip/towers/forward.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <string.h>

nb_embedding_head nb_text_embedding_head(const nb_clip *m)
{
    return (nb_embedding_head){.config = &m->config.text,
                               .norm = {m->text_norm_weight, m->text_norm_bias},
                               .tanh = m->text_tanh,
                               .tanh_bias = m->text_tanh_bias,
                               .hidden = m->text_hidden,
                               .projection = m->text_projection,
                               .bias = m->text_projection_bias,
                               .dimension = m->config.projection,
                               .vector = nb_vector_best()};
}

nb_embedding_head nb_image_embedding_head(const nb_clip *m)
{
    return (nb_embedding_head){.config = &m->config.image,
                               .norm = {m->post_norm_weight, m->post_norm_bias},
                               .hidden = m->image_hidden,
                               .hidden_bias = m->image_hidden_bias,
                               .first = m->config.image.no_class_token ? 0 : 1,
                               .projection = m->image_projection,
                               .bias = m->image_projection_bias,
                               .dimension = m->config.projection,
                               .vector = nb_vector_best()};
}

bool nb_pools_by_row(const nb_tower_config *c)
{
    return c->pooling == NB_POOL_TOKEN || c->pooling == NB_POOL_FIRST || c->pooling == NB_POOL_LAST;
}

static void embedding_norm(const nb_embedding_head *h, float *rows, size_t count)
{
    nb_tower_config config = *h->config;
    config.width = config.pool_width ? config.pool_width : config.width;
    nb_forward_norm(h->vector, &config, rows, rows, count, h->norm);
}

void nb_embedding_head_pool(const nb_embedding_head *h, float *rows, size_t count, size_t length, float *pooled)
{
    size_t w = h->config->width, first = h->first;
    float share = 1.0f / (float)(length - first);
    if (h->config->final_norm == NB_FINAL_NORM_ROWS) {
        embedding_norm(h, rows, count * length);
    }
    for (size_t i = 0; i < count; i++) {
        const float *row = rows + i * length * w;
        float *mean = pooled + i * w;
        memcpy(mean, row + first * w, w * sizeof *mean);
        for (size_t k = first + 1; k < length; k++) {
            h->vector->add(mean, mean, row + k * w, w);
        }
        for (size_t k = 0; k < w; k++) {
            mean[k] *= share;
        }
    }
}

/* h->scratch[count, outputs] = in[count, width] weight^T */
static void embedding_layer(const nb_embedding_head *h, const float *weight, size_t outputs, const float *in,
                            size_t count)
{
    size_t w = h->config->width;
    nb_sgemm_nt(nb_matrix_of(in, count, w), nb_matrix_of(weight, outputs, w), 0.0f, h->scratch, outputs);
}

/* pooled = tanh(linear(pooled)) */
static void embedding_tanh(const nb_embedding_head *h, float *pooled, size_t count)
{
    size_t w = h->config->width;
    embedding_layer(h, h->tanh, w, pooled, count);
    h->vector->add_bias(h->scratch, count, w, h->tanh_bias);
    for (size_t i = 0; i < count * w; i++) {
        pooled[i] = tanhf(h->scratch[i]);
    }
}

void nb_embedding_head_run(const nb_embedding_head *h, float *pooled, size_t count, float *out)
{
    size_t w = h->config->pool_width ? h->config->pool_width : h->config->width;
    bool normed = h->config->final_norm == NB_FINAL_NORM_ROWS && !nb_pools_by_row(h->config);
    if (h->norm.weight && !normed) {
        embedding_norm(h, pooled, count);
    }
    if (h->tanh) {
        embedding_tanh(h, pooled, count);
    }
    if (h->hidden) {
        w = h->config->projection_hidden;
        embedding_layer(h, h->hidden, w, pooled, count);
        if (h->hidden_bias) {
            h->vector->bias_gelu(h->scratch, count, w, h->hidden_bias, NB_VECTOR_GELU);
        } else {
            nb_gelu(h->scratch, count * w);
        }
        pooled = h->scratch;
    }
    if (!h->projection) {
        memcpy(out, pooled, count * w * sizeof *out);
        return;
    }
    nb_sgemm_nt(nb_matrix_of(pooled, count, w), nb_matrix_of(h->projection, h->dimension, w), 0.0f, out, h->dimension);
    if (h->bias) {
        h->vector->add_bias(out, count, h->dimension, h->bias);
    }
}
