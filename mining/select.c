#include "mining/select.h"

#include <math.h>
#include <stdlib.h>

static const nb_tag order[NB_TAG_COUNT] = {NB_TAG_NOUN, NB_TAG_NONE, NB_TAG_ADJ};

const char *nb_reason_name(nb_reason reason)
{
    static const char *const names[NB_REASON_COUNT] = {"accepted", "label", "interneg"};
    return names[reason];
}

typedef struct ranked {
    double value; /* the smaller the better */
    size_t id;
} ranked;

static int better(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) {
        return x->value < y->value ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* shares[tag] candidates of accepted[tag] to keep. */
static void share(const nb_quota *quota, const size_t accepted[NB_TAG_COUNT], size_t total, size_t shares[NB_TAG_COUNT])
{
    if (!quota->count) {
        for (size_t t = 0; t < NB_TAG_COUNT; t++) {
            shares[t] = (size_t)floor(quota->fraction[t] * (double)accepted[t] + 1e-9);
        }
        return;
    }
    size_t given = 0;
    for (size_t t = 0; t < NB_TAG_COUNT; t++) {
        shares[t] = (size_t)((double)quota->count * (double)accepted[t] / (double)total);
        given += shares[t];
    }
    for (size_t i = 0; given < quota->count && i < NB_TAG_COUNT; i++) {
        size_t room = accepted[order[i]] - shares[order[i]], rest = quota->count - given;
        size_t more = rest < room ? rest : room;
        shares[order[i]] += more;
        given += more;
    }
}

static nb_status check(const nb_selection *s, size_t n, const nb_quota *quota, nb_error *err)
{
    if (!s->accepted) {
        nb_fail(err, NB_ERR_INPUT, "no candidate is left of %zu: %zu are ID labels, %zu rejected by interneg", n,
                s->rejected[NB_REJECTED_LABEL], s->rejected[NB_REJECTED_INTERNEG]);
        return nb_hint(err, "mine from a larger corpus, or with --reject none");
    }
    if (quota->count > s->accepted) {
        nb_fail(err, NB_ERR_USAGE, "--count %zu is beyond the %zu candidates accepted of %zu", quota->count,
                s->accepted, n);
        return nb_hint(err, "ask for at most %zu, or mine from a larger corpus", s->accepted);
    }
    return NB_OK;
}

nb_status nb_select(nb_selection *out, size_t n, const double *values, bool smallest, const uint8_t *reasons,
                    const uint8_t *tags, const nb_quota *quota, nb_error *err)
{
    ranked *list = NULL;
    size_t accepted[NB_TAG_COUNT] = {0}, shares[NB_TAG_COUNT], total = 0;
    nb_status status;
    *out = (nb_selection){0};
    for (size_t u = 0; u < n; u++) {
        out->rejected[reasons[u]]++;
        accepted[tags ? tags[u] : NB_TAG_NONE] += reasons[u] == NB_ACCEPTED;
    }
    out->accepted = out->rejected[NB_ACCEPTED];
    out->rejected[NB_ACCEPTED] = 0;
    NB_TRY(check(out, n, quota, err));
    share(quota, accepted, out->accepted, shares);
    for (size_t t = 0; t < NB_TAG_COUNT; t++) {
        total += shares[t];
    }
    if (!total) {
        status = nb_fail(err, NB_ERR_INPUT, "the fraction asked for is less than one of %zu accepted candidates",
                         out->accepted);
        goto done;
    }
    NB_TRY_NEW(out->ids, total);
    NB_TRY_NEW(list, out->accepted);
    for (size_t i = 0; i < NB_TAG_COUNT; i++) {
        size_t held = 0;
        for (size_t u = 0; u < n; u++) {
            if (reasons[u] == NB_ACCEPTED && (tags ? tags[u] : NB_TAG_NONE) == order[i]) {
                list[held++] = (ranked){smallest ? values[u] : -values[u], u};
            }
        }
        qsort(list, held, sizeof *list, better);
        for (size_t k = 0; k < shares[order[i]]; k++) {
            out->ids[out->count++] = list[k].id;
        }
    }
done:
    free(list);
    if (status != NB_OK) {
        free(out->ids);
        out->ids = NULL;
    }
    return status;
}

void nb_selection_free(nb_selection *s)
{
    if (s) {
        free(s->ids);
        *s = (nb_selection){0};
    }
}
