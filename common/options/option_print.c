/* What the option table prints: --help, --print-config, values as text. */
#include "common/options/option.h"

#include <string.h>

static const char *const source_name[] = {"default", "environment", "run file", "command line"};

/* Options every command has; they steer the parser itself. */
static const char common_help[] =
    "  --config FILE            take options from a run file (YAML)\n"
    "  --stage NAME             of the run file's sections for this command, the one of that name\n"
    "  --print-config           print the resolved options and where each came from\n"
    "  --help                   print this\n";

/* "a, b or c" of "a|b|c". */
static void print_words(const char *choices, FILE *out)
{
    for (const char *p = choices; *p; p++) {
        if (*p != '|') {
            fputc(*p, out);
        } else {
            fputs(strchr(p + 1, '|') ? ", " : " or ", out);
        }
    }
}

const char *nb_option_help(const nb_option *o, char *room, size_t size)
{
    if (!o->describe) {
        return o->help;
    }
    o->describe(o, room, size);
    return room;
}

static void help_line(const nb_option *o, FILE *out)
{
    char left[96], room[NB_OPTION_CHOICES_MAX], text[NB_OPTION_HELP_MAX];
    const char *help = nb_option_help(o, text, sizeof text);
    const char *choices = nb_option_choices(o, room, sizeof room);
    int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter) : 0;
    snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->type == NB_OPTION_FLAG ? "" : " ",
             o->type == NB_OPTION_FLAG                             ? ""
             : o->type == NB_OPTION_CHOICE && strlen(choices) < 40 ? choices
                                                                   : o->value);
    fprintf(out, "  %-24s %s", left, strlen(left) > 24 ? "\n                           " : "");
    if (help) {
        fputs(help, out);
    } else {
        print_words(choices, out);
    }
    if (o->type == NB_OPTION_LIST) {
        fputs(" (repeatable)", out);
    }
    if (o->fallback && o->type != NB_OPTION_FLAG) {
        fprintf(out, " [%s]", o->fallback);
    }
    fputc('\n', out);
}

void nb_options_help(const nb_command *c, FILE *out)
{
    fprintf(out, "negbank %s: %s\n\nusage: negbank %s %s\n\n", c->name, c->summary, c->name, c->usage);
    nb_option row;
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        if (!row.positional) {
            help_line(&row, out);
        } else {
            char text[NB_OPTION_HELP_MAX];
            fprintf(out, "  %-24s %s\n", row.value, nb_option_help(&row, text, sizeof text));
        }
    }
    fprintf(out, "%s\nexamples:\n%s", common_help, c->examples);
}

nb_status nb_option_format(nb_buffer *out, const nb_parsed *p, const nb_option *o, nb_error *err)
{
    const void *at = nb_option_value(p, o);
    switch (o->type) {
    case NB_OPTION_FLAG: return nb_buffer_printf(out, err, "%s", *(const bool *)at ? "true" : "false");
    case NB_OPTION_INT: return nb_buffer_printf(out, err, "%lld", (long long)*(const int64_t *)at);
    case NB_OPTION_REAL: return nb_buffer_printf(out, err, "%.15g", *(const double *)at);
    case NB_OPTION_LIST: {
        const nb_strings *list = at;
        for (size_t i = 0; i < list->count; i++) {
            nb_status status = nb_buffer_printf(out, err, "%s%s", i ? ", " : "", nb_strings_get(list, i));
            if (status != NB_OK) {
                return status;
            }
        }
        return NB_OK;
    }
    default: {
        const char *text = *(const char *const *)at;
        return nb_buffer_printf(out, err, "%s", text ? text : "");
    }
    }
}

/* A YAML double-quoted scalar; the reader of run files takes "$$" for a dollar sign. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        if (*text == '$') {
            fputc('$', out);
        }
        if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

static nb_status print_value(const nb_parsed *p, const nb_option *o, FILE *out, nb_error *err)
{
    if (o->type == NB_OPTION_LIST) {
        const nb_strings *list = nb_option_value(p, o);
        fputc('[', out);
        for (size_t k = 0; k < list->count; k++) {
            fputs(k ? ", " : "", out);
            print_quoted(out, nb_strings_get(list, k));
        }
        fputc(']', out);
        return NB_OK;
    }
    nb_buffer value = {0};
    nb_status status = nb_option_format(&value, p, o, err);
    if (status == NB_OK) {
        bool plain = o->type == NB_OPTION_FLAG || o->type == NB_OPTION_INT || o->type == NB_OPTION_REAL;
        if (plain) {
            fputs(value.data, out);
        } else {
            print_quoted(out, value.data);
        }
    }
    nb_buffer_free(&value);
    return status;
}

nb_status nb_options_print(const nb_parsed *p, FILE *out, nb_error *err)
{
    char prefix[128];
    nb_option_key(prefix, sizeof prefix, p->command->name, "", false);
    for (size_t i = 0; i < p->option_count; i++) {
        const nb_option *o = &p->options[i];
        bool unset = p->source[i] == NB_FROM_DEFAULT && !o->fallback && o->type != NB_OPTION_FLAG;
        fprintf(out, "%s%s%s: ", unset ? "# " : "", prefix, o->name);
        if (!unset) {
            nb_status status = print_value(p, o, out, err);
            if (status != NB_OK) {
                return status;
            }
        }
        fprintf(out, "%s# %s\n", unset ? "" : "  ", unset ? "not set" : source_name[p->source[i]]);
    }
    return NB_OK;
}
