#include "common/clip/towers/forward.h"

#include "common/base/memory.h"
#include "common/clip/towers/relative.h"
#include "common/linear/reference/kernels.h"

#include <stdlib.h>
#include <string.h>

/* Whether the engine can activate what it stores: a plain MLP without a norm, by one of CLIP's two functions. */
static bool forward_fuses(const nb_tower_config *c)
{
    return c->mlp_kind == NB_MLP_PLAIN && !c->mlp_norm && c->activation != NB_GELU_TANH && c->activation != NB_RELU;
}

nb_status nb_forward_create(nb_forward *f, const nb_engine *engine, const nb_tower_config *c, const nb_block *blocks,
                            const nb_forward_size *size, nb_error *err)
{
    size_t w = c->width, rows = size->rows, pooled = size->pooled, longest = size->longest;
    size_t most = rows > pooled ? rows : pooled, together = most < engine->together ? most : engine->together;
    const nb_tower_config pool = nb_tower_pool(c);
    size_t mlp = pool.mlp > c->mlp ? pool.mlp : c->mlp, heads = pool.heads < c->heads ? pool.heads : c->heads;
    nb_status status;
    *f = (nb_forward){.config = c,
                      .blocks = blocks,
                      .engine = engine,
                      .vector = nb_vector_best(),
                      .rows = rows,
                      .pooled = pooled,
                      .longest = longest,
                      .together = together};
    f->x = nb_alloc_aligned(rows * w, sizeof *f->x, err);
    f->normed = nb_alloc_aligned((together > pooled ? together : pooled) * w, sizeof *f->normed, err);
    f->qkv = nb_alloc_aligned(most * 3 * w, sizeof *f->qkv, err);
    f->attention_out = nb_alloc_aligned(most * w, sizeof *f->attention_out, err);
    f->input = nb_alloc_aligned(engine->packs ? engine->input_bytes(together, w) : 1, 1, err);
    f->hidden = nb_alloc_aligned(engine->input_bytes(together, mlp), 1, err);
    f->pooled_x = nb_alloc_aligned(pooled * w, sizeof *f->pooled_x, err);
    NB_TRY(f->x && f->normed && f->qkv && f->attention_out && f->input && f->hidden && f->pooled_x ? NB_OK
                                                                                                   : NB_ERR_LIMIT);
    NB_TRY_NEW(f->pool, pooled);
    if (!forward_fuses(c)) {
        f->mlp_out = nb_alloc_aligned(together * mlp, sizeof *f->mlp_out, err);
        f->mlp_gate = nb_alloc_aligned(c->mlp_kind != NB_MLP_PLAIN ? together * c->mlp : 1, sizeof *f->mlp_gate, err);
        NB_TRY(f->mlp_out && f->mlp_gate ? NB_OK : NB_ERR_LIMIT);
    }
    if (!size->causal) {
        NB_TRY(nb_rotary_create(&f->rotary, c, longest, err));
    }
    if (size->causal) {
        f->path.stride = (longest + 15) / 16 * 16;
        f->path.keys = nb_alloc_aligned(w * f->path.stride, sizeof *f->path.keys, err);
        f->path.values = nb_alloc_aligned(f->path.stride * w, sizeof *f->path.values, err);
        f->path.scores = nb_alloc_aligned(f->path.stride, sizeof *f->path.scores, err);
        NB_TRY(f->path.keys && f->path.values && f->path.scores ? NB_OK : NB_ERR_LIMIT);
    } else {
        f->attention = nb_alloc_aligned(engine->attention_bytes(longest, w / heads), 1, err);
        NB_TRY(f->attention ? NB_OK : NB_ERR_LIMIT);
    }
done:
    if (status != NB_OK) {
        nb_forward_destroy(f);
    }
    return status;
}

void nb_forward_destroy(nb_forward *f)
{
    if (f) {
        free(f->x);
        free(f->normed);
        free(f->qkv);
        free(f->attention_out);
        free(f->input);
        free(f->hidden);
        free(f->mlp_out);
        free(f->mlp_gate);
        nb_rotary_destroy(&f->rotary);
        free(f->attention);
        free(f->pooled_x);
        free(f->pool);
        free(f->path.keys);
        free(f->path.values);
        free(f->path.scores);
        *f = (nb_forward){0};
    }
}

/* A matrix as the engine has it: packed where it packs. */
static const void *forward_weights_of(const float *plain, const void *packed)
{
    return packed ? packed : plain;
}

static size_t forward_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

void nb_forward_norm(const nb_vector *vector, const nb_tower_config *c, float *out, const float *in, size_t rows,
                     nb_norm_weights norm)
{
    const nb_norm_layer layer = {norm.weight, norm.bias, c->width, c->epsilon};
    if (c->rms_norm) {
        nb_rms_norm(out, in, rows, &layer);
    } else {
        vector->layer_norm(out, in, rows, &layer);
    }
}

/* What attention or MLP adds to the residual stream. */
typedef struct branch {
    const void *weight; /* of its last layer [width, inputs], as the engine has it */
    const float *bias;  /* [width] */
    size_t inputs;
    const float *scale;   /* [width] of a tower with layer scale */
    nb_norm_weights norm; /* of a tower with norms behind attention and MLP */
} branch;

/* out[rows, width] += branch(input[rows, inputs]) */
static void forward_add_branch(nb_forward *f, const branch *b, const void *input, size_t rows, float *out)
{
    const nb_tower_config *c = f->config;
    nb_product product = {.vector = f->vector,
                          .input = input,
                          .rows = rows,
                          .k = b->inputs,
                          .weight = b->weight,
                          .count = c->width,
                          .bias = b->bias,
                          .epilogue = NB_ADD,
                          .out = out,
                          .scratch = f->normed};
    if (!c->post_norm && !c->layer_scale) {
        f->engine->product(f->engine, &product);
        if (c->sum_norm) {
            nb_forward_norm(f->vector, c, out, out, rows, b->norm);
        }
        return;
    }
    product.epilogue = NB_STORE;
    product.out = f->normed;
    f->engine->product(f->engine, &product);
    if (c->post_norm) {
        f->vector->layer_norm(f->normed, f->normed, rows,
                              &(nb_norm_layer){b->norm.weight, b->norm.bias, c->width, c->epsilon});
    }
    if (c->layer_scale) {
        f->vector->add_scaled(out, f->normed, rows, c->width, b->scale);
    } else {
        f->vector->add(out, out, f->normed, rows * c->width);
    }
}

/* What a block's attention or MLP works on: the residual stream's rows behind a layer norm, in f->normed, or, with
 * post-norm, as they are. */
static const float *forward_branch_input(nb_forward *f, nb_norm_weights norm, const float *x, size_t rows)
{
    const nb_tower_config *c = f->config;
    if (c->post_norm || c->sum_norm) {
        return x;
    }
    nb_forward_norm(f->vector, c, f->normed, x, rows, norm);
    return f->normed;
}

/* x[rows, mlp] = activation(x + bias) */
static void forward_activate(nb_forward *f, float *x, size_t rows, const float *bias)
{
    static const nb_gelu_kind kinds[] = {
        [NB_QUICK_GELU] = NB_VECTOR_QUICK_GELU, [NB_GELU] = NB_VECTOR_GELU, [NB_GELU_TANH] = NB_VECTOR_GELU_TANH};
    const nb_tower_config *c = f->config;
    if (c->activation != NB_RELU) {
        f->vector->bias_gelu(x, rows, c->mlp, bias, kinds[c->activation]);
        return;
    }
    f->vector->add_bias(x, rows, c->mlp, bias);
    for (size_t i = 0; i < rows * c->mlp; i++) {
        x[i] = x[i] > 0 ? x[i] : 0;
    }
}

/* The MLP up to its last layer, of an input in the engine's form; returns the last layer's input. */
static const void *forward_mlp_hidden(nb_forward *f, const nb_block *b, const void *input, size_t rows)
{
    const nb_tower_config *c = f->config;
    const nb_engine *e = f->engine;
    nb_product product = {.vector = f->vector,
                          .input = input,
                          .rows = rows,
                          .k = c->width,
                          .weight = forward_weights_of(b->fc1_weight, b->packed.fc1),
                          .count = c->mlp,
                          .bias = b->fc1_bias};
    if (forward_fuses(c)) {
        product.epilogue = c->activation == NB_QUICK_GELU ? NB_STORE_QUICK_GELU : NB_STORE_GELU;
        product.out = f->hidden;
        e->product(e, &product);
        return f->hidden;
    }
    product.epilogue = NB_STORE;
    product.out = f->mlp_out;
    product.bias = c->mlp_kind == NB_MLP_PLAIN ? NULL : b->fc1_bias;
    e->product(e, &product);
    product.weight = forward_weights_of(b->gate_weight, b->packed.gate);
    product.out = f->mlp_gate;
    if (c->mlp_kind == NB_MLP_SWIGLU || c->mlp_kind == NB_MLP_GEGLU) {
        product.bias = b->gate_bias;
        e->product(e, &product);
        (c->mlp_kind == NB_MLP_SWIGLU ? f->vector->swiglu : f->vector->geglu)(f->mlp_out, f->mlp_gate, rows * c->mlp);
    } else if (c->mlp_kind == NB_MLP_GATED) {
        product.bias = NULL;
        e->product(e, &product);
        forward_activate(f, f->mlp_gate, rows, b->gate_bias);
        for (size_t i = 0; i < rows * c->mlp; i++) {
            f->mlp_out[i] *= f->mlp_gate[i];
        }
    } else {
        forward_activate(f, f->mlp_out, rows, b->fc1_bias);
    }
    if (c->mlp_norm) {
        f->vector->layer_norm(f->mlp_out, f->mlp_out, rows,
                              &(nb_norm_layer){b->mlp_norm.weight, b->mlp_norm.bias, c->mlp, c->epsilon});
    }
    return e->input(e, f->hidden, f->mlp_out, rows, c->mlp);
}

/* x[rows, width] += mlp(layer norm(x)); and before it the attention's output in f->attention_out. */
static void forward_finish_block(nb_forward *f, const nb_block *b, float *x, size_t rows)
{
    const nb_tower_config *c = f->config;
    const nb_engine *e = f->engine;
    const nb_norm_weights norm1 = {b->norm1_weight, b->norm1_bias}, norm2 = {b->norm2_weight, b->norm2_bias};
    const branch attention = {forward_weights_of(b->out_weight, b->packed.out), b->out_bias, c->width, b->scale1,
                              norm1};
    const branch mlp = {forward_weights_of(b->fc2_weight, b->packed.fc2), b->fc2_bias, c->mlp, b->scale2, norm2};
    size_t w = c->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        float *some = x + at * w, *attended = f->attention_out + at * w;
        if (c->attention_norm) {
            f->vector->layer_norm(attended, attended, n,
                                  &(nb_norm_layer){b->attention_norm.weight, b->attention_norm.bias, w, c->epsilon});
        }
        forward_add_branch(f, &attention, e->input(e, f->input, attended, n, w), n, some);
        const float *in = forward_branch_input(f, norm2, some, n);
        if (c->mlp_input_norm) {
            f->vector->layer_norm(f->normed, in, n,
                                  &(nb_norm_layer){b->mlp_norm.weight, b->mlp_norm.bias, w, c->epsilon});
            in = f->normed;
        }
        forward_add_branch(f, &mlp, forward_mlp_hidden(f, b, e->input(e, f->input, in, n, w), n), n, some);
    }
}

/* Which of a block's queries, keys and values are computed: outputs [first, first + count) of 3 width. */
typedef struct outputs {
    size_t first, count;
} outputs;

/* out[rows, wanted.count] of normed[rows, width] */
static void forward_some_qkv(nb_forward *f, const nb_block *b, const float *normed, size_t rows, outputs wanted,
                             float *out)
{
    f->engine->product(f->engine,
                       &(nb_product){.vector = f->vector,
                                     .input = f->engine->input(f->engine, f->input, normed, rows, f->config->width),
                                     .rows = rows,
                                     .k = f->config->width,
                                     .weight = forward_weights_of(b->qkv_weight, b->packed.qkv),
                                     .first = wanted.first,
                                     .count = wanted.count,
                                     .bias = b->qkv_bias + wanted.first,
                                     .out = out});
}

/* qkv[rows, 3 width] of a block. */
static void forward_project(nb_forward *f, const nb_block *b, size_t rows)
{
    size_t w = f->config->width;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        const float *in = forward_branch_input(f, (nb_norm_weights){b->norm1_weight, b->norm1_bias}, f->x + at * w, n);
        forward_some_qkv(f, b, in, n, (outputs){0, 3 * w}, f->qkv + at * 3 * w);
    }
}

/* Keys and values of all rows into f->qkv [rows, 2 width], behind them queries of the pooled rows [pooled, width],
 * which are returned; f->pooled_x takes over their residual stream. */
static float *forward_project_last(nb_forward *f, const nb_block *b, size_t rows, size_t pooled)
{
    size_t w = f->config->width;
    float *queries = f->qkv + rows * 2 * w;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        const float *in = forward_branch_input(f, (nb_norm_weights){b->norm1_weight, b->norm1_bias}, f->x + at * w, n);
        forward_some_qkv(f, b, in, n, (outputs){w, 2 * w}, f->qkv + at * 2 * w);
        for (size_t i = 0; i < pooled; i++) {
            if (f->pool[i] - at < n) {
                memcpy(f->attention_out + i * w, in + (f->pool[i] - at) * w, w * sizeof *f->attention_out);
            }
        }
    }
    for (size_t i = 0; i < pooled; i++) {
        memcpy(f->pooled_x + i * w, f->x + f->pool[i] * w, w * sizeof *f->pooled_x);
    }
    for (size_t at = 0; at < pooled; at += f->together) {
        forward_some_qkv(f, b, f->attention_out + at * w, forward_min(pooled - at, f->together), (outputs){0, w},
                         queries + at * w);
    }
    return queries;
}

/* Where a row's key and value stand in the path. A hidden one is overwritten by the next row's. */
static size_t forward_slot(const nb_trie *t, size_t row)
{
    return t->slots ? t->slots[row] : t->depths[row];
}

/* The last place of the path that a row sees. */
static size_t forward_sees(const nb_trie *t, size_t row)
{
    return t->slots ? (size_t)t->slots[row] - t->hidden[row] : t->depths[row];
}

/* Every row against the path above it: the path's keys and values stay in place from text to text. */
static void forward_attend_trie(nb_forward *f, const nb_trie *t)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k;
            const float *qkv = f->qkv + row * 3 * w;
            f->vector->path_push(&f->path, forward_slot(t, row), w, qkv + w, qkv + 2 * w);
            f->vector->path_attend(&f->path, forward_sees(t, row), w, f->config->heads, qkv,
                                   f->attention_out + row * w);
        }
    }
}

/* The same, of which only the end tokens' rows are wanted. */
static void forward_attend_trie_last(nb_forward *f, const nb_trie *t, const float *queries)
{
    size_t w = f->config->width;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->texts[i].count; k++) {
            size_t row = t->texts[i].first + k;
            const float *kv = f->qkv + row * 2 * w;
            f->vector->path_push(&f->path, forward_slot(t, row), w, kv, kv + w);
        }
        f->vector->path_attend(&f->path, forward_sees(t, t->texts[i].last), w, f->config->heads, queries + i * w,
                               f->attention_out + i * w);
    }
}

void nb_forward_trie(nb_forward *f, const nb_trie *t)
{
    size_t layers = f->config->layers;
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        forward_project(f, &f->blocks[layer], t->rows);
        forward_attend_trie(f, t);
        forward_finish_block(f, &f->blocks[layer], f->x, t->rows);
    }
    for (size_t i = 0; i < t->count; i++) {
        f->pool[i] = t->texts[i].last;
    }
    forward_attend_trie_last(f, t, forward_project_last(f, &f->blocks[layers - 1], t->rows, t->count));
    forward_finish_block(f, &f->blocks[layers - 1], f->pooled_x, t->count);
}

/* Attention of one head, of which q, k, v, their strides, the counts and `out` are given. */
static void forward_attend_head(nb_forward *f, nb_attention a)
{
    a.vector = f->vector;
    a.head = f->config->width / f->config->heads;
    a.out_stride = f->config->width;
    a.scratch = f->attention;
    f->engine->attend(f->engine, &a);
}

/* Rotary positions for one row, `place` in its sequence, of `heads` heads one behind another. */
static void forward_rotate(nb_forward *f, float *row, size_t place, size_t heads)
{
    size_t pairs = f->rotary.pairs;
    for (size_t h = 0; h < heads; h++) {
        f->vector->rotate_pairs(row + h * 2 * pairs, f->rotary.cosines + place * pairs, f->rotary.sines + place * pairs,
                                pairs);
    }
}

/* The same for all rows of f->qkv, `stride` apart, which begin with those heads. */
static void forward_rotate_rows(nb_forward *f, size_t stride, const nb_forward_batch *batch, size_t heads)
{
    for (size_t i = 0; f->rotary.pairs && i < batch->count; i++) {
        for (size_t k = 0; k < batch->length; k++) {
            forward_rotate(f, f->qkv + (i * batch->length + k) * stride, k, heads);
        }
    }
}

/* The first row of a sequence; of the one behind the last, the end. */
static size_t forward_start(const nb_forward_batch *batch, size_t i)
{
    return batch->starts ? batch->starts[i] : i * batch->length;
}

static size_t forward_length(const nb_forward_batch *batch, size_t i)
{
    return forward_start(batch, i + 1) - forward_start(batch, i);
}

static size_t forward_batch_rows(const nb_forward_batch *batch)
{
    return forward_start(batch, batch->count);
}

/* The first rows of the queries and of the keys of an attention. */
typedef struct row_pair {
    size_t query, key;
} row_pair;

/* Attention of one head of a sequence; with relative positions always in fp32. */
static void forward_attend_sequence(nb_forward *f, nb_attention a, const nb_forward_batch *batch, size_t h,
                                    row_pair rows)
{
    if (!f->relative) {
        forward_attend_head(f, a);
        return;
    }
    a.head = f->config->width / f->config->heads;
    a.out_stride = f->config->width;
    a.scratch = f->attention;
    nb_relative_attend(&a, &(nb_relative){f->relative + h * (2 * f->longest - 1) + f->longest - 1,
                                          batch->places + rows.query, batch->places + rows.key});
}

/* One block over all rows. */
static void forward_block(nb_forward *f, const nb_block *b, const nb_forward_batch *batch)
{
    size_t w = f->config->width, heads = f->config->heads, head = w / heads, rows = forward_batch_rows(batch);
    forward_project(f, b, rows);
    forward_rotate_rows(f, 3 * w, batch, 2 * heads);
    for (size_t i = 0; i < batch->count * heads; i++) {
        size_t row = forward_start(batch, i / heads), at = i % heads * head, length = forward_length(batch, i / heads);
        const float *q = f->qkv + row * 3 * w + at;
        const nb_attention attention = {.m = length,
                                        .n = length,
                                        .q = q,
                                        .k = q + w,
                                        .v = q + 2 * w,
                                        .q_stride = 3 * w,
                                        .stride = 3 * w,
                                        .out = f->attention_out + row * w + at};
        forward_attend_sequence(f, attention, batch, i % heads, (row_pair){row, row});
    }
    forward_finish_block(f, b, f->x, rows);
}

void nb_forward_rows(nb_forward *f, const nb_forward_batch *batch)
{
    for (size_t layer = 0; layer < f->config->layers; layer++) {
        forward_block(f, &f->blocks[layer], batch);
    }
}

void nb_forward_full(nb_forward *f, const nb_forward_batch *batch)
{
    size_t layers = f->config->layers, w = f->config->width, heads = f->config->heads, head = w / heads;
    size_t count = batch->count, rows = forward_batch_rows(batch);
    for (size_t layer = 0; layer + 1 < layers; layer++) {
        forward_block(f, &f->blocks[layer], batch);
    }
    for (size_t i = 0; i < count; i++) {
        f->pool[i] = forward_start(batch, i) + (batch->wanted ? batch->wanted[i] : 0);
    }
    float *queries = forward_project_last(f, &f->blocks[layers - 1], rows, count);
    forward_rotate_rows(f, 2 * w, batch, heads);
    for (size_t i = 0; f->rotary.pairs && i < count; i++) {
        forward_rotate(f, queries + i * w, batch->wanted ? batch->wanted[i] : 0, heads);
    }
    for (size_t i = 0; i < count * heads; i++) {
        size_t sequence = i / heads, at = i % heads * head, row = forward_start(batch, sequence);
        const float *k = f->qkv + row * 2 * w + at;
        const nb_attention attention = {.m = 1,
                                        .n = forward_length(batch, sequence),
                                        .q = queries + sequence * w + at,
                                        .k = k,
                                        .v = k + w,
                                        .q_stride = w,
                                        .stride = 2 * w,
                                        .out = f->attention_out + sequence * w + at};
        forward_attend_sequence(f, attention, batch, i % heads, (row_pair){f->pool[sequence], row});
    }
    forward_finish_block(f, &f->blocks[layers - 1], f->pooled_x, count);
}

/* The query does not come from a row, so the residual stream begins with nothing. */
void nb_forward_pool(nb_forward *f, const nb_attention_pool *p, const nb_forward_batch *batch)
{
    const nb_tower_config *tower = f->config, pool = nb_tower_pool(tower);
    size_t w = pool.width, heads = pool.heads, head = w / heads;
    size_t count = batch->count, length = batch->length, rows = forward_batch_rows(batch);
    float *query = f->qkv + rows * 2 * w;
    f->config = &pool;
    for (size_t at = 0; at < rows; at += f->together) {
        size_t n = forward_min(rows - at, f->together);
        f->vector->layer_norm(f->normed, f->x + at * w, n,
                              &(nb_norm_layer){p->norm.weight, p->norm.bias, w, f->config->epsilon});
        forward_some_qkv(f, p->block, f->normed, n, (outputs){w, 2 * w}, f->qkv + at * 2 * w);
    }
    forward_some_qkv(f, p->block, p->query, 1, (outputs){0, w}, query);
    for (size_t i = 0; i < count * heads; i++) {
        size_t image = i / heads, at = i % heads * head;
        const float *k = f->qkv + image * length * 2 * w + at;
        forward_attend_head(f, (nb_attention){.m = 1,
                                              .n = length,
                                              .q = query + at,
                                              .k = k,
                                              .v = k + w,
                                              .q_stride = w,
                                              .stride = 2 * w,
                                              .out = f->attention_out + image * w + at});
    }
    memset(f->pooled_x, 0, count * w * sizeof *f->pooled_x);
    forward_finish_block(f, p->block, f->pooled_x, count);
    f->config = tower;
}
