/* OODD: the released code's scores, a queue by the plain formula, and odd streams. */
#include "support/support.h"

#include "common/linear/blas.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream.h"
#include "support/streams/method_bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nb_score_result *run(const nb_bank *bank, const char *parameters, const float *images, size_t count,
                            size_t batch)
{
    nb_error err = {0};
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    nb_score_result *out = calloc(count, sizeof *out);
    must(nb_score_published(&p, nb_score_find("oodd"), &err), &err);
    must(nb_parameters_parse(&p, parameters, &err), &err);
    must(nb_scorer_create(&scorer, bank, &p, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_push_batches(stream, images, count, batch, out, &err), &err);
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    return out;
}

static void test_golden(void **state)
{
    (void)state;
    static const struct {
        const char *name, *parameters;
        size_t batch;
    } cases[] = {{"neglabel_released", "groups=5,exclude-self=off", 64},
                 {"neglabel_small", "groups=5,queue=48,exclude-self=off", 32},
                 {"mcm_small", "base=mcm,temperature=1,queue=48,exclude-self=off", 32}};
    method_bank m;
    method_bank_open(&m);
    size_t n, width, d = m.bank.d, *order = golden_numbers("methods2/oodd_stream_order.npy", &n);
    float *images = calloc(n * d, sizeof *images);
    for (size_t i = 0; i < n; i++) {
        memcpy(images + i * d, m.images + order[i] * d, d * sizeof *images);
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char name[64];
        double worst = 0;
        size_t count;
        snprintf(name, sizeof name, "methods2/oodd_%s_score.npy", cases[c].name);
        double *want = golden_rows(name, &count, &width);
        nb_score_result *got = run(&m.bank, cases[c].parameters, images, n, cases[c].batch);
        assert_int_equal(count, n);
        for (size_t i = 0; i < n; i++) {
            worst = fmax(worst, fabs(got[i].score - want[i]));
            assert_true(isnan(got[i].ood));
        }
        print_message("%s: %zu scores, largest difference %.2g\n", cases[c].name, n, worst);
        assert_true(worst <= 1e-5);
        free(want), free(got);
    }
    free(order), free(images);
    method_bank_close(&m);
}

static int falling(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Every batch anew: the lowest base scores among all images so far, and all their cosines sorted. */
static void by_hand(const float *images, const nb_score_result *base, size_t count, size_t d, size_t batch,
                    size_t queue, size_t nearest, bool exclude, double *out)
{
    size_t *in = calloc(count, sizeof *in);
    double *cosines = calloc(count, sizeof *cosines);
    for (size_t at = 0; at < count; at += batch) {
        size_t seen = at + batch < count ? at + batch : count, held = 0;
        for (size_t i = 0; i < seen; i++) { /* in the queue: fewer than `queue` are before it */
            size_t before = 0;
            for (size_t k = 0; k < seen; k++) {
                before += base[k].score < base[i].score || (!(base[k].score > base[i].score) && k < i);
            }
            if (before < queue) {
                in[held++] = i;
            }
        }
        for (size_t i = at; i < seen; i++) {
            size_t n = 0;
            for (size_t q = 0; q < held; q++) {
                if (exclude && in[q] == i) {
                    continue;
                }
                double sum = 0;
                for (size_t k = 0; k < d; k++) {
                    sum += (double)images[i * d + k] * (double)images[in[q] * d + k];
                }
                cosines[n++] = sum;
            }
            qsort(cosines, n, sizeof *cosines, falling);
            out[i] = base[i].score - (n ? cosines[(nearest < n ? nearest : n) - 1] : 0);
        }
    }
    free(in), free(cosines);
}

static void check(const method_bank *m, size_t count, size_t batch, size_t queue, size_t nearest, bool exclude)
{
    nb_error err = {0};
    char text[96];
    nb_score_parameters p;
    nb_scorer base;
    size_t first = count > 200 ? 0 : m->count / 2 - count / 2; /* some of both kinds */
    const float *images = m->images + first * m->bank.d;
    nb_score_result *plain = calloc(count, sizeof *plain);
    double *want = calloc(count, sizeof *want);
    must(nb_score_published(&p, nb_score_find("neglabel"), &err), &err);
    must(nb_parameters_parse(&p, "groups=3,seed=5", &err), &err);
    must(nb_scorer_create(&base, &m->bank, &p, &err), &err);
    must(nb_scorer_run_float(&base, images, count, plain, &err), &err);
    by_hand(images, plain, count, m->bank.d, batch, queue, nearest, exclude, want);
    snprintf(text, sizeof text, "groups=3,seed=5,queue=%zu,nearest=%zu,exclude-self=%s", queue, nearest,
             exclude ? "on" : "off");
    nb_score_result *got = run(&m->bank, text, images, count, batch);
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs(got[i].score - want[i]) <= 1e-5);
        assert_int_equal(got[i].label, plain[i].label);
    }
    nb_scorer_destroy(&base);
    free(plain), free(want), free(got);
}

static void test_by_hand(void **state)
{
    (void)state;
    method_bank m;
    method_bank_open(&m);
    for (int exclude = 0; exclude < 2; exclude++) {
        check(&m, 150, 16, 20, 5, exclude);
        check(&m, 150, 1, 3, 1, exclude);
        check(&m, 1, 1, 20, 5, exclude);     /* one image */
        check(&m, 30, 100, 10, 5, exclude);  /* a batch larger than the stream */
        check(&m, 40, 10, 5000, 5, exclude); /* a queue longer than the stream */
        check(&m, 12, 3, 2, 200, exclude);   /* fewer rows than nearest asks for */
    }
    /* all images equal: they tie at the cut, and who came first stays */
    for (size_t i = 1; i < 40; i++) {
        memcpy(m.images + i * m.bank.d, m.images, m.bank.d * sizeof *m.images);
    }
    nb_score_result *same = run(&m.bank, "groups=3,queue=8", m.images, 40, 7);
    for (size_t i = 0; i < 40; i++) {
        assert_true(fabs(same[i].score - same[0].score) < 1e-6);
    }
    free(same);
    method_bank_close(&m);
}

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    method_bank m;
    method_bank_open(&m);
    must(nb_score_published(&p, nb_score_find("oodd"), &err), &err);
    must_fail(nb_parameters_parse(&p, "base=adaneg", &err), NB_ERR_USAGE, &err, "none of");
    err = (nb_error){0};
    must(nb_parameters_parse(&p, "base=debiased,groups=5", &err), &err);
    must(nb_scorer_create(&scorer, &m.bank, &p, &err), &err);
    must_fail(nb_stream_create(&stream, &scorer, &err), NB_ERR_USAGE, &err, "proxies");
    assert_null(stream);
    nb_scorer_destroy(&scorer);
    err = (nb_error){0};
    must(nb_parameters_parse(&p, "base=mcm", &err), &err);
    must(nb_scorer_create(&scorer, &m.bank, &p, &err), &err);
    assert_non_null(strstr(scorer.note, "mcm was published with 1"));
    nb_scorer_destroy(&scorer);
    method_bank_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_by_hand),
                                       cmocka_unit_test(test_refused)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
