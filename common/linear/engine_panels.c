#include "common/linear/engine.h"
#include "common/linear/simd/weight_panels.h"

#include <math.h>
#include <string.h>

/* Rows that go through a block of the tower together, and rows that meet a panel while it is in the second-level cache:
 * a multiple of NB_PANELS_ROWS. */
enum { NEAR_ROWS = 20 * NB_PANELS_ROWS, TOGETHER = 2 * NEAR_ROWS };

static size_t engine_panels_weight_bytes(size_t n, size_t k)
{
    return nb_weight_panels_count(n, k) * sizeof(float);
}

static void engine_panels_pack(const nb_engine *e, void *out, const float *weight, size_t n, size_t k)
{
    (void)e;
    nb_weight_panels_best()->pack(out, weight, n, k, k);
}

static size_t engine_panels_input_bytes(size_t rows, size_t k)
{
    return rows * k * sizeof(float);
}

static const void *engine_panels_input(const nb_engine *e, void *buffer, const float *rows, size_t count, size_t k)
{
    (void)e, (void)buffer, (void)count, (void)k;
    return rows;
}

/* Where the rows of an input lie, and where a product's outputs go. */
typedef struct panels_rows {
    const float *rows;
    size_t stride, out_stride;
} panels_rows;

static void engine_panels_finish(const nb_product *p, float *out, size_t stride, float *block,
                                 const nb_weight_panels_part *part, const float *bias)
{
    static const float zeros[NB_PANELS_OUTPUTS];
    const nb_weight_panels *by = nb_weight_panels_best();
    switch (p->epilogue) {
    case NB_STORE: by->store(out, stride, block, part, bias); break;
    case NB_ADD: by->add(out, stride, block, part, bias); break;
    case NB_STORE_QUICK_GELU:
    case NB_STORE_GELU:
        p->vector->bias_gelu(block, part->rows, NB_PANELS_OUTPUTS, bias,
                             p->epilogue == NB_STORE_GELU ? NB_VECTOR_GELU : NB_VECTOR_QUICK_GELU);
        by->store(out, stride, block, part, zeros);
        break;
    }
}

/* Rows [at, end) by one panel. */
static void engine_panels_panel(const nb_product *p, const panels_rows *of, size_t panel, size_t at, size_t end)
{
    const nb_weight_panels *by = nb_weight_panels_best();
    const float *weights = (const float *)p->weight + panel * NB_PANELS_OUTPUTS * p->k;
    _Alignas(64) float block[NB_PANELS_ROWS * NB_PANELS_OUTPUTS];
    float bias[NB_PANELS_OUTPUTS] = {0}, *out = p->out;
    size_t from = panel * NB_PANELS_OUTPUTS, last = p->first + p->count;
    size_t begin = from < p->first ? p->first : from;
    size_t stop = from + NB_PANELS_OUTPUTS < last ? from + NB_PANELS_OUTPUTS : last;
    nb_weight_panels_part part = {.skip = begin - from, .columns = stop - begin};
    if (p->bias) {
        memcpy(bias + part.skip, p->bias + (begin - p->first), part.columns * sizeof *bias);
    }
    for (size_t row = at; row < end; row += part.rows) {
        part.rows = end - row < NB_PANELS_ROWS ? end - row : NB_PANELS_ROWS;
        by->block(block, of->rows + row * of->stride, part.rows, of->stride, weights, p->k);
        engine_panels_finish(p, out + row * of->out_stride + (begin - p->first), of->out_stride, block, &part, bias);
    }
}

static void engine_panels_rows(const nb_product *p, const panels_rows *of)
{
    size_t last = (p->first + p->count + NB_PANELS_OUTPUTS - 1) / NB_PANELS_OUTPUTS;
    for (size_t at = 0; at < p->rows; at += NEAR_ROWS) {
        size_t end = at + NEAR_ROWS < p->rows ? at + NEAR_ROWS : p->rows;
        for (size_t panel = p->first / NB_PANELS_OUTPUTS; panel < last; panel++) {
            engine_panels_panel(p, of, panel, at, end);
        }
    }
}

static void engine_panels_product(const nb_engine *e, const nb_product *p)
{
    (void)e;
    engine_panels_rows(p, &(panels_rows){p->input, p->k, p->stride ? p->stride : p->count});
}

/* ---- attention ---- */

/* Packing keys and values does not pay for fewer queries: the last layer's, of one row. */
enum { FEW_QUERIES = 4 };

/* Where a head's scores and the panels of its keys, then of its values, lie in the scratch memory. */
static size_t engine_panels_scores(size_t longest)
{
    return (longest * longest + 15) / 16 * 16;
}

static size_t engine_panels_attention_bytes(size_t longest, size_t head)
{
    size_t keys = nb_weight_panels_count(longest, head), values = nb_weight_panels_count(head, longest);
    return (engine_panels_scores(longest) + (keys > values ? keys : values)) * sizeof(float);
}

static void engine_panels_attend(const nb_engine *e, const nb_attention *a)
{
    (void)e;
    if (a->m < FEW_QUERIES) {
        nb_engine_fp32.attend(&nb_engine_fp32, a);
        return;
    }
    const nb_weight_panels *by = nb_weight_panels_best();
    float *scores = a->scratch, *panels = scores + engine_panels_scores(a->m > a->n ? a->m : a->n);
    by->pack(panels, a->k, a->n, a->head, a->stride);
    engine_panels_rows(&(nb_product){.rows = a->m, .k = a->head, .weight = panels, .count = a->n, .out = scores},
                       &(panels_rows){a->q, a->q_stride, a->n});
    a->vector->softmax(scores, a->m, a->n, a->n, 1.0f / sqrtf((float)a->head));
    by->pack_columns(panels, a->v, a->head, a->n, a->stride);
    engine_panels_rows(&(nb_product){.rows = a->m, .k = a->n, .weight = panels, .count = a->head, .out = a->out},
                       &(panels_rows){scores, a->n, a->out_stride});
}

const nb_engine nb_engine_fp32_panels = {.name = "fp32",
                                         .precision = "fp32",
                                         .packs = true,
                                         .together = TOGETHER,
                                         .weight_bytes = engine_panels_weight_bytes,
                                         .pack = engine_panels_pack,
                                         .input_bytes = engine_panels_input_bytes,
                                         .input = engine_panels_input,
                                         .product = engine_panels_product,
                                         .attention_bytes = engine_panels_attention_bytes,
                                         .attend = engine_panels_attend};
