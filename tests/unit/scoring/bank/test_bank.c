/* Banks: what goes in comes out at every precision, with proxies and without; and what no bank may hold is not written.
 */
#include "support/made_bank.h"
#include "support/support.h"

#include "common/store/hdf5/h5.h"
#include "mining/bank/bank_pack.h"
#include "scoring/scores/calibrate.h"
#include "scoring/scores/parameters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double largest_distance(const double *rows, const float *wanted, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < D; k++) {
            double gap = rows[i * D + k] - (double)wanted[i * D + k];
            sum += gap * gap;
        }
        largest = fmax(largest, sqrt(sum));
    }
    return largest;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const double tolerance[] = {1e-6, 1e-3, 2e-2}; /* fp32, fp16, int8 */
    for (int p = NB_BANK_FP32; p <= NB_BANK_INT8; p++) {
        nb_error err = {0};
        nb_bank b;
        const char *path = scratch_path("round.nbank");
        made *m = make((nb_bank_precision)p);
        made_write_bank(path, (nb_bank_precision)p, false);
        must(nb_bank_open(&b, path, &err), &err);
        assert_int_equal(b.precision, p);
        assert_int_equal(b.d, D);
        assert_int_equal(b.label_count, C);
        assert_int_equal(b.negative_count, M);
        assert_int_equal(b.visual_count, V);
        assert_true(largest_distance(b.negative_rows, m->rows, M) < tolerance[p]);
        assert_true(largest_distance(b.visual_rows, m->visual_rows, V) < tolerance[p]);
        assert_true(largest_distance(b.label_rows, m->labels, C) < 1e-3);
        assert_true(largest_distance(b.prototypes, m->prototypes, C) < 1e-3);
        assert_memory_equal(b.criterion, m->criterion, sizeof m->criterion);
        assert_memory_equal(b.visual_criterion, m->visual_criterion, sizeof m->visual_criterion);
        assert_memory_equal(b.tags, m->tags, sizeof m->tags);
        assert_memory_equal(b.ids, m->ids, sizeof m->ids);
        assert_string_equal(nb_strings_get(&b.negatives, 59), "negative 59");
        assert_string_equal(nb_strings_get(&b.visual_names, 6), "image 6");
        assert_string_equal(nb_strings_get(&b.label_prompts, 0), "The nice {}.");
        assert_int_equal(b.text_prompts.count, 0);
        assert_string_equal(b.checkpoint, m->content.source.checkpoint);
        assert_string_equal(b.score, "neglabel");
        assert_true(b.temperature == 0.02 && b.groups == 3 && b.seeded && b.seed == 11 && b.tau == 0.4);
        assert_int_equal(strlen(b.content.hex), 64);
        assert_int_equal(b.threshold.images, IMAGES);
        assert_true(b.threshold.measured >= 0.95 && b.threshold.measured < 0.96);
        nb_bank_close(&b);
        unmake(m);
    }
}

/* The format that the file's attribute says. */
static unsigned format_of(const char *path)
{
    unsigned format = 0;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "format", H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_UINT, &format) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    return format;
}

static void assert_near(const double *have, const double *want, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs(have[i] - want[i]) <= tolerance * fmax(fabs(want[i]), 1));
    }
}

/* unit(image_mean + (e - text_mean) G) of one row, in plain loops. */
static void impute(const made *m, const double *e, double *out)
{
    double sum = 0;
    for (size_t k = 0; k < D; k++) {
        out[k] = m->image_mean[k];
        for (size_t i = 0; i < D; i++) {
            out[k] += (e[i] - m->text_mean[i]) * m->map[i * D + k];
        }
        sum += out[k] * out[k];
    }
    for (size_t k = 0; k < D; k++) {
        out[k] /= sqrt(sum);
    }
}

/* Proxies come back at every precision, with and without measured ones, and imputed ones are made of them; without
 * proxies the bank is one of format 1 as before. */
static void test_proxies(void **state)
{
    (void)state;
    static const double of_rows[] = {1e-6, 1e-3, 2e-2}, of_map[] = {1e-6, 1e-3, 1e-3}, imputed[] = {1e-6, 2e-3, 5e-2};
    const char *path = scratch_path("proxies.nbank"), *bare = scratch_path("bare.nbank");
    for (int p = NB_BANK_FP32; p <= NB_BANK_INT8; p++) {
        for (size_t k = 0; k <= K; k += K) {
            nb_error err = {0};
            nb_bank b, without;
            nb_digest digest;
            double row[D];
            made *m = make((nb_bank_precision)p);
            must(nb_bank_write(bare, true, &m->content, &digest, &err), &err);
            made_add_proxies(m, k);
            must(nb_bank_write(path, true, &m->content, &digest, &err), &err);
            assert_int_equal(format_of(bare), 1);
            assert_int_equal(format_of(path), 2);
            must(nb_bank_open(&without, bare, &err), &err);
            must(nb_bank_open(&b, path, &err), &err);
            assert_null(without.proxies);
            assert_non_null(b.proxies);
            assert_near(b.proxies->log_prior, m->log_prior, M, 1e-6);
            assert_near(b.proxies->evidence, m->evidence, M, 1e-6);
            assert_int_equal(b.proxies->measured_count, k);
            assert_near(b.proxies->map, m->map, (size_t)D * D, of_map[p]);
            assert_near(b.proxies->text_mean, m->text_mean, D, 1e-6);
            assert_near(b.proxies->image_mean, m->image_mean, D, 1e-6);
            if (k) {
                assert_memory_equal(b.proxies->measured, m->measured, sizeof m->measured);
                assert_near(b.proxies->measured_rows, m->measured_rows, (size_t)K * D, of_rows[p]);
            }
            for (size_t i = 0; i < M; i++) {
                impute(m, b.negative_rows + i * D, row);
                assert_near(b.proxies->imputed_rows + i * D, row, D, imputed[p]);
            }
            assert_true(b.negative_bytes > without.negative_bytes);
            assert_true(b.negative_bytes < without.negative_bytes + 8 * M + K * (4 * D + 8) + 8 * D + 1024);
            nb_bank_close(&without);
            nb_bank_close(&b);
            unmake(m);
        }
    }
}

/* What the bank says of its threshold holds when the images are scored anew with the file. */
static void test_threshold(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank b;
    nb_store images;
    nb_scorer scorer;
    nb_score_result results[IMAGES];
    double rows[IMAGES * D];
    size_t accepted = 0, shared;
    const char *path = scratch_path("threshold.nbank");
    made_write_bank(path, NB_BANK_INT8, false);
    must(nb_bank_open(&b, path, &err), &err);
    made_open_images(&images, 9, IMAGES);
    must(nb_store_rows(&images, 0, IMAGES, rows, &err), &err);
    nb_score_parameters parameters;
    const char *origin[NB_SCORE_PARAMETERS_MAX];
    must(nb_parameters_default(&parameters, origin, &b, nb_score_find(b.score), &err), &err);
    must(nb_scorer_create(&scorer, &b, &parameters, &err), &err);
    must(nb_scorer_run(&scorer, rows, IMAGES, results, &err), &err);
    for (size_t i = 0; i < IMAGES; i++) {
        accepted += log(results[i].score) - log(results[i].ood) >= b.threshold.key - 1e-12;
    }
    assert_int_equal(accepted, 190);
    assert_true(b.threshold.measured == 0.95);
    assert_true(fabs(b.threshold.score + b.threshold.ood_score - 1) < 1e-12);
    assert_string_equal(b.threshold.suggestion.score, b.score);
    assert_true(b.threshold.suggestion.seed == 11);
    must(nb_calibrate_shared(&shared, &images, &images, &err), &err);
    assert_int_equal(shared, IMAGES);
    nb_scorer_destroy(&scorer);
    nb_store_close(&images);
    made_open_images(&images, 10, 19);
    nb_bank_threshold t;
    must_fail(nb_calibrate(&t, &b, &images, 0.95, &err), NB_ERR_INPUT, &err, "at least 20");
    nb_store_close(&images);
    nb_bank_close(&b);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_digest digest;
    const char *path = scratch_path("never.nbank");
    for (int p = NB_BANK_FP32; p <= NB_BANK_INT8; p++) {
        made *m = make((nb_bank_precision)p);
        m->rows[3 * D + 1] = NAN;
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_NUMERIC, &err, "row 3");
        memset(m->rows + 3 * D, 0, D * sizeof(float));
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_NUMERIC, &err, "row 3");
        made_fill_rows(m->rows, M, 3);
        made_add_proxies(m, K);
        m->map[5] = NAN;
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_NUMERIC, &err, "proxies/map");
        m->map[5] = 0;
        m->content.prototypes = NULL;
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_INPUT, &err, "labels/prototypes");
        m->content.prototypes = m->prototypes;
        m->content.suggestion.groups = M + 1; /* what would not open is not written */
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_INPUT, &err, "61 groups");
        unmake(m);
    }
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Codes: errors along the given directions cancel, and equal rows cost nothing. */
static void test_codes(void **state)
{
    (void)state;
    nb_error err = {0};
    made *m = make(NB_BANK_INT8);
    nb_packed_rows aided, alone, flat;
    double along_aided = 0, along_alone = 0;
    const nb_pack_source rows = {.rows = m->rows, .count = M, .width = D};
    nb_pack_source with = rows;
    with.directions = m->prototypes;
    with.direction_count = C;
    must(nb_pack_rows(&aided, &with, &err), &err);
    must(nb_pack_rows(&alone, &rows, &err), &err);
    for (size_t i = 0; i < M; i++) {
        double error_aided = 0, error_alone = 0;
        for (size_t k = 0; k < D; k++) {
            double exact = (double)m->rows[i * D + k] - (double)aided.centre[k];
            double unit = (double)aided.scales[i] * (double)aided.columns[k], p = (double)m->prototypes[k];
            assert_true(fabs(unit * aided.codes[i * D + k] - exact) <= unit * 1.000001);
            assert_in_range(aided.codes[i * D + k] + 128, 128 - NB_PACK_CODE_MAX, 128 + NB_PACK_CODE_MAX);
            error_aided += (unit * aided.codes[i * D + k] - exact) * p;
            error_alone += (unit * alone.codes[i * D + k] - exact) * p;
        }
        along_aided += error_aided * error_aided;
        along_alone += error_alone * error_alone;
    }
    assert_true(along_aided < along_alone);
    for (size_t i = 1; i < M; i++) {
        memcpy(m->rows + i * D, m->rows, D * sizeof(float));
    }
    must(nb_pack_rows(&flat, &with, &err), &err);
    for (size_t i = 0; i < M * D; i++) {
        double value =
            (double)flat.centre[i % D] + (double)flat.scales[i / D] * (double)flat.columns[i % D] * flat.codes[i];
        assert_true(fabs(value - (double)m->rows[i]) < 1e-6);
    }
    nb_packed_rows_free(&aided);
    nb_packed_rows_free(&alone);
    nb_packed_rows_free(&flat);
    unmake(m);
}

/* A reader refuses them, and so the writer, which reads what it wrote before it gets its name. */
static void test_control_characters(void **state)
{
    (void)state;
    static const char *const hostile[] = {"a\x1b[2J", "two\nlines", "\xc2\x9b[31m", "x\xe2\x80\xa8y", "\x7f"};
    const char *path = scratch_path("control.nbank");
    for (size_t i = 0; i < 3 * sizeof hostile / sizeof *hostile; i++) {
        nb_error err = {0};
        nb_digest digest;
        made *m = make(NB_BANK_FP16);
        nb_strings *list = i % 3 == 0 ? &m->label_names : i % 3 == 1 ? &m->texts : &m->visual_names;
        size_t count = list->count;
        nb_strings_free(list);
        must(nb_strings_push(list, hostile[i / 3], strlen(hostile[i / 3]), &err), &err);
        made_fill_names(list, count - 1, "plain");
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_INPUT, &err, "control characters");
        unmake(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_threshold),      cmocka_unit_test(test_codes),
        cmocka_unit_test(test_writer_refuses), cmocka_unit_test(test_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
