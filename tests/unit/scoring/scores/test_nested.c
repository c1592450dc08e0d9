/* The nested score: the released code's numbers, the formula in double precision at any temperature, and ranks. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "scoring/bank/bank_ranks.h"
#include "scoring/scores/nested.h"
#include "scoring/scores/parameters.h"
#include "support/streams/method_bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void open_scorer(nb_scorer *out, const nb_bank *bank, const char *parameters)
{
    nb_error err = {0};
    nb_score_parameters p;
    must(nb_score_published(&p, nb_score_find("nested"), &err), &err);
    must(nb_parameters_parse(&p, parameters, &err), &err);
    must(nb_scorer_create(out, bank, &p, &err), &err);
}

static void test_golden(void **state)
{
    (void)state;
    static const int gammas[] = {0, 1, 2, 7};
    nb_error err = {0};
    method_bank m;
    method_bank_open(&m);
    size_t d = m.bank.d, n, count, width, *rows = golden_numbers("methods2/tanl_static_bank_rows.npy", &n);
    double *ranked = calloc(n * d, sizeof *ranked), *own = m.bank.negative_rows;
    nb_bank bank = m.bank;
    nb_score_result *got = calloc(m.count, sizeof *got);
    for (size_t i = 0; i < n; i++) {
        memcpy(ranked + i * d, m.texts + rows[i] * d, d * sizeof *ranked);
    }
    bank.negative_rows = ranked;
    bank.negative_count = n;
    assert_true(n <= m.bank.negative_count); /* for its criterion and tags */
    for (size_t g = 0; g < sizeof gammas / sizeof *gammas; g++) {
        char name[64], parameters[32];
        nb_scorer scorer;
        double worst = 0;
        snprintf(name, sizeof name, "methods2/tanl_static_gamma%d_score.npy", gammas[g]);
        snprintf(parameters, sizeof parameters, "gamma=%d", gammas[g]);
        double *want = golden_rows(name, &count, &width);
        assert_int_equal(count, m.count);
        open_scorer(&scorer, &bank, parameters);
        must(nb_scorer_run_float(&scorer, m.images, m.count, got, &err), &err);
        for (size_t i = 0; i < count; i++) {
            worst = fmax(worst, fabs(got[i].score - want[i]));
            assert_true(fabs(got[i].score + got[i].ood - 1) < 1e-6);
        }
        print_message("gamma %d: %zu scores, largest difference %.2g\n", gammas[g], count, worst);
        assert_true(worst <= 1e-5);
        nb_scorer_destroy(&scorer);
        free(want);
    }
    free(rows), free(ranked), free(got);
    m.bank.negative_rows = own;
    method_bank_close(&m);
}

/* The formula, a prefix at a time in the log domain. */
static void formula(const float *cosines, size_t count, double temperature, size_t step, double labels,
                    nb_score_result *out)
{
    double sum = -INFINITY, in = 0, ood = 0;
    size_t prefixes = 0;
    for (size_t i = 0; i < count; i++) {
        sum = nb_log_add(sum, (double)cosines[i] / temperature);
        if (i + 1 == count || (step && (i + 1) % step == 0)) {
            in += 1 / (1 + exp(sum - labels));
            ood += 1 / (1 + exp(labels - sum));
            prefixes++;
        }
    }
    *out = (nb_score_result){.score = in / (double)prefixes, .ood = ood / (double)prefixes};
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-5 * fabs(want) + 1e-300)) {
        fail_msg("%.17g is not %.17g", got, want);
    }
}

/* Any temperature, cut and order of magnitude of the labels; parts that are taken one by one or together. */
static void test_formula(void **state)
{
    (void)state;
    enum { MANY = 700 };
    static const double temperatures[] = {10, 1, 0.01, 0.002, 1e-4}, gaps[] = {-0.9, -0.1, 0, 0.2, 0.9};
    static const size_t steps[] = {0, 1, 2, 7, 699, 700, 5000}, counts[] = {1, 15, 16, 17, 512, 700};
    const nb_vector *vector = nb_vector_best();
    float cosines[MANY];
    for (size_t i = 0; i < MANY; i++) {
        cosines[i] = (float)(0.2 + 0.05 * nb_random_normal(3, 1, i));
    }
    for (size_t t = 0; t < 5; t++) {
        for (size_t s = 0; s < 7; s++) {
            for (size_t c = 0; c < 6; c++) {
                for (size_t g = 0; g < 5; g++) {
                    double labels = (0.2 + gaps[g]) / temperatures[t] + 3;
                    nb_nested one = nb_nested_begin(steps[s], temperatures[t], labels), two = one;
                    nb_score_result want, got;
                    size_t half = counts[c] / 3;
                    formula(cosines, counts[c], temperatures[t], steps[s], labels, &want);
                    nb_nested_add(&one, vector, cosines, counts[c]);
                    nb_nested_finish(&one, &got);
                    near(got.score, want.score);
                    near(got.ood, want.ood);
                    nb_nested_add(&two, vector, cosines, half);
                    nb_nested_add(&two, vector, cosines + half, counts[c] - half);
                    nb_nested_finish(&two, &got);
                    near(got.score, want.score);
                    near(got.ood, want.ood);
                }
            }
        }
    }
}

static void ranks(const double *values, const uint8_t *tags, size_t count, const size_t *want)
{
    nb_error err = {0};
    size_t *order;
    const nb_bank bank = {
        .negative_count = count, .criterion = (double *)(uintptr_t)values, .tags = (uint8_t *)(uintptr_t)tags};
    if (!want) {
        must_fail(nb_bank_ranks(&order, &bank, &err), NB_ERR_USAGE, &err, "the bank has no ranks");
        assert_null(order);
        return;
    }
    must(nb_bank_ranks(&order, &bank, &err), &err);
    assert_memory_equal(order, want, count * sizeof *want);
    free(order);
}

static void test_ranks(void **state)
{
    (void)state;
    static const uint8_t tags[] = {0, 0, 0, 1, 1}, one[5] = {0};
    ranks((double[]){5, 3, 3, 4, 1}, tags, 5, (size_t[]){0, 3, 1, 2, 4});
    ranks((double[]){1, 2, 3, 0, 2}, tags, 5, (size_t[]){3, 0, 1, 4, 2});
    ranks((double[]){2, 2, 2, 2, 2}, one, 5, (size_t[]){0, 1, 2, 3, 4});
    ranks((double[]){3, 2, 1, 0, -1}, NULL, 5, (size_t[]){0, 1, 2, 3, 4});
    ranks((double[]){2, 2, 2, 1, 1}, tags, 5, NULL); /* which tag is better? */
    ranks((double[]){1, 2, 3, 5, 4}, tags, 5, NULL); /* one rises, one falls */
    ranks((double[]){1, 3, 2, 4, 5}, one, 5, NULL);
    ranks((double[]){1, 2, (double)NAN, 4, 5}, one, 5, NULL);
    ranks(NULL, one, 5, NULL);
}

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scorer scorer;
    nb_score_parameters p;
    method_bank m;
    method_bank_open(&m);
    must(nb_score_published(&p, nb_score_find("nested"), &err), &err);
    must(nb_parameters_parse(&p, "gamma=1.5", &err), &err);
    must_fail(nb_scorer_create(&scorer, &m.bank, &p, &err), NB_ERR_USAGE, &err, "gamma 1.5 is no number");
    must(nb_parameters_parse(&p, "gamma=1", &err), &err);
    m.bank.criterion[3] = 7;
    must_fail(nb_scorer_create(&scorer, &m.bank, &p, &err), NB_ERR_USAGE, &err, "no ranks");
    method_bank_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_formula),
                                       cmocka_unit_test(test_ranks), cmocka_unit_test(test_refused)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
