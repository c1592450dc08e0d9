#include "jobs/score_options.h"

#include "common/base/text.h"
#include "common/base/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { REAL, COUNT, SEED, WORD, FLAG } kind;

/* One parameter: its option, who uses it, where it stands in the choice and in the settings. */
typedef struct parameter {
    const char *name;
    unsigned uses;
    kind kind;
    size_t choice, setting;
    const char *words;
} parameter;

enum { TEMPERATURE, GROUPS, SEEDED, TAU }; /* those a bank may suggest */

#define ENTRY(option, user, type, member, list)                                                                        \
    {                                                                                                                  \
        .name = option, .uses = user, .kind = type, .choice = offsetof(nb_score_choice, member),                       \
        .setting = offsetof(nb_score_settings, member), .words = list                                                  \
    }
static const parameter parameters[NB_SCORE_PARAMETERS] = {
    ENTRY("temperature", NB_USES_TEMPERATURE, REAL, temperature, NULL),
    ENTRY("groups", NB_USES_NEGATIVES, COUNT, groups, NULL),
    ENTRY("seed", NB_USES_NEGATIVES, SEED, seed, NULL),
    ENTRY("tau", NB_USES_TAU, REAL, tau, NULL),
    ENTRY("gamma", NB_USES_MEMORY, REAL, gamma, NULL),
    ENTRY("gap", NB_USES_MEMORY, REAL, gap, NULL),
    ENTRY("beta", NB_USES_MEMORY, REAL, beta, NULL),
    ENTRY("lambda", NB_USES_MEMORY, REAL, lambda, NULL),
    ENTRY("memory", NB_USES_MEMORY, COUNT, memory, NULL),
    ENTRY("proxies", NB_USES_MEMORY, WORD, proxies, NB_PROXIES_NAMES),
    ENTRY("combine", NB_USES_MEMORY, WORD, combine, NB_COMBINE_NAMES),
    ENTRY("adaptive-gap", NB_USES_MEMORY, FLAG, adaptive_gap, NULL),
    ENTRY("theta", NB_USES_VISUAL, REAL, theta, NULL),
    ENTRY("visual", NB_USES_VISUAL, COUNT, visual, NULL),
};
_Static_assert(sizeof(nb_proxies) == sizeof(int) && sizeof(nb_combine) == sizeof(int), "words are numbered as ints");

/* Which of "a|b|c" a word is. */
static int word_number(const char *words, const char *word)
{
    int number = 0;
    size_t len = strlen(word);
    for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, number++) {
        if (strncmp(p, word, len) == 0 && (p[len] == '|' || !p[len])) {
            return number;
        }
    }
    return 0;
}

static nb_status take_seed(nb_score_settings *settings, const char *seed, nb_error *err)
{
    int64_t value;
    settings->seeded = strcmp(seed, "none") != 0;
    if (settings->seeded && (!nb_parse_int(seed, &value) || value < 0)) {
        return nb_fail(err, NB_ERR_USAGE, "--seed: '%s' is neither a number nor 'none'", seed);
    }
    settings->seed = settings->seeded ? (uint64_t)value : 0;
    return NB_OK;
}

/* The user's value of one parameter. */
static nb_status take(nb_score_settings *settings, const nb_score_choice *choice, const parameter *p, nb_error *err)
{
    const void *from = (const char *)choice + p->choice;
    void *to = (char *)settings + p->setting;
    switch (p->kind) {
    case REAL: *(double *)to = *(const double *)from; break;
    case COUNT: *(size_t *)to = (size_t) * (const int64_t *)from; break;
    case WORD: *(int *)to = word_number(p->words, *(const char *const *)from); break;
    case FLAG: *(bool *)to = *(const bool *)from; break;
    case SEED: return take_seed(settings, choice->seed, err);
    }
    return NB_OK;
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

static void take_suggestions(nb_score_chosen *out, const nb_bank *bank)
{
    nb_score_settings *s = &out->settings;
    for (size_t i = 0; i < NB_SCORE_PARAMETERS; i++) {
        out->origin[i] = "published default";
    }
    s->seeded = bank->seeded;
    s->seed = bank->seed;
    out->origin[SEEDED] = "the bank";
    if (!isnan(bank->tau)) {
        s->tau = bank->tau;
        out->origin[TAU] = "the bank";
    }
    if (strcmp(out->rule->name, bank->score) == 0) {
        s->temperature = bank->temperature;
        s->groups = bank->groups;
        out->origin[TEMPERATURE] = out->origin[GROUPS] = "the bank";
    } else if (s->groups > bank->negative_count) {
        s->groups = bank->negative_count;
        out->origin[GROUPS] = "one negative a group";
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
    out->settings = out->rule->defaults;
    take_suggestions(out, bank);
    for (size_t i = 0; i < NB_SCORE_PARAMETERS; i++) {
        nb_option_source source = nb_option_given(options, parameters[i].name);
        if (source != NB_FROM_DEFAULT) {
            nb_status status = take(&out->settings, choice, &parameters[i], err);
            out->origin[i] = origin_of(source);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

/* "groups 5" */
static nb_status format(nb_buffer *out, const nb_score_settings *s, const parameter *p, nb_error *err)
{
    const void *at = (const char *)s + p->setting;
    nb_status status;
    NB_TRY(nb_buffer_printf(out, err, "%s ", p->name));
    switch (p->kind) {
    case REAL: status = nb_buffer_printf(out, err, "%.15g", *(const double *)at); break;
    case COUNT: status = nb_buffer_printf(out, err, "%zu", *(const size_t *)at); break;
    case FLAG: status = nb_buffer_printf(out, err, "%s", *(const bool *)at ? "on" : "off"); break;
    case SEED:
        status = s->seeded ? nb_buffer_printf(out, err, "%llu", (unsigned long long)s->seed)
                           : nb_buffer_printf(out, err, "none");
        break;
    case WORD: {
        const char *word = p->words;
        for (int i = *(const int *)at; i > 0; i--) {
            word = strchr(word, '|') + 1;
        }
        status = nb_buffer_append(out, word, strcspn(word, "|"), err);
        break;
    }
    }
done:
    return status;
}

nb_status nb_score_log(const nb_log *log, const nb_score_chosen *chosen, const nb_scorer *scorer, nb_error *err)
{
    nb_buffer line = {0};
    const char *idle = "";
    nb_status status;
    NB_TRY(nb_buffer_printf(&line, err, "score %s:", chosen->rule->name));
    for (size_t i = 0; i < NB_SCORE_PARAMETERS; i++) {
        if (chosen->rule->uses & parameters[i].uses) {
            NB_TRY(nb_buffer_printf(&line, err, "%s ", idle));
            NB_TRY(format(&line, &chosen->settings, &parameters[i], err));
            NB_TRY(nb_buffer_printf(&line, err, " (%s)", chosen->origin[i]));
            idle = ",";
        } else if (strstr("command line run file environment", chosen->origin[i])) {
            nb_log_warn(log, "--%s has no effect: the score %s does not use it", parameters[i].name,
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
    for (size_t i = 0; i < NB_SCORE_PARAMETERS; i++) {
        if (scorer->rule->uses & parameters[i].uses && !(parameters[i].kind == SEED && !s->seeded)) {
            NB_TRY(nb_buffer_printf(&line, err, ", "));
            NB_TRY(format(&line, s, &parameters[i], err));
        }
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
    nb_buffer what = {0};
    size_t d = scorer->d;
    float *rows = nb_alloc(NB_SCORE_BATCH * d, sizeof *rows, err);
    if (!rows) {
        return NB_ERR_LIMIT;
    }
    NB_TRY(nb_buffer_printf(&what, err, "'%s'", images->path));
    for (size_t at = 0; at < count; at += NB_SCORE_BATCH) {
        size_t batch = count - at < NB_SCORE_BATCH ? count - at : NB_SCORE_BATCH;
        NB_TRY(nb_store_rows_float(images, begin + at, batch, rows, err));
        NB_TRY(nb_score_normalise(rows, batch, d, begin + at, what.data, err));
        NB_TRY(nb_scorer_run_float(scorer, rows, batch, results + at, err));
    }
done:
    nb_buffer_free(&what);
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
