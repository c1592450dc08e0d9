#include "scoring/scores/score.h"

#include "common/base/random.h"
#include "common/linear/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const nb_score_rule *const rules[] = {&nb_score_neglabel, &nb_score_mcm};

const nb_score_rule *nb_score_find(const char *name)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i]->name, name) == 0) {
            return rules[i];
        }
    }
    return NULL;
}

/* Copies the negatives in group order: the bank's, or permuted by the seed (Fisher-Yates). */
static nb_status arrange(nb_scorer *s, nb_error *err)
{
    const nb_bank *b = s->bank;
    size_t m = b->negative_count;
    size_t *order = NULL;
    nb_status status;
    NB_TRY_NEW(order, m);
    NB_TRY_NEW(s->negatives, m * b->d);
    for (size_t i = 0; i < m; i++) {
        order[i] = i;
    }
    for (size_t i = m; s->settings.seeded && i > 1; i--) {
        size_t k = (size_t)nb_random_below(s->settings.seed, 1, i, i);
        size_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    for (size_t i = 0; i < m; i++) {
        memcpy(s->negatives + i * b->d, b->negative_rows + order[i] * b->d, b->d * sizeof *s->negatives);
    }
done:
    free(order);
    return status;
}

nb_status nb_scorer_create(nb_scorer *s, const nb_bank *bank, const nb_score_rule *rule,
                           const nb_score_settings *settings, nb_error *err)
{
    *s = (nb_scorer){.bank = bank, .rule = rule, .settings = *settings};
    if (!(settings->temperature > 0) || !isfinite(settings->temperature)) {
        return nb_fail(err, NB_ERR_USAGE, "temperature %g is not positive", settings->temperature);
    }
    if (!rule->needs_negatives) {
        return NB_OK;
    }
    if (!settings->groups || settings->groups > bank->negative_count) {
        return nb_fail(err, NB_ERR_USAGE, "%zu groups cannot be cut from %zu negatives", settings->groups,
                       bank->negative_count);
    }
    return arrange(s, err);
}

void nb_scorer_destroy(nb_scorer *s)
{
    if (s) {
        free(s->negatives);
        *s = (nb_scorer){0};
    }
}

static int32_t predict(const double *z, size_t count)
{
    size_t best = 0;
    for (size_t c = 1; c < count; c++) {
        best = z[c] > z[best] ? c : best;
    }
    return (int32_t)best;
}

static void score_batch(const nb_scorer *s, const double *images, size_t count, double *z, double *y,
                        nb_score_result *results)
{
    const nb_bank *b = s->bank;
    double scale = 1 / s->settings.temperature;
    nb_dgemm_nt(count, b->label_count, b->d, scale, images, b->d, b->label_rows, b->d, z, b->label_count);
    if (s->negatives) {
        nb_dgemm_nt(count, b->negative_count, b->d, scale, images, b->d, s->negatives, b->d, y, b->negative_count);
    }
    for (size_t i = 0; i < count; i++) {
        nb_logits logits = {.z = z + i * b->label_count,
                            .y = y + i * b->negative_count,
                            .label_count = b->label_count,
                            .negative_count = s->negatives ? b->negative_count : 0,
                            .groups = s->settings.groups};
        s->rule->score(&logits, &results[i]);
        results[i].label = predict(logits.z, logits.label_count);
    }
}

nb_status nb_scorer_run(const nb_scorer *s, const double *images, size_t count, nb_score_result *results, nb_error *err)
{
    double *z = NULL, *y = NULL;
    nb_status status;
    NB_TRY_NEW(z, NB_SCORE_BATCH * s->bank->label_count);
    NB_TRY_NEW(y, NB_SCORE_BATCH * s->bank->negative_count);
    for (size_t at = 0; at < count; at += NB_SCORE_BATCH) {
        size_t batch = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        score_batch(s, images + at * s->bank->d, batch, z, y, results + at);
    }
done:
    free(z);
    free(y);
    return status;
}
