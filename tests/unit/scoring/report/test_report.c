#include "support/support.h"

#include "scoring/report/report.h"
#include "scoring/report/tables.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const nb_metrics first = {0.96, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0};
static const nb_metrics second = {0.9, 1.0 / 3, 0.4, 0.5, 0.6, 0.7, 0.0};

static nb_strings strings(const char *const *words, size_t count)
{
    nb_strings out = {0};
    nb_error err = {0};
    for (size_t i = 0; i < count; i++) {
        must(nb_strings_push(&out, words[i], strlen(words[i]), &err), &err);
    }
    return out;
}

static nb_status begin(nb_report *r, const char *const *names, const char *const *groups, size_t count, nb_error *err)
{
    nb_strings n = strings(names, count);
    nb_strings g = strings(groups, count);
    nb_status status = nb_report_begin(r, &n, &g, err);
    nb_strings_free(&n);
    nb_strings_free(&g);
    return status;
}

static const char *const two[] = {"Texturen f\xC3\xBCr \xE6\x9C\xA8", "SUN"};
static const char *const no_groups[] = {"", "", ""};

static nb_report sample(double accuracy)
{
    nb_report r;
    nb_error err = {0};
    const nb_metrics rows[] = {first, second};
    must(begin(&r, two, no_groups, 2, &err), &err);
    must(nb_report_add_run(&r, rows, accuracy, &err), &err);
    must(nb_report_settle(&r, &err), &err);
    return r;
}

static void names_are_checked(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r;
    static const char *const faults[][2] = {{"SUN", "SUN"}, {"", "a"}, {"\xFF", "a"}, {"a", "line\nbreak"}};
    static const char *const words[] = {"twice", "empty", "UTF-8", "control"};
    for (size_t i = 0; i < 4; i++) {
        must_fail(begin(&r, faults[i], no_groups, 2, &err), NB_ERR_INPUT, &err, words[i]);
        assert_null(r.figures);
    }
    static const char *const bad_group[] = {"\xC0", ""};
    must_fail(begin(&r, two, bad_group, 2, &err), NB_ERR_INPUT, &err, "group");
    must_fail(begin(&r, two, no_groups, 0, &err), NB_ERR_INPUT, &err, "no OOD set");
    must(begin(&r, two, no_groups, 2, &err), &err);
    must_fail(nb_report_settle(&r, &err), NB_ERR_INPUT, &err, "no run");
    nb_report_free(&r);
    nb_report_free(NULL);
}

/* Three sets, two of them in one group, two runs; every metric of set s in run r is known. */
static void groups_and_runs(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r;
    static const char *const names[] = {"a", "b", "c"};
    static const char *const groups[] = {"near", "", "near"};
    must(begin(&r, names, groups, 3, &err), &err);
    assert_int_equal(r.line_count, 5);
    assert_int_equal(nb_report_group_size(&r, 0), 2);
    for (size_t run = 0; run < 2; run++) {
        nb_metrics rows[3];
        for (size_t s = 0; s < 3; s++) {
            for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
                nb_metric_set(&rows[s], k, 0.1 * (double)(s + 1) + 0.04 * (double)run);
            }
        }
        must(nb_report_add_run(&r, rows, 0.5 + 0.2 * (double)run, &err), &err);
    }
    must(nb_report_settle(&r, &err), &err);
    static const double want[] = {0.12, 0.22, 0.32, 0.22, 0.22};
    for (size_t l = 0; l < 5; l++) {
        const nb_figure *f = nb_report_figure(&r, l, l);
        assert_true(fabs(f->value - want[l]) < 1e-15);
        assert_true(fabs(f->deviation - 0.04 / sqrt(2)) < 1e-15);
        assert_true(isnan(f->low) && isnan(f->high));
    }
    assert_string_equal(nb_report_name(&r, 3), "near");
    assert_string_equal(nb_report_name(&r, 4), "mean");
    assert_true(nb_report_kind(&r, 2) == NB_LINE_SET && nb_report_kind(&r, 3) == NB_LINE_GROUP);
    assert_true(fabs(r.accuracy.value - 0.6) < 1e-15 && fabs(r.accuracy.deviation - 0.2 / sqrt(2)) < 1e-15);
    nb_report_free(&r);
}

static char *table_of(const nb_report *r)
{
    nb_error err = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    must(nb_report_table(r, f, &err), &err);
    fclose(f);
    return text;
}

/* The wide sign takes two terminal columns and three bytes, so the rows differ in bytes and agree in columns. */
static void table_is_aligned(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r = sample(0.67035);
    char *text = table_of(&r);
    assert_string_equal(
        text, "percent           AUROC  FPR95 id-positive  FPR95 ood-positive  AUPR-in  AUPR-out   AP-in  AP-out\n"
              "Texturen f\xC3\xBCr \xE6\x9C\xA8   96.00              10.00               20.00    30.00     40.00"
              "   50.00  100.00\n"
              "SUN               90.00              33.33               40.00    50.00     60.00   70.00    0.00\n"
              "mean              93.00              21.67               30.00    40.00     50.00   60.00   50.00\n"
              "ID accuracy       67.03\n");
    free(text);
    FILE *f = fopen("/dev/full", "w");
    if (f) {
        must_fail(nb_report_table(&r, f, &err), NB_ERR_IO, &err, "table");
        fclose(f);
    }
    nb_report_free(&r);

    r = sample((double)NAN);
    text = table_of(&r);
    assert_non_null(strstr(text, "ID accuracy      unknown (no labels)\n"));
    free(text);
    nb_report_free(&r);
}

static char *file_of(nb_status (*write)(const nb_report *, const char *, bool, nb_error *), const nb_report *r)
{
    nb_error err = {0};
    char *text;
    size_t len;
    const char *path = scratch_path("table");
    must(write(r, path, true, &err), &err);
    must(nb_file_read(path, 1 << 20, &text, &len, &err), &err);
    return text;
}

/* A name that every language would trip over, with deviations and intervals. */
static void tables_escape_names(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r;
    static const char *const names[] = {"a|b_<i>, \"50 %\" & $x^2$", "plain"};
    const nb_metrics rows[] = {first, second};
    must(begin(&r, names, no_groups, 2, &err), &err);
    must(nb_report_add_run(&r, rows, 0.5, &err), &err);
    must(nb_report_add_run(&r, rows, 0.5, &err), &err);
    must(nb_report_settle(&r, &err), &err);
    r.resamples = 10;
    r.confidence = 0.9;
    r.figures[0].low = 0.951;
    r.figures[0].high = 0.969;
    char *text = file_of(nb_report_markdown, &r);
    assert_non_null(strstr(text, "| a\\|b\\_&lt;i&gt;, \"50 %\" &amp; $x^2$ | 96.00 \xC2\xB1 0.00 [95.10, 96.90] |"));
    assert_non_null(strstr(text, "| **mean** | **93.00**"));
    assert_non_null(strstr(text, "2 runs. In brackets: 90 % bootstrap intervals, 10 resamples"));
    free(text);
    text = file_of(nb_report_latex, &r);
    assert_non_null(strstr(text,
                           "a|b\\_\\textless{}i\\textgreater{}, \"50 \\%\" \\& \\$x\\textasciicircum{}2\\$ & 96.00 "
                           "{\\scriptsize $\\pm$\\,0.00} {\\scriptsize [95.10, 96.90]}"));
    free(text);
    text = file_of(nb_report_csv, &r);
    assert_non_null(strstr(text, "\ndataset,\"a|b_<i>, \"\"50 %\"\" & $x^2$\",,auroc,0.95999999999999996,0,"));
    assert_non_null(strstr(text, "\nid,,,id_accuracy,0.5,0,,,,\n"));
    free(text);
    nb_report_free(&r);
}

static void check_metrics(const json_t *object, const nb_metrics *m)
{
    assert_int_equal(json_object_size(object), NB_METRIC_COUNT);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        const json_t *value = json_object_get(object, nb_metric_key(k));
        assert_true(json_is_real(value));
        assert_true(json_real_value(value) == nb_metric_get(m, k));
    }
}

static void json_holds_every_bit(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r = sample(0.67035);
    const char *path = scratch_path("m.json");
    must(nb_report_json(&r, NULL, path, true, &err), &err);
    must_fail(nb_report_json(&r, NULL, path, false, &err), NB_ERR_USAGE, &err, "exists");
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), 3);
    json_t *datasets = json_object_get(root, "datasets");
    assert_int_equal(json_object_size(datasets), 2);
    assert_string_equal(json_object_iter_key(json_object_iter(datasets)), nb_strings_get(&r.names, 0));
    check_metrics(json_object_get(datasets, nb_strings_get(&r.names, 0)), &first);
    check_metrics(json_object_get(datasets, "SUN"), &second);
    check_metrics(json_object_get(root, "mean"), &r.runs[2]);
    assert_true(json_real_value(json_object_get(root, "id_accuracy")) == 0.67035);
    json_decref(root);
    r.figures[NB_METRIC_COUNT + 3].value = (double)NAN;
    must_fail(nb_report_json(&r, NULL, path, true, &err), NB_ERR_NUMERIC, &err, "aupr_in of 'SUN'");
    nb_report_free(&r);

    r = sample((double)NAN);
    must(nb_report_json(&r, "{\"command\": \"eval\"}", path, true, &err), &err);
    root = json_load_file(path, 0, NULL);
    assert_true(json_is_null(json_object_get(root, "id_accuracy")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "provenance"), "command")), "eval");
    json_decref(root);
    nb_report_free(&r);
}

/* The names of interfaces.md, spelled out once more. */
static void keys_are_the_agreed_ones(void **state)
{
    (void)state;
    static const char *const keys[] = {"auroc",    "fpr95_id_positive",    "fpr95_ood_positive",   "aupr_in",
                                       "aupr_out", "average_precision_in", "average_precision_out"};
    const nb_metrics numbered = {0, 1, 2, 3, 4, 5, 6};
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        assert_string_equal(nb_metric_key(k), keys[k]);
        assert_true(nb_metric_get(&numbered, k) == (double)k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),    cmocka_unit_test(groups_and_runs),
        cmocka_unit_test(table_is_aligned),     cmocka_unit_test(tables_escape_names),
        cmocka_unit_test(json_holds_every_bit), cmocka_unit_test(keys_are_the_agreed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
