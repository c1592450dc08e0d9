/* The score `debiased`: golden data of the double-precision reference through bank files of every precision, the
 * formula in plain loops at extremes, and what is refused.
 *
 *   test_debiased_score                              the tests
 *   test_debiased_score DIR EXPECTED SIZE ID         how far the C score is from the reference on a folder of one's
 * own, whose test images are ID ones first (tests/golden/criterion) */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"
#include "mining/bank/bank_writer.h"
#include "mining/embed/import.h"
#include "scoring/metrics.h"
#include "scoring/report/size_sweep.h"
#include "scoring/scores/calibrate.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- golden data ---- */

/* A folder's inputs, and one case of what the reference makes of them. */
typedef struct golden {
    size_t d, labels, candidates, images, size;
    double *label_rows, *candidate_rows, *prototypes, *test_images;
    double *order, *evident, *log_prior, *evidence, *map, *measured_rows, *scores, *class_text, *class_both;
} golden;

static double *read_array(const char *folder, const char *name, size_t *rows, size_t *columns)
{
    char path[512];
    nb_error err = {0};
    nb_npy npy;
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    must(nb_npy_open(&npy, path, &err), &err);
    double *out = calloc(npy.rows * npy.columns + 1, sizeof *out);
    for (size_t i = 0; i < npy.rows * npy.columns; i++) {
        out[i] = nb_npy_at(&npy, i);
    }
    *rows = npy.rows;
    *columns = npy.columns;
    nb_npy_close(&npy);
    return out;
}

static double *read_unit(const char *folder, const char *name, size_t *rows, size_t *d)
{
    double *out = read_array(folder, name, rows, d);
    for (size_t i = 0; i < *rows; i++) {
        nb_normalise_row(out + i * *d, out + i * *d, *d);
    }
    return out;
}

/* Means of the ID images by class. */
static double *read_prototypes(const char *folder, size_t labels, size_t d)
{
    size_t n, width;
    double *images = read_unit(folder, "id_images", &n, &width), *out = calloc(labels * d, sizeof *out);
    double *classes = read_array(folder, "id_classes", &n, &width);
    for (size_t i = 0; i < n * d; i++) {
        out[(size_t)classes[i / d] * d + i % d] += images[i];
    }
    for (size_t c = 0; c < labels; c++) {
        nb_normalise_row(out + c * d, out + c * d, d); /* the length of a mean says nothing */
    }
    free(images);
    free(classes);
    return out;
}

/* size 0: all candidates. */
static void open_golden(golden *g, const char *folder, const char *expected, size_t size)
{
    size_t n, width;
    *g = (golden){0};
    g->label_rows = read_unit(folder, "labels", &g->labels, &g->d);
    g->candidate_rows = read_unit(folder, "candidates", &g->candidates, &width);
    g->test_images = read_unit(folder, "test_images", &g->images, &width);
    g->prototypes = read_prototypes(folder, g->labels, g->d);
    g->order = read_array(expected, "order", &n, &width);
    g->evident = read_array(expected, "evident", &n, &width);
    g->log_prior = read_array(expected, "log_prior", &n, &width);
    g->evidence = read_array(expected, "evidence", &n, &width);
    g->map = read_array(expected, "map", &n, &width);
    g->measured_rows = read_array(expected, "measured_rows", &n, &width);
    g->scores = read_array(expected, "scores", &n, &width);
    g->class_text = read_array(expected, "class_text", &n, &width);
    g->class_both = read_array(expected, "class_both", &n, &width);
    g->size = size ? size : g->candidates;
}

static void close_golden(golden *g)
{
    double *const all[] = {g->label_rows, g->candidate_rows, g->prototypes, g->test_images, g->order,
                           g->evident,    g->log_prior,      g->evidence,   g->map,         g->measured_rows,
                           g->scores,     g->class_text,     g->class_both};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static float *to_floats(const double *values, size_t count)
{
    float *out = calloc(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)values[i];
    }
    return out;
}

static void mean_row(const double *rows, size_t count, size_t d, double *out)
{
    for (size_t k = 0; k < d; k++) {
        out[k] = 0;
        for (size_t i = 0; i < count; i++) {
            out[k] += rows[i * d + k] / (double)count;
        }
    }
}

static void number_names(nb_strings *out, size_t count)
{
    nb_error err = {0};
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "%zu", i);
        must(nb_strings_push(out, name, (size_t)len, &err), &err);
    }
}

/* The rows and numbers of the golden bank's negatives. */
static void fill_chosen(const golden *g, double *rows, double *log_prior, double *evidence, nb_bank_proxies *p)
{
    for (size_t i = 0; i < g->size; i++) {
        size_t from = (size_t)g->order[i];
        memcpy(rows + i * g->d, g->candidate_rows + from * g->d, g->d * sizeof *rows);
        log_prior[i] = g->log_prior[from];
        evidence[i] = g->evidence[from];
        if (g->evident[from] > 0) {
            p->measured[p->measured_count++] = (uint32_t)i;
        }
    }
}

static nb_status measure(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err)
{
    return nb_calibrate(out, bank, state, 0.95, err);
}

/* Writes the golden bank and opens it; calibrated on images where there are some. */
static void make_bank(const golden *g, nb_bank_precision precision, nb_store *images, nb_bank *out)
{
    size_t m = g->size, d = g->d;
    nb_error err = {0};
    nb_digest digest;
    nb_strings labels = {0}, negatives = {0};
    double *rows = calloc(m * d, sizeof *rows), *criterion = calloc(m, sizeof *criterion);
    double *log_prior = calloc(m, sizeof *log_prior), *evidence = calloc(m, sizeof *evidence);
    double *text_mean = calloc(d, sizeof *text_mean), *image_mean = calloc(d, sizeof *image_mean);
    uint32_t *measured = calloc(m, sizeof *measured);
    uint8_t *tags = calloc(m, sizeof *tags);
    uint64_t *ids = calloc(m, sizeof *ids);
    float *label_rows = to_floats(g->label_rows, g->labels * d);
    float *prototypes = to_floats(g->prototypes, g->labels * d);
    nb_bank_proxies p = {.log_prior = log_prior,
                         .evidence = evidence,
                         .measured = measured,
                         .measured_rows = g->measured_rows,
                         .map = g->map,
                         .text_mean = text_mean,
                         .image_mean = image_mean};
    const char *path = scratch_path("golden.nbank");
    mean_row(g->label_rows, g->labels, d, text_mean);
    mean_row(g->prototypes, g->labels, d, image_mean);
    fill_chosen(g, rows, log_prior, evidence, &p);
    float *negative_rows = to_floats(rows, m * d);
    number_names(&labels, g->labels);
    number_names(&negatives, m);
    nb_bank_content content = {.d = d,
                               .precision = precision,
                               .labels = &labels,
                               .negatives = &negatives,
                               .label_rows = label_rows,
                               .negative_rows = negative_rows,
                               .prototypes = prototypes,
                               .criterion = criterion,
                               .tags = tags,
                               .ids = ids,
                               .proxies = &p,
                               .suggestion = {.score = "debiased", .temperature = 0.01, .groups = 1, .tau = 1},
                               .provenance = "{}",
                               .measure = images ? measure : NULL,
                               .measure_state = images};
    must(nb_bank_write(path, true, &content, &digest, &err), &err);
    must(nb_bank_open(out, path, &err), &err);
    nb_strings_free(&labels);
    nb_strings_free(&negatives);
    void *const all[] = {rows, criterion, log_prior, evidence,   text_mean,  image_mean,
                         ids,  measured,  tags,      label_rows, prototypes, negative_rows};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static nb_score_parameters settings_of(const char *text)
{
    nb_error err = {0};
    nb_score_parameters p;
    must(nb_score_published(&p, nb_score_find("debiased"), &err), &err);
    must(nb_parameters_parse(&p, text, &err), &err);
    return p;
}

static nb_score_result *score_images(const nb_bank *bank, const char *settings, const double *images, size_t count)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_score_parameters p = settings_of(settings);
    nb_score_result *out = calloc(count, sizeof *out);
    must(nb_scorer_create(&scorer, bank, &p, &err), &err);
    must(nb_scorer_run(&scorer, images, count, out, &err), &err);
    nb_scorer_destroy(&scorer);
    return out;
}

static double auroc(const double *keys, size_t id, size_t count)
{
    nb_error err = {0};
    nb_metrics m;
    must(nb_metrics_compute(&m, keys, id, keys + id, count - id, &err), &err);
    return 100 * m.auroc;
}

/* The largest difference from the reference; *gap becomes that of the AUROC in points. */
static double compare(const golden *g, nb_bank_precision precision, size_t id, double *gap)
{
    nb_bank bank;
    double worst = 0, *keys = calloc(g->images, sizeof *keys);
    make_bank(g, precision, NULL, &bank);
    nb_score_result *got = score_images(&bank, "", g->test_images, g->images);
    for (size_t i = 0; i < g->images; i++) {
        worst = fmax(worst, fabs(got[i].score - g->scores[i]));
        keys[i] = got[i].score;
        assert_true(fabs(log(got[i].ood) + nb_softplus(got[i].score)) < 1e-9);
    }
    *gap = fabs(auroc(keys, id, g->images) - auroc(g->scores, id, g->images));
    printf("%s: %zu negatives, %zu measured, largest difference %.2g, AUROC off by %.4f points\n",
           nb_bank_precision_name(precision), bank.negative_count, bank.proxies->measured_count, worst, *gap);
    nb_bank_close(&bank);
    free(got);
    free(keys);
    return worst;
}

static const struct {
    const char *name;
    size_t size;
} cases[] = {{"wild", 0}, {"wild-90", 90}, {"no-wild", 0}, {"no-wild-90", 90}};

static void open_case(golden *g, size_t number)
{
    char name[64];
    snprintf(name, sizeof name, "criterion/expected/%s", cases[number].name);
    open_golden(g, golden_path("criterion"), golden_path(name), cases[number].size);
}

static void test_golden(void **state)
{
    (void)state;
    enum { ID = 60 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        golden g;
        double gap;
        open_case(&g, i);
        assert_true(compare(&g, NB_BANK_FP32, ID, &gap) <= 3e-5);
        assert_true(gap <= 1e-9);
        /* 3600 pairs: one that changes sides is 0.03 points */
        assert_true(compare(&g, NB_BANK_FP16, ID, &gap) <= 0.5);
        assert_true(gap <= 0.06);
        compare(&g, NB_BANK_INT8, ID, &gap);
        assert_true(gap <= 0.2);
        close_golden(&g);
    }
}

static void test_classes(void **state)
{
    (void)state;
    golden g;
    nb_bank bank;
    size_t differ = 0;
    open_case(&g, 0);
    make_bank(&g, NB_BANK_FP32, NULL, &bank);
    nb_score_result *text = score_images(&bank, "class=text", g.test_images, g.images);
    nb_score_result *both = score_images(&bank, "class=both", g.test_images, g.images);
    for (size_t i = 0; i < g.images; i++) {
        assert_int_equal(text[i].label, (int)g.class_text[i]);
        assert_int_equal(both[i].label, (int)g.class_both[i]);
        assert_true(text[i].score == both[i].score);
        differ += text[i].label != both[i].label;
    }
    assert_true(differ > 0);
    free(text);
    free(both);
    nb_bank_close(&bank);
    close_golden(&g);
}

/* The first 90 negatives of the whole bank are the bank of 90, its proxies with them. */
static void test_part(void **state)
{
    (void)state;
    golden whole, part_of;
    nb_bank bank, part;
    nb_error err = {0};
    open_case(&whole, 0);
    open_case(&part_of, 1);
    make_bank(&whole, NB_BANK_FP32, NULL, &bank);
    must(nb_part_of_bank(&part, &bank, 90, &err), &err);
    nb_score_result *got = score_images(&part, "", whole.test_images, whole.images);
    for (size_t i = 0; i < whole.images; i++) {
        assert_true(fabs(got[i].score - part_of.scores[i]) <= 1e-4);
    }
    nb_part_free(&part);
    free(got);
    nb_bank_close(&bank);
    close_golden(&whole);
    close_golden(&part_of);
}

/* An image's score does not depend on the images beside it but for rounding, and threads share a scorer. */
typedef struct task {
    const nb_scorer *scorer;
    const double *images;
    size_t count;
    nb_score_result *results;
} task;

static void *run_task(void *state)
{
    task *t = state;
    nb_error err = {0};
    for (int i = 0; i < 20; i++) {
        memset(t->results, 0, t->count * sizeof *t->results);
        if (nb_scorer_run(t->scorer, t->images, t->count, t->results, &err) != NB_OK) {
            return t;
        }
    }
    return NULL;
}

static void test_batches_and_threads(void **state)
{
    (void)state;
    enum { TIMES = 4, THREADS = 3 };
    golden g;
    nb_bank bank;
    nb_scorer scorer;
    nb_stream *stream;
    nb_error err = {0};
    pthread_t threads[THREADS];
    task tasks[THREADS];
    nb_score_parameters p = settings_of("");
    open_case(&g, 0);
    make_bank(&g, NB_BANK_FP32, NULL, &bank);
    must(nb_scorer_create(&scorer, &bank, &p, &err), &err);
    size_t n = TIMES * g.images; /* more than a batch */
    double *images = calloc(n * g.d, sizeof *images);
    nb_score_result *all = calloc(n, sizeof *all), one;
    for (size_t i = 0; i < TIMES; i++) {
        memcpy(images + i * g.images * g.d, g.test_images, g.images * g.d * sizeof *images);
    }
    must(nb_scorer_run(&scorer, images, n, all, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    float *floats = to_floats(images, n * g.d);
    for (size_t i = 0; i < g.images; i++) {
        must(nb_stream_push(stream, floats + i * g.d, 1, &one, &err), &err);
        for (size_t k = 0; k < TIMES; k++) {
            assert_true(fabs(one.score - all[k * g.images + i].score) <= 1e-4);
            assert_int_equal(one.label, all[k * g.images + i].label);
        }
    }
    nb_stream_destroy(stream);
    for (size_t t = 0; t < THREADS; t++) {
        tasks[t] = (task){&scorer, images, n, calloc(n, sizeof *all)};
        assert_int_equal(pthread_create(&threads[t], NULL, run_task, &tasks[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        assert_null(failed);
        for (size_t i = 0; i < n; i++) {
            assert_true(tasks[t].results[i].score == all[i].score && tasks[t].results[i].label == all[i].label);
        }
        free(tasks[t].results);
    }
    free(floats);
    free(images);
    free(all);
    nb_scorer_destroy(&scorer);
    nb_bank_close(&bank);
    close_golden(&g);
}

/* ---- the formula in plain loops ---- */

enum { D = 24 };

static double *draw_rows(size_t count, uint64_t stream)
{
    double *rows = calloc(count * D + 1, sizeof *rows);
    for (size_t i = 0; i < count * D; i++) {
        rows[i] = (i % D == 3 ? 3 : 0) + nb_random_normal(5, stream, i);
    }
    for (size_t i = 0; i < count; i++) {
        nb_normalise_row(rows + i * D, rows + i * D, D);
    }
    return rows;
}

/* A bank in memory of C labels and M negatives, every `each`-th of them measured; 0: none. */
static void draw_bank(nb_bank *b, size_t labels, size_t negatives, size_t each)
{
    nb_bank_proxies *p = calloc(1, sizeof *p);
    p->log_prior = calloc(negatives, sizeof *p->log_prior);
    p->evidence = calloc(negatives, sizeof *p->evidence);
    p->imputed_rows = draw_rows(negatives, 4);
    p->measured = calloc(negatives, sizeof *p->measured);
    for (size_t u = 0; u < negatives; u++) {
        p->log_prior[u] = -0.7 * (double)u;
        if (each && u % each == 0) {
            p->measured[p->measured_count++] = (uint32_t)u;
        }
    }
    p->measured_rows = draw_rows(p->measured_count, 5);
    *b = (nb_bank){.d = D,
                   .label_count = labels,
                   .negative_count = negatives,
                   .label_rows = draw_rows(labels, 1),
                   .prototypes = draw_rows(labels, 2),
                   .negative_rows = draw_rows(negatives, 3),
                   .proxies = p};
}

static double cosine(const double *a, const double *b, const double *f)
{
    double sum = 0;
    for (size_t k = 0; k < D; k++) {
        sum += (a[k] + (b ? b[k] : 0)) * f[k];
    }
    return sum;
}

static double add_logs(double a, double b)
{
    return a > b ? a + log1p(exp(b - a)) : b + (isinf(a) ? 0 : log1p(exp(a - b)));
}

static double plain_score(const nb_bank *b, const double *f, double t)
{
    const nb_bank_proxies *p = b->proxies;
    double q = -INFINITY, pair = -INFINITY, e = -INFINITY, v = -INFINITY, w = -INFINITY;
    for (size_t c = 0; c < b->label_count; c++) {
        q = add_logs(q, cosine(b->label_rows + c * D, NULL, f) / t);
        pair = add_logs(pair, cosine(b->label_rows + c * D, b->prototypes + c * D, f) / t);
    }
    for (size_t u = 0; u < b->negative_count; u++) {
        e = add_logs(e, cosine(b->negative_rows + u * D, NULL, f) / t + p->log_prior[u]);
        v = add_logs(v, cosine(b->negative_rows + u * D, p->imputed_rows + u * D, f) / t + p->log_prior[u]);
    }
    for (size_t k = 0; k < p->measured_count; k++) {
        w = add_logs(w, cosine(b->negative_rows + p->measured[k] * D, p->measured_rows + k * D, f) / t);
    }
    double texts = 2 * (q - e);
    return pair - v + texts + (p->measured_count ? fmin(texts, pair - w) : texts);
}

/* Against the plain loops at any temperature, from one label and one negative to more than a block of either. Cosines
 * in single precision are off by some 1e-7, of which a log-odd sees four differences. */
static void test_extremes(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 0}, {1, 1, 1}, {1, 700, 0}, {600, 1, 1}, {513, 1025, 1}, {7, 40, 3}};
    static const char *const temperatures[] = {"1e-6", "1e-3", "0.01", "1", "100", "1e6"};
    enum { IMAGES = 30 };
    double *images = draw_rows(IMAGES, 9);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        nb_bank bank;
        draw_bank(&bank, shapes[s][0], shapes[s][1], shapes[s][2]);
        for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
            double t = strtod(temperatures[i], NULL);
            char text[64];
            snprintf(text, sizeof text, "temperature=%s", temperatures[i]);
            nb_score_result *got = score_images(&bank, text, images, IMAGES);
            for (size_t k = 0; k < IMAGES; k++) {
                double want = plain_score(&bank, images + k * D, t);
                assert_true(fabs(got[k].score - want) <= 3e-5 + 4e-6 / t);
                assert_true(got[k].ood >= 0 && got[k].ood <= 1 && isfinite(got[k].score));
            }
            free(got);
        }
        nb_bank_close(&bank);
    }
    free(images);
}

/* Priors as small as a bank may hold them count for nothing and break nothing. */
static void test_vast_priors(void **state)
{
    (void)state;
    nb_bank bank;
    double *image = draw_rows(1, 9);
    draw_bank(&bank, 2, 3, 0);
    bank.proxies->log_prior[0] = 0;
    bank.proxies->log_prior[1] = bank.proxies->log_prior[2] = -3e38;
    nb_score_result *got = score_images(&bank, "", image, 1);
    assert_true(fabs(got->score - plain_score(&bank, image, 0.01)) <= 3e-4);
    free(got);
    bank.proxies->log_prior[0] = -3e38;
    got = score_images(&bank, "", image, 1);
    assert_true(got->score > 1e30 && isfinite(got->score) && got->ood == 0);
    free(got);
    got = score_images(&bank, "temperature=1e6", image, 1);
    assert_true(got->score > 1e30 && isfinite(got->score) && got->ood == 0);
    free(got);
    nb_bank_close(&bank);
    free(image);
}

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank bank;
    nb_scorer scorer;
    nb_bank_threshold threshold;
    nb_score_parameters p = settings_of("");
    draw_bank(&bank, 2, 3, 1);
    nb_bank_proxies *proxies = bank.proxies;
    bank.proxies = NULL;
    must_fail(nb_scorer_create(&scorer, &bank, &p, &err), NB_ERR_USAGE, &err, "no proxies");
    must_fail(nb_scorer_create(&scorer, &bank, &p, &err), NB_ERR_USAGE, &err, "--criterion debiased");
    bank.score = "mcm";
    must_fail(nb_scorer_create(&scorer, &bank, &p, &err), NB_ERR_USAGE, &err, "it suggests, mcm");
    bank.score = "debiased"; /* what calibration would take */
    bank.temperature = 0.01;
    bank.groups = 1;
    nb_store images = {.plan = {.width = D}};
    must_fail(nb_calibrate(&threshold, &bank, &images, 0.95, &err), NB_ERR_USAGE, &err, "no proxies");
    bank.score = NULL;
    bank.proxies = proxies;
    p.shared.temperature = 0;
    must_fail(nb_scorer_create(&scorer, &bank, &p, &err), NB_ERR_USAGE, &err, "temperature 0");
    nb_bank_close(&bank);
}

/* A threshold is a log-odd: its key is the score, near 0 and below as well. */
static void test_threshold(void **state)
{
    (void)state;
    enum { ID = 60 };
    golden g;
    nb_bank bank;
    nb_store store;
    nb_scorer scorer;
    nb_error err = {0};
    nb_digest digest;
    size_t count, accepted = 0;
    nb_score_parameters p = settings_of("");
    const char *npy = scratch_path("id.npy"), *path = scratch_path("id.nbe");
    open_case(&g, 0);
    float *rows = to_floats(g.test_images, ID * g.d);
    must(nb_npy_write(npy, true, NB_NPY_F32, (nb_npy_shape){.rows = ID, .columns = g.d}, rows, &err), &err);
    nb_import import = {.embeddings = npy, .provenance = "{}"};
    must(nb_import_store(&import, path, true, &digest, &count, &err), &err);
    must(nb_store_open(&store, path, true, &err), &err);
    make_bank(&g, NB_BANK_FP16, &store, &bank);
    assert_int_equal(bank.threshold.images, ID);
    assert_true(isnan(bank.threshold.ood_score) && fabs(bank.threshold.key - bank.threshold.score) < 1e-300);
    must(nb_scorer_create(&scorer, &bank, &p, &err), &err);
    assert_true(nb_threshold_holds(&bank, &scorer));
    nb_score_result *got = score_images(&bank, "", g.test_images, ID);
    for (size_t i = 0; i < ID; i++) {
        assert_true(nb_threshold_accepts(&bank, &got[i]) == (got[i].score >= bank.threshold.score));
        accepted += nb_threshold_accepts(&bank, &got[i]);
    }
    assert_int_equal(accepted, 57);
    assert_true(bank.threshold.score < 0); /* which no probability is */
    assert_true(nb_score_key(scorer.rule, &got[0]) == got[0].score);
    nb_scorer_destroy(&scorer);
    nb_bank_close(&bank);
    nb_store_close(&store);
    free(got);
    free(rows);
    close_golden(&g);
}

static int compare_folder(char *argv[])
{
    golden g;
    double gap;
    open_golden(&g, argv[1], argv[2], (size_t)strtoull(argv[3], NULL, 10));
    for (int p = NB_BANK_FP32; p <= NB_BANK_INT8; p++) {
        compare(&g, (nb_bank_precision)p, (size_t)strtoull(argv[4], NULL, 10), &gap);
    }
    close_golden(&g);
    return 0;
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),   cmocka_unit_test(test_classes),
        cmocka_unit_test(test_part),     cmocka_unit_test(test_batches_and_threads),
        cmocka_unit_test(test_extremes), cmocka_unit_test(test_vast_priors),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_threshold),
    };
    nb_blas_start();
    return argc == 5 ? compare_folder(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
