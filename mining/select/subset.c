#include "mining/select/subset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Candidates of a subset on this rank. */
typedef struct shortlist {
    nb_ranked *list;
    size_t count, capacity;
} shortlist;

/* A key whose order as an integer is that of the value, the better the smaller. */
static uint64_t subset_key_of(double value, bool smallest)
{
    uint64_t bits;
    value = (smallest ? value : -value) + 0.0; /* one zero */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);
}

static double subset_value_of(uint64_t key, bool smallest)
{
    double value;
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    memcpy(&value, &bits, sizeof value);
    return smallest ? value : -value;
}

static int subset_by_rank(const void *a, const void *b)
{
    const nb_ranked *x = a, *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

double nb_subset_value(const nb_subset *s, uint64_t key)
{
    return subset_value_of(key, !s->list && s->basis->smallest);
}

/* True when the subset has the candidate. */
static bool subset_has(const nb_subset *s, const nb_ledger_tile *tile, size_t i)
{
    const nb_criterion_list *list = s->list;
    if (tile->reasons[i] != NB_ACCEPTED) {
        return false;
    }
    return list ? nb_subset_lists(list, tile, i) : tile->tags[i] == (uint8_t)s->tag;
}

bool nb_subset_lists(const nb_criterion_list *list, const nb_ledger_tile *tile, size_t i)
{
    return list->floor == NB_NO_COLUMN || tile->columns[list->column][i] > list->times * tile->columns[list->floor][i];
}

static uint64_t subset_key(const nb_subset *s, const nb_ledger_tile *tile, size_t i)
{
    const nb_selection_basis *c = s->basis;
    return subset_key_of(tile->columns[s->list ? s->list->column : c->column][i], !s->list && c->smallest);
}

nb_status nb_subset_visit(const nb_selection_basis *c, nb_tile_visitor visit, void *state, nb_error *err)
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
            status = nb_ledger_lost(c->ledger, t, err);
            goto done;
        }
        NB_TRY(visit(state, t * NB_AFFINITY_TEXTS, nb_ledger_rows(c->ledger, t), tile, err));
    }
done:
    free(tile);
    return status;
}

/* Counts the keys of a subset by one byte among those whose higher bytes are those of `prefix`. */
typedef struct histogram {
    const nb_subset *subset;
    const shortlist *shortlist; /* counts these, or the ledger's when NULL */
    uint64_t prefix;
    int shift; /* of the byte */
    bool ids;  /* of the ids of those whose key is `key`, instead of keys */
    uint64_t key;
    uint64_t counts[256];
} histogram;

static void subset_count_number(histogram *c, uint64_t number)
{
    if (c->shift == 56 || number >> (c->shift + 8) == c->prefix >> (c->shift + 8)) {
        c->counts[number >> c->shift & 255]++;
    }
}

static nb_status subset_census_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    histogram *c = state;
    (void)begin;
    (void)err;
    for (size_t i = 0; i < rows; i++) {
        if (subset_has(c->subset, tile, i)) {
            subset_count_number(c, subset_key(c->subset, tile, i));
        }
    }
    return NB_OK;
}

/* Collective. The `wanted`-th smallest number (from 1); *before: how many are smaller. */
static nb_status subset_find_cut(histogram *c, uint64_t wanted, uint64_t *cut, uint64_t *before, nb_error *err)
{
    nb_status status = NB_OK;
    *before = 0;
    c->prefix = 0;
    for (c->shift = 56; c->shift >= 0; c->shift -= 8) {
        memset(c->counts, 0, sizeof c->counts);
        if (!c->shortlist) {
            status = nb_subset_visit(c->subset->basis, subset_census_tile, c, err);
        }
        for (size_t i = 0; c->shortlist && i < c->shortlist->count; i++) {
            const nb_ranked *r = &c->shortlist->list[i];
            if (!c->ids) {
                subset_count_number(c, r->key);
            } else if (r->key == c->key) {
                subset_count_number(c, r->id);
            }
        }
        NB_TRY(nb_comm_agree(c->subset->basis->comm, status, err));
        NB_TRY(nb_comm_sum(c->subset->basis->comm, c->counts, 256, err));
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
    const nb_subset *subset;
    uint64_t limit;
    shortlist *shortlist;
} collector;

static nb_status subset_collect_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    collector *c = state;
    shortlist *f = c->shortlist;
    if (f->capacity - f->count < rows) {
        size_t capacity = 2 * f->capacity + NB_AFFINITY_TEXTS;
        nb_ranked *grown = nb_grow(f->list, capacity, sizeof *grown, err);
        if (!grown) {
            return NB_ERR_LIMIT;
        }
        f->list = grown;
        f->capacity = capacity;
    }
    for (size_t i = 0; i < rows; i++) {
        if (subset_has(c->subset, tile, i) && subset_key(c->subset, tile, i) <= c->limit) {
            f->list[f->count++] = (nb_ranked){subset_key(c->subset, tile, i), begin + i};
        }
    }
    return NB_OK;
}

static nb_status subset_rescore(const nb_selection_basis *c, shortlist *f, nb_error *err)
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
        f->list[i].key = subset_key_of(values[i], c->smallest);
    }
done:
    free(ids);
    free(values);
    return status;
}

/* Collective. The `kept` best candidates of a subset: each rank's part of them in *f, in no order. */
static nb_status subset_choose(const nb_subset *s, size_t kept, shortlist *f, nb_error *err)
{
    const nb_selection_basis *c = s->basis;
    histogram of_ledger = {.subset = s}, of_shortlist = {.subset = s, .shortlist = f};
    uint64_t cut, before, last = UINT64_MAX;
    nb_status status;
    NB_TRY(subset_find_cut(&of_ledger, kept, &cut, &before, err));
    if (c->rescore) {
        double margin = 2 * c->slack, value = nb_subset_value(s, cut);
        cut = subset_key_of(c->smallest ? value + margin : value - margin, c->smallest);
    }
    collector all = {s, cut, f};
    status = nb_subset_visit(c, subset_collect_tile, &all, err);
    if (status == NB_OK && c->rescore) {
        status = subset_rescore(c, f, err);
    }
    NB_TRY(nb_comm_agree(c->comm, status, err));
    NB_TRY(subset_find_cut(&of_shortlist, kept, &cut, &before, err));
    of_shortlist.ids = true;
    of_shortlist.key = cut;
    NB_TRY(subset_find_cut(&of_shortlist, kept - before, &last, &before, err));
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

nb_status nb_subset_best(const nb_subset *s, size_t kept, nb_ranked **out, size_t *count, nb_error *err)
{
    shortlist f = {0};
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    *out = NULL;
    *count = 0;
    NB_TRY(subset_choose(s, kept, &f, err));
    NB_TRY(nb_comm_gather(s->basis->comm, f.list, f.count * sizeof *f.list, &all, &offset, err));
    if (s->basis->comm->rank == 0) {
        *count = (size_t)offset[s->basis->comm->size] / sizeof **out;
        *out = (nb_ranked *)(void *)all;
        qsort(*out, *count, sizeof **out, subset_by_rank);
    }
done:
    free(f.list);
    free(offset);
    return status;
}
