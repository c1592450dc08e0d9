/* Tar shards: what is found, where it lies, what is left out, what is refused. */
#include "support/support.h"

#include "mining/images/image_inputs.h"
#include "mining/images/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tar file while it is written. */
typedef struct maker {
    nb_buffer bytes;
} maker;

static void put(maker *m, const void *bytes, size_t len)
{
    nb_error err = {0};
    must(nb_buffer_append(&m->bytes, bytes, len, &err), &err);
}

static void pad(maker *m)
{
    static const char zeros[512];
    put(m, zeros, (512 - m->bytes.len % 512) % 512);
}

/* A ustar header: checksum over itself with blanks in place of the checksum. */
static void put_header(maker *m, const char *name, char type, size_t size, const char *link)
{
    unsigned char h[512] = {0};
    char digits[24];
    unsigned sum = 0;
    memcpy(h, name, strnlen(name, 100));
    snprintf((char *)h + 100, 8, "%07o", 0644);
    snprintf((char *)h + 108, 8, "%07o", 0);
    snprintf((char *)h + 116, 8, "%07o", 0);
    snprintf(digits, sizeof digits, "%011zo", size);
    memcpy(h + 124, digits, 12);
    snprintf((char *)h + 136, 12, "%011o", 0);
    memset(h + 148, ' ', 8);
    h[156] = (unsigned char)type;
    memcpy(h + 157, link, strnlen(link, 100));
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof h; i++) {
        sum += h[i];
    }
    snprintf((char *)h + 148, 8, "%06o", sum);
    put(m, h, sizeof h);
}

static void put_file(maker *m, const char *name, const char *content)
{
    put_header(m, name, '0', strlen(content), "");
    put(m, content, strlen(content));
    pad(m);
}

/* A pax header gives the next member its name. */
static void put_pax_name(maker *m, const char *name)
{
    char record[256];
    size_t len = strlen(name) + 8; /* "NN path=NAME\n", and NN has two digits here */
    snprintf(record, sizeof record, "%zu path=%s\n", len + 1, name);
    assert_int_equal(strlen(record), len + 1);
    put_header(m, "pax", 'x', strlen(record), "");
    put(m, record, strlen(record));
    pad(m);
}

static const char *finish(maker *m, const char *name, bool whole)
{
    static const char zeros[1024];
    nb_error err = {0};
    if (whole) {
        put(m, zeros, sizeof zeros);
    }
    const char *path = scratch_path(name);
    must(nb_file_write(path, true, m->bytes.data, m->bytes.len, &err), &err);
    nb_buffer_free(&m->bytes);
    return path;
}

static nb_shard_ask ask = {.label_suffix = "cls", .label_key = "label", .bytes = 100};

static void expect(const nb_shard *s, size_t i, const char *name, const char *label)
{
    assert_true(i < s->count);
    assert_string_equal(nb_strings_get(&s->names, i), name);
    assert_string_equal(nb_strings_get(&s->labels, i), label);
}

static void test_index(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_shard s;
    maker m = {0};
    put_header(&m, "a/", '5', 0, "");
    put_file(&m, "./a/1.jpg", "one");
    put_file(&m, "./a/1.cls", " 7\n");
    put_file(&m, "a/2.cls", "8"); /* before its image */
    put_file(&m, "a/2.PNG", "two two");
    put_file(&m, "a/2.txt", "a caption");
    put_pax_name(&m, "a/\xc3\xa4\xe2\x82\xac.webp");
    put_file(&m, "a/x.webp", "three");
    put_file(&m, "a.b/3.left.jpeg", "four");
    put_file(&m, "a.b/3.cls", "9");
    put_file(&m, "a/notes.md", "not an image");
    put_file(&m, "a/jpg", "not either");
    const char *path = finish(&m, "index.tar", true);
    must(nb_shard_read(&s, path, &ask, &err), &err);
    assert_int_equal(s.count, 4);
    assert_false(s.compressed);
    expect(&s, 0, "a/1.jpg", "7");
    expect(&s, 1, "a/2.PNG", "8");
    expect(&s, 2, "a/\xc3\xa4\xe2\x82\xac.webp", "");
    expect(&s, 3, "a.b/3.left.jpeg", "9");
    char *bytes;
    size_t len;
    must(nb_file_read(path, 1 << 20, &bytes, &len, &err), &err);
    assert_memory_equal(bytes + s.at[0], "one", 3);
    assert_memory_equal(bytes + s.at[1], "two two", 7);
    assert_memory_equal(bytes + s.at[2], "three", 5);
    assert_memory_equal(bytes + s.at[3], "four", 4);
    free(bytes);
    assert_int_equal(s.size[1], 7);
    /* through bytes, as other ranks get it */
    nb_buffer packed = {0};
    nb_shard again;
    must(nb_shard_pack(&packed, &s, &err), &err);
    nb_unpack in = {packed.data, packed.len, 0};
    must(nb_shard_unpack(&again, &in, &err), &err);
    assert_int_equal(in.at, in.len);
    expect(&again, 3, "a.b/3.left.jpeg", "9");
    assert_int_equal(again.at[3], s.at[3]);
    nb_shard_free(&again);
    for (size_t cut = 0; cut < packed.len; cut += 7) {
        in = (nb_unpack){packed.data, cut, 0};
        must_fail(nb_shard_unpack(&again, &in, &err), NB_ERR_INTERNAL, &err, "packed values end");
    }
    nb_buffer_free(&packed);
    nb_shard_free(&s);
}

/* Of members of one name the last one stays, with the last label, as tar has it. */
static void test_members_twice(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_shard s;
    maker m = {0};
    put_file(&m, "1.jpg", "old");
    put_file(&m, "1.cls", "1");
    put_file(&m, "0.heic", "layers");
    put_file(&m, "1.heic", "layers");
    put_file(&m, "a/._2.jpg", "of macOS");
    put_file(&m, "__MACOSX/2.jpg", "of macOS");
    put_file(&m, "2.jpg", "other");
    put_file(&m, "./1.jpg", "newer");
    put_file(&m, "1.cls", "2");
    put_file(&m, "1.jpg", "newest!");
    put_file(&m, "2.cls", "7");
    put_file(&m, "1.cls", "3");
    const char *path = finish(&m, "twice.tar", true);
    must(nb_shard_read(&s, path, &ask, &err), &err);
    assert_int_equal(s.count, 2);
    expect(&s, 0, "2.jpg", "7");
    expect(&s, 1, "1.jpg", "3");
    assert_int_equal(s.size[0], 5);
    assert_int_equal(s.size[1], 7);
    assert_int_equal(s.skipped[NB_SKIP_TWICE], 2);
    assert_int_equal(s.skipped[NB_SKIP_HIDDEN], 2);
    assert_string_equal(nb_strings_get(&s.examples, 0), "0.heic: of a format that is not read");
    assert_string_equal(nb_strings_get(&s.examples, 1), "1.jpg: members that stand again behind them");
    assert_int_equal(s.others[nb_image_name_other(".heic")], 2);
    nb_shard_free(&s);
}

/* Hostile names, links, devices and sizes are left out and counted; the others stay. */
static void test_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {"/etc/1.jpg", "../2.jpg", "a/../3.jpg", "a/b/..", "a\tb.jpg", "\xff\xfe.jpg"};
    nb_error err = {0};
    nb_shard s;
    maker m = {0};
    char large[102] = "";
    memset(large, 'x', 101);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put_file(&m, names[i], "content");
    }
    put_header(&m, "link.jpg", '2', 0, "/etc/passwd");
    put_header(&m, "hard.jpg", '1', 0, "good.jpg");
    put_header(&m, "device.png", '3', 0, "");
    put_header(&m, "pipe.png", '6', 0, "");
    put_file(&m, "large.jpg", large);
    put_file(&m, "good..jpg", "a name with dots");
    put_file(&m, "..good.jpg", "another");
    const char *path = finish(&m, "hostile.tar", true);
    must(nb_shard_read(&s, path, &ask, &err), &err);
    assert_int_equal(s.count, 2);
    expect(&s, 0, "good..jpg", "");
    expect(&s, 1, "..good.jpg", "");
    assert_int_equal(s.skipped[NB_SKIP_NAME], 5);
    assert_int_equal(s.skipped[NB_SKIP_KIND], 4);
    assert_int_equal(s.skipped[NB_SKIP_BYTES], 1);
    assert_int_equal(s.skipped[NB_SKIP_SPARSE], 0);
    assert_int_equal(s.examples.count, 5);
    assert_string_equal(nb_strings_get(&s.examples, 0), "/etc/1.jpg: unsafe or unreadable names");
    assert_string_equal(nb_strings_get(&s.examples, 4), "??.jpg: unsafe or unreadable names");
    nb_shard_free(&s);
}

/* Cut anywhere, even between members, a tar is refused; only its second block of zeros may be missing. */
static void test_cut(void **state)
{
    (void)state;
    nb_error err = {0};
    maker m = {0};
    put_file(&m, "1.jpg", "first");
    put_file(&m, "2.jpg", "second");
    size_t end = m.bytes.len, len;
    char *bytes;
    must(nb_file_read(finish(&m, "whole.tar", true), 1 << 20, &bytes, &len, &err), &err);
    assert_int_equal(len, end + 1024);
    for (size_t cut = 0; cut <= len; cut += cut % 512 == 0 || cut % 512 == 511 ? 1 : 51) {
        nb_shard s;
        must(nb_file_write(scratch_path("cut.tar"), true, bytes, cut, &err), &err);
        nb_error_clear(&err);
        nb_status status = nb_shard_read(&s, scratch_path("cut.tar"), &ask, &err);
        if (cut < end + 512) {
            must_fail(status, NB_ERR_INPUT, &err, "cut.tar");
        } else {
            must(status, &err);
            assert_int_equal(s.count, 2);
        }
        nb_shard_free(&s);
    }
    free(bytes);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_shard s;
    maker m = {0};
    put_header(&m, "huge.jpg", '0', (size_t)077777777777, ""); /* 8 GiB that are not there */
    must_fail(nb_shard_read(&s, finish(&m, "huge.tar", true), &ask, &err), NB_ERR_INPUT, &err, "cut short");
    put_file(&m, "1.jpg", "x");
    m.bytes.data[0] = '2'; /* the checksum is wrong now */
    must_fail(nb_shard_read(&s, finish(&m, "sum.tar", true), &ask, &err), NB_ERR_INPUT, &err, "sum.tar");
    put_file(&m, "1.jpg", "x");
    put_file(&m, "1.cls", "two\nlines");
    must_fail(nb_shard_read(&s, finish(&m, "label.tar", true), &ask, &err), NB_ERR_INPUT, &err, "1.cls");
    nb_shard_ask json = {.label_suffix = "json", .label_key = "label", .bytes = 100};
    put_file(&m, "1.jpg", "x");
    put_file(&m, "1.json", "{\"label\": ");
    must_fail(nb_shard_read(&s, finish(&m, "json.tar", true), &json, &err), NB_ERR_INPUT, &err, "it is no JSON");
    must(nb_file_write(scratch_path("noise.tar"), true, "no tar at all", 13, &err), &err);
    must_fail(nb_shard_read(&s, scratch_path("noise.tar"), &ask, &err), NB_ERR_INPUT, &err, "noise.tar");
    must_fail(nb_shard_read(&s, absent_path("a.tar"), &ask, &err), NB_ERR_INPUT, &err, "absent/a.tar");
    must_fail(nb_shard_read(&s, "/dev", &ask, &err), NB_ERR_INPUT, &err, "regular");
}

/* ---- among the inputs ---- */

static nb_status read_one(nb_image_inputs *in, const char *path, const char *labels_from, nb_error *err)
{
    nb_strings inputs = {0};
    nb_error_clear(err);
    must(nb_strings_push(&inputs, path, strlen(path), err), err);
    nb_status status = nb_image_inputs_read(in, &inputs, labels_from, err);
    nb_strings_free(&inputs);
    return status;
}

static const char *labelled(const char *name, const char *first, const char *second, const char *suffix)
{
    maker m = {0};
    char member[64];
    put_file(&m, "d/1.jpg", "one");
    snprintf(member, sizeof member, "d/1.%s", suffix);
    put_file(&m, member, first);
    put_file(&m, "e/2.jpg", "two");
    snprintf(member, sizeof member, "e/2.%s", suffix);
    put_file(&m, member, second);
    put_file(&m, "3.jpg", "three");
    return finish(&m, name, true);
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *from, *suffix, *first, *second;
        int32_t labels[3];
        size_t classes;
    } cases[] = {
        {"cls", "cls", "5", "-1", {5, -1, -1}, 0},
        {"auto", "cls", "5", "0", {5, 0, -1}, 0},
        {"auto", "txt", "5", "0", {-1, -1, -1}, 0}, /* may be captions */
        {"none", "cls", "5", "0", {-1, -1, -1}, 0},
        {"txt", "txt", "zebra", "ant", {1, 0, -1}, 2},
        {"cls", "cls", "7", "ant", {0, 1, -1}, 2}, /* one name makes all of them names */
        {"json", "json", "{\"label\": 3}", "{\"label\": \"4\", \"a\": [1]}", {3, 4, -1}, 0},
        {"json",
         "json",
         "{\"label\": 3, \"a\": NaN}",
         "\xEF\xBB\xBF{\"a\": 18446744073709551616, \"label\": 4}",
         {3, 4, -1},
         0},
        {"json", "json", "{\"label\": \"b\"}", "{\"other\": 1}", {0, -1, -1}, 1},
        {"folder", "txt", "a", "b", {0, 1, -1}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_error err = {0};
        nb_image_inputs in;
        const char *path = labelled("labels.tar", cases[i].first, cases[i].second, cases[i].suffix);
        must(read_one(&in, path, cases[i].from, &err), &err);
        assert_int_equal(in.count, 3);
        assert_string_equal(nb_strings_get(&in.names, 1), "labels.tar/e/2.jpg");
        assert_memory_equal(in.labels, cases[i].labels, sizeof cases[i].labels);
        assert_int_equal(in.classes.count, cases[i].classes);
        nb_image_inputs_free(&in);
    }
    nb_error err = {0};
    nb_image_inputs in;
    must_fail(read_one(&in, labelled("labels.tar", "1", "2", "txt"), "cls", &err), NB_ERR_INPUT, &err, "no image has");
    must_fail(read_one(&in, labelled("labels.tar", "1", "9999999999", "cls"), "cls", &err), NB_ERR_INPUT, &err,
              "9999999999");
    must_fail(read_one(&in, labelled("labels.tar", "1", "-2", "cls"), "auto", &err), NB_ERR_INPUT, &err, "-2");
    must_fail(read_one(&in, labelled("labels.tar", "1", "-2", "cls"), "list", &err), NB_ERR_INPUT, &err, "lists");
}

/* Any image at any time, in any order, from plain and compressed shards. */
static void test_reader(void **state)
{
    (void)state;
    static const char *const names[] = {"read.tar", "read.tar.gz", "read.tar.zst"};
    maker m = {0};
    char name[32], want[32], command[1024];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "%02d.jpg", i);
        snprintf(want, sizeof want, "image number %d", i);
        put_file(&m, name, want);
        put_file(&m, "notes.txt", "between");
    }
    const char *plain = finish(&m, names[0], true);
    snprintf(command, sizeof command, "gzip -kf '%s' && zstd -qf '%s'", plain, plain);
    if (system(command) != 0) { /* NOLINT(cert-env33-c): a test's own tools */
        skip();
    }
    for (size_t k = 0; k < 3; k++) {
        nb_error err = {0};
        nb_image_inputs in;
        nb_image_reader *reader;
        must(read_one(&in, scratch_path(names[k]), "none", &err), &err);
        assert_int_equal(in.count, 50);
        must(nb_image_reader_create(&reader, &in, &err), &err);
        for (size_t step = 0; step < 150; step++) {
            size_t i = step < 50 ? step : step * 37 % 50, len;
            const char *bytes;
            nb_image_fault fault;
            must(nb_image_reader_bytes(reader, i, &bytes, &len, &fault, &err), &err);
            snprintf(want, sizeof want, "image number %zu", i);
            assert_int_equal(len, strlen(want));
            assert_memory_equal(bytes, want, len);
            assert_int_equal(nb_image_is_compressed(&in, i), k > 0);
        }
        in.places[7].size++; /* the shard changed behind the index */
        in.places[8].at = k ? 1000 : (uint64_t)1 << 40;
        const char *bytes;
        size_t len;
        nb_image_fault fault;
        if (k) {
            must_fail(nb_image_reader_bytes(reader, 7, &bytes, &len, &fault, &err), NB_ERR_INPUT, &err, "07.jpg");
        }
        must_fail(nb_image_reader_bytes(reader, 8, &bytes, &len, &fault, &err), NB_ERR_INPUT, &err, "08.jpg");
        assert_int_equal(fault, NB_IMAGE_UNREADABLE);
        must(nb_image_reader_bytes(reader, 9, &bytes, &len, &fault, &err), &err);
        nb_image_reader_destroy(reader);
        assert_int_equal(nb_image_inputs_run(&in, 10, 1).most, k ? 1 : NB_TILE_RUN);
        assert_int_equal(nb_image_inputs_run(&in, 2, 2).most, k ? 3 : NB_TILE_RUN);
        assert_int_equal(nb_image_inputs_run(&in, 2, 2).shrinks, !k);
        nb_image_inputs_free(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_twice), cmocka_unit_test(test_index),    cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_refusals), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
