#include "common/options/completion.h"

#include "common/options/option_set.h"

#include <string.h>

/* What a value can be completed by. An option whose value is called COMMAND takes the name of a command. */
enum completion_kind { COMPLETION_NONE, COMPLETION_CHOICE, COMPLETION_FILE, COMPLETION_FOLDER, COMPLETION_COMMAND };

static enum completion_kind completion_kind_of(const nb_option *o)
{
    if (o->value && strncmp(o->value, "COMMAND", 7) == 0) {
        return COMPLETION_COMMAND;
    }
    if (o->value && strcmp(o->value, "DIR") == 0) {
        return COMPLETION_FOLDER;
    }
    switch (o->type) {
    case NB_OPTION_CHOICE: return COMPLETION_CHOICE;
    case NB_OPTION_INPUT:
    case NB_OPTION_OUTPUT:
    case NB_OPTION_LIST: return COMPLETION_FILE;
    default: return COMPLETION_NONE;
    }
}

/* The first word of a command's name, and whether there is a second. */
static size_t completion_first(const nb_command *c, bool *second)
{
    size_t len = strcspn(c->name, " ");
    *second = c->name[len] != '\0';
    return len;
}

/* True for the first command with this first word. */
static bool completion_is_new(nb_command_list commands, size_t i)
{
    bool second;
    size_t len = completion_first(commands.all[i], &second);
    for (size_t k = 0; k < i; k++) {
        if (completion_first(commands.all[k], &second) == len &&
            memcmp(commands.all[k]->name, commands.all[i]->name, len) == 0) {
            return false;
        }
    }
    return true;
}

static void completion_words(FILE *out, const nb_option *o)
{
    char room[NB_OPTION_CHOICES_MAX];
    const char *choices = nb_option_choices(o, room, sizeof room);
    for (const char *c = choices; *c; c++) {
        fputc(*c == '|' ? ' ' : *c, out);
    }
}

static void completion_first_words(nb_command_list commands, FILE *out)
{
    const char *before = "";
    for (size_t i = 0; i < commands.count; i++) {
        bool second;
        size_t len = completion_first(commands.all[i], &second);
        if (completion_is_new(commands, i)) {
            fprintf(out, "%s%.*s", before, (int)len, commands.all[i]->name);
            before = " ";
        }
    }
}

/* The second words behind first word [len] of command i. */
static void completion_second_words(nb_command_list commands, size_t i, FILE *out)
{
    const char *before = "";
    bool second;
    size_t len = completion_first(commands.all[i], &second);
    for (size_t k = i; k < commands.count; k++) {
        if (strncmp(commands.all[k]->name, commands.all[i]->name, len + 1) == 0) {
            fprintf(out, "%s%s", before, commands.all[k]->name + len + 1);
            before = " ";
        }
    }
}

/* `case` lines that say by which word the next one is a second word of a command. */
static void completion_groups(nb_command_list commands, const char *format, FILE *out)
{
    for (size_t i = 0; i < commands.count; i++) {
        bool second;
        size_t len = completion_first(commands.all[i], &second);
        if (second && completion_is_new(commands, i)) {
            fprintf(out, format, (int)len, commands.all[i]->name);
            completion_second_words(commands, i, out);
            fputs("' ;;\n", out);
        }
    }
}

/* ---- bash ---- */

static const char *const completion_bash_actions[] = {
    [COMPLETION_NONE] = "kind=none",     [COMPLETION_CHOICE] = "kind=words",    [COMPLETION_FILE] = "kind=file",
    [COMPLETION_FOLDER] = "kind=folder", [COMPLETION_COMMAND] = "kind=command",
};

static void completion_bash_option(const nb_option *o, FILE *out)
{
    enum completion_kind kind = completion_kind_of(o);
    if (o->type == NB_OPTION_FLAG || o->positional) {
        return;
    }
    fputs("        ", out);
    if (o->letter) {
        fprintf(out, "-%c | ", o->letter);
    }
    fprintf(out, "--%s) %s", o->name, completion_bash_actions[kind]);
    if (kind == COMPLETION_CHOICE) {
        fputs(" choices='", out);
        completion_words(out, o);
        fputc('\'', out);
    }
    fputs(" ;;\n", out);
}

static void completion_bash_names(const nb_option *o, FILE *out)
{
    if (!o->positional) {
        fprintf(out, " --%s", o->name);
    }
    if (o->letter) {
        fprintf(out, " -%c", o->letter);
    }
    if (o->type == NB_OPTION_FLAG && o->fallback && strcmp(o->fallback, "true") == 0) {
        fprintf(out, " --no-%s", o->name);
    }
}

static void completion_bash_command(const nb_command *c, FILE *out)
{
    nb_option row;
    fprintf(out, "    '%s')\n        options='", c->name);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        completion_bash_names(&row, out);
    }
    for (size_t i = 0; i < nb_common_option_count; i++) {
        completion_bash_names(&nb_common_options[i], out);
    }
    fputs("'\n", out);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        if (row.positional) {
            fprintf(out, "        argument=%s\n", strchr(completion_bash_actions[completion_kind_of(&row)], '=') + 1);
            break;
        }
    }
    fputs("        case $before in\n", out);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        completion_bash_option(&row, out);
    }
    for (size_t i = 0; i < nb_common_option_count; i++) {
        completion_bash_option(&nb_common_options[i], out);
    }
    fputs("        esac\n        ;;\n", out);
}

void nb_completion_bash(nb_command_list commands, FILE *out)
{
    fputs("# bash completion for negbank, made by `negbank help --completion bash`.\n\n"
          "_negbank() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kind= choices= options=\n"
          "    local command=${COMP_WORDS[1]} seconds= argument=none at=2 commands='",
          out);
    completion_first_words(commands, out);
    fputs("'\n"
          "    COMPREPLY=()\n"
          "    if [ \"$before\" = = ]; then # --option=value is three words\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    elif [ \"$cur\" = = ]; then\n"
          "        cur=\n"
          "    fi\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$commands --help --version\" -- \"$cur\")\n"
          "        return\n"
          "    fi\n"
          "    case $command in\n",
          out);
    completion_groups(commands, "    %.*s) at=3 seconds='", out);
    fputs("    esac\n"
          "    if [ $at = 3 ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$seconds\" -- \"$cur\")\n"
          "        return\n"
          "    fi\n"
          "    [ $at = 2 ] || command+=\" ${COMP_WORDS[2]}\"\n"
          "    case $command in\n",
          out);
    for (size_t i = 0; i < commands.count; i++) {
        completion_bash_command(commands.all[i], out);
    }
    fputs("    *) return ;;\n"
          "    esac\n"
          "    if [ -z \"$kind\" ]; then\n"
          "        case $cur in\n"
          "        -*) kind=words choices=$options ;;\n"
          "        *) kind=$argument ;;\n"
          "        esac\n"
          "    fi\n"
          "    case $kind in\n"
          "    words) mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\") ;;\n"
          "    command)\n"
          "        at=\n"
          "        [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = \"$before\" ] && case $before in\n",
          out);
    completion_groups(commands, "        %.*s) at='", out);
    fputs("        esac\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"${at:-$commands}\" -- \"$cur\")\n"
          "        ;;\n"
          "    file | folder)\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        [ $kind = file ] && mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "        [ $kind = folder ] && mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
          "        ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _negbank negbank\n",
          out);
}

/* ---- zsh ---- */

/* Text within a specification of _arguments, in single quotes. */
static void completion_zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else {
            if (strchr("[]:\\", *text)) {
                fputc('\\', out);
            }
            fputc(*text, out);
        }
    }
}

static void completion_zsh_value(const nb_option *o, FILE *out)
{
    fputc(':', out);
    completion_zsh_text(out, o->value);
    switch (completion_kind_of(o)) {
    case COMPLETION_CHOICE:
        fputs(":(", out);
        completion_words(out, o);
        fputc(')', out);
        break;
    case COMPLETION_FILE: fputs(":_files", out); break;
    case COMPLETION_FOLDER: fputs(":_files -/", out); break;
    case COMPLETION_COMMAND: fputs(":_negbank_commands", out); break;
    case COMPLETION_NONE: fputs(": ", out); break;
    }
}

/* One specification: '--count=[how many]:N: '. */
static void completion_zsh_option(const nb_option *o, const char *name, FILE *out)
{
    char text[NB_OPTION_HELP_MAX];
    bool flag = o->type == NB_OPTION_FLAG;
    fprintf(out, " \\\n            '%s%s%s[", o->type == NB_OPTION_LIST ? "*" : "", name,
            flag                          ? ""
            : strncmp(name, "--", 2) == 0 ? "="
                                          : "+");
    completion_zsh_text(out, nb_option_help(o, text, sizeof text));
    fputc(']', out);
    if (!flag) {
        completion_zsh_value(o, out);
    }
    fputc('\'', out);
}

static void completion_zsh_row(const nb_option *o, FILE *out)
{
    char name[128];
    if (o->positional) {
        fprintf(out, " \\\n            '%s", o->type == NB_OPTION_LIST ? "*" : "");
        completion_zsh_value(o, out);
        fputc('\'', out);
        return;
    }
    snprintf(name, sizeof name, "--%s", o->name);
    completion_zsh_option(o, name, out);
    if (o->letter) {
        snprintf(name, sizeof name, "-%c", o->letter);
        completion_zsh_option(o, name, out);
    }
    if (o->type == NB_OPTION_FLAG && o->fallback && strcmp(o->fallback, "true") == 0) {
        snprintf(name, sizeof name, "--no-%s", o->name);
        completion_zsh_option(o, name, out);
    }
}

static void completion_zsh_command(const nb_command *c, FILE *out)
{
    nb_option row;
    fprintf(out, "    ('%s')\n        _arguments -s -S", c->name);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        completion_zsh_row(&row, out);
    }
    for (size_t i = 0; i < nb_common_option_count; i++) {
        completion_zsh_row(&nb_common_options[i], out);
    }
    fputs("\n        ;;\n", out);
}

/* Names with their summaries, as _describe takes them: first words, or the second words behind command i. */
static void completion_zsh_names(nb_command_list commands, const nb_command *of, FILE *out)
{
    bool second;
    size_t skip = of ? completion_first(of, &second) + 1 : 0;
    for (size_t i = 0; i < commands.count; i++) {
        const nb_command *c = commands.all[i];
        size_t len = completion_first(c, &second);
        if (of ? strncmp(c->name, of->name, skip) != 0 : !completion_is_new(commands, i)) {
            continue;
        }
        fputs(" \\\n            '", out);
        fprintf(out, "%.*s:", of ? (int)strlen(c->name + skip) : (int)len, c->name + skip);
        if (of || !second) {
            completion_zsh_text(out, c->summary);
        } else {
            completion_second_words(commands, i, out);
        }
        fputc('\'', out);
    }
}

void nb_completion_zsh(nb_command_list commands, FILE *out)
{
    fputs("#compdef negbank\n"
          "# zsh completion for negbank, made by `negbank help --completion zsh`.\n\n"
          "_negbank_commands() {\n"
          "    local -a names\n"
          "    case $words[CURRENT-1] in\n",
          out);
    for (size_t i = 0; i < commands.count; i++) {
        bool second;
        size_t len = completion_first(commands.all[i], &second);
        if (second && completion_is_new(commands, i)) {
            fprintf(out, "    (%.*s)\n        names=(", (int)len, commands.all[i]->name);
            completion_zsh_names(commands, commands.all[i], out);
            fputs("\n        )\n        ;;\n", out);
        }
    }
    fputs("    (*)\n        names=(", out);
    completion_zsh_names(commands, NULL, out);
    fputs("\n        )\n        ;;\n    esac\n    _describe -t commands command names\n}\n\n"
          "_negbank() {\n"
          "    local -i length=1\n"
          "    case $words[2] in\n",
          out);
    for (size_t i = 0; i < commands.count; i++) {
        bool second;
        size_t len = completion_first(commands.all[i], &second);
        if (second && completion_is_new(commands, i)) {
            fprintf(out, "    (%.*s) length=2 ;;\n", (int)len, commands.all[i]->name);
        }
    }
    fputs("    esac\n"
          "    if (( CURRENT <= length + 1 )); then\n"
          "        _negbank_commands\n"
          "        return\n"
          "    fi\n"
          "    local command=\"${(j: :)words[2,length+1]}\"\n"
          "    words=(negbank \"${(@)words[length+2,-1]}\")\n"
          "    (( CURRENT -= length ))\n"
          "    case $command in\n",
          out);
    for (size_t i = 0; i < commands.count; i++) {
        completion_zsh_command(commands.all[i], out);
    }
    fputs("    esac\n"
          "}\n\n"
          "_negbank \"$@\"\n",
          out);
}
