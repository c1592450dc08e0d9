#include "mining/select/select.h"

#include "mining/select/subset.h"
#include "mining/select/turns.h"

#include <math.h>
#include <stdlib.h>

static const nb_tag order[NB_TAG_COUNT] = {NB_TAG_NOUN, NB_TAG_NONE, NB_TAG_ADJ};

static size_t select_total(const size_t shares[NB_TAG_COUNT])
{
    size_t total = 0;
    for (size_t i = 0; i < NB_TAG_COUNT; i++) {
        total += shares[i];
    }
    return total;
}

typedef struct tag_counter {
    const nb_selection_basis *basis;
    uint64_t reasons[NB_REASON_COUNT], accepted[NB_TAG_COUNT], labels[NB_TAG_COUNT];
} tag_counter;

/* shares[tag] candidates of those that are accepted to keep. */
static void select_share(const nb_quota *quota, size_t count, const tag_counter *counted, size_t total,
                         size_t shares[NB_TAG_COUNT])
{
    const uint64_t *accepted = counted->accepted;
    if (!count) {
        for (size_t t = 0; t < NB_TAG_COUNT; t++) {
            uint64_t of = accepted[t] + (quota->of_labels_too ? counted->labels[t] : 0);
            shares[t] = (size_t)floor(quota->fraction[t] * (double)of + 1e-9);
            shares[t] = shares[t] < accepted[t] ? shares[t] : (size_t)accepted[t];
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

static nb_status select_count_tile(void *state, size_t begin, size_t rows, const nb_ledger_tile *tile, nb_error *err)
{
    tag_counter *t = state;
    const nb_selection_basis *c = t->basis;
    size_t columns = c->list_count ? c->list_count : 1;
    for (size_t i = 0; i < rows; i++) {
        t->reasons[tile->reasons[i]]++;
        t->labels[tile->tags[i]] += tile->reasons[i] == NB_REJECTED_LABEL;
        if (tile->reasons[i] == NB_ACCEPTED) {
            t->accepted[tile->tags[i]]++;
            for (size_t k = 0; k < columns; k++) {
                double value = tile->columns[c->list_count ? c->lists[k].column : c->column][i];
                if (!isfinite(value)) {
                    return nb_fail(err, NB_ERR_NUMERIC, "the criterion of candidate %zu is %g", begin + i, value);
                }
            }
        }
    }
    return NB_OK;
}

/* Collective. The `kept` best candidates of a tag in order, appended to the selection of rank 0. */
static nb_status select_append(nb_selection *out, const nb_subset *tag, size_t kept, nb_error *err)
{
    nb_ranked *best = NULL;
    size_t count;
    nb_status status = nb_subset_best(tag, kept, &best, &count, err);
    for (size_t i = 0; i < count; i++, out->count++) {
        out->ids[out->count] = best[i].id;
        out->values[out->count] = nb_subset_value(tag, best[i].key);
    }
    free(best);
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
    nb_status status = nb_subset_visit(c, select_count_tile, &t, err);
    NB_TRY(nb_comm_agree(c->comm, status, err));
    NB_TRY(nb_comm_sum(c->comm, t.reasons, NB_REASON_COUNT, err));
    NB_TRY(nb_comm_sum(c->comm, t.accepted, NB_TAG_COUNT, err));
    if (quota->of_labels_too) {
        NB_TRY(nb_comm_sum(c->comm, t.labels, NB_TAG_COUNT, err));
    }
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
    select_share(quota, count, &t, out->accepted, shares);
    total = select_total(shares);
    if (quota->max && total > quota->max) {
        out->bounded = true;
        select_share(quota, quota->max, &t, out->accepted, shares);
        total = select_total(shares);
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
    nb_status status;
    *out = (nb_selection){0};
    NB_TRY(select_find_shares(out, c, quota, shares, err));
    for (size_t i = 0; i < NB_TAG_COUNT; i++) {
        if (shares[order[i]] && !c->list_count) {
            const nb_subset tag = {.basis = c, .tag = order[i]};
            NB_TRY(select_append(out, &tag, shares[order[i]], err));
        }
    }
    if (c->list_count) {
        NB_TRY(nb_select_in_turns(out, c, select_total(shares), err));
    }
done:
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
