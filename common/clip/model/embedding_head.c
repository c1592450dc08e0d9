#include "common/clip/model/embedding_head.h"

#include "common/linear/blas.h"

#include <string.h>

nb_embedding_head nb_text_embedding_head(const nb_clip *m)
{
    return (nb_embedding_head){.config = &m->config.text,
                               .norm = {m->text_norm_weight, m->text_norm_bias},
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
    h->vector->layer_norm(rows, rows, count,
                          &(nb_norm_layer){h->norm.weight, h->norm.bias, h->config->width, h->config->epsilon});
}

void nb_embedding_head_pool(const nb_embedding_head *h, float *rows, size_t count, size_t length, float *pooled)
{
    size_t w = h->config->width, first = h->config->no_class_token ? 0 : 1;
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

void nb_embedding_head_run(const nb_embedding_head *h, float *pooled, size_t count, float *out)
{
    size_t w = h->config->width;
    bool normed = h->config->final_norm == NB_FINAL_NORM_ROWS && !nb_pools_by_row(h->config);
    if (h->norm.weight && !normed) {
        embedding_norm(h, pooled, count);
    }
    if (!h->projection) {
        memcpy(out, pooled, count * w * sizeof *out);
        return;
    }
    if (h->hidden) {
        size_t n = 2 * h->dimension;
        nb_sgemm_nt(nb_matrix_of(pooled, count, w), nb_matrix_of(h->hidden, n, w), 0.0f, h->hidden_x, n);
        h->vector->bias_gelu(h->hidden_x, count, n, h->hidden_bias, NB_VECTOR_GELU);
        pooled = h->hidden_x;
        w = n;
    }
    nb_sgemm_nt(nb_matrix_of(pooled, count, w), nb_matrix_of(h->projection, h->dimension, w), 0.0f, out, h->dimension);
    if (h->bias) {
        h->vector->add_bias(out, count, h->dimension, h->bias);
    }
}
