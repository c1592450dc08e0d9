#include "mining/criteria/criterion.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const nb_criterion *nb_criterion_find(const char *name)
{
    for (size_t i = 0; nb_criteria[i]; i++) {
        if (strcmp(nb_criteria[i]->name, name) == 0) {
            return nb_criteria[i];
        }
    }
    return NULL;
}

const char *nb_criterion_choice(size_t i)
{
    return nb_criteria[i] ? nb_criteria[i]->name : NULL;
}

const char *nb_rejection_choice(size_t i)
{
    if (i == 0) {
        return "auto";
    }
    return nb_rejections[i - 1] ? nb_rejections[i - 1]->name : NULL;
}

const nb_rejection *nb_rejection_choose(const char *choice, const nb_criterion *criterion)
{
    return strcmp(choice, "auto") == 0 ? criterion->rejection : nb_rejection_find(choice);
}

/* Appends to text of *len bytes; what is longer is cut. */
static void criterion_append(char *room, size_t size, size_t *len, const char *text)
{
    int n = snprintf(room + *len, size - *len, "%s", text);
    *len = n < 0 || (size_t)n >= size - *len ? size - 1 : *len + (size_t)n;
}

/* " for a, b and c": the criteria whose own rule it is, the default one last; nothing for no criterion. */
static void criterion_append_users(char *room, size_t size, size_t *len, const nb_rejection *rule)
{
    size_t total = 0, left = 0;
    for (; nb_criteria[total]; total++) {
        left += nb_criteria[total]->rejection == rule;
    }
    const char *before = " for ";
    for (size_t i = total; i-- > 0;) {
        if (nb_criteria[i]->rejection == rule) {
            criterion_append(room, size, len, before);
            criterion_append(room, size, len, nb_criteria[i]->name);
            left--;
            before = left == 1 ? " and " : ", ";
        }
    }
}

void nb_rejection_describe(const nb_option *option, char *room, size_t size)
{
    size_t len = 0;
    const char *place = strstr(option->help, "{}"), *before = "";
    int n = snprintf(room, size, "%.*s", place ? (int)(place - option->help) : INT_MAX, option->help);
    len = n < 0 || (size_t)n >= size ? size - 1 : (size_t)n;
    for (size_t r = 0; place && nb_rejections[r]; r++) {
        size_t behind = len;
        if (nb_rejections[r]->tile) { /* the others reject nothing */
            criterion_append(room, size, &behind, before);
            criterion_append(room, size, &behind, nb_rejections[r]->name);
            size_t named = behind;
            criterion_append_users(room, size, &behind, nb_rejections[r]);
            if (behind > named) {
                len = behind;
                before = ", ";
            }
        }
        room[len] = '\0';
    }
}

/* The parameters of criteria, then of rejection rules. */
static const nb_method_parameters *criterion_parameters(size_t i)
{
    size_t k = 0;
    while (k < i && nb_criteria[k]) {
        k++;
    }
    if (nb_criteria[k]) {
        return &nb_criteria[k]->parameters;
    }
    const nb_rejection *rule = nb_rejections[0];
    for (size_t r = 0; rule && k < i; k++) {
        rule = nb_rejections[++r];
    }
    return rule ? &rule->parameters : NULL;
}

bool nb_mining_row(size_t i, nb_option *row)
{
    return nb_method_row(criterion_parameters, i, row);
}

nb_status nb_mining_parameters(void **block, const nb_method_parameters *parameters, const nb_parsed *options,
                               nb_error *err)
{
    *block = nb_alloc(1, parameters->size ? parameters->size : 1, err);
    if (!*block) {
        return NB_ERR_LIMIT;
    }
    return options ? nb_method_values(*block, parameters, options, err) : nb_method_defaults(*block, parameters, err);
}

void nb_criterion_outcome_free(nb_criterion_outcome *outcome)
{
    nb_bank_proxies_free(outcome->proxies);
    *outcome = (nb_criterion_outcome){0};
}

int nb_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nb_say_pass(const nb_evidence *e, const char *what, double rows, double columns, double seconds)
{
    if (seconds > 1) {
        nb_log_info(e->log, "%s: %.0f x %.0f in %.1f s, %.1f GFLOP/s", what, rows, columns, seconds,
                    2e-9 * rows * columns * (double)e->d / seconds);
    }
}
