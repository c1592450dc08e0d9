#include "mining/affinity/candidates.h"

#include "common/base/tag.h"
#include "common/linear/simd/affinity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *nb_reason_name(nb_reason reason, const char *rule)
{
    static const char *const names[NB_REJECTED_RULE] = {"accepted", "label", "stop-list"};
    return reason < NB_REJECTED_RULE ? names[reason] : rule;
}

nb_status nb_unit_rows(nb_store *store, size_t begin, size_t count, float *out, nb_error *err)
{
    const nb_affinity *loops = nb_affinity_best();
    const unsigned char *rows;
    void *copy = NULL;
    size_t d = (size_t)store->plan.width, bytes = count * nb_store_row_bytes(&store->plan);
    float norms[NB_AFFINITY_TEXTS];
    nb_status status;
    NB_TRY(nb_store_mapped_rows(store, begin, count, &rows, err));
    if ((uintptr_t)rows % sizeof(float)) {
        copy = nb_alloc_aligned(bytes, 1, err);
        status = copy ? NB_OK : NB_ERR_LIMIT;
        NB_TRY(status);
        memcpy(copy, rows, bytes);
        rows = copy;
    }
    if (store->plan.half) {
        loops->unit_half(out, (const uint16_t *)(const void *)rows, count, d, norms);
    } else {
        loops->unit_float(out, (const float *)(const void *)rows, count, d, norms);
    }
    for (size_t i = 0; i < count; i++) {
        if (!(norms[i] > 0) || !isfinite(norms[i])) {
            status = nb_store_refuse_row(store, begin + i, (double)norms[i], err);
            goto done;
        }
    }
done:
    free(copy);
    return status;
}

nb_status nb_candidates_open(nb_candidates *c, const nb_comm *comm, nb_store *store, const nb_strings *labels,
                             const nb_strings *stops, nb_error *err)
{
    nb_status status;
    size_t n = (size_t)store->plan.count, tiles = (n + NB_AFFINITY_TEXTS - 1) / NB_AFFINITY_TEXTS;
    *c = (nb_candidates){.comm = comm, .store = store, .count = n, .tiles = tiles, .d = (size_t)store->plan.width};
    NB_TRY(nb_matcher_open(&c->labels, labels, err));
    if (stops) {
        NB_TRY(nb_matcher_open(&c->stops, stops, err));
    }
    NB_TRY_NEW(c->reasons, NB_AFFINITY_TEXTS);
    NB_TRY_NEW(c->tags, NB_AFFINITY_TEXTS);
    NB_TRY_NEW(c->known, tiles);
    c->rows = nb_alloc_aligned(NB_AFFINITY_TEXTS * c->d, sizeof *c->rows, err);
    status = c->rows ? NB_OK : NB_ERR_LIMIT;
done:
    if (status != NB_OK) {
        nb_candidates_close(c);
    }
    return status;
}

void nb_candidates_close(nb_candidates *c)
{
    nb_matcher_close(&c->labels);
    nb_matcher_close(&c->stops);
    free(c->rows);
    free(c->reasons);
    free(c->tags);
    for (size_t t = 0; c->known && t < c->tiles; t++) {
        free(c->known[t]);
    }
    free(c->known);
    *c = (nb_candidates){0};
}

nb_status nb_candidates_reasons(nb_candidates *c, size_t begin, size_t count, uint8_t *reasons, uint8_t *tags,
                                nb_error *err)
{
    nb_strings names;
    nb_status status = nb_store_names(c->store, begin, count, &names, tags, err);
    for (size_t i = 0; status == NB_OK && i < count; i++) {
        const char *name = nb_strings_get(&names, i);
        size_t len = nb_strings_len(&names, i);
        reasons[i] = nb_matcher_has(&c->labels, name, len)                        ? NB_REJECTED_LABEL
                     : c->stops.set.slots && nb_matcher_has(&c->stops, name, len) ? NB_REJECTED_STOP
                                                                                  : NB_ACCEPTED;
    }
    nb_strings_free(&names);
    return status;
}

nb_status nb_candidates_load(nb_candidates *c, size_t tile, nb_text_tile *out, nb_error *err)
{
    size_t begin = tile * NB_AFFINITY_TEXTS;
    size_t count = c->count - begin < NB_AFFINITY_TEXTS ? c->count - begin : NB_AFFINITY_TEXTS;
    uint8_t *known = c->known[tile];
    nb_status status;
    NB_TRY(nb_unit_rows(c->store, begin, count, c->rows, err));
    if (known) {
        for (size_t i = 0; i < count; i++) {
            c->reasons[i] = known[i] & 15;
            c->tags[i] = known[i] >> 4;
        }
    } else {
        NB_TRY(nb_candidates_reasons(c, begin, count, c->reasons, c->tags, err));
        NB_TRY_NEW(known, count);
        for (size_t i = 0; i < count; i++) {
            known[i] = (uint8_t)(c->tags[i] << 4 | c->reasons[i]);
        }
        c->known[tile] = known;
    }
    *out = (nb_text_tile){tile, begin, count, c->rows, c->reasons, c->tags};
done:
    return status;
}
