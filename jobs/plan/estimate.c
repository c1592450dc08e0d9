#include "jobs/plan/estimate.h"

#include "common/clip/model/weights.h"
#include "mining/corpus/plan.h"
#include "mining/embed/embed.h"

#include <math.h>
#include <stdlib.h>

enum { PACKED_ROWS = 4096 }; /* rows a tower works on at once: common/clip/model/text_encoder.c, image_encoder.c */
static const double mebibyte = 1 << 20;

static double estimate_tiles_of(double count, double rows)
{
    return fmax(1, ceil(count / rows));
}

nb_estimate nb_estimate_corpus(double bytes, double lines, int ranks, uint64_t memory)
{
    nb_corpus_estimate e = nb_corpus_estimate_of((uint64_t)bytes, (uint64_t)lines, ranks, memory);
    return (nb_estimate){.items = lines,
                         .tiles = fmax(1, ceil(bytes / mebibyte)),
                         .memory = (double)e.memory,
                         .written = bytes + 13 * lines,
                         .scratch = (double)e.scratch * ranks,
                         .gathered = bytes};
}

/* Room of a tower for `rows` packed rows (common/clip/towers/forward.c). */
static double estimate_tower_room(const nb_tower_config *t, const nb_engine *engine, double rows)
{
    double w = (double)t->width, packed = engine->packs ? rows * (w + (double)t->mlp) * 2 : 0;
    return 4 * rows * (6 * w + (double)t->mlp) + packed;
}

static double estimate_store_bytes(double count, double width, double tile, double name_bytes, bool half)
{
    return count * (width * (half ? 2 : 4) + 4 + 1 + 8) + 8 * estimate_tiles_of(count, tile) + name_bytes;
}

nb_estimate nb_estimate_texts(const nb_clip_config *c, const nb_engine *engine, double count, double bytes,
                              double prompts, bool half)
{
    double rows = fmin(PACKED_ROWS, (double)(NB_TEXT_TILE * c->context)), width = (double)c->projection;
    double encoder = estimate_tower_room(&c->text, engine, rows) + 4.0 * NB_TEXT_TILE * (double)c->context;
    double layout =
        fmin(2 * (bytes + 10 * count), 80 * mebibyte); /* columns, chunk by chunk, and 32 MiB of them packed */
    return (nb_estimate){.items = count,
                         .tiles = estimate_tiles_of(count, NB_TEXT_TILE),
                         .memory = NB_ESTIMATE_BASE + encoder + 16.0 * NB_TEXT_TILE * width + layout,
                         .weights = (double)nb_clip_weight_bytes(c, engine),
                         .written = estimate_store_bytes(count, width, NB_TEXT_TILE, bytes, half),
                         .texts = count * prompts};
}

nb_estimate nb_estimate_images(const nb_clip_config *c, const nb_engine *engine, double count, double name_bytes,
                               double threads, bool half)
{
    double patches = (double)nb_clip_patches(c) + 1, rows = fmax(patches, PACKED_ROWS);
    double tower = estimate_tower_room(&c->image, engine, rows);
    double pixels = 3 * (double)c->image_size * (double)c->image_size * 4;
    if (c->image.convolutions.list) { /* image by image */
        tower = estimate_tower_room(&c->image, engine, patches) + (double)nb_convolver_bytes(engine, c);
    }
    double decoding = 32 * mebibyte; /* an image of ten million pixels as it is decoded */
    return (nb_estimate){.items = count,
                         .tiles = estimate_tiles_of(count, NB_IMAGE_TILE),
                         .memory = NB_ESTIMATE_BASE + tower + 2 * NB_IMAGE_TILE * pixels + fmax(1, threads) * decoding +
                                   2 * name_bytes + 64 * count,
                         .weights = (double)nb_clip_weight_bytes(c, engine),
                         .written = estimate_store_bytes(count, (double)c->projection, NB_IMAGE_TILE, name_bytes, half),
                         .images = count};
}

typedef void (*method_cost)(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters);

/* Adds what a method says that it takes. */
static nb_status estimate_method(nb_mining_cost *cost, const nb_estimate_mining *m, method_cost add,
                                 const nb_method_parameters *parameters, nb_error *err)
{
    void *block = NULL;
    nb_status status = NB_OK;
    if (add) {
        status = nb_mining_parameters(&block, parameters, m->plan.options, err);
        if (status == NB_OK) {
            add(cost, &m->size, block);
        }
    }
    free(block);
    return status;
}

/* The criteria that the run computes, and the rejection rule where it takes products of its own. */
static nb_status estimate_methods(nb_mining_cost *cost, double *columns, const nb_estimate_mining *m, nb_error *err)
{
    const nb_criterion *criteria[NB_MINE_CRITERIA];
    const nb_rejection *rule = m->plan.rejection;
    size_t count = nb_mine_criteria(&m->plan, m->size.id_images > 0, m->size.wild_images > 0, criteria);
    bool alone = true;
    nb_status status = NB_OK;
    for (size_t i = 0; i < count; i++) {
        *columns += (double)criteria[i]->column_count;
        alone = alone && criteria[i]->applies != rule;
        NB_TRY(estimate_method(cost, m, criteria[i]->cost, &criteria[i]->parameters, err));
    }
    if (alone) {
        NB_TRY(estimate_method(cost, m, rule->cost, &rule->parameters, err));
    }
done:
    return status;
}

/* Bytes of the bank and the explain table's part of it: rows and texts, with proxies and their map where it has them.
 */
static double estimate_bank(const nb_estimate_mining *m, double columns)
{
    const nb_mining_size *s = &m->size;
    double negative = s->width * 2 + 8 * columns + 64, all = s->labels * (s->width * 8 + 32);
    if (m->plan.criterion->finish) {
        negative += s->width * 2 + 12;
        all += s->width * s->width * 2;
    }
    return m->kept * negative + all;
}

nb_status nb_estimate_mine(nb_estimate *out, const nb_estimate_mining *m, int ranks, nb_error *err)
{
    const nb_mining_size *s = &m->size;
    double n = s->candidates, columns = 0;
    nb_mining_cost cost = {.memory =
                               NB_ESTIMATE_BASE + 4.0 * NB_AFFINITY_TEXTS * s->width + (double)sizeof(nb_ledger_tile)};
    nb_status status;
    NB_TRY(estimate_methods(&cost, &columns, m, err));
    cost.memory += n / ranks + 8 * estimate_tiles_of(n, NB_AFFINITY_TEXTS) + s->labels * s->width * 12 + 24 * m->kept +
                   s->id_images * 64;
    *out = (nb_estimate){.items = n,
                         .tiles = estimate_tiles_of(n, NB_AFFINITY_TEXTS),
                         .memory = cost.memory,
                         .written = estimate_bank(m, columns),
                         .scratch = NB_LEDGER_HEADER + n * (2 + 8 * columns),
                         .products = cost.products};
done:
    return status;
}

nb_estimate nb_estimate_tune(const nb_clip_config *c, double steps, double batch, double micro, bool recompute)
{
    double parameters = (double)nb_clip_parameters(c), rows = (double)nb_clip_patches(c) + 1;
    double image = (double)c->image.layers * rows * (10 * (double)c->image.width + 2 * (double)c->image.mlp);
    double text = (double)c->text.layers * (double)c->context * (10 * (double)c->text.width + 2 * (double)c->text.mlp);
    double passes = recompute ? 4 : 3; /* forward, and backward at twice its cost; with recompute forward again */
    double pairs = steps * batch * passes;
    return (nb_estimate){.items = steps * batch,
                         .tiles = fmax(1, ceil(batch / micro)), /* of a step */
                         .memory = NB_ESTIMATE_BASE + 5 * 4 * parameters +
                                   4 * micro * (image + text) * (recompute ? 0.1 : 1) + 16 * batch * batch,
                         .weights = 4 * parameters,
                         .written = 4 * parameters,
                         .scratch = 3 * 4 * parameters, /* weights and both moments, to continue from */
                         .texts = pairs,
                         .images = pairs};
}
