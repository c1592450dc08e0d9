/* The scores: golden data of the authors' code, extremes, and what is refused. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/adaneg_memory.h"
#include "scoring/streams/stream.h"

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
    must(nb_npy_open(&npy, golden_path(name), &err), &err);
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
    f->bank.label_rows = read_rows("methods/id_text.npy", &f->bank.label_count, &f->bank.d);
    d = f->bank.d;
    normalise(f->bank.label_rows, f->bank.label_count, d);
    double *texts = read_rows("methods/texts.npy", &n, &width);
    normalise(texts, n, d);
    double *rows = read_rows("methods/bank_rows.npy", &f->bank.negative_count, &width);
    f->bank.negative_rows = calloc(f->bank.negative_count * d, sizeof(double));
    for (size_t i = 0; i < f->bank.negative_count; i++) {
        memcpy(f->bank.negative_rows + i * d, texts + (size_t)rows[i] * d, d * sizeof(double));
    }
    append_images(f, "methods/images_id.npy");
    append_images(f, "methods/images_ood.npy");
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

static nb_score_parameters defaults(const char *score)
{
    nb_error err = {0};
    nb_score_parameters p;
    must(nb_score_published(&p, nb_score_find(score), &err), &err);
    return p;
}

static void set(nb_score_parameters *p, const char *text)
{
    nb_error err = {0};
    must(nb_parameters_parse(p, text, &err), &err);
}

/* The value of a parameter as text. */
static const char *value_of(const nb_score_parameters *p, const char *name)
{
    static char text[32];
    nb_error err = {0};
    nb_buffer out = {0};
    const nb_option *row = nb_parameter_find(p->rule, name);
    assert_non_null(row);
    must(nb_parameter_format(&out, p, row, &err), &err);
    snprintf(text, sizeof text, "%s", out.data);
    nb_buffer_free(&out);
    return text;
}

/* Many batches in one call score as they do one by one. */
static void same_together(const nb_scorer *scorer, const float *images, size_t count, size_t batch,
                          const nb_score_result *alone)
{
    nb_error err = {0};
    nb_stream *stream;
    nb_score_result *results = calloc(count, sizeof *results);
    must(nb_stream_create(&stream, scorer, &err), &err);
    for (size_t at = 0, most = 3 * batch; at < count; at += most) {
        size_t n = count - at < most ? count - at : most;
        must(nb_stream_push_batches(stream, images + at * scorer->d, n, batch, results + at, &err), &err);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(results[i].label, alone[i].label);
        assert_true(fabs(results[i].score - alone[i].score) <= 1e-6 * (1 + fabs(alone[i].score)));
    }
    nb_stream_destroy(stream);
    free(results);
}

/* Scores all images, in batches, in the fixture's order. */
static nb_score_result *score(const fixture *f, nb_score_parameters settings, size_t batch)
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
    must(nb_scorer_create(&scorer, &f->bank, &settings, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    for (size_t at = 0; at < f->count; at += batch) {
        size_t n = f->count - at < batch ? f->count - at : batch;
        must(nb_stream_push(stream, ordered + at * d, n, results + at, &err), &err);
    }
    nb_stream_destroy(stream);
    same_together(&scorer, ordered, f->count, batch, results);
    nb_scorer_destroy(&scorer);
    free(ordered);
    return results;
}

static void check_golden(const fixture *f, nb_score_parameters settings, const char *expected)
{
    char path[128];
    size_t n, width;
    double worst = 0;
    snprintf(path, sizeof path, "methods/score_%s.npy", expected);
    double *want = read_rows(path, &n, &width);
    assert_int_equal(n, f->count);
    nb_score_result *got = score(f, settings, 32);
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
    nb_score_parameters s = defaults("mcm");
    check_golden(&f, s, "mcm_t1");
    s.shared.temperature = 0.01;
    check_golden(&f, s, "mcm_t0.01");
    check_golden(&f, defaults("max-logit"), "max_logit");
    check_golden(&f, defaults("energy"), "energy_t0.01");
    static const size_t groups[] = {1, 5, 10, 20};
    for (size_t g = 0; g < 4; g++) {
        char name[64];
        s = defaults("neglabel");
        s.shared.groups = groups[g];
        snprintf(name, sizeof name, "neglabel_g%zu", groups[g]);
        if (g < 3) {
            check_golden(&f, s, name);
        }
        static const double taus[] = {0.5, 0.9, 1};
        for (size_t t = 0; g >= 2 && t < 3; t++) {
            s = defaults("dnm");
            s.shared.groups = groups[g];
            char tau[32];
            snprintf(tau, sizeof tau, "tau=%.15g", taus[t]);
            set(&s, tau);
            snprintf(name, sizeof name, "dnm_tau%.1f_g%zu", taus[t], groups[g]);
            check_golden(&f, s, name);
        }
    }
    close_fixture(&f);
}

static void check_adaneg(fixture *f, const char *variant, nb_score_parameters s)
{
    char name[64], path[128];
    size_t n, width, wrong = 0;
    snprintf(name, sizeof name, "adaneg_%s", variant);
    check_golden(f, s, name);
    snprintf(path, sizeof path, "methods/pred_adaneg_%s.npy", variant);
    double *want = read_rows(path, &n, &width);
    nb_score_result *got = score(f, s, 32);
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
    double *order = read_rows("methods/stream_order.npy", &n, &width);
    f.order = calloc(n, sizeof *f.order);
    for (size_t i = 0; i < n; i++) {
        f.order[i] = (size_t)order[i];
    }
    free(order);
    nb_score_parameters base = defaults("adaneg"), s;
    set(&base, "beta=5,memory=4");
    check_adaneg(&f, "sample", base);
    s = base;
    set(&s, "proxies=task");
    check_adaneg(&f, "task", s);
    s = base;
    s.shared.groups = 1;
    set(&s, "combine=adaptive");
    check_adaneg(&f, "only", s);
    s = base;
    set(&s, "memory=10,combine=product");
    check_adaneg(&f, "mul", s);
    s = base;
    set(&s, "adaptive-gap=on");
    check_adaneg(&f, "adagap", s);
    set(&s, "memory=10");
    set(&s, "proxies=task");
    check_adaneg(&f, "adagap_task", s);
    close_fixture(&f);
}

/* ---- extremes ---- */

/* A random bank, and images that are a text, its opposite, or lean to one. */
static void draw(fixture *f, size_t labels, size_t negatives, size_t images, size_t d)
{
    *f = (fixture){.bank = {.d = d, .label_count = labels, .negative_count = negatives, .tau = (double)NAN}};
    double *rows = calloc((labels + negatives) * d, sizeof *rows);
    for (size_t i = 0; i < (labels + negatives) * d; i++) {
        rows[i] = nb_random_normal(11, 1, i);
    }
    normalise(rows, labels + negatives, d);
    f->bank.label_rows = calloc(labels * d, sizeof *rows);
    f->bank.negative_rows = calloc(negatives * d, sizeof *rows);
    memcpy(f->bank.label_rows, rows, labels * d * sizeof *rows);
    memcpy(f->bank.negative_rows, rows + labels * d, negatives * d * sizeof *rows);
    f->count = images;
    f->images = calloc(images * d, sizeof *f->images);
    for (size_t i = 0; i < images; i++) {
        const double *text = rows + i % (labels + negatives) * d;
        double lean = i % 3 == 0 ? 1 : i % 3 == 1 ? -1 : 0.3;
        for (size_t k = 0; k < d; k++) {
            f->images[i * d + k] = (float)(lean * text[k] + (i % 3 == 2 ? nb_random_normal(11, 2, i * d + k) : 0));
        }
    }
    nb_error err = {0};
    must(nb_score_normalise(f->images, images, d, 0, "the images", &err), &err);
    free(rows);
}

static const char *const names[] = {"neglabel", "dnm", "mcm", "max-logit", "energy", "adaneg", "interneg"};
enum { NAMES = sizeof names / sizeof *names };

/* No overflow and no NaN at any temperature, number of labels, negatives or groups; scores and complements agree. */
static void test_extremes(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1}, {1, 7, 3}, {5, 1, 1}, {3, 40, 40}, {700, 1100, 7}};
    static const double temperatures[] = {1e-6, 0.001, 0.01, 1, 1e6};
    for (size_t h = 0; h < sizeof shapes / sizeof *shapes; h++) {
        fixture f;
        draw(&f, shapes[h][0], shapes[h][1], 60, 20);
        for (size_t n = 0; n < NAMES; n++) {
            for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
                nb_score_parameters s = defaults(names[n]);
                s.shared.temperature = temperatures[t];
                s.shared.groups = shapes[h][2];
                if (nb_parameter_find(s.rule, "tau")) {
                    set(&s, "tau=0.9"); /* rho stays under 1 with one label */
                }
                nb_score_result *r = score(&f, s, 32);
                for (size_t i = 0; i < f.count; i++) {
                    assert_true(isfinite(r[i].score) && r[i].label >= 0 && (size_t)r[i].label < shapes[h][0]);
                    assert_true(isnan(r[i].ood) || (r[i].ood >= 0 && fabs(r[i].score + r[i].ood - 1) < 1e-12));
                }
                free(r);
            }
        }
        close_fixture(&f);
    }
}

/* 1 - score keeps its precision where the score itself is 1 to all digits. */
static void test_complement(void **state)
{
    (void)state;
    double label[] = {1, 0, 0, 1}, negative[] = {0, 1, 0, 1}; /* the image is label 0 */
    float image[] = {1, 0};
    fixture f = {
        .bank = {.d = 2, .label_count = 2, .negative_count = 2, .label_rows = label, .negative_rows = negative},
        .images = image,
        .count = 1};
    nb_score_parameters s = defaults("mcm");
    s.shared.temperature = 0.01; /* logits 100 and 0 */
    nb_score_result *r = score(&f, s, 1);
    assert_true(r->score == 1 && fabs(r->ood / exp(-100) - 1) < 1e-9);
    free(r);
    s = defaults("neglabel");
    s.shared.groups = 2;
    r = score(&f, s, 1);
    assert_true(r->score == 1 && fabs(r->ood / exp(-100) - 1) < 1e-6);
    free(r);
}

/* An image's bits do not depend on how many batches stand before it. */
static void test_batches(void **state)
{
    (void)state;
    nb_error err = {0};
    fixture f;
    nb_scorer scorer;
    draw(&f, 50, 700, 3 * NB_SCORE_BATCH + 5, 33);
    nb_score_parameters s = defaults("neglabel");
    must(nb_scorer_create(&scorer, &f.bank, &s, &err), &err);
    nb_score_result *all = calloc(f.count, sizeof *all), *one = calloc(f.count, sizeof *one);
    must(nb_scorer_run_float(&scorer, f.images, f.count, all, &err), &err);
    for (size_t at = 0; at < f.count; at += NB_SCORE_BATCH) {
        size_t n = f.count - at < NB_SCORE_BATCH ? f.count - at : NB_SCORE_BATCH;
        must(nb_scorer_run_float(&scorer, f.images + at * 33, n, one + at, &err), &err);
    }
    for (size_t i = 0; i < f.count; i++) {
        assert_true(all[i].score == one[i].score && all[i].ood == one[i].ood && all[i].label == one[i].label);
    }
    free(all);
    free(one);
    nb_scorer_destroy(&scorer);
    close_fixture(&f);
}

/* ---- what is refused, and what dnm repairs ---- */

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    fixture f;
    nb_scorer scorer;
    nb_score_result result;
    draw(&f, 4, 10, 3, 8);
    nb_score_parameters s = defaults("neglabel");
    s.shared.groups = 11;
    must_fail(nb_scorer_create(&scorer, &f.bank, &s, &err), NB_ERR_USAGE, &err, "11 groups");
    s.shared.groups = 0;
    must_fail(nb_scorer_create(&scorer, &f.bank, &s, &err), NB_ERR_USAGE, &err, "0 groups");
    s.shared.groups = 1;
    s.shared.temperature = 0;
    must_fail(nb_scorer_create(&scorer, &f.bank, &s, &err), NB_ERR_USAGE, &err, "temperature 0");
    s = defaults("adaneg");
    must_fail(nb_parameters_parse(&s, "memory=1", &err), NB_ERR_USAGE, &err, "memory: '1'");
    memset(s.block + nb_parameter_find(s.rule, "memory")->offset, 0, sizeof(size_t)); /* past the bounds of its row */
    must_fail(nb_scorer_create(&scorer, &f.bank, &s, &err), NB_ERR_USAGE, &err, "memory 0");
    set(&s, "memory=10");
    must(nb_scorer_create(&scorer, &f.bank, &s, &err), &err);
    must_fail(nb_scorer_run_float(&scorer, f.images, 1, &result, &err), NB_ERR_USAGE, &err, "stream");
    nb_scorer_destroy(&scorer);
    f.images[9] = NAN;
    must_fail(nb_score_normalise(f.images, 3, 8, 5, "'x'", &err), NB_ERR_NUMERIC, &err, "row 6 of 'x'");
    f.images[9] = INFINITY;
    must_fail(nb_score_normalise(f.images, 3, 8, 0, "'x'", &err), NB_ERR_NUMERIC, &err, "row 1");
    memset(f.images + 16, 0, 8 * sizeof *f.images);
    must_fail(nb_score_normalise(f.images + 16, 1, 8, 2, "'x'", &err), NB_ERR_NUMERIC, &err, "norm 0");
    assert_null(nb_score_find("best"));
    close_fixture(&f);
}

static double rho(double negatives, double groups, double labels, double tau)
{
    return floor(negatives / groups) * (1 - tau) / (labels * tau);
}

/* G is raised to the smallest that brings rho under 1, and the ranking is NegLabel's within one group size. */
static void test_dnm_groups(void **state)
{
    (void)state;
    nb_error err = {0};
    fixture f;
    nb_scorer scorer;
    draw(&f, 6, 100, 3, 8);
    static const double taus[] = {0.12, 0.3, 0.5, 0.9, 1};
    for (size_t t = 0; t < 5; t++) {
        for (size_t groups = 1; groups <= 100; groups++) {
            nb_score_parameters s = defaults("dnm");
            char tau[32];
            snprintf(tau, sizeof tau, "tau=%.15g", taus[t]);
            set(&s, tau);
            s.shared.groups = groups;
            nb_status status = nb_scorer_create(&scorer, &f.bank, &s, &err);
            if (rho(100, 100, 6, taus[t]) >= 1) {
                must_fail(status, NB_ERR_USAGE, &err, "rho");
                continue;
            }
            must(status, &err);
            size_t got = scorer.parameters.shared.groups;
            assert_true(rho(100, (double)got, 6, taus[t]) < 1 && got >= groups && scorer.asked_groups == groups);
            assert_true(got == groups || rho(100, (double)got - 1, 6, taus[t]) >= 1);
            nb_scorer_destroy(&scorer);
        }
    }
    close_fixture(&f);
}

/* ---- AdaNeg's memory ---- */

static nb_memory *open_memory(const float *texts, size_t classes, size_t slots, bool sample, double beta)
{
    nb_error err = {0};
    nb_memory *m;
    nb_memory_spec spec = {texts, classes, 3, slots, sample, beta, nb_vector_best()};
    must(nb_memory_create(&m, &spec, &err), &err);
    return m;
}

/* Full slots: the largest key goes, if the new one is smaller. Cosines beside proxies made in plain doubles. */
static void test_memory(void **state)
{
    (void)state;
    nb_error err = {0};
    static const float texts[] = {1, 0, 0, 0, 1, 0};
    static const float images[][3] = {{0.6f, 0.8f, 0}, {0, 0.6f, 0.8f}, {0.8f, 0, 0.6f}, {0, 0, 1}};
    static const float asked[] = {0.6f, 0, 0.8f};
    for (int sample = 0; sample < 2; sample++) {
        double beta = sample ? 5.5 : 0;
        nb_memory *m = open_memory(texts, 2, 3, sample, 5.5);
        must(nb_memory_store(m, 0, images[0], 0.5, &err), &err);
        must(nb_memory_store(m, 0, images[1], 0.7, &err), &err);
        must(nb_memory_store(m, 0, images[3], 0.9, &err), &err); /* too large */
        must(nb_memory_store(m, 0, images[2], 0.6, &err), &err); /* replaces image 1 */
        assert_int_equal(nb_memory_count(m), 2);
        float cosines[2] = {0.6f, 0};
        must(nb_memory_cosines(m, asked, 1, cosines, &err), &err);
        const float *slots[3] = {texts, images[0], images[2]};
        double proxy[3] = {0}, norm = 0, want = 0;
        for (int s = 0; s < 3; s++) {
            double cosine = 0;
            for (int k = 0; k < 3; k++) {
                cosine += (double)slots[s][k] * (double)asked[k];
            }
            for (int k = 0; k < 3; k++) {
                proxy[k] += exp(-beta * (1 - cosine)) * (double)slots[s][k];
            }
        }
        for (int k = 0; k < 3; k++) {
            norm += proxy[k] * proxy[k];
            want += proxy[k] * (double)asked[k];
        }
        assert_true(fabs((double)cosines[0] - want / sqrt(norm)) < 1e-6);
        assert_true(cosines[1] == 0); /* a class without images is its text */
        nb_memory_destroy(m);
    }
    /* slots that cancel each other out, and a beta under which all weights but one vanish */
    nb_memory *m = open_memory(texts, 2, 3, false, 0);
    must(nb_memory_store(m, 0, (const float[]){-1, 0, 0}, 0, &err), &err);
    float cosines[2] = {0.6f, 0};
    must(nb_memory_cosines(m, asked, 1, cosines, &err), &err);
    assert_true(cosines[0] == 0);
    nb_memory_destroy(m);
    m = open_memory(texts, 2, 3, true, 1e4);
    must(nb_memory_store(m, 1, images[3], 0, &err), &err);
    cosines[1] = 0;
    must(nb_memory_cosines(m, asked, 1, cosines, &err), &err);
    assert_true(fabsf(cosines[1] - 0.8f) < 1e-6f);
    nb_memory_destroy(m);
}

/* ---- InterNeg's stream ---- */

typedef struct maker {
    size_t calls, offered, first;
    float row[8];
} maker;

/* Every image offered becomes the same negative, with its number as margin. */
static nb_status make_negatives(void *self, nb_stream *stream, const float *images, const size_t *number, size_t count,
                                nb_error *err)
{
    maker *m = self;
    (void)images;
    m->calls++;
    m->offered += count;
    m->first = number[0];
    for (size_t i = 0; i < count; i++) {
        double margin = (double)number[i];
        nb_status status = nb_stream_add_negatives(stream, m->row, &margin, 1, err);
        if (status != NB_OK) {
            return status;
        }
    }
    return NB_OK;
}

/* Visual negatives count from the batch on whose images they come from, and as the bank's own would. */
static void test_interneg(void **state)
{
    (void)state;
    nb_error err = {0};
    fixture f, grown;
    nb_scorer scorer;
    nb_stream *stream;
    nb_score_result plain[6], with[6];
    maker m = {0};
    draw(&f, 3, 10, 6, 8);
    nb_score_parameters s = defaults("interneg");
    s.shared.groups = 2; /* of six negatives, with the visual ones */
    set(&s, "visual=2");
    const double every = 2; /* theta past its bounds: every image is offered */
    memcpy(s.block + nb_parameter_find(s.rule, "theta")->offset, &every, sizeof every);
    must(nb_scorer_create(&scorer, &f.bank, &s, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_push(stream, f.images, 6, plain, &err), &err);
    memcpy(m.row, f.images, sizeof m.row);
    must(nb_stream_make_visual(stream, make_negatives, &m, &err), &err);
    must(nb_stream_push(stream, f.images, 6, with, &err), &err);
    assert_true(m.calls == 1 && m.offered == 6 && m.first == 6);
    assert_true(with[0].score < plain[0].score); /* the image that the negatives are copies of */
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    /* a bank that has these two negatives from the beginning, as its own or as visual ones */
    for (int visual = 0; visual < 2; visual++) {
        grown = f;
        double *rows = calloc(12 * 8, sizeof *rows), margins[2] = {1, 2};
        memcpy(rows, f.bank.negative_rows, 10 * 8 * sizeof *rows);
        for (size_t i = 0; i < 16; i++) {
            rows[80 + i] = (double)m.row[i % 8];
        }
        grown.bank.negative_rows = rows;
        grown.bank.negative_count = visual ? 10 : 12;
        grown.bank.visual_rows = visual ? rows + 80 : NULL;
        grown.bank.visual_criterion = visual ? margins : NULL;
        grown.bank.visual_count = visual ? 2 : 0;
        s.rule = nb_score_find(visual ? "interneg" : "neglabel"); /* which read the same shared parameters */
        nb_score_result *want = score(&grown, s, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_true(want[i].score == with[i].score && want[i].label == with[i].label);
        }
        free(want);
        free(rows);
    }
    s = defaults("neglabel");
    s.shared.groups = 1;
    must(nb_scorer_create(&scorer, &f.bank, &s, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must_fail(nb_stream_make_visual(stream, make_negatives, &m, &err), NB_ERR_USAGE, &err, "no visual negatives");
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    close_fixture(&f);
}

/* ---- parameters ---- */

static void test_parameters(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank bank = {.negative_count = 40,
                    .score = (char *)"neglabel",
                    .temperature = 0.02,
                    .groups = 7,
                    .seeded = true,
                    .seed = 3,
                    .tau = 0.25};
    const char *origin[NB_SCORE_PARAMETERS_MAX];
    nb_score_parameters s;
    must(nb_parameters_default(&s, origin, &bank, nb_score_find("neglabel"), &err), &err);
    assert_true(s.shared.temperature == 0.02 && s.shared.groups == 7 && s.shared.seeded && s.shared.seed == 3);
    must(nb_parameters_default(&s, origin, &bank, nb_score_find("dnm"), &err), &err);
    assert_true(s.shared.temperature == 0.01 && s.shared.groups == 40 && s.shared.seeded);
    assert_string_equal(value_of(&s, "tau"), "0.25");
    assert_string_equal(origin[0], "published default");
    assert_string_equal(origin[1], "one negative a group");
    assert_string_equal(origin[3], "the bank");
    must(nb_parameters_default(&s, origin, &bank, nb_score_find("adaneg"), &err), &err);
    assert_true(s.shared.groups == 5);
    assert_string_equal(value_of(&s, "memory"), "10");
    assert_string_equal(value_of(&s, "beta"), "5.5");
    assert_string_equal(value_of(&s, "lambda"), "0.1");
    set(&s, "groups=2,seed=none,gamma=0.25,proxies=task,combine=adaptive,adaptive-gap=on,memory=4,");
    assert_true(s.shared.groups == 2 && !s.shared.seeded);
    static const char *const now[][2] = {{"gamma", "0.25"},       {"proxies", "task"},    {"memory", "4"},
                                         {"combine", "adaptive"}, {"adaptive-gap", "on"}, {"seed", "none"}};
    for (size_t i = 0; i < sizeof now / sizeof *now; i++) {
        assert_string_equal(value_of(&s, now[i][0]), now[i][1]);
    }
    static const char *const bad[][2] = {{"groups", "name=value"}, {"groups=", "groups"},   {"groups=1.5", "1.5"},
                                         {"gamma=-2", "within"},   {"gamma=nan", "nan"},    {"proxies=tas", "tas"},
                                         {"combine=", "combine"},  {"adaptive-gap=1", "1"}, {"seed=-1", "-1"},
                                         {"tau=0.5", "not use"},   {"x=1", "no parameter"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        must_fail(nb_parameters_parse(&s, bad[i][0], &err), NB_ERR_USAGE, &err, bad[i][1]);
    }
}

/* The table is in order with itself: names that fit a bank, published defaults within bounds, one meaning a name. */
static void test_table(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_score_parameters p;
    for (size_t i = 0; i < nb_score_count; i++) {
        const nb_score_rule *rule = nb_score_table[i];
        assert_true(strlen(rule->name) < NB_BANK_SCORE_BYTES && rule->source && *rule->source);
        assert_ptr_equal(nb_score_find(rule->name), rule);
        assert_int_equal((rule->stream != NULL) + (rule->image != NULL) + (rule->score != NULL), 1);
        must(nb_score_published(&p, rule, &err), &err);
        for (size_t k = 0; k < rule->parameter_count; k++) {
            const nb_option *row = &rule->parameters[k], *first = NULL;
            for (size_t n = 0; n <= i && !first; n++) {
                first = nb_parameter_find(nb_score_table[n], row->name);
            }
            assert_true(row->offset < rule->block_size && row->help && row->type == first->type);
            assert_string_equal(row->help, first->help);
            assert_true(row->min <= first->min && row->min >= first->min && row->max <= first->max &&
                        row->max >= first->max);
            if (row->fallback) {
                assert_string_equal(value_of(&p, row->name), row->fallback);
            }
        }
    }
    assert_null(nb_score_name(nb_score_count));
}

/* The bank's threshold decides for the score it was set for, and for no other. */
static void test_threshold(void **state)
{
    (void)state;
    nb_error err = {0};
    fixture f;
    nb_scorer scorer;
    draw(&f, 4, 10, 3, 8);
    nb_score_parameters s = defaults("neglabel");
    s.shared.groups = 2;
    f.bank.threshold =
        (nb_bank_threshold){.images = 9,
                            .key = 20,
                            .suggestion = {.score = "neglabel", .temperature = 0.01, .groups = 2, .tau = (double)NAN}};
    must(nb_scorer_create(&scorer, &f.bank, &s, &err), &err);
    assert_true(nb_threshold_holds(&f.bank, &scorer));
    scorer.parameters.shared.temperature = 0.02;
    assert_false(nb_threshold_holds(&f.bank, &scorer));
    scorer.parameters.shared.temperature = 0.01;
    scorer.parameters.shared.seeded = true;
    assert_false(nb_threshold_holds(&f.bank, &scorer));
    scorer.parameters.shared.seeded = false;
    scorer.asked_groups = 1;
    assert_false(nb_threshold_holds(&f.bank, &scorer));
    /* both print as 1, the odds tell them apart */
    assert_true(nb_threshold_accepts(&f.bank, &(nb_score_result){.score = 1, .ood = exp(-21)}));
    assert_false(nb_threshold_accepts(&f.bank, &(nb_score_result){.score = 1, .ood = exp(-19)}));
    assert_true(nb_threshold_accepts(&f.bank, &(nb_score_result){.score = 20, .ood = (double)NAN}));
    nb_scorer_destroy(&scorer);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_batch), cmocka_unit_test(test_golden_adaneg), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_complement),   cmocka_unit_test(test_batches),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dnm_groups),   cmocka_unit_test(test_memory),        cmocka_unit_test(test_interneg),
        cmocka_unit_test(test_parameters),   cmocka_unit_test(test_threshold),     cmocka_unit_test(test_table),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
