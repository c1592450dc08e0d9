#include "scoring/scores/score.h"

#include "common/base/random.h"
#include "common/linear/reference/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const nb_score_rule *nb_score_find(const char *name)
{
    for (size_t i = 0; i < nb_score_count; i++) {
        if (strcmp(nb_score_table[i]->name, name) == 0) {
            return nb_score_table[i];
        }
    }
    return NULL;
}

const char *nb_score_name(size_t i)
{
    return i < nb_score_count ? nb_score_table[i]->name : NULL;
}

nb_status nb_score_names(nb_buffer *out, const char *between, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < nb_score_count && status == NB_OK; i++) {
        status = nb_buffer_printf(out, err, "%s%s", i ? between : "", nb_score_table[i]->name);
    }
    return status;
}

nb_score_cost nb_score_plain_cost(const nb_score_load *load)
{
    return (nb_score_cost){.products = 2 * load->images * load->rows * load->width};
}

nb_score_cost nb_score_cost_of(const nb_score_parameters *p, const nb_score_load *load)
{
    return p->rule->cost ? p->rule->cost(load, p) : nb_score_plain_cost(load);
}

double nb_score_key(const nb_score_rule *rule, const nb_score_result *r)
{
    return rule->log_odds || isnan(r->ood) ? r->score : log(r->score) - log(r->ood);
}

static void score_copy_row(float *out, const double *row, size_t d)
{
    for (size_t i = 0; i < d; i++) {
        out[i] = (float)row[i];
    }
}

/* Copies the negatives in group order: the bank's with the extra ones behind, or permuted by the seed
 * (Fisher-Yates). */
static nb_status score_arrange(nb_scorer *s, const float *extra, nb_error *err)
{
    const nb_bank *b = s->bank;
    size_t m = s->negative_count;
    float *negatives = s->rows + s->label_count * s->d;
    size_t *order;
    nb_status status;
    NB_TRY_NEW(s->order, m);
    order = s->order;
    for (size_t i = 0; i < m; i++) {
        order[i] = i;
    }
    for (size_t i = m; s->parameters.shared.seeded && i > 1; i--) {
        size_t k = (size_t)nb_random_below(s->parameters.shared.seed, 1, i, i);
        size_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    for (size_t i = 0; i < m; i++) {
        if (!extra || order[i] < b->negative_count) {
            score_copy_row(negatives + i * s->d, b->negative_rows + order[i] * s->d, s->d);
        } else {
            memcpy(negatives + i * s->d, extra + (order[i] - b->negative_count) * s->d, s->d * sizeof *extra);
        }
    }
done:
    return status;
}

static nb_status score_check(const nb_scorer *s, nb_error *err)
{
    const nb_score_shared *set = &s->parameters.shared;
    if (!(set->temperature > 0) || !isfinite(set->temperature)) {
        return nb_fail(err, NB_ERR_USAGE, "temperature %g is not positive", set->temperature);
    }
    if (s->negative_count && (!set->groups || set->groups > s->negative_count)) {
        return nb_fail(err, NB_ERR_USAGE, "%zu groups cannot be cut from %zu negatives", set->groups,
                       s->negative_count);
    }
    return NB_OK;
}

nb_status nb_scorer_create_with(nb_scorer *s, const nb_bank *bank, const nb_score_parameters *parameters,
                                const float *extra, size_t extra_count, nb_error *err)
{
    const nb_score_rule *rule = parameters->rule;
    nb_status status;
    size_t rows, elements;
    *s = (nb_scorer){.bank = bank,
                     .rule = rule,
                     .parameters = *parameters,
                     .asked_groups = parameters->shared.groups,
                     .d = bank->d,
                     .label_count = bank->label_count,
                     .negative_count = rule->negatives ? bank->negative_count + extra_count : 0,
                     .vector = nb_vector_best()};
    NB_TRY(score_check(s, err));
    if (rule->settle) {
        NB_TRY(rule->settle(&s->parameters, s->label_count, s->negative_count, s->note, err));
    }
    rows = s->label_count + s->negative_count;
    if (!nb_mul_size(rows, s->d, &elements)) {
        status = nb_fail(err, NB_ERR_LIMIT, "%zu rows of width %zu are too many", rows, s->d);
        goto done;
    }
    s->rows = nb_alloc_aligned(elements, sizeof *s->rows, err);
    if (!s->rows) {
        status = NB_ERR_LIMIT;
        goto done;
    }
    for (size_t c = 0; c < s->label_count; c++) {
        score_copy_row(s->rows + c * s->d, bank->label_rows + c * s->d, s->d);
    }
    NB_TRY(score_arrange(s, extra, err));
    if (rule->image) {
        NB_TRY(rule->image->create(&s->state, s, err));
    }
done:
    if (status != NB_OK) {
        nb_scorer_destroy(s);
    }
    return status;
}

nb_status nb_scorer_create(nb_scorer *s, const nb_bank *bank, const nb_score_parameters *parameters, nb_error *err)
{
    return nb_scorer_create_with(s, bank, parameters, NULL, 0, err);
}

void nb_scorer_destroy(nb_scorer *s)
{
    if (s) {
        if (s->state) {
            s->rule->image->destroy(s->state);
        }
        free(s->rows);
        free(s->order);
        *s = (nb_scorer){0};
    }
}

nb_status nb_score_normalise(float *rows, size_t count, size_t d, size_t first, const char *what, nb_error *err)
{
    for (size_t r = 0; r < count; r++) {
        float *row = rows + r * d;
        double part[4] = {0};
        for (size_t i = 0; i < d; i++) {
            part[i % 4] += (double)row[i] * (double)row[i];
        }
        double norm = sqrt((part[0] + part[1]) + (part[2] + part[3]));
        if (!(norm > 0) || !isfinite(norm)) {
            return nb_fail(err, NB_ERR_NUMERIC, "row %zu of %s has norm %g: it cannot be normalised", first + r, what,
                           norm);
        }
        for (size_t i = 0; i < d; i++) {
            row[i] = (float)((double)row[i] / norm);
        }
    }
    return NB_OK;
}
