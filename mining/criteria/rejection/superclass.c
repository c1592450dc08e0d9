/* One string an adjective: of `<adjective> <superclass>` strings (corpus --superclasses) all are rejected but the one
 * of smallest criterion, by csp's value, the first of equal ones. What the corpus drew or in which order it was made
 * does not matter then. */
#include "mining/corpus/text/superclasses.h"
#include "mining/criteria/label_quantile.h"
#include "mining/criteria/rejection/rejection.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct settings {
    double quantile, nearest; /* as options */
    const char *superclasses;
} settings;

/* An adjective's string. */
typedef struct entry {
    XXH128_hash_t adjective;
    double value;
    uint64_t id;
} entry;

typedef struct state {
    const nb_evidence *evidence;
    nb_label_quantile csp;
    nb_strings superclasses;
    nb_buffer entries; /* this rank's */
    uint8_t *rejected; /* [candidates / 8 + 1] bits */
} state;

static void superclass_close(void *opaque)
{
    state *s = opaque;
    if (s) {
        nb_strings_free(&s->superclasses);
        nb_buffer_free(&s->entries);
        free(s->rejected);
        free(s);
    }
}

/* Bytes of the adjective in front of a superclass, 0 when there is none. */
static size_t superclass_adjective_len(const state *s, const char *text, size_t len)
{
    for (size_t i = 0; i < s->superclasses.count; i++) {
        size_t tail = nb_strings_len(&s->superclasses, i);
        if (len > tail + 1 && text[len - tail - 1] == ' ' &&
            memcmp(text + len - tail, nb_strings_get(&s->superclasses, i), tail) == 0) {
            return len - tail - 1;
        }
    }
    return 0;
}

static nb_status superclass_collect_tile(state *s, void *csp, size_t number, nb_error *err)
{
    nb_candidates *c = s->evidence->candidates;
    nb_text_tile tile;
    nb_strings names = {0};
    double values[NB_AFFINITY_TEXTS], *column = values;
    nb_status status;
    NB_TRY(nb_candidates_load(c, number, &tile, err));
    NB_TRY(nb_label_quantile_tile(csp, &tile, &column, err));
    NB_TRY(nb_store_names(c->store, tile.begin, tile.count, &names, NULL, err));
    for (size_t i = 0; i < tile.count; i++) {
        const char *text = nb_strings_get(&names, i);
        size_t len = tile.tags[i] == NB_TAG_ADJ && tile.reasons[i] == NB_ACCEPTED
                         ? superclass_adjective_len(s, text, nb_strings_len(&names, i))
                         : 0;
        const entry e = {XXH3_128bits(text, len), values[i], tile.begin + i};
        NB_TRY(len ? nb_buffer_append(&s->entries, &e, sizeof e, err) : NB_OK);
    }
done:
    nb_strings_free(&names);
    return status;
}

static int superclass_by_adjective(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    int order = XXH128_cmp(&a->adjective, &b->adjective);
    order = order ? order : (a->value > b->value) - (a->value < b->value);
    return order ? order : (a->id > b->id) - (a->id < b->id);
}

/* Exact values for those that single precision cannot tell from the smallest. */
static nb_status superclass_tell_apart(const state *s, void *csp, entry *group, size_t count, nb_error *err)
{
    double slack = 2 * nb_affinity_slack(s->evidence->d), *row = NULL, most = group[0].value + slack;
    size_t near = 1;
    nb_status status;
    NB_TRY_NEW(row, s->evidence->d);
    while (near < count && group[near].value <= most) {
        near++;
    }
    for (size_t i = 0; near > 1 && i < near; i++) {
        NB_TRY(nb_store_rows(s->evidence->candidates->store, (size_t)group[i].id, 1, row, err));
        NB_TRY(nb_label_quantile_values(csp, row, 1, &group[i].value, err));
    }
    qsort(group, near, sizeof *group, superclass_by_adjective);
done:
    free(row);
    return status;
}

/* Rank 0: all but the first of each adjective's strings are rejected. */
static nb_status superclass_choose(state *s, void *csp, entry *all, size_t count, nb_error *err)
{
    nb_status status = NB_OK;
    if (count) {
        qsort(all, count, sizeof *all, superclass_by_adjective);
    }
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && XXH128_isEqual(all[begin].adjective, all[end].adjective);) {
            end++;
        }
        NB_TRY(superclass_tell_apart(s, csp, all + begin, end - begin, err));
        for (size_t i = begin + 1; i < end; i++) {
            s->rejected[all[i].id / 8] |= (uint8_t)(1U << all[i].id % 8);
        }
    }
done:
    return status;
}

/* Collective. */
static nb_status superclass_find(state *s, void *csp, nb_error *err)
{
    const nb_evidence *e = s->evidence;
    const nb_candidates *c = e->candidates;
    size_t bytes = c->count / 8 + 1;
    char *all = NULL;
    uint64_t *offset = NULL;
    nb_status status;
    s->entries.max = SIZE_MAX / 2;
    NB_TRY_NEW(s->rejected, bytes);
    for (size_t t = (size_t)e->comm->rank; t < c->tiles; t += (size_t)e->comm->size) {
        NB_TRY(superclass_collect_tile(s, csp, t, err));
    }
done:
    status = nb_comm_agree(e->comm, status, err);
    if (status == NB_OK) {
        status = nb_comm_gather(e->comm, s->entries.data, s->entries.len, &all, &offset, err);
    }
    if (status == NB_OK && e->comm->rank == 0) {
        status = superclass_choose(s, csp, (entry *)(void *)all, (size_t)(offset[e->comm->size] / sizeof(entry)), err);
    }
    status = nb_comm_agree(e->comm, status, err);
    if (status == NB_OK) {
        status = nb_comm_broadcast(e->comm, s->rejected, bytes, err);
    }
    free(all);
    free(offset);
    return status;
}

static nb_status superclass_open(void **out, const nb_evidence *e, const void *parameters, nb_error *err)
{
    const settings *set = parameters;
    state *s = nb_alloc(1, sizeof *s, err);
    void *csp = NULL;
    nb_status status = s ? NB_OK : NB_ERR_LIMIT;
    *out = s;
    if (s) {
        *s = (state){.evidence = e, .csp = {set->quantile, set->nearest}};
        status = nb_superclasses_read(&s->superclasses, set->superclasses, err);
    }
    if (status == NB_OK) {
        status = nb_label_quantile_open(&csp, e, &s->csp, err);
    }
    status = nb_comm_agree(e->comm, status, err);
    if (status == NB_OK) {
        status = superclass_find(s, csp, err);
    }
    nb_label_quantile_close(csp);
    return status;
}

static nb_status superclass_tile(void *opaque, const nb_text_tile *tile, uint8_t *rejected, nb_error *err)
{
    const state *s = opaque;
    (void)err;
    for (size_t i = 0; i < tile->count; i++) {
        uint64_t id = tile->begin + i;
        rejected[i] = s->rejected[id / 8] >> id % 8 & 1;
    }
    return NB_OK;
}

static const nb_option parameters[] = {
    NB_LABEL_QUANTILE_ROW,
    NB_NEAREST_ROW,
    OPT_TEXT("superclasses", superclasses, "default|FILE", "default",
             "--reject superclass: what adjectives of the corpus were joined with"),
};
const nb_rejection nb_rejection_superclass = {.name = "superclass",
                                              .source = "CSP, NeurIPS 2024, without its draw",
                                              .parameters = NB_METHOD_PARAMETERS(parameters),
                                              .cost = nb_label_quantile_cost,
                                              .open = superclass_open,
                                              .close = superclass_close,
                                              .tile = superclass_tile};
