#include "support/double_towers.h"

#include "common/clip/model/weights.h"
#include "common/clip/towers/patches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void double_model_open(double_model *m, const nb_clip *clip, const float *base)
{
    size_t n = nb_clip_parameters(&clip->config);
    *m = (double_model){.clip = clip, .base = base, .weights = calloc(n, sizeof(double))};
    for (size_t i = 0; i < n; i++) {
        m->weights[i] = (double)base[i];
    }
}

void double_model_close(double_model *m)
{
    free(m->weights);
}

static const double *at(const double_model *m, const float *weight)
{
    return m->weights + (weight - m->base);
}

static void norm(const double_model *m, double *out, const double *x, size_t rows, size_t w, const float *weight,
                 const float *bias, float epsilon)
{
    for (size_t r = 0; r < rows; r++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < w; i++) {
            mean += x[r * w + i] / (double)w;
        }
        for (size_t i = 0; i < w; i++) {
            squares += (x[r * w + i] - mean) * (x[r * w + i] - mean) / (double)w;
        }
        for (size_t i = 0; i < w; i++) {
            out[r * w + i] =
                (x[r * w + i] - mean) / sqrt(squares + (double)epsilon) * at(m, weight)[i] + at(m, bias)[i];
        }
    }
}

/* out [rows, n] = x [rows, k] weight [n, k]^T + bias */
static void linear(const double_model *m, double *out, const double *x, size_t rows, size_t k, size_t n,
                   const float *weight, const float *bias)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i++) {
            double sum = bias ? at(m, bias)[i] : 0;
            for (size_t c = 0; c < k; c++) {
                sum += x[r * k + c] * at(m, weight)[i * k + c];
            }
            out[r * n + i] = sum;
        }
    }
}

static void attend(const double *qkv, double *out, size_t rows, size_t w, size_t heads, bool causal)
{
    size_t head = w / heads;
    double *p = calloc(rows, sizeof *p);
    for (size_t h = 0; h < heads; h++) {
        for (size_t r = 0; r < rows; r++) {
            size_t keys = causal ? r + 1 : rows;
            double sum = 0;
            for (size_t j = 0; j < keys; j++) {
                p[j] = 0;
                for (size_t c = h * head; c < (h + 1) * head; c++) {
                    p[j] += qkv[r * 3 * w + c] * qkv[j * 3 * w + w + c];
                }
                p[j] = exp(p[j] / sqrt((double)head));
                sum += p[j];
            }
            for (size_t c = h * head; c < (h + 1) * head; c++) {
                out[r * w + c] = 0;
                for (size_t j = 0; j < keys; j++) {
                    out[r * w + c] += p[j] / sum * qkv[j * 3 * w + 2 * w + c];
                }
            }
        }
    }
    free(p);
}

static void tower(const double_model *m, const nb_tower_config *c, const nb_block *blocks, double *x, size_t rows,
                  bool causal)
{
    size_t w = c->width;
    double *normed = calloc(rows * w, sizeof(double)), *qkv = calloc(rows * 3 * w, sizeof(double));
    double *attention_out = calloc(rows * w, sizeof(double)), *hidden = calloc(rows * c->mlp, sizeof(double));
    for (size_t layer = 0; layer < c->layers; layer++) {
        const nb_block *b = &blocks[layer];
        norm(m, normed, x, rows, w, b->norm1_weight, b->norm1_bias, c->epsilon);
        linear(m, qkv, normed, rows, w, 3 * w, b->qkv_weight, b->qkv_bias);
        attend(qkv, attention_out, rows, w, c->heads, causal);
        linear(m, normed, attention_out, rows, w, w, b->out_weight, b->out_bias);
        for (size_t i = 0; i < rows * w; i++) {
            x[i] += normed[i];
        }
        norm(m, normed, x, rows, w, b->norm2_weight, b->norm2_bias, c->epsilon);
        linear(m, hidden, normed, rows, w, c->mlp, b->fc1_weight, b->fc1_bias);
        for (size_t i = 0; i < rows * c->mlp; i++) {
            hidden[i] = c->activation == NB_QUICK_GELU ? hidden[i] / (1 + exp(-1.702 * hidden[i]))
                                                       : 0.5 * hidden[i] * (1 + erf(hidden[i] * M_SQRT1_2));
        }
        linear(m, normed, hidden, rows, c->mlp, w, b->fc2_weight, b->fc2_bias);
        for (size_t i = 0; i < rows * w; i++) {
            x[i] += normed[i];
        }
    }
    free(normed), free(qkv), free(attention_out), free(hidden);
}

void double_text(const double_model *m, const int32_t *ids, size_t length, double *out)
{
    const nb_clip *clip = m->clip;
    size_t w = clip->config.text.width;
    double *x = calloc(length * w, sizeof *x), *normed = calloc(w, sizeof *normed);
    for (size_t r = 0; r < length; r++) {
        for (size_t i = 0; i < w; i++) {
            x[r * w + i] = at(m, clip->token_embedding)[(size_t)ids[r] * w + i] + at(m, clip->text_position)[r * w + i];
        }
    }
    tower(m, &clip->config.text, clip->text_blocks, x, length, true);
    norm(m, normed, x + (length - 1) * w, 1, w, clip->text_norm_weight, clip->text_norm_bias,
         clip->config.text.epsilon);
    linear(m, out, normed, 1, w, clip->config.projection, clip->text_projection, NULL);
    free(x), free(normed);
}

void double_image(const double_model *m, const float *pixels, double *out)
{
    const nb_clip *clip = m->clip;
    const nb_clip_config *c = &clip->config;
    size_t w = c->image.width, patches = nb_clip_patches(c), area = 3 * c->patch * c->patch, rows = patches + 1;
    float *cut = calloc(patches * area, sizeof *cut);
    double *in = calloc(patches * area, sizeof *in), *x = calloc(rows * w, sizeof *x);
    double *normed = calloc(w, sizeof *normed);
    nb_patches_cut(c, pixels, cut);
    for (size_t i = 0; i < patches * area; i++) {
        in[i] = (double)cut[i];
    }
    memcpy(x, at(m, clip->class_embedding), w * sizeof *x);
    linear(m, x + w, in, patches, area, w, clip->patch_embedding, NULL);
    for (size_t i = 0; i < rows * w; i++) {
        x[i] += at(m, clip->image_position)[i];
    }
    norm(m, x, x, rows, w, clip->pre_norm_weight, clip->pre_norm_bias, c->image.epsilon);
    tower(m, &c->image, clip->image_blocks, x, rows, false);
    norm(m, normed, x, 1, w, clip->post_norm_weight, clip->post_norm_bias, c->image.epsilon);
    linear(m, out, normed, 1, w, c->projection, clip->image_projection, NULL);
    free(cut), free(in), free(x), free(normed);
}
