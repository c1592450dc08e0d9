/* Parquet: files of real writers, whole and in pieces; files made here for what those writers do not write; damage. */
#include "support/candidates.h"
#include "support/support.h"

#include "mining/corpus/formats/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads bytes [begin, end) of a file in memory; counts its rows. */
static nb_status read_part(nb_buffer *out, const nb_source *source, const nb_buffer *file, uint64_t begin, uint64_t end,
                           uint64_t *rows, nb_error *err)
{
    const nb_candidate_sink sink = {.state = out, .take = take_candidate};
    nb_source_piece piece = {.source = source, .begin = begin, .end = end};
    nb_status status;
    NB_TRY(nb_byte_stream_open_bytes(&piece.in, source->path, file->data, file->len, 0, err));
    NB_TRY(source->format->read(&piece, &sink, err));
    *rows = piece.lines;
done:
    nb_byte_stream_close(piece.in);
    return status;
}

static nb_status read_all(nb_buffer *out, const nb_buffer *file, const char *column, nb_error *err)
{
    const nb_source_choice choice = {.format = "auto", .tag = "none", .column = column};
    nb_source source;
    uint64_t rows = 0;
    *out = (nb_buffer){.max = 64u << 20};
    nb_status status = nb_source_open_bytes(&source, "x.parquet", file->data, file->len, &choice, err);
    return status == NB_OK ? read_part(out, &source, file, 0, UINT64_MAX, &rows, err) : status;
}

static nb_buffer file_of(const char *path)
{
    nb_error err = {0};
    nb_buffer out = {.max = 64u << 20};
    char block[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t got; (got = fread(block, 1, sizeof block, f)) > 0;) {
        must(nb_buffer_append(&out, block, got, &err), &err);
    }
    fclose(f);
    return out;
}

static nb_buffer golden(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "parquet/%s", name);
    return file_of(golden_path(path));
}

static void gives(const nb_buffer *file, const char *column, const char *want)
{
    nb_error err = {0};
    nb_buffer out;
    must(read_all(&out, file, column, &err), &err);
    assert_string_equal(out.data ? out.data : "", want);
    nb_buffer_free(&out);
}

static void fails(const nb_buffer *file, const char *column, nb_status want, const char *word)
{
    nb_error err = {0};
    nb_buffer out;
    must_fail(read_all(&out, file, column, &err), want, &err, word);
    nb_buffer_free(&out);
}

static const struct {
    const char *name, *texts;
} written[] = {
    {"rust-dictionary-snappy.parquet", "some.txt"},
    {"rust-dictionary-zstd-v2.parquet", "some.txt"},
    {"rust-dictionary-required.parquet", "all.txt"},
    {"rust-fallback-gzip.parquet", "all.txt"},
    {"rust-fallback-v2.parquet", "some.txt"},
    {"rust-plain-gzip.parquet", "some.txt"},
    {"rust-plain-lz4raw-v2.parquet", "some.txt"},
    {"rust-plain-required.parquet", "all.txt"},
    {"rust-plain-pages.parquet", "some.txt"},
    {"rust-delta-length-zstd.parquet", "some.txt"},
    {"rust-delta-length-v2.parquet", "all.txt"},
    {"rust-delta.parquet", "some.txt"},
    {"rust-delta-gzip-v2.parquet", "all.txt"},
    {"duckdb-uncompressed.parquet", "some.txt"},
    {"duckdb-snappy.parquet", "some.txt"},
    {"duckdb-gzip.parquet", "some.txt"},
    {"duckdb-zstd.parquet", "some.txt"},
    {"duckdb-lz4_raw.parquet", "some.txt"},
    {"duckdb-v2.parquet", "some.txt"},
    {"duckdb-dictionary.parquet", "few.txt"},
    {"hyparquet-snappy.parquet", "some.txt"},
    {"hyparquet-delta-length.parquet", "some.txt"},
    {"hyparquet-delta.parquet", "some.txt"},
    {"hyparquet-groups.parquet", "some.txt"},
};

static void test_files_of_other_writers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        nb_buffer file = golden(written[i].name), want = golden(written[i].texts);
        gives(&file, "caption", want.data);
        gives(&file, NULL, want.data);
        nb_buffer_free(&file);
        nb_buffer_free(&want);
    }
}

static void test_columns(void **state)
{
    (void)state;
    nb_buffer file = golden("duckdb-columns.parquet");
    const char *texts = "1:cat no. 0\n2:dog\n3:Öl\n4:[missing]\n5:bird of prey\n";
    gives(&file, "TEXT", texts);
    gives(&file, "url", texts);
    gives(&file, NULL, texts); /* TEXT is the usual name */
    gives(&file, "5", texts);
    fails(&file, "caption", NB_ERR_INPUT, "its columns are: id, nested, list, TEXT, url, bytes, score");
    fails(&file, "8", NB_ERR_INPUT, "no column '8'");
    fails(&file, "id", NB_ERR_INPUT, "it is INT64");
    fails(&file, "bytes", NB_ERR_INPUT, "BYTE_ARRAY that is not marked as text");
    fails(&file, "nested", NB_ERR_INPUT, "nested");
    fails(&file, "list", NB_ERR_INPUT, "its columns of texts are: TEXT, url");
    nb_buffer_free(&file);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *word;
    } cases[] = {{"refused-brotli.parquet", "Brotli"},
                 {"refused-lz4-hadoop.parquet", "LZ4 codec of Hadoop"},
                 {"refused-encrypted.parquet", "encrypted"},
                 {"refused-no-text.parquet", "its columns are: id, score"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_buffer file = golden(cases[i].name);
        fails(&file, NULL, NB_ERR_INPUT, cases[i].word);
        nb_buffer_free(&file);
    }
    nb_buffer file = golden("duckdb-none.parquet");
    gives(&file, "caption", "");
    nb_buffer_free(&file);
    file = golden("duckdb-nulls.parquet");
    nb_error err = {0};
    nb_buffer out;
    must(read_all(&out, &file, "caption", &err), &err);
    assert_string_equal(out.data + out.len - 13, "20:[missing]\n");
    nb_buffer_free(&out);
    nb_buffer_free(&file);
}

/* Cut anywhere, the parts give the rows of the whole, in order. */
static void test_pieces(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_buffer file = golden("hyparquet-groups.parquet");
    const nb_source_choice choice = {.format = "auto", .tag = "none", .column = "caption"};
    nb_source source;
    must(nb_source_open_bytes(&source, "x.parquet", file.data, file.len, &choice, &err), &err);
    assert_true(source.splits && source.units > 1 && source.units <= 100);
    uint64_t size = file.len;
    for (uint64_t cut = 1; cut < size; cut += 97) {
        nb_buffer out = {0}, first = {0}, second = {0};
        uint64_t rows = 0, before = 0, behind = 0;
        must(read_part(&out, &source, &file, 0, UINT64_MAX, &rows, &err), &err);
        must(read_part(&first, &source, &file, 0, cut, &before, &err), &err);
        must(read_part(&second, &source, &file, cut, UINT64_MAX, &behind, &err), &err);
        assert_int_equal(rows, 200);
        assert_int_equal(before + behind, rows);
        assert_int_equal(before, 2 * ((cut * 100 + size - 1) / size)); /* group g lies at g * size / 100 */
        assert_memory_equal(out.data, first.data ? first.data : "", first.len);
        nb_buffer_free(&out);
        nb_buffer_free(&first);
        nb_buffer_free(&second);
    }
    nb_buffer_free(&file);
}

static void test_wrapped_whole(void **state)
{
    (void)state;
    /* a zstd frame of one raw block that holds "PAR1": enough to be recognised */
    static const char frame[] = "\x28\xB5\x2F\xFD\x20\x04\x21\x00\x00PAR1";
    nb_buffer file = {.data = (char *)(uintptr_t)frame, .len = sizeof frame - 1};
    fails(&file, NULL, NB_ERR_INPUT, "Parquet is read from its end");
}

/* ---- files made here ---- */

static void put(nb_buffer *b, const char *bytes, size_t len)
{
    nb_error err = {0};
    must(nb_buffer_append(b, bytes, len, &err), &err);
}

static void put_byte(nb_buffer *b, unsigned byte)
{
    char c = (char)byte;
    put(b, &c, 1);
}

static void put_varint(nb_buffer *b, uint64_t value)
{
    for (; value > 127; value >>= 7) {
        put_byte(b, (unsigned)(value & 127) | 128);
    }
    put_byte(b, (unsigned)value);
}

/* A field whose id is `step` behind the last one's; types 5 (i32) and 6 (i64). */
static void put_int(nb_buffer *b, unsigned step, unsigned type, int64_t value)
{
    put_byte(b, step << 4 | type);
    put_varint(b, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_text(nb_buffer *b, const char *text)
{
    put_varint(b, strlen(text));
    put(b, text, strlen(text));
}

static void put_le32(nb_buffer *b, size_t value)
{
    for (int i = 0; i < 4; i++) {
        put_byte(b, (unsigned)(value >> 8 * i) & 255);
    }
}

/* What a page's head says. */
typedef struct page {
    unsigned kind; /* 0, 2 or 3 */
    int64_t values, encoding, level_encoding, level_bytes, size;
    bool plain; /* version 2: is_compressed is false */
    const char *body;
    size_t len;
} page;

static void put_page(nb_buffer *b, const page *p)
{
    put_int(b, 1, 5, p->kind);
    put_int(b, 1, 5, p->size ? p->size : (int64_t)p->len);
    put_int(b, 1, 5, (int64_t)p->len);
    put_byte(b, (p->kind == 0 ? 2u : p->kind == 2 ? 4u : 5u) << 4 | 12); /* field 5, 7 or 8: a struct */
    put_int(b, 1, 5, p->values);
    if (p->kind == 3) {
        put_int(b, 1, 5, 0);
        put_int(b, 1, 5, p->values);
        put_int(b, 1, 5, p->encoding);
        put_int(b, 1, 5, p->level_bytes);
        put_int(b, 1, 5, 0);
        put_byte(b, 1 << 4 | (p->plain ? 2 : 1));
    } else {
        put_int(b, 1, 5, p->encoding);
        if (p->kind == 0) {
            put_int(b, 1, 5, p->level_encoding);
        }
    }
    put_byte(b, 0);
    put_byte(b, 0);
    put(b, p->body, p->len);
}

/* What a file is to hold: a column "t" of one row group. */
typedef struct recipe {
    const page *pages;
    size_t count;
    int64_t rows, codec, repetition; /* 0 required, 1 optional, 2 repeated */
    int64_t offset, size;            /* as the footer has them; 0: as they are */
} recipe;

static nb_buffer made(const recipe *r)
{
    nb_buffer b = {.max = 1 << 20};
    put(&b, "PAR1", 4);
    for (size_t i = 0; i < r->count; i++) {
        put_page(&b, &r->pages[i]);
    }
    size_t end = b.len;
    put_int(&b, 1, 5, 1);     /* version */
    put_byte(&b, 1 << 4 | 9); /* schema: a list of two structs */
    put_byte(&b, 2 << 4 | 12);
    put_byte(&b, 4 << 4 | 8); /* the root's name */
    put_text(&b, "root");
    put_int(&b, 1, 5, 1);
    put_byte(&b, 0);
    put_int(&b, 1, 5, 6); /* BYTE_ARRAY */
    put_int(&b, 2, 5, r->repetition);
    put_byte(&b, 1 << 4 | 8);
    put_text(&b, "t");
    put_int(&b, 2, 5, 0); /* UTF8 */
    put_byte(&b, 0);
    put_int(&b, 1, 6, r->rows);
    put_byte(&b, 1 << 4 | 9); /* row groups: a list of one struct */
    put_byte(&b, 1 << 4 | 12);
    put_byte(&b, 1 << 4 | 9); /* columns: a list of one struct */
    put_byte(&b, 1 << 4 | 12);
    put_int(&b, 2, 6, 4);
    put_byte(&b, 1 << 4 | 12); /* meta data */
    put_int(&b, 1, 5, 6);
    put_byte(&b, 1 << 4 | 9);
    put_byte(&b, 0 << 4 | 5); /* no encodings */
    put_byte(&b, 1 << 4 | 9);
    put_byte(&b, 1 << 4 | 8);
    put_text(&b, "t");
    put_int(&b, 1, 5, r->codec);
    put_int(&b, 1, 6, r->rows);
    put_int(&b, 1, 6, (int64_t)end - 4);
    put_int(&b, 1, 6, r->size ? r->size : (int64_t)end - 4);
    put_int(&b, 2, 6, r->offset ? r->offset : 4);
    put_byte(&b, 0);
    put_byte(&b, 0);
    put_int(&b, 1, 6, (int64_t)end - 4);
    put_int(&b, 1, 6, r->rows);
    put_byte(&b, 0);
    put_byte(&b, 0);
    put_le32(&b, b.len - end);
    put(&b, "PAR1", 4);
    return b;
}

static void made_gives(recipe r, const char *want)
{
    nb_buffer file = made(&r);
    gives(&file, "t", want);
    nb_buffer_free(&file);
}

static void made_fails(recipe r, const char *word)
{
    nb_buffer file = made(&r);
    fails(&file, "t", NB_ERR_INPUT, word);
    nb_buffer_free(&file);
}

#define BODY(bytes) .body = bytes, .len = sizeof(bytes) - 1
#define PAGES(...)  .pages = (const page[]){__VA_ARGS__}, .count = sizeof((const page[]){__VA_ARGS__}) / sizeof(page)

static const char two_texts[] = "\x01\0\0\0a\x02\0\0\0bc";
#define TWO_TEXTS .body = two_texts, .len = sizeof two_texts - 1

static void test_pages_made_here(void **state)
{
    (void)state;
    const page texts = {.kind = 0, .values = 2, .level_encoding = 3, TWO_TEXTS};
    made_gives((recipe){PAGES(texts), .rows = 2}, "1:a\n2:bc\n");
    made_gives((recipe){PAGES(texts, texts), .rows = 4}, "1:a\n2:bc\n3:a\n4:bc\n");
    /* version 2 says that the values are not compressed, whatever the codec */
    const page stored = {
        .kind = 3, .values = 3, .level_bytes = 2, .plain = true, BODY("\x03\x05\x01\0\0\0a\x02\0\0\0bc")};
    made_gives((recipe){PAGES(stored), .rows = 3, .codec = 1, .repetition = 1}, "1:a\n2:[missing]\n3:bc\n");
    /* indexes of one run and of groups, into a dictionary */
    const page words = {.kind = 2, .values = 2, TWO_TEXTS};
    const page indexes = {.kind = 0, .values = 5, .encoding = 2, .level_encoding = 3, BODY("\x01\x04\x01\x03\x05")};
    made_gives((recipe){PAGES(words, indexes), .rows = 5}, "1:bc\n2:bc\n3:bc\n4:a\n5:bc\n");
    const page same = {.kind = 0, .values = 2, .encoding = 8, BODY("\0\x04")}; /* indexes of no bits */
    made_gives((recipe){PAGES(words, same), .rows = 2}, "1:a\n2:a\n");
    /* a page of a kind to come is passed over */
    const page later = {.kind = 9, .values = 1, BODY("xyz")};
    made_gives((recipe){PAGES(later, texts), .rows = 2}, "1:a\n2:bc\n");
    /* the dictionary's place is 0, and the size forgets a head: old writers */
    made_gives((recipe){PAGES(texts), .rows = 2, .size = 5}, "1:a\n2:bc\n");
}

static void test_pages_refused(void **state)
{
    (void)state;
    const page texts = {.kind = 0, .values = 2, .level_encoding = 3, TWO_TEXTS};
    const page words = {.kind = 2, .values = 2, TWO_TEXTS};
    page p = texts;
    made_fails((recipe){PAGES(texts), .rows = 3}, "the column ends before all its values");
    made_fails((recipe){PAGES(texts), .rows = 1}, "more values than its row group");
    made_fails((recipe){PAGES(texts), .rows = 2, .repetition = 2}, "repeated");
    made_fails((recipe){PAGES(texts), .rows = 2, .codec = 3}, "LZO");
    made_fails((recipe){PAGES(texts), .rows = 2, .codec = 99}, "unknown codec");
    made_fails((recipe){PAGES(texts), .rows = 2, .codec = 1}, "snappy data are damaged");
    made_fails((recipe){PAGES(texts), .rows = 2, .offset = 1 << 20}, "outside the file");
    made_fails((recipe){PAGES(texts), .rows = 2, .size = 1 << 20}, "outside the file");
    p.values = 3;
    made_fails((recipe){PAGES(p), .rows = 3}, "its texts are cut short");
    p.values = -2;
    made_fails((recipe){PAGES(p), .rows = 2}, "its head is damaged");
    p = texts;
    p.size = 300 << 20;
    made_fails((recipe){PAGES(p), .rows = 2, .codec = 6}, "over the limit of 256 MiB");
    p = texts;
    p.level_encoding = 4;
    made_fails((recipe){PAGES(p), .rows = 2, .repetition = 1}, "old bit-packed encoding");
    p.encoding = 9;
    made_fails((recipe){PAGES(p), .rows = 2}, "BYTE_STREAM_SPLIT");
    p.encoding = 8;
    made_fails((recipe){PAGES(p), .rows = 2}, "a dictionary that is missing");
    p = (page){.kind = 0, .values = 1, .encoding = 8, BODY("\x02\x02\x03")};
    made_fails((recipe){PAGES(words, p), .rows = 1}, "beyond the dictionary");
    p = words;
    p.values = 3;
    made_fails((recipe){PAGES(p, texts), .rows = 2}, "its dictionary is cut short");
    /* lengths: block of 128 in 4, one value, -1 */
    p = (page){.kind = 0, .values = 1, .encoding = 6, BODY("\x80\x01\x04\x01\x01")};
    made_fails((recipe){PAGES(p), .rows = 1}, "the lengths of its texts are damaged");
    p = (page){.kind = 0, .values = 1, .encoding = 6, BODY("\x80\x01\x03\x01\x02")}; /* 128 in 3 parts */
    made_fails((recipe){PAGES(p), .rows = 1}, "the lengths of its texts are damaged");
    /* a prefix of 2 where nothing was before */
    p = (page){.kind = 0, .values = 1, .encoding = 7, BODY("\x80\x01\x04\x01\x04\x80\x01\x04\x01\x02z")};
    made_fails((recipe){PAGES(p), .rows = 1}, "the lengths of its texts are damaged");
}

/* ---- damage ---- */

static const char *const damaged[] = {"rust-fallback-v2.parquet", "rust-delta.parquet", "duckdb-columns.parquet",
                                      "hyparquet-delta-length.parquet"};

/* Cut short anywhere, a file is refused; with any byte changed it is read or refused, and no byte beyond it is. */
static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        nb_error err = {0};
        nb_buffer file = golden(damaged[i]), out;
        for (size_t len = 0; len < file.len; len += 1 + len / 64) {
            const nb_buffer shorter = {.data = file.data, .len = len};
            nb_status status = read_all(&out, &shorter, "TEXT", &err);
            assert_int_equal(status, NB_ERR_INPUT);
            nb_buffer_free(&out);
        }
        const char *column = strstr(damaged[i], "columns") ? "TEXT" : "caption";
        for (size_t at = 0; at < file.len; at++) {
            for (unsigned bit = 0; bit < 8; bit += 3) {
                file.data[at] = (char)(file.data[at] ^ (1 << bit));
                nb_status status = read_all(&out, &file, column, &err);
                assert_true(status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_LIMIT);
                nb_buffer_free(&out);
                file.data[at] = (char)(file.data[at] ^ (1 << bit));
            }
        }
        nb_buffer_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_other_writers),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_wrapped_whole),
        cmocka_unit_test(test_pages_made_here),
        cmocka_unit_test(test_pages_refused),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
