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

/* Checks the tensor PREFIX LAST, and reads it where `to` is not NULL. */
static nb_status convolution_take(const nb_convolution_weights *w, const char *prefix, const char *last,
                                  nb_tensor_shape shape, float *to, nb_error *err)
{
    char name[NAME_MAX_ALL];
    size_t at;
    snprintf(name, sizeof name, "%s%s", prefix, last);
    if (!nb_checkpoint_find(w->from.checkpoint, name, &at)) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no tensor '%s'", nb_checkpoint_path(w->from.checkpoint), name);
        return nb_hint(err, "%s says that the image tower has it", w->from.config);
    }
    return nb_stored_tensor_take(&w->from, at, &shape, false, to, err);
}

/* A batch norm of known mean and variance is a factor and a summand, in double: here they are joined to those of the
 * convolution before it. */
static nb_status convolution_fold_norm(const nb_convolution_weights *w, const nb_layer *l, double *factor, float *bias,
                                       nb_error *err)
{
    static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
    size_t n = l->outputs;
    float *values = NULL;
    nb_status status;
    NB_TRY_NEW(values, 4 * n);
    for (size_t i = 0; i < 4; i++) {
        NB_TRY(
            convolution_take(w, l->norm, parts[i], (nb_tensor_shape){1, {n}}, w->arena ? values + i * n : NULL, err));
    }
    for (size_t i = 0; w->arena && i < n; i++) {
        double variance = (double)values[3 * n + i] + (double)l->epsilon;
        if (!(variance > 0)) {
            status = nb_fail(err, NB_ERR_INPUT, "'%s': element %zu of tensor '%s.running_var' is %g",
                             nb_checkpoint_path(w->from.checkpoint), i, l->norm, (double)values[3 * n + i]);
            goto done;
        }
        factor[i] = (double)values[i] / sqrt(variance);
        bias[i] = (float)(((double)bias[i] - (double)values[2 * n + i]) * factor[i] + (double)values[n + i]);
    }
done:
    free(values);
    return status;
}

static nb_status convolution_fold_scale(const nb_convolution_weights *w, const nb_layer *l, double *factor, float *bias,
                                        nb_error *err)
{
    size_t n = l->outputs;
    float *values = NULL;
    nb_status status;
    NB_TRY_NEW(values, n);
    NB_TRY(convolution_take(w, l->scale, "", (nb_tensor_shape){1, {n}}, w->arena ? values : NULL, err));
    for (size_t i = 0; w->arena && i < n; i++) {
        factor[i] *= (double)values[i];
        bias[i] = (float)((double)bias[i] * (double)values[i]);
    }
done:
    free(values);
    return status;
}

/* stored [outputs, inputs, area] into rows [outputs, area, inputs], or of a depthwise layer [outputs, 1, area] into
 * [area, outputs]; scaled. */
static void convolution_arrange(const nb_layer *l, const float *stored, const double *factor, float *out)
{
    size_t area = l->kernel * l->kernel, inputs = l->kind == NB_LAYER_DEPTHWISE ? 1 : l->inputs;
    for (size_t o = 0; o < l->outputs; o++) {
        for (size_t i = 0; i < inputs; i++) {
            for (size_t k = 0; k < area; k++) {
                size_t to = l->kind == NB_LAYER_DEPTHWISE ? k * l->outputs + o : (o * area + k) * inputs + i;
                out[to] = (float)((double)stored[(o * inputs + i) * area + k] * factor[o]);
            }
        }
    }
}

/* Memory for a convolution's matrix as it is stored and as it is computed with. */
typedef struct matrix_memory {
    float *stored, *arranged;
    double *factor;
} matrix_memory;

static nb_status convolution_make_memory(matrix_memory *m, const nb_layer *l, size_t count, nb_error *err)
{
    nb_status status;
    NB_TRY_NEW(m->stored, count);
    NB_TRY_NEW(m->arranged, count);
    NB_TRY_NEW(m->factor, l->outputs);
    for (size_t i = 0; i < l->outputs; i++) {
        m->factor[i] = 1;
    }
done:
    return status;
}

/* Matrix and bias of a convolution of either kind, into the arena where there is one. */
static nb_status convolution_read(const nb_convolution_weights *w, const nb_layer *l, float *bias, void *matrix,
                                  nb_error *err)
{
    size_t inputs = l->kind == NB_LAYER_DEPTHWISE ? 1 : l->inputs, area = l->kernel * l->kernel;
    size_t count = l->outputs * inputs * area;
    const nb_tensor_shape shape = l->flat ? (nb_tensor_shape){2, {l->outputs, inputs}}
                                          : (nb_tensor_shape){4, {l->outputs, inputs, l->kernel, l->kernel}};
    matrix_memory m = {0};
    nb_status status = NB_OK;
    if (w->arena) {
        NB_TRY(convolution_make_memory(&m, l, count, err));
        memset(bias, 0, l->outputs * sizeof *bias);
    }
    NB_TRY(convolution_take(w, l->name, ".weight", shape, m.stored, err));
    if (l->bias) {
        NB_TRY(convolution_take(w, l->name, ".bias", (nb_tensor_shape){1, {l->outputs}}, bias, err));
    }
    if (*l->norm) {
        NB_TRY(convolution_fold_norm(w, l, m.factor, bias, err));
    }
    if (*l->scale) {
        NB_TRY(convolution_fold_scale(w, l, m.factor, bias, err));
    }
    if (w->arena && l->kind == NB_LAYER_DEPTHWISE) {
        convolution_arrange(l, m.stored, m.factor, matrix);
    } else if (w->arena) {
        convolution_arrange(l, m.stored, m.factor, m.arranged);
        w->engine->pack(w->engine, matrix, m.arranged, l->outputs, inputs * area);
    }
done:
    free(m.stored);
    free(m.arranged);
    free(m.factor);
    return status;
}

static nb_status convolution_read_norm(const nb_convolution_weights *w, const nb_layer *l, float *bias, float *weight,
                                       nb_error *err)
{
    const nb_tensor_shape shape = {1, {l->outputs}};
    nb_status status = convolution_take(w, l->name, ".weight", shape, weight, err);
    return status == NB_OK ? convolution_take(w, l->name, ".bias", shape, bias, err) : status;
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
    }
    if (t->status != NB_OK || l->kind == NB_LAYER_AVERAGE) {
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
