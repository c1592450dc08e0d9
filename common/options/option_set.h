/* The values of options: where they lie, and how text becomes one. For the files of this folder alone. */
#ifndef NB_COMMON_OPTIONS_OPTION_SET_H
#define NB_COMMON_OPTIONS_OPTION_SET_H

#include "common/options/option.h"

/** Options every command has; they steer the parser itself and lie in no settings. */
extern const nb_option nb_common_options[];
extern const size_t nb_common_option_count;

/** All rows of out->command, and zeroed room for their values. Not collective.
 * @return NB_OK, NB_ERR_LIMIT without memory, NB_ERR_INTERNAL when two rows share a name */
nb_status nb_option_table(nb_parsed *out, nb_error *err);

/** The row of a name [len], NULL for a name the command does not have. Not collective.
 * @param parsed whose rows are looked through
 * @param name   [len] bytes, without an end mark
 * @param len    how many
 * @return one of parsed->options, or NULL */
const nb_option *nb_option_find(const nb_parsed *parsed, const char *name, size_t len);

/** Sets one value from its text and remembers where it came from. A list grows; when it comes from a stronger source
 * than before, what it held goes first. Not collective.
 * @param option one of parsed->options
 * @param label  the option as its source names it: "--count", "mine.count in 'run.yaml'"
 * @return NB_OK, NB_ERR_USAGE for a value that is refused, NB_ERR_LIMIT without memory */
nb_status nb_option_set(nb_parsed *parsed, const nb_option *option, const char *value, nb_option_source from,
                        const char *label, nb_error *err);

#endif
