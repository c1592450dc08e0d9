/* The criterion csp against the authors' own code (golden/methods2): values of every candidate, and what is selected.
 */
#include "support/support.h"

#include "common/linear/blas.h"
#include "common/store/npy.h"
#include "mining/criteria/criterion.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a .npy file, of unit length, in double. */
static double *unit_rows(const char *path, size_t *count, size_t *d)
{
    nb_error err = {0};
    nb_npy npy;
    must(nb_npy_open(&npy, path, &err), &err);
    *count = npy.rows;
    *d = npy.columns;
    double *out = calloc(npy.rows * npy.columns, sizeof *out);
    for (size_t i = 0; i < npy.rows; i++) {
        double norm = 0, *row = out + i * *d;
        for (size_t k = 0; k < *d; k++) {
            row[k] = nb_npy_at(&npy, i * *d + k);
            norm += row[k] * row[k];
        }
        for (size_t k = 0; k < *d; k++) {
            row[k] /= sqrt(norm);
        }
    }
    nb_npy_close(&npy);
    return out;
}

/* The criterion of candidates [count, d] by a quantile, by `tile` and by `exact`, which agree. */
static double *values_of(const char *rows_file, const char *quantile, size_t *count)
{
    nb_error err = {0};
    size_t d, labels;
    const nb_criterion *c = nb_criterion_find("csp");
    nb_parsed options = {0};
    const nb_command command = {.name = "mine", .more = nb_mining_row};
    char *words[] = {(char *)(uintptr_t) "--quantile", (char *)(uintptr_t)quantile};
    void *parameters, *state;
    double *rows = unit_rows(rows_file, count, &d);
    double *id = unit_rows(golden_path("methods2/csp_id_text.npy"), &labels, &d);
    nb_evidence evidence = {.d = d, .label_count = labels, .labels = id};
    must(nb_options_parse(&options, &command, (nb_command_list){0}, 2, words, &err), &err);
    must(nb_mining_parameters(&parameters, &c->parameters, &options, &err), &err);
    must(c->open(&state, &evidence, parameters, &err), &err);
    float *single = calloc(*count * d, sizeof *single);
    double *by_tile = calloc(*count, sizeof *by_tile), *exact = calloc(*count, sizeof *exact);
    for (size_t i = 0; i < *count * d; i++) {
        single[i] = (float)rows[i];
    }
    for (size_t at = 0; at < *count; at += NB_AFFINITY_TEXTS) {
        nb_text_tile tile = {.begin = at, .count = *count - at, .rows = single + at * d};
        double *column = by_tile + at;
        tile.count = tile.count < NB_AFFINITY_TEXTS ? tile.count : NB_AFFINITY_TEXTS;
        must(c->tile(state, &tile, &column, &err), &err);
    }
    must(c->exact(state, rows, *count, exact, &err), &err);
    for (size_t i = 0; i < *count; i++) {
        assert_true(fabs(by_tile[i] - exact[i]) <= nb_affinity_slack(d));
    }
    c->close(state);
    nb_parsed_free(&options);
    free(parameters), free(rows), free(id), free(single), free(by_tile);
    return exact;
}

static void check_values(const double *got, const char *file, size_t count)
{
    nb_error err = {0};
    nb_npy want;
    double worst = 0;
    size_t last = 0;
    must(nb_npy_open(&want, golden_path(file), &err), &err);
    assert_int_equal(want.rows, count);
    for (size_t i = 0; i < count; i++) {
        double y = nb_npy_at(&want, i);
        worst = fmax(worst, fabs(got[i] - y));
        last += y == 1; /* NOLINT: the release writes the number 1 */
        assert_int_equal(got[i] >= 1, y >= 1);
    }
    print_message("%s: off by %.1e; %zu of %zu lie within 0.95 of a label\n", file, worst, last, count);
    assert_true(worst < 1e-5);
    nb_npy_close(&want);
}

typedef struct ranked {
    double value;
    size_t row;
} ranked;

static int by_value(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    int order = (a->value > b->value) - (a->value < b->value);
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

/* The first `share` of rows [begin, end) by value are those of a list of the golden file; rows it counts from `base`.
 */
static void check_selected(const double *values, size_t begin, size_t end, double share, const json_t *list,
                           size_t base)
{
    size_t n = end - begin, kept = (size_t)(share * (double)n);
    ranked *order = calloc(n, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        order[i] = (ranked){values[begin + i], begin + i};
    }
    qsort(order, n, sizeof *order, by_value);
    for (size_t i = 0; i < kept; i++) {
        size_t want = (size_t)json_integer_value(json_array_get(list, base + i));
        if (order[i].row != want) { /* but where values are the same to single precision */
            assert_true(fabs(values[order[i].row] - values[want]) < 1e-6);
        }
    }
    free(order);
}

static json_t *golden_runs(void)
{
    json_t *json = json_load_file(golden_path("methods2/csp.json"), 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_released(void **state)
{
    (void)state;
    json_t *json = golden_runs();
    const json_t *run = json_object_get(json_object_get(json, "runs"), "sorted");
    const json_t *selected = json_object_get(run, "selected");
    size_t nouns = (size_t)json_integer_value(json_object_get(run, "nouns")), count;
    double *got = values_of(golden_path("methods2/csp_sorted_embeddings.npy"), "0.95", &count);
    check_values(got, "methods2/csp_sorted_criterion.npy", count);
    check_selected(got, 0, nouns, 0.15, selected, 0);
    check_selected(got, nouns, count, 0.15, selected, (size_t)(0.15 * (double)nouns));
    json_decref(json);
    free(got);
}

static void test_product(void **state)
{
    (void)state;
    json_t *json = golden_runs();
    const json_t *product = json_object_get(json_object_get(json, "runs"), "product");
    size_t count;
    double *got = values_of(golden_path("methods2/csp_product_embeddings.npy"), "0.95", &count);
    check_values(got, "methods2/csp_product_criterion.npy", count);
    check_selected(got, 0, count, 0.15, json_object_get(product, "selected_all"), 0);
    json_decref(json);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released),
        cmocka_unit_test(test_product),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
