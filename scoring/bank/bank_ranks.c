#include "scoring/bank/bank_ranks.h"

#include <math.h>
#include <stdlib.h>

enum { TAGS = 256 };

/* Whether values fall, or rise, within every tag; both where they stay the same. `tags`: how many there are. */
typedef struct trend {
    bool falls, rises, known;
    size_t tags;
} trend;

static trend bank_trend(const nb_bank *b)
{
    trend t = {.falls = true, .rises = true, .known = b->criterion != NULL};
    bool seen[TAGS] = {false};
    double last[TAGS];
    for (size_t i = 0; t.known && i < b->negative_count; i++) {
        size_t tag = b->tags ? b->tags[i] : 0;
        double value = b->criterion[i];
        t.known = !isnan(value);
        t.falls = t.falls && !(seen[tag] && value > last[tag]);
        t.rises = t.rises && !(seen[tag] && value < last[tag]);
        t.tags += !seen[tag];
        seen[tag] = true;
        last[tag] = value;
    }
    return t;
}

static int bank_by_value(const void *a, const void *b, void *bank)
{
    const double *value = ((const nb_bank *)bank)->criterion;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    int order = (value[i] > value[k]) - (value[i] < value[k]);
    return order ? order : (i > k) - (i < k);
}

static int bank_by_value_falling(const void *a, const void *b, void *bank)
{
    const double *value = ((const nb_bank *)bank)->criterion;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    int order = (value[i] < value[k]) - (value[i] > value[k]);
    return order ? order : (i > k) - (i < k);
}

nb_status nb_bank_ranks(size_t **order, const nb_bank *b, nb_error *err)
{
    const trend t = bank_trend(b);
    nb_status status;
    *order = NULL;
    if (!t.known || (!t.falls && !t.rises) || (t.falls && t.rises && t.tags > 1)) {
        nb_fail(err, NB_ERR_USAGE, "the bank has no ranks: %s",
                !t.known             ? "its negatives have no values of a criterion"
                : t.falls && t.rises ? "nothing tells which values of its criterion are good"
                                     : "its negatives stand in no order of their criterion");
        return nb_hint(err, "a bank that `mine` wrote has them");
    }
    NB_TRY_NEW(*order, b->negative_count);
    for (size_t i = 0; i < b->negative_count; i++) {
        (*order)[i] = i;
    }
    if (!(t.falls && t.rises)) {
        qsort_r(*order, b->negative_count, sizeof **order, t.falls ? bank_by_value_falling : bank_by_value,
                (void *)(uintptr_t)b);
    }
done:
    return status;
}
