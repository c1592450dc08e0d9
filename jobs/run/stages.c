#include "jobs/run/stages.h"

#include "common/base/file.h"

#include <stdlib.h>
#include <string.h>

/* Commands that may be stages, in the order of a chain. */
static const char *const order[] = {"tune", "corpus", "store import", "embed text", "embed images",
                                    "mine", "score",  "eval",         "publish"};

enum { STAGES_MAX = 1000 };

static const nb_option *stages_option_of(const nb_stage *s, const char *name)
{
    for (size_t i = 0; i < s->options.option_count; i++) {
        if (strcmp(s->options.options[i].name, name) == 0) {
            return &s->options.options[i];
        }
    }
    return NULL;
}

static const void *stages_value_of(const nb_stage *s, const nb_option *o)
{
    return nb_option_value(&s->options, o);
}

static bool stages_is_text(nb_option_type type)
{
    return type == NB_OPTION_TEXT || type == NB_OPTION_CHOICE || type == NB_OPTION_INPUT || type == NB_OPTION_OUTPUT;
}

const char *nb_stage_text(const nb_stage *s, const char *name)
{
    const nb_option *o = stages_option_of(s, name);
    return o && stages_is_text(o->type) ? *(const char *const *)stages_value_of(s, o) : NULL;
}

const nb_strings *nb_stage_list(const nb_stage *s, const char *name)
{
    const nb_option *o = stages_option_of(s, name);
    return o && o->type == NB_OPTION_LIST ? stages_value_of(s, o) : NULL;
}

double nb_stage_number(const nb_stage *s, const char *name, double otherwise)
{
    const nb_option *o = stages_option_of(s, name);
    if (!o || (o->type != NB_OPTION_INT && o->type != NB_OPTION_REAL)) {
        return otherwise;
    }
    return o->type == NB_OPTION_REAL ? *(const double *)stages_value_of(s, o)
                                     : (double)*(const int64_t *)stages_value_of(s, o);
}

void nb_stages_free(nb_stages *s)
{
    if (!s) {
        return;
    }
    for (size_t i = 0; s->all && i < s->count; i++) {
        free(s->all[i].name);
        free(s->all[i].variant);
        free(s->all[i].after);
        nb_parsed_free(&s->all[i].options);
    }
    free(s->all);
    free(s->folder);
    nb_pairs_free(&s->pairs);
    *s = (nb_stages){0};
}

static nb_status stages_copy_text(char **out, const char *text, size_t len, nb_error *err)
{
    *out = nb_alloc(len + 1, 1, err);
    if (!*out) {
        return NB_ERR_LIMIT;
    }
    memcpy(*out, text, len);
    return NB_OK;
}

/* "demo.run" for "demo.yaml". */
static nb_status stages_name_folder(nb_stages *s, nb_error *err)
{
    static const char *const endings[] = {".yaml", ".yml"};
    size_t len = strlen(s->config);
    nb_buffer name = {0};
    nb_status status;
    for (size_t i = 0; i < 2; i++) {
        size_t cut = strlen(endings[i]);
        if (len > cut && strcmp(s->config + len - cut, endings[i]) == 0) {
            len -= cut;
            break;
        }
    }
    NB_TRY(nb_buffer_printf(&name, err, "%.*s.run", (int)len, s->config));
    NB_TRY(stages_copy_text(&s->folder, name.data, name.len, err));
done:
    nb_buffer_free(&name);
    return status;
}

static bool stages_plain_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z');
        if (!letter && !(name[i] >= '0' && name[i] <= '9') && !strchr("-_", name[i])) {
            return false;
        }
    }
    return len > 0 && len <= 64;
}

static nb_status stages_name_stage(nb_stage *s, nb_error *err)
{
    nb_buffer name = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&name, err, "%s%s%s", s->command->name, s->variant[0] ? "-" : "", s->variant));
    for (char *c = name.data; *c; c++) {
        *c = *c == ' ' ? '-' : *c;
    }
    NB_TRY(stages_copy_text(&s->name, name.data, name.len, err));
done:
    nb_buffer_free(&name);
    return status;
}

static nb_status stages_add_stage(nb_stages *s, const nb_command *command, const char *variant, size_t len,
                                  nb_error *err)
{
    nb_stage *grown = nb_grow(s->all, s->count + 1, sizeof *grown, err);
    nb_status status;
    if (!grown) {
        return NB_ERR_LIMIT;
    }
    s->all = grown;
    nb_stage *stage = &s->all[s->count++];
    *stage = (nb_stage){.command = command};
    if (len && !stages_plain_name(variant, len)) {
        nb_fail(err, NB_ERR_INPUT, "'%s': '%s %.*s' is no name of a stage", s->config, command->name, (int)len,
                variant);
        return nb_hint(err, "letters, digits, - and _, up to 64");
    }
    NB_TRY(stages_copy_text(&stage->variant, variant, len, err));
    NB_TRY(stages_name_stage(stage, err));
    char *const words[] = {(char[]){"--config"}, (char *)(uintptr_t)s->config, (char[]){"--stage"}, stage->variant};
    status = nb_options_parse(&stage->options, command, nb_commands(), len ? 4 : 2, words, err);
    if (status != NB_OK) {
        return nb_context(err, "'%s', stage %s", s->config, stage->name);
    }
    stage->output = nb_stage_text(stage, "output");
    stage->resumes = stages_option_of(stage, "resume") != NULL;
    stage->parts = stages_option_of(stage, "part") != NULL;
done:
    return status;
}

static bool stages_known_stage(const nb_stages *s, const nb_command *command, const char *variant, size_t len)
{
    for (size_t i = 0; i < s->count; i++) {
        const nb_stage *stage = &s->all[i];
        if (stage->command == command && strlen(stage->variant) == len && memcmp(stage->variant, variant, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The stages of one command: one a named section, or the plain one. */
static nb_status stages_add_command(nb_stages *s, const nb_command *command, nb_error *err)
{
    bool plain = false, named = false;
    for (size_t i = 0; i < s->pairs.keys.count; i++) {
        const char *variant;
        size_t len;
        if (!nb_option_of_key(command, nb_strings_get(&s->pairs.keys, i), NULL, &variant, &len)) {
            continue;
        }
        plain = plain || !len;
        named = named || len;
        if (s->count >= STAGES_MAX) {
            return nb_fail(err, NB_ERR_INPUT, "'%s' has more than %d stages", s->config, STAGES_MAX);
        }
        if (len && !stages_known_stage(s, command, variant, len)) {
            nb_status status = stages_add_stage(s, command, variant, len, err);
            if (status != NB_OK) {
                return status;
            }
        }
    }
    return plain && !named ? stages_add_stage(s, command, "", 0, err) : NB_OK;
}

/* ---- what comes after what ---- */

static const char *stages_trim(const char *path)
{
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
    }
    return path;
}

static bool stages_same_path(const char *a, const char *b)
{
    a = stages_trim(a);
    b = stages_trim(b);
    size_t n = strlen(a), m = strlen(b);
    while (n > 1 && a[n - 1] == '/') {
        n--;
    }
    while (m > 1 && b[m - 1] == '/') {
        m--;
    }
    return n == m && memcmp(a, b, n) == 0;
}

/* Does a value, which may be "NAME=FILE", name this path? */
static bool stages_names_path(const char *value, const char *path)
{
    const char *equals = strrchr(value, '=');
    return stages_same_path(value, path) || (equals && stages_same_path(equals + 1, path));
}

static bool stages_reads(const nb_stage *s, const char *path)
{
    for (size_t i = 0; i < s->options.option_count; i++) {
        const nb_option *o = &s->options.options[i];
        if (o->type == NB_OPTION_LIST) {
            const nb_strings *list = stages_value_of(s, o);
            for (size_t k = 0; k < list->count; k++) {
                if (stages_names_path(nb_strings_get(list, k), path)) {
                    return true;
                }
            }
        } else if (o->type == NB_OPTION_INPUT || o->type == NB_OPTION_TEXT) {
            const char *text = *(const char *const *)stages_value_of(s, o);
            if (text && stages_names_path(text, path)) {
                return true;
            }
        }
    }
    return false;
}

static nb_status stages_check_outputs(const nb_stages *s, nb_error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const char *a = s->all[i].output, *b = s->all[k].output;
            if (a && b && stages_same_path(a, b)) {
                return nb_fail(err, NB_ERR_USAGE, "'%s': stages %s and %s both write '%s'", s->config, s->all[k].name,
                               s->all[i].name, a);
            }
        }
    }
    return NB_OK;
}

/* Puts every stage behind those it reads from, and notes them. */
static nb_status stages_sort_stages(nb_stages *s, nb_error *err)
{
    for (size_t at = 0; at < s->count; at++) {
        size_t next = at;
        for (; next < s->count; next++) { /* the first that reads of none behind `at` */
            bool free_now = true;
            for (size_t k = at; k < s->count && free_now; k++) {
                free_now = k == next || !s->all[k].output || !stages_reads(&s->all[next], s->all[k].output);
            }
            if (free_now) {
                break;
            }
        }
        if (next == s->count) {
            return nb_fail(err, NB_ERR_USAGE, "'%s': stage %s and others read what each other write", s->config,
                           s->all[at].name);
        }
        nb_stage moved = s->all[next];
        memmove(&s->all[at + 1], &s->all[at], (next - at) * sizeof moved);
        s->all[at] = moved;
        nb_stage *stage = &s->all[at];
        stage->after = nb_alloc(at, sizeof *stage->after, err);
        if (!stage->after) {
            return NB_ERR_LIMIT;
        }
        for (size_t k = 0; k < at; k++) {
            if (s->all[k].output && stages_reads(stage, s->all[k].output)) {
                stage->after[stage->after_count++] = k;
            }
        }
    }
    return NB_OK;
}

nb_status nb_stages_read(nb_stages *out, const char *config, nb_error *err)
{
    const nb_command_list commands = nb_commands();
    nb_status status;
    *out = (nb_stages){.config = config};
    NB_TRY(nb_config_read(&out->pairs, config, err));
    NB_TRY(stages_name_folder(out, err));
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (size_t i = 0; i < commands.count; i++) {
            if (strcmp(commands.all[i]->name, order[k]) == 0) {
                NB_TRY(stages_add_command(out, commands.all[i], err));
            }
        }
    }
    if (!out->count) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has no stage", config);
        status = nb_hint(err, "a stage is a section of a command: `mine:` with `texts:`, `labels:`, ... under it");
        goto done;
    }
    NB_TRY(stages_check_outputs(out, err));
    NB_TRY(stages_sort_stages(out, err));
    NB_TRY(nb_stages_check_slurm(out, err));
done:
    if (status != NB_OK) {
        nb_stages_free(out);
    }
    return status;
}

nb_status nb_stage_words(nb_strings *words, const nb_stages *stages, const nb_stage *s, nb_stage_mode mode,
                         nb_error *err)
{
    const char *name = s->command->name, *space = strchr(name, ' ');
    const char *more[] = {"--config",
                          stages->config,
                          s->variant[0] ? "--stage" : NULL,
                          s->variant,
                          mode.resume && s->resumes ? "--resume" : NULL,
                          mode.force && stages_option_of(s, "force") ? "--force" : NULL,
                          mode.part ? "--part" : NULL,
                          mode.part};
    nb_status status;
    NB_TRY(nb_strings_push(words, name, space ? (size_t)(space - name) : strlen(name), err));
    if (space) {
        NB_TRY(nb_strings_push(words, space + 1, strlen(space + 1), err));
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (more[i] && more[i][0]) {
            NB_TRY(nb_strings_push(words, more[i], strlen(more[i]), err));
        }
    }
done:
    return status;
}

/* ---- the batch system's section ---- */

const char *const nb_slurm_keys[] = {
    "account",     "partition",     "qos",     "constraint", "nodes",   "ntasks",   "time",      "mem",
    "mem-per-cpu", "cpus-per-task", "modules", "launcher",   "signal",  "requeues", "mail-user", "mail-type",
    "setup",       "negbank",       "sbatch",  "array",      "stripes", NULL};

static bool stages_is_slurm_key(const char *key)
{
    for (size_t i = 0; nb_slurm_keys[i]; i++) {
        if (strcmp(nb_slurm_keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* True when `group` [len] is the stage's name or the begin of it up to a dash. */
static bool stages_in_group(const nb_stage *s, const char *group, size_t len)
{
    return strncmp(s->name, group, len) == 0 && (s->name[len] == '\0' || s->name[len] == '-');
}

nb_status nb_stages_check_slurm(const nb_stages *s, nb_error *err)
{
    for (size_t i = 0; i < s->pairs.keys.count; i++) {
        const char *key = nb_strings_get(&s->pairs.keys, i);
        if (strncmp(key, "slurm.", 6) != 0) {
            continue;
        }
        const char *dot = strchr(key + 6, '.'), *last = dot ? dot + 1 : key + 6;
        bool found = !dot;
        for (size_t k = 0; k < s->count && !found; k++) {
            found = stages_in_group(&s->all[k], key + 6, (size_t)(dot - key - 6));
        }
        if (!found || !stages_is_slurm_key(last)) {
            nb_fail(err, NB_ERR_USAGE, "'%s': %s '%s' in the key '%s'", s->config, found ? "no key" : "no stage",
                    found ? last : key + 6, key);
            return nb_hint(err, "`slurm:` takes account, partition, ntasks, time, mem, ...: slurm/README.md");
        }
    }
    return NB_OK;
}

const char *nb_stages_slurm(const nb_stages *s, const nb_stage *stage, const char *wanted)
{
    const char *value = NULL;
    size_t best = 0;
    for (size_t i = 0; i < s->pairs.keys.count; i++) {
        const char *key = nb_strings_get(&s->pairs.keys, i);
        if (strncmp(key, "slurm.", 6) != 0) {
            continue;
        }
        const char *dot = strchr(key + 6, '.');
        size_t len = dot ? (size_t)(dot - key - 6) : 0;
        if (strcmp(dot ? dot + 1 : key + 6, wanted) == 0 && (!dot || stages_in_group(stage, key + 6, len)) &&
            (!value || len >= best)) {
            value = nb_strings_get(&s->pairs.values, i);
            best = len;
        }
    }
    return value;
}
