#include "common/clip/gradients/backward_towers.h"

#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

nb_projection_head nb_text_projection_head(const nb_clip *m)
{
    return (nb_projection_head){.norm_weight = m->text_norm_weight,
                                .norm_bias = m->text_norm_bias,
                                .projection = m->text_projection,
                                .width = m->config.text.width,
                                .d = m->config.projection,
                                .epsilon = m->config.text.epsilon,
                                .vector = nb_vector_best(),
                                .gradient = nb_gradient_best()};
}

nb_status nb_text_tape_create(nb_text_tape *t, const nb_clip *clip, size_t batch, bool recompute, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t rows = batch * c->context, w = c->text.width;
    const nb_tape_size size = {.rows = rows, .longest = c->context, .causal = true, .recompute = recompute};
    nb_status status;
    *t = (nb_text_tape){.clip = clip, .batch = batch, .head = nb_text_projection_head(clip)};
    NB_TRY(nb_tape_create(&t->tape, &c->text, clip->text_blocks, &size, err));
    NB_TRY_NEW(t->lengths, batch);
    NB_TRY(nb_pooled_rows_create(&t->pooled_rows, batch, w, err));
    NB_TRY_NEW(t->d, rows * w);
done:
    if (status != NB_OK) {
        nb_text_tape_destroy(t);
    }
    return status;
}

void nb_text_tape_destroy(nb_text_tape *t)
{
    nb_tape_destroy(&t->tape);
    free(t->lengths);
    nb_pooled_rows_destroy(&t->pooled_rows);
    free(t->d);
    *t = (nb_text_tape){0};
}

void nb_text_tape_forward(nb_text_tape *t, const int32_t *ids, const size_t *lengths, size_t count, float *out)
{
    const nb_clip *m = t->clip;
    size_t w = m->config.text.width, context = m->config.context;
    float *x = nb_tape_input(&t->tape);
    t->ids = ids;
    t->count = count;
    memcpy(t->lengths, lengths, count * sizeof *lengths);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < lengths[i]; k++, x += w) {
            const float *token = m->token_embedding + (size_t)ids[i * context + k] * w;
            t->tape.vector->add(x, token, m->text_position + k * w, w);
        }
    }
    const float *last = nb_tape_forward(&t->tape, t->lengths, NULL, count);
    for (size_t i = 0, row = 0; i < count; i++) {
        row += lengths[i];
        memcpy(t->pooled_rows.pooled + i * w, last + (row - 1) * w, w * sizeof *last);
    }
    nb_projection_head_forward(&t->head, &t->pooled_rows, count, out);
}

void nb_text_tape_backward(nb_text_tape *t, const float *dout, const nb_gradient_sink *sink)
{
    const nb_clip *m = t->clip;
    size_t w = m->config.text.width, context = m->config.context;
    nb_projection_head_backward(&t->head, &t->pooled_rows, dout, t->count, sink);
    memset(t->d, 0, t->tape.used * w * sizeof *t->d);
    for (size_t i = 0, row = 0; i < t->count; i++) {
        row += t->lengths[i];
        memcpy(t->d + (row - 1) * w, t->pooled_rows.dpooled + i * w, w * sizeof *t->d);
    }
    nb_tape_backward(&t->tape, t->d, sink);
    const float *d = t->d;
    for (size_t i = 0; sink->gradients && i < t->count; i++) {
        for (size_t k = 0; k < t->lengths[i]; k++, d += w) {
            float *token = nb_gradient_sink_at(sink, m->token_embedding) + (size_t)t->ids[i * context + k] * w;
            float *position = nb_gradient_sink_at(sink, m->text_position) + k * w;
            t->tape.vector->add(token, token, d, w);
            t->tape.vector->add(position, position, d, w);
        }
    }
}
