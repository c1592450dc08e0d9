#include "common/clip/model/convolution_weights.h"

#include "common/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKED_ALIGN = 64, NAME_MAX_ALL = NB_TENSOR_PART_NAME_MAX + 16 };

/* The visitor's state. */
typedef struct taking {
    nb_convolution_weights *weights;
    size_t layer;
    nb_error *err;
    nb_status status; /* the first failure; nothing is done after it */
} taking;

/* What is being read: a layer, and what a summand of it is multiplied by and adds. */
typedef struct reading {
    const nb_convolution_weights *weights;
    const nb_layer *layer;
    float *values;            /* [4 outputs] memory for vectors; NULL where nothing is read, as all behind it */
    double *factor, *summand; /* [outputs] of one summand */
    float *stored;            /* a matrix as the file has it */
} reading;

/* Checks the tensor NAME LAST under the layer's prefix, and reads it where `to` is not NULL. */
static nb_status convolution_take(const reading *r, const char *const names[2], nb_tensor_shape shape, float *to,
                                  nb_error *err)
{
    const nb_stored_tensors *from = &r->weights->from;
    char name[NAME_MAX_ALL];
    size_t at;
    snprintf(name, sizeof name, "%s%s%s", r->layer->names->prefix, names[0], names[1]);
    if (!nb_checkpoint_find(from->checkpoint, name, &at)) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_checkpoint_path(from->checkpoint), name);
        return nb_hint(err, "%s says that the image tower has it", from->config);
    }
    return nb_stored_tensor_take(from, at, &shape, false, to, err);
}

/* A batch norm of known mean and variance is a factor and a summand. */
static nb_status convolution_fold_norm(reading *r, const char *norm, nb_error *err)
{
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
    size_t n = r->layer->outputs;
    const float *v = r->values;
    nb_status status;
    for (size_t i = 0; i < 4; i++) {
        NB_TRY(convolution_take(r, (const char *const[]){norm, parts[i]}, (nb_tensor_shape){1, {n}},
                                r->values ? r->values + i * n : NULL, err));
    }
    for (size_t i = 0; v && i < n; i++) {
        double variance = (double)v[3 * n + i] + (double)r->layer->epsilon;
        if (!(variance > 0)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': element %zu of tensor '%s%s.running_var' is %g",
                             nb_checkpoint_path(r->weights->from.checkpoint), i, r->layer->names->prefix, norm,
                             (double)v[3 * n + i]);
            goto done;
        }
        r->factor[i] = (double)v[i] / sqrt(variance);
        r->summand[i] = (r->summand[i] - (double)v[2 * n + i]) * r->factor[i] + (double)v[n + i];
    }
done:
    return status;
}

static nb_status convolution_fold_scale(reading *r, const char *scale, nb_error *err)
{
    size_t n = r->layer->outputs;
    const nb_tensor_shape shape = r->layer->planar ? (nb_tensor_shape){3, {n, 1, 1}} : (nb_tensor_shape){1, {n}};
    nb_status status = convolution_take(r, (const char *const[]){scale, ""}, shape, r->values, err);
    for (size_t i = 0; r->values && status == NB_OK && i < n; i++) {
        r->factor[i] *= (double)r->values[i];
        r->summand[i] *= (double)r->values[i];
    }
    return status;
}

/* Channels that one output looks at. */
static size_t convolution_inputs(const nb_layer *l)
{
    return l->kind == NB_LAYER_DEPTHWISE ? 1 : l->inputs;
}

/* The place of a weight: matrices are [outputs, window, inputs], those of a depthwise layer [window, outputs]. */
static size_t convolution_place(const nb_layer *l, size_t output, size_t pixel, size_t input)
{
    return l->kind == NB_LAYER_DEPTHWISE ? pixel * l->outputs + output
                                         : (output * l->kernel * l->kernel + pixel) * l->inputs + input;
}

/* Adds a summand's stored matrix [outputs, inputs, kernel, kernel], or every channel as it is, times its factors. */
static void convolution_add_matrix(const reading *r, const nb_layer_term *t, float *matrix)
{
    const nb_layer *l = r->layer;
    size_t inputs = convolution_inputs(l), kernel = t->kernel ? t->kernel : l->kernel, edge = (l->kernel - kernel) / 2;
    for (size_t o = 0; o < l->outputs && !t->name; o++) {
        size_t middle = l->kernel / 2 * (l->kernel + 1);
        matrix[convolution_place(l, o, middle, o % inputs)] += (float)r->factor[o];
    }
    for (size_t at = 0; t->name && at < l->outputs * inputs * kernel * kernel; at++) {
        size_t pixel = at % (kernel * kernel), o = at / (kernel * kernel * inputs);
        size_t row = pixel / kernel + edge, column = pixel % kernel + edge;
        matrix[convolution_place(l, o, row * l->kernel + column, at / (kernel * kernel) % inputs)] +=
            (float)((double)r->stored[at] * r->factor[o]);
    }
}

static nb_status convolution_add_term(reading *r, const nb_layer_term *t, float *bias, float *matrix, nb_error *err)
{
    const nb_layer *l = r->layer;
    size_t kernel = t->kernel ? t->kernel : l->kernel, n = l->outputs;
    const nb_tensor_shape shape = l->flat ? (nb_tensor_shape){2, {n, l->inputs}}
                                          : (nb_tensor_shape){4, {n, convolution_inputs(l), kernel, kernel}};
    nb_status status = NB_OK;
    if (t->name) {
        NB_TRY(convolution_take(r, (const char *const[]){t->name, ".weight"}, shape, r->stored, err));
    }
    if (t->bias) {
        NB_TRY(convolution_take(r, (const char *const[]){t->name, ".bias"}, (nb_tensor_shape){1, {n}}, r->values, err));
    }
    for (size_t i = 0; r->values && i < n; i++) {
        r->factor[i] = 1;
        r->summand[i] = t->bias ? (double)r->values[i] : 0;
    }
    if (t->norm) {
        NB_TRY(convolution_fold_norm(r, t->norm, err));
    }
    if (t->scale) {
        NB_TRY(convolution_fold_scale(r, t->scale, err));
    }
    for (size_t i = 0; r->values && bias && i < n; i++) {
        r->factor[i] = t->negative ? -r->factor[i] : r->factor[i];
        bias[i] += (float)(t->negative ? -r->summand[i] : r->summand[i]);
    }
    if (r->values && matrix) {
        convolution_add_matrix(r, t, matrix);
    }
done:
    return status;
}

/* Matrix and bias of a convolution of either kind, into the arena where there is one. */
static nb_status convolution_read(const nb_convolution_weights *w, const nb_layer *l, float *bias, void *matrix,
                                  nb_error *err)
{
    const nb_layer_names *names = l->names;
    size_t row = convolution_inputs(l) * l->kernel * l->kernel, n = l->outputs;
    nb_layer_term first = {.name = names->name, .norm = names->norm, .scale = names->scale, .bias = l->bias};
    reading r = {.weights = w, .layer = l};
    float *sum = NULL;
    nb_status status = NB_OK;
    if (w->arena) {
        NB_TRY_NEW(r.values, 4 * n);
        NB_TRY_NEW(r.factor, n);
        NB_TRY_NEW(r.summand, n);
        NB_TRY_NEW(r.stored, n * row);
        NB_TRY_NEW(sum, n * row);
        memset(bias, 0, n * sizeof *bias);
    }
    NB_TRY(convolution_add_term(&r, &first, bias, sum, err));
    for (size_t i = 0; i < names->more_count; i++) {
        NB_TRY(convolution_add_term(&r, &names->more[i], bias, sum, err));
    }
    if (w->arena && l->kind == NB_LAYER_DEPTHWISE) {
        memcpy(matrix, sum, n * row * sizeof *sum);
    } else if (w->arena) {
        w->engine->pack(w->engine, matrix, sum, n, row);
    }
done:
    free(r.values);
    free(r.factor);
    free(r.summand);
    free(r.stored);
    free(sum);
    return status;
}

static nb_status convolution_read_norm(const nb_convolution_weights *w, const nb_layer *l, float *bias, float *weight,
                                       nb_error *err)
{
    const nb_tensor_shape shape = {1, {l->outputs}};
    const reading r = {.weights = w, .layer = l};
    nb_status status = convolution_take(&r, (const char *const[]){l->names->name, ".weight"}, shape, weight, err);
    return status == NB_OK ? convolution_take(&r, (const char *const[]){l->names->name, ".bias"}, shape, bias, err)
                           : status;
}

/* Bytes that a layer's matrix takes. */
static size_t convolution_matrix_bytes(const nb_convolution_weights *w, const nb_layer *l)
{
    size_t area = l->kernel * l->kernel;
    return l->kind == NB_LAYER_NORM        ? l->outputs * sizeof(float)
           : l->kind == NB_LAYER_DEPTHWISE ? area * l->outputs * sizeof(float)
                                           : w->engine->weight_bytes(l->outputs, area * l->inputs);
}

static void convolution_take_layer(void *visitor, const nb_layer *l)
{
    taking *t = visitor;
    nb_convolution_weights *w = t->weights;
    nb_convolution *c = w->layers ? &w->layers[t->layer++] : NULL;
    if (c) {
        *c = (nb_convolution){.layer = *l};
        c->layer.names = NULL;
    }
    bool weighted = l->kind == NB_LAYER_NORM || l->kind == NB_LAYER_CONVOLUTION || l->kind == NB_LAYER_DEPTHWISE;
    if (t->status != NB_OK || !weighted) {
        return;
    }
    float *bias = w->arena ? (void *)(w->arena + w->used) : NULL;
    w->used += l->outputs * sizeof *bias;
    bool packed = w->engine->packs && l->kind == NB_LAYER_CONVOLUTION;
    if (packed) {
        w->used = (w->used + PACKED_ALIGN - 1) / PACKED_ALIGN * PACKED_ALIGN;
    }
    void *matrix = w->arena ? w->arena + w->used : NULL;
    w->used += convolution_matrix_bytes(w, l);
    if (w->from.checkpoint) {
        t->status = l->kind == NB_LAYER_NORM ? convolution_read_norm(w, l, bias, matrix, t->err)
                                             : convolution_read(w, l, bias, matrix, t->err);
    }
    if (c) {
        c->bias = bias;
        c->packed = packed ? matrix : NULL;
        c->weight = packed ? NULL : matrix;
    }
}

nb_status nb_convolution_weights_take(nb_convolution_weights *w, const nb_clip_config *config, nb_error *err)
{
    taking t = {.weights = w, .err = err};
    nb_layers_visit(config, &(nb_layer_visitor){convolution_take_layer, &t});
    return t.status;
}
