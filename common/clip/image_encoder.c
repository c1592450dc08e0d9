#include "common/base/memory.h"
#include "common/clip/model.h"
#include "common/linear/blas.h"
#include "common/linear/kernels.h"

#include <stdlib.h>
#include <string.h>

struct nb_image_encoder {
    const nb_clip *clip;
    size_t batch;
    size_t *lengths; /* [batch], all patches + 1 */
    float *patches;  /* [patches, 3 patch patch] of one image */
    float *x;        /* [batch * (patches + 1), width] */
    float *pooled;   /* [batch, width] */
    nb_tower_scratch scratch;
};

nb_status nb_image_encoder_create(nb_image_encoder **out, const nb_clip *clip, size_t batch, nb_error *err)
{
    const nb_clip_config *c = &clip->config;
    size_t patches = nb_clip_patches(c), rows = batch * (patches + 1);
    nb_status status;
    *out = NULL;
    nb_image_encoder *e = nb_alloc(1, sizeof *e, err);
    if (!e) {
        return NB_ERR_LIMIT;
    }
    e->clip = clip;
    e->batch = batch;
    NB_TRY_NEW(e->lengths, batch);
    for (size_t i = 0; i < batch; i++) {
        e->lengths[i] = patches + 1;
    }
    NB_TRY_NEW(e->patches, patches * 3 * c->patch * c->patch);
    NB_TRY_NEW(e->x, rows * c->image.width);
    NB_TRY_NEW(e->pooled, batch * c->image.width);
    NB_TRY(nb_tower_scratch_create(&e->scratch, &c->image, rows, patches + 1, err));
    *out = e;
    e = NULL;
done:
    nb_image_encoder_destroy(e);
    return status;
}

void nb_image_encoder_destroy(nb_image_encoder *e)
{
    if (e) {
        free(e->lengths);
        free(e->patches);
        free(e->x);
        free(e->pooled);
        nb_tower_scratch_destroy(&e->scratch);
        free(e);
    }
}

/* Cuts one image [3, size, size] into rows [patches, 3 patch patch], the order of the convolution's weights. */
static void cut(const nb_clip_config *c, const float *pixels, float *patches)
{
    size_t size = c->image_size, p = c->patch, side = size / p;
    for (size_t row = 0; row < side; row++) {
        for (size_t column = 0; column < side; column++) {
            float *out = patches + (row * side + column) * 3 * p * p;
            for (size_t channel = 0; channel < 3; channel++) {
                for (size_t y = 0; y < p; y++, out += p) {
                    const float *in = pixels + (channel * size + row * p + y) * size + column * p;
                    memcpy(out, in, p * sizeof *out);
                }
            }
        }
    }
}

void nb_image_encoder_run(nb_image_encoder *e, const float *pixels, size_t count, float *out)
{
    const nb_clip *m = e->clip;
    const nb_clip_config *c = &m->config;
    size_t w = c->image.width, patches = nb_clip_patches(c), area = 3 * c->patch * c->patch;
    for (size_t i = 0; i < count; i++) {
        float *x = e->x + i * (patches + 1) * w;
        cut(c, pixels + i * 3 * c->image_size * c->image_size, e->patches);
        memcpy(x, m->class_embedding, w * sizeof *x);
        nb_sgemm_nt(patches, w, area, e->patches, area, m->patch_embedding, area, 0.0f, x + w, w);
        nb_add(x, m->image_position, (patches + 1) * w);
    }
    nb_layer_norm(e->x, e->x, count * (patches + 1), w, m->pre_norm_weight, m->pre_norm_bias, c->image.epsilon);
    nb_tower_forward(&c->image, m->image_blocks, e->x, e->lengths, count, false, &e->scratch);
    for (size_t i = 0; i < count; i++) {
        nb_layer_norm(e->pooled + i * w, e->x + i * (patches + 1) * w, 1, w, m->post_norm_weight, m->post_norm_bias,
                      c->image.epsilon);
    }
    nb_sgemm_nt(count, c->projection, w, e->pooled, w, m->image_projection, w, 0.0f, out, c->projection);
}
