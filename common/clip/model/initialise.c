#include "common/clip/model/initialise.h"

#include "common/base/random.h"
#include "common/clip/model/weights.h"

#include <math.h>

/* Draws tensor after tensor, each from a stream of its own. */
typedef struct initialiser {
    float *arena;
    const float *base;
    uint64_t seed, stream;
} initialiser;

static void initialise_draw(initialiser *w, const float *tensor, size_t count, double mean, double deviation)
{
    float *to = w->arena + (tensor - w->base);
    for (size_t i = 0; i < count; i++) {
        double noise = deviation > 0 ? deviation * nb_random_normal(w->seed, w->stream, i) : 0;
        to[i] = (float)(mean + noise);
    }
    w->stream++;
}

static void initialise_draw_norm(initialiser *w, const float *weight, const float *bias, size_t width)
{
    initialise_draw(w, weight, width, 1, 0);
    initialise_draw(w, bias, width, 0, 0);
}

static void initialise_draw_tower(initialiser *w, const nb_tower_config *c, const nb_block *blocks)
{
    size_t n = c->width;
    double attention = pow((double)n, -0.5), branch_out = attention * pow(2.0 * (double)c->layers, -0.5);
    for (size_t i = 0; i < c->layers; i++) {
        const nb_block *b = &blocks[i];
        initialise_draw_norm(w, b->norm1_weight, b->norm1_bias, n);
        initialise_draw(w, b->qkv_weight, 3 * n * n, 0, attention);
        initialise_draw(w, b->qkv_bias, 3 * n, 0, 0);
        initialise_draw(w, b->out_weight, n * n, 0, branch_out);
        initialise_draw(w, b->out_bias, n, 0, 0);
        initialise_draw_norm(w, b->norm2_weight, b->norm2_bias, n);
        initialise_draw(w, b->fc1_weight, c->mlp * n, 0, pow(2.0 * (double)n, -0.5));
        initialise_draw(w, b->fc1_bias, c->mlp, 0, 0);
        initialise_draw(w, b->fc2_weight, n * c->mlp, 0, branch_out);
        initialise_draw(w, b->fc2_bias, n, 0, 0);
    }
}

nb_status nb_clip_initialise(nb_clip *m, float *arena, uint64_t seed, nb_error *err)
{
    const nb_clip_config *c = &m->config;
    size_t text = c->text.width, image = c->image.width, area = 3 * c->patch * c->patch;
    double text_scale = pow((double)text, -0.5), image_scale = pow((double)image, -0.5);
    initialiser w = {.arena = arena, .base = arena, .seed = seed};
    nb_status status = nb_clip_weights_bind(m, arena, err);
    if (status != NB_OK) {
        return status;
    }
    initialise_draw(&w, m->token_embedding, c->vocabulary * text, 0, 0.02);
    initialise_draw(&w, m->text_position, c->context * text, 0, 0.01);
    initialise_draw_tower(&w, &c->text, m->text_blocks);
    initialise_draw_norm(&w, m->text_norm_weight, m->text_norm_bias, text);
    initialise_draw(&w, m->text_projection, c->projection * text, 0, text_scale);
    initialise_draw(&w, m->class_embedding, image, 0, image_scale);
    initialise_draw(&w, m->patch_embedding, image * area, 0, 0.02);
    initialise_draw(&w, m->image_position, (nb_clip_patches(c) + 1) * image, 0, image_scale);
    initialise_draw_norm(&w, m->pre_norm_weight, m->pre_norm_bias, image);
    initialise_draw_tower(&w, &c->image, m->image_blocks);
    initialise_draw_norm(&w, m->post_norm_weight, m->post_norm_bias, image);
    initialise_draw(&w, m->image_projection, c->projection * image, 0, image_scale);
    arena[nb_clip_parameters(c) - 1] = (float)log(1 / 0.07); /* the logit scale stands last */
    return nb_clip_weights_bind(m, arena, err);
}
