#include "common/options/option_set.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

static void *option_set_at(const nb_parsed *p, const nb_option *o)
{
    return (char *)(o->parameter ? p->parameters : p->settings) + o->offset;
}

const void *nb_option_value(const nb_parsed *p, const nb_option *o)
{
    return option_set_at(p, o);
}

/* A copy that lives as long as the parsed options. */
static char *option_set_keep(nb_parsed *p, const char *text, size_t len, nb_error *err)
{
    char **grown = nb_grow(p->keep, p->keep_count + 1, sizeof *grown, err);
    if (!grown) {
        return NULL;
    }
    p->keep = grown;
    char *copy = nb_alloc(len + 1, 1, err);
    if (copy) {
        memcpy(copy, text, len);
        p->keep[p->keep_count++] = copy;
    }
    return copy;
}

static bool option_set_is_named(const nb_option *o, const char *name, size_t len)
{
    return strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

const nb_option *nb_option_find(const nb_parsed *p, const char *name, size_t len)
{
    for (size_t i = 0; i < p->option_count; i++) {
        if (option_set_is_named(&p->options[i], name, len)) {
            return &p->options[i];
        }
    }
    return NULL;
}

const nb_option *nb_option_named(const nb_parsed *p, const char *name)
{
    return nb_option_find(p, name, strlen(name));
}

nb_option_source nb_option_given(const nb_parsed *p, const char *name)
{
    const nb_option *o = nb_option_find(p, name, strlen(name));
    return o ? p->source[o - p->options] : NB_FROM_DEFAULT;
}

static bool option_set_is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    if (strchr(value, '|')) {
        return false;
    }
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        if (strncmp(p, value, len) == 0 && (p[len] == '|' || p[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static nb_status option_set_out_of_bounds(const nb_option *o, const char *value, const char *label, nb_error *err)
{
    return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not within [%.15g, %.15g]", label, value, o->min, o->max);
}

static bool option_set_within(const nb_option *o, double value)
{
    return (o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max);
}

static nb_status option_set_flag(bool *out, const char *value, const char *label, nb_error *err)
{
    if (option_set_is_choice("true|yes|on|1", value)) {
        *out = true;
    } else if (option_set_is_choice("false|no|off|0", value)) {
        *out = false;
    } else {
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is neither true nor false", label, value);
    }
    return NB_OK;
}

nb_status nb_option_read(const nb_option *o, void *at, const char *value, const char *label, nb_error *err)
{
    char room[NB_OPTION_CHOICES_MAX];
    int64_t integer;
    double real;
    switch (o->type) {
    case NB_OPTION_FLAG: return option_set_flag(at, value, label, err);
    case NB_OPTION_INT:
        if (o->word && strcmp(value, o->word) == 0) {
            *(int64_t *)at = 0;
            return NB_OK;
        }
        if (!nb_parse_int(value, &integer)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not a whole number%s%s", label, value,
                           o->word ? ", nor " : "", o->word ? o->word : "");
        }
        if (!option_set_within(o, (double)integer)) {
            return option_set_out_of_bounds(o, value, label, err);
        }
        *(int64_t *)at = integer;
        return NB_OK;
    case NB_OPTION_REAL:
        if (!nb_parse_real(value, &real)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not a number", label, value);
        }
        if (!option_set_within(o, real)) {
            return option_set_out_of_bounds(o, value, label, err);
        }
        *(double *)at = real;
        return NB_OK;
    case NB_OPTION_LIST: return nb_fail(err, NB_ERR_INTERNAL, "%s is a list", label);
    case NB_OPTION_CHOICE: {
        const char *choices = nb_option_choices(o, room, sizeof room);
        if (!option_set_is_choice(choices, value)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is none of %s", label, value, choices);
        }
        break;
    }
    default: break;
    }
    *(const char **)at = value;
    return NB_OK;
}

static bool option_set_is_text(nb_option_type type)
{
    return type == NB_OPTION_TEXT || type == NB_OPTION_CHOICE || type == NB_OPTION_INPUT || type == NB_OPTION_OUTPUT;
}

nb_status nb_option_set(nb_parsed *p, const nb_option *o, const char *value, nb_option_source from, const char *label,
                        nb_error *err)
{
    void *at = option_set_at(p, o);
    nb_option_source *source = &p->source[o - p->options];
    if (o->type == NB_OPTION_LIST) {
        if (*source != from) { /* a stronger source replaces the whole list */
            nb_strings_free(at);
        }
        *source = from;
        return nb_strings_push(at, value, strlen(value), err);
    }
    if (option_set_is_text(o->type)) {
        value = option_set_keep(p, value, strlen(value), err);
        if (!value) {
            return NB_ERR_LIMIT;
        }
    }
    nb_status status = nb_option_read(o, at, value, label, err);
    *source = status == NB_OK ? from : *source;
    return status;
}

nb_status nb_option_replace(nb_parsed *p, const nb_option *o, size_t entry, const char *value, nb_error *err)
{
    nb_strings changed = {0}, *list = option_set_at(p, o);
    nb_status status = NB_OK;
    if (o->type != NB_OPTION_LIST) {
        const char *kept = option_set_keep(p, value, strlen(value), err);
        *(const char **)option_set_at(p, o) = kept ? kept : *(const char **)option_set_at(p, o);
        return kept ? NB_OK : NB_ERR_LIMIT;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *text = i == entry ? value : nb_strings_get(list, i);
        NB_TRY(nb_strings_push(&changed, text, strlen(text), err));
    }
    nb_strings_free(list);
    *list = changed;
    changed = (nb_strings){0};
done:
    nb_strings_free(&changed);
    return status;
}

static size_t option_set_size(nb_option_type type)
{
    switch (type) {
    case NB_OPTION_FLAG: return sizeof(bool);
    case NB_OPTION_INT: return sizeof(int64_t);
    case NB_OPTION_REAL: return sizeof(double);
    case NB_OPTION_LIST: return sizeof(nb_strings);
    default: return sizeof(const char *);
    }
}

nb_status nb_option_table(nb_parsed *p, nb_error *err)
{
    size_t block = 0;
    nb_option row;
    nb_status status = NB_OK;
    for (size_t i = 0; nb_command_option(p->command, i, &row); i++) {
        nb_option *grown = nb_grow(p->options, i + 1, sizeof *grown, err);
        if (!grown) {
            return NB_ERR_LIMIT;
        }
        p->options = grown;
        if (nb_option_find(p, row.name, strlen(row.name))) {
            return nb_fail(err, NB_ERR_INTERNAL, "command '%s' has two options --%s", p->command->name, row.name);
        }
        p->options[p->option_count++] = row;
        size_t end = row.offset + option_set_size(row.type);
        block = row.parameter && end > block ? end : block;
    }
    NB_TRY_NEW(p->source, p->option_count);
    p->settings = nb_alloc(1, p->command->settings_size, err);
    p->parameters = nb_alloc(1, block, err);
    status = p->settings && p->parameters ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

void nb_parsed_free(nb_parsed *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; p->settings && p->parameters && i < p->option_count; i++) {
        if (p->options[i].type == NB_OPTION_LIST) {
            nb_strings_free(option_set_at(p, &p->options[i]));
        }
    }
    for (size_t i = 0; i < p->keep_count; i++) {
        free(p->keep[i]);
    }
    free(p->keep);
    free(p->source);
    free(p->settings);
    free(p->parameters);
    free(p->options);
    *p = (nb_parsed){0};
}
