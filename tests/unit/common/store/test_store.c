/* Stores, seals and .npy: what goes in comes out; one altered byte anywhere is noticed. */
#include "support/support.h"

#include "common/linear/reference/half.h"
#include "common/store/embeddings.h"
#include "common/store/hdf5/h5.h"
#include "common/store/npy.h"
#include "mining/embed/import.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N = 37, D = 5, TILE = 8 };

static void make_rows(float *rows, float *norms)
{
    for (size_t r = 0; r < N; r++) {
        double sum = 0;
        for (size_t i = 0; i < D; i++) {
            rows[r * D + i] = (float)((r * 7 + i * 3) % 11) - 4.5f;
            sum += (double)rows[r * D + i] * (double)rows[r * D + i];
        }
        norms[r] = (float)sqrt(sum);
        for (size_t i = 0; i < D; i++) {
            rows[r * D + i] /= norms[r];
        }
    }
}

/* Writes the tiles in an odd order, as ranks would. */
static void make_store(const char *path, bool half)
{
    nb_error err = {0};
    nb_store_plan plan;
    nb_digest digest;
    nb_strings names = {0};
    uint8_t tags[N];
    float rows[N * D], norms[N];
    make_rows(rows, norms);
    for (size_t r = 0; r < N; r++) {
        char name[16];
        int len = snprintf(name, sizeof name, "text %zu", r);
        must(nb_strings_push(&names, name, (size_t)len, &err), &err);
        tags[r] = (uint8_t)(r % 3);
    }
    nb_store_spec spec = {
        .count = N, .width = D, .tile_rows = TILE, .half = half, .names = &names, .tags = tags, .provenance = "{}"};
    must(nb_store_create(&plan, path, &spec, &err), &err);
    int fd = open(path, O_WRONLY);
    for (size_t t = plan.tile_count; t-- > 0;) {
        size_t at = nb_store_tile_begin(&plan, t);
        must(nb_store_write_tile(fd, &plan, t, rows + at * D, norms + at, &err), &err);
    }
    close(fd);
    must(nb_store_seal(path, &plan, &digest, &err), &err);
    nb_strings_free(&names);
}

static void test_round_trip(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_store store;
    float rows[N * D], norms[N], back[N * D];
    double unit[N * D];
    make_rows(rows, norms);
    for (int half = 0; half < 2; half++) {
        const char *path = scratch_path("store.nbe");
        make_store(path, half);
        must(nb_store_open(&store, path, true, &err), &err);
        assert_int_equal(store.plan.count, N);
        assert_int_equal(store.plan.width, D);
        assert_int_equal(store.plan.half, half);
        assert_string_equal(nb_strings_get(&store.names, 20), "text 20");
        assert_int_equal(store.tags[20], 2);
        assert_null(store.labels);
        assert_memory_equal(store.norms, norms, sizeof norms);
        must(nb_store_rows_float(&store, 0, N, back, &err), &err);
        for (size_t i = 0; i < N * D; i++) {
            assert_true(back[i] == (half ? nb_half_to_float(nb_float_to_half(rows[i])) : rows[i]));
        }
        must(nb_store_rows(&store, 3, 30, unit, &err), &err);
        for (size_t r = 0; r < 30; r++) {
            double sum = 0;
            for (size_t i = 0; i < D; i++) {
                sum += unit[r * D + i] * unit[r * D + i];
            }
            assert_true(fabs(sum - 1) < 1e-14);
        }
        assert_int_equal(nb_store_rows_float(&store, N - 1, 2, back, &err), NB_ERR_INTERNAL);
        nb_store_close(&store);
    }
}

/* Opens and reads all of it. */
static nb_status read_whole(const char *path, nb_error *err)
{
    nb_store store;
    double rows[N * D];
    nb_status status = nb_store_open(&store, path, true, err);
    if (status == NB_OK) {
        status = nb_store_rows(&store, 0, N, rows, err);
        nb_store_close(&store);
    }
    return status;
}

static void test_every_byte(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *path = scratch_path("whole.nbe"), *bad = scratch_path("bad.nbe");
    char *bytes;
    size_t len;
    make_store(path, false);
    must(read_whole(path, &err), &err);
    must(nb_file_read(path, 1 << 20, &bytes, &len, &err), &err);
    must(nb_file_write(bad, true, bytes, len, &err), &err);
    int fd = open(bad, O_RDWR);
    for (size_t at = 0; at < len; at++) {
        char altered = (char)(bytes[at] ^ 0x10);
        assert_int_equal(pwrite(fd, &altered, 1, (off_t)at), 1);
        nb_status status = read_whole(bad, &err);
        if (status != NB_ERR_INPUT && status != NB_ERR_VERIFY) {
            fail_msg("byte %zu of %zu altered: %s", at, len, nb_status_name(status));
        }
        assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
    }
    close(fd);
    for (size_t cut = 0; cut < len; cut += 97) {
        FILE *f = fopen(bad, "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        assert_int_equal(read_whole(bad, &err), NB_ERR_INPUT);
    }
    free(bytes);
}

static void test_kinds(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_seal seal;
    const char *path = scratch_path("kind.nbe");
    make_store(path, false);
    must_fail(nb_seal_read(&seal, path, "bank", &err), NB_ERR_INPUT, &err, "a negbank bank is needed");
    must(nb_seal_read(&seal, path, NULL, &err), &err);
    assert_string_equal(seal.kind, NB_STORE_KIND);
    must_fail(nb_seal_read(&seal, scratch_path("none"), NULL, &err), NB_ERR_INPUT, &err, "none");
}

static void test_npy(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_npy npy;
    const char *path = scratch_path("a.npy");
    float values[6] = {1, -2, 0.5f, 4, 5, 1e-3f};
    int32_t labels[3] = {-1, 0, 7};
    must(nb_npy_write(path, true, NB_NPY_F32, (nb_npy_shape){.rows = 2, .columns = 3}, values, &err), &err);
    must(nb_npy_open(&npy, path, &err), &err);
    assert_int_equal(npy.rows, 2);
    assert_int_equal(npy.columns, 3);
    assert_int_equal(((uintptr_t)npy.data - (uintptr_t)npy.map.data) % 64, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_true(nb_npy_at(&npy, i) == (double)values[i]);
    }
    nb_npy_close(&npy);
    must(nb_npy_write(path, true, NB_NPY_I32, (nb_npy_shape){.rows = 3}, labels, &err), &err);
    must(nb_npy_open(&npy, path, &err), &err);
    assert_int_equal(npy.rank, 1);
    assert_true(nb_npy_at(&npy, 2) == 7);
    nb_npy_close(&npy);
    must(nb_npy_write(path, true, NB_NPY_F16, (nb_npy_shape){.rows = 2, .columns = 3}, values, &err), &err);
    must(nb_npy_open(&npy, path, &err), &err);
    assert_true(fabs(nb_npy_at(&npy, 5) - 1e-3) < 1e-6);
    nb_npy_close(&npy);
    assert_int_equal(truncate(path, 130), 0);
    must_fail(nb_npy_open(&npy, path, &err), NB_ERR_INPUT, &err, "cut short");
    must(nb_file_write(path, true, "\x93NUMPY\1\0\xff\xff", 10, &err), &err);
    must_fail(nb_npy_open(&npy, path, &err), NB_ERR_INPUT, &err, "npy");
}

/* A file of these bytes behind a header of this text. */
static const char *npy_file(int version, const char *header, const void *data, size_t len)
{
    static char bytes[512];
    nb_error err = {0};
    const char *path = scratch_path("form.npy");
    size_t text = strlen(header), begin = version == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (char)version;
    bytes[7] = 0;
    bytes[8] = (char)text;
    bytes[9] = bytes[10] = bytes[11] = 0;
    memcpy(bytes + begin, header, text);
    memcpy(bytes + begin + text, data, len);
    must(nb_file_write(path, true, bytes, begin + text + len, &err), &err);
    return path;
}

/* [[1, 2, 3], [4, 5, 6]], or its first row alone, in every form that NumPy writes. */
static void test_npy_forms(void **state)
{
    (void)state;
    static const float rows[] = {1, 2, 3, 4, 5, 6}, columns[] = {1, 4, 2, 5, 3, 6};
    static const unsigned char big_f4[] = {0x3F, 0x80, 0, 0, 0x40, 0, 0, 0, 0x40, 0x40, 0, 0},
                               big_f8[] = {0x3F, 0xF0, 0, 0, 0,    0, 0, 0, 0x40, 0, 0, 0,
                                           0,    0,    0, 0, 0x40, 8, 0, 0, 0,    0, 0, 0},
                               big_f2[] = {0x3C, 0, 0x40, 0, 0x42, 0}, small[] = {1, 2, 3},
                               big_i2[] = {0, 1, 0, 2, 0, 3},
                               big_i8[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3};
    static const int16_t i2[] = {1, 2, 3};
    static const uint32_t u4[] = {1, 2, 3};
    static const uint64_t u8[] = {1, 2, 3};
    const struct {
        int version;
        const char *header;
        const void *data;
        size_t len, rank;
    } forms[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", rows, sizeof rows, 2},
        {2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n", rows, sizeof rows, 2},
        {3, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", columns, sizeof columns, 2},
        {1, "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3)}\n", rows, sizeof rows, 2},
        {1, "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f4'}", rows, sizeof rows, 2},
        {1, "{ 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 2 , 3 ) } \n", columns, sizeof columns, 2},
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 3), }\n", big_f4, sizeof big_f4, 2},
        {1, "{'descr': '>f8', 'fortran_order': True, 'shape': (3, 1), }\n", big_f8, sizeof big_f8, 2},
        {1, "{'descr': '>f2', 'fortran_order': False, 'shape': (3,), }\n", big_f2, sizeof big_f2, 1},
        {1, "{'descr': '|i1', 'fortran_order': True, 'shape': (3,), }\n", small, sizeof small, 1},
        {1, "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }\n", i2, sizeof i2, 1},
        {1, "{'descr': '>i2', 'fortran_order': False, 'shape': (3,), }\n", big_i2, sizeof big_i2, 1},
        {1, "{'descr': '<u4', 'fortran_order': False, 'shape': (3,), }\n", u4, sizeof u4, 1},
        {1, "{'descr': '<u8', 'fortran_order': False, 'shape': (3,), }\n", u8, sizeof u8, 1},
        {1, "{'descr': '>i8', 'fortran_order': False, 'shape': (3,), }\n", big_i8, sizeof big_i8, 1},
    };
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        nb_error err = {0};
        nb_npy npy;
        must(nb_npy_open(&npy, npy_file(forms[f].version, forms[f].header, forms[f].data, forms[f].len), &err), &err);
        assert_int_equal(npy.rank, forms[f].rank);
        assert_true(npy.rows * npy.columns == 3 || (npy.rows == 2 && npy.columns == 3));
        for (size_t i = 0; i < npy.rows * npy.columns; i++) {
            assert_true(nb_npy_at(&npy, i) == (double)(i + 1));
        }
        nb_npy_close(&npy);
    }
}

static void test_npy_of_other_forms(void **state)
{
    (void)state;
    static const float rows[6];
    static const struct {
        const char *header, *word;
    } forms[] = {
        {"{'descr': '<f4x', 'fortran_order': False, 'shape': (2, 3), }", "of type '<f4x'"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "of type '<c8'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", "of 3 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "of 0 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3), }", "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }", "not understood"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 3), }", "not understood"},
        {"{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,), }", "not understood"},
        {"{'descr': '<f4', 'shape': (2, 3), }", "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x", "not understood"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", "cut short or too long"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (999999999999999, 999999999999999), }", "cut short"},
    };
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        nb_error err = {0};
        nb_npy npy;
        must_fail(nb_npy_open(&npy, npy_file(1, forms[f].header, rows, sizeof rows), &err), NB_ERR_INPUT, &err,
                  forms[f].word);
    }
    nb_error err = {0};
    nb_npy npy;
    must_fail(nb_npy_open(&npy, npy_file(4, forms[0].header, rows, sizeof rows), &err), NB_ERR_INPUT, &err,
              "version 4");
}

/* Half-precision unit rows keep their bits; everything else is normalised. */
static void test_import(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_digest digest;
    nb_store store;
    size_t count;
    float rows[N * D], norms[N], back[N * D];
    make_rows(rows, norms);
    const char *npy = scratch_path("rows.npy"), *path = scratch_path("imported.nbe");
    nb_import in = {.embeddings = npy, .provenance = "{}"};
    must(nb_npy_write(npy, true, NB_NPY_F16, (nb_npy_shape){.rows = N, .columns = D}, rows, &err), &err);
    must(nb_import_store(&in, path, true, &digest, &count, &err), &err);
    must(nb_store_open(&store, path, true, &err), &err);
    assert_true(store.plan.half);
    must(nb_store_rows_float(&store, 0, N, back, &err), &err);
    for (size_t i = 0; i < N * D; i++) {
        assert_true(back[i] == nb_half_to_float(nb_float_to_half(rows[i])));
    }
    nb_store_close(&store);
    for (size_t i = 0; i < N * D; i++) {
        rows[i] *= 3;
    }
    must(nb_npy_write(npy, true, NB_NPY_F16, (nb_npy_shape){.rows = N, .columns = D}, rows, &err), &err);
    must(nb_import_store(&in, path, true, &digest, &count, &err), &err);
    must(nb_store_open(&store, path, true, &err), &err);
    assert_false(store.plan.half);
    assert_true(fabs((double)store.norms[5] - 3) < 0.01);
    nb_store_close(&store);
    memset(rows + 4 * D, 0, D * sizeof *rows);
    must(nb_npy_write(npy, true, NB_NPY_F32, (nb_npy_shape){.rows = N, .columns = D}, rows, &err), &err);
    must_fail(nb_import_store(&in, path, true, &digest, &count, &err), NB_ERR_INPUT, &err, "row 4");
}

/* A folder as clip-retrieval writes it: its parts in the order of their numbers, not of their names. */
static void test_import_folder(void **state)
{
    (void)state;
    enum { PARTS = 12 };
    nb_error err = {0};
    nb_digest digest;
    nb_store store;
    size_t count;
    float rows[N * D], norms[N], back[D];
    char name[64];
    make_rows(rows, norms);
    must(nb_make_directories(scratch_path("cr/img_emb"), &err), &err);
    must(nb_make_directories(scratch_path("cr/metadata"), &err), &err);
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(name, sizeof name, "cr/img_emb/img_emb_%zu.npy", i);
        size_t held = i == PARTS - 1 ? N - i : 1;
        must(nb_npy_write(scratch_path(name), true, NB_NPY_F16, (nb_npy_shape){.rows = held, .columns = D},
                          rows + i * D, &err),
             &err);
    }
    must(nb_file_write(scratch_path("cr/img_emb/notes.npy"), true, "x", 1, &err), &err);
    static const char *const folders[] = {"cr", "cr/img_emb"};
    for (size_t f = 0; f < 2; f++) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s", scratch_path(folders[f]));
        nb_import in = {.embeddings = folder, .provenance = "{}"};
        const char *path = scratch_path("folder.nbe");
        must(nb_import_store(&in, path, true, &digest, &count, &err), &err);
        assert_int_equal(count, N);
        must(nb_store_open(&store, path, true, &err), &err);
        assert_true(store.plan.half);
        for (size_t r = 0; r < N; r++) {
            must(nb_store_rows_float(&store, r, 1, back, &err), &err);
            for (size_t i = 0; i < D; i++) {
                assert_true(back[i] == nb_half_to_float(nb_float_to_half(rows[r * D + i])));
            }
        }
        nb_store_close(&store);
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", scratch_path("cr"));
    nb_import in = {.embeddings = folder, .provenance = "{}"};
    must(nb_npy_write(scratch_path("cr/img_emb/img_emb_3.npy"), true, NB_NPY_F32,
                      (nb_npy_shape){.rows = 1, .columns = 2}, rows, &err),
         &err);
    must_fail(nb_import_store(&in, scratch_path("folder.nbe"), true, &digest, &count, &err), NB_ERR_INPUT, &err,
              "of width 2");
    must(
        nb_npy_write(scratch_path("cr/img_emb/img_emb_3.npy"), true, NB_NPY_F32, (nb_npy_shape){.rows = D}, rows, &err),
        &err);
    must_fail(nb_import_store(&in, scratch_path("folder.nbe"), true, &digest, &count, &err), NB_ERR_INPUT, &err,
              "is a vector");
    assert_int_equal(unlink(scratch_path("cr/img_emb/img_emb_3.npy")), 0);
    must_fail(nb_import_store(&in, scratch_path("folder.nbe"), true, &digest, &count, &err), NB_ERR_INPUT, &err,
              "'img_emb_3.npy' is missing");
    must(nb_file_write(scratch_path("cr/img_emb/text_emb_3.npy"), true, "x", 1, &err), &err);
    must_fail(nb_import_store(&in, scratch_path("folder.nbe"), true, &digest, &count, &err), NB_ERR_INPUT, &err,
              "of two kinds");
    must(nb_make_directories(scratch_path("no-embeddings"), &err), &err);
    in.embeddings = scratch_path("no-embeddings");
    must_fail(nb_import_store(&in, "out.nbe", true, &digest, &count, &err), NB_ERR_INPUT, &err, "holds no embeddings");
}

/* ---- looking for the data of a sparse file ---- */

static int bad_whence = -1, bad_cause, bad_after; /* looks of that kind fail, with that errno, after so many */

/* Stands for the C library's: the store is linked into this program. */
off_t lseek(int fd, off_t at, int whence)
{
    if (whence == bad_whence && bad_after-- <= 0) {
        errno = bad_cause;
        return -1;
    }
    return (off_t)syscall(SYS_lseek, fd, at, whence);
}

/* A file with a dataset of ones, a hole of many pages, and a dataset of twos. */
static nb_status save_sparse(const char *path, nb_error *err)
{
    enum { ONES = 5000 };
    hid_t file = -1;
    hsize_t hole = 1 << 20;
    uint64_t at = 0;
    uint8_t ones[ONES], twos[ONES];
    memset(ones, 1, sizeof ones);
    memset(twos, 2, sizeof twos);
    nb_status status;
    NB_TRY(nb_h5_create(&file, path, "test", 1, err));
    NB_TRY(nb_h5_put_vector(file, "ones", (nb_h5_values){H5T_STD_U8LE, H5T_NATIVE_UINT8, ONES, ones}, NB_H5_CONTIGUOUS,
                            err));
    NB_TRY(nb_h5_reserve(file, "hole", &(nb_h5_array){.stored = H5T_STD_U8LE, .rank = 1, .dims = &hole}, &at, err));
    NB_TRY(nb_h5_put_vector(file, "twos", (nb_h5_values){H5T_STD_U8LE, H5T_NATIVE_UINT8, ONES, twos}, NB_H5_CONTIGUOUS,
                            err));
    status = nb_h5_save(&file, path, err);
done:
    nb_h5_close(&file);
    return status;
}

/* A failing look ends the copy with an error: neither never, nor as if no data were there. */
static void test_sparse_copy(void **state)
{
    (void)state;
    const struct {
        int whence, cause, after;
    } bad[] = {
        {SEEK_DATA, EIO, 0}, {SEEK_DATA, EIO, 1}, {SEEK_DATA, EINVAL, 0}, {SEEK_HOLE, EIO, 0}, {SEEK_HOLE, EIO, 1}};
    nb_error err = {0};
    struct stat st;
    const char *path = scratch_path("sparse.h5");
    alarm(60);
    must(save_sparse(path, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_blocks * 512 < st.st_size / 2); /* the hole stays one: there is something to look for */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bad_whence = bad[i].whence;
        bad_cause = bad[i].cause;
        bad_after = bad[i].after;
        nb_status status = save_sparse(path, &err);
        bad_whence = -1;
        must_fail(status, NB_ERR_IO, &err, "cannot find what is to be written");
        nb_error_clear(&err);
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_npy),
        cmocka_unit_test(test_npy_forms),   cmocka_unit_test(test_npy_of_other_forms),
        cmocka_unit_test(test_import),      cmocka_unit_test(test_import_folder),
        cmocka_unit_test(test_sparse_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
