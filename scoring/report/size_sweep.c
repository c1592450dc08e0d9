#include "scoring/report/size_sweep.h"

#include "common/base/tag.h"

#include <stdlib.h>
#include <string.h>

/* Where a negative stands among those of its tag, as a share. */
typedef struct standing {
    double share;
    size_t index;
} standing;

static int size_sweep_by_share(const void *a, const void *b)
{
    const standing *x = a;
    const standing *y = b;
    return x->share != y->share ? (x->share > y->share) - (x->share < y->share)
                                : (x->index > y->index) - (x->index < y->index);
}

static int size_sweep_by_index(const void *a, const void *b)
{
    const standing *x = a;
    const standing *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* The proxies of the chosen negatives; what is no negative's own is borrowed. */
static nb_status size_sweep_part_of_proxies(nb_bank *out, const nb_bank *bank, const standing *chosen, nb_error *err)
{
    const nb_bank_proxies *from = bank->proxies;
    nb_bank_proxies *to;
    size_t n = out->negative_count, d = bank->d, k = 0;
    nb_status status;
    NB_TRY_NEW(to, 1);
    out->proxies = to;
    *to = (nb_bank_proxies){.map = from->map, .text_mean = from->text_mean, .image_mean = from->image_mean};
    NB_TRY_NEW(to->log_prior, n);
    NB_TRY_NEW(to->evidence, n);
    NB_TRY_NEW(to->imputed_rows, n * d);
    NB_TRY_NEW(to->measured, from->measured_count);
    NB_TRY_NEW(to->measured_rows, from->measured_count * d);
    for (size_t i = 0; i < n; i++) {
        size_t at = chosen[i].index;
        to->log_prior[i] = from->log_prior[at];
        to->evidence[i] = from->evidence[at];
        memcpy(to->imputed_rows + i * d, from->imputed_rows + at * d, d * sizeof *to->imputed_rows);
        while (k < from->measured_count && from->measured[k] < at) {
            k++;
        }
        if (k < from->measured_count && from->measured[k] == at) {
            memcpy(to->measured_rows + to->measured_count * d, from->measured_rows + k * d,
                   d * sizeof *to->measured_rows);
            to->measured[to->measured_count++] = (uint32_t)i;
        }
    }
done:
    return status;
}

/* The bank of the chosen negatives [count], which rise; all else is borrowed. */
static nb_status size_sweep_take(nb_bank *out, const nb_bank *bank, const standing *chosen, size_t count, nb_error *err)
{
    nb_status status;
    *out = *bank;
    out->negatives = (nb_strings){0};
    out->negative_rows = out->criterion = NULL;
    out->tags = NULL;
    out->ids = NULL;
    out->proxies = NULL;
    out->negative_count = count;
    NB_TRY_NEW(out->negative_rows, count * bank->d);
    NB_TRY_NEW(out->criterion, count);
    NB_TRY_NEW(out->tags, count);
    NB_TRY_NEW(out->ids, count);
    for (size_t i = 0; i < count; i++) {
        size_t from = chosen[i].index;
        NB_TRY(nb_strings_push(&out->negatives, nb_strings_get(&bank->negatives, from),
                               nb_strings_len(&bank->negatives, from), err));
        memcpy(out->negative_rows + i * bank->d, bank->negative_rows + from * bank->d,
               bank->d * sizeof *bank->negative_rows);
        out->criterion[i] = bank->criterion[from];
        out->tags[i] = bank->tags[from];
        out->ids[i] = bank->ids[from];
    }
    if (bank->proxies) {
        NB_TRY(size_sweep_part_of_proxies(out, bank, chosen, err));
    }
done:
    if (status != NB_OK) {
        nb_part_free(out);
    }
    return status;
}

nb_status nb_part_of_bank(nb_bank *out, const nb_bank *bank, size_t count, nb_error *err)
{
    size_t m = bank->negative_count;
    size_t total[NB_TAG_COUNT] = {0};
    size_t seen[NB_TAG_COUNT] = {0};
    standing *order = NULL;
    nb_status status;
    *out = (nb_bank){0};
    NB_TRY_NEW(order, m);
    for (size_t i = 0; i < m; i++) {
        total[bank->tags[i]]++;
    }
    for (size_t i = 0; i < m; i++) {
        size_t tag = bank->tags[i];
        /* a bank with proxies has one order over all tags */
        order[i] = (standing){bank->proxies ? (double)i : ((double)seen[tag]++ + 0.5) / (double)total[tag], i};
    }
    count = count < m ? count : m;
    qsort(order, m, sizeof *order, size_sweep_by_share);
    qsort(order, count, sizeof *order, size_sweep_by_index);
    NB_TRY(size_sweep_take(out, bank, order, count, err));
done:
    free(order);
    return status;
}

nb_status nb_bank_without(nb_bank *out, const nb_bank *bank, const bool *left_out, nb_error *err)
{
    standing *rest = NULL;
    size_t count = 0;
    nb_status status;
    *out = (nb_bank){0};
    NB_TRY_NEW(rest, bank->negative_count);
    for (size_t i = 0; i < bank->negative_count; i++) {
        if (!left_out[i]) {
            rest[count++].index = i;
        }
    }
    NB_TRY(size_sweep_take(out, bank, rest, count, err));
done:
    free(rest);
    return status;
}

void nb_part_free(nb_bank *part)
{
    nb_strings_free(&part->negatives);
    free(part->negative_rows);
    free(part->criterion);
    free(part->tags);
    free(part->ids);
    if (part->proxies) {
        part->proxies->map = part->proxies->text_mean = part->proxies->image_mean = NULL; /* the whole bank's */
        nb_bank_proxies_free(part->proxies);
    }
    *part = (nb_bank){0};
}

void nb_sweep_free(nb_sweep *s)
{
    if (s) {
        free(s->rows);
        *s = (nb_sweep){0};
    }
}

/* The metrics of every set and their mean for one bank and number of groups. */
static nb_status size_sweep_measure(const nb_rescorer *by, const nb_bank *bank, size_t groups, nb_metrics *rows,
                                    nb_error *err)
{
    double *id = NULL;
    double *ood = NULL;
    size_t id_count, ood_count;
    nb_status status;
    NB_TRY(by->keys(by->context, &(nb_rescore){bank, groups, 0}, &id, &id_count, err));
    for (size_t set = 0; set < by->set_count; set++) {
        free(ood);
        ood = NULL;
        NB_TRY(by->keys(by->context, &(nb_rescore){bank, groups, set + 1}, &ood, &ood_count, err));
        NB_TRY(nb_metrics_compute(&rows[set], id, id_count, ood, ood_count, err));
    }
    nb_metrics_mean(&rows[by->set_count], rows, by->set_count);
done:
    free(id);
    free(ood);
    return status;
}

/* A score may refuse a bank this small, or groups this many. */
static bool size_sweep_cannot(nb_status status)
{
    return status == NB_ERR_USAGE || status == NB_ERR_INPUT || status == NB_ERR_NUMERIC;
}

static nb_status size_sweep_add(nb_sweep *s, const nb_rescorer *by, const nb_bank *bank, size_t groups, size_t value,
                                nb_error *err)
{
    size_t width = by->set_count + 1;
    nb_error refused = {0};
    nb_status status = size_sweep_measure(by, bank, groups, s->rows + s->count * width, &refused);
    if (status == NB_OK) {
        bool same = s->count && memcmp(s->rows, s->rows + s->count * width, width * sizeof *s->rows) == 0;
        s->flat = s->count == 0 || (s->flat && same);
        s->values[s->count++] = value;
    } else if (!size_sweep_cannot(status)) {
        *err = refused;
        return status;
    }
    return NB_OK;
}

nb_status nb_sweep_sizes(nb_sweep *s, const nb_bank *bank, const nb_rescorer *by, nb_error *err)
{
    size_t sizes[10];
    size_t count = 0;
    nb_bank part;
    nb_status status;
    *s = (nb_sweep){0};
    for (size_t m = bank->negative_count; m && count < 10 && (count < 2 || m >= 4); m /= 2) {
        sizes[count++] = m;
    }
    NB_TRY_NEW(s->rows, NB_SWEEP_MAX * (by->set_count + 1));
    while (count-- > 0) {
        NB_TRY(nb_part_of_bank(&part, bank, sizes[count], err));
        status = size_sweep_add(s, by, &part, by->groups < sizes[count] ? by->groups : sizes[count], sizes[count], err);
        nb_part_free(&part);
        NB_TRY(status);
    }
done:
    return status;
}

nb_status nb_sweep_groups(nb_sweep *s, const nb_bank *bank, const nb_rescorer *by, nb_error *err)
{
    static const size_t steps[] = {1, 2, 5};
    size_t power = 1;
    nb_status status;
    *s = (nb_sweep){0};
    NB_TRY_NEW(s->rows, NB_SWEEP_MAX * (by->set_count + 1));
    for (size_t i = 0; i < NB_SWEEP_MAX && steps[i % 3] * power <= bank->negative_count; i++) {
        size_t groups = steps[i % 3] * power;
        NB_TRY(size_sweep_add(s, by, bank, groups, groups, err));
        power *= i % 3 == 2 ? 10 : 1;
    }
done:
    return status;
}
