#include "common/clip/gradients/backward_towers.h"

#include "common/base/memory.h"
#include "common/clip/towers/patches.h"
#include "common/linear/blas.h"

#include <stdlib.h>
#include <string.h>

/* The projection head of the image tower; borrows the weights. */
static nb_projection_head backward_image_projection_head(const nb_clip *m)
{
    return (nb_projection_head){.norm_weight = m->post_norm_weight,
                                .norm_bias = m->post_norm_bias,
                                .projection = m->image_projection,
                                .width = m->config.image.width,
                                .d = m->config.projection,
                                .epsilon = m->config.image.epsilon,
                                .vector = nb_vector_best(),
                                .gradient = nb_gradient_best()};
}

nb_status nb_image_tape_create(nb_image_tape *t, const nb_clip *clip, size_t batch, bool recompute, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t length = nb_clip_patches(c) + 1, rows = batch * length, w = c->image.width;
    const nb_tape_size size = {.rows = rows, .longest = length, .recompute = recompute};
    nb_status status;
    *t = (nb_image_tape){.clip = clip, .batch = batch, .head = backward_image_projection_head(clip)};
    NB_TRY(nb_tape_create(&t->tape, &c->image, clip->image_blocks, &size, err));
    NB_TRY_NEW(t->lengths, batch);
    NB_TRY_NEW(t->patches, (length - 1) * 3 * c->patch * c->patch);
    NB_TRY_NEW(t->embedded, rows * w);
    NB_TRY(nb_pooled_rows_create(&t->pooled_rows, batch, w, err));
    NB_TRY_NEW(t->d, rows * w);
    NB_TRY_NEW(t->dembedded, rows * w);
    for (size_t i = 0; i < batch; i++) {
        t->lengths[i] = length;
    }
done:
    if (status != NB_OK) {
        nb_image_tape_destroy(t);
    }
    return status;
}

void nb_image_tape_destroy(nb_image_tape *t)
{
    nb_tape_destroy(&t->tape);
    free(t->lengths);
    free(t->patches);
    free(t->embedded);
    nb_pooled_rows_destroy(&t->pooled_rows);
    free(t->d);
    free(t->dembedded);
    *t = (nb_image_tape){0};
}

size_t nb_tapes_bytes(const nb_clip_config *c, size_t batch, bool recompute)
{
    size_t length = nb_clip_patches(c) + 1, pixels = 3 * c->image_size * c->image_size;
    const nb_tape_size text = {batch * c->context, c->context, true, recompute};
    const nb_tape_size image = {batch * length, length, false, recompute};
    return nb_tape_bytes(&c->text, &text) + nb_tape_bytes(&c->image, &image) +
           sizeof(float) * batch * (c->context * c->text.width + 3 * length * c->image.width + pixels);
}

void nb_image_tape_forward(nb_image_tape *t, const float *pixels, size_t count, float *out)
{
    const nb_clip *m = t->clip;
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width, patches = nb_clip_patches(c), rows = patches + 1, area = 3 * c->patch * c->patch;
    t->pixels = pixels;
    t->count = count;
    for (size_t i = 0; i < count; i++) {
        float *x = t->embedded + i * rows * w;
        nb_patches_cut(c, pixels + i * 3 * c->image_size * c->image_size, t->patches);
        memcpy(x, m->class_embedding, w * sizeof *x);
        nb_sgemm_nt(nb_matrix_of(t->patches, patches, area), nb_matrix_of(m->patch_embedding, w, area), 0.0f, x + w, w);
        t->tape.vector->add(x, x, m->image_position, rows * w);
    }
    t->tape.vector->layer_norm(nb_tape_input(&t->tape), t->embedded, count * rows,
                               &(nb_norm_layer){m->pre_norm_weight, m->pre_norm_bias, w, c->image.epsilon});
    const float *last = nb_tape_forward(&t->tape, t->lengths, NULL, count);
    for (size_t i = 0; i < count; i++) {
        memcpy(t->pooled_rows.pooled + i * w, last + i * rows * w, w * sizeof *last);
    }
    nb_projection_head_forward(&t->head, &t->pooled_rows, count, out);
}

/* The gradients of class token, positions and the patches' projection, from dembedded. */
static void backward_image_embedding(nb_image_tape *t, const nb_gradient_sink *sink)
{
    const nb_clip *m = t->clip;
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width, patches = nb_clip_patches(c), rows = patches + 1, area = 3 * c->patch * c->patch;
    float *token = nb_gradient_sink_at(sink, m->class_embedding),
          *position = nb_gradient_sink_at(sink, m->image_position);
    for (size_t i = 0; i < t->count; i++) {
        const float *d = t->dembedded + i * rows * w;
        t->tape.vector->add(token, token, d, w);
        t->tape.vector->add(position, position, d, rows * w);
        nb_patches_cut(c, t->pixels + i * 3 * c->image_size * c->image_size, t->patches);
        nb_sgemm_tn(1.0f, nb_matrix_of(d + w, patches, w), nb_matrix_of(t->patches, patches, area), 1.0f,
                    nb_gradient_sink_at(sink, m->patch_embedding), area);
    }
}

void nb_image_tape_backward(nb_image_tape *t, const float *dout, const nb_gradient_sink *sink)
{
    const nb_clip *m = t->clip;
    size_t w = m->config.image.width, rows = nb_clip_patches(&m->config) + 1, used = t->count * rows;
    nb_projection_head_backward(&t->head, &t->pooled_rows, dout, t->count, sink);
    memset(t->d, 0, used * w * sizeof *t->d);
    for (size_t i = 0; i < t->count; i++) {
        memcpy(t->d + i * rows * w, t->pooled_rows.dpooled + i * w, w * sizeof *t->d);
    }
    nb_tape_backward(&t->tape, t->d, sink);
    if (sink->gradients) {
        memset(t->dembedded, 0, used * w * sizeof *t->dembedded);
        t->tape.gradient->layer_norm(t->dembedded,
                                     &(nb_norm_gradient){nb_gradient_sink_at(sink, m->pre_norm_weight),
                                                         nb_gradient_sink_at(sink, m->pre_norm_bias)},
                                     t->d, t->embedded, used,
                                     &(nb_norm_layer){m->pre_norm_weight, NULL, w, m->config.image.epsilon});
        backward_image_embedding(t, sink);
    }
}
