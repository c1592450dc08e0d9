/* What --help prints, and the list of all commands. */
#include "common/options/option_set.h"

#include <string.h>

const nb_option nb_common_options[] = {
    {.name = "config", .type = NB_OPTION_INPUT, .value = "FILE", .help = "take options from a run file (YAML)"},
    {.name = "stage",
     .type = NB_OPTION_TEXT,
     .value = "NAME",
     .help = "of the run file's sections for this command, the one of that name"},
    {.name = "print-config", .type = NB_OPTION_FLAG, .help = "print the resolved options and where each came from"},
    {.name = "help", .type = NB_OPTION_FLAG, .help = "print this"},
};
const size_t nb_common_option_count = sizeof nb_common_options / sizeof *nb_common_options;

static void option_help_line(const nb_option *o, FILE *out)
{
    char left[96], text[NB_OPTION_HELP_MAX], room[NB_OPTION_CHOICES_MAX];
    const char *choices = nb_option_choices(o, room, sizeof room);
    int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter) : 0;
    if (o->type == NB_OPTION_FLAG) {
        snprintf(left + n, sizeof left - (size_t)n, "--%s", o->name);
    } else {
        bool words = o->type == NB_OPTION_CHOICE && strlen(choices) < 40;
        snprintf(left + n, sizeof left - (size_t)n, "--%s %s", o->name, words ? choices : o->value);
    }
    fprintf(out, "  %-24s %s%s", left, strlen(left) > 24 ? "\n                           " : "",
            nb_option_help(o, text, sizeof text));
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
    nb_option row;
    fprintf(out, "negbank %s: %s\n\nusage: negbank %s %s\n\n", c->name, c->summary, c->name, c->usage);
    for (size_t i = 0; nb_command_option(c, i, &row); i++) {
        if (row.positional) {
            char text[NB_OPTION_HELP_MAX];
            fprintf(out, "  %-24s %s\n", row.value, nb_option_help(&row, text, sizeof text));
        } else {
            option_help_line(&row, out);
        }
    }
    for (size_t i = 0; i < nb_common_option_count; i++) {
        option_help_line(&nb_common_options[i], out);
    }
    fprintf(out, "\nexamples:\n%s", c->examples);
}

void nb_options_overview(nb_command_list commands, FILE *out)
{
    fputs("negbank builds and uses negative-label banks for out-of-distribution detection with CLIP.\n\n"
          "usage: negbank COMMAND [options]\n\n",
          out);
    for (size_t i = 0; i < commands.count; i++) {
        const nb_command *c = commands.all[i];
        fprintf(out, "  %-16s %s%s\n", c->name, c->summary, c->mpi ? " (MPI)" : "");
    }
    fputs("\n'negbank COMMAND --help' explains one, 'negbank help --man COMMAND' at length. Commands marked MPI also "
          "run\n"
          "under mpirun or srun.\n",
          out);
}
