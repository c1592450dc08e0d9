/* Options: one table a command yields parsing, --help, --print-config and the reader of run files.
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

typedef enum nb_option_type {
    NB_OPTION_FLAG,   /* bool; --name, and --no-name to unset */
    NB_OPTION_INT,    /* int64_t within [min, max] */
    NB_OPTION_REAL,   /* double within [min, max] */
    NB_OPTION_TEXT,   /* const char *, NULL when not given and without default */
    NB_OPTION_CHOICE, /* const char *, one of the words of `choices` ("a|b|c") */
    NB_OPTION_INPUT,  /* const char *, a path that is read */
    NB_OPTION_OUTPUT, /* const char *, a path that is written */
    NB_OPTION_LIST,   /* nb_strings, repeatable */
} nb_option_type;

typedef struct nb_option {
    const char *name; /* without dashes; "inputs" for positional arguments */
    char letter;      /* short form, 0 for none */
    nb_option_type type;
    size_t offset;        /* of the value in the command's settings, or, with `parameter`, in the parameter block */
    const char *fallback; /* default as text, NULL for none */
    const char *value;    /* what --help calls the value: "FILE" */
    const char *choices;
    const char *(*choice)(size_t i); /* instead of `choices`: word i of a table, NULL behind the last; a fallback ""
                                        is the first, and without a `help` the words are its help */
    double min, max;                 /* both 0: no bounds */
    bool positional;                 /* an INPUT or a LIST that takes the arguments without dashes */
    bool required;
    bool unrecorded; /* says how to run, not what to compute: stays out of provenance */
    bool parameter;  /* an extra row (nb_command.more); the parser sets it */
    const char *help;
    /* Instead of `help` as it is: writes the whole help into room [size], of `help` and of what tables say. */
    void (*describe)(const struct nb_option *option, char *room, size_t size);
} nb_option;

/* Rows of an option table, one a line; the command's struct is called `settings`, MEMBER is one of it. Behind the help
 * other members of nb_option may follow: `OPT_REQUIRED`, `.letter = 'o'`. A group of rows that commands share is a
 * macro of rows between commas. */
#define OPT_ARGUMENT   .positional = true
#define OPT_REQUIRED   .required = true
#define OPT_UNRECORDED .unrecorded = true
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
/* The place of the command's extra rows. */
#define OPT_MORE                                                                                                       \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }
/* A choice among the names of a table (nb_option.choice), which are its help. */
#define OPT_CHOICE_OF(NAME, MEMBER, VALUE, DEFAULT, CHOICE, ...)                                                       \
    OPT(NB_OPTION_CHOICE, NAME, MEMBER, .value = VALUE, .fallback = DEFAULT, .choice = CHOICE, .help = __VA_ARGS__)

struct nb_job;

typedef struct nb_command {
    const char *name; /* "mine", "embed text" */
    const char *summary;
    const char *usage;    /* the words behind the name: "[options] INPUT..." */
    const char *examples; /* two or more, one a line */
    const nb_option *options;
    size_t option_count;
    size_t settings_size;
    /* Optional: rows that are made at run time, of the parameters of methods say (common/options/method.h); they stand
     * where the table has OPT_MORE, else behind it. Copies extra row
     * `i` to *row and returns true, or returns false when there are no more. Every call with one `i` must give the same
     * row, its strings must outlive the program's work, and no two rows of a command may share a name. `offset` counts
     * from the start of nb_parsed.parameters, a block apart from the settings that the parser makes as large as the
     * rows need and frees; values are stored as nb_option_type says, each at an offset its type can stand at. */
    bool (*more)(size_t i, nb_option *row);
    bool mpi;                                            /* runs under MPI */
    nb_status (*run)(struct nb_job *job, nb_error *err); /* jobs/job.h */
} nb_command;

/* Row `i` of a command, the extra ones among them; false when there are no more. */
bool nb_command_option(const nb_command *command, size_t i, nb_option *row);

typedef enum nb_option_source {
    NB_FROM_DEFAULT,
    NB_FROM_ENVIRONMENT,
    NB_FROM_FILE,
    NB_FROM_COMMAND_LINE
} nb_option_source;

/* What parsing found out; owns every string the settings point to. */
typedef struct nb_parsed {
    const nb_command *command;
    nb_option *options; /* [option_count]: the rows of nb_command_option */
    size_t option_count;
    void *settings;           /* [command->settings_size] bytes */
    void *parameters;         /* the values of the extra rows */
    nb_option_source *source; /* [option_count] */
    char **keep;
    size_t keep_count;
    bool help, print_config;
} nb_parsed;

/* Parses argv (the words behind the command's name). `commands` are all commands, to judge the keys of a run file.
 * NB_ERR_USAGE names the option and the value. Required options are checked unless --help or --print-config is given.
 */
nb_status nb_options_parse(nb_parsed *out, const nb_command *command, const nb_command *const *commands,
                           size_t command_count, int argc, char *const argv[], nb_error *err);
void nb_parsed_free(nb_parsed *parsed);

/* Where the value of an option of this command came from. NB_FROM_DEFAULT for a name it does not have. */
nb_option_source nb_option_given(const nb_parsed *parsed, const char *name);

/* "embed text" and "model" give the key "embed.text.model" of a run file or, with `variable`, the name
 * NEGBANK_EMBED_TEXT_MODEL. */
void nb_option_key(char *out, size_t size, const char *command, const char *option, bool variable);

/* True when `key` of a run file is an option of the command, row *index; *stage [*stage_len] is the name of its
 * section, empty for the plain one. Each of the three may be NULL. */
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

enum { NB_OPTION_HELP_MAX = 1024 };    /* bytes of room that nb_option_help is given */
enum { NB_OPTION_CHOICES_MAX = 1024 }; /* bytes of room that nb_option_choices is given */

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

void nb_options_help(const nb_command *command, FILE *out);
/* A run file with every resolved value and, as a comment, where it came from. */
nb_status nb_options_print(const nb_parsed *parsed, FILE *out, nb_error *err);
/* The value of an option, one of parsed->options, of the C type its nb_option_type has; parsed owns it. */
const void *nb_option_value(const nb_parsed *parsed, const nb_option *option);
/* The value of an option as text: "" for an unset text, "a, b" for a list. */
nb_status nb_option_format(nb_buffer *out, const nb_parsed *parsed, const nb_option *option, nb_error *err);

/* The flat pairs of a run file: keys "mine.count"; a sequence gives its key once per element. */
typedef struct nb_pairs {
    nb_strings keys, values;
} nb_pairs;
nb_status nb_config_read(nb_pairs *out, const char *path, nb_error *err);
void nb_pairs_free(nb_pairs *pairs);

#endif
