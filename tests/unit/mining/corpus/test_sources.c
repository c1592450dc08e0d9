/* Every kind of corpus input: quoting, keys, packing, limits, lists of inputs; and the fast paths beside the plain
 * ones. */
#include "support/candidates.h"
#include "support/support.h"

#include "common/base/random.h"
#include "common/base/text.h"
#include "mining/corpus/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};

static nb_status read_bytes(nb_buffer *out, const char *bytes, size_t len, const nb_source_choice *choice,
                            nb_error *err)
{
    const nb_candidate_sink sink = {.state = out, .take = take_candidate};
    nb_source source;
    nb_source_piece piece = {.source = &source, .end = UINT64_MAX};
    nb_status status;
    *out = (nb_buffer){.max = 64u << 20};
    NB_TRY(nb_source_open_bytes(&source, "x.txt", bytes, len, choice, err));
    NB_TRY(nb_byte_stream_open_bytes(&piece.in, "x.txt", bytes, len, 0, err));
    NB_TRY(source.format->read(&piece, &sink, err));
done:
    nb_byte_stream_close(piece.in);
    return status;
}

static void gives(const char *bytes, size_t len, nb_source_choice choice, const char *want)
{
    nb_error err = {0};
    nb_buffer out;
    choice.tag = "none";
    must(read_bytes(&out, bytes, len, &choice, &err), &err);
    assert_string_equal(out.data ? out.data : "", want);
    nb_buffer_free(&out);
}

static void fails(const char *bytes, size_t len, nb_source_choice choice, nb_status want, const char *word)
{
    nb_error err = {0};
    nb_buffer out;
    choice.tag = "none";
    must_fail(read_bytes(&out, bytes, len, &choice, &err), want, &err, word);
    nb_buffer_free(&out);
}

#define GIVES(bytes, choice, want)       gives(bytes, sizeof(bytes) - 1, choice, want)
#define FAILS(bytes, choice, want, word) fails(bytes, sizeof(bytes) - 1, choice, want, word)

static nb_source_choice csv(const char *column)
{
    return (nb_source_choice){.format = "csv", .column = column, .quotes = true};
}

static void test_csv(void **state)
{
    (void)state;
    GIVES("id,word\n1,one\n2,two", csv("word"), "1:[comment]\n2:one\n3:two\n");
    GIVES("id,word\r\n1,one\r\n\r\n2,two\r\n", csv("word"), "1:[comment]\n2:one\n3:[blank]\n4:two\n");
    GIVES("\xEF\xBB\xBFword,id\none,1\n", csv("word"), "1:[comment]\n2:one\n");
    GIVES("a,b\n\"x,\"\"y\"\"\nz\",1\nw,2\n", csv("1"), "1:a\n2:x,\"y\"\nz\n4:w\n");
    GIVES("a,b\n\"x\ny\",\"p\r\nq\"\r\n", csv("2"), "1:b\n2:p\r\nq\n");
    GIVES("\"the \"\"word\"\"\",b\nx,y\n", csv("the \"word\""), "1:[comment]\n2:x\n");
    GIVES("a\nb,c\n,d\n,\n", csv("2"), "1:[missing]\n2:c\n3:d\n4:\n");
    GIVES("a b\"c,d\n", csv("1"), "1:a b\"c\n");
    GIVES("\"\"\n\"\"\"\"\n", csv("1"), "1:\n2:\"\n");
    nb_source_choice numbered = csv("2");
    numbered.header = true;
    GIVES("x,y\n1,2\n", numbered, "1:[comment]\n2:2\n");
    GIVES("a\tb,c\n", ((nb_source_choice){.format = "tsv", .column = "2", .quotes = true}), "1:b,c\n");
    GIVES("a\t\"b\n\"c\t\"\n\n", ((nb_source_choice){.format = "tsv", .column = "2"}), "1:\"b\n2:\"\n3:[blank]\n");
}

static void test_csv_errors(void **state)
{
    (void)state;
    FAILS("a,b\nx,\"y\nz\n", csv("1"), NB_ERR_INPUT, "line 2: the quote that begins here is never closed");
    nb_source_choice strict = csv("1");
    strict.strict = true;
    FAILS("a,b\nx,\"y\"z\n", strict, NB_ERR_INPUT, "line 2: something follows");
    FAILS("a,b\nx,\"y\"\r,z\n", strict, NB_ERR_INPUT, "line 2: something follows");
    /* as Python's csv module has it */
    GIVES("a,\"b\"c \"d\"\n\"x\"\ry,z\n", csv("2"), "1:bc \"d\"\n2:z\n");
    FAILS("a,b,a\n1,2,3\n", csv("a"), NB_ERR_INPUT, "has two columns 'a'");
    FAILS("a,b\n", csv("c"), NB_ERR_INPUT, "no column 'c'");
    FAILS("a,b\n", csv("0"), NB_ERR_USAGE, "--column: 0");
    FAILS("a,b\n", csv(NULL), NB_ERR_USAGE, "no column is given");
    FAILS("{}\n", ((nb_source_choice){.format = "jsonl"}), NB_ERR_USAGE, "no key is given");
}

static void test_jsonl(void **state)
{
    (void)state;
    const nb_source_choice key = {.format = "jsonl", .key = "t"};
    GIVES("{\"t\": \"a\\u00e9\\n\"}\r\n\n{\"t\": 3}\n{\"x\": \"t\"}\n{\"t\":\"b\"}", key,
          "1:a\xC3\xA9\n\n2:[blank]\n3:[missing]\n4:[missing]\n5:b\n");
    GIVES("{\"t\": \"\xFF\"}\n{\"t\": \"\0\"}\n", key, "1:[invalid-utf8]\n2:[control]\n");
    nb_source_choice sanitised = key;
    sanitised.replace = true;
    GIVES("{\"t\": \"a\xFF\xE2\x82z\"}\n", sanitised, "1:a\xEF\xBF\xBD\xEF\xBF\xBDz\n");
    GIVES("{\"t\": \"a\"}\n{\"t\": \"b\"\n[1]\n{\"t\": \"c\"}", key, "1:a\n2:[bad-json]\n3:[bad-json]\n4:c\n");
    nb_source_choice strict = key;
    strict.strict = true;
    FAILS("{\"t\": \"a\"}\n{\"t\": \"b\"\n", strict, NB_ERR_INPUT, "line 2 is no JSON object");
    FAILS("[1]\n", strict, NB_ERR_INPUT, "line 1 is no JSON object: it is another value");
}

/* ---- limits ---- */

static void test_long_lines_are_bounded(void **state)
{
    (void)state;
    nb_error err = {0};
    const size_t sizes[] = {NB_LINE_BYTES_MAX - 1, NB_LINE_BYTES_MAX, NB_LINE_BYTES_MAX + 1, 5u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nb_buffer text = {.max = 16u << 20}, out;
        char *line = nb_alloc(sizes[i], 1, &err);
        assert_non_null(line);
        memset(line, 'x', sizes[i]);
        must(nb_buffer_append(&text, "a\n", 2, &err), &err);
        must(nb_buffer_append(&text, line, sizes[i], &err), &err);
        must(nb_buffer_append(&text, "\nb\n", 3, &err), &err);
        const nb_source_choice lines = {.format = "lines", .tag = "none"},
                               records = {.format = "csv", .column = "1", .quotes = true, .tag = "none"};
        bool fits = sizes[i] <= NB_LINE_BYTES_MAX;
        const nb_source_choice *choices[] = {&lines, &records};
        for (size_t k = 0; k < 2; k++) {
            must(read_bytes(&out, text.data, text.len, choices[k], &err), &err);
            assert_int_equal(out.len, fits ? 4 + 3 + sizes[i] + 4 : 4 + strlen("2:[too-long]\n") + 4);
            assert_string_equal(out.data + out.len - 4, "3:b\n");
            nb_buffer_free(&out);
        }
        nb_buffer_free(&text);
        free(line);
    }
}

/* ---- packing ---- */

static size_t pack_gzip(char *out, size_t room, const char *bytes, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (unsigned)len;
    z.next_out = (unsigned char *)out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t used = room - z.avail_out;
    deflateEnd(&z);
    return used;
}

/* Packed text in two members or frames gives the same; cut anywhere, or with a byte changed, it is refused or, cut
 * between the two, gives the first. */
static void test_packed(void **state)
{
    (void)state;
    static const char first[] = "one\ntwo\nth", second[] = "ree\nfour";
    const nb_source_choice lines = {.format = "lines"};
    for (int kind = 0; kind < 2; kind++) {
        char packed[512];
        size_t half = kind ? ZSTD_compress(packed, sizeof packed, first, sizeof first - 1, 3)
                           : pack_gzip(packed, sizeof packed, first, sizeof first - 1);
        size_t len = half + (kind ? ZSTD_compress(packed + half, sizeof packed - half, second, sizeof second - 1, 3)
                                  : pack_gzip(packed + half, sizeof packed - half, second, sizeof second - 1));
        gives(packed, len, lines, "1:one\n2:two\n3:three\n4:four\n");
        gives(packed, half, lines, "1:one\n2:two\n3:th\n");
        for (size_t cut = 5; cut < len; cut++) {
            if (cut != half) {
                fails(packed, cut, lines, NB_ERR_INPUT, "x.txt");
            }
        }
        fails(packed, len - 1, lines, NB_ERR_INPUT,
              kind ? "zstd data break off at byte" : "gzip data break off at byte");
        packed[half - 3] ^= 0x55;
        if (!kind) {
            fails(packed, len, lines, NB_ERR_INPUT, "damaged near byte");
        }
        packed[half] ^= 0x55;
        fails(packed, len, lines, NB_ERR_INPUT, "damaged near byte");
    }
}

/* ---- the list of inputs ---- */

static void test_lists_of_inputs(void **state)
{
    (void)state;
    nb_error err = {0};
    char folder[256], pattern[300], name[300];
    snprintf(folder, sizeof folder, "%s", scratch_path("lists"));
    mkdir(folder, 0777);
    static const char *const files[] = {"b.txt", "a.txt", "c[1].txt"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", folder, files[i]);
        must(nb_file_write(name, true, "x\n", 2, &err), &err);
    }
    nb_strings words = {0};
    nb_inputs in;
    snprintf(pattern, sizeof pattern, "%s/?.txt", folder);
    must(nb_strings_push(&words, name, strlen(name), &err), &err); /* a name with brackets, as it stands */
    must(nb_strings_push(&words, pattern, strlen(pattern), &err), &err);
    must(nb_strings_push(&words, name, strlen(name), &err), &err);
    must(nb_inputs_open(&in, &words, NULL, NULL, &err), &err);
    assert_int_equal(in.paths.count, 3);
    assert_string_equal(nb_path_base(nb_strings_get(&in.paths, 0)), "a.txt");
    assert_string_equal(nb_path_base(nb_strings_get(&in.paths, 2)), "c[1].txt");
    nb_inputs_free(&in);
    snprintf(name, sizeof name, "%s/list", folder);
    static const char list[] =
        "# files\n\na.txt\n73CB3858A687A8494CA3323053016282F3DAD39D42CF62CA4E79DDA2AAC7D9AC  b.txt\n?.txt";
    must(nb_file_write(name, true, list, sizeof list - 1, &err), &err);
    must(nb_inputs_open(&in, &(nb_strings){0}, name, NULL, &err), &err);
    assert_int_equal(in.paths.count, 2);
    assert_string_equal(nb_strings_get(&in.digests, 0), "");
    assert_string_equal(nb_strings_get(&in.digests, 1),
                        "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac");
    nb_inputs_free(&in);
    must(nb_file_write(name, true, "a.txt\nnone.txt\n", 15, &err), &err);
    must_fail(nb_inputs_open(&in, &(nb_strings){0}, name, NULL, &err), NB_ERR_INPUT, &err, "line 2");
    must(nb_file_write(name, true, "none*\n", 6, &err), &err);
    must_fail(nb_inputs_open(&in, &(nb_strings){0}, name, NULL, &err), NB_ERR_INPUT, &err, "no file matches");
    must(nb_file_write(name, true, "#\n", 2, &err), &err);
    must_fail(nb_inputs_open(&in, &(nb_strings){0}, name, NULL, &err), NB_ERR_INPUT, &err, "lists no file");
    nb_strings_free(&words);
}

static void push(nb_strings *out, const char *word)
{
    nb_error err = {0};
    must(nb_strings_push(out, word, strlen(word), &err), &err);
}

static void test_lists_of_addresses(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings words = {0}, local = {0};
    nb_inputs in;
    char file[256], there[256];
    snprintf(file, sizeof file, "%s", scratch_path("m.txt"));
    snprintf(there, sizeof there, "%s", scratch_path("n.txt"));
    must(nb_file_write(file, true, "x\n", 2, &err), &err);
    must(nb_file_write(there, true, "x\n", 2, &err), &err);
    push(&words, "https://me:word@example.org/lists/n.txt?key=value");
    push(&words, file);
    push(&words, "https://me:word@example.org/lists/n.txt?key=value");
    must(nb_inputs_open(&in, &words, NULL, NULL, &err), &err);
    assert_int_equal(in.paths.count, 2);
    assert_string_equal(nb_strings_get(&in.paths, 0), "");
    assert_string_equal(nb_strings_get(&in.names, 0), "https://example.org/lists/n.txt");
    assert_string_equal(nb_strings_get(&in.addresses, 0), "https://me:word@example.org/lists/n.txt?key=value");
    push(&local, there);
    must(nb_inputs_place(&in, &local, &err), &err); /* ordered by name, as files are */
    assert_string_equal(nb_strings_get(&in.paths, 0), file);
    assert_string_equal(nb_strings_get(&in.paths, 1), there);
    assert_string_equal(nb_strings_get(&in.names, 1), "https://example.org/lists/n.txt");
    nb_inputs_free(&in);
    nb_strings_free(&words);
    static const char *const bad[] = {"https://example.org/lists/", "http://example.org", "ftp://example.org/n.txt",
                                      "s3://bucket/", "http://example.org/a%2Fb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        push(&words, bad[i]);
        must_fail(nb_inputs_open(&in, &words, NULL, NULL, &err), NB_ERR_USAGE, &err, "'");
        nb_strings_free(&words);
        words = (nb_strings){0};
    }
    nb_strings_free(&local);
}

/* ---- normalising and sorting beside plainer ways ---- */

/* What the fast path of plain ASCII must give: blanks collapsed byte by byte. */
static nb_drop collapse(char *out, size_t *len, const char *bytes, size_t count, bool underscores, size_t max)
{
    bool blank = false;
    *len = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == ' ' || (c >= 9 && c <= 13) || (underscores && c == '_')) {
            blank = true;
        } else if (c < 32 || c == 127) {
            return NB_DROP_CONTROL;
        } else {
            if (blank && *len) {
                out[(*len)++] = ' ';
            }
            blank = false;
            out[(*len)++] = (char)c;
        }
    }
    return !*len ? NB_DROP_BLANK : *len > max ? NB_DROP_LONG : NB_KEPT;
}

static void test_plain_ascii(void **state)
{
    (void)state;
    static const char odd[] = " _\t\x7F\x01\x1F!~`\x0B";
    nb_error err = {0};
    nb_normaliser n;
    must(nb_normaliser_open(&n, 20, &err), &err);
    for (uint64_t i = 0; i < 400000; i++) {
        char text[32], want[32];
        size_t len = nb_random_below(1, 0, i, 27), want_len;
        for (size_t k = 0; k < len; k++) {
            uint64_t pick = nb_random_below(1, 1 + k, i, 40);
            text[k] = pick < sizeof odd - 1 ? odd[pick] : (char)(33 + nb_random_below(2, k, i, 93));
        }
        bool underscores = i & 1;
        nb_drop drop = collapse(want, &want_len, text, len, underscores, 20);
        assert_int_equal(nb_normalise(&n, text, len, underscores), drop);
        if (drop == NB_KEPT) {
            assert_int_equal(n.len, want_len);
            assert_memory_equal(n.text, want, want_len);
        }
    }
    nb_normaliser_close(&n);
}

static void test_replaces_what_is_no_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        /* the examples of section 3.9 of the Unicode standard */
        {"plain caf\xC3\xA9", "plain caf\xC3\xA9"},
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "????????A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "????????A"},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "?????A??B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "????A"},
        {"\xF0\x9F\x98", "?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_error err = {0};
        nb_buffer out = {0}, want = {0};
        must(nb_utf8_replace(&out, cases[i].in, strlen(cases[i].in), &err), &err);
        for (const char *c = cases[i].want; *c; c++) {
            must(nb_buffer_append(&want, *c == '?' ? "\xEF\xBF\xBD" : c, *c == '?' ? 3 : 1, &err), &err);
        }
        assert_string_equal(out.data, want.data);
        assert_true(nb_utf8_valid(out.data, out.len));
        nb_buffer_free(&out);
        nb_buffer_free(&want);
    }
}

typedef struct plain {
    const char *area;
} plain;

static int in_order(const void *a, const void *b, void *given)
{
    const plain *p = given;
    nb_entry x = nb_entry_get(p->area + *(const uint64_t *)a), y = nb_entry_get(p->area + *(const uint64_t *)b);
    return nb_entry_compare(&x, &y);
}

/* Random texts of few letters, a ladder of prefixes, and one text many times, beside qsort. */
static void test_sorts_as_qsort(void **state)
{
    (void)state;
    nb_error err = {0};
    enum { COUNT = 20000, CAPACITY = COUNT * 64 };
    char *area = nb_alloc(CAPACITY, 1, &err);
    nb_record *records = nb_alloc(COUNT, sizeof *records, &err);
    uint64_t *want = nb_alloc(COUNT, sizeof *want, &err);
    for (uint64_t kind = 0; kind < 3; kind++) {
        uint64_t used = 0;
        for (uint64_t i = 0; i < COUNT; i++) {
            char text[48];
            size_t len = kind == 2 ? 12 : 1 + nb_random_below(kind, 0, i, 40);
            for (size_t k = 0; k < len; k++) {
                text[k] = kind ? 'a' : (char)('a' + nb_random_below(9, k, i, 3));
            }
            nb_entry_put(area + used, nb_random_below(4, 0, i, 500), (uint16_t)len, (uint8_t)(i % 3));
            memcpy(area + used + NB_ENTRY_HEAD, text, len);
            records[i] = (nb_record){nb_entry_key(text, len, 0), used};
            want[i] = used;
            used += NB_ENTRY_HEAD + len;
        }
        plain p = {area};
        uint64_t bytes, total = 0;
        nb_sort_records(records, COUNT, area);
        qsort_r(want, COUNT, sizeof *want, in_order, &p);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(in_order(&records[i].at, &want[i], &p), 0);
        }
        size_t kept = nb_sort_unique(records, COUNT, area, &bytes);
        for (size_t i = 0; i < kept; i++) {
            nb_entry a = nb_entry_get(area + records[i].at), b = nb_entry_get(area + records[i + (i + 1 < kept)].at);
            assert_true(i + 1 == kept || !nb_entry_same(&a, &b));
            total += nb_entry_size(&a);
        }
        assert_int_equal(bytes, total);
        assert_true(kind == 2 ? kept == 3 : kept < COUNT);
    }
    free(area);
    free(records);
    free(want);
}

/* ---- planning ---- */

static void test_orders_all_work(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_source inputs[3] = {
        {.bytes = 40u << 20, .splits = true}, {.bytes = 30u << 20, .packing = NB_PACKING_GZIP}, {.bytes = 100}};
    nb_piece pieces[12] = {{0}};
    for (size_t i = 0; i < 10; i++) {
        pieces[i] = (nb_piece){0, i * NB_PIECE_BYTES, i < 9 ? (i + 1) * NB_PIECE_BYTES : UINT64_MAX};
    }
    pieces[10] = (nb_piece){1, 0, UINT64_MAX};
    pieces[11] = (nb_piece){2, 0, UINT64_MAX};
    const nb_corpus_plan plan = {.inputs = inputs, .count = 3, .pieces = pieces, .piece_count = 12, .bytes = 70u << 20};
    size_t *order;
    uint64_t seen = 0;
    must(nb_corpus_order(&order, &plan, &err), &err);
    for (size_t i = 0; i < 15; i++) {
        assert_true(order[i] < 15);
        seen |= 1u << order[i];
    }
    assert_int_equal(seen, (1u << 15) - 1);
    /* the packed file that cannot be parted, the digests of large files, pieces in their order, the small file */
    const size_t expected[] = {10, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14};
    assert_memory_equal(order, expected, sizeof expected);
    free(order);
    nb_corpus_estimate small = nb_corpus_estimate_of(160u << 20, 10u << 20, 1, (uint64_t)8 << 30);
    nb_corpus_estimate large = nb_corpus_estimate_of(160u << 20, 10u << 20, 4, 32u << 20);
    assert_int_equal(small.scratch, 0);
    assert_int_equal(small.sent, 0);
    assert_true(large.scratch > 2 * (160u << 20) / 4 && large.scratch < 4 * (160u << 20));
    assert_true(large.sent > (120u << 20) && large.memory == (32u << 20) + NB_CORPUS_OVERHEAD);
}

static void test_sizes(void **state)
{
    (void)state;
    uint64_t size;
    assert_true(nb_parse_bytes("1048576", &size) && size == 1u << 20);
    assert_true(nb_parse_bytes("3M", &size) && size == 3u << 20);
    assert_true(nb_parse_bytes("2T", &size) && size == (uint64_t)2 << 40);
    static const char *const bad[] = {"", "M", "1.5G", "-1K", "9999999999G", "1MB", "1 M"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(nb_parse_bytes(bad[i], &size));
    }
}

/* Manifests with the wrong digest, seen when the file is read. */
static void test_digest_of_a_manifest(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_corpus_plan plan;
    nb_corpus_slice slice;
    nb_log log = {0};
    const nb_corpus_options options = {.memory = 1u << 20, .scratch = scratch_path("."), .log = &log};
    const nb_corpus_settings settings = {0};
    char list[256], line[400];
    must(nb_file_write(scratch_path("listed.txt"), true, "x\n", 2, &err), &err);
    snprintf(list, sizeof list, "%s", scratch_path("listed"));
    for (int wrong = 0; wrong < 2; wrong++) {
        int len = snprintf(line, sizeof line, "%s  listed.txt\n",
                           wrong ? "03cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"
                                 : "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac");
        must(nb_file_write(list, true, line, (size_t)len, &err), &err);
        must(nb_corpus_plan_open(&plan, &alone, &(nb_strings){0}, list, &settings, &err), &err);
        nb_status status = nb_corpus_build(&slice, &alone, &plan, &options, &err);
        if (wrong) {
            must_fail(status, NB_ERR_VERIFY, &err, "its manifest says 03cb3858");
        } else {
            must(status, &err);
            assert_int_equal(slice.range.total, 1);
        }
        nb_corpus_slice_free(&slice);
        nb_corpus_plan_close(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_errors),
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_long_lines_are_bounded),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_lists_of_inputs),
        cmocka_unit_test(test_lists_of_addresses),
        cmocka_unit_test(test_plain_ascii),
        cmocka_unit_test(test_replaces_what_is_no_utf8),
        cmocka_unit_test(test_sorts_as_qsort),
        cmocka_unit_test(test_orders_all_work),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_digest_of_a_manifest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
