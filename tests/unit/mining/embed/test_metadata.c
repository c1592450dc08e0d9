#include "support/support.h"

#include "mining/embed/import.h"
#include "mining/embed/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tests/golden/clip_retrieval has the metadata of ten parts of two rows, but for part 3, which has three; the folders
 * of embeddings are made here, the other way round, so that the order of the file system is not that of the numbers. */

enum { PARTS = 10, ROWS = 21, D = 4 };

static size_t rows_of(size_t part)
{
    return part == 3 ? 3 : 2;
}

static void write_part(const char *kind, size_t part, size_t count)
{
    nb_error err = {0};
    char name[64];
    float rows[3 * D];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rows[i] = (float)(1 + part + i) / 8;
    }
    snprintf(name, sizeof name, "%s/%s_%02zu.npy", kind, kind, part);
    must(nb_npy_write(scratch_path(name), true, NB_NPY_F16, (nb_npy_shape){.rows = count, .columns = D}, rows, &err),
         &err);
}

static void make_folder(void)
{
    nb_error err = {0};
    static const char *const kinds[] = {"img_emb", "text_emb"};
    for (size_t k = 0; k < 2; k++) {
        must(nb_make_directories(scratch_path(kinds[k]), &err), &err);
        for (size_t part = PARTS; part-- > 0;) {
            write_part(kinds[k], part, rows_of(part));
        }
    }
    must(nb_make_directories(scratch_path("metadata"), &err), &err);
    for (size_t part = PARTS; part-- > 0;) {
        char name[64], from[96], *bytes = NULL;
        size_t len = 0;
        snprintf(name, sizeof name, "metadata/metadata_%02zu.parquet", part);
        snprintf(from, sizeof from, "clip_retrieval/%s", name);
        must(nb_file_read(golden_path(from), 1 << 20, &bytes, &len, &err), &err);
        must(nb_file_write(scratch_path(name), true, bytes, len, &err), &err);
        free(bytes);
    }
}

static nb_status import(const char *folder, const char *column, const char *names, nb_error *err)
{
    nb_digest digest;
    size_t count = 0;
    const nb_import what = {.embeddings = scratch_path(folder), .column = column, .names = names, .provenance = "{}"};
    nb_error_clear(err);
    nb_status status = nb_import_store(&what, scratch_path("o.nbe"), true, &digest, &count, err);
    assert_true(status != NB_OK || count == ROWS);
    return status;
}

/* The name of a row of the store that was made last. */
static void expect_name(size_t row, const char *want)
{
    nb_error err = {0};
    nb_store store;
    must(nb_store_open(&store, scratch_path("o.nbe"), true, &err), &err);
    assert_string_equal(nb_strings_get(&store.names, row), want);
    nb_store_close(&store);
}

static void test_names(void **state)
{
    (void)state;
    nb_error err = {0};
    make_folder();
    must(import("", NULL, NULL, &err), &err);
    expect_name(0, "images/0/0.jpg");
    expect_name(8, "images/3/2.jpg");
    expect_name(20, "images/9/1.jpg");
    must(import("text_emb/", NULL, NULL, &err), &err);
    expect_name(2, "a photo of 1 and 0");
    expect_name(8, "8"); /* null */
    must(import("img_emb", "caption", NULL, &err), &err);
    expect_name(8, "8");
    expect_name(1, "1"); /* a line end is none of an image's name */
    must_fail(import("", "similarity", NULL, &err), NB_ERR_INPUT, &err, "similarity");
    must_fail(import("", "absent", NULL, &err), NB_ERR_INPUT, &err, "absent");
    must_fail(import("", "caption", "names.txt", &err), NB_ERR_USAGE, &err, "--names and --column");
    must_fail(import("img_emb/img_emb_03.npy", "caption", NULL, &err), NB_ERR_USAGE, &err, "has no metadata");
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    make_folder();
    write_part("img_emb", 3, 2);
    must_fail(import("", NULL, NULL, &err), NB_ERR_INPUT, &err, "metadata_03.parquet' has 3 rows for 2 embeddings");
    make_folder();
    assert_int_equal(unlink(scratch_path("metadata/metadata_09.parquet")), 0);
    must_fail(import("", NULL, NULL, &err), NB_ERR_INPUT, &err, "9 files of metadata");
    assert_int_equal(unlink(scratch_path("metadata/metadata_04.parquet")), 0);
    must_fail(import("", NULL, NULL, &err), NB_ERR_INPUT, &err, "'metadata_4.parquet' is missing");
    make_folder();
    must(nb_file_write(scratch_path("metadata/metadata_05.parquet"), true, "PAR1", 4, &err), &err);
    must_fail(import("", NULL, NULL, &err), NB_ERR_INPUT, &err, "metadata_05.parquet");
    make_folder();
    assert_int_equal(unlink(scratch_path("img_emb/img_emb_07.npy")), 0);
    must_fail(import("", NULL, NULL, &err), NB_ERR_INPUT, &err, "'img_emb_7.npy' is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
