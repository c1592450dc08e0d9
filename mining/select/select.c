#include "mining/select/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const nb_tag order[NB_TAG_COUNT] = {NB_TAG_NOUN, NB_TAG_NONE, NB_TAG_ADJ};

/* A candidate as the order sees it: the smaller key the better, then the smaller id. */
typedef struct ranked {
    uint64_t key, id;
} ranked;

/* Candidates of one tag on this rank. */
typedef struct shortlist {
    ranked *list;
    size_t count, capacity;
} shortlist;

/* A key whose order as an integer is that of the value, the better the smaller. */
static uint64_t select_key_of(double value, bool smallest)
{
    uint64_t bits;
    value = (smallest ? value : -value) + 0.0; /* one zero */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);
}

static double select_value_of(uint64_t key, bool smallest)
{
    double value;
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    memcpy(&value, &bits, sizeof value);
    return smallest ? value : -value;
}

static int select_by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* shares[tag] candidates of accepted[tag] to keep. */
static void select_share(const nb_quota *quota, size_t count, const uint64_t accepted[NB_TAG_COUNT], size_t total,
                         size_t shares[NB_TAG_COUNT])
{
    if (!count) {
        for (size_t t = 0; t < NB_TAG_COUNT; t++) {
            shares[t] = (size_t)floor(quota->fraction[t] * (double)accepted[t] + 1e-9);
        }
        return;
    }
    size_t given = 0;
    for (size_t t = 0; t < NB_TAG_COUNT; t++) {
        shares[t] = (size_t)((double)count * (double)accepted[t] / (double)total);
        given += shares[t];
    }
    for (size_t i = 0; given < count && i < NB_TAG_COUNT; i++) {
        size_t capacity = (size_t)accepted[order[i]] - shares[order[i]], rest = count - given;
        size_t more = rest < capacity ? rest : capacity;
        shares[order[i]] += more;
        given += more;
    }
}

/* Calls `visit` with every own tile's record. */
typedef nb_status (*tile_visitor)(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err);
static nb_status select_visit_tiles(const nb_selection_basis *c, tile_visitor visit, void *state, nb_error *err)
{
    nb_ledger_tile *tile;
    bool done;
    nb_status status;
    NB_TRY_NEW(tile, 1);
    for (size_t t = 0; t < c->ledger->tiles; t++) {
        if (!nb_comm_owns(c->comm, t)) {
            continue;
        }
        NB_TRY(nb_ledger_read(c->ledger, t, tile, &done, err));
        if (!done) {
            status = nb_fail(err, NB_ERR_IO, "'%s' lost what was written to it (tile %zu)", c->ledger->path, t);
            nb_hint(err, "run again with --resume");
            goto done;
        }
        NB_TRY(visit(state, t * NB_AFFINITY_TEXTS, nb_ledger_rows(c->ledger, t), tile, err));
    }
done:
    free(tile);
    return status;
}

typedef struct tag_counter {
    const nb_selection_basis *basis;
    uint64_t reasons[NB_REASON_COUNT], accepted[NB_TAG_COUNT];
} tag_counter;

static nb_status select_count_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    tag_counter *t = state;
    const double *values = tile->columns[t->basis->column];
    for (size_t i = 0; i < rows; i++) {
        t->reasons[tile->reasons[i]]++;
        if (tile->reasons[i] == NB_ACCEPTED) {
            t->accepted[tile->tags[i]]++;
            if (!isfinite(values[i])) {
                return nb_fail(err, NB_ERR_NUMERIC, "the criterion of candidate %zu is %g", begin + i, values[i]);
            }
        }
    }
    return NB_OK;
}

/* Counts the keys of one tag by one byte among those whose higher bytes are those of `prefix`. */
typedef struct histogram {
    const nb_selection_basis *basis;
    const shortlist *shortlist; /* counts these, or the ledger's when NULL */
    nb_tag tag;
    uint64_t prefix;
    int shift; /* of the byte */
    bool ids;  /* of the ids of those whose key is `key`, instead of keys */
    uint64_t key;
    uint64_t counts[256];
} histogram;

static void select_count_number(histogram *c, uint64_t number)
{
    if (c->shift == 56 || number >> (c->shift + 8) == c->prefix >> (c->shift + 8)) {
        c->counts[number >> c->shift & 255]++;
    }
}

static nb_status select_census_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    histogram *c = state;
    (void)begin;
    (void)err;
    for (size_t i = 0; i < rows; i++) {
        if (tile->reasons[i] == NB_ACCEPTED && tile->tags[i] == (uint8_t)c->tag) {
            select_count_number(c, select_key_of(tile->columns[c->basis->column][i], c->basis->smallest));
        }
    }
    return NB_OK;
}

/* Collective. The `wanted`-th smallest number (from 1); *before: how many are smaller. */
static nb_status select_find_cut(histogram *c, uint64_t wanted, uint64_t *cut, uint64_t *before, nb_error *err)
{
    nb_status status = NB_OK;
    *before = 0;
    c->prefix = 0;
    for (c->shift = 56; c->shift >= 0; c->shift -= 8) {
        memset(c->counts, 0, sizeof c->counts);
        if (!c->shortlist) {
            status = select_visit_tiles(c->basis, select_census_tile, c, err);
        }
        for (size_t i = 0; c->shortlist && i < c->shortlist->count; i++) {
            const ranked *r = &c->shortlist->list[i];
            if (!c->ids) {
                select_count_number(c, r->key);
            } else if (r->key == c->key) {
                select_count_number(c, r->id);
            }
        }
        NB_TRY(nb_comm_agree(c->basis->comm, status, err));
        NB_TRY(nb_comm_sum(c->basis->comm, c->counts, 256, err));
        for (uint64_t byte = 0; byte < 256; byte++) {
            if (*before + c->counts[byte] >= wanted) {
                c->prefix |= byte << c->shift;
                break;
            }
            *before += c->counts[byte];
        }
    }
    *cut = c->prefix;
done:
    return status;
}

typedef struct collector {
    const nb_selection_basis *basis;
    nb_tag tag;
    uint64_t limit;
    shortlist *shortlist;
} collector;

static nb_status select_collect_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    collector *c = state;
    shortlist *f = c->shortlist;
    if (f->capacity - f->count < rows) {
        size_t capacity = 2 * f->capacity + NB_AFFINITY_TEXTS;
        ranked *grown = nb_grow(f->list, capacity, sizeof *grown, err);
        if (!grown) {
            return NB_ERR_LIMIT;
        }
        f->list = grown;
        f->capacity = capacity;
    }
    for (size_t i = 0; i < rows; i++) {
        uint64_t key = select_key_of(tile->columns[c->basis->column][i], c->basis->smallest);
        if (tile->reasons[i] == NB_ACCEPTED && tile->tags[i] == (uint8_t)c->tag && key <= c->limit) {
            f->list[f->count++] = (ranked){key, begin + i};
        }
    }
    return NB_OK;
}

static nb_status select_rescore(const nb_selection_basis *c, shortlist *f, nb_error *err)
{
    uint64_t *ids = NULL;
    double *values = NULL;
    nb_status status;
    NB_TRY_NEW(ids, f->count);
    NB_TRY_NEW(values, f->count);
    for (size_t i = 0; i < f->count; i++) {
        ids[i] = f->list[i].id;
    }
    NB_TRY(c->rescore(c->state, ids, f->count, values, err));
    for (size_t i = 0; i < f->count; i++) {
        f->list[i].key = select_key_of(values[i], c->smallest);
    }
done:
    free(ids);
    free(values);
    return status;
}

/* Collective. The `kept` best candidates of a tag: each rank's part of them in *f, in no order. */
static nb_status select_choose(const nb_selection_basis *c, nb_tag tag, size_t kept, shortlist *f, nb_error *err)
{
    histogram of_ledger = {.basis = c, .tag = tag}, of_shortlist = {.basis = c, .tag = tag, .shortlist = f};
    uint64_t cut, before, last = UINT64_MAX;
    nb_status status;
    NB_TRY(select_find_cut(&of_ledger, kept, &cut, &before, err));
    if (c->rescore) {
        double margin = 2 * c->slack, value = select_value_of(cut, c->smallest);
        cut = select_key_of(c->smallest ? value + margin : value - margin, c->smallest);
    }
    collector all = {c, tag, cut, f};
    status = select_visit_tiles(c, select_collect_tile, &all, err);
    if (status == NB_OK && c->rescore) {
        status = select_rescore(c, f, err);
    }
    NB_TRY(nb_comm_agree(c->comm, status, err));
    NB_TRY(select_find_cut(&of_shortlist, kept, &cut, &before, err));
    of_shortlist.ids = true;
    of_shortlist.key = cut;
    NB_TRY(select_find_cut(&of_shortlist, kept - before, &last, &before, err));
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].key < cut || (f->list[i].key == cut && f->list[i].id <= last)) {
            f->list[count++] = f->list[i];
        }
    }
    f->count = count;
done:
    return status;
}

/* Collective. The chosen of all ranks in order, appended to the selection of rank 0. */
static nb_status select_append(nb_selection *out, const nb_selection_basis *c, const shortlist *f, nb_error *err)
{
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status = nb_comm_gather(c->comm, f->list, f->count * sizeof *f->list, &all, &offset, err);
    if (status == NB_OK && c->comm->rank == 0) {
        size_t count = (size_t)offset[c->comm->size] / sizeof(ranked);
        ranked *list = (ranked *)(void *)all;
        qsort(list, count, sizeof *list, select_by_rank);
        for (size_t i = 0; i < count; i++, out->count++) {
            out->ids[out->count] = list[i].id;
            out->values[out->count] = select_value_of(list[i].key, c->smallest);
        }
    }
    free(all);
    free(offset);
    return status;
}

static nb_status select_check(const nb_selection *s, const nb_selection_basis *c, size_t count, nb_error *err)
{
    size_t n = c->ledger->count;
    if (!s->accepted) {
        nb_fail(err, NB_ERR_INPUT,
                "no candidate is left of %zu: %zu are ID labels, %zu on the stop list, %zu rejected by %s", n,
                s->rejected[NB_REJECTED_LABEL], s->rejected[NB_REJECTED_STOP], s->rejected[NB_REJECTED_RULE], c->rule);
        return nb_hint(err, "mine from a larger corpus, or with --reject none");
    }
    if (count > s->accepted) {
        nb_fail(err, NB_ERR_USAGE, "--count %zu is beyond the %zu candidates accepted of %zu", count, s->accepted, n);
        return nb_hint(err, "ask for at most %zu, or mine from a larger corpus", s->accepted);
    }
    return NB_OK;
}

/* Collective. How many of each tag to keep. */
static nb_status select_find_shares(nb_selection *out, const nb_selection_basis *c, const nb_quota *quota,
                                    size_t shares[NB_TAG_COUNT], nb_error *err)
{
    tag_counter t = {.basis = c};
    size_t count = quota->count, total = 0;
    nb_status status = select_visit_tiles(c, select_count_tile, &t, err);
    NB_TRY(nb_comm_agree(c->comm, status, err));
    NB_TRY(nb_comm_sum(c->comm, t.reasons, NB_REASON_COUNT, err));
    NB_TRY(nb_comm_sum(c->comm, t.accepted, NB_TAG_COUNT, err));
    for (size_t r = 0; r < NB_REASON_COUNT; r++) {
        out->rejected[r] = (size_t)t.reasons[r];
    }
    out->accepted = out->rejected[NB_ACCEPTED];
    out->rejected[NB_ACCEPTED] = 0;
    if (quota->clamp && out->accepted && count > out->accepted) {
        count = out->accepted;
        out->clamped = true;
    }
    NB_TRY(select_check(out, c, count, err));
    select_share(quota, count, t.accepted, out->accepted, shares);
    for (size_t i = 0; i < NB_TAG_COUNT; i++) {
        total += shares[i];
    }
    if (!total) {
        status = nb_fail(err, NB_ERR_INPUT, "the fraction asked for is less than one of %zu accepted candidates",
                         out->accepted);
        goto done;
    }
    if (c->comm->rank == 0) {
        NB_TRY_NEW(out->ids, total);
        NB_TRY_NEW(out->values, total);
    }
done:
    return nb_comm_agree(c->comm, status, err);
}

nb_status nb_select(nb_selection *out, const nb_selection_basis *c, const nb_quota *quota, nb_error *err)
{
    size_t shares[NB_TAG_COUNT];
    shortlist f = {0};
    nb_status status;
    *out = (nb_selection){0};
    NB_TRY(select_find_shares(out, c, quota, shares, err));
    for (size_t i = 0; i < NB_TAG_COUNT; i++) {
        if (shares[order[i]]) {
            f.count = 0;
            NB_TRY(select_choose(c, order[i], shares[order[i]], &f, err));
            NB_TRY(select_append(out, c, &f, err));
        }
    }
done:
    free(f.list);
    if (status != NB_OK) {
        nb_selection_free(out);
    }
    return status;
}

void nb_selection_free(nb_selection *s)
{
    free(s->ids);
    free(s->values);
    *s = (nb_selection){0};
}
