/* Debiased Negative Mining (KDD 2026): density of a candidate in the wild corpus, the mean over its k nearest other
 * candidates of ln(distance); the smallest are the densest.
 *
 * distance "sphere": 2 - 2 cos, the candidate itself excluded. "released", as the authors' script has it:
 * |a| + |b| - 2 cos(a, b) with the norms of the unnormalised embeddings, the k + 1 smallest, itself included.
 *
 * Neighbours are looked for in all candidates, or in a seeded sample of them: of N candidates in S runs of equal length
 * one each. Its rows lie once on every node; the tiles they are from are verified by all ranks, each a share. A few
 * more than k are found in single precision; their distances are computed again in double, in one order on every CPU,
 * and the k smallest of those count. */
#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/simd/affinity.h"
#include "common/parallel/shared.h"
#include "mining/criteria/criterion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two equal embeddings have distance 0, known to about 1e-15 only; ln needs a floor. */
static const double distance_floor = 1e-12;

typedef struct settings {
    int64_t neighbours;
    int64_t neighbour_sample; /* size of the seeded sample of candidates that are neighbours; 0: all are */
    const char *distance;
    int64_t seed;
} settings;

typedef struct near {
    float key; /* the part of the distance that differs among neighbours */
    uint32_t other;
} near;

typedef struct state {
    const nb_evidence *evidence;
    const settings *set;
    bool released; /* the distance of the authors' script, not that on the sphere */
    const nb_affinity *loops;
    size_t others;               /* how many candidates may be neighbours */
    bool sampled;                /* else they are the candidates themselves, by their ids */
    nb_shared shared;            /* of the node: the sample */
    void *own_sample;            /* of a process without MPI */
    const unsigned char *sample; /* [others, row bytes] as stored, where they are sampled */
    uint8_t *absent;             /* [others] 1: an ID label or on the stop list, no neighbour */
    size_t k, keep;              /* neighbours that count, that are kept */
    float *rows;                 /* [NB_AFFINITY_TEXTS, d] of other candidates */
    float *cosines;              /* [NB_AFFINITY_TEXTS, NB_AFFINITY_TEXTS] */
    float add[NB_AFFINITY_TEXTS];
    uint32_t index[NB_AFFINITY_TEXTS + 1];
    near *nearest; /* [NB_AFFINITY_TEXTS, keep], a max-heap a row */
    size_t held[NB_AFFINITY_TEXTS];
    float *own, *other; /* [d], for rows that are unaligned in the file */
    double *distances;  /* [keep] */
} state;

static void dnm_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        nb_shared_destroy(&s->shared);
        free(s->own_sample);
        free(s->absent);
        free(s->rows);
        free(s->cosines);
        free(s->nearest);
        free(s->own);
        free(s->other);
        free(s->distances);
        free(s);
    }
}

/* The candidate behind number `other`. */
static size_t dnm_id_of(const state *s, size_t other)
{
    if (!s->sampled || !s->others) {
        return other;
    }
    uint64_t n = s->evidence->candidates->count, begin = other * n / s->others, end = (other + 1) * n / s->others;
    return (size_t)(begin + (uint64_t)(nb_random_unit((uint64_t)s->set->seed, 1, other) * (double)(end - begin)));
}

/* Collective. Which of the others take no part; every rank looks at its share. */
static nb_status dnm_find_absent(state *s, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    size_t words = (s->others + 7) / 8;
    uint8_t reasons[NB_AFFINITY_TEXTS];
    nb_status status = NB_OK;
    s->absent = nb_alloc(words, 8, err);
    NB_TRY(s->absent ? NB_OK : NB_ERR_LIMIT);
    for (size_t t = 0, at = 0; at < s->others; t++, at += NB_AFFINITY_TEXTS) {
        size_t count = s->others - at < NB_AFFINITY_TEXTS ? s->others - at : NB_AFFINITY_TEXTS;
        if (!nb_comm_owns(e->comm, t)) {
            continue;
        }
        if (!s->sampled) {
            NB_TRY(nb_candidates_reasons(e->candidates, at, count, reasons, NULL, err));
        }
        for (size_t i = 0; s->sampled && i < count; i++) {
            NB_TRY(nb_candidates_reasons(e->candidates, dnm_id_of(s, at + i), 1, reasons + i, NULL, err));
        }
        for (size_t i = 0; i < count; i++) {
            s->absent[at + i] = reasons[i] != NB_ACCEPTED;
        }
    }
done:
    status = nb_comm_agree(e->comm, status, err);
    return status == NB_OK ? nb_comm_or(e->comm, s->absent, words, err) : status;
}

/* The tiles that this rank's share of the sample lies in are whole. */
static nb_status dnm_verify_sample(const state *s, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    const unsigned char *row;
    nb_status status = NB_OK;
    for (size_t at = s->others * (size_t)e->comm->rank / (size_t)e->comm->size;
         status == NB_OK && at < s->others * ((size_t)e->comm->rank + 1) / (size_t)e->comm->size; at++) {
        status = nb_store_mapped_rows(e->candidates->store, dnm_id_of(s, at), 1, &row, err);
    }
    return status;
}

/* Collective. The rows of the sample, once on every node, whose ranks copy a share each. */
static nb_status dnm_gather(state *s, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    size_t bytes = nb_store_row_bytes(&e->candidates->store->plan);
    bool alone = e->comm->handle == MPI_COMM_NULL;
    int rank = 0, size = 1;
    nb_status status;
    NB_TRY(nb_comm_agree(e->comm, dnm_verify_sample(s, err), err));
    if (alone) {
        s->own_sample = nb_alloc_aligned(s->others * bytes, 1, err);
        NB_TRY(s->own_sample ? NB_OK : NB_ERR_LIMIT);
    } else {
        NB_TRY(nb_shared_create(&s->shared, e->comm, s->others * bytes, err));
        MPI_Comm_rank(s->shared.node, &rank);
        MPI_Comm_size(s->shared.node, &size);
    }
    unsigned char *to = alone ? s->own_sample : s->shared.base;
    for (size_t i = s->others * (size_t)rank / (size_t)size; i < s->others * ((size_t)rank + 1) / (size_t)size; i++) {
        memcpy(to + i * bytes, nb_store_unverified_row(e->candidates->store, dnm_id_of(s, i)), bytes);
    }
    s->sample = to;
    status = alone ? NB_OK : nb_shared_publish(&s->shared, e->comm, err);
done:
    return status;
}

static nb_status dnm_prepare(state *s, const nb_evidence *e, const settings *set, nb_error *err)
{
    size_t n = e->candidates->count;
    nb_status status = NB_OK;
    *s = (state){.evidence = e,
                 .set = set,
                 .released = strcmp(set->distance, "released") == 0,
                 .loops = nb_affinity_best(),
                 .others = n};
    if (set->neighbour_sample && (size_t)set->neighbour_sample < n) {
        s->others = (size_t)set->neighbour_sample;
        s->sampled = true;
    }
    if (n < 2) {
        return nb_fail(err, NB_ERR_INPUT, "density needs at least two candidates, '%s' has %zu",
                       e->candidates->store->path, n);
    }
    if (s->others > UINT32_MAX) {
        nb_fail(err, NB_ERR_LIMIT, "%zu candidates are too many to look for neighbours among all of them", n);
        return nb_hint(err, "choose a sample: --neighbour-sample 1000000");
    }
    s->k = (size_t)set->neighbours + (s->released ? 1 : 0);
    s->keep = s->k + s->k / 8 + 8;
    NB_TRY_NEW(s->nearest, NB_AFFINITY_TEXTS * s->keep);
    NB_TRY_NEW(s->own, e->d);
    NB_TRY_NEW(s->other, e->d);
    NB_TRY_NEW(s->distances, s->keep);
    s->rows = nb_alloc_aligned(NB_AFFINITY_TEXTS * e->d, sizeof *s->rows, err);
    s->cosines = nb_alloc_aligned((size_t)NB_AFFINITY_TEXTS * NB_AFFINITY_TEXTS, sizeof *s->cosines, err);
    status = s->rows && s->cosines ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

static nb_status dnm_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    state *s = nb_alloc(1, sizeof *s, err);
    nb_status status = s ? dnm_prepare(s, e, parameters, err) : NB_ERR_LIMIT;
    *out = s;
    status = nb_comm_agree(e->comm, status, err);
    if (status == NB_OK) {
        status = dnm_find_absent(s, err);
    }
    return status == NB_OK && s->sampled ? dnm_gather(s, err) : status;
}

static void dnm_sink(near *heap, size_t n, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && heap[child + 1].key > heap[child].key) {
            child++;
        }
        if (heap[child].key <= heap[i].key) {
            return;
        }
        near swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
        i = child;
    }
}

static void dnm_offer(state *s, size_t row, near value)
{
    near *heap = s->nearest + row * s->keep;
    size_t *held = &s->held[row];
    if (*held < s->keep) {
        heap[(*held)++] = value;
        for (size_t i = *held / 2; *held == s->keep && i-- > 0;) { /* full: make it a heap */
            dnm_sink(heap, s->keep, i);
        }
    } else if (value.key < heap[0].key) {
        heap[0] = value;
        dnm_sink(heap, s->keep, 0);
    }
}

/* Rows [at, at + count) of the sample, normalised. */
static nb_status dnm_load_sampled(state *s, size_t at, size_t count, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    nb_store *store = e->candidates->store;
    float norms[NB_AFFINITY_TEXTS];
    const void *rows = s->sample + at * nb_store_row_bytes(&store->plan);
    if (store->plan.half) {
        s->loops->unit_half(s->rows, rows, count, e->d, norms);
    } else {
        s->loops->unit_float(s->rows, rows, count, e->d, norms);
    }
    for (size_t i = 0; i < count; i++) {
        if (!(norms[i] > 0) || !isfinite(norms[i])) {
            return nb_store_refuse_row(store, dnm_id_of(s, at + i), (double)norms[i], err);
        }
    }
    return NB_OK;
}

/* Rows of others [at, at + count) and, for each, what its distances are made of beside the cosine. */
static nb_status dnm_load_others(state *s, size_t at, size_t count, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    nb_store *store = e->candidates->store;
    nb_status status;
    if (s->sampled) {
        NB_TRY(dnm_load_sampled(s, at, count, err));
    } else {
        NB_TRY(nb_unit_rows(store, at, count, s->rows, err));
    }
    for (size_t i = 0; i < count; i++) {
        s->add[i] = 2;
        if (s->released) {
            nb_store_norms(store, dnm_id_of(s, at + i), 1, &s->add[i]);
        }
        s->add[i] = s->absent[at + i] ? INFINITY : s->add[i];
    }
done:
    return status;
}

static void dnm_offer_others(state *s, const nb_text_tile *t, size_t at, size_t count)
{
    for (size_t i = 0; i < t->count; i++) {
        const float *cosines = s->cosines + i * count;
        float limit = s->held[i] < s->keep ? INFINITY : s->nearest[i * s->keep].key;
        size_t found = s->loops->nearer(cosines, s->add, count, limit, s->index);
        for (size_t k = 0; k < found; k++) {
            size_t j = s->index[k];
            if (s->released || dnm_id_of(s, at + j) != t->begin + i) {
                dnm_offer(s, i, (near){s->add[j] - 2 * cosines[j], (uint32_t)(at + j)});
            }
        }
    }
}

static int dnm_by_other(const void *a, const void *b)
{
    uint32_t x = ((const near *)a)->other, y = ((const near *)b)->other;
    return (x > y) - (x < y);
}

/* A row as it is stored, in place or copied to `buffer` [d]. */
static const void *dnm_aligned(const state *s, const unsigned char *row, float *buffer)
{
    if ((uintptr_t)row % sizeof(float)) {
        memcpy(buffer, row, nb_store_row_bytes(&s->evidence->candidates->store->plan));
        return buffer;
    }
    return row;
}

/* The row of one of the others as it is stored. */
static nb_status dnm_other_row(state *s, size_t other, const void **row, nb_error *err)
{
    nb_store *store = s->evidence->candidates->store;
    const unsigned char *bytes = s->sampled ? s->sample + other * nb_store_row_bytes(&store->plan) : NULL;
    nb_status status = s->sampled ? NB_OK : nb_store_mapped_rows(store, other, 1, &bytes, err);
    *row = status == NB_OK ? dnm_aligned(s, bytes, s->other) : NULL;
    return status;
}

static void dnm_products(const state *s, const void *a, const void *b, double *ab, double *bb)
{
    if (s->evidence->candidates->store->plan.half) {
        s->loops->pair_half(a, b, s->evidence->d, ab, bb);
    } else {
        s->loops->pair_float(a, b, s->evidence->d, ab, bb);
    }
}

/* The density from the kept neighbours, in double. */
static nb_status dnm_density(state *s, size_t id, near *kept, size_t count, double *out, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    nb_store *store = e->candidates->store;
    const unsigned char *mapped;
    const void *own, *other_row;
    float norms[2] = {1, 1};
    double sum = 0, own_square, square, product;
    nb_status status;
    qsort(kept, count, sizeof *kept, dnm_by_other);
    NB_TRY(nb_store_mapped_rows(store, id, 1, &mapped, err));
    own = dnm_aligned(s, mapped, s->own);
    dnm_products(s, own, own, &product, &own_square);
    for (size_t i = 0; i < count; i++) {
        NB_TRY(dnm_other_row(s, kept[i].other, &other_row, err));
        dnm_products(s, own, other_row, &product, &square);
        if (s->released) {
            nb_store_norms(store, id, 1, &norms[0]);
            nb_store_norms(store, dnm_id_of(s, kept[i].other), 1, &norms[1]);
        }
        double distance = (double)norms[0] + (double)norms[1] - 2 * product / sqrt(own_square * square);
        s->distances[i] = distance > distance_floor ? distance : distance_floor;
    }
    qsort(s->distances, count, sizeof *s->distances, nb_ascending); /* a sum in a fixed order */
    count = count < s->k ? count : s->k;
    for (size_t i = 0; i < count; i++) {
        sum += log(s->distances[i]);
    }
    *out = sum / (double)count;
done:
    return status;
}

static nb_status dnm_tile(void *opaque, const nb_text_tile *t, double *const *values, nb_error *err)
{
    state *s = opaque;
    const nb_evidence *e = s->evidence;
    nb_status status = NB_OK;
    memset(s->held, 0, sizeof s->held);
    for (size_t at = 0; at < s->others; at += NB_AFFINITY_TEXTS) {
        size_t count = s->others - at < NB_AFFINITY_TEXTS ? s->others - at : NB_AFFINITY_TEXTS;
        NB_TRY(dnm_load_others(s, at, count, err));
        nb_sgemm_nt(nb_matrix_of(t->rows, t->count, e->d), nb_matrix_of(s->rows, count, e->d), 0, s->cosines, count);
        dnm_offer_others(s, t, at, count);
    }
    for (size_t i = 0; i < t->count; i++) {
        NB_TRY(dnm_density(s, t->begin + i, s->nearest + i * s->keep, s->held[i], &values[0][i], err));
    }
done:
    return status;
}

static void dnm_cost(nb_mining_cost *cost, const nb_mining_size *size, const void *parameters)
{
    const settings *set = parameters;
    double tile = NB_AFFINITY_TEXTS, n = size->candidates;
    double others = set->neighbour_sample > 0 ? fmin(n, (double)set->neighbour_sample) : n;
    cost->products += 2 * n * others * size->width;
    cost->memory += others + (others < n ? 4 * others * size->width : 0) + 4 * tile * (tile + size->width) +
                    8 * tile * (1.125 * (double)set->neighbours + 9);
}

static const char *const columns[] = {"density"};
static const nb_option parameters[] = {
    OPT_INT("neighbours", neighbours, "K", "100", 1, 1e6, "dnm: neighbours of the density"),
    OPT_INT("neighbour-sample", neighbour_sample, "S", "0", 0, 4e9,
            "dnm: look for neighbours in a seeded sample of S candidates; 0: in all"),
    OPT_CHOICE("distance", distance, "KIND", "sphere", "sphere|released",
               "dnm: on the unit sphere, or as the authors' script has it"),
    NB_MINING_SEED_ROW,
};
const nb_criterion nb_criterion_dnm = {.name = "dnm",
                                       .source = "Debiased Negative Mining, KDD 2026",
                                       .columns = columns,
                                       .column_count = 1,
                                       .smallest = true,
                                       .rejection = &nb_rejection_none,
                                       .fraction = {[NB_TAG_NONE] = 0.23, [NB_TAG_NOUN] = 0.23, [NB_TAG_ADJ] = 0.13},
                                       .parameters = NB_METHOD_PARAMETERS(parameters),
                                       .cost = dnm_cost,
                                       .open = dnm_open,
                                       .close = dnm_close,
                                       .tile = dnm_tile};
