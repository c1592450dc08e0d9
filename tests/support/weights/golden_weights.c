#include "support/weights/golden_weights.h"

#include "common/base/memory.h"
#include "common/clip/checkpoint/safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS_MAX = 160 };

/* A file that is being put together. */
typedef struct maker {
    nb_safetensors *from;
    nb_tensor tensors[TENSORS_MAX];
    char names[TENSORS_MAX][80];
    void *owned[TENSORS_MAX]; /* what a tensor's data are in, NULL where they lie in `from` */
    size_t count;
} maker;

/* ---- 16 bits ---- */

/* x >> places, the nearest, of two as near the even one. */
static uint32_t rounded_shift(uint32_t x, unsigned places)
{
    uint32_t kept = x >> places, rest = x & ((1U << places) - 1), half = 1U << (places - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

/* A carry out of the mantissa goes on into the exponent, which is what rounding up to the next power of two is. */
static uint16_t to_bf16(uint32_t bits)
{
    return (uint16_t)rounded_shift(bits, 16);
}

/* Of a finite number. */
static uint16_t to_f16(uint32_t bits)
{
    uint32_t sign = bits >> 16 & 0x8000U, exponent = bits >> 23 & 255U, mantissa = bits & 0x7fffffU, out;
    if (exponent >= 113) { /* 2^-14 and more: normal numbers */
        out = rounded_shift((exponent - 112) << 23 | mantissa, 13);
        out = out < 0x7c00U ? out : 0x7c00U;
    } else if (exponent >= 102) { /* the subnormal ones, and what rounds up to the least of them */
        out = rounded_shift(mantissa | 0x800000U, 126 - exponent);
    } else {
        out = 0;
    }
    return (uint16_t)(sign | out);
}

static nb_status add_half(maker *m, const nb_tensor *t, bool bf16, nb_error *err)
{
    nb_status status = NB_OK;
    uint16_t *half = NULL;
    NB_TRY_NEW(half, t->count);
    for (size_t i = 0; i < t->count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)t->data + 4 * i, sizeof bits);
        half[i] = bf16 ? to_bf16(bits) : to_f16(bits);
    }
    m->owned[m->count] = half;
    m->tensors[m->count] = *t;
    m->tensors[m->count].dtype = bf16 ? NB_BF16 : NB_F16;
    m->tensors[m->count++].data = half;
done:
    return status;
}

/* ---- open_clip's names ---- */

typedef struct name_pair {
    const char *to, *from;
    bool transposed; /* open_clip's projections are [width, embedding] */
} name_pair;

static const name_pair first[] = {
    {"positional_embedding", "text_model.embeddings.position_embedding.weight", false},
    {"text_projection", "text_projection.weight", true},
    {"logit_scale", "logit_scale", false},
    {"visual.class_embedding", "vision_model.embeddings.class_embedding", false},
    {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", false},
    {"visual.proj", "visual_projection.weight", true},
    {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", false},
    {"visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", false},
    {"visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", false},
};
static const name_pair between[] = {
    {"visual.ln_post.weight", "vision_model.post_layernorm.weight", false},
    {"visual.ln_post.bias", "vision_model.post_layernorm.bias", false},
};
static const name_pair last[] = {
    {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", false},
    {"ln_final.weight", "text_model.final_layer_norm.weight", false},
    {"ln_final.bias", "text_model.final_layer_norm.bias", false},
};
/* Behind the three matrices of queries, keys and values, which are one. */
static const name_pair in_block[] = {
    {"attn.out_proj", "self_attn.out_proj", false},
    {"ln_1", "layer_norm1", false},
    {"mlp.c_fc", "mlp.fc1", false},
    {"mlp.c_proj", "mlp.fc2", false},
    {"ln_2", "layer_norm2", false},
};

static nb_status find(const maker *m, const char *name, const nb_tensor **out, nb_error *err)
{
    *out = nb_safetensors_find(m->from, name);
    return *out ? NB_OK : nb_fail(err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_safetensors_path(m->from), name);
}

/* The next tensor, under the name that m->names has for it. */
static nb_tensor *next(maker *m, const nb_tensor *like, void *owned)
{
    nb_tensor *out = &m->tensors[m->count];
    *out = *like;
    out->name = m->names[m->count];
    if (owned) {
        out->data = owned;
    }
    m->owned[m->count++] = owned;
    return out;
}

static nb_status add_renamed(maker *m, const name_pair *r, nb_error *err)
{
    nb_status status = NB_OK;
    const nb_tensor *t;
    float *turned = NULL;
    NB_TRY(find(m, r->from, &t, err));
    if (r->transposed) {
        NB_TRY_NEW(turned, t->count);
        for (size_t i = 0; i < t->count; i++) {
            size_t row = i / t->shape[1], column = i % t->shape[1];
            memcpy(turned + column * t->shape[0] + row, (const char *)t->data + 4 * i, sizeof *turned);
        }
    }
    snprintf(m->names[m->count], sizeof m->names[0], "%s", r->to);
    nb_tensor *out = next(m, t, turned);
    if (r->transposed) {
        out->shape[0] = t->shape[1];
        out->shape[1] = t->shape[0];
    }
done:
    return status;
}

static nb_status add_all(maker *m, const name_pair *all, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        NB_TRY(add_renamed(m, &all[i], err));
    }
done:
    return status;
}

static nb_status add_in_proj(maker *m, const char *to, const char *from, const char *kind, nb_error *err)
{
    static const char parts[3] = {'q', 'k', 'v'};
    nb_status status = NB_OK;
    const nb_tensor *t = NULL;
    char *joined = NULL, name[96];
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s.self_attn.%c_proj.%s", from, parts[i], kind);
        NB_TRY(find(m, name, &t, err));
        if (!joined) {
            joined = nb_alloc(3 * t->count, sizeof(float), err);
            NB_TRY(joined ? NB_OK : NB_ERR_LIMIT);
        }
        memcpy(joined + 4 * i * t->count, t->data, 4 * t->count);
    }
    snprintf(m->names[m->count], sizeof m->names[0], "%s.attn.in_proj_%s", to, kind);
    nb_tensor *out = next(m, t, joined);
    out->shape[0] *= 3;
    out->count *= 3;
    joined = NULL;
done:
    free(joined);
    return status;
}

static nb_status add_block(maker *m, const char *to, const char *from, nb_error *err)
{
    static const char *const kinds[2] = {"weight", "bias"};
    nb_status status = NB_OK;
    for (size_t k = 0; k < 2; k++) {
        NB_TRY(add_in_proj(m, to, from, kinds[k], err));
    }
    for (size_t i = 0; i < sizeof in_block / sizeof in_block[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            char new_name[80], old_name[96];
            snprintf(new_name, sizeof new_name, "%s.%s.%s", to, in_block[i].to, kinds[k]);
            snprintf(old_name, sizeof old_name, "%s.%s.%s", from, in_block[i].from, kinds[k]);
            const name_pair pair = {new_name, old_name, false};
            NB_TRY(add_renamed(m, &pair, err));
        }
    }
done:
    return status;
}

static nb_status add_tower(maker *m, const char *to, const char *from, nb_error *err)
{
    nb_status status = NB_OK;
    for (int layer = 0; layer < 3; layer++) { /* the golden model's */
        char new_name[40], old_name[48];
        snprintf(new_name, sizeof new_name, "%s.resblocks.%d", to, layer);
        snprintf(old_name, sizeof old_name, "%s.encoder.layers.%d", from, layer);
        NB_TRY(add_block(m, new_name, old_name, err));
    }
done:
    return status;
}

/* In the order of open_clip's own file. */
static nb_status add_open_clip(maker *m, nb_error *err)
{
    nb_status status = NB_OK;
    NB_TRY(add_all(m, first, sizeof first / sizeof first[0], err));
    NB_TRY(add_tower(m, "visual.transformer", "vision_model", err));
    NB_TRY(add_all(m, between, sizeof between / sizeof between[0], err));
    NB_TRY(add_tower(m, "transformer", "text_model", err));
    NB_TRY(add_all(m, last, sizeof last / sizeof last[0], err));
done:
    return status;
}

/* ---- files ---- */

static const char *const made[] = {"model.f16.safetensors", "model.bf16.safetensors", "open_clip_model.safetensors"};

bool golden_weights_made(const char *file)
{
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        if (strcmp(file, made[i]) == 0) {
            return true;
        }
    }
    return false;
}

nb_status golden_weights_make(const char *source, const char *file, const char *path, nb_error *err)
{
    nb_status status = NB_OK;
    maker *m = NULL;
    if (!golden_weights_made(file)) {
        return nb_fail(err, NB_ERR_USAGE, "'%s' is not one of the files that are made", file);
    }
    NB_TRY_NEW(m, 1);
    memset(m, 0, sizeof *m);
    NB_TRY(nb_safetensors_open(&m->from, source, err));
    if (strcmp(file, made[2]) == 0) {
        NB_TRY(add_open_clip(m, err));
    } else {
        for (size_t i = 0; i < nb_safetensors_count(m->from) && i < TENSORS_MAX; i++) {
            NB_TRY(add_half(m, nb_safetensors_at(m->from, i), strcmp(file, made[1]) == 0, err));
        }
    }
    NB_TRY(nb_safetensors_write(path, false, m->tensors, m->count, NULL, err));
done:
    if (m) {
        for (size_t i = 0; i < m->count; i++) {
            free(m->owned[i]);
        }
        nb_safetensors_close(m->from);
    }
    free(m);
    return status;
}
