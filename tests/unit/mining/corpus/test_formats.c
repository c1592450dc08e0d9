/* What an input is, by its content and then its name: JSON as people have it, containers that hold no text, every way
 * of packing; options that name what an input has not. */
#include "support/candidates.h"
#include "support/support.h"

#include "common/base/foreign.h"
#include "common/base/json_scan.h"
#include "common/base/text.h"
#include "mining/corpus/plan.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* A file, and how it is to be read. */
typedef struct input {
    const char *name, *bytes;
    size_t len;
    nb_source_choice choice;
} input;

static nb_status read_input(nb_buffer *out, input in, nb_error *err)
{
    const nb_candidate_sink sink = {.state = out, .take = take_candidate};
    nb_source source;
    nb_source_piece piece = {.source = &source, .end = UINT64_MAX};
    nb_status status;
    *out = (nb_buffer){.max = 64u << 20};
    in.choice.format = in.choice.format ? in.choice.format : "auto";
    in.choice.tag = "none";
    NB_TRY(nb_source_open_bytes(&source, in.name, in.bytes, in.len, &in.choice, err));
    NB_TRY(nb_byte_stream_open_bytes(&piece.in, in.name, in.bytes, in.len, 0, err));
    NB_TRY(source.format->read(&piece, &sink, err));
done:
    nb_byte_stream_close(piece.in);
    return status;
}

static void gives(input in, const char *want)
{
    nb_error err = {0};
    nb_buffer out;
    must(read_input(&out, in, &err), &err);
    assert_string_equal(out.data ? out.data : "", want);
    nb_buffer_free(&out);
}

static void fails(input in, nb_status want, const char *word)
{
    nb_error err = {0};
    nb_buffer out;
    must_fail(read_input(&out, in, &err), want, &err, word);
    nb_buffer_free(&out);
}

#define FILE_OF(file_name, text, ...)                                                                                  \
    (input)                                                                                                            \
    {                                                                                                                  \
        .name = file_name, .bytes = text, .len = sizeof(text) - 1, .choice = { __VA_ARGS__ }                           \
    }

/* ---- JSON ---- */

static void scanned(const char *json, const char *key, nb_json_kind kind, const char *word)
{
    nb_error err = {0};
    nb_json_found found = {0};
    must(nb_json_scan(&found, json, strlen(json), key, &err), &err);
    if (found.kind != kind) {
        fail_msg("%s: kind %d instead of %d (%s)", json, (int)found.kind, (int)kind, found.why ? found.why : "");
    }
    if (kind == NB_JSON_TEXT || kind == NB_JSON_INTEGER) {
        assert_int_equal(found.text.len, strlen(word));
        assert_memory_equal(found.text.data ? found.text.data : "", word, found.text.len);
    } else if (kind == NB_JSON_BAD) {
        assert_non_null(strstr(found.why, word));
    }
    nb_buffer_free(&found.text);
    nb_buffer_free(&found.key);
}

static void test_json(void **state)
{
    (void)state;
    /* what Python writes, or reads */
    scanned("{\"t\": \"a\", \"x\": NaN, \"y\": [Infinity, -Infinity]}", "t", NB_JSON_TEXT, "a");
    scanned("{\"x\": 18446744073709551616, \"y\": 1e400, \"z\": -0.5E-7, \"t\": \"a\"}", "t", NB_JSON_TEXT, "a");
    scanned("{\"a\\u0000b\": 1, \"t\": \"a\"}", "t", NB_JSON_TEXT, "a");
    scanned("{\"t\": \"a\", \"t\": \"b\"}", "t", NB_JSON_TEXT, "b");
    scanned("{\"t\": \"a\", \"t\": 3}", "t", NB_JSON_INTEGER, "3");
    scanned("{\"\\u0074\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}", "t", NB_JSON_TEXT,
            "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
    scanned("{\"t\": \"a \\ud83d\"}", "t", NB_JSON_TEXT, "a \xEF\xBF\xBD");
    scanned("{\"t\": \"\\ude00\\ud83d\\u0061\"}", "t", NB_JSON_TEXT, "\xEF\xBF\xBD\xEF\xBF\xBD\x61");
    scanned(" {\"x\": {\"t\": \"no\"}, \"y\": [{}, [], [[{\"t\": []}]], true, false, null]} ", "t", NB_JSON_MISSING,
            "");
    scanned("{\"t\": -12345678901234567890}", "t", NB_JSON_INTEGER, "-12345678901234567890");
    scanned("{\"t\": 1.0}", "t", NB_JSON_MISSING, "");
    scanned("{}", "t", NB_JSON_MISSING, "");
    scanned(" \"a\" ", NULL, NB_JSON_TEXT, "a");
    /* what is none */
    scanned("[1]", "t", NB_JSON_BAD, "another value");
    scanned("3", NULL, NB_JSON_BAD, "another value");
    scanned("", "t", NB_JSON_BAD, "missing");
    scanned("{\"t\": \"a\"", "t", NB_JSON_BAD, "an end is missing");
    scanned("{\"t\": \"a\"} x", "t", NB_JSON_BAD, "something follows");
    scanned("{\"t\": \"a\",}", "t", NB_JSON_BAD, "a key is missing");
    scanned("{\"t\" \"a\"}", "t", NB_JSON_BAD, "':'");
    scanned("{\"t\": \"a\nb\"}", "t", NB_JSON_BAD, "control character");
    scanned("{\"t\": \"\\x\"}", "t", NB_JSON_BAD, "an escape");
    scanned("{\"t\": \"\\u12\"}", "t", NB_JSON_BAD, "four hexadecimal digits");
    scanned("{\"x\": 01}", "t", NB_JSON_BAD, "missing");
    scanned("{\"x\": 1.}", "t", NB_JSON_BAD, "ends too early");
    scanned("{\"x\": 1e}", "t", NB_JSON_BAD, "ends too early");
    scanned("{\"x\": [1, }", "t", NB_JSON_BAD, "a value is missing");
    scanned("{\"x\": [1}", "t", NB_JSON_BAD, "an end is missing");
    scanned("{\"x\": nan}", "t", NB_JSON_BAD, "a value is missing");
    scanned("{\"t\": 'a'}", "t", NB_JSON_BAD, "a value is missing");
    char deep[4096] = "{\"x\": ";
    for (size_t i = 0; i < NB_JSON_DEPTH_MAX + 1; i++) {
        deep[6 + i] = '[';
    }
    scanned(deep, "t", NB_JSON_BAD, "nested too deep");
}

static void test_json_lines(void **state)
{
    (void)state;
    const char *both = "1:a\n2:[bad-json]\n3:[missing]\n4:b\n";
#define LINES "{\"t\": \"a\", \"s\": NaN}\n{\"t\": \"x\"\n{\"t\": null}\n\xEF\xBB\xBF{\"t\": \"b\"}\n"
    gives(FILE_OF("x.jsonl", LINES, .key = "t"), both);
    gives(FILE_OF("X.JSONL", LINES, .key = "t"), both);
    gives(FILE_OF("x.Json", LINES, .key = "t"), both);
    gives(FILE_OF("x.ndjson", LINES, .key = "t"), both);
    gives(FILE_OF("x.txt", LINES, .key = "t"), both); /* its first line is an object */
    fails(FILE_OF("x.txt", LINES, .key = NULL), NB_ERR_USAGE, "'x.txt' is jsonl, and no key is given");
    fails(FILE_OF("x.jsonl", LINES, .key = "t", .strict = true), NB_ERR_INPUT, "line 2 is no JSON object");
    gives(FILE_OF("x.txt", "{curly}\n", .key = NULL), "1:{curly}\n");
    gives(FILE_OF("x.jsonl", "{\"t\": \"a \\ud83d\"}\n", .key = "t"), "1:[invalid-utf8]\n");
    gives(FILE_OF("x.jsonl", "{\"t\": \"a \\ud83d\"}\n", .key = "t", .replace = true), "1:a \xEF\xBF\xBD\n");
    gives(FILE_OF("x.jsonl", "{\"t\": \"a\", \"u\": \"\\ud83d\"}\n", .key = "t"), "1:a\n");
    fails(FILE_OF("x.json", "{\n \"t\": \"a\"\n}\n", .key = "t"), NB_ERR_INPUT, "one JSON object over several lines");
}

static void test_json_arrays(void **state)
{
    (void)state;
    gives(FILE_OF("x.json", "[\"a\", \"b, ]\\\"\",\n \"\"]\n", .key = NULL), "1:a\n2:b, ]\"\n3:\n");
    gives(FILE_OF("x.JSON", "\xEF\xBB\xBF [\n {\"t\": \"a\", \"u\": [1, {}]},\n {\"u\": 2}, {\"t\": \"b\"} ]",
                  .key = "t"),
          "1:a\n2:[missing]\n3:b\n");
    gives(FILE_OF("x.json", "[]", .key = NULL), "");
    gives(FILE_OF("x.json", "[\"a\",, 3, \"b\",]", .key = NULL), "1:a\n2:[blank]\n3:[bad-json]\n4:b\n5:[blank]\n");
    fails(FILE_OF("x.json", "[\"a\", 3]", .strict = true), NB_ERR_INPUT,
          "element 2 is no JSON string: it is another value");
    fails(FILE_OF("x.json", "[{\"t\": 1}]", .key = NULL), NB_ERR_USAGE, "array of objects, and no key is given");
    fails(FILE_OF("x.json", "[\"a\", \"b\"", .key = NULL), NB_ERR_INPUT, "cut short");
    fails(FILE_OF("x.json", "[\"a\"] x", .key = NULL), NB_ERR_INPUT, "something follows its end");
    gives(FILE_OF("x.txt", "[\"a\"]\n", .key = NULL), "1:[\"a\"]\n"); /* a line like others */
    gives(FILE_OF("x.txt", "[ \"a\\\"\" , \"b\"]", .key = NULL), "1:a\"\n2:b\n");
    gives(FILE_OF("-", "\n[\n{\"t\": \"a\"}]", .key = "t"), "1:a\n");
    gives(FILE_OF("-", "[a\n[\"a\" b\n", .key = NULL), "1:[a\n2:[\"a\" b\n");
    gives(FILE_OF("-", "[\"a\n[\"\n", .key = NULL), "1:[\"a\n2:[\"\n");
    /* an element over the limit is counted, and nothing of it is held */
    nb_error err = {0};
    nb_buffer text = {.max = 16u << 20};
    must(nb_buffer_append(&text, "[\"a\", \"", 7, &err), &err);
    char *line = nb_alloc(NB_LINE_BYTES_MAX, 1, &err);
    assert_non_null(line);
    memset(line, 'x', NB_LINE_BYTES_MAX);
    must(nb_buffer_append(&text, line, NB_LINE_BYTES_MAX, &err), &err);
    must(nb_buffer_append(&text, "\", \"b\"]", 7, &err), &err);
    gives((input){.name = "x.json", .bytes = text.data, .len = text.len}, "1:a\n2:[too-long]\n3:b\n");
    free(line);
    nb_buffer_free(&text);
}

/* ---- what holds no text ---- */

static void test_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *name;
    } cases[] = {
#define HEAD(bytes) bytes, sizeof(bytes) - 1
        {HEAD("PK\x03\x04 rest"), "ZIP"},
        {HEAD("SQLite format 3\0 rest"), "SQLite"},
        {HEAD("ARROW1\0\0"), "Arrow"},
        {HEAD("\xFF\xFF\xFF\xFF\x10\0\0\0"), "Arrow stream"},
        {HEAD("FEA1\0"), "Feather"},
        {HEAD("\x80\x04\x95 rest"), "pickle"},
        {HEAD("\x93NUMPY\x01"), "NumPy"},
        {HEAD("\x40\0\0\0\0\0\0\0{\"a\": {}}"), "safetensors"},
        {HEAD("\x89HDF\r\n\x1A\n"), "HDF5"},
        {HEAD("7z\xBC\xAF\x27\x1C"), "7z"},
        {HEAD("\x04\x22\x4D\x18 rest"), "lz4"},
        {HEAD("\xFF\xFEw\0o\0r\0d\0"), "UTF-16"},
        {HEAD("\xFE\xFF\0w\0o\0r\0d"), "UTF-16"},
        {HEAD("w\0o\0r\0d\0s\0"), "UTF-16"},
        {HEAD("\0w\0o\0r\0d\0s"), "UTF-16"},
        {HEAD("\xFF\xFE\0\0w\0\0\0"), "UTF-32"},
        {HEAD("%PDF-1.7\n"), "PDF"},
        {HEAD("version https://git-lfs.github.com/spec/v1\noid"), "Git LFS pointer"},
        {HEAD("\n <!DOCTYPE HTML><html>"), "HTML"},
        {HEAD("<html lang=en>"), "HTML"},
        {HEAD("<!-- saved -->\n<html>"), "HTML"},
        {HEAD("ORC\n\x0A\x0B"), "ORC"},
        {HEAD("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "Office"},
        {HEAD("GIF89a"), "GIF"},
        {HEAD("II*\0\x08\0"), "TIFF"},
        {HEAD("x\x9C\x4B"), "zlib"},
        {HEAD("\x5D\0\0\x80\0"), "lzma"},
        {HEAD("!<arch>\ndebian"), "ar archive"},
        {HEAD("(lp0\nVcat\n"), "pickle"},
        {HEAD("/annex/objects/SHA256E-s1--a.csv\n"), "git-annex"},
        {HEAD("-----BEGIN PGP MESSAGE-----\n"), "encrypted"},
        {HEAD("\x14\0\0\0\0\0\0\0crc.a caption of a cat.crc."), "binary data"},
        {HEAD("cat\rdog\rbird\r"), "carriage returns alone"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const names[] = {"x.txt", "x.csv", "x.jsonl", "x.json", "x.parquet", "noun.x"};
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            fails((input){names[n], cases[i].bytes, cases[i].len, {.column = "1", .key = "t"}}, NB_ERR_INPUT,
                  cases[i].name);
        }
        bool text = nb_foreign_tell(cases[i].bytes, cases[i].len).text;
        nb_error err = {0};
        nb_buffer out;
        nb_status status = read_input(&out, (input){"x.txt", cases[i].bytes, cases[i].len, {.format = "lines"}}, &err);
        assert_int_equal(status, text ? NB_OK : NB_ERR_INPUT);
        nb_buffer_free(&out);
    }
    char tar[512] = "cat.txt";
    snprintf(tar + 257, sizeof tar - 257, "ustar");
    fails((input){"x.txt", tar, sizeof tar, {0}}, NB_ERR_INPUT, "a tar archive, not text");
    /* texts that begin alike */
    static const char *const texts[] = {
        "PK", "PAR", "version 2", "html", "BZh9 is no archive", "%PD", "<head of hair>", "FEA1", "w", "ab", "ustar"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char want[64];
        snprintf(want, sizeof want, "1:%s\n", texts[i]);
        gives((input){"x.txt", texts[i], strlen(texts[i]), {0}}, want);
    }
}

/* ---- packing ---- */

static const char first[] = "one\ntwo\nth", second[] = "ree\nfour";
enum { PACKED_MAX = 1024 };

static size_t pack_bzip2(char *out, const char *bytes, size_t len)
{
    unsigned size = PACKED_MAX;
    assert_int_equal(BZ2_bzBuffToBuffCompress(out, &size, (char *)(uintptr_t)bytes, (unsigned)len, 9, 0, 0), BZ_OK);
    return size;
}

static size_t pack_xz(char *out, const char *bytes, size_t len)
{
    size_t size = 0;
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)bytes, len, (uint8_t *)out,
                                             &size, PACKED_MAX),
                     LZMA_OK);
    return size;
}

static size_t pack_gzip(char *out, const char *bytes, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (unsigned)len;
    z.next_out = (unsigned char *)out;
    z.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t used = PACKED_MAX - z.avail_out;
    deflateEnd(&z);
    return used;
}

static const struct {
    const char *suffix, *tool;
    size_t (*pack)(char *out, const char *bytes, size_t len);
} packers[] = {{".gz", "gzip", pack_gzip}, {".bz2", "bzip2", pack_bzip2}, {".XZ", "xz", pack_xz}};

/* Streams one behind the other, with zeros behind them as tapes and archives leave them; cut or damaged ones. */
static void test_packed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++) {
        char packed[3 * PACKED_MAX] = {0}, name[16];
        snprintf(name, sizeof name, "x.txt%s", packers[i].suffix);
        size_t half = packers[i].pack(packed, first, sizeof first - 1);
        size_t len = half + packers[i].pack(packed + half, second, sizeof second - 1);
        gives((input){name, packed, len, {0}}, "1:one\n2:two\n3:three\n4:four\n");
        gives((input){name, packed, half, {0}}, "1:one\n2:two\n3:th\n");
        gives((input){name, packed, len + 512, {0}}, "1:one\n2:two\n3:three\n4:four\n");
        for (size_t cut = 10; cut < len; cut++) {
            if (cut != half) {
                fails((input){name, packed, cut, {0}}, NB_ERR_INPUT, name);
            }
        }
        fails((input){name, packed, len - 1, {0}}, NB_ERR_INPUT, packers[i].tool);
        packed[half - 5] ^= 0x55;
        fails((input){name, packed, len, {0}}, NB_ERR_INPUT, "damaged near byte");
        packed[half - 5] ^= 0x55;
        memset(packed + len, 'x', 16);
        fails((input){name, packed, len + 16, {0}}, NB_ERR_INPUT, "damaged near byte");
    }
}

static void test_packed_twice_and_formats(void **state)
{
    (void)state;
    static const char table[] = "id,t\n1,one\n", zip[] = "PK\x03\x04 and so on";
    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++) {
        char once[PACKED_MAX], twice[PACKED_MAX], name[16];
        size_t len = packers[i].pack(once, table, sizeof table - 1);
        snprintf(name, sizeof name, "x.CSV%s", packers[i].suffix);
        gives((input){name, once, len, {.column = "t", .quotes = true}}, "1:[comment]\n2:one\n");
        len = pack_gzip(twice, once, len);
        fails((input){"x.gz", twice, len, {0}}, NB_ERR_INPUT, "compressed twice");
        len = packers[i].pack(once, zip, sizeof zip - 1);
        fails((input){name, once, len, {.column = "t"}}, NB_ERR_INPUT, "ZIP");
    }
}

/* What `zstd --long=31` writes: a window of 2 GiB, of which memory is only taken as it is filled. */
static void test_long_window(void **state)
{
    (void)state;
    /* magic, no content size, window descriptor of 2^31, one raw block of 8 bytes */
    static const char frame[] = "\x28\xB5\x2F\xFD\x00\xA8\x41\x00\x00one\ntwo\n";
    gives(FILE_OF("x.zst", frame, .key = NULL), "1:one\n2:two\n");
}

/* ---- options that name what an input has not ---- */

static nb_status planned(const char *path, const char *column, const char *key, nb_error *err)
{
    static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
    const nb_corpus_settings settings = {.choice = {.column = column, .key = key, .quotes = true}};
    nb_strings words = {0};
    nb_corpus_plan plan = {0};
    must(nb_strings_push(&words, path, strlen(path), err), err);
    nb_status status = nb_corpus_plan_open(&plan, &alone, &words, NULL, &settings, err);
    nb_corpus_plan_close(&plan);
    nb_strings_free(&words);
    return status;
}

static void test_options(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *lines = scratch_path("o.txt"), *array = scratch_path("o.json");
    must(nb_file_write(lines, true, "a\n", 2, &err), &err);
    must(nb_file_write(array, true, "[\"a\"]\n", 6, &err), &err);
    must(planned(lines, NULL, NULL, &err), &err);
    must(planned(array, NULL, NULL, &err), &err);
    must_fail(planned(lines, "t", NULL, &err), NB_ERR_USAGE, &err, "--column 't' applies to no input");
    must_fail(planned(lines, NULL, "t", &err), NB_ERR_USAGE, &err, "--key 't' applies to no input");
    must_fail(planned(array, NULL, "t", &err), NB_ERR_USAGE, &err, "is read as json");
    must_fail(planned(golden_path("parquet/duckdb-snappy.parquet"), NULL, "t", &err), NB_ERR_USAGE, &err,
              "is read as parquet");
    must(planned(golden_path("parquet/duckdb-snappy.parquet"), "caption", NULL, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_json_arrays), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_packed),      cmocka_unit_test(test_packed_twice_and_formats),
        cmocka_unit_test(test_long_window), cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
