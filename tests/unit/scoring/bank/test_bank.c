/* Banks: what goes in comes out at every precision, one altered byte anywhere is noticed, and what a bank should not
 * say is refused though its seal and all its digests are right. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/store/hdf5/h5.h"
#include "common/store/npy.h"
#include "mining/bank/bank_pack.h"
#include "mining/bank/bank_writer.h"
#include "mining/embed/import.h"
#include "scoring/bank/bank_digests.h"
#include "scoring/scores/calibrate.h"
#include "scoring/scores/parameters.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { C = 5, M = 60, V = 7, D = 48, K = 9, IMAGES = 200, FLIPS = 1000 };

/* The content of a bank, with memory of its own. */
typedef struct made {
    float labels[C * D], prototypes[C * D], rows[M * D], visual_rows[V * D];
    double criterion[M], visual_criterion[V];
    uint8_t tags[M];
    uint64_t ids[M];
    nb_strings label_names, texts, visual_names, prompts;
    nb_bank_visual visual;
    double log_prior[M], evidence[M], measured_rows[K * D], map[D * D], text_mean[D], image_mean[D];
    uint32_t measured[K];
    nb_bank_proxies proxies;
    nb_bank_content content;
} made;

static void fill_rows(float *rows, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < D; k++) {
            double common = k == 3 ? 4 : 0.3; /* as CLIP has it: a common part, and one coordinate far larger */
            double value = common + nb_random_normal(7, stream, i * D + k);
            rows[i * D + k] = (float)value;
            sum += value * value;
        }
        for (size_t k = 0; k < D; k++) {
            rows[i * D + k] /= (float)sqrt(sum);
        }
    }
}

static void fill_names(nb_strings *out, size_t count, const char *word)
{
    nb_error err = {0};
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "%s %zu", word, i);
        must(nb_strings_push(out, name, (size_t)len, &err), &err);
    }
}

static made *make(nb_bank_precision precision)
{
    made *m = calloc(1, sizeof *m);
    nb_error err = {0};
    fill_rows(m->labels, C, 1);
    fill_rows(m->prototypes, C, 2);
    fill_rows(m->rows, M, 3);
    fill_rows(m->visual_rows, V, 4);
    fill_names(&m->label_names, C, "label");
    fill_names(&m->texts, M, "negative");
    fill_names(&m->visual_names, V, "image");
    must(nb_strings_push(&m->prompts, "The nice {}.", 12, &err), &err);
    for (size_t i = 0; i < M; i++) {
        m->criterion[i] = 1.0 / (double)(i + 3);
        m->tags[i] = (uint8_t)(i % 3);
        m->ids[i] = i * 1000003;
    }
    for (size_t i = 0; i < V; i++) {
        m->visual_criterion[i] = (double)i;
    }
    m->visual = (nb_bank_visual){&m->visual_names, m->visual_rows, m->visual_criterion};
    m->content = (nb_bank_content){
        .d = D,
        .precision = precision,
        .labels = &m->label_names,
        .negatives = &m->texts,
        .label_rows = m->labels,
        .negative_rows = m->rows,
        .prototypes = m->prototypes,
        .criterion = m->criterion,
        .tags = m->tags,
        .ids = m->ids,
        .visual = &m->visual,
        .suggestion = {.score = "neglabel", .temperature = 0.02, .groups = 3, .seeded = true, .seed = 11, .tau = 0.4},
        .source = {.checkpoint = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                   .label_prompts = &m->prompts},
        .provenance = "{}"};
    return m;
}

/* Gives the content proxies, `measured` of them measured. */
static void add_proxies(made *m, size_t measured)
{
    float rows[K * D];
    fill_rows(rows, K, 5);
    for (size_t i = 0; i < M; i++) {
        m->log_prior[i] = -0.37 * (double)i;
        m->evidence[i] = 12.5 - (double)i;
    }
    for (size_t i = 0; i < K; i++) {
        m->measured[i] = (uint32_t)(6 * i + 3);
    }
    for (size_t i = 0; i < K * D; i++) {
        m->measured_rows[i] = (double)rows[i];
    }
    for (size_t i = 0; i < D * D; i++) {
        m->map[i] = (i % (D + 1) == 0 ? 2 : 0) + 0.1 * nb_random_normal(7, 6, i);
    }
    for (size_t k = 0; k < D; k++) {
        m->text_mean[k] = 0.01 * (double)k;
        m->image_mean[k] = 0.4 - 0.01 * (double)k;
    }
    m->proxies = (nb_bank_proxies){.log_prior = m->log_prior,
                                   .evidence = m->evidence,
                                   .measured_count = measured,
                                   .measured = m->measured,
                                   .measured_rows = m->measured_rows,
                                   .map = m->map,
                                   .text_mean = m->text_mean,
                                   .image_mean = m->image_mean};
    m->content.proxies = &m->proxies;
}

static void unmake(made *m)
{
    nb_strings_free(&m->label_names);
    nb_strings_free(&m->texts);
    nb_strings_free(&m->visual_names);
    nb_strings_free(&m->prompts);
    free(m);
}

static nb_status measure(void *state, const nb_bank *bank, nb_bank_threshold *out, nb_error *err)
{
    return nb_calibrate(out, bank, state, 0.95, err);
}

/* ID images around the prototypes. */
static void open_images(nb_store *store, uint64_t stream, size_t count)
{
    nb_error err = {0};
    nb_digest digest;
    size_t made_of;
    const char *npy = scratch_path("images.npy"), *path = scratch_path("images.nbe");
    float *rows = calloc(count * D, sizeof *rows);
    fill_rows(rows, count, stream);
    must(nb_npy_write(npy, true, NB_NPY_F32, (nb_npy_shape){.rows = count, .columns = D}, rows, &err), &err);
    free(rows);
    nb_import import = {.embeddings = npy, .provenance = "{}"};
    must(nb_import_store(&import, path, true, &digest, &made_of, &err), &err);
    must(nb_store_open(store, path, true, &err), &err);
}

/* Writes a bank with everything that format 1 may have; with proxies it is one of format 2. */
static bool write_proxies;
static void write_bank(const char *path, nb_bank_precision precision)
{
    nb_error err = {0};
    nb_digest digest;
    nb_store images;
    made *m = make(precision);
    open_images(&images, 9, IMAGES);
    if (write_proxies) {
        add_proxies(m, K);
    }
    m->content.measure = measure;
    m->content.measure_state = &images;
    must(nb_bank_write(path, true, &m->content, &digest, &err), &err);
    nb_store_close(&images);
    unmake(m);
}

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
        write_bank(path, (nb_bank_precision)p);
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
            add_proxies(m, k);
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
    write_bank(path, NB_BANK_INT8);
    must(nb_bank_open(&b, path, &err), &err);
    open_images(&images, 9, IMAGES);
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
    open_images(&images, 10, 19);
    nb_bank_threshold t;
    must_fail(nb_calibrate(&t, &b, &images, 0.95, &err), NB_ERR_INPUT, &err, "at least 20");
    nb_store_close(&images);
    nb_bank_close(&b);
}

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
        write_proxies = p == NB_BANK_FP16;
        write_bank(path, (nb_bank_precision)p);
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
    write_proxies = false;
}

/* ---- hostile content: everything about the file is right but what it says ---- */

typedef void (*change)(hid_t file);

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

static nb_status open_altered(nb_bank_precision precision, change alter, bool digests, nb_error *err)
{
    const char *path = scratch_path("hostile.nbank");
    nb_digest digest;
    write_bank(path, precision);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    alter(file);
    if (digests) {
        put_digests(file);
    }
    assert_true(H5Fclose(file) >= 0);
    must(nb_seal_write(path, NB_BANK_KIND, 0, 0, &digest, err), err);
    return try_open(path, err);
}

static void refused(nb_bank_precision precision, change alter, nb_status want, const char *word)
{
    nb_error err = {0};
    must_fail(open_altered(precision, alter, true, &err), want, &err, word);
}

static void nothing(hid_t file)
{
    (void)file;
}

/* A dataset of plain zeros in the place of another. */
static void replace(hid_t file, const char *name, hid_t type, size_t rank, const hsize_t *dims)
{
    nb_error err = {0};
    size_t bytes = H5Tget_size(type);
    for (size_t i = 0; i < rank; i++) {
        bytes *= (size_t)dims[i];
    }
    void *zeros = calloc(bytes + 1, 1);
    H5Ldelete(file, name, H5P_DEFAULT);
    must(nb_h5_put(file, name, &(nb_h5_array){type, type, rank, dims, zeros}, NB_H5_CONTIGUOUS, &err), &err);
    free(zeros);
}

static void replace_rows(hid_t file, const char *name, hsize_t rows, hsize_t width)
{
    hsize_t dims[2] = {rows, width};
    replace(file, name, H5T_IEEE_F32LE, 2, dims);
}

static void replace_vector(hid_t file, const char *name, hid_t type, hsize_t count)
{
    replace(file, name, type, 1, &count);
}

/* Sets one element of a dataset. */
static void poke(hid_t file, const char *name, hid_t type, size_t at, const void *value)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    size_t element = H5Tget_size(type), count = (size_t)H5Sget_simple_extent_npoints(space);
    char *data = calloc(count, element);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    memcpy(data + at * element, value, element);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    free(data);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void poke_float(hid_t file, const char *name, size_t at, float value)
{
    poke(file, name, H5T_NATIVE_FLOAT, at, &value);
}

static void nan_label(hid_t f)
{
    poke_float(f, "labels/embeddings", 17, NAN);
}
static void infinite_negative(hid_t f)
{
    poke_float(f, "negatives/embeddings", 100, INFINITY);
}
static void nan_prototype(hid_t f)
{
    poke_float(f, "labels/prototypes", 3, NAN);
}
static void nan_scale(hid_t f)
{
    poke_float(f, "negatives/scales", 3, NAN);
}
static void infinite_column(hid_t f)
{
    poke_float(f, "negatives/columns", 3, INFINITY);
}
static void nan_centre(hid_t f)
{
    poke_float(f, "visual/centre", 3, NAN);
}
static void zero_rows(hid_t f)
{
    replace_rows(f, "negatives/embeddings", M, D);
}
static void nan_criterion(hid_t f)
{
    double value = NAN;
    poke(f, "negatives/criterion", H5T_NATIVE_DOUBLE, 5, &value);
}
static void strange_tag(hid_t f)
{
    uint8_t tag = 3;
    poke(f, "negatives/tags", H5T_NATIVE_UINT8, 9, &tag);
}

static void test_values(void **state)
{
    (void)state;
    nb_error err = {0};
    must(open_altered(NB_BANK_FP32, nothing, true, &err), &err);
    must(open_altered(NB_BANK_INT8, nothing, true, &err), &err);
    refused(NB_BANK_FP32, nan_label, NB_ERR_INPUT, "row 0 of 'labels/embeddings' has norm");
    refused(NB_BANK_FP32, infinite_negative, NB_ERR_INPUT, "row 2 of 'negatives/embeddings' has norm inf");
    refused(NB_BANK_FP32, nan_prototype, NB_ERR_INPUT, "'labels/prototypes'");
    refused(NB_BANK_INT8, nan_scale, NB_ERR_INPUT, "row 3 of 'negatives/embeddings' has norm");
    refused(NB_BANK_INT8, infinite_column, NB_ERR_INPUT, "has norm");
    refused(NB_BANK_INT8, nan_centre, NB_ERR_INPUT, "'visual/embeddings'");
    refused(NB_BANK_FP32, zero_rows, NB_ERR_INPUT, "row 0 of 'negatives/embeddings' has norm 0");
    refused(NB_BANK_FP32, nan_criterion, NB_ERR_INPUT, "entry 5 of 'negatives/criterion'");
    refused(NB_BANK_FP32, strange_tag, NB_ERR_INPUT, "negative 9 has tag 3");
}

static void fewer_rows(hid_t f)
{
    replace_rows(f, "negatives/embeddings", M - 1, D);
}
static void no_rows(hid_t f)
{
    replace_rows(f, "negatives/embeddings", 0, D);
}
static void narrow_rows(hid_t f)
{
    replace_rows(f, "negatives/embeddings", M, D - 1);
}
static void no_width(hid_t f)
{
    replace_rows(f, "labels/embeddings", C, 0);
}
static void flat_rows(hid_t f)
{
    replace_vector(f, "negatives/embeddings", H5T_IEEE_F32LE, M * D);
}
static void whole_rows(hid_t f)
{
    hsize_t dims[2] = {M, D};
    replace(f, "negatives/embeddings", H5T_STD_I16LE, 2, dims);
}
static void coded_labels(hid_t f)
{
    hsize_t dims[2] = {C, D};
    replace(f, "labels/embeddings", H5T_STD_I8LE, 2, dims);
}
static void fewer_scales(hid_t f)
{
    replace_vector(f, "negatives/scales", H5T_IEEE_F32LE, M - 1);
}
static void wide_scales(hid_t f)
{
    replace_vector(f, "negatives/scales", H5T_IEEE_F64LE, M);
}
static void no_scales(hid_t f)
{
    H5Ldelete(f, "negatives/scales", H5P_DEFAULT);
}
static void more_ids(hid_t f)
{
    replace_vector(f, "negatives/ids", H5T_STD_U64LE, M + 1);
}
static void no_texts(hid_t f)
{
    nb_error err = {0};
    nb_strings none = {0};
    H5Ldelete(f, "negatives/texts", H5P_DEFAULT);
    must(nb_h5_put_strings(f, "negatives/texts", &none, &err), &err);
}
static void no_names(hid_t f)
{
    H5Ldelete(f, "visual/names", H5P_DEFAULT);
}
static void no_labels(hid_t f)
{
    H5Ldelete(f, "labels", H5P_DEFAULT);
}

/* Zeros that pack to next to nothing. */
static void put_zeros(hid_t f, hsize_t count)
{
    nb_error err = {0};
    uint8_t *zeros = calloc((size_t)count, 1);
    H5Ldelete(f, "negatives/criterion", H5P_DEFAULT);
    const nb_h5_values values = {H5T_STD_U8LE, H5T_NATIVE_UINT8, (size_t)count, zeros};
    must(nb_h5_put_vector(f, "negatives/criterion", values, NB_H5_ZSTD, &err), &err);
    free(zeros);
}

/* More than any file of ours may unpack to. */
static void vast_criterion(hid_t f)
{
    put_zeros(f, (hsize_t)1 << 28);
}

/* More than a bank may. */
static void large_criterion(hid_t f)
{
    put_zeros(f, (hsize_t)1 << 25);
}

static void test_shapes(void **state)
{
    (void)state;
    nb_error err = {0};
    refused(NB_BANK_FP16, fewer_rows, NB_ERR_INPUT, "'negatives/embeddings' is [59, 48], [60, 48] belongs there");
    refused(NB_BANK_FP16, no_rows, NB_ERR_INPUT, "is [0, 48]");
    refused(NB_BANK_FP16, narrow_rows, NB_ERR_INPUT, "is [60, 47]");
    refused(NB_BANK_FP16, no_width, NB_ERR_INPUT, "is [5, 0]");
    refused(NB_BANK_FP16, flat_rows, NB_ERR_INPUT, "2 dimensions");
    refused(NB_BANK_FP16, whole_rows, NB_ERR_INPUT, "precision");
    refused(NB_BANK_FP16, coded_labels, NB_ERR_INPUT, "precision");
    refused(NB_BANK_INT8, fewer_scales, NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_INT8, wide_scales, NB_ERR_INPUT, "another type");
    refused(NB_BANK_INT8, no_scales, NB_ERR_INPUT, "negatives/scales");
    refused(NB_BANK_FP16, more_ids, NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_FP16, no_texts, NB_ERR_INPUT, "'negatives/texts' has 0 entries");
    refused(NB_BANK_FP16, no_names, NB_ERR_INPUT, "visual/names");
    refused(NB_BANK_FP16, no_labels, NB_ERR_INPUT, "labels/names");
    must_fail(open_altered(NB_BANK_FP16, vast_criterion, false, &err), NB_ERR_LIMIT, &err, "h5-unpacked");
    must_fail(open_altered(NB_BANK_FP16, large_criterion, false, &err), NB_ERR_LIMIT, &err, "bank-unpacked");
}

/* ---- proxies that cannot be ---- */

static void positive_prior(hid_t f)
{
    poke_float(f, "proxies/log_prior", 7, 0.5F);
}
static void infinite_prior(hid_t f)
{
    poke_float(f, "proxies/log_prior", 8, -INFINITY);
}
static void nan_evidence(hid_t f)
{
    poke_float(f, "proxies/evidence", 9, NAN);
}
static void infinite_map(hid_t f)
{
    poke_float(f, "proxies/map", 11, INFINITY);
}
static void nan_mean(hid_t f)
{
    poke_float(f, "proxies/text_mean", 1, NAN);
}
static void nan_measured(hid_t f)
{
    poke_float(f, "proxies/measured/embeddings", 0, NAN);
}
static void falling_numbers(hid_t f)
{
    uint32_t number = 3;
    poke(f, "proxies/measured/negatives", H5T_NATIVE_UINT32, 1, &number);
}
static void number_beyond(hid_t f)
{
    uint32_t number = M;
    poke(f, "proxies/measured/negatives", H5T_NATIVE_UINT32, K - 1, &number);
}
static void no_numbers(hid_t f)
{
    replace_vector(f, "proxies/measured/negatives", H5T_STD_U32LE, 0);
}
static void more_numbers(hid_t f)
{
    replace_vector(f, "proxies/measured/negatives", H5T_STD_U32LE, M + 1);
}
static void fewer_priors(hid_t f)
{
    replace_vector(f, "proxies/log_prior", H5T_IEEE_F32LE, M - 1);
}
static void fewer_measured(hid_t f)
{
    replace_rows(f, "proxies/measured/embeddings", K - 1, D);
}
static void narrow_map(hid_t f)
{
    replace_rows(f, "proxies/map", D, D - 1);
}
static void no_map(hid_t f)
{
    H5Ldelete(f, "proxies/map", H5P_DEFAULT);
}
static void no_prototypes(hid_t f)
{
    H5Ldelete(f, "labels/prototypes", H5P_DEFAULT);
}
/* A map and a mean of nothing: every imputed proxy is zero. */
static void zero_map(hid_t f)
{
    replace_rows(f, "proxies/map", D, D);
    replace_vector(f, "proxies/image_mean", H5T_IEEE_F32LE, D);
}

static void test_bad_proxies(void **state)
{
    (void)state;
    nb_error err = {0};
    write_proxies = true;
    must(open_altered(NB_BANK_FP32, nothing, true, &err), &err);
    refused(NB_BANK_FP32, positive_prior, NB_ERR_INPUT, "entry 7 of 'proxies/log_prior' is 0.5");
    refused(NB_BANK_FP32, infinite_prior, NB_ERR_INPUT, "entry 8 of 'proxies/log_prior' is -inf");
    refused(NB_BANK_FP32, nan_evidence, NB_ERR_INPUT, "entry 9 of 'proxies/evidence'");
    refused(NB_BANK_FP32, infinite_map, NB_ERR_INPUT, "element 11 of 'proxies/map' is inf");
    refused(NB_BANK_FP32, nan_mean, NB_ERR_INPUT, "entry 1 of 'proxies/text_mean'");
    refused(NB_BANK_FP32, nan_measured, NB_ERR_INPUT, "row 0 of 'proxies/measured/embeddings'");
    refused(NB_BANK_FP16, falling_numbers, NB_ERR_INPUT, "entry 1 of 'proxies/measured/negatives' is 3");
    refused(NB_BANK_FP16, number_beyond, NB_ERR_INPUT, "entry 8 of 'proxies/measured/negatives' is 60");
    refused(NB_BANK_FP16, no_numbers, NB_ERR_INPUT, "has 0 entries of 60 negatives");
    refused(NB_BANK_FP16, more_numbers, NB_ERR_INPUT, "has 61 entries of 60 negatives");
    refused(NB_BANK_FP16, fewer_priors, NB_ERR_INPUT, "60 belong there");
    refused(NB_BANK_INT8, fewer_measured, NB_ERR_INPUT, "is [8, 48], [9, 48] belongs there");
    refused(NB_BANK_FP16, narrow_map, NB_ERR_INPUT, "is [48, 47], [48, 48] belongs there");
    refused(NB_BANK_FP16, no_map, NB_ERR_INPUT, "proxies/map");
    refused(NB_BANK_FP16, no_prototypes, NB_ERR_INPUT, "no 'labels/prototypes'");
    refused(NB_BANK_FP16, zero_map, NB_ERR_INPUT, "the imputed proxy of row 0 has norm 0");
    must_fail(open_altered(NB_BANK_FP32, narrow_map, false, &err), NB_ERR_INPUT, &err, "'proxies/map'");
    must_fail(open_altered(NB_BANK_FP32, positive_prior, false, &err), NB_ERR_VERIFY, &err, "'proxies/log_prior'");
    write_proxies = false;
}

/* ---- what the texts say ---- */

static const char *text_name, *text_value;

static void set_text(hid_t f)
{
    put_text(f, text_name, text_value);
}

static void says(const char *name, const char *value, bool accepted)
{
    nb_error err = {0};
    text_name = name;
    text_value = value;
    nb_status status = open_altered(NB_BANK_FP16, set_text, true, &err);
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
    open_images(&images, 9, IMAGES);
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

static void future_format(hid_t f)
{
    unsigned newer = NB_BANK_FORMAT + 1;
    hid_t space = H5Screate(H5S_SCALAR);
    H5Adelete(f, "format");
    hid_t attribute = H5Acreate2(f, "format", H5T_NATIVE_UINT, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_UINT, &newer);
    H5Aclose(attribute);
    H5Sclose(space);
}
static void new_dataset(hid_t f)
{
    replace_vector(f, "negatives/sounds", H5T_STD_U8LE, M);
}
static void other_text(hid_t f)
{
    put_text(f, "provenance", "{\"made\": \"elsewhere\"}");
}
static void no_digest(hid_t f)
{
    put_text(f, "digests",
             "{\"datasets\": {}, \"all\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}");
}
static void wrong_all(hid_t f)
{
    put_text(f, "digests", "{\"datasets\": {}, \"all\": \"00\"}");
}
static void no_list(hid_t f)
{
    put_text(f, "digests", "{\"datasets\": {\"a\": 1}, \"all\": \"00\"}");
}

static void test_versions(void **state)
{
    (void)state;
    nb_error err = {0};
    refused(NB_BANK_FP16, future_format, NB_ERR_INPUT, "it was written by negbank ");
    must_fail(open_altered(NB_BANK_FP16, future_format, true, &err), NB_ERR_INPUT, &err, "has format 3");
    refused(NB_BANK_FP16, new_dataset, NB_ERR_INPUT, "of which this version knows");
    must_fail(open_altered(NB_BANK_FP16, other_text, false, &err), NB_ERR_VERIFY, &err,
              "'provenance' does not match its digest");
    must_fail(open_altered(NB_BANK_FP16, zero_rows, false, &err), NB_ERR_VERIFY, &err, "'negatives/embeddings'");
    must_fail(open_altered(NB_BANK_FP16, no_digest, false, &err), NB_ERR_VERIFY, &err, "has no digest");
    must_fail(open_altered(NB_BANK_FP16, wrong_all, false, &err), NB_ERR_VERIFY, &err, "does not match its own");
    must_fail(open_altered(NB_BANK_FP16, no_list, false, &err), NB_ERR_INPUT, &err, "not a list of digests");
}

/* As banks were before the format was final: no source, no tau, a flat list of some digests. */
static void make_old(hid_t f)
{
    H5Ldelete(f, "source", H5P_DEFAULT);
    H5Ldelete(f, "calibration", H5P_DEFAULT);
    H5Ldelete(f, "visual", H5P_DEFAULT);
    put_text(f, "suggested", "{\"score\": \"neglabel\", \"temperature\": 0.01, \"groups\": 1, \"seed\": null}");
    put_text(f, "digests", "{}");
}
static void make_old_wrong(hid_t f)
{
    make_old(f);
    put_text(f, "digests", "{\"negatives/ids\": \"00\"}");
}

static void test_old_banks(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_bank b;
    must(open_altered(NB_BANK_FP16, make_old, false, &err), &err);
    must(nb_bank_open(&b, scratch_path("hostile.nbank"), &err), &err);
    assert_true(isnan(b.tau) && b.temperature == 0.01 && b.groups == 1 && !b.seeded && !b.threshold.images);
    assert_string_equal(b.content.hex, "");
    assert_null(b.checkpoint);
    nb_bank_close(&b);
    must_fail(open_altered(NB_BANK_FP16, make_old_wrong, false, &err), NB_ERR_VERIFY, &err, "'negatives/ids'");
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
        fill_rows(m->rows, M, 3);
        add_proxies(m, K);
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
        fill_names(list, count - 1, "plain");
        must_fail(nb_bank_write(path, true, &m->content, &digest, &err), NB_ERR_INPUT, &err, "control characters");
        unmake(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_flipped_bytes),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_suggested),
        cmocka_unit_test(test_unknown_score),  cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_source),         cmocka_unit_test(test_versions),
        cmocka_unit_test(test_old_banks),      cmocka_unit_test(test_codes),
        cmocka_unit_test(test_writer_refuses), cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_bad_proxies),    cmocka_unit_test(test_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
