/* The walk through a file's structure (common/store/hdf5/structure.h): what our writer can write passes, what HDF5
 * could write besides does not. Mutants of whole files are in test_mutants.c. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/store/hdf5/h5.h"
#include "common/store/hdf5/h5_chunks.h"
#include "common/store/hdf5/structure.h"
#include "common/store/hdf5/structure_checksum.h"
#include "support/sealed_files.h"

#include <stdlib.h>
#include <string.h>

/* Exported by the library, though declared in none of its public headers. */
uint32_t H5_checksum_metadata(const void *data, size_t len, uint32_t initial);

static void test_checksum(void **state)
{
    (void)state;
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)nb_random_u64(1, 2, i);
    }
    for (size_t len = 1; len <= sizeof bytes; len++) {
        assert_int_equal(nb_structure_checksum(bytes, len), H5_checksum_metadata(bytes, len, 0));
    }
}

/* Saves a file, opens it again and gives the names of its datasets. */
static nb_strings save_and_open(hid_t *file, unsigned format, nb_error *err)
{
    const char *path = scratch_path("structure.h5");
    nb_strings names;
    must(nb_h5_save(file, path, err), err);
    must(nb_h5_open(file, path, "test", format, err), err);
    must(nb_h5_names(*file, &names, err), err);
    return names;
}

static void test_small_and_empty(void **state)
{
    (void)state;
    nb_error err = {0};
    hid_t file;
    nb_strings none = {0}, empty = {0}, back;
    static const double value = 1;
    must(nb_strings_push(&empty, "", 0, &err), &err);
    must(nb_h5_create(&file, scratch_path("structure.h5"), "test", 1, &err), &err);
    must(nb_h5_put_strings(file, "none", &none, &err), &err);
    must(nb_h5_put_strings(file, "empty", &empty, &err), &err);
    must(nb_h5_put_text(file, "text", "", &err), &err);
    must(nb_h5_put_vector(file, "a/b/c/one", (nb_h5_values){H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &value}, NB_H5_ZSTD,
                          &err),
         &err);
    nb_strings names = save_and_open(&file, 1, &err);
    assert_int_equal(names.count, 6);
    must(nb_h5_get_strings(file, "none", &back, &err), &err);
    assert_int_equal(back.count, 0);
    nb_strings_free(&back);
    must(nb_h5_get_strings(file, "empty", &back, &err), &err);
    assert_int_equal(back.count, 1);
    nb_strings_free(&back);
    nb_strings_free(&names);
    nb_strings_free(&empty);
    nb_h5_close(&file);
}

/* Three chunks of a matrix, the last one short. */
static void test_chunks(void **state)
{
    (void)state;
    enum { ROWS = 1100, WIDTH = 600 };
    nb_error err = {0};
    hid_t file;
    float *rows = calloc((size_t)ROWS * WIDTH, sizeof *rows);
    void *back;
    const hsize_t dims[2] = {ROWS, WIDTH};
    assert_non_null(rows);
    for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++) {
        rows[i] = (float)nb_random_unit(3, 4, i);
    }
    const nb_h5_array array = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, dims, rows};
    must(nb_h5_create(&file, scratch_path("structure.h5"), "test", 1, &err), &err);
    must(nb_h5_put(file, "rows", &array, NB_H5_ZSTD, &err), &err);
    nb_strings names = save_and_open(&file, 1, &err);
    must(nb_h5_get(file, "rows", &array, &back, &err), &err);
    assert_memory_equal(rows, back, (size_t)ROWS * WIDTH * sizeof *rows);
    free(back);
    free(rows);
    nb_strings_free(&names);
    nb_h5_close(&file);
}

/* An index in pages: 1024 chunks to one. What the chunks hold is not looked at before they are read. */
static void test_pages(void **state)
{
    (void)state;
    nb_error err = {0};
    const uint64_t counts[] = {1024, 1025, 8193};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        hid_t file, dataset;
        uint64_t offset, chunks = counts[c];
        const nb_h5_chunking chunking = {H5T_STD_U8LE, chunks << 20, 1};
        must(nb_h5_create(&file, scratch_path("structure.h5"), "test", 1, &err), &err);
        must(nb_h5_chunked(&dataset, file, "bytes", &chunking, &err), &err);
        for (uint64_t i = 0; i < chunks; i++) {
            const nb_h5_chunk chunk = {dataset, i, 5000};
            must(nb_h5_place(file, "structure.h5", &chunk, &offset, &err), &err);
        }
        H5Dclose(dataset);
        nb_strings names = save_and_open(&file, 1, &err);
        assert_int_equal(names.count, 1);
        nb_strings_free(&names);
        nb_h5_close(&file);
    }
}

/* A thousand times the size of the file: texts that are much alike, or made to fill memory. */
static void test_unpacked(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *path = scratch_path("structure.h5");
    hid_t file, dataset;
    uint64_t offset;
    const nb_h5_chunking chunking = {H5T_STD_U8LE, UINT64_C(128) << 20, 1};
    must(nb_h5_create(&file, path, "test", 1, &err), &err);
    must(nb_h5_chunked(&dataset, file, "bytes", &chunking, &err), &err);
    for (uint64_t i = 0; i < 128; i++) {
        const nb_h5_chunk chunk = {dataset, i, 1000};
        must(nb_h5_place(file, path, &chunk, &offset, &err), &err);
    }
    H5Dclose(dataset);
    must(nb_h5_save(&file, path, &err), &err);
    must_fail(nb_h5_open(&file, path, "test", 1, &err), NB_ERR_LIMIT, &err, "h5-unpacked");
    must(nb_h5_open_texts(&file, path, "test", 1, &err), &err);
    nb_h5_close(&file);
}

/* More links than HDF5 keeps in a header by itself. */
static void test_many_links(void **state)
{
    (void)state;
    nb_error err = {0};
    hid_t file;
    must(nb_h5_create(&file, scratch_path("structure.h5"), "test", 2, &err), &err);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "text%d", i);
        must(nb_h5_put_text(file, name, name, &err), &err);
    }
    nb_strings names = save_and_open(&file, 2, &err);
    assert_int_equal(names.count, 40);
    nb_strings_free(&names);
    nb_h5_close(&file);
    must(nb_h5_create(&file, scratch_path("structure.h5"), "test", 1, &err), &err);
    for (int i = 0; i < 9; i++) {
        char name[16];
        snprintf(name, sizeof name, "text%d", i);
        must(nb_h5_put_text(file, name, name, &err), &err);
    }
    must_fail(nb_h5_save(&file, scratch_path("structure.h5"), &err), NB_ERR_INTERNAL, &err, "does not read");
}

/* ---- one field of a file that is sound otherwise ---- */

static sealed_file files[SEALED_FILES];

/* What the walk says of a changed copy. */
static void walked(const sealed_file *f, unsigned char *bytes, nb_status want, const char *word)
{
    nb_error err = {0};
    sealed_file_checksums(f, bytes);
    const nb_map map = {bytes, f->len};
    nb_status status = nb_structure_check(&map, f->name, NB_STRUCTURE_TEXTS_TIMES, &err);
    if (want == NB_OK) {
        must(status, &err);
    } else {
        must_fail(status, want, &err, word);
    }
    memcpy(bytes, f->bytes, f->len);
}

/* The `nth` place (from 0) at or behind which these bytes stand. */
static unsigned char *find(const sealed_file *f, unsigned char *bytes, const void *what, size_t len, size_t nth)
{
    unsigned char *at = bytes;
    do {
        at = memmem(at + 1, f->len - (size_t)(at + 1 - bytes), what, len);
        assert_non_null(at);
    } while (nth-- > 0);
    return at;
}

enum { N = 12 }; /* rows of the store */
static const unsigned char layout[] = {0x08, 0x12, 0x00, 0x01, 0x04, 0x01};

/* The layout message of the `nth` dataset in one piece that has so many bytes. */
static unsigned char *layout_of(const sealed_file *f, unsigned char *bytes, size_t size, size_t nth)
{
    for (size_t i = 0;; i++) {
        unsigned char *at = find(f, bytes, layout, sizeof layout, i);
        if (at[14] == size && at[15] == 0 && nth-- == 0) {
            return at;
        }
    }
}

static void test_fields(void **state)
{
    (void)state;
    const sealed_file *f = &files[SEALED_STORE_FP32];
    unsigned char *bytes = malloc(f->len), *a, *b;
    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->len);
    walked(f, bytes, NB_OK, "");
    bytes[512 + 8] = 2;
    walked(f, bytes, NB_ERR_INPUT, "superblock");
    bytes[512 + 11] = 1; /* in use */
    walked(f, bytes, NB_ERR_INPUT, "superblock");
    bytes[512 + 28]++; /* the end of the file */
    walked(f, bytes, NB_ERR_INPUT, "superblock");
    bytes[512 + 36] = 0; /* the root */
    walked(f, bytes, NB_ERR_INPUT, "another version");
    a = find(f, bytes, layout, sizeof layout, 0);
    a[7] = 0xff; /* an address far behind the end */
    a[10] = 1;
    walked(f, bytes, NB_ERR_INPUT, "beyond the end");
    a = layout_of(f, bytes, N * sizeof(float), 0); /* norms and labels */
    b = layout_of(f, bytes, N * sizeof(float), 1);
    memcpy(b + 6, a + 6, 8);
    walked(f, bytes, NB_ERR_INPUT, "two things in one place");
    free(bytes);
}

static void test_links(void **state)
{
    (void)state;
    const sealed_file *f = &files[SEALED_STORE_FP32];
    unsigned char *bytes = malloc(f->len), *a;
    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->len);
    a = find(f, bytes, "\x01\x00\x05norms", 8, 0);
    a[1] = 0x08; /* a type follows: soft, external, of a user */
    walked(f, bytes, NB_ERR_INPUT, "our writer does not write");
    memcpy(a + 3, "no/ms", 5);
    walked(f, bytes, NB_ERR_INPUT, "our writer does not write");
    memcpy(a + 8, bytes + 512 + 36, 8); /* the root in itself */
    walked(f, bytes, NB_ERR_INPUT, "neither a group nor a dataset");
    a = find(f, bytes, "\x01\x00\x05names", 8, 0);
    unsigned char *inner = find(f, bytes,
                                "\x01\x00\x05"
                                "bytes",
                                8, 0);
    memcpy(inner + 8, a + 8, 8); /* a group in itself */
    walked(f, bytes, NB_ERR_LIMIT, "h5-depth");
    free(bytes);
}

static void test_strings(void **state)
{
    (void)state;
    const sealed_file *f = &files[SEALED_SCORES];
    unsigned char *bytes = malloc(f->len), *heap;
    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->len);
    heap = find(f, bytes, "GCOL", 4, 0);
    heap[16 + 8]++; /* the length of the first string */
    walked(f, bytes, NB_ERR_INPUT, "a string that is not whole");
    heap[8] = 8; /* the length of the heap */
    walked(f, bytes, NB_ERR_INPUT, "heap");
    heap[16 + 9] = 0xff;
    walked(f, bytes, NB_ERR_INPUT, "do not fit into it");
    heap[16 + 1] = 0xff; /* a number over the most */
    walked(f, bytes, NB_ERR_LIMIT, "h5-heap");
    free(bytes);
}

/* Every prefix, and files that are none. */
static void test_cut(void **state)
{
    (void)state;
    nb_error err = {0};
    for (size_t i = 0; i < SEALED_FILES; i++) {
        for (size_t len = 0; len < files[i].len; len += files[i].len / 200 + 1) {
            unsigned char *bytes = malloc(len + 1);
            assert_non_null(bytes);
            memcpy(bytes, files[i].bytes, len);
            const nb_map map = {bytes, len};
            assert_int_equal(nb_structure_check(&map, "cut", NB_STRUCTURE_TEXTS_TIMES, &err), NB_ERR_INPUT);
            free(bytes);
        }
    }
}

int main(void)
{
    sealed_files_make(files, scratch_path("made"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum), cmocka_unit_test(test_small_and_empty), cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_pages),    cmocka_unit_test(test_unpacked),        cmocka_unit_test(test_many_links),
        cmocka_unit_test(test_fields),   cmocka_unit_test(test_links),           cmocka_unit_test(test_strings),
        cmocka_unit_test(test_cut),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sealed_files_free(files);
    return failed;
}
