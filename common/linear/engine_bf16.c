#include "common/linear/engine_table.h"
#include "common/linear/tiles/tiles_hardware.h"

#include <math.h>
#include <string.h>

/* Rows that go through a block together: their activations stay in a second-level cache, and weights are read once for
 * all of them. Inside a product, as many rows as make up about INPUT_BYTES meet a panel while it is near, and the next
 * panel comes from memory meanwhile, a share with each block. LINE: bf16 of a cache line. */
enum { BLOCK = 32, TOGETHER = 512, INPUT_BYTES = 1 << 20, LINE = 32 };

static size_t engine_bf16_weight_bytes(size_t n, size_t k)
{
    return nb_tile_panels_count(n, k) * sizeof(uint16_t);
}

static void engine_bf16_pack(const nb_engine *e, void *out, const float *weight, size_t n, size_t k)
{
    e->tiles->pack_panels(out, weight, n, k, k);
}

static size_t engine_bf16_input_bytes(size_t rows, size_t k)
{
    return nb_tile_rows_count(rows, k) * sizeof(uint16_t);
}

static const void *engine_bf16_input(const nb_engine *e, void *buffer, const float *rows, size_t count, size_t k)
{
    e->tiles->pack_rows(buffer, rows, count, k, k);
    return buffer;
}

/* One panel's part in a product: outputs [begin, end) of the matrix, which begin at `skip` of the panel. */
typedef struct part {
    size_t panel, begin, end, skip;
    float bias[NB_PANEL]; /* of the panel's outputs, 0 for those not wanted */
} part;

static part engine_bf16_part_of(const nb_product *p, size_t panel)
{
    size_t from = panel * NB_PANEL, last = p->first + p->count;
    part t = {.panel = panel, .begin = from < p->first ? p->first : from};
    t.end = from + NB_PANEL < last ? from + NB_PANEL : last;
    t.skip = t.begin - from;
    if (p->bias) {
        memcpy(t.bias + t.skip, p->bias + (t.begin - p->first), (t.end - t.begin) * sizeof *t.bias);
    }
    return t;
}

/* The block of rows [row, row + rows) while it is in cache. The padding of an activated panel comes out as zeros, as
 * the next product needs it. */
static void engine_bf16_finish(const nb_engine *e, const nb_product *p, const part *t, float *block, size_t row,
                               size_t rows)
{
    const nb_tile_part wanted = {.skip = t->skip, .rows = rows, .columns = t->end - t->begin};
    size_t tiles = rows > NB_TILE_ROWS ? 2 : 1, next = nb_tile_steps(p->count);
    size_t stride = p->stride ? p->stride : p->count;
    float *out = p->out;
    uint16_t *to = p->out;
    switch (p->epilogue) {
    case NB_STORE: e->tiles->store(out + row * stride + (t->begin - p->first), stride, block, &wanted, t->bias); break;
    case NB_ADD: e->tiles->add(out + row * stride + (t->begin - p->first), stride, block, &wanted, t->bias); break;
    case NB_STORE_QUICK_GELU:
    case NB_STORE_GELU:
        p->vector->bias_gelu(block, tiles * NB_TILE_ROWS, NB_PANEL, t->bias,
                             p->epilogue == NB_STORE_GELU ? NB_VECTOR_GELU : NB_VECTOR_QUICK_GELU);
        to += (row / NB_TILE_ROWS * next + t->panel) * NB_TILE;
        e->tiles->to_bf16(to, block, NB_TILE);
        if (tiles == 2) {
            e->tiles->to_bf16(to + next * NB_TILE, block + NB_TILE, NB_TILE);
        }
        break;
    }
}

static void engine_bf16_product(const nb_engine *e, const nb_product *p)
{
    _Alignas(64) float block[BLOCK * NB_PANEL];
    size_t steps = nb_tile_steps(p->k), fit = INPUT_BYTES / (steps * NB_TILE * 2 * sizeof(uint16_t)) * BLOCK;
    size_t some = fit < BLOCK ? BLOCK : fit, last = (p->first + p->count + NB_PANEL - 1) / NB_PANEL;
    size_t panel_size = steps * 2 * NB_TILE;
    const uint16_t *rows = p->input, *panels = p->weight;
    e->tiles->begin();
    for (size_t at = 0; at < p->rows; at += some) {
        size_t end = at + some < p->rows ? at + some : p->rows;
        for (size_t panel = p->first / NB_PANEL; panel < last; panel++) {
            part t = engine_bf16_part_of(p, panel);
            const uint16_t *of_panel = panels + panel * panel_size, *ahead = of_panel + panel_size;
            size_t each = panel + 1 < last ? panel_size / ((end - at + BLOCK - 1) / BLOCK) + LINE : 0;
            for (size_t row = at; row < end; row += BLOCK, ahead += each) {
                size_t here = end - row < BLOCK ? end - row : BLOCK;
                e->tiles->block(block, rows + row / NB_TILE_ROWS * steps * NB_TILE, here > NB_TILE_ROWS ? 2 : 1,
                                of_panel, steps, (nb_operand_prefetch){ahead, each * sizeof *ahead});
                engine_bf16_finish(e, p, &t, block, row, here);
            }
        }
    }
    e->tiles->end();
}

/* ---- attention ---- */

/* Where the operands of one head lie in the scratch memory. */
typedef struct head_scratch {
    uint16_t *q, *k, *probabilities, *v;
    float *scores;
    size_t bytes;
} head_scratch;

static head_scratch engine_bf16_head_scratch(void *scratch, size_t longest, size_t head)
{
    char *at = scratch;
    head_scratch r = {0};
    size_t q = engine_bf16_input_bytes(longest, head), k = engine_bf16_weight_bytes(longest, head),
           v = engine_bf16_weight_bytes(head, longest), probabilities = engine_bf16_input_bytes(longest, longest);
    r.bytes = q + k + v + probabilities + longest * longest * sizeof(float);
    if (at) {
        r.q = (void *)at;
        r.k = (void *)(at + q);
        r.v = (void *)(at + q + k);
        r.probabilities = (void *)(at + q + k + v);
        r.scores = (void *)(at + q + k + v + probabilities);
    }
    return r;
}

static size_t engine_bf16_attention_bytes(size_t longest, size_t head)
{
    return engine_bf16_head_scratch(NULL, longest, head).bytes;
}

/* Products by tiles, the softmax between them in fp32. */
static void engine_bf16_attend(const nb_engine *e, const nb_attention *a)
{
    size_t longest = a->m > a->n ? a->m : a->n;
    head_scratch r = engine_bf16_head_scratch(a->scratch, longest, a->head);
    e->tiles->pack_rows(r.q, a->q, a->m, a->head, a->q_stride);
    e->tiles->pack_panels(r.k, a->k, a->n, a->head, a->stride);
    engine_bf16_product(
        e, &(nb_product){.input = r.q, .rows = a->m, .k = a->head, .weight = r.k, .count = a->n, .out = r.scores});
    a->vector->softmax(r.scores, a->m, a->n, a->n, 1.0f / sqrtf((float)a->head));
    e->tiles->pack_rows(r.probabilities, r.scores, a->m, a->n, a->n);
    e->tiles->pack_columns(r.v, a->v, a->head, a->n, a->stride);
    engine_bf16_product(e, &(nb_product){.input = r.probabilities,
                                         .rows = a->m,
                                         .k = a->n,
                                         .weight = r.v,
                                         .count = a->head,
                                         .out = a->out,
                                         .stride = a->out_stride});
}

#define ENGINE(by, how)                                                                                                \
    {                                                                                                                  \
        .name = "bf16", .precision = how, .tiles = &(by), .packs = true, .together = TOGETHER,                         \
        .weight_bytes = engine_bf16_weight_bytes, .pack = engine_bf16_pack, .input_bytes = engine_bf16_input_bytes,    \
        .input = engine_bf16_input, .product = engine_bf16_product, .attention_bytes = engine_bf16_attention_bytes,    \
        .attend = engine_bf16_attend                                                                                   \
    }

const nb_engine nb_engine_bf16_emulated = ENGINE(nb_tiles_emulated, "bf16 by emulated AMX");
const nb_engine nb_engine_bf16_pairs_emulated = ENGINE(nb_tiles_pairs_emulated, "bf16 by emulated AVX512-BF16");
#if defined(NEGBANK_AMX)
const nb_engine nb_engine_bf16_amx = ENGINE(nb_tiles_hardware, "bf16 by AMX");
#endif
#if defined(NEGBANK_AVX512BF16)
const nb_engine nb_engine_bf16_pairs = ENGINE(nb_tiles_pairs, "bf16 by AVX512-BF16");
#endif
const nb_engine nb_engine_bf16_bfmmla_emulated = ENGINE(nb_tiles_bfmmla_emulated, "bf16 by emulated BFMMLA");
#if defined(NEGBANK_BFMMLA)
const nb_engine nb_engine_bf16_bfmmla = ENGINE(nb_tiles_bfmmla, "bf16 by BFMMLA");
#endif
