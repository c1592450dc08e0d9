#include "scoring/streams/corpus_pass.h"

#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t corpus_tile_rows(const nb_corpus_pass *p, size_t tile)
{
    size_t begin = tile * p->tile;
    return p->corpus->count - begin < p->tile ? p->corpus->count - begin : p->tile;
}

/* The tile of an own one. */
static size_t corpus_tile_of(const nb_corpus_pass *p, size_t own_tile)
{
    return p->corpus->member + own_tile * p->members;
}

/* Where entry `u` lies among the own ones; false when it is another's. */
static bool corpus_own(const nb_corpus_pass *p, size_t u, size_t *at)
{
    size_t tile = u / p->tile;
    *at = tile / p->members * p->tile + u % p->tile;
    return tile % p->members == p->corpus->member;
}

/* The number of own entry `at`. */
static size_t corpus_number(const nb_corpus_pass *p, size_t at)
{
    return corpus_tile_of(p, at / p->tile) * p->tile + at % p->tile;
}

static nb_status corpus_check(const nb_scorer *s, nb_error *err)
{
    const nb_stream_corpus *c = s->corpus;
    if (!c || !c->count || !c->noise_count) {
        nb_fail(err, NB_ERR_USAGE, "the score '%s' needs %s", s->rule->name,
                c && c->count ? "embeddings of noise images" : "an embedded corpus");
        return nb_hint(err, c && c->count ? "--noise names a store of them" : "--texts names its store");
    }
    if (c->d != s->d) {
        return nb_fail(err, NB_ERR_USAGE, "the corpus has width %zu, the bank %zu", c->d, s->d);
    }
    return NB_OK;
}

nb_status nb_corpus_pass_create(nb_corpus_pass *p, const nb_scorer *s, nb_error *err)
{
    const nb_stream_corpus *c = s->corpus;
    size_t elements;
    nb_status status;
    *p = (nb_corpus_pass){.corpus = c, .scorer = s};
    NB_TRY(corpus_check(s, err));
    p->members = c->members ? c->members : 1;
    p->tile = c->tile ? c->tile : NB_CORPUS_TILE;
    p->tiles = (c->count + p->tile - 1) / p->tile;
    p->own_tiles = p->tiles > c->member ? (p->tiles - c->member - 1) / p->members + 1 : 0;
    for (size_t t = 0; t < p->own_tiles; t++) {
        p->own += corpus_tile_rows(p, corpus_tile_of(p, t));
    }
    if (!nb_mul_size(p->own, s->d, &elements)) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu rows of width %zu are too many", p->own, s->d);
        goto done;
    }
    p->rows = nb_alloc_aligned(elements, sizeof *p->rows, err);
    status = p->rows ? NB_OK : NB_ERR_LIMIT;
    for (size_t t = 0; t < p->own_tiles && status == NB_OK; t++) {
        size_t tile = corpus_tile_of(p, t);
        status = c->rows(c->self, tile * p->tile, corpus_tile_rows(p, tile), p->rows + t * p->tile * s->d, err);
    }
done:
    return status;
}

static void corpus_free_images(nb_corpus_pass *p)
{
    free(p->cosines);
    free(p->logits);
    free(p->log_sums);
    free(p->labels);
    free(p->whole);
    free(p->best);
    p->cosines = p->logits = NULL;
    p->log_sums = p->labels = p->whole = NULL;
    p->best = NULL;
    p->capacity = 0;
}

void nb_corpus_pass_destroy(nb_corpus_pass *p)
{
    corpus_free_images(p);
    free(p->rows);
    *p = (nb_corpus_pass){0};
}

static nb_status corpus_make_room(nb_corpus_pass *p, size_t count, nb_error *err)
{
    size_t cosines, logits, sums;
    nb_status status = NB_OK;
    if (count <= p->capacity) {
        return NB_OK;
    }
    corpus_free_images(p);
    if (!nb_mul_size(count, p->own, &cosines) || !nb_mul_size(count, p->scorer->label_count, &logits) ||
        !nb_mul_size(count, p->tiles, &sums)) {
        return nb_fail(err, NB_ERR_LIMIT, "a batch of %zu images is too large", count);
    }
    NB_TRY_NEW(p->cosines, cosines);
    NB_TRY_NEW(p->logits, logits);
    NB_TRY_NEW(p->log_sums, sums);
    NB_TRY_NEW(p->labels, count);
    NB_TRY_NEW(p->whole, count);
    NB_TRY_NEW(p->best, count);
    p->capacity = count;
done:
    return status;
}

static nb_status corpus_combine(const nb_corpus_pass *p, void *words, size_t bytes, nb_error *err)
{
    return p->members > 1 ? p->corpus->combine(p->corpus->self, words, (bytes + 7) / 8, err) : NB_OK;
}

/* ln sum exp(x / T) */
static double corpus_log_sum(const nb_scorer *s, const float *x, size_t n)
{
    double scale = 1 / s->parameters.shared.temperature, sum;
    float top;
    s->vector->sum_exp(x, n, (float)scale, &top, &sum);
    return scale * (double)top + log(sum);
}

nb_status nb_corpus_pass_run(nb_corpus_pass *p, const float *images, size_t count, nb_error *err)
{
    const nb_scorer *s = p->scorer;
    size_t labels = s->label_count;
    nb_status status;
    NB_TRY(corpus_make_room(p, count, err));
    nb_sgemm_nt(nb_matrix_of(images, count, s->d), nb_matrix_of(s->rows, labels, s->d), 0, p->logits, labels);
    for (size_t i = 0; i < count; i++) {
        p->best[i] = (int32_t)s->vector->first_largest(p->logits + i * labels, labels);
        p->labels[i] = corpus_log_sum(s, p->logits + i * labels, labels);
    }
    memset(p->log_sums, 0, count * p->tiles * sizeof *p->log_sums);
    for (size_t t = 0; t < p->own_tiles; t++) {
        size_t tile = corpus_tile_of(p, t), n = corpus_tile_rows(p, tile), first = t * p->tile;
        nb_sgemm_nt(nb_matrix_of(images, count, s->d), nb_matrix_of(p->rows + first * s->d, n, s->d), 0,
                    p->cosines + first, p->own);
        for (size_t i = 0; i < count; i++) {
            p->log_sums[i * p->tiles + tile] = corpus_log_sum(s, p->cosines + i * p->own + first, n);
        }
    }
    NB_TRY(corpus_combine(p, p->log_sums, count * p->tiles * sizeof *p->log_sums, err));
    for (size_t i = 0; i < count; i++) {
        p->whole[i] = p->labels[i];
        for (size_t t = 0; t < p->tiles; t++) {
            p->whole[i] = nb_log_add(p->whole[i], p->log_sums[i * p->tiles + t]);
        }
    }
done:
    return status;
}

void nb_corpus_pass_activation(const nb_corpus_pass *p, size_t image, float *out)
{
    double scale = 1 / p->scorer->parameters.shared.temperature, whole = p->whole[image];
    /* near cosines are subtracted exactly; what rounding takes from the sum is small beside the product */
    float by = (float)scale, base = (float)(whole / scale), rest = (float)(whole - scale * (double)base);
    const float *x = p->cosines + image * p->own;
    for (size_t u = 0; u < p->own; u++) {
        out[u] = (x[u] - base) * by - rest;
    }
    p->scorer->vector->exps(out, p->own);
}

/* ---- the largest ---- */

typedef struct entry {
    double value;
    uint64_t number; /* 1 + that of the entry; 0: none */
} entry;

/* True when a comes behind b. */
static bool corpus_behind(const entry *a, const entry *b)
{
    return !b->number ? false : !a->number || a->value < b->value || (!(a->value > b->value) && a->number > b->number);
}

/* Moves the root of a heap, whose root is the last of all, to its place. */
static void corpus_sift(entry *heap, size_t count, entry moved)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && corpus_behind(&heap[child + 1], &heap[child]);
        if (!corpus_behind(&heap[child], &moved)) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static int corpus_by_place(const void *a, const void *b)
{
    return (int)corpus_behind(a, b) - (int)corpus_behind(b, a);
}

nb_status nb_corpus_pass_top(const nb_corpus_pass *p, const double *values, size_t count, size_t *bank, nb_error *err)
{
    size_t all = p->members * count;
    entry *found = NULL;
    nb_status status;
    NB_TRY_NEW(found, all);
    entry *heap = found + (p->members > 1 ? p->corpus->member : 0) * count; /* of entries that are none at first */
    for (size_t u = 0; u < p->own; u++) {
        const entry one = {values[u], 1 + corpus_number(p, u)};
        if (!isnan(one.value) && corpus_behind(&heap[0], &one)) {
            corpus_sift(heap, count, one);
        }
    }
    NB_TRY(corpus_combine(p, found, all * sizeof *found, err));
    qsort(found, all, sizeof *found, corpus_by_place);
    for (size_t i = 0; i < count; i++) {
        if (!found[i].number) {
            status = nb_fail(err, NB_ERR_NUMERIC, "the activations of the corpus are not finite");
            goto done;
        }
        bank[i] = (size_t)found[i].number - 1;
    }
done:
    free(found);
    return status;
}

/* ---- parts ---- */

nb_status nb_corpus_pass_cosines(const nb_corpus_pass *p, size_t images, const nb_corpus_entries *bank, float *out,
                                 nb_error *err)
{
    size_t n = bank->count;
    memset(out, 0, (images * n + 1) * sizeof *out);
    for (size_t b = 0; b < n; b++) {
        size_t at;
        for (size_t i = 0; i < images && corpus_own(p, bank->numbers[b], &at); i++) {
            out[i * n + b] = p->cosines[i * p->own + at];
        }
    }
    return corpus_combine(p, out, images * n * sizeof *out, err);
}

nb_status nb_corpus_pass_rows(const nb_corpus_pass *p, const nb_corpus_entries *bank, float *out, nb_error *err)
{
    size_t d = p->scorer->d;
    memset(out, 0, (bank->count * d + 1) * sizeof *out);
    for (size_t b = 0; b < bank->count; b++) {
        size_t at;
        if (corpus_own(p, bank->numbers[b], &at)) {
            memcpy(out + b * d, p->rows + at * d, d * sizeof *out);
        }
    }
    return corpus_combine(p, out, bank->count * d * sizeof *out, err);
}

nb_status nb_corpus_pass_gather(const nb_corpus_pass *p, const void *own, size_t element, void *all, nb_error *err)
{
    memset(all, 0, (p->corpus->count + 1) * element);
    for (size_t t = 0; t < p->own_tiles; t++) {
        size_t tile = corpus_tile_of(p, t);
        memcpy((char *)all + tile * p->tile * element, (const char *)own + t * p->tile * element,
               corpus_tile_rows(p, tile) * element);
    }
    return corpus_combine(p, all, p->corpus->count * element, err);
}

void nb_corpus_pass_take(const nb_corpus_pass *p, const void *all, size_t element, void *own)
{
    for (size_t t = 0; t < p->own_tiles; t++) {
        size_t tile = corpus_tile_of(p, t);
        memcpy((char *)own + t * p->tile * element, (const char *)all + tile * p->tile * element,
               corpus_tile_rows(p, tile) * element);
    }
}
