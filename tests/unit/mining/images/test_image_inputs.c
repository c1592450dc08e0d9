#include "support/support.h"

#include "mining/images/image_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty file under the scratch folder, its folders made. */
static void touch(const char *name)
{
    nb_error err = {0};
    char folder[512];
    snprintf(folder, sizeof folder, "%s", scratch_path(name));
    *strrchr(folder, '/') = '\0';
    must(nb_make_directories(folder, &err), &err);
    must(nb_file_write(scratch_path(name), true, "", 0, &err), &err);
}

static void write_text(const char *name, const char *text)
{
    nb_error err = {0};
    must(nb_file_write(scratch_path(name), true, text, strlen(text), &err), &err);
}

/* Reads inputs (names under the scratch folder, ended by NULL). */
static nb_status read_inputs(nb_image_inputs *out, const char *labels, nb_error *err, const char *const *inputs)
{
    nb_error failed = {0};
    nb_strings list = {0};
    for (; *inputs; inputs++) {
        const char *path = scratch_path(*inputs);
        must(nb_strings_push(&list, path, strlen(path), &failed), &failed);
    }
    nb_error_clear(err);
    nb_status status = nb_image_inputs_read(out, &list, labels, err);
    nb_strings_free(&list);
    if (status != NB_OK) {
        assert_null(out->labels);
        assert_int_equal(out->count, 0);
    }
    return status;
}

#define INPUTS(...)                                                                                                    \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void expect(const nb_image_inputs *in, size_t i, const char *name, int32_t label)
{
    assert_true(i < in->count);
    assert_string_equal(nb_strings_get(&in->names, i), name);
    assert_int_equal(in->labels[i], label);
    const char *path = nb_strings_get(&in->paths, i);
    assert_int_equal(access(path, R_OK), 0);
    assert_true(strlen(path) >= strlen(name));
}

static void make_tree(void)
{
    touch("tree/b/two.JPEG");
    touch("tree/b/one.png");
    touch("tree/a/deep/er/x.WebP");
    touch("tree/a-b/y.jpg");
    touch("tree/top.jpg");
    touch("tree/a/notes.txt");
    touch("tree/.hidden/z.jpg");
    touch("tree/b/.hidden.jpg");
    touch("tree/b/jpg");
    if (access(scratch_path("tree/a/loop"), F_OK) != 0) {
        assert_int_equal(symlink("..", scratch_path("tree/a/loop")), 0);
        assert_int_equal(symlink("../b/one.png", scratch_path("tree/a/link.png")), 0);
    }
}

static void test_folder(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    make_tree();
    static const char *const labels[] = {"folder", "auto"};
    for (size_t i = 0; i < 2; i++) {
        must(read_inputs(&in, labels[i], &err, INPUTS("tree/")), &err);
        assert_int_equal(in.count, 6);
        expect(&in, 0, "a-b/y.jpg", 1); /* '-' is before '/', but class a is before a-b */
        expect(&in, 1, "a/deep/er/x.WebP", 0);
        expect(&in, 2, "a/link.png", 0);
        expect(&in, 3, "b/one.png", 2);
        expect(&in, 4, "b/two.JPEG", 2);
        expect(&in, 5, "top.jpg", -1);
        assert_int_equal(in.classes.count, 3);
        assert_string_equal(nb_strings_get(&in.classes, 0), "a");
        assert_string_equal(nb_strings_get(&in.classes, 1), "a-b");
        assert_string_equal(nb_strings_get(&in.classes, 2), "b");
        nb_image_inputs_free(&in);
    }
    must(read_inputs(&in, "none", &err, INPUTS("tree")), &err);
    expect(&in, 3, "b/one.png", -1);
    assert_int_equal(in.classes.count, 0);
    nb_image_inputs_free(&in);
}

/* Classes are numbered over all folders together, so that two folders of one data set agree. */
static void test_two_folders(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    touch("val/c/1.jpg");
    touch("train/b/2.jpg");
    touch("train/c/3.jpg");
    must(read_inputs(&in, "auto", &err, INPUTS("val", "train")), &err);
    assert_int_equal(in.count, 3);
    expect(&in, 0, "c/1.jpg", 1);
    expect(&in, 1, "b/2.jpg", 0);
    expect(&in, 2, "c/3.jpg", 1);
    nb_image_inputs_free(&in);
    touch("flat/1.jpg");
    must(read_inputs(&in, "auto", &err, INPUTS("flat")), &err);
    expect(&in, 0, "1.jpg", -1);
    nb_image_inputs_free(&in);
    must_fail(read_inputs(&in, "folder", &err, INPUTS("flat")), NB_ERR_INPUT, &err, "subfolders");
}

static void test_list(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    char text[2048];
    make_tree();
    touch("with space.jpg");
    touch("2024.bin");
    touch("5");
    snprintf(text, sizeof text,
             "# a comment 3\n\ntree/b/two.JPEG 17\r\n  tree/b/one.png\t-1 \nwith space.jpg 4\nwith space.jpg\n"
             "%s 2147483647\n2024.bin\n5\n./tree/top.jpg  0",
             scratch_path("tree/top.jpg"));
    write_text("list.txt", text);
    static const char *const labels[] = {"list", "auto", "none"};
    const int32_t want[] = {17, -1, 4, -1, INT32_MAX, -1, -1, 0};
    for (size_t k = 0; k < 3; k++) {
        must(read_inputs(&in, labels[k], &err, INPUTS("list.txt")), &err);
        const char *const names[] = {"tree/b/two.JPEG",
                                     "tree/b/one.png",
                                     "with space.jpg",
                                     "with space.jpg",
                                     scratch_path("tree/top.jpg"),
                                     "2024.bin",
                                     "5",
                                     "./tree/top.jpg"};
        assert_int_equal(in.count, 8);
        for (size_t i = 0; i < 8; i++) {
            expect(&in, i, names[i], k < 2 ? want[i] : -1);
        }
        assert_int_equal(in.classes.count, 0);
        nb_image_inputs_free(&in);
    }
    write_text("plain.txt", "tree/top.jpg\n");
    must(read_inputs(&in, "auto", &err, INPUTS("plain.txt")), &err);
    expect(&in, 0, "tree/top.jpg", -1);
    nb_image_inputs_free(&in);
    must_fail(read_inputs(&in, "list", &err, INPUTS("plain.txt")), NB_ERR_INPUT, &err, "no line of an image list");
}

static void test_mixed(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    make_tree();
    write_text("labelled.txt", "tree/top.jpg 3\n");
    must_fail(read_inputs(&in, "auto", &err, INPUTS("labelled.txt", "tree")), NB_ERR_USAGE, &err, "--labels-from");
    must(read_inputs(&in, "list", &err, INPUTS("labelled.txt", "tree", "tree/b/one.png")), &err);
    assert_int_equal(in.count, 8);
    expect(&in, 0, "tree/top.jpg", 3);
    expect(&in, 1, "a-b/y.jpg", -1);
    expect(&in, 7, scratch_path("tree/b/one.png"), -1);
    nb_image_inputs_free(&in);
    must(read_inputs(&in, "folder", &err, INPUTS("labelled.txt", "tree")), &err);
    expect(&in, 0, "tree/top.jpg", -1);
    expect(&in, 1, "a-b/y.jpg", 1);
    nb_image_inputs_free(&in);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_image_inputs in;
    nb_strings none = {0};
    make_tree();
    write_text("missing.txt", "tree/top.jpg 1\n# x\ntree/gone.jpg 2\n");
    must_fail(read_inputs(&in, "auto", &err, INPUTS("missing.txt")), NB_ERR_INPUT, &err, "line 3");
    assert_non_null(strstr(err.message, "missing.txt"));
    assert_non_null(strstr(err.message, "tree/gone.jpg"));
    write_text("folder.txt", "tree/b 1\n");
    must_fail(read_inputs(&in, "auto", &err, INPUTS("folder.txt")), NB_ERR_INPUT, &err, "directory");
    write_text("large.txt", "tree/top.jpg 2147483648\n");
    must_fail(read_inputs(&in, "auto", &err, INPUTS("large.txt")), NB_ERR_INPUT, &err, "2147483648");
    write_text("empty.txt", "# nothing\n\n");
    must_fail(read_inputs(&in, "none", &err, INPUTS("empty.txt")), NB_ERR_INPUT, &err, "names no images");
    write_text("binary.bin", "\xff\xfe\x01");
    must_fail(read_inputs(&in, "none", &err, INPUTS("binary.bin")), NB_ERR_INPUT, &err, "an image list is a text file");
    must(nb_make_directories(scratch_path("nothing/in/it"), &err), &err);
    must_fail(read_inputs(&in, "none", &err, INPUTS("nothing")), NB_ERR_INPUT, &err, "holds no images");
    must_fail(read_inputs(&in, "none", &err, INPUTS("absent")), NB_ERR_INPUT, &err, "absent");
    must_fail(read_inputs(&in, "none", &err, INPUTS("absent.jpg")), NB_ERR_INPUT, &err, "absent.jpg");
    must_fail(read_inputs(&in, "labels", &err, INPUTS("tree")), NB_ERR_USAGE, &err, "'labels'");
    must_fail(nb_image_inputs_read(&in, &none, "auto", &err), NB_ERR_USAGE, &err, "no image inputs");
    touch("control/a\tb.jpg");
    must_fail(read_inputs(&in, "none", &err, INPUTS("control")), NB_ERR_INPUT, &err, "holds no images");
    assert_non_null(strstr(err.hint, "a?b.jpg: unsafe or unreadable names"));
}

/* One odd name, link or format among images is left out and counted; the others stay. */
static void test_leaves_out_what_is_odd(void **state)
{
    (void)state;
    nb_image_inputs in;
    nb_error err = {0};
    touch("odd/a.jpg");
    touch("odd/b.JFIF");
    touch("odd/c.jpe");
    touch("odd/sub/caf\xE9.png");
    touch("odd/tab\there.png");
    touch("odd/d.heic");
    touch("odd/sub/e.HEIC");
    touch("odd/g.gif");
    touch("odd/h.BMP");
    touch("odd/.i.jpg");
    touch("odd/._a.jpg");
    touch("odd/__MACOSX/a.jpg");
    touch("odd/folder.jpg/i.pjpeg");
    touch("odd/Thumbs.db");
    touch("odd/f.avif");
    touch("odd/notes.txt");
    assert_int_equal(symlink("nowhere.jpg", scratch_path("odd/x.jpg")), 0);
    assert_int_equal(symlink("nowhere.txt", scratch_path("odd/x.txt")), 0);
    assert_int_equal(mkfifo(scratch_path("odd/pipe.jpg"), 0600), 0);
    must(read_inputs(&in, "none", &err, INPUTS("odd")), &err);
    static const char *const names[] = {"a.jpg", "b.JFIF", "c.jpe", "folder.jpg/i.pjpeg", "g.gif", "h.BMP"};
    assert_int_equal(in.count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < in.count; i++) {
        assert_string_equal(nb_strings_get(&in.names, i), names[i]);
    }
    assert_int_equal(in.skipped[NB_SKIP_HIDDEN], 2);
    assert_int_equal(in.skipped[NB_SKIP_NAME], 2);
    assert_int_equal(in.skipped[NB_SKIP_DANGLING], 1);
    assert_int_equal(in.skipped[NB_SKIP_KIND], 1);
    assert_int_equal(in.examples.count, 6); /* of each other format one */
    uint64_t others = 0;
    for (int i = 0; i < NB_IMAGE_OTHER_SUFFIXES; i++) {
        others += in.others[i];
    }
    assert_int_equal(others, 3);
    assert_int_equal(in.others[nb_image_name_other("x.heic")], 2);
    assert_int_equal(in.others[nb_image_name_other("x.AVIF")], 1);
    assert_int_equal(nb_image_name_other("x.txt"), -1);
    FILE *out = tmpfile();
    assert_non_null(out);
    char said[4096] = "";
    const nb_log log = {.out = out, .command = "test"};
    nb_image_inputs_tell(&log, &in);
    rewind(out);
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    fclose(out);
    static const char *const words[] = {"sub/caf?.png: unsafe or unreadable names", "tab?here.png",
                                        "links to nothing: 1 images", ".heic files are not read", ": 2\n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!strstr(said, words[i])) {
            fail_msg("no '%s' in '%s'", words[i], said);
        }
    }
    nb_image_inputs_free(&in);
}

/* A line whose name is no text is left out of a list of others; how an input begins says what it is without a suffix.
 */
static void test_lists_and_content(void **state)
{
    (void)state;
    nb_image_inputs in;
    nb_error err = {0};
    make_tree();
    write_text("some.txt", "\xef\xbb\xbftree/top.jpg 1\ncaf\xe9.jpg 2\ntree/b/one.png 3\r\n");
    must(read_inputs(&in, "auto", &err, INPUTS("some.txt")), &err);
    assert_int_equal(in.count, 2);
    expect(&in, 1, "tree/b/one.png", 3);
    assert_int_equal(in.skipped[NB_SKIP_NAME], 1);
    assert_non_null(strstr(nb_strings_get(&in.examples, 0), "some.txt': line 2: unsafe or unreadable names"));
    nb_image_inputs_free(&in);
    write_text("picture", "GIF89a");
    must(read_inputs(&in, "none", &err, INPUTS("picture")), &err);
    expect(&in, 0, scratch_path("picture"), -1);
    nb_image_inputs_free(&in);
    write_text("packed", "\x1f\x8b is no tar");
    must_fail(read_inputs(&in, "none", &err, INPUTS("packed")), NB_ERR_INPUT, &err, "is no tar file");
    write_text("nul.txt", "tree/top.jpg");
    nb_error failed = {0};
    must(nb_file_write(scratch_path("nul.txt"), true, "a\0b\n", 4, &failed), &failed);
    must_fail(read_inputs(&in, "none", &err, INPUTS("nul.txt")), NB_ERR_INPUT, &err, "line 1 is not UTF-8 text");
    write_text("addresses.txt", "https://example.org/a.jpg 1\n");
    must_fail(read_inputs(&in, "none", &err, INPUTS("addresses.txt")), NB_ERR_USAGE, &err, "addresses are not read");
    assert_int_equal(mkfifo(scratch_path("fifo.tar"), 0600), 0);
    must_fail(read_inputs(&in, "none", &err, INPUTS("fifo.tar")), NB_ERR_INPUT, &err, "is not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_out_what_is_odd),
        cmocka_unit_test(test_lists_and_content),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_two_folders),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
