#include "common/options/option.h"

#include "common/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void nb_option_key(char *out, size_t size, const char *command, const char *option, bool variable)
{
    snprintf(out, size, "%s%s%s%s", variable ? "NEGBANK_" : "", command, variable ? "_" : ".", option);
    for (char *c = out; *c; c++) {
        if (variable) {
            *c = *c == ' ' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        } else if (*c == ' ') {
            *c = '.';
        }
    }
}

static void option_from_table(const nb_option *from, nb_option *row)
{
    *row = *from;
    if (row->choice && row->fallback && !row->fallback[0]) {
        row->fallback = row->choice(0);
    }
}

bool nb_command_option(const nb_command *c, size_t i, nb_option *row)
{
    size_t place = 0, extra = 0;
    while (place < c->option_count && c->options[place].name) {
        place++;
    }
    if (i < place) {
        option_from_table(&c->options[i], row);
        return true;
    }
    for (; c->more && c->more(extra, row); extra++) {
        if (place + extra == i) {
            row->parameter = true;
            return true;
        }
    }
    i = i - extra + (place < c->option_count); /* of the table, behind the place */
    if (i >= c->option_count) {
        return false;
    }
    option_from_table(&c->options[i], row);
    return true;
}

static void *field(const nb_parsed *p, const nb_option *o)
{
    return (char *)(o->parameter ? p->parameters : p->settings) + o->offset;
}

const void *nb_option_value(const nb_parsed *p, const nb_option *o)
{
    return field(p, o);
}

/* A copy that lives as long as the parsed options. */
static char *keep(nb_parsed *p, const char *text, size_t len, nb_error *err)
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

static bool is_named(const nb_option *o, const char *name, size_t len)
{
    return strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

static const nb_option *find(const nb_parsed *p, const char *name, size_t len)
{
    for (size_t i = 0; i < p->option_count; i++) {
        if (is_named(&p->options[i], name, len)) {
            return &p->options[i];
        }
    }
    return NULL;
}

static bool is_choice(const char *choices, const char *value)
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

static nb_status out_of_bounds(const nb_option *o, const char *value, const char *label, nb_error *err)
{
    return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not within [%.15g, %.15g]", label, value, o->min, o->max);
}

static bool within(const nb_option *o, double value)
{
    return (o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max);
}

static nb_status set_flag(bool *out, const char *value, const char *label, nb_error *err)
{
    if (is_choice("true|yes|on|1", value)) {
        *out = true;
    } else if (is_choice("false|no|off|0", value)) {
        *out = false;
    } else {
        return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is neither true nor false", label, value);
    }
    return NB_OK;
}

const char *nb_option_choices(const nb_option *o, char *room, size_t size)
{
    size_t len = 0;
    const char *word;
    if (!o->choice) {
        return o->choices;
    }
    room[0] = '\0';
    for (size_t i = 0; len + 1 < size && (word = o->choice(i)) != NULL; i++) {
        int n = snprintf(room + len, size - len, "%s%s", i ? "|" : "", word);
        if (n < 0 || (size_t)n >= size - len) {
            room[len] = '\0';
            break;
        }
        len += (size_t)n;
    }
    return room;
}

nb_status nb_option_read(const nb_option *o, void *at, const char *value, const char *label, nb_error *err)
{
    char room[NB_OPTION_CHOICES_MAX];
    int64_t integer;
    double real;
    switch (o->type) {
    case NB_OPTION_FLAG: return set_flag(at, value, label, err);
    case NB_OPTION_INT:
        if (!nb_parse_int(value, &integer)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not a whole number", label, value);
        }
        if (!within(o, (double)integer)) {
            return out_of_bounds(o, value, label, err);
        }
        *(int64_t *)at = integer;
        return NB_OK;
    case NB_OPTION_REAL:
        if (!nb_parse_real(value, &real)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is not a number", label, value);
        }
        if (!within(o, real)) {
            return out_of_bounds(o, value, label, err);
        }
        *(double *)at = real;
        return NB_OK;
    case NB_OPTION_LIST: return nb_fail(err, NB_ERR_INTERNAL, "%s is a list", label);
    case NB_OPTION_CHOICE: {
        const char *choices = nb_option_choices(o, room, sizeof room);
        if (!is_choice(choices, value)) {
            return nb_fail(err, NB_ERR_USAGE, "%s: '%s' is none of %s", label, value, choices);
        }
        break;
    }
    default: break;
    }
    *(const char **)at = value;
    return NB_OK;
}

static bool is_text(nb_option_type type)
{
    return type == NB_OPTION_TEXT || type == NB_OPTION_CHOICE || type == NB_OPTION_INPUT || type == NB_OPTION_OUTPUT;
}

/* Sets one value; `label` names the option as its source does ("--count", "mine.count in run.yaml"). */
static nb_status set(nb_parsed *p, const nb_option *o, const char *value, nb_option_source from, const char *label,
                     nb_error *err)
{
    void *at = field(p, o);
    nb_option_source *source = &p->source[o - p->options];
    if (o->type == NB_OPTION_LIST) {
        if (*source != from) { /* a stronger source replaces the whole list */
            nb_strings_free(at);
        }
        *source = from;
        return nb_strings_push(at, value, strlen(value), err);
    }
    if (is_text(o->type)) {
        value = keep(p, value, strlen(value), err);
        if (!value) {
            return NB_ERR_LIMIT;
        }
    }
    nb_status status = nb_option_read(o, at, value, label, err);
    *source = status == NB_OK ? from : *source;
    return status;
}

static nb_status set_defaults(nb_parsed *p, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        if (o->fallback && o->type != NB_OPTION_LIST) {
            nb_status status = set(p, o, o->fallback, NB_FROM_DEFAULT, o->name, err);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

static nb_status set_from_environment(nb_parsed *p, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        char name[128];
        nb_option_key(name, sizeof name, p->command->name, o->name, true);
        const char *value = getenv(name);
        if (value) {
            nb_status status = set(p, o, value, NB_FROM_ENVIRONMENT, name, err);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

static bool find_row(const nb_command *c, const char *name, size_t *index)
{
    nb_option row;
    for (*index = 0; nb_command_option(c, *index, &row); ++*index) {
        if (strcmp(row.name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool nb_option_of_key(const nb_command *c, const char *key, size_t *index, const char **stage, size_t *stage_len)
{
    char section[128];
    nb_option_key(section, sizeof section, c->name, "", false);
    size_t len = strlen(section) - 1, named = 0; /* without the dot */
    if (strncmp(key, section, len) != 0) {
        return false;
    }
    if (key[len] == ' ') {
        named = strcspn(key + len + 1, ".");
    }
    const char *dot = key + len + (key[len] == ' ' ? 1 + named : 0);
    size_t found = 0;
    if (*dot != '.' || !find_row(c, dot + 1, &found) || (key[len] == ' ' && !named)) {
        return false;
    }
    if (index) {
        *index = found;
    }
    if (stage) {
        *stage = named ? key + len + 1 : "";
    }
    if (stage_len) {
        *stage_len = named;
    }
    return true;
}

/* How a key of a run file concerns a command: not at all, as a value of the plain section, of the stage's. */
enum concern { CONCERN_NONE, CONCERN_PLAIN, CONCERN_STAGE };

static enum concern concern(const nb_command *c, const char *key, const char *stage, size_t *option)
{
    const char *name;
    size_t len;
    if (!nb_option_of_key(c, key, option, &name, &len)) {
        return CONCERN_NONE;
    }
    if (len == 0) {
        return CONCERN_PLAIN;
    }
    return stage && strlen(stage) == len && memcmp(stage, name, len) == 0 ? CONCERN_STAGE : CONCERN_NONE;
}

static nb_status check_keys(const nb_pairs *pairs, const char *path, const nb_command *const *commands, size_t count,
                            nb_error *err)
{
    for (size_t i = 0; i < pairs->keys.count; i++) {
        const char *key = nb_strings_get(&pairs->keys, i);
        bool known = strncmp(key, "slurm.", 6) == 0;
        for (size_t c = 0; c < count && !known; c++) {
            known = nb_option_of_key(commands[c], key, NULL, NULL, NULL);
        }
        if (!known) {
            nb_fail(err, NB_ERR_USAGE, "unknown key '%s' in '%s'", key, path);
            return nb_hint(err, "'negbank COMMAND --print-config' lists the keys of a command");
        }
    }
    return NB_OK;
}

/* What the section of the stage says replaces what the plain one says, lists as a whole. */
static nb_status set_from_file(nb_parsed *p, const char *path, const char *stage, const nb_command *const *commands,
                               size_t count, nb_error *err)
{
    nb_pairs pairs = {0};
    bool *of_stage = NULL, any = false;
    size_t o;
    nb_status status;
    NB_TRY(nb_config_read(&pairs, path, err));
    NB_TRY(check_keys(&pairs, path, commands, count, err));
    NB_TRY_NEW(of_stage, p->option_count);
    for (size_t i = 0; i < pairs.keys.count; i++) {
        if (concern(p->command, nb_strings_get(&pairs.keys, i), stage, &o) == CONCERN_STAGE) {
            of_stage[o] = any = true;
        }
    }
    if (stage && !any) {
        nb_fail(err, NB_ERR_USAGE, "'%s' has no section '%s %s'", path, p->command->name, stage);
        status = nb_hint(err, "--stage takes the name of a section: `images wild:` under `embed:` is stage wild");
        goto done;
    }
    for (size_t i = 0; i < pairs.keys.count; i++) {
        const char *key = nb_strings_get(&pairs.keys, i);
        enum concern how = concern(p->command, key, stage, &o);
        if (how == CONCERN_STAGE || (how == CONCERN_PLAIN && !of_stage[o])) {
            char label[512];
            snprintf(label, sizeof label, "%s in '%s'", key, path);
            NB_TRY(set(p, &p->options[o], nb_strings_get(&pairs.values, i), NB_FROM_FILE, label, err));
        }
    }
done:
    free(of_stage);
    nb_pairs_free(&pairs);
    return status;
}

/* Where the scan of the command line stands. */
typedef struct scan {
    int argc;
    char *const *argv;
    int at;
    const char *config, *stage;
    bool apply; /* first pass: only --config, --stage, --help, --print-config; second pass: the values */
} scan;

static nb_status unknown(const nb_command *c, const char *word, nb_error *err)
{
    nb_fail(err, NB_ERR_USAGE, "unknown option '%s' of '%s'", word, c->name);
    return nb_hint(err, "'negbank %s --help' lists the options", c->name);
}

static nb_status take_value(scan *s, const char *label, const char *inline_value, const char **value, nb_error *err)
{
    if (inline_value) {
        *value = inline_value;
    } else if (s->at + 1 < s->argc) {
        *value = s->argv[++s->at];
    } else {
        return nb_fail(err, NB_ERR_USAGE, "%s needs a value", label);
    }
    return NB_OK;
}

static nb_status parse_long(nb_parsed *p, scan *s, nb_error *err)
{
    const char *word = s->argv[s->at] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const char *inline_value = equals ? equals + 1 : NULL;
    const char *value = NULL;
    char label[128];
    snprintf(label, sizeof label, "--%.*s", (int)(len > 100 ? 100 : len), word);
    if (strcmp(word, "help") == 0) {
        p->help = true;
        return NB_OK;
    }
    if (strcmp(word, "print-config") == 0) {
        p->print_config = true;
        return NB_OK;
    }
    if (len == 6 && strncmp(word, "config", 6) == 0) {
        return take_value(s, label, inline_value, &s->config, err);
    }
    if (len == 5 && strncmp(word, "stage", 5) == 0) {
        return take_value(s, label, inline_value, &s->stage, err);
    }
    const nb_option *o = find(p, word, len);
    bool negated = false;
    if (!o && len > 3 && strncmp(word, "no-", 3) == 0) {
        o = find(p, word + 3, len - 3);
        negated = o && o->type == NB_OPTION_FLAG;
        o = negated ? o : NULL;
    }
    if (!o || o->positional) {
        return unknown(p->command, label, err);
    }
    if (o->type == NB_OPTION_FLAG) {
        if (negated && inline_value) {
            return nb_fail(err, NB_ERR_USAGE, "%s takes no value", label);
        }
        value = inline_value ? inline_value : negated ? "false" : "true";
    } else {
        nb_status status = take_value(s, label, inline_value, &value, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return s->apply ? set(p, o, value, NB_FROM_COMMAND_LINE, label, err) : NB_OK;
}

static nb_status parse_short(nb_parsed *p, scan *s, nb_error *err)
{
    const char *word = s->argv[s->at];
    const nb_option *o = NULL;
    for (size_t i = 0; i < p->option_count && !o; i++) {
        o = p->options[i].letter == word[1] ? &p->options[i] : NULL;
    }
    if (!o) {
        return unknown(p->command, word, err);
    }
    char label[3] = {'-', word[1], '\0'};
    const char *value = "true";
    if (o->type != NB_OPTION_FLAG) {
        nb_status status = take_value(s, label, word[2] ? word + 2 : NULL, &value, err);
        if (status != NB_OK) {
            return status;
        }
    } else if (word[2]) {
        return unknown(p->command, word, err);
    }
    return s->apply ? set(p, o, value, NB_FROM_COMMAND_LINE, label, err) : NB_OK;
}

static nb_status parse_positional(nb_parsed *p, const char *word, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        bool free_place = o->positional && (o->type == NB_OPTION_LIST || p->source[i] != NB_FROM_COMMAND_LINE);
        if (free_place) {
            return set(p, o, word, NB_FROM_COMMAND_LINE, o->value, err);
        }
    }
    nb_fail(err, NB_ERR_USAGE, "'%s' takes no argument '%s'", p->command->name, word);
    return nb_hint(err, "usage: negbank %s %s", p->command->name, p->command->usage);
}

static nb_status scan_words(nb_parsed *p, scan *s, nb_error *err)
{
    bool only_arguments = false;
    for (s->at = 0; s->at < s->argc; s->at++) {
        const char *word = s->argv[s->at];
        nb_status status = NB_OK;
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): argv holds argc words */
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(word, "--", 2) == 0) {
            status = parse_long(p, s, err);
        } else if (!only_arguments && word[0] == '-' && word[1]) {
            status = parse_short(p, s, err);
        } else if (s->apply) {
            status = parse_positional(p, word, err);
        }
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

static nb_status check_required(const nb_parsed *p, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        if (o->required && p->source[i] == NB_FROM_DEFAULT) {
            if (o->positional) {
                nb_fail(err, NB_ERR_USAGE, "'%s' needs %s", p->command->name, o->value);
            } else {
                nb_fail(err, NB_ERR_USAGE, "'%s' needs --%s %s", p->command->name, o->name, o->value);
            }
            return nb_hint(err, "usage: negbank %s %s", p->command->name, p->command->usage);
        }
    }
    return NB_OK;
}

static size_t value_size(nb_option_type type)
{
    switch (type) {
    case NB_OPTION_FLAG: return sizeof(bool);
    case NB_OPTION_INT: return sizeof(int64_t);
    case NB_OPTION_REAL: return sizeof(double);
    case NB_OPTION_LIST: return sizeof(nb_strings);
    default: return sizeof(const char *);
    }
}

/* All rows of the command, and room for their values. */
static nb_status make_table(nb_parsed *p, nb_error *err)
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
        if (find(p, row.name, strlen(row.name))) {
            return nb_fail(err, NB_ERR_INTERNAL, "command '%s' has two options --%s", p->command->name, row.name);
        }
        p->options[p->option_count++] = row;
        size_t end = row.offset + value_size(row.type);
        block = row.parameter && end > block ? end : block;
    }
    NB_TRY_NEW(p->source, p->option_count);
    p->settings = nb_alloc(1, p->command->settings_size, err);
    p->parameters = nb_alloc(1, block, err);
    status = p->settings && p->parameters ? NB_OK : NB_ERR_LIMIT;
done:
    return status;
}

nb_status nb_options_parse(nb_parsed *out, const nb_command *command, const nb_command *const *commands,
                           size_t command_count, int argc, char *const argv[], nb_error *err)
{
    nb_status status;
    scan s = {.argc = argc, .argv = argv};
    *out = (nb_parsed){.command = command};
    NB_TRY(make_table(out, err));
    NB_TRY(scan_words(out, &s, err));
    if (s.stage && !s.config) {
        status = nb_fail(err, NB_ERR_USAGE, "--stage %s needs --config FILE, which has the stage", s.stage);
        goto done;
    }
    NB_TRY(set_defaults(out, err));
    if (!out->help) {
        NB_TRY(set_from_environment(out, err));
        if (s.config) {
            NB_TRY(set_from_file(out, s.config, s.stage, commands, command_count, err));
        }
        s.apply = true;
        NB_TRY(scan_words(out, &s, err));
        if (!out->print_config) {
            NB_TRY(check_required(out, err));
        }
    }
done:
    if (status != NB_OK) {
        nb_parsed_free(out);
    }
    return status;
}

void nb_parsed_free(nb_parsed *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; p->settings && p->parameters && i < p->option_count; i++) {
        if (p->options[i].type == NB_OPTION_LIST) {
            nb_strings_free(field(p, &p->options[i]));
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

const nb_option *nb_option_named(const nb_parsed *p, const char *name)
{
    return find(p, name, strlen(name));
}

nb_option_source nb_option_given(const nb_parsed *p, const char *name)
{
    const nb_option *o = find(p, name, strlen(name));
    return o ? p->source[o - p->options] : NB_FROM_DEFAULT;
}
