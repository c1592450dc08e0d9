#include "jobs/score/score_options.h"

#include "common/base/version.h"
#include "scoring/files/image_rows.h"

#include <stdlib.h>
#include <string.h>

/* Where the value of each of nb_parameters stands in the choice. */
static const size_t choices[NB_PARAMETER_TOTAL] = {
    offsetof(nb_score_choice, temperature), offsetof(nb_score_choice, groups),  offsetof(nb_score_choice, seed),
    offsetof(nb_score_choice, tau),         offsetof(nb_score_choice, gamma),   offsetof(nb_score_choice, gap),
    offsetof(nb_score_choice, beta),        offsetof(nb_score_choice, lambda),  offsetof(nb_score_choice, memory),
    offsetof(nb_score_choice, proxies),     offsetof(nb_score_choice, combine), offsetof(nb_score_choice, adaptive_gap),
    offsetof(nb_score_choice, theta),       offsetof(nb_score_choice, visual)};

/* The user's value of one parameter; numbers and words are within their bounds. */
static nb_status take(nb_score_settings *settings, const nb_score_choice *choice, size_t i, nb_error *err)
{
    const nb_parameter *p = &nb_parameters[i];
    const void *from = (const char *)choice + choices[i];
    void *to = (char *)settings + p->offset;
    switch (p->kind) {
    case NB_PARAMETER_REAL: *(double *)to = *(const double *)from; return NB_OK;
    case NB_PARAMETER_COUNT: *(size_t *)to = (size_t) * (const int64_t *)from; return NB_OK;
    case NB_PARAMETER_FLAG: *(bool *)to = *(const bool *)from; return NB_OK;
    default: break;
    }
    const char *word = *(const char *const *)from;
    return nb_parameter_set(settings, p, word, err) == NB_OK
               ? NB_OK
               : nb_fail(err, NB_ERR_USAGE, "--%s: '%s' is neither a number nor 'none'", p->name, word);
}

static const char *origin_of(nb_option_source source)
{
    switch (source) {
    case NB_FROM_COMMAND_LINE: return "command line";
    case NB_FROM_FILE: return "run file";
    case NB_FROM_ENVIRONMENT: return "environment";
    default: return "published default";
    }
}

nb_status nb_score_decide(nb_score_chosen *out, const nb_bank *bank, const nb_parsed *options,
                          const nb_score_choice *choice, nb_error *err)
{
    const char *name = choice->score ? choice->score : bank->score;
    *out = (nb_score_chosen){.rule = nb_score_find(name)};
    if (!out->rule) {
        nb_fail(err, NB_ERR_INPUT, "the bank suggests score '%s', which this version does not know", name);
        return nb_hint(err, "choose one with --score " NB_SCORE_NAMES);
    }
    nb_parameters_default(&out->settings, out->origin, bank, out->rule);
    for (size_t i = 0; i < NB_PARAMETER_TOTAL; i++) {
        nb_option_source source = nb_option_given(options, nb_parameters[i].name);
        if (source != NB_FROM_DEFAULT) {
            nb_status status = take(&out->settings, choice, i, err);
            out->origin[i] = origin_of(source);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

/* "groups 5" */
static nb_status format(nb_buffer *out, const nb_score_settings *s, const nb_parameter *p, nb_error *err)
{
    nb_status status = nb_buffer_printf(out, err, "%s ", p->name);
    return status == NB_OK ? nb_parameter_format(out, s, p, err) : status;
}

nb_status nb_score_log(const nb_log *log, const nb_score_chosen *chosen, const nb_scorer *scorer, nb_error *err)
{
    nb_buffer line = {0};
    const char *idle = "";
    nb_status status;
    NB_TRY(nb_buffer_printf(&line, err, "score %s:", chosen->rule->name));
    for (size_t i = 0; i < NB_PARAMETER_TOTAL; i++) {
        if (chosen->rule->uses & nb_parameters[i].uses) {
            NB_TRY(nb_buffer_printf(&line, err, "%s ", idle));
            NB_TRY(format(&line, &chosen->settings, &nb_parameters[i], err));
            NB_TRY(nb_buffer_printf(&line, err, " (%s)", chosen->origin[i]));
            idle = ",";
        } else if (strstr("command line run file environment", chosen->origin[i])) {
            nb_log_warn(log, "--%s has no effect: the score %s does not use it", nb_parameters[i].name,
                        chosen->rule->name);
        }
    }
    nb_log_info(log, "%s", line.data);
    if (scorer->settings.groups != chosen->settings.groups) {
        nb_log_warn(log, "groups raised from %zu to %zu: with larger groups rho is not below 1 and %s ranks nothing",
                    chosen->settings.groups, scorer->settings.groups, chosen->rule->name);
    }
done:
    nb_buffer_free(&line);
    return status;
}

nb_status nb_score_choose(nb_scorer *out, const nb_bank *bank, const nb_parsed *options, const nb_score_choice *choice,
                          nb_error *err)
{
    nb_score_chosen chosen;
    nb_status status = nb_score_decide(&chosen, bank, options, choice, err);
    return status == NB_OK ? nb_scorer_create(out, bank, chosen.rule, &chosen.settings, err) : status;
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
    NB_TRY(nb_buffer_printf(&line, err, "score %s", scorer->rule->name));
    for (size_t i = 0; i < NB_PARAMETER_TOTAL; i++) {
        if (scorer->rule->uses & nb_parameters[i].uses && !(nb_parameters[i].kind == NB_PARAMETER_SEED && !s->seeded)) {
            NB_TRY(nb_buffer_printf(&line, err, ", "));
            NB_TRY(format(&line, s, &nb_parameters[i], err));
        }
    }
    NB_TRY(nb_strings_push(out, line.data, line.len, err));
done:
    nb_buffer_free(&line);
    return status;
}

nb_status nb_score_rows(const nb_scorer *scorer, nb_store *images, size_t begin, size_t count, nb_score_result *results,
                        nb_error *err)
{
    nb_status status = NB_OK;
    size_t d = scorer->d;
    float *rows = nb_alloc(NB_SCORE_BATCH * d, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    for (size_t at = 0; at < count; at += NB_SCORE_BATCH) {
        size_t batch = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        NB_TRY(nb_image_rows(images, begin + at, batch, rows, err));
        NB_TRY(nb_scorer_run_float(scorer, rows, batch, results + at, err));
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
