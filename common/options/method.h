/** @file
 * The parameters of methods as data: a criterion, a rejection rule or a score lists its parameters in rows of the
 * option table, whose values lie in a block of the method's own type. Command lines, run files, --help, provenance and
 * plans are made from these rows; nothing else names a parameter.
 *
 * Two methods may share a parameter (`seed`): one option sets both, so their rows must be the same in all but the
 * offset. */
#ifndef NB_COMMON_OPTIONS_METHOD_H
#define NB_COMMON_OPTIONS_METHOD_H

#include "common/options/option.h"

/** The parameters of one method. Rows are of any type but NB_OPTION_LIST. */
typedef struct nb_method_parameters {
    const nb_option *rows; /**< [count], offsets in the block */
    size_t count;          /**< may be 0 */
    size_t size;           /**< bytes of the block */
} nb_method_parameters;

/** The parameters ROWS, an array made with OPT_INT and its kin, of a block of the type `settings`. */
#define NB_METHOD_PARAMETERS(ROWS)                                                                                     \
    {                                                                                                                  \
        .rows = (ROWS), .count = sizeof(ROWS) / sizeof *(ROWS), .size = sizeof(settings)                               \
    }

/** A table of methods: the parameters of method `i`, NULL behind the last. */
typedef const nb_method_parameters *(*nb_method_table)(size_t i);

/** Option row `i` of all the parameters of a table, each name once, for nb_command.more. The parameter block of the
 * command is laid out by the number of the row. A row that differs from an earlier one of its name is given as well:
 * the parser refuses the second of a name, so that a table at odds with itself does not start.
 * @param table of methods
 * @param i from 0
 * @param row out
 * @return true with *row, false when there are no more. Not collective. */
bool nb_method_row(nb_method_table table, size_t i, nb_option *row);

/** Fills a block with the defaults of its rows.
 * @param block [parameters->size] bytes; its texts point into the rows
 * @return NB_OK, or NB_ERR_USAGE when a default is no value of its own row. Not collective. */
nb_status nb_method_defaults(void *block, const nb_method_parameters *parameters, nb_error *err);

/** Sets one parameter of a block from text.
 * @param parameters the block's
 * @param name as in its row
 * @param text borrowed for as long as the block where the parameter is a text
 * @return NB_OK, or NB_ERR_USAGE when there is no such parameter or the text is no value of it. Not collective. */
nb_status nb_method_set(void *block, const nb_method_parameters *parameters, const char *name, const char *text,
                        nb_error *err);

/** Fills a block with the values that a command's options of the same names have.
 * @param block  [parameters->size] bytes; its texts belong to `parsed`
 * @param parsed of a command whose rows are made by nb_method_row
 * @return NB_OK, or NB_ERR_INTERNAL naming a parameter that is no option of the command. Not collective. */
nb_status nb_method_values(void *block, const nb_method_parameters *parameters, const nb_parsed *parsed, nb_error *err);

#endif
