/* NegRefine's score against the released code (golden/methods2), given the features of the pairs; what it asks for. */
#include "support/support.h"

#include "common/linear/blas.h"
#include "scoring/scores/parameters.h"
#include "scoring/scores/score.h"
#include "support/streams/method_bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The golden bank with its negatives in some order, and the features of all pairs. */
typedef struct world {
    nb_bank bank;
    float *images, *pairs; /* [count, d]; [labels, negatives, d] */
    size_t count, *place;  /* [negatives] of each in the golden file */
    size_t asked;
} world;

static nb_status embed_pair(void *self, size_t label, size_t negative, const float **row, nb_error *err)
{
    world *w = self;
    (void)err;
    *row = w->pairs + (label * w->bank.negative_count + w->place[negative]) * w->bank.d;
    w->asked++;
    return NB_OK;
}

static void open_world(world *w, const char *permutation)
{
    size_t d, n, pairs, permuted = 0, *order = permutation ? golden_numbers(permutation, &permuted) : NULL;
    *w = (world){0};
    w->bank.label_rows = golden_rows("methods2/negrefine_id_text.npy", &w->bank.label_count, &w->bank.d);
    double *rows = golden_rows("methods2/negrefine_bank.npy", &w->bank.negative_count, &d);
    w->images = golden_floats("methods2/negrefine_images.npy", &w->count, &d);
    w->pairs = golden_floats("methods2/negrefine_pair_features.npy", &pairs, &d);
    n = w->bank.negative_count;
    assert_int_equal(pairs, w->bank.label_count * n);
    w->place = calloc(n, sizeof *w->place);
    double *ordered = calloc(n * d, sizeof *ordered);
    for (size_t i = 0; i < n; i++) {
        w->place[i] = i < permuted ? order[i] : i;
        memcpy(ordered + i * d, rows + w->place[i] * d, d * sizeof *rows);
    }
    w->bank.negative_rows = ordered;
    free(rows), free(order);
}

static void close_world(world *w)
{
    free(w->bank.label_rows), free(w->bank.negative_rows);
    free(w->images), free(w->pairs), free(w->place);
}

static void open_scorer(nb_scorer *out, const nb_bank *bank, const char *parameters)
{
    nb_error err = {0};
    nb_score_parameters p;
    must(nb_score_published(&p, nb_score_find("negrefine"), &err), &err);
    must(nb_parameters_parse(&p, parameters, &err), &err);
    must(nb_scorer_create(out, bank, &p, &err), &err);
}

/* Scores all images, alone and together, and compares. */
static void check_golden(world *w, const char *parameters, const char *file, double most)
{
    nb_error err = {0};
    nb_scorer scorer;
    size_t count, width;
    double worst = 0, *want = golden_rows(file, &count, &width);
    nb_score_result *got = calloc(w->count, sizeof *got), one;
    const nb_pair_texts pairs = {.embed = embed_pair, .self = w};
    open_scorer(&scorer, &w->bank, parameters);
    scorer.pairs = &pairs;
    assert_int_equal(count, w->count);
    must(nb_scorer_run_float(&scorer, w->images, w->count, got, &err), &err);
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs(got[i].score - want[i]));
        must(nb_scorer_run_float(&scorer, w->images + i * w->bank.d, 1, &one, &err), &err);
        assert_true(fabs(one.score - got[i].score) < 1e-5 && one.label == got[i].label);
        assert_true(isnan(got[i].ood) && got[i].score >= 0 && got[i].score <= most);
    }
    print_message("%s: largest difference %.2g\n", file, worst);
    assert_true(worst < 1e-5);
    assert_true(w->asked >= w->count);
    nb_scorer_destroy(&scorer);
    free(want), free(got);
}

static void test_golden(void **state)
{
    (void)state;
    world w;
    open_world(&w, NULL);
    check_golden(&w, "groups=1", "methods2/negrefine_total_g1.npy", 3);
    close_world(&w);
    open_world(&w, "methods2/negrefine_g5_permutation.npy");
    check_golden(&w, "groups=5", "methods2/negrefine_total_g5.npy", 3);
    check_golden(&w, "groups=5,pair-weight=0", "methods2/negrefine_neglabel_g5.npy", 1);
    close_world(&w);
}

/* More pairs than the bank has: all of them; one negative; no features; a bank without negatives. */
static void test_limits(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    nb_scorer scorer;
    nb_score_result got;
    nb_score_parameters p;
    open_world(&w, NULL);
    const nb_pair_texts pairs = {.embed = embed_pair, .self = &w};
    open_scorer(&scorer, &w.bank, "groups=1,pair-labels=100,pair-negatives=1000");
    must_fail(nb_scorer_run_float(&scorer, w.images, 1, &got, &err), NB_ERR_USAGE, &err, "needs the checkpoint");
    scorer.pairs = &pairs;
    must(nb_scorer_run_float(&scorer, w.images, 1, &got, &err), &err);
    assert_int_equal(w.asked, w.bank.label_count * w.bank.negative_count);
    nb_scorer_destroy(&scorer);
    w.bank.negative_count = 0;
    must(nb_score_published(&p, nb_score_find("negrefine"), &err), &err);
    must_fail(nb_scorer_create(&scorer, &w.bank, &p, &err), NB_ERR_USAGE, &err, "needs a bank with negatives");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_limits),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
