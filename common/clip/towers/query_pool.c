#include "common/clip/towers/query_pool.h"

#include "common/base/memory.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

/* The query as the attention takes it. */
static void query_project(nb_query_pool *p)
{
    const nb_query_weights *q = p->weights;
    size_t e = p->config->pool_width;
    p->vector->layer_norm(p->attended, q->query, 1,
                          &(nb_norm_layer){q->query_norm.weight, q->query_norm.bias, e, p->config->epsilon});
    nb_sgemm_nt(nb_matrix_of(p->attended, 1, e), nb_matrix_of(q->query_weight, e, e), 0.0f, p->query, e);
    p->vector->add_bias(p->query, 1, e, q->bias);
}

nb_status nb_query_pool_create(nb_query_pool *out, const nb_engine *engine, const nb_tower_config *config,
                               const nb_query_weights *weights, const nb_forward_size *size, nb_error *err)
{
    size_t w = config->width, e = config->pool_width, length = size->longest;
    nb_status status;
    *out = (nb_query_pool){.config = config, .weights = weights, .engine = engine, .vector = nb_vector_best()};
    out->query = nb_alloc_aligned(e, sizeof *out->query, err);
    out->normed = nb_alloc_aligned(length * w, sizeof *out->normed, err);
    out->kv = nb_alloc_aligned(length * 2 * e, sizeof *out->kv, err);
    out->attended = nb_alloc_aligned(size->pooled * e, sizeof *out->attended, err);
    out->input = nb_alloc_aligned(engine->packs ? engine->input_bytes(length, w) : 1, 1, err);
    out->scratch = nb_alloc_aligned(engine->attention_bytes(length, e / config->pool_heads), 1, err);
    status = out->query && out->normed && out->kv && out->attended && out->input && out->scratch ? NB_OK : NB_ERR_LIMIT;
    if (status == NB_OK) {
        query_project(out);
    } else {
        nb_query_pool_destroy(out);
    }
    return status;
}

void nb_query_pool_destroy(nb_query_pool *p)
{
    free(p->query);
    free(p->normed);
    free(p->kv);
    free(p->attended);
    free(p->input);
    free(p->scratch);
    *p = (nb_query_pool){0};
}

/* One image's rows [length, width] into attended[pool_width]. */
static void query_attend(nb_query_pool *p, const float *rows, size_t length, float *attended)
{
    const nb_query_weights *q = p->weights;
    const nb_engine *engine = p->engine;
    size_t w = p->config->width, e = p->config->pool_width, heads = p->config->pool_heads, head = e / heads;
    p->vector->layer_norm(p->normed, rows, length,
                          &(nb_norm_layer){q->row_norm.weight, q->row_norm.bias, w, p->config->epsilon});
    engine->product(engine, &(nb_product){.vector = p->vector,
                                          .input = engine->input(engine, p->input, p->normed, length, w),
                                          .rows = length,
                                          .k = w,
                                          .weight = engine->packs ? q->packed_kv : q->kv_weight,
                                          .count = 2 * e,
                                          .bias = q->bias + e,
                                          .out = p->kv});
    for (size_t h = 0; h < heads; h++) {
        engine->attend(engine, &(nb_attention){.vector = p->vector,
                                               .m = 1,
                                               .n = length,
                                               .head = head,
                                               .q = p->query + h * head,
                                               .k = p->kv + h * head,
                                               .v = p->kv + e + h * head,
                                               .q_stride = e,
                                               .stride = 2 * e,
                                               .out_stride = e,
                                               .out = attended + h * head,
                                               .scratch = p->scratch});
    }
}

void nb_query_pool_run(nb_query_pool *p, const float *rows, size_t count, size_t length, float *pooled)
{
    const nb_query_weights *q = p->weights;
    size_t w = p->config->width, e = p->config->pool_width;
    for (size_t i = 0; i < count; i++) {
        query_attend(p, rows + i * length * w, length, p->attended + i * e);
    }
    nb_sgemm_nt(nb_matrix_of(p->attended, count, e), nb_matrix_of(q->out_weight, e, e), 0.0f, pooled, e);
    p->vector->add_bias(pooled, count, e, q->out_bias);
}
