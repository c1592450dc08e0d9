/* Options: one table a command yields parsing, --help, --print-config, the reader of run files, a man page and
 * completion.
 *
 * Precedence: the command line, then the run file (--config run.yaml), then NEGBANK_* variables, then the table's
 * defaults. The key of option `count` of command `mine` is `mine.count` in a run file (`mine:` with `count:` under it,
 * or the dotted key) and NEGBANK_MINE_COUNT in the environment; `embed text` has the keys `embed.text.*`. `$NAME` and
 * `${NAME}` in values of a run file stand for environment variables, `$$` for a dollar sign. A run file may hold
 * sections of several commands; a key no command knows is refused.
 *
 * A command that runs more than once in a chain has sections with names: `embed:` with `images:`, `images wild:` and
 * `images test:` under it, keys `embed.images wild.output`. `--stage wild` takes the values of `images wild` over those
 * of `images`; without it sections with names are passed over. Keys under `slurm:` are for the batch system
 * (jobs/run/stages.h). */
#ifndef NB_COMMON_OPTIONS_OPTION_H
#define NB_COMMON_OPTIONS_OPTION_H

#include "common/base/memory.h"

#include <stddef.h>
#include <stdio.h>

/** What an option's value is, and the C type it is stored as. */
typedef enum nb_option_type {
    NB_OPTION_FLAG,   /**< bool; --name, and --no-name to unset */
    NB_OPTION_INT,    /**< int64_t within [min, max] */
    NB_OPTION_REAL,   /**< double within [min, max] */
    NB_OPTION_TEXT,   /**< const char *, NULL when not given and without default */
    NB_OPTION_CHOICE, /**< const char *, one of the words of `choices` ("a|b|c") */
    NB_OPTION_INPUT,  /**< const char *, a path that is read */
    NB_OPTION_OUTPUT, /**< const char *, a path that is written */
    NB_OPTION_LIST,   /**< nb_strings, repeatable */
} nb_option_type;

/** One row of an option table. Its strings must outlive the program's work; literals do. */
typedef struct nb_option {
    const char *name;     /**< without dashes; "inputs" for positional arguments */
    char letter;          /**< short form, 0 for none */
    nb_option_type type;  /**< of the value */
    size_t offset;        /**< of the value in the command's settings, or with `parameter` in nb_parsed.parameters */
    const char *fallback; /**< default as text, NULL for none; a LIST has none */
    const char *value;    /**< what --help calls the value: "FILE"; NULL for a flag */
    const char *choices;  /**< of a CHOICE: "a|b|c" */

    /** Instead of `choices`: word i of a table, NULL behind the last. A fallback "" is the first word, and without a
     * `help` the words are its help. */
    const char *(*choice)(size_t i);
    double min, max;  /**< of an INT or a REAL, both included; both 0: no bounds */
    const char *word; /**< of an INT: a word that may stand for a number, and is 0; NULL for none */
    bool positional;  /**< an INPUT or a LIST that takes the arguments without dashes */
    bool piped;       /**< an INPUT or a LIST that takes "-" and pipes, an OUTPUT that takes "-" (jobs/pipes.h) */
    bool fetched;     /**< an INPUT that takes an http(s):// or s3:// address, too */
    bool required;    /**< checked unless --help or --print-config is given */
    bool unrecorded;  /**< says how to run, not what to compute: stays out of the content half of provenance */
    bool parameter;   /**< an extra row (nb_command.more); set by nb_command_option */
    const char *help; /**< one line, without a full stop */

    /** Instead of `help` as it is: writes the whole help into room [size], of `help` and of what tables say. */
    void (*describe)(const struct nb_option *option, char *room, size_t size);
} nb_option;

/** A row of an option table, one a line. The command's struct is called `settings`, MEMBER is one of it. Behind the
 * help other members of nb_option may follow: `OPT_REQUIRED`, `.letter = 'o'`. A group of rows that commands share is
 * a macro of rows between commas. */
#define OPT(TYPE, NAME, MEMBER, ...)                                                                                   \
    {                                                                                                                  \
        .name = NAME, .type = TYPE, .offset = offsetof(settings, MEMBER), __VA_ARGS__                                  \
    }
#define OPT_FLAG(NAME, MEMBER, ...) OPT(NB_OPTION_FLAG, NAME, MEMBER, .help = __VA_ARGS__)
#define OPT_INT(NAME, MEMBER, VALUE, DEFAULT, MIN, MAX, ...)                                                           \
    OPT(NB_OPTION_INT, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .min = MIN, .max = MAX, .help = __VA_ARGS__)
#define OPT_REAL(NAME, MEMBER, VALUE, DEFAULT, MIN, MAX, ...)                                                          \
    OPT(NB_OPTION_REAL, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .min = MIN, .max = MAX, .help = __VA_ARGS__)
#define OPT_TEXT(NAME, MEMBER, VALUE, DEFAULT, ...)                                                                    \
    OPT(NB_OPTION_TEXT, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .help = __VA_ARGS__)
#define OPT_CHOICE(NAME, MEMBER, VALUE, DEFAULT, CHOICES, ...)                                                         \
    OPT(NB_OPTION_CHOICE, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .choices = CHOICES, .help = __VA_ARGS__)
#define OPT_INPUT(NAME, MEMBER, VALUE, ...)  OPT(NB_OPTION_INPUT, NAME, MEMBER, .value = VALUE, .help = __VA_ARGS__)
#define OPT_OUTPUT(NAME, MEMBER, VALUE, ...) OPT(NB_OPTION_OUTPUT, NAME, MEMBER, .value = VALUE, .help = __VA_ARGS__)
#define OPT_LIST(NAME, MEMBER, VALUE, ...)   OPT(NB_OPTION_LIST, NAME, MEMBER, .value = VALUE, .help = __VA_ARGS__)
#define OPT_ARGUMENT                         .positional = true
#define OPT_REQUIRED                         .required = true
#define OPT_UNRECORDED                       .unrecorded = true
#define OPT_PIPED                            .piped = true
#define OPT_FETCHED                          .piped = true, .fetched = true

/** The place of the command's extra rows. */
#define OPT_MORE                                                                                                       \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }
/** A choice among the names of a table (nb_option.choice), which are its help. */
#define OPT_CHOICE_OF(NAME, MEMBER, VALUE, DEFAULT, CHOICE, ...)                                                       \
    OPT(NB_OPTION_CHOICE, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .choice = CHOICE, .help = __VA_ARGS__)

struct nb_job;

/** A command of the program: its options, what is said of it, and what it does. */
typedef struct nb_command {
    const char *name;         /**< "mine", "embed text" */
    const char *summary;      /**< one line */
    const char *usage;        /**< the words behind the name: "[options] INPUT..." */
    const char *description;  /**< for the man page: paragraphs between empty lines; NULL for none */
    const char *examples;     /**< two or more, one a line */
    const nb_option *options; /**< [option_count]: rows whose values lie in the settings */
    size_t option_count;      /**< of `options` */
    size_t settings_size;     /**< bytes of the command's settings struct */

    /** Optional: rows that are made at run time, of the parameters of methods say (common/options/method.h); they stand
     * where the table has OPT_MORE, else behind it. Copies extra row
     * `i` to *row and returns true, or returns false when there are no more. Every call with one `i` must give the same
     * row, its strings must outlive the program's work, and no two rows of a command may share a name. `offset` counts
     * from the start of nb_parsed.parameters, a block apart from the settings that the parser makes, zeroed, as large
     * as the rows need, and frees; values are stored as nb_option_type says, each at an offset its type can stand at.
     */
    bool (*more)(size_t i, nb_option *row);

    bool mpi;                                            /**< runs under MPI */
    nb_status (*run)(struct nb_job *job, nb_error *err); /**< jobs/job.h */
} nb_command;

/** Defines a command, with the table `options` and the struct `settings` above it; other members of nb_command may
 * follow
 * (`.examples = ...`). */
#define NB_COMMAND(ID, RUN, NAME, SUMMARY, USAGE, ...)                                                                 \
    const nb_command nb_command_##ID = {.name = NAME,                                                                  \
                                        .summary = SUMMARY,                                                            \
                                        .usage = USAGE,                                                                \
                                        .options = options,                                                            \
                                        .option_count = sizeof options / sizeof *options,                              \
                                        .settings_size = sizeof(settings),                                             \
                                        .run = RUN,                                                                    \
                                        __VA_ARGS__}

/** All commands of the program. */
typedef struct nb_command_list {
    const nb_command *const *all; /**< [count], in the order they are listed in */
    size_t count;
} nb_command_list;

/** Where a value came from, the weakest first. */
typedef enum nb_option_source {
    NB_FROM_DEFAULT,     /**< the table's default, or not given at all */
    NB_FROM_ENVIRONMENT, /**< a NEGBANK_* variable */
    NB_FROM_FILE,        /**< --config */
    NB_FROM_COMMAND_LINE /**< an option or an argument */
} nb_option_source;

/** What parsing found out; owns every string the values point to. Freed by nb_parsed_free. */
typedef struct nb_parsed {
    const nb_command *command; /**< borrowed */
    nb_option *options;        /**< [option_count]: the rows of nb_command_option */
    size_t option_count;
    void *settings;           /**< [command->settings_size] bytes: the command's own struct */
    void *parameters;         /**< the values of the extra rows (nb_command.more) */
    nb_option_source *source; /**< [option_count] */
    char **keep;              /**< [keep_count]: the values as text */
    size_t keep_count;
    bool help;         /**< --help was given */
    bool print_config; /**< --print-config was given */
} nb_parsed;

/** Copies row `i` of a command, the extra ones among them.
 *
 * Not collective.
 * @param command the command
 * @param i       index from 0
 * @param row     receives the row; `parameter` says whether it is an extra one
 * @return false when there are no more rows, and *row is untouched */
bool nb_command_option(const nb_command *command, size_t i, nb_option *row);

/** Parses a command line, with what it takes from a run file and the environment.
 *
 * Not collective: every rank parses the same words. Required options are checked unless --help or --print-config is
 * given; of --help beside other words only the words are checked.
 * @param out      receives the values; the caller frees it with nb_parsed_free, after a failure too
 * @param command  the command the words are for
 * @param commands all commands, by which the keys of a run file are judged
 * @param argc     how many words
 * @param argv     [argc] the words behind the command's name
 * @param err      names the option and the value
 * @return NB_OK; NB_ERR_USAGE for an unknown option or key, a value that is refused or an option that is missing;
 *         NB_ERR_INPUT or NB_ERR_IO for a run file that cannot be read; NB_ERR_LIMIT without memory; NB_ERR_INTERNAL
 *         when two rows of the command share a name */
nb_status nb_options_parse(nb_parsed *out, const nb_command *command, nb_command_list commands, int argc,
                           char *const argv[], nb_error *err);

/** Frees what parsing made and zeroes it; NULL and a zeroed struct are fine. Not collective.
 * @param parsed as nb_options_parse left it, also after a failure */
void nb_parsed_free(nb_parsed *parsed);

/** Where the value of an option came from. Not collective.
 * @param parsed the options of a command
 * @param name   of one of them
 * @return NB_FROM_DEFAULT also for a name the command does not have */
nb_option_source nb_option_given(const nb_parsed *parsed, const char *name);

/** The value of an option. Not collective.
 * @param parsed owns the value
 * @param option one of parsed->options
 * @return the address of a value of the C type that nb_option_type names */
const void *nb_option_value(const nb_parsed *parsed, const nb_option *option);

/** Puts another text in the place of a value; where it came from stays. Not collective.
 * @param parsed owns the value
 * @param option one of parsed->options, an INPUT, an OUTPUT or a LIST
 * @param entry  which one of a list, from 0; else 0
 * @param value  copied
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_option_replace(nb_parsed *parsed, const nb_option *option, size_t entry, const char *value, nb_error *err);

/** Appends the value of an option as text: "" for an unset text, "a, b" for a list. Not collective.
 * @param out    receives it behind what it holds
 * @param parsed owns the value
 * @param option one of parsed->options
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_option_format(nb_buffer *out, const nb_parsed *parsed, const nb_option *option, nb_error *err);

/** The key of an option: "embed text" and "model" give "embed.text.model" or, with `variable`,
 * NEGBANK_EMBED_TEXT_MODEL. Not collective.
 * @param out      [size] receives the key, cut where it does not fit
 * @param size     bytes, the end mark included
 * @param command  its name, one word or two
 * @param option   its name
 * @param variable the name of an environment variable instead of a key */
void nb_option_key(char *out, size_t size, const char *command, const char *option, bool variable);

/** Whether a key of a run file is an option of a command. Not collective.
 * @param index     receives the number of its row; may be NULL
 * @param stage     receives the name of its section, a part of `key`, "" for the plain one; may be NULL
 * @param stage_len receives the length of that name; may be NULL
 * @return false when it is none, and nothing is written */
bool nb_option_of_key(const nb_command *command, const char *key, size_t *index, const char **stage, size_t *stage_len);

/** The words of a choice, "a|b|c".
 * @param option a row of type NB_OPTION_CHOICE
 * @param room   [size] scratch that the result may lie in; words beyond it are left out
 * @return the words, in `room` or in the row. Not collective. */
const char *nb_option_choices(const nb_option *option, char *room, size_t size);

/** The help of an option: its `help`, or what its `describe` makes of it.
 * @param room [size] scratch that the result may lie in; what is longer is cut
 * @return the help, NULL where the words of a choice are it. Not collective. */
const char *nb_option_help(const nb_option *option, char *room, size_t size);

enum { NB_OPTION_HELP_MAX = 1024 };    /**< bytes of room that nb_option_help is given */
enum { NB_OPTION_CHOICES_MAX = 1024 }; /**< bytes of room that nb_option_choices is given */

/** Reads one value into a variable, within the bounds of its row.
 * @param option a row of any type but NB_OPTION_LIST
 * @param at     a variable of the row's C type; texts are not copied, it points to `value` itself
 * @param value  the text
 * @param label  what messages call the option: "--count"
 * @return NB_OK, or NB_ERR_USAGE naming label and value when it is no such value or out of bounds. Not collective. */
nb_status nb_option_read(const nb_option *option, void *at, const char *value, const char *label, nb_error *err);

/** The row of a parsed command by its name.
 * @return one of parsed->options, NULL when there is none of that name. Not collective. */
const nb_option *nb_option_named(const nb_parsed *parsed, const char *name);

/** Prints what --help prints: summary, usage, a line an option, examples. Not collective.
 * @param command the one explained
 * @param out     receives it; errors of writing are the caller's to look for */
void nb_options_help(const nb_command *command, FILE *out);

/** Prints the names and summaries of all commands. Not collective.
 * @param commands in the order they are listed in
 * @param out      as for nb_options_help */
void nb_options_overview(nb_command_list commands, FILE *out);

/** Prints what --print-config prints: a run file with every value and, as a comment, where it came from. User, password
 * and query of an address are left out, with a word in the comment. Not collective.
 * @param parsed the options of a command
 * @param out    as for nb_options_help
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_options_print(const nb_parsed *parsed, FILE *out, nb_error *err);

#endif
