#include "support/support.h"

#include "scoring/report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const nb_metrics first = {0.96, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0};
static const nb_metrics second = {0.9, 1.0 / 3, 0.4, 0.5, 0.6, 0.7, 0.0};

static nb_report sample(void)
{
    nb_report r = {.id_accuracy = 0.67035};
    nb_error err = {0};
    must(nb_report_add(&r, "Texturen f\xC3\xBCr \xE6\x9C\xA8", &first, &err), &err);
    must(nb_report_add(&r, "SUN", &second, &err), &err);
    return r;
}

static void adding_renews_the_mean(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r = sample();
    assert_int_equal(r.count, 2);
    assert_true(fabs(r.mean.auroc - 0.93) < 1e-15 && r.mean.average_precision_out == 0.5);
    must_fail(nb_report_add(&r, "SUN", &first, &err), NB_ERR_INPUT, &err, "twice");
    must_fail(nb_report_add(&r, "", &first, &err), NB_ERR_INPUT, &err, "empty");
    must_fail(nb_report_add(&r, "\xFF", &first, &err), NB_ERR_INPUT, &err, "UTF-8");
    assert_int_equal(r.count, 2);
    nb_report_free(&r);
    nb_report_free(NULL);
}

/* The wide sign takes two terminal columns and three bytes, so the rows differ in bytes and agree in columns. */
static void table_is_aligned(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_report r = sample();
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    must(nb_report_table(&r, f, &err), &err);
    fclose(f);
    assert_string_equal(
        text, "percent           AUROC  FPR95 id-positive  FPR95 ood-positive  AUPR-in  AUPR-out   AP-in  AP-out\n"
              "Texturen f\xC3\xBCr \xE6\x9C\xA8   96.00              10.00               20.00    30.00     40.00"
              "   50.00  100.00\n"
              "SUN               90.00              33.33               40.00    50.00     60.00   70.00    0.00\n"
              "mean              93.00              21.67               30.00    40.00     50.00   60.00   50.00\n"
              "ID accuracy       67.03\n");
    free(text);

    r.id_accuracy = (double)NAN;
    f = open_memstream(&text, &len);
    must(nb_report_table(&r, f, &err), &err);
    fclose(f);
    assert_non_null(strstr(text, "ID accuracy      unknown (no labels)\n"));
    free(text);

    f = fopen("/dev/full", "w");
    if (f) {
        must_fail(nb_report_table(&r, f, &err), NB_ERR_IO, &err, "table");
        fclose(f);
    }
    nb_report_free(&r);
    must_fail(nb_report_table(&r, stdout, &err), NB_ERR_INPUT, &err, "no OOD set");
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
    nb_report r = sample();
    const char *path = scratch_path("m.json");
    must(nb_report_json(&r, path, true, &err), &err);
    must_fail(nb_report_json(&r, path, false, &err), NB_ERR_USAGE, &err, "exists");
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), 3);
    json_t *datasets = json_object_get(root, "datasets");
    assert_int_equal(json_object_size(datasets), 2);
    assert_string_equal(json_object_iter_key(json_object_iter(datasets)), nb_strings_get(&r.names, 0));
    check_metrics(json_object_get(datasets, nb_strings_get(&r.names, 0)), &first);
    check_metrics(json_object_get(datasets, "SUN"), &second);
    check_metrics(json_object_get(root, "mean"), &r.mean);
    assert_true(json_real_value(json_object_get(root, "id_accuracy")) == 0.67035);
    json_decref(root);

    r.id_accuracy = (double)NAN;
    must(nb_report_json(&r, path, true, &err), &err);
    root = json_load_file(path, 0, NULL);
    assert_true(json_is_null(json_object_get(root, "id_accuracy")));
    json_decref(root);

    r.rows[1].aupr_in = (double)NAN;
    must_fail(nb_report_json(&r, path, true, &err), NB_ERR_NUMERIC, &err, "aupr_in of 'SUN'");
    nb_report_free(&r);
    must_fail(nb_report_json(&r, path, true, &err), NB_ERR_INPUT, &err, "no OOD set");
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
        cmocka_unit_test(adding_renews_the_mean),
        cmocka_unit_test(table_is_aligned),
        cmocka_unit_test(json_holds_every_bit),
        cmocka_unit_test(keys_are_the_agreed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
