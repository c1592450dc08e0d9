/* Banks that were altered: one byte anywhere is noticed, and what a bank should not say is refused though its seal and
 * all its digests are right. */
#include "support/made_bank.h"
#include "support/support.h"

#include "common/base/random.h"
#include "common/store/hdf5/h5.h"
#include "scoring/bank/bank_digests.h"
#include "scoring/scores/calibrate.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLIPS = 1000 };

/* What is done to a bank; written as SET, SHAPE, TEXT, REMOVE or OTHER. */
typedef struct change {
    void (*apply)(hid_t file, const struct change *c);
    const char *dataset, *text;
    size_t at;
    double value;
    hid_t type;
    size_t rank;
    hsize_t dims[2];
} change;

static nb_status try_open(const char *path, nb_error *err)
{
    nb_bank b;
    nb_error_clear(err);
    nb_status status = nb_bank_open(&b, path, err);
    nb_bank_close(&b);
    return status;
}

static void test_flipped_bytes(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *path = scratch_path("whole.nbank"), *bad = scratch_path("bad.nbank");
    for (int p = NB_BANK_FP32; p <= NB_BANK_INT8; p++) {
        char *bytes;
        size_t len, missed = 0;
        made_write_bank(path, (nb_bank_precision)p, p == NB_BANK_FP16);
        must(nb_file_read(path, 1 << 24, &bytes, &len, &err), &err);
        must(nb_file_write(bad, true, bytes, len, &err), &err);
        int fd = open(bad, O_RDWR);
        for (uint64_t i = 0; i < FLIPS; i++) {
            size_t at = (size_t)nb_random_below(1, (uint64_t)p, 2 * i, len);
            char altered = (char)(bytes[at] ^ (char)(1 + nb_random_below(1, (uint64_t)p, 2 * i + 1, 255)));
            assert_int_equal(pwrite(fd, &altered, 1, (off_t)at), 1);
            nb_status status = try_open(bad, &err);
            missed += status != NB_ERR_INPUT && status != NB_ERR_VERIFY;
            assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
        }
        assert_int_equal(missed, 0);
        must(try_open(bad, &err), &err);
        for (size_t part = 0; part < 16; part++) {
            assert_int_equal(ftruncate(fd, (off_t)(len * part / 16)), 0);
            assert_int_equal(try_open(bad, &err), NB_ERR_INPUT);
            assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
        }
        close(fd);
        free(bytes);
    }
}

/* ---- hostile content: everything about the file is right but what it says ---- */

static bool with_proxies; /* of the banks that are altered */

static void put_text(hid_t file, const char *name, const char *text)
{
    nb_error err = {0};
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    must(nb_h5_put_text(file, name, text, &err), &err);
}

/* Makes the list of digests right again. */
static void put_digests(hid_t file)
{
    nb_error err = {0};
    nb_strings names;
    char *text;
    json_t *list = json_object();
    must(nb_h5_names(file, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = nb_strings_get(&names, i);
        void *data;
        size_t bytes;
        if (strcmp(name, "digests") != 0 && nb_h5_get_raw(file, name, &data, &bytes, &err) == NB_OK) {
            must(nb_bank_digests_add(list, name, data, bytes, &err), &err);
            free(data);
        }
    }
    must(nb_bank_digests_text(list, &text, &err), &err);
    put_text(file, "digests", text);
    free(text);
    json_decref(list);
    nb_strings_free(&names);
}

static nb_status open_altered(nb_bank_precision precision, const change *c, bool digests, nb_error *err)
{
    const char *path = scratch_path("hostile.nbank");
    nb_digest digest;
    made_write_bank(path, precision, with_proxies);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    if (c) {
        c->apply(file, c);
    }
    if (digests) {
        put_digests(file);
    }
    assert_true(H5Fclose(file) >= 0);
    must(nb_seal_write(path, NB_BANK_KIND, 0, 0, &digest, err), err);
    return try_open(path, err);
}

/* Its digests are made right again. */
static void refused(nb_bank_precision precision, const change *c, nb_status want, const char *word)
{
    nb_error err = {0};
    must_fail(open_altered(precision, c, true, &err), want, &err, word);
}

/* Its digests are left as they were. */
static void noticed(nb_bank_precision precision, const change *c, nb_status want, const char *word)
{
    nb_error err = {0};
    must_fail(open_altered(precision, c, false, &err), want, &err, word);
}

/* Sets one element of a dataset; HDF5 converts the numbers. */
static void change_set(hid_t file, const change *c)
{
    hid_t dataset = H5Dopen2(file, c->dataset, H5P_DEFAULT), space = H5Dget_space(dataset);
    double *data = calloc((size_t)H5Sget_simple_extent_npoints(space), sizeof *data);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    data[c->at] = c->value;
    assert_true(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    free(data);
    H5Sclose(space);
    H5Dclose(dataset);
}

/* Puts a dataset of plain zeros in the place of another. */
static void change_shape(hid_t file, const change *c)
{
    nb_error err = {0};
    size_t bytes = H5Tget_size(c->type);
    for (size_t i = 0; i < c->rank; i++) {
        bytes *= (size_t)c->dims[i];
    }
    void *zeros = calloc(bytes + 1, 1);
    H5Ldelete(file, c->dataset, H5P_DEFAULT);
    must(nb_h5_put(file, c->dataset, &(nb_h5_array){c->type, c->type, c->rank, c->dims, zeros}, NB_H5_CONTIGUOUS, &err),
         &err);
    free(zeros);
}

/* Zeros that pack to next to nothing. */
static void change_packed(hid_t file, const change *c)
{
    nb_error err = {0};
    uint8_t *zeros = calloc(c->at, 1);
    H5Ldelete(file, c->dataset, H5P_DEFAULT);
    const nb_h5_values values = {H5T_STD_U8LE, H5T_NATIVE_UINT8, c->at, zeros};
    must(nb_h5_put_vector(file, c->dataset, values, NB_H5_ZSTD, &err), &err);
    free(zeros);
}

static void change_text(hid_t file, const change *c)
{
    put_text(file, c->dataset, c->text);
}

static void change_remove(hid_t file, const change *c)
{
    H5Ldelete(file, c->dataset, H5P_DEFAULT);
}

#define SET(name, where, number) (&(change){.apply = change_set, .dataset = (name), .at = (where), .value = (number)})
#define VECTOR(name, of, count)                                                                                        \
    (&(change){.apply = change_shape, .dataset = (name), .type = (of), .rank = 1, .dims = {(count)}})
#define MATRIX(name, of, rows, columns)                                                                                \
    (&(change){.apply = change_shape, .dataset = (name), .type = (of), .rank = 2, .dims = {(rows), (columns)}})
#define PACKED(name, count) (&(change){.apply = change_packed, .dataset = (name), .at = (count)})
#define TEXT(name, words)   (&(change){.apply = change_text, .dataset = (name), .text = (words)})
#define REMOVE(name)        (&(change){.apply = change_remove, .dataset = (name)})
#define OTHER(function)     (&(change){.apply = (function)})

static void test_values(void **state)
{
    (void)state;
    nb_error err = {0};
    must(open_altered(NB_BANK_FP32, NULL, true, &err), &err);
    must(open_altered(NB_BANK_INT8, NULL, true, &err), &err);
    refused(NB_BANK_FP32, SET("labels/embeddings", 17, NAN), NB_ERR_INPUT, "row 0 of 'labels/embeddings' has norm");
    refused(NB_BANK_FP32, SET("negatives/embeddings", 100, INFINITY), NB_ERR_INPUT,
            "row 2 of 'negatives/embeddings' has norm inf");
    refused(NB_BANK_FP32, SET("labels/prototypes", 3, NAN), NB_ERR_INPUT, "'labels/prototypes'");
    refused(NB_BANK_INT8, SET("negatives/scales", 3, NAN), NB_ERR_INPUT, "row 3 of 'negatives/embeddings' has norm");
    refused(NB_BANK_INT8, SET("negatives/columns", 3, INFINITY), NB_ERR_INPUT, "has norm");
    refused(NB_BANK_INT8, SET("visual/centre", 3, NAN), NB_ERR_INPUT, "'visual/embeddings'");
    refused(NB_BANK_FP32, MATRIX("negatives/embeddings", H5T_IEEE_F32LE, M, D), NB_ERR_INPUT,
            "row 0 of 'negatives/embeddings' has norm 0");
    refused(NB_BANK_FP32, SET("negatives/criterion", 5, NAN), NB_ERR_INPUT, "entry 5 of 'negatives/criterion'");
    refused(NB_BANK_FP32, SET("negatives/tags", 9, 3), NB_ERR_INPUT, "negative 9 has tag 3");
}

static void no_texts(hid_t f, const change *c)
{
    nb_error err = {0};
    nb_strings none = {0};
    (void)c;
    H5Ldelete(f, "negatives/texts", H5P_DEFAULT);
    must(nb_h5_put_strings(f, "negatives/texts", &none, &err), &err);
}

static void test_shapes(void **state)
{
    (void)state;
    const char *rows = "negatives/embeddings";
    refused(NB_BANK_FP16, MATRIX(rows, H5T_IEEE_F32LE, M - 1, D), NB_ERR_INPUT,
            "'negatives/embeddings' is [59, 48], [60, 48] belongs there");
    refused(NB_BANK_FP16, MATRIX(rows, H5T_IEEE_F32LE, 0, D), NB_ERR_INPUT, "is [0, 48]");
    refused(NB_BANK_FP16, MATRIX(rows, H5T_IEEE_F32LE, M, D - 1), NB_ERR_INPUT, "is [60, 47]");
    refused(NB_BANK_FP16, MATRIX("labels/embeddings", H5T_IEEE_F32LE, C, 0), NB_ERR_INPUT, "is [5, 0]");
    refused(NB_BANK_FP16, VECTOR(rows, H5T_IEEE_F32LE, M * D), NB_ERR_INPUT, "2 dimensions");
    refused(NB_BANK_FP16, MATRIX(rows, H5T_STD_I16LE, M, D), NB_ERR_INPUT, "precision");
    refused(NB_BANK_FP16, MATRIX("labels/embeddings", H5T_STD_I8LE, C, D), NB_ERR_INPUT, "precision");
    refused(NB_BANK_INT8, VECTOR("negatives/scales", H5T_IEEE_F32LE, M - 1), NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_INT8, VECTOR("negatives/scales", H5T_IEEE_F64LE, M), NB_ERR_INPUT, "another type");
    refused(NB_BANK_INT8, REMOVE("negatives/scales"), NB_ERR_INPUT, "negatives/scales");
    refused(NB_BANK_FP16, VECTOR("negatives/ids", H5T_STD_U64LE, M + 1), NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_FP16, OTHER(no_texts), NB_ERR_INPUT, "'negatives/texts' has 0 entries");
    refused(NB_BANK_FP16, REMOVE("visual/names"), NB_ERR_INPUT, "visual/names");
    refused(NB_BANK_FP16, REMOVE("labels"), NB_ERR_INPUT, "labels/names");
    /* more than any file of ours may unpack to, and more than a bank may */
    noticed(NB_BANK_FP16, PACKED("negatives/criterion", (size_t)1 << 28), NB_ERR_LIMIT, "h5-unpacked");
    noticed(NB_BANK_FP16, PACKED("negatives/criterion", (size_t)1 << 25), NB_ERR_LIMIT, "bank-unpacked");
}

/* A map and a mean of nothing: every imputed proxy is zero. */
static void zero_map(hid_t f, const change *c)
{
    (void)c;
    change_shape(f, MATRIX("proxies/map", H5T_IEEE_F32LE, D, D));
    change_shape(f, VECTOR("proxies/image_mean", H5T_IEEE_F32LE, D));
}

static void test_bad_proxies(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *numbers = "proxies/measured/negatives";
    with_proxies = true;
    must(open_altered(NB_BANK_FP32, NULL, true, &err), &err);
    refused(NB_BANK_FP32, SET("proxies/log_prior", 7, 0.5), NB_ERR_INPUT, "entry 7 of 'proxies/log_prior' is 0.5");
    refused(NB_BANK_FP32, SET("proxies/log_prior", 8, -INFINITY), NB_ERR_INPUT,
            "entry 8 of 'proxies/log_prior' is -inf");
    refused(NB_BANK_FP32, SET("proxies/evidence", 9, NAN), NB_ERR_INPUT, "entry 9 of 'proxies/evidence'");
    refused(NB_BANK_FP32, SET("proxies/map", 11, INFINITY), NB_ERR_INPUT, "element 11 of 'proxies/map' is inf");
    refused(NB_BANK_FP32, SET("proxies/text_mean", 1, NAN), NB_ERR_INPUT, "entry 1 of 'proxies/text_mean'");
    refused(NB_BANK_FP32, SET("proxies/measured/embeddings", 0, NAN), NB_ERR_INPUT,
            "row 0 of 'proxies/measured/embeddings'");
    refused(NB_BANK_FP16, SET(numbers, 1, 3), NB_ERR_INPUT, "entry 1 of 'proxies/measured/negatives' is 3");
    refused(NB_BANK_FP16, SET(numbers, K - 1, M), NB_ERR_INPUT, "entry 8 of 'proxies/measured/negatives' is 60");
    refused(NB_BANK_FP16, VECTOR(numbers, H5T_STD_U32LE, 0), NB_ERR_INPUT, "has 0 entries of 60 negatives");
    refused(NB_BANK_FP16, VECTOR(numbers, H5T_STD_U32LE, M + 1), NB_ERR_INPUT, "has 61 entries of 60 negatives");
    refused(NB_BANK_FP16, VECTOR("proxies/log_prior", H5T_IEEE_F32LE, M - 1), NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_INT8, MATRIX("proxies/measured/embeddings", H5T_IEEE_F32LE, K - 1, D), NB_ERR_INPUT,
            "is [8, 48], [9, 48] belongs there");
    const change *narrow = MATRIX("proxies/map", H5T_IEEE_F32LE, D, D - 1);
    refused(NB_BANK_FP16, narrow, NB_ERR_INPUT, "is [48, 47], [48, 48] belongs there");
    refused(NB_BANK_FP16, REMOVE("proxies/map"), NB_ERR_INPUT, "proxies/map");
    refused(NB_BANK_FP16, REMOVE("labels/prototypes"), NB_ERR_INPUT, "no 'labels/prototypes'");
    refused(NB_BANK_FP16, OTHER(zero_map), NB_ERR_INPUT, "the imputed proxy of row 0 has norm 0");
    noticed(NB_BANK_FP32, narrow, NB_ERR_INPUT, "'proxies/map'");
    noticed(NB_BANK_FP32, SET("proxies/log_prior", 7, 0.5), NB_ERR_VERIFY, "'proxies/log_prior'");
    with_proxies = false;
}

/* ---- what the texts say ---- */

static void says(const char *name, const char *value, bool accepted)
{
    nb_error err = {0};
    nb_status status = open_altered(NB_BANK_FP16, TEXT(name, value), true, &err);
    if (accepted) {
        must(status, &err);
    } else {
        must_fail(status, NB_ERR_INPUT, &err, name);
    }
}

#define SUGGESTED(score, temperature, groups, seed, tau)                                                               \
    "{\"score\": " score ", \"temperature\": " temperature ", \"groups\": " groups ", \"seed\": " seed                 \
    ", \"tau\": " tau "}"

/* A score this version does not know: the bank opens, for its labels and texts are good, but nothing scores by it. */
static void test_unknown_score(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank b;
    nb_store images;
    nb_bank_threshold t;
    says("suggested", SUGGESTED("\"next-years-score\"", "1", "60", "null", "null"), true);
    must(nb_bank_open(&b, scratch_path("hostile.nbank"), &err), &err);
    assert_string_equal(b.score, "next-years-score");
    made_open_images(&images, 9, IMAGES);
    must_fail(nb_calibrate(&t, &b, &images, 0.95, &err), NB_ERR_INPUT, &err, "'next-years-score'");
    nb_store_close(&images);
    nb_bank_close(&b);
}

static void test_suggested(void **state)
{
    (void)state;
    says("suggested", SUGGESTED("\"mcm\"", "0.01", "1", "0", "1"), true);
    says("suggested", SUGGESTED("\"mcm\"", "0.01", "0", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "0.01", "61", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "0.01", "1.5", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "0", "1", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "\"1\"", "1", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "1e999", "1", "0", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "1", "1", "-1", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "1", "1", "\"x\"", "1"), false);
    says("suggested", SUGGESTED("\"mcm\"", "1", "1", "0", "0"), false);
    says("suggested", SUGGESTED("\"mcm\"", "1", "1", "0", "1.1"), false);
    says("suggested", SUGGESTED("\"\"", "1", "1", "0", "1"), false);
    says("suggested", SUGGESTED("\"a\\u001b[2J\"", "1", "1", "0", "1"), false);
    says("suggested", SUGGESTED("\"a-name-that-is-longer-than-any-score-has\"", "1", "1", "0", "1"), false);
    says("suggested", "{\"score\": \"mcm\", \"temperature\": 1, \"groups\": 1, \"seed\": 0, \"tau\": 1, \"more\": 1}",
         false);
    says("suggested", "{\"score\": \"mcm\", \"temperature\": 1, \"groups\": 1, \"seed\": 0}", false);
    says("suggested", "[]", false);
    says("suggested", "", false);
    says("suggested", "{\"score\": \"mcm\"", false);
}

#define CALIBRATION(recall, measured, images, threshold, ood)                                                          \
    "{\"suggested\": " SUGGESTED("\"mcm\"", "1", "1", "0", "1") ", \"recall\": " recall ", \"measured\": " measured    \
                                                                ", \"images\": " images ", \"threshold\": " threshold  \
                                                                ", \"ood_score\": " ood "}"

static void test_calibration(void **state)
{
    (void)state;
    says("calibration", CALIBRATION("0.95", "0.951", "100", "0.9", "0.1"), true);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "1", "0"), true);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "-12.5", "null"), true);
    says("calibration", CALIBRATION("0.95", "0.951", "0", "0.9", "0.1"), false);
    says("calibration", CALIBRATION("0.95", "0.951", "-5", "0.9", "0.1"), false);
    says("calibration", CALIBRATION("1.95", "0.951", "100", "0.9", "0.1"), false);
    says("calibration", CALIBRATION("0.95", "0", "100", "0.9", "0.1"), false);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "1.9", "0.1"), false);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "0", "0"), false);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "null", "0.1"), false);
    says("calibration", CALIBRATION("0.95", "0.951", "100", "0.9", "\"0.1\""), false);
    says("calibration", "{}", false);
}

static void test_source(void **state)
{
    (void)state;
    says("source", "{\"checkpoint\": null, \"label_prompts\": [], \"text_prompts\": [], \"adjective_prompts\": []}",
         true);
    says("source", "{\"checkpoint\": 1, \"label_prompts\": [], \"text_prompts\": [], \"adjective_prompts\": []}",
         false);
    says("source", "{\"checkpoint\": \"ab\", \"label_prompts\": [], \"text_prompts\": [], \"adjective_prompts\": []}",
         false);
    says("source", "{\"checkpoint\": null, \"label_prompts\": [1], \"text_prompts\": [], \"adjective_prompts\": []}",
         false);
    says("source", "{\"checkpoint\": null, \"label_prompts\": [], \"text_prompts\": []}", false);
}

/* ---- digests, versions, what a newer program may add ---- */

static void future_format(hid_t f, const change *c)
{
    (void)c;
    unsigned newer = NB_BANK_FORMAT + 1;
    hid_t space = H5Screate(H5S_SCALAR);
    H5Adelete(f, "format");
    hid_t attribute = H5Acreate2(f, "format", H5T_NATIVE_UINT, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_UINT, &newer);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void test_versions(void **state)
{
    (void)state;
    const char *empty = "{\"datasets\": {}, \"all\": "
                        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}";
    refused(NB_BANK_FP16, OTHER(future_format), NB_ERR_INPUT, "it was written by negbank ");
    refused(NB_BANK_FP16, OTHER(future_format), NB_ERR_INPUT, "has format 3");
    refused(NB_BANK_FP16, VECTOR("negatives/sounds", H5T_STD_U8LE, M), NB_ERR_INPUT, "of which this version knows");
    noticed(NB_BANK_FP16, TEXT("provenance", "{\"made\": \"elsewhere\"}"), NB_ERR_VERIFY,
            "'provenance' does not match its digest");
    noticed(NB_BANK_FP16, MATRIX("negatives/embeddings", H5T_IEEE_F32LE, M, D), NB_ERR_VERIFY,
            "'negatives/embeddings'");
    noticed(NB_BANK_FP16, TEXT("digests", empty), NB_ERR_VERIFY, "has no digest");
    noticed(NB_BANK_FP16, TEXT("digests", "{\"datasets\": {}, \"all\": \"00\"}"), NB_ERR_VERIFY,
            "does not match its own");
    noticed(NB_BANK_FP16, TEXT("digests", "{\"datasets\": {\"a\": 1}, \"all\": \"00\"}"), NB_ERR_INPUT,
            "not a list of digests");
}

/* As banks were before the format was final: no source, no tau, a flat list of some digests. */
static void make_old(hid_t f, const change *c)
{
    (void)c;
    H5Ldelete(f, "source", H5P_DEFAULT);
    H5Ldelete(f, "calibration", H5P_DEFAULT);
    H5Ldelete(f, "visual", H5P_DEFAULT);
    put_text(f, "suggested", "{\"score\": \"neglabel\", \"temperature\": 0.01, \"groups\": 1, \"seed\": null}");
    put_text(f, "digests", "{}");
}

static void make_old_wrong(hid_t f, const change *c)
{
    make_old(f, c);
    put_text(f, "digests", "{\"negatives/ids\": \"00\"}");
}

static void test_old_banks(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank b;
    must(open_altered(NB_BANK_FP16, OTHER(make_old), false, &err), &err);
    must(nb_bank_open(&b, scratch_path("hostile.nbank"), &err), &err);
    assert_true(isnan(b.tau) && b.temperature == 0.01 && b.groups == 1 && !b.seeded && !b.threshold.images);
    assert_string_equal(b.content.hex, "");
    assert_null(b.checkpoint);
    nb_bank_close(&b);
    noticed(NB_BANK_FP16, OTHER(make_old_wrong), NB_ERR_VERIFY, "'negatives/ids'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bytes), cmocka_unit_test(test_values),        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_bad_proxies),   cmocka_unit_test(test_unknown_score), cmocka_unit_test(test_suggested),
        cmocka_unit_test(test_calibration),   cmocka_unit_test(test_source),        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_old_banks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
