#include "scoring/scores/parameters.h"

#include "common/base/text.h"
#include "common/store/provenance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a bank may suggest, for the score it suggests or for any. The seed is two members. */
static const struct suggested {
    const char *name;
    nb_option_type type;
    size_t offset; /* in nb_bank_suggestion */
    bool for_any;
} suggested[] = {
    {"temperature", NB_OPTION_REAL, offsetof(nb_bank_suggestion, temperature), false},
    {"groups", NB_OPTION_INT, offsetof(nb_bank_suggestion, groups), false},
    {"seed", NB_OPTION_TEXT, 0, true},
    {"tau", NB_OPTION_REAL, offsetof(nb_bank_suggestion, tau), true},
};

static const struct suggested *parameters_suggested(const char *name)
{
    for (size_t i = 0; i < sizeof suggested / sizeof *suggested; i++) {
        if (strcmp(suggested[i].name, name) == 0) {
            return &suggested[i];
        }
    }
    return NULL;
}

bool nb_parameter_of_banks(const char *name)
{
    return parameters_suggested(name) != NULL;
}

const nb_option *nb_parameter_find(const nb_score_rule *rule, const char *name)
{
    for (size_t i = 0; i < rule->parameter_count; i++) {
        if (strcmp(rule->parameters[i].name, name) == 0) {
            return &rule->parameters[i];
        }
    }
    return NULL;
}

nb_status nb_score_published(nb_score_parameters *out, const nb_score_rule *rule, nb_error *err)
{
    nb_error bad = {0};
    *out = (nb_score_parameters){.rule = rule, .shared = {.temperature = 1}};
    if (rule->parameter_count > NB_SCORE_PARAMETERS_MAX || rule->block_size > sizeof out->block ||
        rule->block_size < sizeof out->shared) {
        return nb_fail(err, NB_ERR_INTERNAL, "score '%s': %zu parameters in %zu bytes cannot be", rule->name,
                       rule->parameter_count, rule->block_size);
    }
    for (size_t i = 0; i < rule->parameter_count; i++) {
        const nb_option *row = &rule->parameters[i];
        if (row->fallback && nb_parameter_set(out, row, row->fallback, &bad) != NB_OK) {
            return nb_fail(err, NB_ERR_INTERNAL, "score '%s': %s", rule->name, bad.message);
        }
    }
    return NB_OK;
}

/* Takes what the bank suggests for a parameter; false: nothing. */
static bool parameters_take(nb_score_parameters *p, const nb_option *row, const nb_bank_suggestion *from)
{
    const struct suggested *s = parameters_suggested(row->name);
    void *at = p->block + row->offset;
    double real;
    if (!s || s->type != row->type || (!s->for_any && strcmp(p->rule->name, from->score) != 0)) {
        return false;
    }
    const void *value = (const char *)from + s->offset;
    switch (s->type) {
    case NB_OPTION_TEXT:
        p->shared.seeded = from->seeded;
        p->shared.seed = from->seed;
        return true;
    case NB_OPTION_INT: memcpy(at, value, sizeof(size_t)); return true;
    default:
        memcpy(&real, value, sizeof real); /* NaN or 0 in banks older than the parameter */
        *(double *)at = real > 0 ? real : *(double *)at;
        return real > 0;
    }
}

nb_status nb_parameters_default(nb_score_parameters *out, const char *origin[NB_SCORE_PARAMETERS_MAX],
                                const nb_bank *bank, const nb_score_rule *rule, nb_error *err)
{
    nb_bank_suggestion from = nb_bank_suggested(bank);
    nb_status status = nb_score_published(out, rule, err);
    for (size_t i = 0; i < rule->parameter_count && status == NB_OK; i++) {
        const nb_option *row = &rule->parameters[i];
        origin[i] = "published default";
        if (parameters_take(out, row, &from)) {
            origin[i] = "the bank";
        } else if (rule->negatives && row->offset == offsetof(nb_score_shared, groups) &&
                   out->shared.groups > bank->negative_count) {
            out->shared.groups = bank->negative_count;
            origin[i] = "one negative a group";
        }
    }
    return status;
}

/* Which of "a|b|c" a word is; -1 none of them. */
static int parameters_word(const char *words, const char *word)
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

static nb_status parameters_bad(const nb_option *row, const char *text, nb_error *err)
{
    switch (row->type) {
    case NB_OPTION_REAL:
    case NB_OPTION_INT:
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is no number within [%g, %g]", row->name, text, row->min, row->max);
    case NB_OPTION_TEXT: return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is neither a number nor 'none'", row->name, text);
    default:
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is none of %s", row->name, text,
                       row->choices ? row->choices : "on|off");
    }
}

nb_status nb_parameter_set(nb_score_parameters *p, const nb_option *row, const char *text, nb_error *err)
{
    void *at = p->block + row->offset;
    double real = 0;
    int64_t whole = 0;
    int word = 0;
    bool ok;
    switch (row->type) {
    case NB_OPTION_REAL:
        ok = nb_parse_real(text, &real) && real >= row->min && real <= row->max;
        *(double *)at = ok ? real : *(double *)at;
        break;
    case NB_OPTION_INT:
        ok = nb_parse_int(text, &whole) && (double)whole >= row->min && (double)whole <= row->max;
        *(size_t *)at = ok ? (size_t)whole : *(size_t *)at;
        break;
    case NB_OPTION_TEXT:
        ok = strcmp(text, "none") == 0 || (nb_parse_int(text, &whole) && whole >= 0);
        p->shared.seeded = strcmp(text, "none") != 0;
        p->shared.seed = ok ? (uint64_t)whole : 0;
        break;
    case NB_OPTION_CHOICE:
        word = parameters_word(row->choices, text);
        ok = word >= 0;
        *(int *)at = ok ? word : *(int *)at;
        break;
    default:
        word = parameters_word("off|on", text);
        ok = word >= 0;
        *(bool *)at = word == 1;
        break;
    }
    return ok ? NB_OK : parameters_bad(row, text, err);
}

nb_status nb_parameter_format(nb_buffer *out, const nb_score_parameters *p, const nb_option *row, nb_error *err)
{
    const void *at = p->block + row->offset;
    switch (row->type) {
    case NB_OPTION_REAL: return nb_buffer_printf(out, err, "%.15g", *(const double *)at);
    case NB_OPTION_INT: return nb_buffer_printf(out, err, "%zu", *(const size_t *)at);
    case NB_OPTION_FLAG: return nb_buffer_printf(out, err, "%s", *(const bool *)at ? "on" : "off");
    case NB_OPTION_TEXT:
        return p->shared.seeded ? nb_buffer_printf(out, err, "%llu", (unsigned long long)p->shared.seed)
                                : nb_buffer_printf(out, err, "none");
    default: break;
    }
    const char *word = row->choices;
    for (int i = *(const int *)at; i > 0; i--) {
        word = strchr(word, '|') + 1;
    }
    return nb_buffer_append(out, word, strcspn(word, "|"), err);
}

/* A parameter that another score has. */
static bool parameters_known(const char *name)
{
    for (size_t i = 0; i < nb_score_count; i++) {
        if (nb_parameter_find(nb_score_table[i], name)) {
            return true;
        }
    }
    return false;
}

static nb_status parameters_parse_one(nb_score_parameters *p, char *pair, nb_error *err)
{
    char *equals = strchr(pair, '=');
    if (!equals) {
        return nb_fail(err, NB_ERR_USAGE, "'%s' is not name=value", pair);
    }
    *equals = '\0';
    const nb_option *row = nb_parameter_find(p->rule, pair);
    if (row) {
        return nb_parameter_set(p, row, equals + 1, err);
    }
    return parameters_known(pair) ? nb_fail(err, NB_ERR_USAGE, "the score '%s' does not use '%s'", p->rule->name, pair)
                                  : nb_fail(err, NB_ERR_USAGE, "'%s' is no parameter of a score", pair);
}

nb_status nb_parameters_parse(nb_score_parameters *p, const char *text, nb_error *err)
{
    char pair[128];
    while (*text) {
        size_t len = strcspn(text, ",");
        if (len >= sizeof pair) {
            return nb_fail(err, NB_ERR_USAGE, "'%.40s...' is no parameter of a score", text);
        }
        memcpy(pair, text, len);
        pair[len] = '\0';
        nb_status status = parameters_parse_one(p, pair, err);
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

static bool parameters_differ(double a, double b)
{
    return a < b || a > b;
}

/* True when the scorer's value of a parameter is the suggested one; one that a bank does not suggest is never at odds.
 */
static bool parameters_as_suggested(const nb_scorer *s, const nb_option *row, const nb_bank_suggestion *want)
{
    const nb_score_shared *have = &s->parameters.shared;
    const struct suggested *by = parameters_suggested(row->name);
    if (!by || by->type != row->type) {
        return true;
    }
    switch (by->type) {
    case NB_OPTION_TEXT: return want->seeded == have->seeded && (!have->seeded || want->seed == have->seed);
    case NB_OPTION_INT: return want->groups == s->asked_groups;
    default:
        return !parameters_differ(*(const double *)(const void *)((const char *)want + by->offset),
                                  *(const double *)(const void *)(s->parameters.block + row->offset));
    }
}

bool nb_threshold_holds(const nb_bank *bank, const nb_scorer *scorer)
{
    const nb_bank_suggestion *want = &bank->threshold.suggestion;
    const nb_score_rule *rule = scorer->rule;
    bool holds = bank->threshold.images && strcmp(want->score, rule->name) == 0;
    for (size_t i = 0; i < rule->parameter_count && holds; i++) {
        holds = parameters_as_suggested(scorer, &rule->parameters[i], want);
    }
    return holds;
}

bool nb_threshold_accepts(const nb_bank *bank, const nb_score_result *r)
{
    bool plain = isnan(bank->threshold.ood_score) || isnan(r->ood); /* the key is the score */
    return (plain ? r->score : log(r->score) - log(r->ood)) >= bank->threshold.key;
}
