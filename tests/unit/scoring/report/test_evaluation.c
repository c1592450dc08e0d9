/* Plans, samples, and the bootstrap beside resampling done the long way. */
#include "support/support.h"

#include "common/base/random.h"
#include "scoring/report/bootstrap.h"
#include "scoring/report/evaluation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_strings list(const char *const *words)
{
    nb_strings out = {0};
    nb_error err = {0};
    for (; *words; words++) {
        must(nb_strings_push(&out, *words, strlen(*words), &err), &err);
    }
    return out;
}

static nb_status plan_of(nb_eval_plan *plan, const char *const *ids, const char *const *oods,
                         const char *const *streams, nb_error *err)
{
    nb_strings i = list(ids);
    nb_strings o = list(oods);
    nb_strings s = list(streams);
    nb_status status = nb_eval_plan_read(plan, &i, &o, &s, err);
    nb_strings_free(&i);
    nb_strings_free(&o);
    nb_strings_free(&s);
    return status;
}

#define LIST(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define NONE                                                                                                           \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        NULL                                                                                                           \
    }

static void plans_of_runs(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_eval_plan p;
    must(plan_of(&p, LIST("i0", "i1"), LIST("near:a=a0", "b=b=0", "b=b1", "near:a=a1"), NONE, &err), &err);
    assert_int_equal(p.run_count, 2);
    assert_int_equal(p.set_count, 2);
    assert_string_equal(nb_strings_get(&p.groups, 0), "near");
    assert_string_equal(nb_strings_get(&p.groups, 1), "");
    assert_string_equal(nb_eval_plan_path(&p, 0, 0), "a0");
    assert_string_equal(nb_eval_plan_path(&p, 0, 1), "b=0");
    assert_string_equal(nb_eval_plan_path(&p, 1, 0), "a1");
    assert_string_equal(nb_eval_plan_path(&p, 1, 1), "b1");
    nb_eval_plan_free(&p);
    must(plan_of(&p, NONE, NONE, LIST("a=1", "b=2", "a=3", "b=4"), &err), &err);
    assert_true(p.streams && p.run_count == 2 && p.set_count == 2);
    assert_string_equal(nb_eval_plan_path(&p, 1, 1), "4");
    nb_eval_plan_free(&p);
    must(plan_of(&p, LIST("i"), LIST("a=x"), NONE, &err), &err);
    must(nb_eval_plan_repeat(&p, 200, &err), &err);
    assert_int_equal(p.run_count, 200);
    assert_string_equal(nb_eval_plan_path(&p, 199, 0), "x");
    assert_string_equal(nb_strings_get(&p.ids, 199), "i");
    nb_eval_plan_free(&p);
}

static void plans_that_are_none(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_eval_plan p;
    must_fail(plan_of(&p, NONE, LIST("a=x"), NONE, &err), NB_ERR_USAGE, &err, "needs --id FILE");
    must_fail(plan_of(&p, LIST("i"), NONE, NONE, &err), NB_ERR_USAGE, &err, "needs --ood NAME=FILE");
    must_fail(plan_of(&p, LIST("i"), NONE, LIST("a=x"), &err), NB_ERR_USAGE, &err, "--stream stands for");
    must_fail(plan_of(&p, LIST("i"), LIST("x"), NONE, &err), NB_ERR_USAGE, &err, "is not NAME=FILE");
    must_fail(plan_of(&p, LIST("i"), LIST("a="), NONE, &err), NB_ERR_USAGE, &err, "is not NAME=FILE");
    must_fail(plan_of(&p, LIST("i"), LIST(":a=x"), NONE, &err), NB_ERR_USAGE, &err, "is not NAME=FILE");
    must_fail(plan_of(&p, LIST("i"), LIST("far:=x"), NONE, &err), NB_ERR_USAGE, &err, "is not NAME=FILE");
    must_fail(plan_of(&p, LIST("i"), LIST("a=x", "a=y"), NONE, &err), NB_ERR_INPUT, &err, "'a' is given twice");
    must_fail(plan_of(&p, LIST("i", "j"), LIST("a=x"), NONE, &err), NB_ERR_USAGE, &err, "fewer files");
    must_fail(plan_of(&p, LIST("i", "j"), LIST("a=x", "a=y", "a=z"), NONE, &err), NB_ERR_USAGE, &err, "more files");
    must_fail(plan_of(&p, NONE, NONE, LIST("a=x", "a=y", "b=z"), &err), NB_ERR_USAGE, &err, "'b' has fewer");
    must_fail(plan_of(&p, LIST("i", "j"), LIST("near:a=x", "far:a=y"), NONE, &err), NB_ERR_USAGE, &err,
              "stands in group 'near'");
}

/* Scores of n images named by number: probabilities on `levels` levels, so that keys tie. */
static nb_scores scores_of(size_t n, uint64_t stream, uint64_t levels, bool labelled)
{
    nb_error err = {0};
    nb_scores s = {.count = n};
    s.labels = nb_alloc(n, sizeof *s.labels, &err);
    s.classes = nb_alloc(n, sizeof *s.classes, &err);
    s.score = nb_alloc(n, sizeof *s.score, &err);
    s.ood_score = nb_alloc(n, sizeof *s.ood_score, &err);
    assert_true(s.labels && s.classes && s.score && s.ood_score);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "%08zu", i);
        must(nb_strings_push(&s.images, name, (size_t)len, &err), &err);
        s.labels[i] = labelled ? (int32_t)(i % 3) : -1;
        s.classes[i] = (int32_t)nb_random_below(stream, 1, i, 3);
        uint64_t extra = labelled ? 2 : 0;
        s.score[i] = (double)(1 + extra + nb_random_below(stream, 2, i, levels)) / (double)(levels + 4);
        s.ood_score[i] = 1 - s.score[i];
    }
    return s;
}

static void evaluation_of(nb_evaluation *e, nb_eval_plan *plan, size_t n, uint64_t levels)
{
    nb_error err = {0};
    must(plan_of(plan, LIST("id"), LIST("near:a=a", "far:b=b"), NONE, &err), &err);
    must(nb_evaluation_begin(e, plan, false, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        nb_scores s = scores_of(n + 7 * i, i, levels, i == 0);
        must(nb_evaluation_take(e, i, &(nb_sample_source){"file", 3, i == 0}, &s, &err), &err);
    }
    must(nb_evaluation_check(e, &err), &err);
    assert_true(e->odds);
}

/* The keys of a sample, image i as often as it was drawn. */
static double *drawn(const nb_sample *s, uint64_t stream, uint64_t resample)
{
    nb_error err = {0};
    size_t n = s->scores.count;
    uint32_t *weight = nb_alloc(n, sizeof *weight, &err);
    double *keys = nb_alloc(n, sizeof *keys, &err);
    size_t at = 0;
    assert_true(weight && keys);
    nb_bootstrap_draw(weight, s->by_name, n, 9, stream, resample);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < weight[i]; k++) {
            assert_true(at < n);
            keys[at++] = s->keys[i];
        }
    }
    assert_int_equal(at, n);
    free(weight);
    return keys;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every interval equals that of metrics computed from the drawn images themselves, bit for bit. */
static void bootstrap_equals_resampling(void **state)
{
    (void)state;
    enum { RESAMPLES = 40, MOST = 8 };
    nb_error err = {0};
    static const uint64_t levels[] = {5, 1000000};
    for (size_t t = 0; t < 2; t++) {
        nb_eval_plan plan;
        nb_evaluation e;
        nb_report r;
        evaluation_of(&e, &plan, 151, levels[t]);
        const nb_bootstrap how = {RESAMPLES, 0.9, 9};
        must(nb_evaluation_report(&e, &plan, &how, &r, &err), &err);
        double values[5][NB_METRIC_COUNT][RESAMPLES];
        for (size_t b = 0; b < RESAMPLES; b++) {
            nb_metrics rows[2];
            nb_metrics lines[5];
            for (size_t set = 0; set < 2; set++) {
                double *id = drawn(&e.samples[0], 0, b);
                double *ood = drawn(&e.samples[1 + set], 1 + set, b);
                must(nb_metrics_compute(&rows[set], id, e.samples[0].scores.count, ood, e.samples[1 + set].scores.count,
                                        &err),
                     &err);
                free(id);
                free(ood);
            }
            nb_report_lines(&r, rows, lines);
            for (size_t l = 0; l < 5; l++) {
                for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
                    values[l][k][b] = nb_metric_get(&lines[l], k);
                }
            }
        }
        for (size_t l = 0; l < 5; l++) {
            for (size_t k = 0; k < NB_METRIC_COUNT; k++) {
                qsort(values[l][k], RESAMPLES, sizeof(double), ascending);
                const nb_figure *f = nb_report_figure(&r, l, k);
                assert_true(f->low == nb_bootstrap_quantile(values[l][k], RESAMPLES, (1 - 0.9) / 2));
                assert_true(f->high == nb_bootstrap_quantile(values[l][k], RESAMPLES, 1 - (1 - 0.9) / 2));
                assert_true(f->low <= f->high);
            }
        }
        assert_true(r.accuracy.low <= r.accuracy.value && r.accuracy.value <= r.accuracy.high);
        nb_report_free(&r);
        nb_evaluation_free(&e);
        nb_eval_plan_free(&plan);
    }
}

static void quantiles(void **state)
{
    (void)state;
    const double x[] = {1, 2, 4, 8};
    assert_true(nb_bootstrap_quantile(x, 4, 0) == 1 && nb_bootstrap_quantile(x, 4, 1) == 8);
    assert_true(nb_bootstrap_quantile(x, 4, 0.5) == 3);
    assert_true(nb_bootstrap_quantile(x, 1, 0.3) == 1);
}

/* Draws are uniform: over many resamples every image is drawn about once a resample. */
static void draws_are_uniform(void **state)
{
    (void)state;
    enum { IMAGES = 101, ROUNDS = 4000 };
    uint32_t order[IMAGES];
    uint32_t weight[IMAGES];
    uint64_t total[IMAGES] = {0};
    for (uint32_t i = 0; i < IMAGES; i++) {
        order[i] = i;
    }
    for (uint64_t b = 0; b < ROUNDS; b++) {
        nb_bootstrap_draw(weight, order, IMAGES, 3, 0, b);
        for (size_t i = 0; i < IMAGES; i++) {
            total[i] += weight[i];
        }
    }
    for (size_t i = 0; i < IMAGES; i++) { /* a standard deviation is 63 */
        assert_true(total[i] > ROUNDS - 320 && total[i] < ROUNDS + 320);
    }
}

/* The interval of the AUROC is about that of its standard error (Hanley and McNeil, 1982). */
static void intervals_have_the_right_width(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_eval_plan plan;
    nb_evaluation e;
    nb_report r;
    evaluation_of(&e, &plan, 2000, 12);
    const nb_bootstrap how = {1000, 0.95, 1};
    must(nb_evaluation_report(&e, &plan, &how, &r, &err), &err);
    const nb_figure *f = nb_report_figure(&r, 0, 0);
    double a = f->value, q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
    double error = sqrt((a * (1 - a) + 1999 * (q1 - a * a) + 2006 * (q2 - a * a)) / (2000.0 * 2007.0));
    double width = (f->high - f->low) / (2 * 1.96 * error);
    assert_true(width > 0.8 && width < 1.2);
    nb_report_free(&r);
    nb_evaluation_free(&e);
    nb_eval_plan_free(&plan);
}

/* Rows in another order, as after a stream, give the same intervals. */
static void order_of_rows_does_not_matter(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_eval_plan plan;
    nb_evaluation e;
    nb_report r;
    nb_report again;
    const nb_bootstrap how = {20, 0.95, 1};
    evaluation_of(&e, &plan, 100, 50);
    must(nb_evaluation_report(&e, &plan, &how, &r, &err), &err);
    nb_scores from = e.samples[1].scores;
    nb_scores reordered = {.count = from.count};
    reordered.labels = nb_alloc(from.count, 4, &err);
    reordered.classes = nb_alloc(from.count, 4, &err);
    reordered.score = nb_alloc(from.count, 8, &err);
    reordered.ood_score = nb_alloc(from.count, 8, &err);
    for (size_t i = 0; i < from.count; i++) {
        size_t k = from.count - 1 - i;
        must(nb_strings_push(&reordered.images, nb_strings_get(&from.images, k), 8, &err), &err);
        reordered.labels[i] = from.labels[k];
        reordered.classes[i] = from.classes[k];
        reordered.score[i] = from.score[k];
        reordered.ood_score[i] = from.ood_score[k];
    }
    free(e.samples[1].keys);
    free(e.samples[1].by_name);
    free(e.samples[1].path);
    e.samples[1] = (nb_sample){0};
    must(nb_evaluation_take(&e, 1, &(nb_sample_source){"file", 3, false}, &reordered, &err), &err);
    nb_scores_free(&from);
    must(nb_evaluation_report(&e, &plan, &how, &again, &err), &err);
    for (size_t i = 0; i < r.line_count * NB_METRIC_COUNT; i++) {
        assert_true(r.figures[i].value == again.figures[i].value && r.figures[i].low == again.figures[i].low &&
                    r.figures[i].high == again.figures[i].high);
    }
    nb_report_free(&r);
    nb_report_free(&again);
    nb_evaluation_free(&e);
    nb_eval_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_of_runs),
        cmocka_unit_test(plans_that_are_none),
        cmocka_unit_test(bootstrap_equals_resampling),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(intervals_have_the_right_width),
        cmocka_unit_test(order_of_rows_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
