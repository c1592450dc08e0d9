#include "support/support.h"

#include "common/base/random.h"
#include "scoring/files/score_file.h"
#include "scoring/metrics.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 320 };

/* A one-dimensional little-endian array of `count` items of the given dtype; the caller frees. */
static void *load_npy(const char *name, const char *dtype, size_t item, size_t count)
{
    nb_error err = {0};
    char *file = NULL;
    size_t len = 0;
    char path[128];
    snprintf(path, sizeof path, "methods/%s.npy", name);
    must(nb_file_read(golden_path(path), 1 << 20, &file, &len, &err), &err);
    assert_true(len > 10 && memcmp(file, "\x93NUMPY\x01", 7) == 0);
    size_t header = 10 + (size_t)(unsigned char)file[8] + 256 * (size_t)(unsigned char)file[9];
    assert_int_equal(len, header + item * count);
    file[header - 1] = '\0';
    assert_non_null(strstr(file + 10, dtype));
    void *data = malloc(item * count);
    assert_non_null(data);
    memcpy(data, file + header, item * count);
    free(file);
    return data;
}

static bool in_stream_order(const char *name)
{
    return strncmp(name, "adaneg", 6) == 0;
}

/* Row of images_id then images_ood that stands at position i of a score array. */
static size_t source_row(const char *name, const int64_t *order, size_t i)
{
    return in_stream_order(name) ? (size_t)order[i] : i;
}

static double want(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    assert_true(json_is_real(value));
    return json_real_value(value);
}

static void check_metrics(const char *name, const json_t *row, const int64_t *order)
{
    char file[64];
    snprintf(file, sizeof file, "score_%s", name);
    float *score = load_npy(file, "'<f4'", sizeof *score, 2 * IMAGES);
    double id[IMAGES];
    double ood[IMAGES];
    for (size_t i = 0; i < 2 * IMAGES; i++) {
        size_t r = source_row(name, order, i);
        (r < IMAGES ? &id[r] : &ood[r - IMAGES])[0] = (double)score[i];
    }
    static const char *const golden[NB_METRIC_COUNT] = {
        "auroc",
        "fpr95_id_positive",
        "fpr95_ood_positive",
        "aupr_in_trapezoid",
        "aupr_out_trapezoid",
        "average_precision_in",
        "average_precision_out",
    };
    nb_error err = {0};
    nb_metrics m;
    must(nb_metrics_compute(&m, id, IMAGES, ood, IMAGES, &err), &err);
    for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
        double difference = fabs(nb_metric_get(&m, k) - want(row, golden[k]));
        if (!(difference <= 1e-12)) {
            fail_msg("%s of %s is %.17g, expected %.17g", golden[k], name, nb_metric_get(&m, k), want(row, golden[k]));
        }
    }
    free(score);
}

static void check_accuracy(const char *name, const json_t *row, const int64_t *order)
{
    char file[64];
    snprintf(file, sizeof file, "pred_%s", name);
    int32_t *labels = load_npy("images_id_labels", "'<i4'", sizeof *labels, IMAGES);
    int32_t *classes = load_npy(file, "'<i4'", sizeof *classes, 2 * IMAGES);
    int32_t truth[2 * IMAGES];
    for (size_t i = 0; i < 2 * IMAGES; i++) {
        size_t r = source_row(name, order, i);
        truth[i] = r < IMAGES ? labels[r] : -1;
    }
    nb_scores scores = {.labels = truth, .classes = classes, .count = 2 * IMAGES};
    assert_true(fabs(nb_scores_accuracy(&scores) - want(row, "id_accuracy")) <= 1e-12);
    free(classes);
    free(labels);
}

static void golden_rows(void **state)
{
    (void)state;
    int64_t *order = load_npy("stream_order", "'<i8'", sizeof *order, 2 * IMAGES);
    json_error_t error;
    json_t *all = json_load_file(golden_path("methods/metrics.json"), 0, &error);
    assert_non_null(all);
    assert_int_equal(json_object_size(all), 20);
    const char *name;
    json_t *row;
    json_object_foreach(all, name, row)
    {
        check_metrics(name, row, order);
        if (in_stream_order(name)) {
            check_accuracy(name, row, order);
        }
    }
    json_decref(all);
    free(order);
}

static nb_metrics compute(const double *id, size_t id_count, const double *ood, size_t ood_count)
{
    nb_error err = {0};
    nb_metrics m;
    must(nb_metrics_compute(&m, id, id_count, ood, ood_count, &err), &err);
    return m;
}

static void separated_and_reversed(void **state)
{
    (void)state;
    const double high[] = {INFINITY, 5, 4, 3};
    const double low[] = {-INFINITY, 1, 2};
    nb_metrics m = compute(high, 4, low, 3);
    assert_true(m.auroc == 1 && m.aupr_in == 1 && m.aupr_out == 1);
    assert_true(m.average_precision_in == 1 && m.average_precision_out == 1);
    assert_true(m.fpr95_id_positive == 0 && m.fpr95_ood_positive == 0);
    m = compute(low, 3, high, 4);
    assert_true(m.auroc == 0 && m.fpr95_id_positive == 1 && m.fpr95_ood_positive == 1);
    /* precision at the three recalls: 1/5, 2/6, 3/7 */
    assert_true(fabs(m.average_precision_in - (1.0 / 5 + 2.0 / 6 + 3.0 / 7) / 3) < 1e-15);
}

/* One threshold only: every key equal, infinities and signed zeros included. */
static void all_tied(void **state)
{
    (void)state;
    const double keys[][5] = {
        {2, 2, 2, 2, 2}, {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY}, {0.0, -0.0, 0, -0.0, 0}};
    for (size_t i = 0; i < 3; i++) {
        nb_metrics m = compute(keys[i], 3, keys[i] + 3, 2);
        assert_true(m.auroc == 0.5);
        assert_true(m.fpr95_id_positive == 1 && m.fpr95_ood_positive == 1);
        assert_true(fabs(m.average_precision_in - 0.6) < 1e-15 && fabs(m.average_precision_out - 0.4) < 1e-15);
        assert_true(fabs(m.aupr_in - 0.8) < 1e-15 && fabs(m.aupr_out - 0.7) < 1e-15);
    }
}

/* Four thresholds share the recall 19/20 and accept none to three of the OOD images: the lowest one counts. */
static void nearest_recall_prefers_lower_threshold(void **state)
{
    (void)state;
    double id[20];
    for (size_t i = 0; i < 20; i++) {
        id[i] = (double)(100 - i);
    }
    id[19] = 0;
    const double ood[] = {81.5, 50, 40, -1};
    nb_metrics m = compute(id, 20, ood, 4);
    assert_true(m.fpr95_id_positive == 0.75);
    /* 3 ID: recalls 1/3, 2/3, 1; the nearest is 1, at the lowest ID key */
    m = compute(id, 3, ood, 4);
    assert_true(m.fpr95_id_positive == 0);
}

/* Every ID key tied with one OOD key: the curve is one straight run, and all its inner points are dropped, so that the
 * first point at 95 % recall is its end. */
static void straight_runs_are_dropped(void **state)
{
    (void)state;
    double id[40];
    double ood[40];
    for (size_t i = 0; i < 40; i++) {
        id[i] = (double)i;
        ood[i] = (double)i;
    }
    nb_metrics m = compute(id, 40, ood, 40);
    assert_true(m.fpr95_ood_positive == 1);
    /* one kink, at a recall of 38/40, exactly 0.95: that point stays */
    id[37] = 37.5;
    m = compute(id, 40, ood, 40);
    assert_true(m.fpr95_ood_positive == 37.0 / 40);
    assert_true(m.fpr95_id_positive == 38.0 / 40);
}

/* By counting all pairs, on random tied keys of odd sizes; the order of the input must not matter either. */
static void auroc_counts_pairs(void **state)
{
    (void)state;
    enum { ROUNDS = 60, MOST = 97 };
    double id[MOST];
    double ood[MOST];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        size_t n = 1 + nb_random_below(7, 1, round, MOST);
        size_t k = 1 + nb_random_below(7, 2, round, MOST);
        uint64_t levels = 1 + nb_random_below(7, 3, round, 30);
        double twice = 0;
        for (size_t i = 0; i < n; i++) {
            id[i] = (double)nb_random_below(round, 4, i, levels);
        }
        for (size_t i = 0; i < k; i++) {
            ood[i] = (double)nb_random_below(round, 5, i, levels);
            for (size_t j = 0; j < n; j++) {
                twice += id[j] > ood[i] ? 2 : id[j] == ood[i] ? 1 : 0;
            }
        }
        nb_metrics m = compute(id, n, ood, k);
        assert_true(m.auroc == twice / (2.0 * (double)n * (double)k));
        for (size_t i = 0; i < n / 2; i++) {
            double keep = id[i];
            id[i] = id[n - 1 - i];
            id[n - 1 - i] = keep;
        }
        nb_metrics again = compute(id, n, ood, k);
        assert_memory_equal(&m, &again, sizeof m);
    }
}

static void refuses_what_has_no_order(void **state)
{
    (void)state;
    const double keys[] = {1, 2, (double)NAN};
    nb_metrics m;
    nb_error err = {0};
    must_fail(nb_metrics_compute(&m, keys, 3, keys, 2, &err), NB_ERR_NUMERIC, &err, "ID row 3");
    must_fail(nb_metrics_compute(&m, keys, 2, keys, 3, &err), NB_ERR_NUMERIC, &err, "OOD row 3");
    must_fail(nb_metrics_compute(&m, keys, 0, keys, 2, &err), NB_ERR_INPUT, &err, "no ID images");
    must_fail(nb_metrics_compute(&m, keys, 2, NULL, 0, &err), NB_ERR_INPUT, &err, "no OOD images");
}

static void mean_of_rows(void **state)
{
    (void)state;
    const nb_metrics rows[] = {{1, 2, 3, 4, 5, 6, 7}, {3, 2, 1, 0, 1, 2, 3}};
    nb_metrics mean;
    nb_metrics_mean(&mean, rows, 2);
    assert_true(mean.auroc == 2 && mean.fpr95_id_positive == 2 && mean.fpr95_ood_positive == 2 && mean.aupr_in == 2);
    assert_true(mean.aupr_out == 3 && mean.average_precision_in == 4 && mean.average_precision_out == 5);
    nb_metrics_mean(&mean, rows, 0);
    assert_true(isnan(mean.auroc) && isnan(mean.average_precision_out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_rows),
        cmocka_unit_test(separated_and_reversed),
        cmocka_unit_test(all_tied),
        cmocka_unit_test(nearest_recall_prefers_lower_threshold),
        cmocka_unit_test(straight_runs_are_dropped),
        cmocka_unit_test(auroc_counts_pairs),
        cmocka_unit_test(refuses_what_has_no_order),
        cmocka_unit_test(mean_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
