/* Man pages (section 1, man macros) made from the option tables: negbank(1) and one page a command. */
#ifndef NB_COMMON_OPTIONS_MAN_H
#define NB_COMMON_OPTIONS_MAN_H

#include "common/options/option.h"

/** An entry of a section: a term and what is said of it. */
typedef struct nb_man_entry {
    const char *term; /**< "NEGBANK_AMX", "*.nbank" */
    const char *text; /**< plain text */
} nb_man_entry;

/** What the pages say beside the tables. Everything is borrowed. */
typedef struct nb_man {
    nb_command_list commands;        /**< all commands, for the list of negbank(1) and SEE ALSO */
    const char *version;             /**< "0.1.0" */
    const char *description;         /**< of negbank(1): paragraphs between empty lines */
    const char *examples;            /**< of negbank(1), one a line */
    const nb_man_entry *environment; /**< [environment_count]: variables beside those of options */
    size_t environment_count;
    const nb_man_entry *files; /**< [file_count] */
    size_t file_count;
} nb_man;

/** Prints the page of a command. Not collective; errors of `out` are the caller's to look for.
 * @param command one of manual->commands, or NULL for negbank(1) */
void nb_man_page(const nb_man *manual, const nb_command *command, FILE *out);

/** The name of a command's page: "embed text" gives "negbank-embed-text", NULL gives "negbank". Not collective.
 * @param out [size] receives the name, cut where it does not fit */
void nb_man_name(char *out, size_t size, const nb_command *command);

#endif
