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

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "loud", .letter = 'l', .type = NB_OPTION_FLAG, AT(loud), .help = "speak up"},
    {.name = "count",
     .letter = 'n',
     .type = NB_OPTION_INT,
     AT(count),
     .fallback = "5",
     .value = "N",
     .min = 1,
     .max = 9,
     .help = "how many"},
    {.name = "share", .type = NB_OPTION_REAL, AT(share), .fallback = "0.5", .value = "X", .help = "how much"},
    {.name = "text", .type = NB_OPTION_TEXT, AT(text), .value = "T", .help = "what"},
    {.name = "kind",
     .type = NB_OPTION_CHOICE,
     AT(kind),
     .fallback = "red",
     .choices = "red|green",
     .value = "K",
     .help = "which"},
    {.name = "in", .type = NB_OPTION_INPUT, AT(in), .value = "FILE", .required = true, .help = "source"},
    {.name = "out", .letter = 'o', .type = NB_OPTION_OUTPUT, AT(out), .value = "FILE", .help = "target"},
    {.name = "word", .type = NB_OPTION_LIST, AT(words), .value = "W", .help = "words"},
    {.name = "inputs", .type = NB_OPTION_LIST, AT(rest), .value = "REST...", .positional = true, .help = "rest"},
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
static const nb_command *const commands[] = {&command, &other};

static nb_status parse(nb_parsed *out, nb_error *err, const char *const *words)
{
    char *argv[32];
    int argc = 0;
    for (; words[argc]; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc];
    }
    return nb_options_parse(out, &command, commands, 2, argc, argv, err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_line), cmocka_unit_test(test_refusals), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_run_files),    cmocka_unit_test(test_print),    cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
