#include "common/linear/engine.h"
#include "common/linear/int8/int8.h"

#include <string.h>

/* As in engine_bf16.c: rows that go through a block of the tower together; and rows that meet a panel while it is in
 * the second-level cache, a multiple of every table's rows of a block. An activated row is rounded when all its outputs
 * are there, so these wait in floats. */
enum { TOGETHER = 3 * 192, NEAR_ROWS = 192, LINE = 64 };

static const nb_int8 *engine_int8_of(const nb_engine *e)
{
    return e->int8 ? e->int8 : nb_int8_best();
}

static size_t engine_int8_weight_bytes(size_t n, size_t k)
{
    return (n + NB_INT8_PANEL - 1) / NB_INT8_PANEL * nb_int8_panel_bytes(k);
}

static void engine_int8_pack(const nb_engine *e, void *out, const float *weight, size_t n, size_t k)
{
    (void)e;
    nb_int8_pack(out, weight, n, k);
}

/* An input: how each row was rounded, the rows, and floats for some rows that are not rounded yet. */
typedef struct int8_input {
    nb_int8_row *of;
    uint8_t *rows;
    float *waiting;
    size_t bytes;
} int8_input;

static int8_input engine_int8_rows(void *at, size_t rows, size_t k)
{
    size_t of = (rows * sizeof(nb_int8_row) + LINE - 1) / LINE * LINE,
           values = (rows + 15) / 16 * 16 * nb_int8_stride(k);
    size_t waiting = rows < NEAR_ROWS ? rows : NEAR_ROWS;
    int8_input in = {.bytes = of + values + waiting * k * sizeof *in.waiting};
    if (at) {
        in.of = at;
        in.rows = (uint8_t *)at + of;
        in.waiting = (void *)(in.rows + values);
    }
    return in;
}

static size_t engine_int8_input_bytes(size_t rows, size_t k)
{
    return engine_int8_rows(NULL, rows, k).bytes;
}

static void engine_int8_round(const nb_int8 *by, const int8_input *to, size_t first, const float *rows, size_t count,
                              size_t k)
{
    for (size_t r = 0; r < count; r++) {
        by->round(to->rows + (first + r) * nb_int8_stride(k), &to->of[first + r], rows + r * k, k);
    }
}

static const void *engine_int8_input(const nb_engine *e, void *buffer, const float *rows, size_t count, size_t k)
{
    int8_input in = engine_int8_rows(buffer, count, k);
    engine_int8_round(engine_int8_of(e), &in, 0, rows, count, k);
    return buffer;
}

static bool engine_int8_activates(const nb_product *p)
{
    return p->epilogue == NB_STORE_QUICK_GELU || p->epilogue == NB_STORE_GELU;
}

/* Where rows [row, ...) of a product go: into out, or to the floats that wait for their activation. */
typedef struct int8_target {
    float *out;
    size_t stride;
    bool adds, biased;
} int8_target;

/* Rows [at, end) by one panel. */
static void engine_int8_panel(const nb_int8 *by, const nb_product *p, const int8_target *to, size_t panel, size_t at,
                              size_t end)
{
    int8_input in = engine_int8_rows((void *)(uintptr_t)p->input, p->rows, p->k);
    const int8_t *integers = (const int8_t *)p->weight + panel * nb_int8_panel_bytes(p->k);
    const float *scales = (const void *)(integers + nb_int8_integers(p->k));
    _Alignas(64) int32_t block[NB_INT8_ROWS * NB_INT8_PANEL];
    float bias[NB_INT8_PANEL] = {0};
    size_t from = panel * NB_INT8_PANEL, last = p->first + p->count, groups = nb_int8_groups(p->k);
    size_t begin = from < p->first ? p->first : from, stop = from + NB_INT8_PANEL < last ? from + NB_INT8_PANEL : last;
    nb_int8_part part = {.scales = scales,
                         .sums = (const void *)(scales + NB_INT8_PANEL),
                         .bias = bias,
                         .skip = begin - from,
                         .columns = stop - begin};
    if (to->biased) {
        memcpy(bias + part.skip, p->bias + (begin - p->first), part.columns * sizeof *bias);
    }
    for (size_t row = at; row < end; row += part.rows) {
        part.rows = end - row < by->rows ? end - row : by->rows;
        part.of = in.of + row;
        by->block(block, in.rows + row * nb_int8_stride(p->k), part.rows, nb_int8_stride(p->k), integers, groups);
        (to->adds ? by->add : by->store)(to->out + (row - at) * to->stride + (begin - p->first), to->stride, block,
                                         &part);
    }
}

static void engine_int8_product(const nb_engine *e, const nb_product *p)
{
    const nb_int8 *by = engine_int8_of(e);
    size_t stride = p->stride ? p->stride : p->count, last = (p->first + p->count + NB_INT8_PANEL - 1) / NB_INT8_PANEL;
    bool activates = engine_int8_activates(p);
    by->begin();
    for (size_t at = 0; at < p->rows; at += NEAR_ROWS) {
        size_t end = at + NEAR_ROWS < p->rows ? at + NEAR_ROWS : p->rows;
        int8_target to = {.stride = stride, .adds = p->epilogue == NB_ADD, .biased = p->bias && !activates};
        int8_input next = {0};
        if (activates) {
            next = engine_int8_rows(p->out, p->rows, p->count);
            to.out = next.waiting;
        } else {
            to.out = (float *)p->out + at * stride;
        }
        for (size_t panel = p->first / NB_INT8_PANEL; panel < last; panel++) {
            engine_int8_panel(by, p, &to, panel, at, end);
        }
        if (activates) {
            p->vector->bias_gelu(next.waiting, end - at, p->count, p->bias,
                                 p->epilogue == NB_STORE_GELU ? NB_VECTOR_GELU : NB_VECTOR_QUICK_GELU);
            engine_int8_round(by, &next, at, next.waiting, end - at, p->count);
        }
    }
    by->end();
}

/* Attention stays in single precision: its products are a few percent of a tower's. */
static size_t engine_int8_attention_bytes(size_t longest, size_t head)
{
    return nb_engine_fp32_best()->attention_bytes(longest, head);
}

static void engine_int8_attend(const nb_engine *e, const nb_attention *a)
{
    (void)e;
    const nb_engine *fp32 = nb_engine_fp32_best();
    fp32->attend(fp32, a);
}

const nb_engine nb_engine_int8 = {.name = "int8",
                                  .precision = "int8",
                                  .packs = true,
                                  .together = TOGETHER,
                                  .weight_bytes = engine_int8_weight_bytes,
                                  .pack = engine_int8_pack,
                                  .input_bytes = engine_int8_input_bytes,
                                  .input = engine_int8_input,
                                  .product = engine_int8_product,
                                  .attention_bytes = engine_int8_attention_bytes,
                                  .attend = engine_int8_attend};
