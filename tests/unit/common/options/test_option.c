/* The option table: parsing, sources and their precedence, run files, what is printed. */
#include "support/support.h"

#include "common/options/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    bool loud;
    int64_t count;
    double share;
    const char *text, *kind, *in, *out;
    nb_strings words, rest;
} settings;

static const nb_option options[] = {
    OPT_FLAG("loud", loud, "speak up", .letter = 'l'),
    OPT_INT("count", count, "N", "5", 1, 9, "how many", .letter = 'n'),
    OPT_REAL("share", share, "X", "0.5", 0, 0, "how much"),
    OPT_TEXT("text", text, "T", NULL, "what"),
    OPT_CHOICE("kind", kind, "K", "red", "red|green", "which"),
    OPT_INPUT("in", in, "FILE", "source", .required = true),
    OPT_OUTPUT("out", out, "FILE", "target", .letter = 'o'),
    OPT_LIST("word", words, "W", "words"),
    OPT_LIST("inputs", rest, "REST...", "rest", .positional = true),
};
static const nb_command command = {.name = "make tea",
                                   .summary = "makes tea",
                                   .usage = "[options]",
                                   .examples = "  one\n  two\n",
                                   .options = options,
                                   .option_count = sizeof options / sizeof *options,
                                   .settings_size = sizeof(settings)};
static const nb_command other = {
    .name = "mine", .options = options, .option_count = 2, .settings_size = sizeof(settings)};
static const nb_command *const command_array[] = {&command, &other};
static const nb_command_list commands = {.all = command_array, .count = 2};

/* A command with rows made at run time; their values lie in a block of their own. */
typedef struct brew {
    double heat;
    int64_t minutes;
    const char *leaf;
    nb_strings herbs;
} brew;

static bool more_rows(size_t i, nb_option *row)
{
    static const nb_option rows[] = {
        {.name = "heat",
         .type = NB_OPTION_REAL,
         .offset = offsetof(brew, heat),
         .fallback = "90",
         .max = 100,
         .value = "C",
         .help = "heat of the water"},
        {.name = "minutes",
         .type = NB_OPTION_INT,
         .offset = offsetof(brew, minutes),
         .fallback = "3",
         .min = 1,
         .max = 9,
         .value = "N",
         .help = "how long"},
        {.name = "leaf",
         .type = NB_OPTION_CHOICE,
         .offset = offsetof(brew, leaf),
         .fallback = "black",
         .choices = "black|white",
         .value = "L",
         .help = "which leaf"},
        {.name = "herb", .type = NB_OPTION_LIST, .offset = offsetof(brew, herbs), .value = "H", .help = "what else"},
    };
    if (i >= sizeof rows / sizeof *rows) {
        return false;
    }
    *row = rows[i];
    return true;
}
static bool same_row_twice(size_t i, nb_option *row)
{
    return more_rows(0, row) && i < 2;
}
static const nb_command brewing = {.name = "brew",
                                   .usage = "[options]",
                                   .examples = "",
                                   .summary = "brews",
                                   .options = options,
                                   .option_count = 5,
                                   .settings_size = sizeof(settings),
                                   .more = more_rows};

static nb_status parse(nb_parsed *out, nb_error *err, const char *const *words)
{
    char *argv[32];
    int argc = 0;
    for (; words[argc]; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc];
    }
    return nb_options_parse(out, &command, commands, argc, argv, err);
}
#define PARSE(out, ...) parse((out), &err, (const char *const[]){__VA_ARGS__, NULL})

static const char *config(const char *text)
{
    nb_error err = {0};
    const char *path = scratch_path("run.yaml");
    must(nb_file_write(path, true, text, strlen(text), &err), &err);
    return path;
}

static void test_command_line(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    must(PARSE(&p, "--in=a.txt", "-l", "--count", "7", "-oX", "--word", "a", "--word=b", "first", "--", "--second"),
         &err);
    const settings *s = p.settings;
    assert_true(s->loud);
    assert_int_equal(s->count, 7);
    assert_true(s->share == 0.5);
    assert_null(s->text);
    assert_string_equal(s->in, "a.txt");
    assert_string_equal(s->out, "X");
    assert_int_equal(s->words.count, 2);
    assert_int_equal(s->rest.count, 2);
    assert_string_equal(nb_strings_get(&s->rest, 1), "--second");
    assert_int_equal(nb_option_given(&p, "count"), NB_FROM_COMMAND_LINE);
    assert_int_equal(nb_option_given(&p, "share"), NB_FROM_DEFAULT);
    nb_parsed_free(&p);
    must(PARSE(&p, "--in", "a", "--loud", "--no-loud"), &err);
    assert_false(((const settings *)p.settings)->loud);
    nb_parsed_free(&p);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    must_fail(PARSE(&p, "--in", "a", "--colour", "red"), NB_ERR_USAGE, &err, "--colour");
    must_fail(PARSE(&p, "--in", "a", "-x"), NB_ERR_USAGE, &err, "-x");
    must_fail(PARSE(&p, "--in", "a", "--count", "many"), NB_ERR_USAGE, &err, "'many'");
    must_fail(PARSE(&p, "--in", "a", "--count", "10"), NB_ERR_USAGE, &err, "[1, 9]");
    must_fail(PARSE(&p, "--in", "a", "--kind", "blue"), NB_ERR_USAGE, &err, "red|green");
    must_fail(PARSE(&p, "--in", "a", "--kind", "re"), NB_ERR_USAGE, &err, "'re'");
    must_fail(PARSE(&p, "--in", "a", "--share", "nan"), NB_ERR_USAGE, &err, "not a number");
    must_fail(PARSE(&p, "--in"), NB_ERR_USAGE, &err, "needs a value");
    must_fail(PARSE(&p, "--count", "2"), NB_ERR_USAGE, &err, "needs --in FILE");
}

static void test_precedence(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    setenv("NEGBANK_MAKE_TEA_COUNT", "2", 1);
    setenv("NEGBANK_MAKE_TEA_TEXT", "env", 1);
    setenv("TEAPOT", "brown", 1);
    const char *file = config("make:\n  tea:\n    in: f.txt\n    text: the $TEAPOT ${TEAPOT}s $\n    word: [x, y]\n"
                              "mine.count: 3\n");
    must(PARSE(&p, "--config", file, "--word", "z"), &err);
    const settings *s = p.settings;
    assert_int_equal(s->count, 2);
    assert_string_equal(s->text, "the brown browns $");
    assert_string_equal(s->in, "f.txt");
    assert_int_equal(s->words.count, 1);
    assert_string_equal(nb_strings_get(&s->words, 0), "z");
    assert_int_equal(nb_option_given(&p, "count"), NB_FROM_ENVIRONMENT);
    assert_int_equal(nb_option_given(&p, "text"), NB_FROM_FILE);
    nb_parsed_free(&p);
    must(PARSE(&p, "--config", file), &err);
    assert_int_equal(((const settings *)p.settings)->words.count, 2);
    nb_parsed_free(&p);
    unsetenv("NEGBANK_MAKE_TEA_COUNT");
    unsetenv("NEGBANK_MAKE_TEA_TEXT");
}

static void test_run_files(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    must_fail(PARSE(&p, "--config", config("make.tea.sugar: 1\n")), NB_ERR_USAGE, &err, "make.tea.sugar");
    must_fail(PARSE(&p, "--config", config("make.tea.count: 0\n")), NB_ERR_USAGE, &err, "run.yaml");
    must_fail(PARSE(&p, "--config", config("a: [1\n")), NB_ERR_INPUT, &err, "not YAML");
    must_fail(PARSE(&p, "--config", config("- a\n")), NB_ERR_INPUT, &err, "mapping");
    must_fail(PARSE(&p, "--config", config("make.tea.text: ${NO_SUCH_THING}\n")), NB_ERR_INPUT, &err, "NO_SUCH_THING");
    must_fail(PARSE(&p, "--config", scratch_path("none.yaml")), NB_ERR_INPUT, &err, "none.yaml");
}

/* What --print-config prints is a run file that gives the same settings. */
static void test_print(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p, again;
    char *text = NULL;
    size_t len;
    must(PARSE(&p, "--in", "a \"b\"\\c", "--word", "x, y", "--word", "#z", "--loud"), &err);
    FILE *f = open_memstream(&text, &len);
    must(nb_options_print(&p, f, &err), &err);
    fclose(f);
    assert_non_null(strstr(text, "make.tea.count: 5  # default"));
    assert_non_null(strstr(text, "# command line"));
    must(PARSE(&again, "--config", config(text)), &err);
    const settings *a = p.settings, *b = again.settings;
    assert_string_equal(a->in, b->in);
    assert_true(b->loud);
    assert_int_equal(b->words.count, 2);
    assert_string_equal(nb_strings_get(&b->words, 0), "x, y");
    assert_string_equal(nb_strings_get(&b->words, 1), "#z");
    free(text);
    nb_parsed_free(&p);
    nb_parsed_free(&again);
}

static void test_help(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    nb_options_help(&command, f);
    fclose(f);
    for (size_t i = 0; i < command.option_count; i++) {
        assert_non_null(strstr(text, options[i].help));
    }
    assert_non_null(strstr(text, "examples:\n  one\n  two\n"));
    free(text);
}

/* Rows made at run time are options like those of the table; only where their values lie differs. */
static void test_more_rows(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    nb_option row;
    const nb_command_list all = {.all = (const nb_command *const[]){&brewing}, .count = 1};
    const char *file = config("brew:\n  heat: 70\n  minutes: 4\n  share: 0.25\n  herb: [mint, sage]\n");
    char words[4][16] = {"--config", "", "--minutes=7", "--heat"};
    char *argv[] = {words[0], (char *)(uintptr_t)file, words[2]};
    must(nb_options_parse(&p, &brewing, all, 3, argv, &err), &err);
    const settings *s = p.settings;
    const brew *b = p.parameters;
    assert_true(s->share == 0.25 && b->heat == 70);
    assert_int_equal(b->minutes, 7);
    assert_string_equal(b->leaf, "black");
    assert_int_equal(b->herbs.count, 2);
    assert_string_equal(nb_strings_get(&b->herbs, 1), "sage");
    assert_int_equal(nb_option_given(&p, "heat"), NB_FROM_FILE);
    assert_int_equal(nb_option_given(&p, "minutes"), NB_FROM_COMMAND_LINE);
    assert_int_equal(nb_option_given(&p, "leaf"), NB_FROM_DEFAULT);
    assert_int_equal(p.option_count, 9);
    assert_true(nb_command_option(&brewing, 5, &row) && row.parameter && strcmp(row.name, "heat") == 0);
    assert_true(nb_command_option(&brewing, 4, &row) && !row.parameter);
    assert_false(nb_command_option(&brewing, 9, &row));
    assert_ptr_equal(nb_option_value(&p, &p.options[5]), &b->heat);
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    must(nb_options_print(&p, f, &err), &err);
    nb_options_help(&brewing, f);
    fclose(f);
    assert_non_null(strstr(text, "brew.heat: 70  # run file\nbrew.minutes: 7  # command line\n"));
    assert_non_null(strstr(text, "brew.herb: [\"mint\", \"sage\"]  # run file\n"));
    assert_non_null(strstr(text, "heat of the water [90]\n"));
    free(text);
    nb_parsed_free(&p);
    argv[0] = words[3];
    argv[1] = (char[]){"101"};
    must_fail(nb_options_parse(&p, &brewing, all, 2, argv, &err), NB_ERR_USAGE, &err, "[0, 100]");
    nb_command twice = brewing;
    twice.more = same_row_twice;
    must_fail(nb_options_parse(&p, &twice, all, 0, argv, &err), NB_ERR_INTERNAL, &err, "--heat");
}

static void test_replace(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_parsed p;
    must(PARSE(&p, "--in", "a", "--word", "x", "--word", "y", "rest"), &err);
    const settings *s = p.settings;
    must(nb_option_replace(&p, nb_option_named(&p, "in"), 0, "other", &err), &err);
    must(nb_option_replace(&p, nb_option_named(&p, "word"), 1, "z", &err), &err);
    assert_string_equal(s->in, "other");
    assert_int_equal(s->words.count, 2);
    assert_string_equal(nb_strings_get(&s->words, 0), "x");
    assert_string_equal(nb_strings_get(&s->words, 1), "z");
    assert_int_equal(nb_option_given(&p, "word"), NB_FROM_COMMAND_LINE);
    nb_parsed_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),    cmocka_unit_test(test_command_line), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_run_files),    cmocka_unit_test(test_print),
        cmocka_unit_test(test_help),       cmocka_unit_test(test_more_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
