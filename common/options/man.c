#include "common/options/man.h"

#include "common/options/option_set.h"

#include <ctype.h>
#include <string.h>

enum { MAN_NAME_MAX = 128 };

/* One entry a status of common/base/status.h. */
static const nb_man_entry man_exits[] = {
    {"0", "done"},
    {"2", "usage: an option or argument is wrong"},
    {"3", "an input file is not what it should be"},
    {"4", "reading or writing failed"},
    {"5", "out of memory, or over a stated limit"},
    {"6", "a computation gave no usable number"},
    {"7", "verification failed: a digest, checksum or signature does not match"},
    {"8", "a transfer over the network failed"},
    {"70", "internal error: a defect of the program or of a library under it"},
    {"85", "stopped on request, with what was done saved: run again to continue"},
};

void nb_man_name(char *out, size_t size, const nb_command *command)
{
    snprintf(out, size, "negbank%s%s", command ? "-" : "", command ? command->name : "");
    for (char *c = out; *c; c++) {
        *c = *c == ' ' ? '-' : *c;
    }
}

/* What groff would take for its own: the backslash, and characters it draws as typographic ones. `literal`: what a
 * reader may copy, where every hyphen is the ASCII one. */
static void man_character(FILE *out, char c, bool literal)
{
    switch (c) {
    case '\\': fputs("\\e", out); break;
    case '-': fputs(literal ? "\\-" : "-", out); break;
    case '\'': fputs("\\(aq", out); break;
    case '`': fputs("\\(ga", out); break;
    case '^': fputs("\\(ha", out); break;
    case '~': fputs("\\(ti", out); break;
    default: fputc(c, out); break;
    }
}

/* Text within a line. A word with a hyphen in front ("--no-resume") is literal; so is everything with `literal`. */
static void man_text(FILE *out, const char *text, bool literal)
{
    bool option = false;
    for (const char *c = text; *c; c++) {
        bool first = c == text || strchr(" (['`\"=/", c[-1]) != NULL;
        option = first ? *c == '-' : option && !isspace((unsigned char)*c);
        man_character(out, *c, literal || option);
    }
}

/* A line of text: one that begins with a dot or a quote would be a macro. */
static void man_line(FILE *out, const char *text, bool literal)
{
    if (*text == '.' || *text == '\'' || (literal && *text == ' ')) {
        fputs("\\&", out);
    }
    man_text(out, text, literal);
    fputc('\n', out);
}

/* Paragraphs between empty lines; a line is a line of the source. */
static void man_paragraphs(FILE *out, const char *text)
{
    char line[1024];
    while (*text) {
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (len) {
            man_line(out, line, false);
        } else {
            fputs(".PP\n", out);
        }
        text += len + (text[len] == '\n');
    }
}

/* Lines as they are, indented by the page and not by their own blanks; those that belong to one command keep theirs. */
static void man_examples(FILE *out, const char *text)
{
    char line[1024];
    fputs(".SH EXAMPLES\n.nf\n", out);
    while (*text) {
        size_t len = strcspn(text, "\n"), skip = strncmp(text, "  ", 2) == 0 ? 2 : 0;
        snprintf(line, sizeof line, "%.*s", (int)(len - skip), text + skip);
        man_line(out, line, true);
        text += len + (text[len] == '\n');
    }
    fputs(".fi\n", out);
}

static void man_bold(FILE *out, const char *text)
{
    fputs("\\fB\\%", out); /* whole, whatever its length */
    man_text(out, text, true);
    fputs("\\fR", out);
}

static void man_italic(FILE *out, const char *text)
{
    fputs("\\fI\\%", out);
    man_text(out, text, true);
    fputs("\\fR", out);
}

static void man_entries(FILE *out, const nb_man_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n", out);
        man_bold(out, entries[i].term);
        fputc('\n', out);
        man_line(out, entries[i].text, false);
    }
}

/* `behind` is set in roman behind the section: "," or ".". */
static void man_reference(FILE *out, const nb_command *command, const char *behind)
{
    char name[MAN_NAME_MAX];
    nb_man_name(name, sizeof name, command);
    fputs(".BR ", out);
    man_text(out, name, true);
    fprintf(out, " (1)%s\n", behind);
}

/* "-o FILE, --output FILE" or "--quiet, --no-quiet". */
static void man_option_term(FILE *out, const nb_option *o)
{
    char name[MAN_NAME_MAX];
    fputs(".TP\n", out);
    if (o->positional) {
        man_italic(out, o->value);
        fputc('\n', out);
        return;
    }
    if (o->letter) {
        snprintf(name, sizeof name, "-%c", o->letter);
        man_bold(out, name);
        if (o->type != NB_OPTION_FLAG) {
            fputc(' ', out);
            man_italic(out, o->value);
        }
        fputs(", ", out);
    }
    snprintf(name, sizeof name, "--%s", o->name);
    man_bold(out, name);
    if (o->type != NB_OPTION_FLAG) {
        fputc(' ', out);
        man_italic(out, o->value);
    }
    fputc('\n', out);
}

/* What else a row says, in brackets: choices, bounds, default. */
static void man_option_facts(FILE *out, const nb_option *o)
{
    const char *before = "(";
    if (o->required) {
        fprintf(out, "%srequired", before);
        before = "; ";
    }
    if (o->type == NB_OPTION_CHOICE) {
        fprintf(out, "%sone of ", before);
        char room[NB_OPTION_CHOICES_MAX];
        for (const char *c = nb_option_choices(o, room, sizeof room); *c; c++) {
            if (*c == '|') {
                fputs(", ", out);
            } else {
                man_character(out, *c, true);
            }
        }
        before = "; ";
    }
    if (o->min != 0 || o->max != 0) {
        char bounds[96];
        snprintf(bounds, sizeof bounds, "%.15g to %.15g", o->min, o->max);
        fputs(before, out);
        man_text(out, bounds, true);
        before = "; ";
    }
    if (o->type == NB_OPTION_LIST && !o->positional) {
        fprintf(out, "%srepeatable", before);
        before = "; ";
    }
    if (o->type == NB_OPTION_FLAG && o->fallback && strcmp(o->fallback, "true") == 0) {
        fprintf(out, "%son unless ", before);
        man_text(out, "--no-", true);
        man_text(out, o->name, true);
        fputs(" is given", out);
        before = "; ";
    } else if (o->fallback && o->type != NB_OPTION_FLAG) {
        fprintf(out, "%sdefault: ", before);
        man_text(out, o->fallback, true);
        before = "; ";
    }
    if (*before == ';') {
        fputs(")\n", out);
    }
}

static void man_option(FILE *out, const nb_option *o)
{
    char text[NB_OPTION_HELP_MAX];
    man_option_term(out, o);
    man_line(out, nb_option_help(o, text, sizeof text), false);
    man_option_facts(out, o);
}

static void man_options(FILE *out, const nb_command *c)
{
    nb_option row;
    fputs(".SH OPTIONS\nFlags are unset by\n.BI \\-\\-no\\- NAME\\fR.\n"
          "What does not begin with a hyphen, and everything behind\n.BR \\-\\- ,\nis an argument.\n",
          out);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        man_option(out, &row);
    }
    for (size_t i = 0; i < nb_common_option_count; i++) {
        man_option(out, &nb_common_options[i]);
    }
}

/* The page's title in capitals, program and version at its foot. */
static void man_title(FILE *out, const nb_man *manual, const nb_command *c)
{
    char name[MAN_NAME_MAX];
    nb_man_name(name, sizeof name, c);
    for (char *p = name; *p; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    fputs(".TH ", out);
    man_text(out, name, true);
    fprintf(out, " 1 \"\" \"negbank %s\" \"negbank manual\"\n.SH NAME\n", manual->version);
    nb_man_name(name, sizeof name, c);
    man_text(out, name, true);
    fputs(" \\- ", out);
    man_text(out, c ? c->summary : "negative-label banks for out-of-distribution detection with CLIP", false);
    fputc('\n', out);
}

static void man_synopsis(FILE *out, const nb_command *c)
{
    fputs(".SH SYNOPSIS\n", out);
    if (c && c->mpi) {
        fputs("[\\fBmpirun \\-np\\fR \\fIN\\fR] ", out);
    }
    fputs("\\fBnegbank ", out);
    man_text(out, c ? c->name : "", true);
    fputs("\\fR", out);
    fputs(c ? " " : "\\fICOMMAND\\fR [\\fIoptions\\fR]", out);
    man_text(out, c ? c->usage : "", true);
    fputc('\n', out);
}

/* How the options of a command are called in the environment and in a run file. */
static void man_command_environment(FILE *out, const nb_command *c)
{
    nb_option row;
    char name[MAN_NAME_MAX], key[MAN_NAME_MAX];
    size_t i = 0;
    while (nb_command_option(c, i, &row) && row.positional) {
        i++;
    }
    nb_option_key(name, sizeof name, c->name, row.name, true);
    nb_option_key(key, sizeof key, c->name, row.name, false);
    fputs(".SH ENVIRONMENT\nEvery option may be given by a variable, and in a run file by a key:\n", out);
    man_bold(out, name);
    fputs("\nand\n", out);
    man_bold(out, key);
    fputs("\nstand for\n\\fB\\-\\-", out);
    man_text(out, row.name, true);
    fputs("\\fR.\nThe command line wins over the run file, the run file over the environment, that over defaults.\n",
          out);
    fputs("Further variables are described in\n", out);
    man_reference(out, NULL, ".");
}

static void man_command_files(FILE *out, const nb_command *c)
{
    nb_option row;
    bool resumes = false, writes = false;
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        resumes = resumes || strcmp(row.name, "resume") == 0;
        writes = writes || row.type == NB_OPTION_OUTPUT;
    }
    fputs(".SH FILES\n.TP\n\\fIFILE\\fR of \\fB\\-\\-config\\fR\na run file: YAML, a section a command\n", out);
    if (writes) {
        fputs(".TP\n\\fIOUTPUT\\fB.partial\\fR\nan output that is not complete yet", out);
        fputs(resumes ? "; \\fB\\-\\-resume\\fR continues it\n" : "\n", out);
    }
    fputs(".PP\nThe formats are described in\n", out);
    man_reference(out, NULL, ".");
}

static void man_command_see_also(FILE *out, const nb_man *manual, const nb_command *c)
{
    size_t group = strcspn(c->name, " ");
    fputs(".SH \"SEE ALSO\"\n", out);
    if (c->mpi) {
        fputs(".BR mpirun (1),\n", out);
    }
    for (size_t i = 0; i < manual->commands.count; i++) {
        const nb_command *other = manual->commands.all[i];
        if (other != c && c->name[group] && strncmp(other->name, c->name, group + 1) == 0) {
            man_reference(out, other, ",");
        }
    }
    man_reference(out, NULL, "");
}

static void man_program(FILE *out, const nb_man *manual)
{
    fputs(".SH DESCRIPTION\n", out);
    man_paragraphs(out, manual->description);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < manual->commands.count; i++) {
        const nb_command *c = manual->commands.all[i];
        fputs(".TP\n", out);
        man_reference(out, c, "");
        man_text(out, c->summary, false);
        fputs(c->mpi ? " (MPI)\n" : "\n", out);
    }
    fputs(".SH OPTIONS\nEvery command has these beside its own:\n", out);
    for (size_t i = 0; i < nb_common_option_count; i++) {
        man_option(out, &nb_common_options[i]);
    }
    fputs(".SH ENVIRONMENT\nEvery option of a command may be given by a variable; its page says which.\n", out);
    man_entries(out, manual->environment, manual->environment_count);
    fputs(".SH \"EXIT STATUS\"\n", out);
    man_entries(out, man_exits, sizeof man_exits / sizeof *man_exits);
    fputs(".SH FILES\n", out);
    man_entries(out, manual->files, manual->file_count);
    man_examples(out, manual->examples);
    fputs(".SH \"SEE ALSO\"\n", out);
    for (size_t i = 0; i < manual->commands.count; i++) {
        man_reference(out, manual->commands.all[i], ",");
    }
    fputs(".BR mpirun (1)\n", out);
}

void nb_man_page(const nb_man *manual, const nb_command *c, FILE *out)
{
    man_title(out, manual, c);
    man_synopsis(out, c);
    if (!c) {
        man_program(out, manual);
        return;
    }
    fputs(".SH DESCRIPTION\n", out);
    if (c->description) {
        man_paragraphs(out, c->description);
    } else {
        man_line(out, c->summary, false);
    }
    if (c->mpi) {
        fputs(".PP\nRuns on any number of MPI ranks, with the same result: under\n.BR mpirun (1),\nunder srun, or "
              "alone.\n",
              out);
    }
    man_options(out, c);
    man_command_environment(out, c);
    fputs(".SH \"EXIT STATUS\"\n", out);
    man_entries(out, man_exits, sizeof man_exits / sizeof *man_exits);
    man_command_files(out, c);
    man_examples(out, c->examples);
    man_command_see_also(out, manual, c);
}
