#include "scoring/scores/parameters.h"

#include "common/base/text.h"
#include "common/store/provenance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEMPERATURE, GROUPS, SEED, TAU }; /* those a bank may suggest */

#define ENTRY(option, user, type, member, low, high, list)                                                             \
    {                                                                                                                  \
        .name = option, .uses = user, .kind = type, .offset = offsetof(nb_score_settings, member), .min = low,         \
        .max = high, .words = list                                                                                     \
    }
const nb_parameter nb_parameters[NB_PARAMETER_TOTAL] = {
    ENTRY("temperature", NB_USES_TEMPERATURE, NB_PARAMETER_REAL, temperature, 1e-6, 1e6, NULL),
    ENTRY("groups", NB_USES_NEGATIVES, NB_PARAMETER_COUNT, groups, 1, 1e9, NULL),
    ENTRY("seed", NB_USES_NEGATIVES, NB_PARAMETER_SEED, seed, 0, 0, NULL),
    ENTRY("tau", NB_USES_TAU, NB_PARAMETER_REAL, tau, 1e-6, 1, NULL),
    ENTRY("gamma", NB_USES_MEMORY, NB_PARAMETER_REAL, gamma, 0, 1, NULL),
    ENTRY("gap", NB_USES_MEMORY, NB_PARAMETER_REAL, gap, 0, 1, NULL),
    ENTRY("beta", NB_USES_MEMORY, NB_PARAMETER_REAL, beta, 0, 1e4, NULL),
    ENTRY("lambda", NB_USES_MEMORY, NB_PARAMETER_REAL, lambda, 0, 1e6, NULL),
    ENTRY("memory", NB_USES_MEMORY, NB_PARAMETER_COUNT, memory, 2, 1000, NULL),
    ENTRY("proxies", NB_USES_MEMORY, NB_PARAMETER_WORD, proxies, 0, 0, NB_PROXIES_NAMES),
    ENTRY("combine", NB_USES_MEMORY, NB_PARAMETER_WORD, combine, 0, 0, NB_COMBINE_NAMES),
    ENTRY("adaptive-gap", NB_USES_MEMORY, NB_PARAMETER_FLAG, adaptive_gap, 0, 0, NULL),
    ENTRY("theta", NB_USES_VISUAL, NB_PARAMETER_REAL, theta, 0, 1, NULL),
    ENTRY("visual", NB_USES_VISUAL, NB_PARAMETER_COUNT, visual, 0, 1e7, NULL),
};
_Static_assert(sizeof(nb_proxies) == sizeof(int) && sizeof(nb_combine) == sizeof(int), "words are numbered as ints");

void nb_parameters_default(nb_score_settings *s, const char *origin[NB_PARAMETER_TOTAL], const nb_bank *bank,
                           const nb_score_rule *rule)
{
    *s = rule->defaults;
    for (size_t i = 0; i < NB_PARAMETER_TOTAL; i++) {
        origin[i] = "published default";
    }
    s->seeded = bank->seeded;
    s->seed = bank->seed;
    origin[SEED] = "the bank";
    if (bank->tau > 0) {
        s->tau = bank->tau;
        origin[TAU] = "the bank";
    }
    if (bank->score && strcmp(rule->name, bank->score) == 0) {
        s->temperature = bank->temperature;
        s->groups = bank->groups;
        origin[TEMPERATURE] = origin[GROUPS] = "the bank";
    } else if (s->groups > bank->negative_count) {
        s->groups = bank->negative_count;
        origin[GROUPS] = "one negative a group";
    }
}

/* Which of "a|b|c" a word is; -1 none of them. */
static int which_word(const char *words, const char *word)
{
    int number = 0;
    size_t len = strlen(word);
    for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, number++) {
        if (len && strncmp(p, word, len) == 0 && (p[len] == '|' || !p[len])) {
            return number;
        }
    }
    return -1;
}

static nb_status bad_value(const nb_parameter *p, const char *value, nb_error *err)
{
    switch (p->kind) {
    case NB_PARAMETER_REAL:
    case NB_PARAMETER_COUNT:
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is no number within [%g, %g]", p->name, value, p->min, p->max);
    case NB_PARAMETER_SEED:
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is neither a number nor 'none'", p->name, value);
    default:
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is none of %s", p->name, value, p->words ? p->words : "on|off");
    }
}

nb_status nb_parameter_set(nb_score_settings *settings, const nb_parameter *p, const char *value, nb_error *err)
{
    void *at = (char *)settings + p->offset;
    double real = 0;
    int64_t whole = 0;
    int word = 0;
    bool ok;
    switch (p->kind) {
    case NB_PARAMETER_REAL:
        ok = nb_parse_real(value, &real) && real >= p->min && real <= p->max;
        *(double *)at = ok ? real : *(double *)at;
        break;
    case NB_PARAMETER_COUNT:
        ok = nb_parse_int(value, &whole) && (double)whole >= p->min && (double)whole <= p->max;
        *(size_t *)at = ok ? (size_t)whole : *(size_t *)at;
        break;
    case NB_PARAMETER_SEED:
        ok = strcmp(value, "none") == 0 || (nb_parse_int(value, &whole) && whole >= 0);
        settings->seeded = strcmp(value, "none") != 0;
        settings->seed = ok ? (uint64_t)whole : 0;
        break;
    case NB_PARAMETER_WORD:
        word = which_word(p->words, value);
        ok = word >= 0;
        *(int *)at = ok ? word : *(int *)at;
        break;
    default:
        word = which_word("off|on", value);
        ok = word >= 0;
        *(bool *)at = word == 1;
        break;
    }
    return ok ? NB_OK : bad_value(p, value, err);
}

nb_status nb_parameter_format(nb_buffer *out, const nb_score_settings *s, const nb_parameter *p, nb_error *err)
{
    const void *at = (const char *)s + p->offset;
    switch (p->kind) {
    case NB_PARAMETER_REAL: return nb_buffer_printf(out, err, "%.15g", *(const double *)at);
    case NB_PARAMETER_COUNT: return nb_buffer_printf(out, err, "%zu", *(const size_t *)at);
    case NB_PARAMETER_FLAG: return nb_buffer_printf(out, err, "%s", *(const bool *)at ? "on" : "off");
    case NB_PARAMETER_SEED:
        return s->seeded ? nb_buffer_printf(out, err, "%llu", (unsigned long long)s->seed)
                         : nb_buffer_printf(out, err, "none");
    default: break;
    }
    const char *word = p->words;
    for (int i = *(const int *)at; i > 0; i--) {
        word = strchr(word, '|') + 1;
    }
    return nb_buffer_append(out, word, strcspn(word, "|"), err);
}

static nb_status parse_one(nb_score_settings *settings, const nb_score_rule *rule, char *pair, nb_error *err)
{
    char *equals = strchr(pair, '=');
    if (!equals) {
        return nb_fail(err, NB_ERR_USAGE, "'%s' is not name=value", pair);
    }
    *equals = '\0';
    for (size_t i = 0; i < NB_PARAMETER_TOTAL; i++) {
        const nb_parameter *p = &nb_parameters[i];
        if (strcmp(p->name, pair) == 0) {
            return rule->uses & p->uses
                       ? nb_parameter_set(settings, p, equals + 1, err)
                       : nb_fail(err, NB_ERR_USAGE, "the score '%s' does not use '%s'", rule->name, pair);
        }
    }
    return nb_fail(err, NB_ERR_USAGE, "'%s' is no parameter of a score", pair);
}

nb_status nb_parameters_parse(nb_score_settings *settings, const nb_score_rule *rule, const char *text, nb_error *err)
{
    char pair[128];
    while (*text) {
        size_t len = strcspn(text, ",");
        if (len >= sizeof pair) {
            return nb_fail(err, NB_ERR_USAGE, "'%.40s...' is no parameter of a score", text);
        }
        memcpy(pair, text, len);
        pair[len] = '\0';
        nb_status status = parse_one(settings, rule, pair, err);
        if (status != NB_OK) {
            return status;
        }
        text += len + (text[len] == ',');
    }
    return NB_OK;
}

void nb_bank_checkpoint(const nb_bank *bank, nb_digest *out)
{
    *out = (nb_digest){""};
    if (bank->checkpoint && strlen(bank->checkpoint) < sizeof out->hex) {
        memcpy(out->hex, bank->checkpoint, strlen(bank->checkpoint) + 1);
    } else {
        nb_provenance_find(bank->provenance, "model", out);
    }
}

nb_status nb_bank_check_checkpoint(const nb_bank *bank, const char *path, const nb_digest *checkpoint, nb_error *err)
{
    nb_digest want;
    nb_bank_checkpoint(bank, &want);
    if (!want.hex[0] || !checkpoint->hex[0] || strcmp(want.hex, checkpoint->hex) == 0) {
        return NB_OK;
    }
    return nb_fail(err, NB_ERR_INPUT, "'%s' is of checkpoint %s, the bank of checkpoint %s", path, checkpoint->hex,
                   want.hex);
}

static bool differ(double a, double b)
{
    return a < b || a > b;
}

bool nb_threshold_holds(const nb_bank *bank, const nb_scorer *scorer)
{
    const nb_bank_suggestion *want = &bank->threshold.suggestion;
    const nb_score_settings *set = &scorer->settings;
    unsigned uses = scorer->rule->uses;
    if (!bank->threshold.images || strcmp(want->score, scorer->rule->name) != 0 ||
        differ(want->temperature, set->temperature)) {
        return false;
    }
    if (uses & NB_USES_NEGATIVES && (want->groups != scorer->asked_groups || want->seeded != set->seeded ||
                                     (set->seeded && want->seed != set->seed))) {
        return false;
    }
    return !(uses & NB_USES_TAU) || !differ(want->tau, set->tau);
}

bool nb_threshold_accepts(const nb_bank *bank, const nb_score_result *r)
{
    return (isnan(r->ood) ? r->score : log(r->score) - log(r->ood)) >= bank->threshold.key;
}
