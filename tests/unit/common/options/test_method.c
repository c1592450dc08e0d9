/* Parameters of methods as option rows: each name once, one option for those that share it, and no table at odds with
 * itself. */
#include "common/options/method.h"
#include "support/support.h"

#include <string.h>

typedef struct settings {
    bool flag;
    int64_t count;
    double share;
    const char *kind;
    int64_t seed;
} settings;

static const nb_option first_rows[] = {
    OPT_FLAG("flag", flag, "a flag"),
    OPT_INT("count", count, "N", "7", 1, 100, "a count"),
    OPT_INT("seed", seed, "N", "3", 0, 9e15, "a seed"),
};
static const nb_option second_rows[] = {
    OPT_REAL("share", share, "X", "0.25", 0, 1, "a share"),
    OPT_INT("seed", seed, "N", "3", 0, 9e15, "a seed"), /* the same as above */
    OPT_CHOICE("kind", kind, "KIND", "round", "round|flat", "a kind"),
};
static const nb_option other_rows[] = {
    OPT_INT("seed", seed, "N", "4", 0, 9e15, "a seed"), /* another default */
};
static const nb_method_parameters first = NB_METHOD_PARAMETERS(first_rows), none = {0},
                                  second = NB_METHOD_PARAMETERS(second_rows), other = NB_METHOD_PARAMETERS(other_rows);

static const nb_method_parameters *table(size_t i)
{
    const nb_method_parameters *const all[] = {&first, &none, &second, NULL};
    return all[i];
}

static const nb_method_parameters *table_at_odds(size_t i)
{
    const nb_method_parameters *const all[] = {&first, &other, NULL};
    return all[i];
}

static bool more(size_t i, nb_option *row)
{
    return nb_method_row(table, i, row);
}

static bool more_at_odds(size_t i, nb_option *row)
{
    return nb_method_row(table_at_odds, i, row);
}

/* What stands around the parameters. */
typedef struct around {
    int64_t before, behind;
} around;

static const nb_option around_rows[] = {
    {.name = "before", .type = NB_OPTION_INT, .offset = offsetof(around, before), .value = "N", .help = "before"},
    OPT_MORE,
    {.name = "behind", .type = NB_OPTION_INT, .offset = offsetof(around, behind), .value = "N", .help = "behind"},
};
static const nb_command command = {
    .name = "test", .options = around_rows, .option_count = 3, .settings_size = sizeof(around), .more = more};

static void test_rows(void **state)
{
    (void)state;
    static const char *const names[] = {"before", "flag", "count", "seed", "share", "kind", "behind"};
    nb_option row;
    for (size_t i = 0; i < 7; i++) {
        assert_true(nb_command_option(&command, i, &row));
        assert_string_equal(row.name, names[i]);
        assert_int_equal(row.parameter, i > 0 && i < 6);
    }
    assert_false(nb_command_option(&command, 7, &row));
}

static void parse(nb_parsed *p, int argc, const char *const *words)
{
    nb_error err = {0};
    char *argv[16] = {NULL};
    for (int i = 0; i < argc; i++) {
        argv[i] = (char *)(uintptr_t)words[i];
    }
    must(nb_options_parse(p, &command, (nb_command_list){0}, argc, argv, &err), &err);
}

static void test_values(void **state)
{
    (void)state;
    nb_parsed p;
    nb_error err = {0};
    settings a, b;
    parse(&p, 9, (const char *const[]){"--flag", "--seed", "12", "--kind", "flat", "--behind", "5", "--before", "4"});
    must(nb_method_values(&a, &first, &p, &err), &err);
    must(nb_method_values(&b, &second, &p, &err), &err);
    assert_true(a.flag && a.count == 7 && a.seed == 12 && b.seed == 12);
    assert_true(b.share == 0.25);
    assert_string_equal(b.kind, "flat");
    assert_true(((const around *)p.settings)->before == 4 && ((const around *)p.settings)->behind == 5);
    nb_parsed_free(&p);
}

static void test_defaults(void **state)
{
    (void)state;
    settings a;
    nb_error err = {0};
    must(nb_method_defaults(&a, &second, &err), &err);
    assert_true(a.share == 0.25 && a.seed == 3 && a.count == 0);
    assert_string_equal(a.kind, "round");
    must(nb_method_set(&a, &second, "share", "1", &err), &err);
    assert_true(a.share == 1);
    must_fail(nb_method_set(&a, &second, "share", "1.5", &err), NB_ERR_USAGE, &err,
              "share: '1.5' is not within [0, 1]");
    must_fail(nb_method_set(&a, &second, "count", "1", &err), NB_ERR_USAGE, &err, "'count'");
    assert_true(a.share == 1);
}

static void test_table_at_odds(void **state)
{
    (void)state;
    nb_command odd = command;
    nb_parsed p;
    nb_error err = {0};
    odd.more = more_at_odds;
    must_fail(nb_options_parse(&p, &odd, (nb_command_list){0}, 0, NULL, &err), NB_ERR_INTERNAL, &err, "--seed");
}

/* A parameter that the command has under another type, or not at all. */
static void test_missing(void **state)
{
    (void)state;
    nb_parsed p;
    nb_error err = {0};
    settings a;
    static const nb_option rows[] = {OPT_TEXT("count", kind, "N", NULL, "text"), OPT_TEXT("nix", kind, "N", NULL, "")};
    const nb_method_parameters text = {rows, 1, sizeof a}, absent = {rows + 1, 1, sizeof a};
    parse(&p, 0, NULL);
    must_fail(nb_method_values(&a, &text, &p, &err), NB_ERR_INTERNAL, &err, "'count'");
    must_fail(nb_method_values(&a, &absent, &p, &err), NB_ERR_INTERNAL, &err, "'nix'");
    nb_parsed_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_values),  cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_table_at_odds), cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
