#include "common/clip/convolution/convolver.h"

#include "common/base/memory.h"
#include "common/linear/simd/window_loops.h"

#include <stdlib.h>
#include <string.h>

/* Rows of a product that are gathered and finished together: as many as make up about TILE_FLOATS with their outputs,
 * so that they stay in a second-level cache. Which rows these are depends on the layer alone. */
enum { TILE_FLOATS = 1 << 18, TILE_ROWS = 64 };

/* What a convolver needs memory for, found by going through the layers. */
typedef struct needs {
    const nb_engine *engine;
    size_t side[NB_LAYER_SLOTS], slot[NB_LAYER_SLOTS]; /* pixels of a side now; most floats ever */
    size_t gathered, input, added;                     /* floats, bytes, floats of a tile */
    size_t channels;                                   /* most of any layer */
    size_t attention;                                  /* bytes of the engine's scratch */
} needs;

struct nb_convolver {
    const nb_engine *engine;
    const nb_vector *vector;
    const nb_window_loops *loops;
    const nb_convolution *layers;
    size_t count, size;
    float *slots[NB_LAYER_SLOTS];
    size_t side[NB_LAYER_SLOTS]; /* of the image in each slot */
    float *gathered;             /* pixels of a tile's windows [rows, kernel kernel inputs] */
    void *input;                 /* the same in the engine's form */
    void *attention;             /* the engine's scratch */
    float *added;                /* scratch of a product that is added */
    float *zeros;                /* [channels] in place of a bias that the activation adds */
};

static size_t convolver_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t convolver_tile_rows(const nb_layer *l)
{
    size_t row = l->kernel * l->kernel * l->inputs + l->outputs, rows = TILE_FLOATS / row / TILE_ROWS * TILE_ROWS;
    return rows < TILE_ROWS ? TILE_ROWS : rows;
}

/* A window of one pixel at every pixel: the image itself is the matrix. */
static bool convolver_is_plain(const nb_layer *l)
{
    return l->kernel == 1 && l->stride == 1 && !l->padding;
}

static void convolver_need(void *visitor, const nb_layer *l)
{
    needs *n = visitor;
    size_t side = nb_layer_side(n->side[l->kind == NB_LAYER_GATE ? l->out : l->in], l),
           k = l->kernel * l->kernel * l->inputs;
    n->side[l->out] = side;
    n->slot[l->out] = convolver_most(n->slot[l->out], side * side * l->outputs);
    n->channels = convolver_most(n->channels, l->outputs);
    if (l->kind == NB_LAYER_ATTENTION) {
        n->attention = convolver_most(n->attention, n->engine->attention_bytes(side * side, l->outputs / l->heads));
    }
    if (l->kind == NB_LAYER_CONVOLUTION) {
        size_t rows = convolver_tile_rows(l) < side * side ? convolver_tile_rows(l) : side * side;
        n->gathered = convolver_most(n->gathered, convolver_is_plain(l) ? 1 : rows * k);
        n->input = convolver_most(n->input, n->engine->packs ? n->engine->input_bytes(rows, k) : 1);
        n->added = convolver_most(n->added, l->adds ? rows * l->outputs : 1);
    }
}

static needs convolver_needs(const nb_engine *engine, const nb_clip_config *c, size_t *count)
{
    needs n = {.engine = engine, .side = {c->image_size}, .slot = {3 * c->image_size * c->image_size}};
    *count = nb_layers_visit(c, &(nb_layer_visitor){convolver_need, &n});
    return n;
}

size_t nb_convolver_bytes(const nb_engine *engine, const nb_clip_config *c)
{
    size_t count;
    const needs n = convolver_needs(engine, c, &count);
    size_t floats = n.gathered + n.added + n.channels;
    for (size_t i = 0; i < NB_LAYER_SLOTS; i++) {
        floats += n.slot[i];
    }
    return floats * sizeof(float) + n.input + n.attention;
}

nb_status nb_convolver_create(nb_convolver **out, const nb_engine *engine, const nb_clip_config *c,
                              const nb_convolution *layers, nb_error *err)
{
    nb_status status = NB_OK;
    size_t count;
    const needs n = convolver_needs(engine, c, &count);
    nb_convolver *v = nb_alloc(1, sizeof *v, err);
    *out = NULL;
    if (!v) {
        return NB_ERR_LIMIT;
    }
    *v = (nb_convolver){.engine = engine,
                        .vector = nb_vector_best(),
                        .loops = nb_window_loops_best(),
                        .layers = layers,
                        .count = count,
                        .size = c->image_size};
    for (size_t i = 0; i < NB_LAYER_SLOTS; i++) {
        v->slots[i] = nb_alloc_aligned(convolver_most(n.slot[i], 1), sizeof(float), err);
        NB_TRY(v->slots[i] ? NB_OK : NB_ERR_LIMIT);
    }
    v->gathered = nb_alloc_aligned(convolver_most(n.gathered, 1), sizeof(float), err);
    v->input = nb_alloc_aligned(convolver_most(n.input, 1), 1, err);
    v->added = nb_alloc_aligned(convolver_most(n.added, 1), sizeof(float), err);
    v->attention = nb_alloc_aligned(convolver_most(n.attention, 1), 1, err);
    NB_TRY(v->gathered && v->input && v->added && v->attention ? NB_OK : NB_ERR_LIMIT);
    NB_TRY_NEW(v->zeros, convolver_most(n.channels, 1));
    *out = v;
    v = NULL;
done:
    nb_convolver_destroy(v);
    return status;
}

void nb_convolver_destroy(nb_convolver *v)
{
    if (v) {
        for (size_t i = 0; i < NB_LAYER_SLOTS; i++) {
            free(v->slots[i]);
        }
        free(v->gathered);
        free(v->input);
        free(v->added);
        free(v->attention);
        free(v->zeros);
        free(v);
    }
}

/* The pixels of one row of a window, of `channels` each, those outside of the image as zeros. */
static void convolver_gather_row(const nb_layer *l, const float *in, size_t side, size_t begin, float *out)
{
    size_t first = begin < l->padding ? l->padding - begin : 0, reach = side + l->padding - begin;
    size_t end = reach < l->kernel ? reach : l->kernel, n = l->inputs;
    memset(out, 0, first * n * sizeof *out);
    memcpy(out + first * n, in + (begin + first - l->padding) * n, (end - first) * n * sizeof *out);
    memset(out + end * n, 0, (l->kernel - end) * n * sizeof *out);
}

/* The windows at places [first, first + count) of the layer. */
static void convolver_gather(const nb_layer *l, const float *in, size_t side, size_t first, size_t count, float *out)
{
    size_t places = nb_layer_side(side, l), row = l->kernel * l->inputs;
    for (size_t at = first; at < first + count; at++) {
        size_t y = at / places * l->stride, x = at % places * l->stride;
        for (size_t k = 0; k < l->kernel; k++, out += row) {
            if (y + k < l->padding || y + k - l->padding >= side) {
                memset(out, 0, row * sizeof *out);
            } else {
                convolver_gather_row(l, in + (y + k - l->padding) * side * l->inputs, side, x, out);
            }
        }
    }
}

/* The bias that a layer adds itself; GELU's loop has one of its own. */
static const float *convolver_bias(const nb_convolver *v, const nb_convolution *c)
{
    return c->layer.activation == NB_LAYER_GELU && c->bias ? v->zeros : c->bias;
}

/* `rows` of the output. */
static void convolver_activate(const nb_convolver *v, const nb_convolution *c, float *out, size_t rows)
{
    if (c->layer.activation == NB_LAYER_RELU) {
        v->loops->relu(out, rows * c->layer.outputs);
    } else if (c->layer.activation == NB_LAYER_GELU) {
        v->vector->bias_gelu(out, rows, c->layer.outputs, c->bias ? c->bias : v->zeros, NB_VECTOR_GELU);
    } else if (c->layer.activation == NB_LAYER_SIGMOID) {
        v->loops->sigmoid(out, rows * c->layer.outputs);
    }
}

static void convolver_dense(nb_convolver *v, const nb_convolution *c)
{
    const nb_layer *l = &c->layer;
    size_t side = v->side[l->in], places = nb_layer_side(side, l), k = l->kernel * l->kernel * l->inputs;
    size_t some = convolver_tile_rows(l), rows = places * places;
    const float *in = v->slots[l->in];
    for (size_t at = 0; at < rows; at += some) {
        size_t n = rows - at < some ? rows - at : some;
        float *out = v->slots[l->out] + at * l->outputs;
        const float *windows = in + at * l->inputs;
        if (!convolver_is_plain(l)) {
            convolver_gather(l, in, side, at, n, v->gathered);
            windows = v->gathered;
        }
        v->engine->product(v->engine, &(nb_product){.vector = v->vector,
                                                    .input = v->engine->input(v->engine, v->input, windows, n, k),
                                                    .rows = n,
                                                    .k = k,
                                                    .weight = c->packed ? c->packed : c->weight,
                                                    .count = l->outputs,
                                                    .bias = convolver_bias(v, c),
                                                    .epilogue = l->adds ? NB_ADD : NB_STORE,
                                                    .out = out,
                                                    .scratch = v->added});
        convolver_activate(v, c, out, n);
    }
}

/* A layer that looks at every channel by itself. */
static void convolver_windows(nb_convolver *v, const nb_convolution *c)
{
    const nb_layer *l = &c->layer;
    const nb_window window = {.in = v->slots[l->in],
                              .side = v->side[l->in],
                              .channels = l->inputs,
                              .kernel = l->kernel,
                              .stride = l->stride,
                              .padding = l->padding,
                              .weight = c->weight,
                              .bias = convolver_bias(v, c),
                              .out = v->slots[l->out]};
    (l->kind == NB_LAYER_DEPTHWISE ? v->loops->depthwise : v->loops->mean)(&window);
}

static void convolver_repeat(const nb_layer *l, const float *in, size_t pixels, float *out)
{
    size_t times = l->outputs / l->inputs;
    for (size_t i = 0; i < pixels * l->inputs; i++) {
        for (size_t k = 0; k < times; k++) {
            *out++ = in[i];
        }
    }
}

static void convolver_attend(nb_convolver *v, const nb_layer *l, const float *qkv, size_t pixels, float *out)
{
    size_t w = l->outputs, head = w / l->heads;
    for (size_t at = 0; at < w; at += head) {
        v->engine->attend(v->engine, &(nb_attention){.vector = v->vector,
                                                     .m = pixels,
                                                     .n = pixels,
                                                     .head = head,
                                                     .q = qkv + at,
                                                     .k = qkv + w + at,
                                                     .v = qkv + 2 * w + at,
                                                     .q_stride = 3 * w,
                                                     .stride = 3 * w,
                                                     .out_stride = w,
                                                     .out = out + at,
                                                     .scratch = v->attention});
    }
}

/* A layer from its slot to its other; the sides of both are known. */
static void convolver_compute(nb_convolver *v, const nb_convolution *c, size_t pixels)
{
    const nb_layer *l = &c->layer;
    const float *in = v->slots[l->in];
    float *out = v->slots[l->out];
    switch (l->kind) {
    case NB_LAYER_CONVOLUTION: convolver_dense(v, c); return; /* it has activated its output */
    case NB_LAYER_DEPTHWISE:
    case NB_LAYER_AVERAGE: convolver_windows(v, c); break;
    case NB_LAYER_NORM:
        v->vector->layer_norm(out, in, pixels,
                              &(nb_norm_layer){c->weight, convolver_bias(v, c), l->outputs, l->epsilon});
        break;
    case NB_LAYER_REPEAT: convolver_repeat(l, in, pixels, out); break;
    case NB_LAYER_GATE: v->loops->multiply_rows(out, pixels, l->outputs, in); break;
    case NB_LAYER_ATTENTION: convolver_attend(v, l, in, pixels, out); break;
    }
    convolver_activate(v, c, out, pixels);
}

float *nb_convolver_run(nb_convolver *v, const float *pixels)
{
    size_t area = v->size * v->size;
    float *out = v->slots[0];
    for (size_t i = 0; i < area; i++) {
        for (size_t channel = 0; channel < 3; channel++) {
            out[3 * i + channel] = pixels[channel * area + i];
        }
    }
    v->side[0] = v->size;
    for (size_t i = 0; i < v->count; i++) {
        const nb_layer *l = &v->layers[i].layer;
        size_t side = nb_layer_side(v->side[l->kind == NB_LAYER_GATE ? l->out : l->in], l);
        convolver_compute(v, &v->layers[i], side * side);
        v->side[l->out] = side;
        out = v->slots[l->out];
    }
    return out;
}
