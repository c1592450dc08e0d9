#include "common/clip/model/image_encoder.h"

#include "common/base/memory.h"
#include "common/clip/convolution/mean_query.h"
#include "common/clip/model/embedding_head.h"
#include "common/clip/towers/forward.h"
#include "common/clip/towers/patches.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 4096 };

struct nb_image_encoder {
    const nb_clip *clip;
    size_t together; /* images computed at once: bounded memory */
    float *patches;  /* [patches, 3 patch patch] of one image */
    void *input;     /* the same in the engine's form */
    nb_forward forward;
    nb_convolver *convolver;   /* of a tower with convolutions, whose images are computed one by one; else NULL */
    nb_mean_query *mean_query; /* of one that pools so */
    nb_query_pool query;       /* of a tower that pools by a query into another width; else {0} */
    float *pooled;             /* [together, pool_width] of that one, [width] of one without blocks */
    float *hidden;             /* [together, projection_hidden] of NB_PROJECTION_MLP */
};

/* Memory for what comes before the blocks. */
static nb_status image_encoder_make_pixels(nb_image_encoder *e, nb_error *err)
{
    const nb_clip_config *c = &e->clip->config;
    const nb_engine *engine = e->clip->engine;
    size_t patches = nb_clip_patches(c), area = 3 * c->patch * c->patch;
    nb_status status = NB_OK;
    if (c->image.convolutions.list) {
        NB_TRY(nb_convolver_create(&e->convolver, engine, c, e->clip->convolutions, err));
        if (c->image.pooling == NB_POOL_MEAN_QUERY) {
            NB_TRY(nb_mean_query_create(&e->mean_query, engine, c, err));
        }
        NB_TRY_NEW(e->pooled, c->image.width);
        goto done;
    }
    NB_TRY_NEW(e->patches, patches * area);
    e->input = nb_alloc_aligned(engine->packs ? engine->input_bytes(patches, area) : 1, 1, err);
    NB_TRY(e->input ? NB_OK : NB_ERR_LIMIT);
done:
    return status;
}

nb_status nb_image_encoder_create(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t rows = nb_clip_image_rows(c), fit = c->image.convolutions.list ? 1 : ROWS / rows;
    nb_status status;
    *out = NULL;
    nb_image_encoder *e = nb_alloc(1, sizeof *e, err);
    if (!e) {
        return NB_ERR_LIMIT;
    }
    e->clip = clip;
    e->together = fit < 1 ? 1 : fit < batch ? fit : batch;
    NB_TRY(image_encoder_make_pixels(e, err));
    NB_TRY_NEW(e->hidden, c->image.projection == NB_PROJECTION_MLP ? e->together * c->image.projection_hidden : 1);
    if (c->image.layers) {
        NB_TRY(nb_forward_create(&e->forward, clip->engine, &c->image, clip->image_blocks,
                                 &(nb_forward_size){e->together * rows, e->together, rows, false}, err));
    }
    if (c->image.pooling == NB_POOL_QUERY) {
        const nb_forward_size size = {.longest = rows, .pooled = e->together};
        NB_TRY_NEW(e->pooled, e->together * c->image.pool_width);
        NB_TRY(nb_query_pool_create(&e->query, clip->engine, &c->image, &clip->query_pool, &size, err));
    }
    *out = e;
    e = NULL;
done:
    nb_image_encoder_destroy(e);
    return status;
}

void nb_image_encoder_destroy(nb_image_encoder *e)
{
    if (e) {
        free(e->patches);
        free(e->input);
        nb_forward_destroy(&e->forward);
        nb_convolver_destroy(e->convolver);
        nb_mean_query_destroy(e->mean_query);
        nb_query_pool_destroy(&e->query);
        free(e->pooled);
        free(e->hidden);
        free(e);
    }
}

/* The patches of an image as rows [patches, width]. */
static void image_encoder_project(nb_image_encoder *e, const float *pixels, float *rows)
{
    const nb_clip *m = e->clip;
    const nb_engine *engine = m->engine;
    size_t w = m->config.image.width, patches = nb_clip_patches(&m->config);
    size_t area = 3 * m->config.patch * m->config.patch;
    if (e->convolver) {
        memcpy(rows, nb_convolver_run(e->convolver, pixels), patches * w * sizeof *rows);
        return;
    }
    nb_patches_cut(&m->config, pixels, e->patches);
    engine->product(engine, &(nb_product){.vector = e->forward.vector,
                                          .input = engine->input(engine, e->input, e->patches, patches, area),
                                          .rows = patches,
                                          .k = area,
                                          .weight = engine->packs ? m->packed_patch_embedding : m->patch_embedding,
                                          .count = w,
                                          .bias = m->patch_bias,
                                          .out = rows});
}

/* One image's rows before the first block: class token, patches, positions. */
static void image_encoder_embed(nb_image_encoder *e, const float *pixels, float *x)
{
    const nb_clip *m = e->clip;
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width;
    if (!c->image.no_class_token) {
        memcpy(x, m->class_embedding, w * sizeof *x);
    }
    image_encoder_project(e, pixels, c->image.no_class_token ? x : x + w);
    if (m->image_position) {
        x += c->image.no_class_position ? w : 0;
        e->forward.vector->add(x, x, m->image_position, (nb_clip_image_rows(c) - c->image.no_class_position) * w);
    }
}

/* Up to e->together images. */
static void image_encoder_run_some(nb_image_encoder *e, const float *pixels, size_t count, float *out)
{
    const nb_clip *m = e->clip;
    const nb_clip_config *c = &m->config;
    nb_forward *f = &e->forward;
    nb_embedding_head head = nb_image_embedding_head(m);
    size_t w = c->image.width, rows = nb_clip_image_rows(c);
    const nb_forward_batch batch = {.count = count, .length = rows};
    float *pooled = f->pooled_x;
    float *x = c->image.no_pre_norm ? f->x : f->attention_out;
    head.scratch = e->hidden;
    for (size_t i = 0; i < count; i++) {
        image_encoder_embed(e, pixels + i * 3 * c->image_size * c->image_size, x + i * rows * w);
    }
    if (!c->image.no_pre_norm) {
        f->vector->layer_norm(f->x, x, count * rows,
                              &(nb_norm_layer){m->pre_norm_weight, m->pre_norm_bias, w, c->image.epsilon});
    }
    if (nb_pools_by_row(&c->image)) {
        nb_forward_full(f, &batch);
    } else if (c->image.pooling == NB_POOL_ATTENTION) {
        nb_forward_rows(f, &batch);
        nb_forward_pool(
            f, &(nb_attention_pool){m->pool_query, &m->pool_block, {m->post_norm_weight, m->post_norm_bias}}, &batch);
    } else if (c->image.pooling == NB_POOL_QUERY) {
        nb_forward_rows(f, &batch);
        nb_query_pool_run(&e->query, f->x, count, rows, e->pooled);
        pooled = e->pooled;
    } else {
        nb_forward_rows(f, &batch);
        nb_embedding_head_pool(&head, f->x, count, rows, f->pooled_x);
    }
    nb_embedding_head_run(&head, pooled, count, out);
}

/* One image through a tower without blocks. */
static void image_encoder_convolve(nb_image_encoder *e, const float *pixels, float *out)
{
    const nb_clip *m = e->clip;
    nb_embedding_head head = nb_image_embedding_head(m);
    float *rows = nb_convolver_run(e->convolver, pixels);
    const nb_block *b = &m->pool_block;
    head.scratch = e->hidden;
    if (e->mean_query) {
        const nb_mean_query_weights weights = {m->image_position, b->packed.qkv ? b->packed.qkv : b->qkv_weight,
                                               b->qkv_bias};
        nb_mean_query_run(e->mean_query, &weights, rows, e->pooled);
    } else {
        nb_embedding_head_pool(&head, rows, 1, nb_clip_patches(&m->config), e->pooled);
    }
    nb_embedding_head_run(&head, e->pooled, 1, out);
}

void nb_image_encoder_run(nb_image_encoder *e, const float *pixels, size_t count, float *out)
{
    const nb_clip_config *c = &e->clip->config;
    for (size_t at = 0; at < count; at += e->together) {
        size_t some = count - at < e->together ? count - at : e->together;
        const float *these = pixels + at * 3 * c->image_size * c->image_size;
        if (c->image.layers) {
            image_encoder_run_some(e, these, some, out + at * c->projection);
        } else {
            image_encoder_convolve(e, these, out + at * c->projection);
        }
    }
}
