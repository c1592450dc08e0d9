/* Completion for shells, made from the option tables: commands, options, choices of values, names of files. */
#ifndef NB_COMMON_OPTIONS_COMPLETION_H
#define NB_COMMON_OPTIONS_COMPLETION_H

#include "common/options/option.h"

/** Prints a script that bash sources: it completes `negbank`, without help of the package bash-completion. Not
 * collective.
 * @param commands all commands of the program
 * @param out      receives it; errors of writing are the caller's to look for */
void nb_completion_bash(nb_command_list commands, FILE *out);

/** Prints the file _negbank for a folder of zsh's $fpath. Not collective.
 * @param commands all commands of the program
 * @param out      as for nb_completion_bash */
void nb_completion_zsh(nb_command_list commands, FILE *out);

#endif
