/* The scores: golden data of the authors' code, extremes, and what is refused. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/kernels.h"
#include "common/store/npy.h"
#include "scoring/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bank in memory with the images to score. */
typedef struct fixture {
    nb_bank bank;
    float *images; /* [count, d] */
    size_t count;
    size_t *order; /* [count] or NULL */
} fixture;

static double *read_rows(const char *name, size_t *rows, size_t *width)
{
    nb_error err = {0};
    nb_npy npy;
    must(nb_npy_open(&npy, shared_path(name), &err), &err);
    double *out = calloc(npy.rows * npy.columns, sizeof *out);
    for (size_t i = 0; i < npy.rows * npy.columns; i++) {
        out[i] = nb_npy_at(&npy, i);
    }
    *rows = npy.rows;
    *width = npy.columns;
    nb_npy_close(&npy);
    return out;
}

static void normalise(double *rows, size_t count, size_t d)
{
    for (size_t i = 0; i < count; i++) {
        nb_normalise_row(rows + i * d, rows + i * d, d);
    }
}

static void append_images(fixture *f, const char *name)
{
    nb_error err = {0};
    size_t n, d;
    double *rows = read_rows(name, &n, &d);
    f->images = realloc(f->images, (f->count + n) * d * sizeof *f->images);
    for (size_t i = 0; i < n * d; i++) {
        f->images[f->count * d + i] = (float)rows[i];
    }
    must(nb_score_normalise(f->images + f->count * d, n, d, 0, "the images", &err), &err);
    f->count += n;
    free(rows);
}

static void open_golden(fixture *f)
{
    size_t n, d, width;
    *f = (fixture){0};
    f->bank.label_rows = read_rows("golden/methods/id_text.npy", &f->bank.label_count, &f->bank.d);
    d = f->bank.d;
    normalise(f->bank.label_rows, f->bank.label_count, d);
    double *texts = read_rows("golden/methods/texts.npy", &n, &width);
    normalise(texts, n, d);
    double *rows = read_rows("golden/methods/bank_rows.npy", &f->bank.negative_count, &width);
    f->bank.negative_rows = calloc(f->bank.negative_count * d, sizeof(double));
    for (size_t i = 0; i < f->bank.negative_count; i++) {
        memcpy(f->bank.negative_rows + i * d, texts + (size_t)rows[i] * d, d * sizeof(double));
    }
    append_images(f, "golden/methods/images_id.npy");
    append_images(f, "golden/methods/images_ood.npy");
    free(texts);
    free(rows);
}

static void close_fixture(fixture *f)
{
    free(f->bank.label_rows);
    free(f->bank.negative_rows);
    free(f->images);
    free(f->order);
}

static nb_score_settings defaults(const char *score)
{
    nb_score_settings s = nb_score_find(score)->defaults;
    return s;
}

/* Scores all images, in batches, in the fixture's order. */
static nb_score_result *score(const fixture *f, const char *name, nb_score_settings settings, size_t batch)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_stream *stream;
    size_t d = f->bank.d;
    nb_score_result *results = calloc(f->count, sizeof *results);
    float *ordered = calloc(f->count * d, sizeof *ordered);
    for (size_t i = 0; i < f->count; i++) {
        memcpy(ordered + i * d, f->images + (f->order ? f->order[i] : i) * d, d * sizeof *ordered);
    }
    must(nb_scorer_create(&scorer, &f->bank, nb_score_find(name), &settings, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    for (size_t at = 0; at < f->count; at += batch) {
        size_t n = f->count - at < batch ? f->count - at : batch;
        must(nb_stream_push(stream, ordered + at * d, n, results + at, &err), &err);
    }
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    free(ordered);
    return results;
}

static void check_golden(const fixture *f, const char *name, nb_score_settings settings, const char *expected)
{
    char path[128];
    size_t n, width;
    double worst = 0;
    snprintf(path, sizeof path, "golden/methods/score_%s.npy", expected);
    double *want = read_rows(path, &n, &width);
    assert_int_equal(n, f->count);
    nb_score_result *got = score(f, name, settings, 32);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(got[i].score - want[i]));
        assert_true(isnan(got[i].ood) || fabs(got[i].score + got[i].ood - 1) < 1e-12);
    }
    print_message("%s: %zu scores, largest difference %.2g\n", expected, n, worst);
    assert_true(worst <= 1e-5);
    free(want);
    free(got);
}

static void test_golden_batch(void **state)
{
    (void)state;
    fixture f;
    open_golden(&f);
    nb_score_settings s = defaults("mcm");
    check_golden(&f, "mcm", s, "mcm_t1");
    s.temperature = 0.01;
    check_golden(&f, "mcm", s, "mcm_t0.01");
    check_golden(&f, "max-logit", defaults("max-logit"), "max_logit");
    check_golden(&f, "energy", defaults("energy"), "energy_t0.01");
    static const size_t groups[] = {1, 5, 10, 20};
    for (size_t g = 0; g < 4; g++) {
        char name[64];
        s = defaults("neglabel");
        s.groups = groups[g];
        snprintf(name, sizeof name, "neglabel_g%zu", groups[g]);
        if (g < 3) {
            check_golden(&f, "neglabel", s, name);
        }
        static const double taus[] = {0.5, 0.9, 1};
        for (size_t t = 0; g >= 2 && t < 3; t++) {
            s = defaults("dnm");
            s.groups = groups[g];
            s.tau = taus[t];
            snprintf(name, sizeof name, "dnm_tau%.1f_g%zu", taus[t], groups[g]);
            check_golden(&f, "dnm", s, name);
        }
    }
    close_fixture(&f);
}

static void check_adaneg(fixture *f, const char *variant, nb_score_settings s)
{
    char name[64], path[128];
    size_t n, width, wrong = 0;
    snprintf(name, sizeof name, "adaneg_%s", variant);
    check_golden(f, "adaneg", s, name);
    snprintf(path, sizeof path, "golden/methods/pred_adaneg_%s.npy", variant);
    double *want = read_rows(path, &n, &width);
    nb_score_result *got = score(f, "adaneg", s, 32);
    for (size_t i = 0; i < n; i++) {
        wrong += got[i].label != (int32_t)want[i];
    }
    assert_int_equal(wrong, 0);
    free(want);
    free(got);
}

/* Settings of golden/methods/meta.json; the released code makes beta an integer. */
static void test_golden_adaneg(void **state)
{
    (void)state;
    fixture f;
    size_t n, width;
    open_golden(&f);
    double *order = read_rows("golden/methods/stream_order.npy", &n, &width);
    f.order = calloc(n, sizeof *f.order);
    for (size_t i = 0; i < n; i++) {
        f.order[i] = (size_t)order[i];
    }
    free(order);
    nb_score_settings base = defaults("adaneg"), s;
    base.beta = 5;
    base.memory = 4;
    check_adaneg(&f, "sample", base);
    s = base;
    s.proxies = NB_PROXIES_TASK;
    check_adaneg(&f, "task", s);
    s = base;
    s.groups = 1;
    s.combine = NB_COMBINE_ADAPTIVE;
    check_adaneg(&f, "only", s);
    s = base;
    s.memory = 10;
    s.combine = NB_COMBINE_PRODUCT;
    check_adaneg(&f, "mul", s);
    s = base;
    s.adaptive_gap = true;
    check_adaneg(&f, "adagap", s);
    s.memory = 10;
    s.proxies = NB_PROXIES_TASK;
    check_adaneg(&f, "adagap_task", s);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_batch),
        cmocka_unit_test(test_golden_adaneg),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
