#include "common/clip/convolution/mean_query.h"

#include "common/base/memory.h"
#include "common/linear/simd/window_loops.h"

#include <stdlib.h>
#include <string.h>

struct nb_mean_query {
    const nb_engine *engine;
    const nb_vector *vector;
    size_t side, width, heads;
    float *x;        /* [rows, width] */
    float *kv, *q;   /* [rows, 2 width] keys and values, [width] */
    void *input;     /* the rows in the engine's form */
    void *attention; /* the engine's scratch */
};

nb_status nb_mean_query_create(nb_mean_query **out, const nb_engine *engine, const nb_clip_config *c, nb_error *err)
{
    size_t w = c->image.width, rows = nb_clip_patches(c) + 1;
    nb_status status = NB_OK;
    nb_mean_query *m = nb_alloc(1, sizeof *m, err);
    *out = NULL;
    if (!m) {
        return NB_ERR_LIMIT;
    }
    *m = (nb_mean_query){.engine = engine,
                         .vector = nb_vector_best(),
                         .side = c->image_size / c->patch,
                         .width = w,
                         .heads = c->image.heads};
    m->x = nb_alloc_aligned(rows * w, sizeof *m->x, err);
    m->kv = nb_alloc_aligned(rows * 2 * w, sizeof *m->kv, err);
    m->q = nb_alloc_aligned(w, sizeof *m->q, err);
    m->input = nb_alloc_aligned(engine->packs ? engine->input_bytes(rows, w) : 1, 1, err);
    m->attention = nb_alloc_aligned(engine->attention_bytes(rows, w / m->heads), 1, err);
    NB_TRY(m->x && m->kv && m->q && m->input && m->attention ? NB_OK : NB_ERR_LIMIT);
    *out = m;
    m = NULL;
done:
    nb_mean_query_destroy(m);
    return status;
}

void nb_mean_query_destroy(nb_mean_query *m)
{
    if (m) {
        free(m->x);
        free(m->kv);
        free(m->q);
        free(m->input);
        free(m->attention);
        free(m);
    }
}

/* out[rows, count] = outputs [first, first + count) of queries, keys and values of the first rows. */
static void mean_query_project(nb_mean_query *m, const nb_mean_query_weights *weights, size_t rows, size_t first,
                               float *out, size_t count)
{
    const nb_engine *e = m->engine;
    e->product(e, &(nb_product){.vector = m->vector,
                                .input = e->input(e, m->input, m->x, rows, m->width),
                                .rows = rows,
                                .k = m->width,
                                .weight = weights->qkv,
                                .first = first,
                                .count = count,
                                .bias = weights->bias + first,
                                .out = out});
}

void nb_mean_query_run(nb_mean_query *m, const nb_mean_query_weights *weights, const float *pixels, float *out)
{
    size_t w = m->width, head = w / m->heads, rows = m->side * m->side + 1;
    nb_window_loops_best()->mean(
        &(nb_window){.in = pixels, .side = m->side, .channels = w, .kernel = m->side, .stride = 1, .out = m->x});
    memcpy(m->x + w, pixels, (rows - 1) * w * sizeof *m->x);
    m->vector->add(m->x, m->x, weights->position, rows * w);
    mean_query_project(m, weights, rows, w, m->kv, 2 * w);
    mean_query_project(m, weights, 1, 0, m->q, w);
    for (size_t at = 0; at < w; at += head) {
        m->engine->attend(m->engine, &(nb_attention){.vector = m->vector,
                                                     .m = 1,
                                                     .n = rows,
                                                     .head = head,
                                                     .q = m->q + at,
                                                     .k = m->kv + at,
                                                     .v = m->kv + w + at,
                                                     .q_stride = w,
                                                     .stride = 2 * w,
                                                     .out_stride = w,
                                                     .out = out + at,
                                                     .scratch = m->attention});
    }
}
