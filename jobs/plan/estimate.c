#include "jobs/plan/estimate.h"

#include "common/clip/model/weights.h"
#include "common/linear/exact/exact_sum.h"
#include "mining/corpus/plan.h"
#include "mining/embed/embed.h"
#include "mining/select/ledger.h"

#include <math.h>

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
    double corpus = bytes + 10 * count; /* every rank has the texts, where they begin and their tags */
    return (nb_estimate){.items = count,
                         .tiles = estimate_tiles_of(count, NB_TEXT_TILE),
                         /* reading and writing them, rank 0 holds texts twice */
                         .memory = NB_ESTIMATE_BASE + encoder + 16.0 * NB_TEXT_TILE * width + 2 * corpus,
                         .weights = (double)nb_clip_weight_bytes(c, engine),
                         .written = estimate_store_bytes(count, width, NB_TEXT_TILE, bytes, half),
                         .texts = count * prompts};
}

nb_estimate nb_estimate_images(const nb_clip_config *c, const nb_engine *engine, double count, double name_bytes,
                               double threads, bool half)
{
    double patches = (double)nb_clip_patches(c) + 1, rows = fmax(patches, PACKED_ROWS);
    double pixels = 3 * (double)c->image_size * (double)c->image_size * 4;
    double decoding = 32 * mebibyte; /* an image of ten million pixels as it is decoded */
    return (nb_estimate){.items = count,
                         .tiles = estimate_tiles_of(count, NB_IMAGE_TILE),
                         .memory = NB_ESTIMATE_BASE + estimate_tower_room(&c->image, engine, rows) +
                                   2 * NB_IMAGE_TILE * pixels + fmax(1, threads) * decoding + 2 * name_bytes +
                                   64 * count,
                         .weights = (double)nb_clip_weight_bytes(c, engine),
                         .written = estimate_store_bytes(count, (double)c->projection, NB_IMAGE_TILE, name_bytes, half),
                         .images = count};
}

/* Columns a ledger has. */
static double estimate_columns_of(const nb_estimate_mining *m)
{
    double columns = (double)m->criterion->column_count;
    if (m->explains) {
        columns += m->criterion == &nb_criterion_neglabel ? 0 : (double)nb_criterion_neglabel.column_count;
        columns += m->criterion == &nb_criterion_interneg ? 0 : (double)nb_criterion_interneg.column_count;
    }
    return columns;
}

/* Operations of the products a criterion takes, and the memory it holds. */
static void estimate_criterion_of(const nb_estimate_mining *m, const nb_criterion *c, double *products, double *memory)
{
    double tile = NB_AFFINITY_TEXTS, images = m->wild_images + m->id_images;
    double others = m->neighbour_sample > 0 ? fmin(m->n, m->neighbour_sample) : m->n;
    if (c == &nb_criterion_neglabel || c == &nb_criterion_interneg) {
        *products += 2 * m->n * m->labels * m->width;
        *memory += m->labels * m->width * 16 + 4 * tile * m->labels;
    } else if (c == &nb_criterion_debiased) {
        *products += 2 * 2 * m->n * images * m->width; /* partition sums, then activations */
        *memory += images * (double)(sizeof(nb_exact_sum) * 2 + 4) + 4 * NB_AFFINITY_IMAGES * (tile + m->width);
    } else if (c == &nb_criterion_dnm) {
        *products += 2 * m->n * others * m->width;
        *memory += others + 4 * tile * (tile + m->width) + 8 * tile * (1.125 * m->neighbours + 9);
    }
}

nb_estimate nb_estimate_mine(const nb_estimate_mining *m, int ranks)
{
    double products = 0, columns = estimate_columns_of(m), record = 2 + 8 * columns;
    double memory = NB_ESTIMATE_BASE + 4.0 * NB_AFFINITY_TEXTS * m->width + (double)sizeof(nb_ledger_tile);
    estimate_criterion_of(m, m->criterion, &products, &memory);
    if (m->explains) {
        estimate_criterion_of(m, &nb_criterion_neglabel, &products, &memory);
    }
    if ((m->rejects || m->explains) && m->criterion != &nb_criterion_interneg) {
        estimate_criterion_of(m, &nb_criterion_interneg, &products, &memory);
    }
    memory += m->n / ranks + 8 * estimate_tiles_of(m->n, NB_AFFINITY_TEXTS) + m->labels * m->width * 12 + 24 * m->kept +
              m->id_images * 64;
    return (nb_estimate){.items = m->n,
                         .tiles = estimate_tiles_of(m->n, NB_AFFINITY_TEXTS),
                         .memory = memory,
                         .written = m->kept * (m->width * 2 + 8 * columns + 64) + m->labels * (m->width * 8 + 32),
                         .scratch = NB_LEDGER_HEADER + m->n * record,
                         .products = products};
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
