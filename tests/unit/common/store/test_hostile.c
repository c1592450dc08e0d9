/* Files of ours with a valid seal and hostile content: all are refused as input, none is read beyond its bytes. */
#include "support/support.h"

#include "common/store/embeddings.h"
#include "common/store/hdf5/h5.h"
#include "common/store/hdf5/zstd_codec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { N = 6, D = 3 };

static void make_store(const char *path)
{
    nb_error err = {0};
    nb_store_plan plan;
    nb_digest digest;
    nb_strings names = {0};
    static const uint8_t tags[N] = {0, 1, 2, 0, 1, 2};
    static const int32_t labels[N] = {-1, 0, 1, 2, 3, 4};
    static const float norms[N] = {1, 1, 1, 1, 1, 1};
    static const float rows[N * D] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1};
    for (size_t i = 0; i < N; i++) {
        must(nb_strings_push(&names, "name", 4, &err), &err);
    }
    nb_store_spec spec = {
        .count = N, .width = D, .tile_rows = N, .names = &names, .tags = tags, .labels = labels, .provenance = "{}"};
    must(nb_store_create(&plan, path, &spec, &err), &err);
    int fd = open(path, O_WRONLY);
    must(nb_store_write_tile(fd, &plan, 0, rows, norms, &err), &err);
    close(fd);
    must(nb_store_seal(path, &plan, &digest, &err), &err);
    nb_strings_free(&names);
}

typedef void (*change)(hid_t file);

/* Makes a store, lets `alter` change it and seals it again; how opening it ends is left in err. */
static nb_status open_altered(change alter, nb_error *err)
{
    const char *path = scratch_path("hostile.nbe");
    nb_seal seal;
    nb_digest digest;
    nb_store store;
    nb_error_clear(err);
    make_store(path);
    must(nb_seal_read(&seal, path, NULL, err), err);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    alter(file);
    assert_true(H5Fclose(file) >= 0);
    must(nb_seal_write(path, NB_STORE_KIND, seal.hole_begin, seal.hole_end, &digest, err), err);
    nb_status status = nb_store_open(&store, path, true, err);
    if (status == NB_OK) {
        nb_store_close(&store);
    }
    return status;
}

static void refused(change alter, const char *word)
{
    nb_error err = {0};
    must_fail(open_altered(alter, &err), NB_ERR_INPUT, &err, word);
}

/* An attribute of `count` elements in place of the one that is there. */
static void replace_attribute(hid_t file, const char *name, hid_t type, hsize_t count, const void *values)
{
    assert_true(H5Adelete(file, name) >= 0);
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, values) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

/* A dataset in place of the one that is there; the caller closes it. */
static hid_t replace(hid_t file, const char *name, hid_t type, hsize_t count, hid_t properties)
{
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(dataset >= 0);
    H5Sclose(space);
    return dataset;
}

/* Properties of a dataset that lies in the file from the begin, as our writer gives them. */
static hid_t plain_properties(void)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(properties, false);
    H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
    return properties;
}

/* Elements of another type or number in the place of a dataset. */
static hid_t replace_plain(hid_t file, const char *name, hid_t type, hsize_t count)
{
    hid_t properties = plain_properties(), dataset = replace(file, name, type, count, properties);
    H5Pclose(properties);
    return dataset;
}

static void nothing(hid_t file)
{
    (void)file;
}

static void long_format(hid_t file)
{
    static unsigned ones[4000];
    ones[0] = 1;
    replace_attribute(file, "format", H5T_NATIVE_UINT, 4000, ones);
}

static void wide_format(hid_t file)
{
    double one = 1;
    replace_attribute(file, "format", H5T_NATIVE_DOUBLE, 1, &one);
}

static void long_kind(hid_t file)
{
    static char text[60 * 1000];
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 60);
    replace_attribute(file, "kind", type, 1000, text);
    H5Tclose(type);
}

static void steering_producer(hid_t file)
{
    unsigned newer = 99;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 6);
    replace_attribute(file, "producer", type, 1, "\033[2Jxx");
    replace_attribute(file, "format", H5T_NATIVE_UINT, 1, &newer);
    H5Tclose(type);
}

/* What the walk through the file's structure says (common/store/hdf5/structure.h). */
static const char structure[] = "not stored as negbank stores it";

static void test_attributes(void **state)
{
    (void)state;
    nb_error err = {0};
    must(open_altered(nothing, &err), &err);
    refused(long_format, structure);
    refused(wide_format, "format 0");
    refused(long_kind, structure);
    refused(steering_producer, "?[2Jxx");
}

static void many_texts(hid_t file)
{
    static char texts[64 * 1000];
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 64);
    hid_t dataset = replace_plain(file, "provenance", type, 1000);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts);
    H5Dclose(dataset);
    H5Tclose(type);
}

static void long_text(hid_t file)
{
    hid_t type = H5Tcopy(H5T_C_S1), properties = plain_properties(), space = H5Screate(H5S_SCALAR);
    char *text = calloc(NB_H5_TEXT_MAX + 1, 1);
    assert_non_null(text);
    memset(text, '{', NB_H5_TEXT_MAX);
    H5Tset_size(type, NB_H5_TEXT_MAX + 1);
    assert_true(H5Ldelete(file, "provenance", H5P_DEFAULT) >= 0);
    hid_t dataset = H5Dcreate2(file, "provenance", type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(properties);
    H5Tclose(type);
    free(text);
}

static void pointed_text(hid_t file)
{
    const char *text = "{}";
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t dataset = replace_plain(file, "provenance", type, 1);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text);
    H5Dclose(dataset);
    H5Tclose(type);
}

static void wide_tags(hid_t file)
{
    H5Dclose(replace_plain(file, "tags", H5T_STD_U64LE, N));
}

static void big_endian_norms(hid_t file)
{
    H5Dclose(replace_plain(file, "norms", H5T_IEEE_F32BE, N));
}

static void double_norms(hid_t file)
{
    H5Dclose(replace_plain(file, "norms", H5T_IEEE_F64LE, N));
}

static void whole_number_rows(hid_t file)
{
    hid_t properties = plain_properties();
    H5Ldelete(file, "embeddings", H5P_DEFAULT);
    hsize_t dims[2] = {N, D};
    hid_t space = H5Screate_simple(2, dims, NULL);
    H5Dclose(H5Dcreate2(file, "embeddings", H5T_STD_I32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(properties);
}

static void test_types(void **state)
{
    (void)state;
    refused(many_texts, "not a text");
    refused(pointed_text, "not a text");
    nb_error err = {0};
    must_fail(open_altered(long_text, &err), NB_ERR_LIMIT, &err, "h5-text");
    refused(wide_tags, "another type");
    refused(big_endian_norms, structure);
    refused(double_norms, "another type");
    refused(whole_number_rows, "precision");
}

static void put_tags(hid_t file, uint8_t tag)
{
    uint8_t tags[N] = {0, 0, 0, tag};
    hid_t dataset = H5Dopen2(file, "tags", H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, tags) >= 0);
    H5Dclose(dataset);
}

static void no_such_tag(hid_t file)
{
    put_tags(file, 3);
}

static void last_tag(hid_t file)
{
    put_tags(file, 2);
}

static void no_such_label(hid_t file)
{
    int32_t labels[N] = {0, 0, INT32_MIN};
    hid_t dataset = H5Dopen2(file, "labels", H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels) >= 0);
    H5Dclose(dataset);
}

static void test_values(void **state)
{
    (void)state;
    nb_error err = {0};
    must(open_altered(last_tag, &err), &err);
    refused(no_such_tag, "row 3");
    refused(no_such_label, "row 2");
}

/* A chunked dataset of one chunk, `filter` its only filter (0: none). */
static hid_t replace_chunked(hid_t file, const char *name, hsize_t count, hsize_t chunk, int filter)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(properties, false);
    H5Pset_chunk(properties, 1, &chunk);
    if (filter) {
        unsigned level = 1;
        H5Pset_filter(properties, filter, H5Z_FLAG_MANDATORY, 1, &level);
    }
    hid_t dataset = replace(file, name, H5T_STD_U8LE, count, properties);
    H5Pclose(properties);
    return dataset;
}

/* Tags whose only chunk is a frame of `bytes` bytes, marked as having passed the filters outside `mask`. */
static void put_frame(hid_t file, size_t bytes, uint32_t mask)
{
    static const char zeros[64];
    char frame[256];
    hsize_t origin = 0;
    size_t len = ZSTD_compress(frame, sizeof frame, zeros, bytes, 1);
    hid_t dataset = replace_chunked(file, "tags", N, N, NB_ZSTD_FILTER);
    assert_true(H5Dwrite_chunk(dataset, H5P_DEFAULT, mask, &origin, len, frame) >= 0);
    H5Dclose(dataset);
}

static void exact_frame(hid_t file)
{
    put_frame(file, N, 0);
}

static void short_frame(hid_t file)
{
    put_frame(file, N - 1, 0);
}

static void long_frame(hid_t file)
{
    put_frame(file, N + 1, 0);
}

static void empty_frame(hid_t file)
{
    put_frame(file, 0, 0);
}

static void skipped_filter(hid_t file)
{
    put_frame(file, N, 1);
}

static void no_frame(hid_t file)
{
    hsize_t origin = 0;
    hid_t dataset = replace_chunked(file, "tags", N, N, NB_ZSTD_FILTER);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &origin, 6, "nozstd");
    H5Dclose(dataset);
}

static void missing_chunks(hid_t file)
{
    H5Dclose(replace_chunked(file, "tags", N, 2, NB_ZSTD_FILTER));
}

static void no_filter(hid_t file)
{
    H5Dclose(replace_chunked(file, "tags", N, 2, 0));
}

static void other_filter(hid_t file)
{
    H5Dclose(replace_chunked(file, "tags", N, 2, H5Z_FILTER_DEFLATE));
}

/* 512 GiB of names that were never stored. */
static void vast_names(hid_t file)
{
    H5Dclose(replace_chunked(file, "names/bytes", (hsize_t)1 << 39, (hsize_t)1 << 20, NB_ZSTD_FILTER));
}

/* Zeros as names: hardly a byte a chunk. */
static void zero_names(hid_t file)
{
    enum { BYTES = 80 << 20 };
    nb_error err = {0};
    char *zeros = calloc(BYTES, 1);
    assert_non_null(zeros);
    assert_true(H5Ldelete(file, "names/bytes", H5P_DEFAULT) >= 0);
    must(nb_h5_put_vector(file, "names/bytes", (nb_h5_values){H5T_STD_U8LE, H5T_NATIVE_UCHAR, BYTES, zeros}, NB_H5_ZSTD,
                          &err),
         &err);
    free(zeros);
}

static void test_chunks(void **state)
{
    (void)state;
    nb_error err = {0};
    must(open_altered(exact_frame, &err), &err);
    refused(short_frame, "missing or incomplete");
    refused(long_frame, "missing or incomplete");
    refused(empty_frame, "missing or incomplete");
    refused(no_frame, "missing or incomplete");
    refused(skipped_filter, structure);
    refused(missing_chunks, structure);
    refused(no_filter, structure);
    refused(other_filter, structure);
    refused(vast_names, structure);
    must_fail(open_altered(zero_names, &err), NB_ERR_LIMIT, &err, "h5-unpacked");
}

static void unstored_tags(hid_t file)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(properties, false);
    H5Dclose(replace(file, "tags", H5T_STD_U8LE, N, properties));
    H5Pclose(properties);
}

static void outside_tags(hid_t file)
{
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, scratch_path("outside.bin"), 0, N);
    must(nb_file_write(scratch_path("outside.bin"), true, "\0\1\2\0\1\2", N, NULL), &(nb_error){0});
    H5Dclose(replace(file, "tags", H5T_STD_U8LE, N, properties));
    H5Pclose(properties);
}

static void linked_tags(hid_t file)
{
    make_store(scratch_path("linked.nbe"));
    H5Ldelete(file, "tags", H5P_DEFAULT);
    assert_true(H5Lcreate_external(scratch_path("linked.nbe"), "/tags", file, "tags", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void soft_tags(hid_t file)
{
    H5Ldelete(file, "tags", H5P_DEFAULT);
    assert_true(H5Lcreate_soft("/labels", file, "tags", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void virtual_tags(hid_t file)
{
    hsize_t count = N;
    hid_t space = H5Screate_simple(1, &count, NULL), properties = H5Pcreate(H5P_DATASET_CREATE);
    make_store(scratch_path("linked.nbe"));
    H5Pset_virtual(properties, space, scratch_path("linked.nbe"), "/tags", space);
    H5Dclose(replace(file, "tags", H5T_STD_U8LE, N, properties));
    H5Pclose(properties);
    H5Sclose(space);
}

static void test_other_files(void **state)
{
    (void)state;
    refused(unstored_tags, structure);
    refused(outside_tags, structure);
    refused(linked_tags, structure);
    refused(soft_tags, structure);
    refused(virtual_tags, structure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_types),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_chunks),     cmocka_unit_test(test_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
