/* Parsing: the sources of values, the weakest first. */
#include "common/options/option_set.h"
#include "common/options/run_file.h"

#include <stdlib.h>
#include <string.h>

static nb_status option_parse_defaults(nb_parsed *p, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        if (o->fallback && o->type != NB_OPTION_LIST) {
            nb_status status = nb_option_set(p, o, o->fallback, NB_FROM_DEFAULT, o->name, err);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

static nb_status option_parse_environment(nb_parsed *p, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        char name[128];
        nb_option_key(name, sizeof name, p->command->name, o->name, true);
        const char *value = getenv(name);
        if (value) {
            nb_status status = nb_option_set(p, o, value, NB_FROM_ENVIRONMENT, name, err);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return NB_OK;
}

/* How a key of a run file concerns a command: not at all, as a value of the plain section, of the stage's. */
enum concern { CONCERN_NONE, CONCERN_PLAIN, CONCERN_STAGE };

static enum concern option_parse_concern(const nb_command *c, const char *key, const char *stage, size_t *option)
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

static nb_status option_parse_check_keys(const nb_pairs *pairs, const char *path, nb_command_list commands,
                                         nb_error *err)
{
    for (size_t i = 0; i < pairs->keys.count; i++) {
        const char *key = nb_strings_get(&pairs->keys, i);
        bool known = strncmp(key, "slurm.", 6) == 0;
        for (size_t c = 0; c < commands.count && !known; c++) {
            known = nb_option_of_key(commands.all[c], key, NULL, NULL, NULL);
        }
        if (!known) {
            nb_fail(err, NB_ERR_USAGE, "unknown key '%s' in '%s'", key, path);
            return nb_hint(err, "'negbank COMMAND --print-config' lists the keys of a command");
        }
    }
    return NB_OK;
}

/* What the section of the stage says replaces what the plain one says, lists as a whole. */
static nb_status option_parse_file(nb_parsed *p, const char *path, const char *stage, nb_command_list commands,
                                   nb_error *err)
{
    nb_pairs pairs = {0};
    bool *of_stage = NULL, any = false;
    size_t o;
    nb_status status;
    NB_TRY(nb_config_read(&pairs, path, err));
    NB_TRY(option_parse_check_keys(&pairs, path, commands, err));
    NB_TRY_NEW(of_stage, p->option_count);
    for (size_t i = 0; i < pairs.keys.count; i++) {
        if (option_parse_concern(p->command, nb_strings_get(&pairs.keys, i), stage, &o) == CONCERN_STAGE) {
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
        enum concern how = option_parse_concern(p->command, key, stage, &o);
        if (how == CONCERN_STAGE || (how == CONCERN_PLAIN && !of_stage[o])) {
            char label[512];
            snprintf(label, sizeof label, "%s in '%s'", key, path);
            NB_TRY(nb_option_set(p, &p->options[o], nb_strings_get(&pairs.values, i), NB_FROM_FILE, label, err));
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

static nb_status option_parse_unknown(const nb_command *c, const char *word, nb_error *err)
{
    nb_fail(err, NB_ERR_USAGE, "unknown option '%s' of '%s'", word, c->name);
    return nb_hint(err, "'negbank %s --help' lists the options", c->name);
}

static nb_status option_parse_value(scan *s, const char *label, const char *inline_value, const char **value,
                                    nb_error *err)
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

static nb_status option_parse_long(nb_parsed *p, scan *s, nb_error *err)
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
        return option_parse_value(s, label, inline_value, &s->config, err);
    }
    if (len == 5 && strncmp(word, "stage", 5) == 0) {
        return option_parse_value(s, label, inline_value, &s->stage, err);
    }
    const nb_option *o = nb_option_find(p, word, len);
    bool negated = false;
    if (!o && len > 3 && strncmp(word, "no-", 3) == 0) {
        o = nb_option_find(p, word + 3, len - 3);
        negated = o && o->type == NB_OPTION_FLAG;
        o = negated ? o : NULL;
    }
    if (!o || o->positional) {
        return option_parse_unknown(p->command, label, err);
    }
    if (o->type == NB_OPTION_FLAG) {
        if (negated && inline_value) {
            return nb_fail(err, NB_ERR_USAGE, "%s takes no value", label);
        }
        value = inline_value ? inline_value : negated ? "false" : "true";
    } else {
        nb_status status = option_parse_value(s, label, inline_value, &value, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return s->apply ? nb_option_set(p, o, value, NB_FROM_COMMAND_LINE, label, err) : NB_OK;
}

static nb_status option_parse_short(nb_parsed *p, scan *s, nb_error *err)
{
    const char *word = s->argv[s->at];
    const nb_option *o = NULL;
    for (size_t i = 0; i < p->option_count && !o; i++) {
        o = p->options[i].letter == word[1] ? &p->options[i] : NULL;
    }
    if (!o) {
        return option_parse_unknown(p->command, word, err);
    }
    char label[3] = {'-', word[1], '\0'};
    const char *value = "true";
    if (o->type != NB_OPTION_FLAG) {
        nb_status status = option_parse_value(s, label, word[2] ? word + 2 : NULL, &value, err);
        if (status != NB_OK) {
            return status;
        }
    } else if (word[2]) {
        return option_parse_unknown(p->command, word, err);
    }
    return s->apply ? nb_option_set(p, o, value, NB_FROM_COMMAND_LINE, label, err) : NB_OK;
}

static nb_status option_parse_argument(nb_parsed *p, const char *word, nb_error *err)
{
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        bool free_place = o->positional && (o->type == NB_OPTION_LIST || p->source[i] != NB_FROM_COMMAND_LINE);
        if (free_place) {
            return nb_option_set(p, o, word, NB_FROM_COMMAND_LINE, o->value, err);
        }
    }
    nb_fail(err, NB_ERR_USAGE, "'%s' takes no argument '%s'", p->command->name, word);
    return nb_hint(err, "usage: negbank %s %s", p->command->name, p->command->usage);
}

static nb_status option_parse_words(nb_parsed *p, scan *s, nb_error *err)
{
    bool only_arguments = false;
    for (s->at = 0; s->at < s->argc; s->at++) {
        const char *word = s->argv[s->at];
        nb_status status = NB_OK;
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): argv holds argc words */
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(word, "--", 2) == 0) {
            status = option_parse_long(p, s, err);
        } else if (!only_arguments && word[0] == '-' && word[1]) {
            status = option_parse_short(p, s, err);
        } else if (s->apply) {
            status = option_parse_argument(p, word, err);
        }
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

static nb_status option_parse_required(const nb_parsed *p, nb_error *err)
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

nb_status nb_options_parse(nb_parsed *out, const nb_command *command, nb_command_list commands, int argc,
                           char *const argv[], nb_error *err)
{
    nb_status status;
    scan s = {.argc = argc, .argv = argv};
    *out = (nb_parsed){.command = command};
    NB_TRY(nb_option_table(out, err));
    NB_TRY(option_parse_words(out, &s, err));
    if (s.stage && !s.config) {
        status = nb_fail(err, NB_ERR_USAGE, "--stage %s needs --config FILE, which has the stage", s.stage);
        goto done;
    }
    NB_TRY(option_parse_defaults(out, err));
    if (!out->help) {
        NB_TRY(option_parse_environment(out, err));
        if (s.config) {
            NB_TRY(option_parse_file(out, s.config, s.stage, commands, err));
        }
        s.apply = true;
        NB_TRY(option_parse_words(out, &s, err));
        if (!out->print_config) {
            NB_TRY(option_parse_required(out, err));
        }
    }
done:
    if (status != NB_OK) {
        nb_parsed_free(out);
    }
    return status;
}
