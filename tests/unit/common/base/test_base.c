/* Statuses, memory, files, text, random numbers, digests. */
#include "support/support.h"

#include "common/base/digest.h"
#include "common/base/json.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_errors(void **state)
{
    (void)state;
    nb_error err = {0};
    assert_int_equal(nb_fail(&err, NB_ERR_INPUT, "line %d", 7), NB_ERR_INPUT);
    assert_int_equal(nb_context(&err, "'%s'", "x.txt"), NB_ERR_INPUT);
    assert_int_equal(nb_hint(&err, "look there"), NB_ERR_INPUT);
    assert_string_equal(err.message, "'x.txt': line 7");
    assert_string_equal(err.hint, "look there");
    assert_int_equal(nb_fail(NULL, NB_ERR_IO, "nobody listens"), NB_ERR_IO);
    assert_string_equal(nb_status_name(NB_ERR_VERIFY), "verification failed");
    assert_string_equal(nb_status_name((nb_status)99), "unknown");
}

static void test_memory(void **state)
{
    (void)state;
    nb_error err = {0};
    assert_null(nb_alloc(SIZE_MAX / 2, 4, &err));
    assert_int_equal(err.status, NB_ERR_LIMIT);
    nb_buffer b = {.max = 10};
    must(nb_buffer_append(&b, "12345", 5, &err), &err);
    must(nb_buffer_printf(&b, &err, "%s", "67890"), &err);
    must_fail(nb_buffer_append(&b, "x", 1, &err), NB_ERR_LIMIT, &err, "limit of 10");
    assert_string_equal(b.data, "1234567890");
    nb_buffer_free(&b);
    nb_strings s = {0};
    for (int i = 0; i < 1000; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "word %d", i);
        must(nb_strings_push(&s, text, (size_t)len, &err), &err);
    }
    assert_int_equal(s.count, 1000);
    assert_string_equal(nb_strings_get(&s, 999), "word 999");
    assert_int_equal(nb_strings_len(&s, 42), 7);
    nb_strings_free(&s);
    assert_true(nb_bytes_compare("a", 1, "ab", 2) < 0);
    assert_true(nb_bytes_compare("\xff", 1, "a", 1) > 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool valid;
    } cases[] = {
        {"", true},
        {"abc", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"\xc0\x80", false},
        {"\x80", false},
        {"\xed\xa0\x80", false},
        {"\xe0\x80\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\xc3", false},
        {"\xf5\x80", false},
        {"\xf4\x8f\xbf\xbf", true},
        {"a\xe2\x82", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nb_utf8_valid(cases[i].bytes, strlen(cases[i].bytes)), cases[i].valid);
    }
}

static void test_control(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sanitised;
    } controls[] = {{"a\x1b[31mb", "a?[31mb"},
                    {"a\x7f", "a?"},
                    {"\xc2\x9b"
                     "2J",
                     "??2J"},
                    {"\xc2\x80x", "??x"},
                    {"\xc2\x85", "??"},
                    {"x\xe2\x80\xa8y", "x???y"},
                    {"\xe2\x80\xa9", "???"},
                    {"tab\t", "tab?"},
                    {"two\nlines", "two?lines"},
                    {"not\xff\x9b"
                     "8",
                     "not??8"},
                    {"cut\xc2", "cut?"}};
    static const char *const plain[] = {
        "", "a b", "\xc2\xa0", "\xc3\xa9", "\xe2\x80\xa7", "\xe2\x80\xaa", "\xf0\x9f\x98\x80"};
    nb_error err = {0};
    nb_strings list = {0};
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", controls[i].text);
        nb_text_sanitise(text);
        assert_string_equal(text, controls[i].sanitised);
        assert_false(nb_text_printable(controls[i].text, strlen(controls[i].text)));
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        assert_true(nb_text_printable(plain[i], strlen(plain[i])));
        must(nb_strings_push(&list, plain[i], strlen(plain[i]), &err), &err);
    }
    must(nb_strings_check_printable(&list, "names", &err), &err);
    must(nb_strings_push(&list, "a\0b", 3, &err), &err);
    must_fail(nb_strings_check_printable(&list, "names", &err), NB_ERR_INPUT, &err, "entry 7 of 'names'");
    nb_strings_free(&list);
}

/* What another may have put into a folder is not written into. */
static void test_own_files(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_output out;
    bool left;
    int fd;
    const char *victim = scratch_path("victim"), *name = scratch_path("name"), *partial = scratch_path("name.partial");
    must(nb_file_write(victim, true, "victim", 6, &err), &err);
    must(nb_file_open_own(&fd, name, &err), &err); /* made */
    close(fd);
    must(nb_file_open_own(&fd, name, &err), &err); /* there */
    close(fd);
    assert_int_equal(nb_file_owner(name), NB_OWNER_OURS);
    unlink(name);
    assert_int_equal(nb_file_owner(name), NB_OWNER_NONE);
    assert_int_equal(symlink(victim, name), 0);
    assert_int_equal(nb_file_owner(name), NB_OWNER_OTHER);
    must_fail(nb_file_open_own(&fd, name, &err), NB_ERR_IO, &err, "is a link");
    assert_int_equal(fd, -1);
    unlink(name);
    assert_int_equal(link(victim, name), 0);
    must_fail(nb_file_open_own(&fd, name, &err), NB_ERR_IO, &err, "has another name");
    unlink(name);
    assert_int_equal(symlink(victim, partial), 0);
    must_fail(nb_output_resume(&out, name, true, &left, &err), NB_ERR_IO, &err, "is a link");
    nb_output_end(&out);
    must(nb_output_begin(&out, name, true, &err), &err); /* removes the link */
    assert_int_equal(symlink(victim, partial), 0);       /* and somebody is quick */
    FILE *f;
    must_fail(nb_output_file(&f, &out, &err), NB_ERR_IO, &err, "cannot create");
    nb_output_end(&out);
    struct stat st;
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 6);
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t n;
    double x;
    assert_true(nb_parse_int("-12", &n) && n == -12);
    assert_false(nb_parse_int("12x", &n));
    assert_false(nb_parse_int(" 12", &n));
    assert_false(nb_parse_int("", &n));
    assert_false(nb_parse_int("99999999999999999999", &n));
    assert_true(nb_parse_real("1e-3", &x) && x == 1e-3);
    assert_false(nb_parse_real("nan", &x));
    assert_false(nb_parse_real("inf", &x));
    assert_false(nb_parse_real("1e999", &x));
    char text[32];
    nb_format_count(text, 1234567);
    assert_string_equal(text, "1.23 M");
    nb_format_bytes(text, 512);
    assert_string_equal(text, "512 B");
    nb_format_seconds(text, 3725);
    assert_string_equal(text, "1 h 02 min");
}

/* The known answer of the Random123 library for counter 0 and key 0; independence of streams; ranges. */
static void test_random(void **state)
{
    (void)state;
    assert_true(nb_random_u64(0, 0, 0) == 0xe169c58d6627e8d5u);
    double mean = 0, square = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double u = nb_random_unit(1, 2, i), z = nb_random_normal(1, 3, i);
        assert_true(u >= 0 && u < 1);
        assert_true(nb_random_below(1, 4, i, 10) < 10);
        mean += z / 20000;
        square += z * z / 20000;
    }
    assert_true(fabs(mean) < 0.03);
    assert_true(fabs(square - 1) < 0.05);
}

/* Digests of all lengths around a block's, in pieces, against libsodium's; OpenSSL's part and libsodium's. */
static void test_digest(void **state)
{
    (void)state;
    unsigned char bytes[300], want[NB_DIGEST_BYTES], got[NB_DIGEST_BYTES];
    assert_string_equal(nb_digest_bytes("abc", 3).hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * i + 7);
    }
    for (size_t len = 0; len <= sizeof bytes; len++) {
        crypto_hash_sha256(want, bytes, len);
        for (int fast = 0; fast < 2; fast++) {
            nb_digest_stream stream;
            nb_digest_begin(&stream);
            assert_non_null(stream.fast);
            if (!fast) { /* as where OpenSSL has no SHA-256 */
                nb_digest_end(&stream, NULL);
                stream.fast = NULL;
                crypto_hash_sha256_init(&stream.by);
            }
            nb_digest_add(&stream, bytes, len / 3);
            nb_digest_add(&stream, bytes + len / 3, len - len / 3);
            nb_digest_end(&stream, got);
            assert_memory_equal(got, want, sizeof want);
        }
    }
}

static void test_outputs(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_output out;
    const char *path = scratch_path("out.txt"), *partial = scratch_path("out.txt.partial");
    must(nb_file_write(path, false, "one", 3, &err), &err);
    must_fail(nb_file_write(path, false, "two", 3, &err), NB_ERR_USAGE, &err, "exists");
    must(nb_file_write(path, true, "two", 3, &err), &err);
    must(nb_output_begin(&out, path, true, &err), &err);
    FILE *f = fopen(out.partial, "w");
    assert_non_null(f);
    fputs("half", f);
    fclose(f);
    nb_output_end(&out); /* given up: the old file stays, the partial goes */
    assert_int_not_equal(access(partial, F_OK), 0);
    char *bytes;
    size_t len;
    must(nb_file_read(path, 100, &bytes, &len, &err), &err);
    assert_string_equal(bytes, "two");
    free(bytes);
    must_fail(nb_file_read(path, 2, &bytes, &len, &err), NB_ERR_INPUT, &err, "at most 2");
    must_fail(nb_file_read(scratch_path("none"), 100, &bytes, &len, &err), NB_ERR_INPUT, &err, "none");
    must_fail(nb_file_read(scratch_path(""), 100, &bytes, &len, &err), NB_ERR_INPUT, &err, "directory");
    must_fail(nb_output_begin(&out, scratch_path("no/such/folder"), false, &err), NB_ERR_IO, &err, "does not exist");
    must_fail(nb_output_begin(&out, scratch_path(""), false, &err), NB_ERR_USAGE, &err, "names no file");
}

static void test_lines(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings lines = {0};
    const char *path = scratch_path("lines.txt");
    must(nb_file_write(path, true, "one\r\n\nthree", 11, &err), &err);
    must(nb_file_lines(path, 100, &lines, &err), &err);
    assert_int_equal(lines.count, 3);
    assert_string_equal(nb_strings_get(&lines, 0), "one");
    assert_string_equal(nb_strings_get(&lines, 2), "three");
    nb_strings_free(&lines);
    must_fail(nb_file_lines(path, 4, &lines, &err), NB_ERR_INPUT, &err, "line 3");
    nb_strings_free(&lines);
    must(nb_file_write(path, true, "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n", 14, &err), &err);
    must(nb_file_lines(path, 6, &lines, &err), &err); /* a mark in front of the file alone */
    assert_string_equal(nb_strings_get(&lines, 0), "one");
    assert_string_equal(nb_strings_get(&lines, 1), "\xEF\xBB\xBFtwo");
    nb_strings_free(&lines);
    must(nb_file_write(path, true, "a\nb\xff\n", 5, &err), &err);
    must_fail(nb_file_lines(path, 100, &lines, &err), NB_ERR_INPUT, &err, "line 2");
    nb_strings_free(&lines);
    must(nb_make_directories(scratch_path("a/b/c"), &err), &err);
    assert_true(nb_file_is_directory(scratch_path("a/b/c")));
    must_fail(nb_make_directories(scratch_path("lines.txt/x"), &err), NB_ERR_IO, &err, "lines.txt");
}

static void test_secrets(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"https://me:pass@word@host:80/a/b@c.txt?key=1#x", "https://host:80/a/b@c.txt"},
        {"http://host/a.txt", "http://host/a.txt"},
        {"s3://bucket/a?b@c", "s3://bucket/a?b@c"},
        {"a@b?c.txt", "a@b?c.txt"},
        {"http://", "http://"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", pairs[i][0]);
        nb_text_hide_secrets(text);
        assert_string_equal(text, pairs[i][1]);
    }
    static const char *const messages[][2] = {
        {"takes no argument 'https://me:word@host/a@b'", "takes no argument 'https://host/a@b'"},
        {"http://a@b and ftp://c:d@e:1", "http://b and ftp://e:1"},
        {"HTTPS://x@y@z/", "HTTPS://z/"},
        {"mail me@host, https://host 'a@b'", "mail me@host, https://host 'a@b'"},
        {"://", "://"},
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", messages[i][0]);
        nb_text_hide_passwords(text);
        assert_string_equal(text, messages[i][1]);
    }
}

static void test_renames(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_renames names = {0};
    char text[24];
    must(nb_strings_push(&names.from, "/tmp/x/0/-", 10, &err), &err);
    must(nb_strings_push(&names.to, "-", 1, &err), &err);
    must(nb_strings_push(&names.from, "ab", 2, &err), &err);
    must(nb_strings_push(&names.to, "abab", 4, &err), &err);
    static const char *const pairs[][2] = {{"'/tmp/x/0/-' line 2", "'-' line 2"},
                                           {"/tmp/x/0/-/tmp/x/0/-", "--"},
                                           {"nothing", "nothing"},
                                           {"ab ab", "abab abab"},
                                           {"abababababab", "abababababababababab"},
                                           {"0123456789012345678 ab", "0123456789012345678 "},
                                           {"ab 01234567890123456789", "abab 012345678901234567"},
                                           {"", ""}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        snprintf(text, sizeof text, "%s", pairs[i][0]);
        nb_text_rename(text, sizeof text, &names);
        assert_memory_equal(text, pairs[i][1], strlen(pairs[i][1]));
        assert_true(strlen(text) < sizeof text);
    }
    snprintf(text, sizeof text, "ab");
    nb_text_rename(text, sizeof text, NULL);
    assert_string_equal(text, "ab");
    assert_string_equal(nb_renamed(&names, "/tmp/x/0/-"), "-");
    assert_string_equal(nb_renamed(&names, "/tmp/x/0/"), "/tmp/x/0/");
    assert_string_equal(nb_renamed(NULL, "ab"), "ab");
    nb_renames_free(&names);
}

/* A text of `count` times `piece`, between a begin and an end. */
static void parse_many(const char *begin, const char *piece, size_t count, const char *end, const char *limit)
{
    nb_error err = {0};
    nb_buffer text = {0};
    json_t *root;
    must(nb_buffer_append(&text, begin, strlen(begin), &err), &err);
    for (size_t i = 0; i < count; i++) {
        must(nb_buffer_append(&text, piece, strlen(piece), &err), &err);
    }
    must(nb_buffer_append(&text, end, strlen(end), &err), &err);
    nb_status status = nb_json_parse(&root, text.data, text.len, 0, NULL, &err);
    if (limit) {
        must_fail(status, NB_ERR_LIMIT, &err, limit);
        assert_null(root);
    } else {
        must(status, &err);
        assert_non_null(root);
    }
    json_decref(root);
    nb_buffer_free(&text);
}

static void test_json(void **state)
{
    (void)state;
    parse_many("[", "{},", 1000, "1]", NULL);
    parse_many("[", "{},", NB_JSON_CONTAINERS_MAX, "1]", "json-containers");
    parse_many("[", "0,", 1000, "1]", NULL);
    parse_many("[", "0,", NB_JSON_VALUES_MAX, "1]", "json-values");
    parse_many("[", "[", NB_JSON_DEPTH_MAX - 1, "1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
               NULL);
    parse_many("[", "[", NB_JSON_DEPTH_MAX, "", "json-depth");
    /* what stands in strings does not count */
    parse_many("[\"", "[[{\\\"[", 1000, "\"]", NULL);
    parse_many("[\"\\\\\",", "[],", NB_JSON_CONTAINERS_MAX, "1]", "json-containers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_memory),  cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_random),  cmocka_unit_test(test_digest),
        cmocka_unit_test(test_secrets),   cmocka_unit_test(test_renames), cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_json),    cmocka_unit_test(test_control),
        cmocka_unit_test(test_own_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
