#include "jobs/score_options.h"

#include "common/base/text.h"
#include "common/base/version.h"

#include <stdlib.h>
#include <string.h>

static nb_status choose_seed(nb_score_settings *settings, const char *seed, nb_error *err)
{
    int64_t value;
    settings->seeded = strcmp(seed, "none") != 0;
    if (settings->seeded && (!nb_parse_int(seed, &value) || value < 0)) {
        return nb_fail(err, NB_ERR_USAGE, "--seed: '%s' is neither a number nor 'none'", seed);
    }
    settings->seed = settings->seeded ? (uint64_t)value : 0;
    return NB_OK;
}

nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const nb_score_choice *choice,
                          nb_error *err)
{
    const char *name = choice->score ? choice->score : bank->score;
    const nb_score_rule *rule = nb_score_find(name);
    if (!rule) {
        nb_fail(err, NB_ERR_INPUT, "the bank suggests score '%s', which this version does not know", name);
        return nb_hint(err, "choose one with --score " NB_SCORE_NAMES);
    }
    bool as_suggested = strcmp(name, bank->score) == 0;
    nb_score_settings settings = {.temperature = as_suggested ? bank->temperature : rule->temperature,
                                  .groups = bank->groups,
                                  .seeded = bank->seeded,
                                  .seed = bank->seed};
    if (nb_option_given(options, "temperature") != NB_FROM_DEFAULT) {
        settings.temperature = choice->temperature;
    }
    if (nb_option_given(options, "groups") != NB_FROM_DEFAULT) {
        settings.groups = (size_t)choice->groups;
    }
    if (choice->seed) {
        nb_status status = choose_seed(&settings, choice->seed, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return nb_scorer_create(out, bank, rule, &settings, err);
}

nb_status nb_score_comments(nb_strings *out, const nb_scorer *scorer, nb_error *err)
{
    nb_buffer line = {0};
    const nb_score_settings *s = &scorer->settings;
    nb_status status;
    NB_TRY(nb_buffer_printf(&line, err, "negbank %s (%s)", nb_version(), nb_commit()));
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
    nb_buffer_clear(&line);
    NB_TRY(nb_buffer_printf(&line, err, "bank %s: %zu labels, %zu negatives", scorer->bank->digest.hex,
                            scorer->bank->label_count, scorer->bank->negative_count));
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
    nb_buffer_clear(&line);
    NB_TRY(nb_buffer_printf(&line, err, "score %s, temperature %.15g", scorer->rule->name, s->temperature));
    if (scorer->rule->needs_negatives) {
        NB_TRY(nb_buffer_printf(&line, err, ", groups %zu", s->groups));
    }
    if (scorer->rule->needs_negatives && s->seeded) {
        NB_TRY(nb_buffer_printf(&line, err, ", seed %llu", (unsigned long long)s->seed));
    }
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
done:
    nb_buffer_free(&line);
    return status;
}

nb_status nb_score_check_width(const nb_bank *bank, const nb_store *images, nb_error *err)
{
    if (images->plan.width == bank->d) {
        return NB_OK;
    }
    nb_fail(err, NB_ERR_INPUT, "'%s' has embeddings of width %llu, the bank's are %zu wide", images->path,
            (unsigned long long)images->plan.width, bank->d);
    return nb_hint(err, "embed the images with the checkpoint the bank was mined with");
}

nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err)
{
    nb_status status = NB_OK;
    double *rows = nb_alloc(NB_SCORE_BATCH * scorer->bank->d, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    for (size_t at = 0; at < count; at += NB_SCORE_BATCH) {
        size_t batch = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        NB_TRY(nb_store_rows(images, begin + at, batch, rows, err));
        NB_TRY(nb_scorer_run(scorer, rows, batch, results + at, err));
    }
done:
    free(rows);
    return status;
}

nb_status nb_score_table(nb_scores *out, const nb_strings *names, const int32_t *labels, const nb_score_result *results,
                         nb_error *err)
{
    size_t n = names->count;
    nb_status status;
    NB_TRY_NEW(out->labels, n);
    NB_TRY_NEW(out->classes, n);
    NB_TRY_NEW(out->score, n);
    NB_TRY_NEW(out->ood_score, n);
    for (size_t i = 0; i < n; i++) {
        NB_TRY(nb_strings_push(&out->images, nb_strings_get(names, i), nb_strings_len(names, i), err));
        out->labels[i] = labels ? labels[i] : -1;
        out->classes[i] = results[i].label;
        out->score[i] = results[i].score;
        out->ood_score[i] = results[i].ood;
        out->count = i + 1;
    }
done:
    return status;
}
