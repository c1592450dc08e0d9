#include "support/support.h"

#include "common/base/random.h"
#include "common/clip/tokenizer/text_clean.h"
#include "mining/corpus/build.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

#define WORDNET "/usr/share/wordnet/"

static const char *text_file(const char *name, const char *text, size_t len)
{
    nb_error err = {0};
    const char *path = scratch_path(name);
    must(nb_file_write(path, true, text, len, &err), &err);
    return path;
}

#define TEXT_FILE(name, text) text_file(name, text, sizeof(text) - 1)

static nb_strings path_list(const char *const *paths, size_t count)
{
    nb_error err = {0};
    nb_strings out = {0};
    for (size_t i = 0; i < count; i++) {
        must(nb_strings_push(&out, paths[i], strlen(paths[i]), &err), &err);
    }
    return out;
}

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
static const nb_log silent = {0};

static void plan_of(nb_corpus_plan *plan, const char *const *paths, size_t count, nb_corpus_settings settings)
{
    nb_error err = {0};
    nb_strings inputs = path_list(paths, count);
    must(nb_corpus_plan_open(plan, &alone, &inputs, NULL, &settings, &err), &err);
    nb_strings_free(&inputs);
}

static void check_sum(const nb_corpus_counts *counts, const nb_corpus *c)
{
    uint64_t sum = counts->kept;
    for (int i = 0; i < NB_DROP_COUNT; i++) {
        sum += counts->dropped[i];
    }
    assert_int_equal(sum, counts->read);
    assert_int_equal(counts->kept, c->count);
    assert_int_equal(counts->dropped[NB_KEPT], 0);
}

/* The whole way of a corpus in one process, which may take `memory` bytes. */
static void build(nb_corpus *all, nb_corpus_counts *total, const nb_corpus_plan *plan, uint64_t memory)
{
    nb_error err = {0};
    const nb_corpus_options options = {.memory = memory, .scratch = scratch_path("."), .log = &silent};
    nb_corpus_slice slice;
    nb_corpus_rows rows;
    nb_corpus_row row;
    bool more = true;
    *all = (nb_corpus){0};
    must(nb_corpus_build(&slice, &alone, plan, &options, &err), &err);
    must(nb_corpus_rows_open(&rows, &slice, plan, &err), &err);
    for (;;) {
        must(nb_corpus_rows_next(&rows, &row, &more, &err), &err);
        if (!more) {
            break;
        }
        must(nb_corpus_push(all, &row, &err), &err);
    }
    nb_corpus_rows_close(&rows);
    *total = slice.counts;
    assert_int_equal(slice.range.total, all->count);
    nb_corpus_slice_free(&slice);
    check_sum(total, all);
}

static void build_from(nb_corpus *all, nb_corpus_counts *total, const char *const *paths, size_t count,
                       nb_corpus_settings settings)
{
    nb_corpus_plan plan;
    plan_of(&plan, paths, count, settings);
    build(all, total, &plan, 64u << 20);
    nb_corpus_plan_close(&plan);
}

/* That reading what is planned fails. */
static void build_fails(const nb_corpus_plan *plan, nb_status want, const char *word)
{
    nb_error err = {0};
    const nb_corpus_options options = {.memory = 1u << 20, .scratch = scratch_path("."), .log = &silent};
    nb_corpus_slice slice;
    must_fail(nb_corpus_build(&slice, &alone, plan, &options, &err), want, &err, word);
    assert_null(slice.rows.bytes);
}

static void check_text(const nb_corpus *c, size_t i, const char *text, nb_tag tag, uint32_t source, uint64_t line)
{
    assert_true(i < c->count);
    assert_string_equal(nb_strings_get(&c->texts, i), text);
    assert_int_equal(c->tags[i], tag);
    assert_int_equal(c->source[i], source);
    assert_int_equal(c->line[i], line);
}

static bool holds(const nb_corpus *c, const char *text, nb_tag tag)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(nb_strings_get(&c->texts, i), text) == 0 && c->tags[i] == tag) {
            return true;
        }
    }
    return false;
}

/* ---- normalising ---- */

static void check_normal(nb_normaliser *n, const char *in, const char *want)
{
    assert_int_equal(nb_normalise(n, in, strlen(in), false), NB_KEPT);
    assert_int_equal(n->len, strlen(want));
    assert_memory_equal(n->text, want, n->len);
}

static void test_normalises(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_normaliser n;
    must(nb_normaliser_open(&n, 256, &err), &err);
    check_normal(&n, " a\t b\v\f\r c  ", "a b c");
    check_normal(&n, "Tabby_Cat", "Tabby_Cat");
    check_normal(&n, "\xC2\xA0x\xE2\x80\xA8\xE3\x80\x80\xC2\x85y\xE1\x9A\x80", "x y");
    check_normal(&n, "cafe\xCC\x81", "caf\xC3\xA9");
    check_normal(&n, "\xE2\x84\xAB\xE2\x84\xA6\xCD\xBE", "\xC3\x85\xCE\xA9;");
    /* a Hangul syllable and its last letter; two marks out of order */
    check_normal(&n, "\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81");
    check_normal(&n, "a\xCC\x81\xCC\xA3", "\xE1\xBA\xA1\xCC\x81");
    /* U+11A7 is no last letter */
    check_normal(&n, "\xEA\xB0\x80\xE1\x86\xA7", "\xEA\xB0\x80\xE1\x86\xA7");
    /* what shows nothing: zero width space, soft hyphen, byte order mark, variation selector, joiner */
    check_normal(&n,
                 "\xEF\xBB\xBF"
                 "c\xC2\xAD"
                 "at\xE2\x80\x8B",
                 "cat");
    check_normal(&n, "red \xE2\x80\x8B circle\xE2\x80\x8D", "red circle");
    check_normal(&n, "e\xE2\x80\x8D\xCC\x81", "\xC3\xA9");
    check_normal(&n, "\xE2\x9D\xA4\xEF\xB8\x8F", "\xE2\x9D\xA4");
    /* joiners that are read: in Persian, in an emoji */
    check_normal(&n, "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE", "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE");
    check_normal(&n, "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB");
    /* excluded from composition, so longer than what was read */
    check_normal(&n, "\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC");
    assert_int_equal(nb_normalise(&n, "_a__b_", 6, true), NB_KEPT);
    assert_int_equal(n.len, 3);
    assert_memory_equal(n.text, "a b", 3);
    nb_normaliser_close(&n);
}

static void test_names_reasons(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_normaliser n;
    must(nb_normaliser_open(&n, 8, &err), &err);
    static const struct {
        const char *bytes;
        size_t len;
        nb_drop drop;
        const char *name;
    } cases[] = {
        {"", 0, NB_DROP_BLANK, "blank"},
        {" \t\xE2\x80\x83", 5, NB_DROP_BLANK, "blank"},
        {"\xE2\x80\x8B \xEF\xBB\xBF\xE2\x80\x8D", 10, NB_DROP_BLANK, "blank"},
        {"\xC3", 1, NB_DROP_UTF8, "invalid-utf8"},
        {"a\xED\xA0\x80", 4, NB_DROP_UTF8, "invalid-utf8"},
        {"\xC0\x80", 2, NB_DROP_UTF8, "invalid-utf8"},
        {"a\0b", 3, NB_DROP_CONTROL, "control"},
        {"a\x1F", 2, NB_DROP_CONTROL, "control"},
        {"\xC2\x9Fx", 3, NB_DROP_CONTROL, "control"},
        {"123456789\x7F", 10, NB_DROP_CONTROL, "control"},
        {"123456789", 9, NB_DROP_LONG, "too-long"},
        {"12345678", 8, NB_KEPT, "kept"},
        {"  1234  5678 ", 13, NB_DROP_LONG, "too-long"},
        {" 1234\t567   ", 12, NB_KEPT, "kept"},
        /* 8 and 9 bytes in form C; and four times "iota, dialytika, tonos", 7 bytes made 2 */
        {"12345e\xCC\x81x", 9, NB_KEPT, "kept"},
        {"12345e\xCC\x81xy", 10, NB_DROP_LONG, "too-long"},
        {"\xE1\xBE\xBE\xCC\x88\xCC\x81\xE1\xBE\xBE\xCC\x88\xCC\x81\xE1\xBE\xBE\xCC\x88\xCC\x81\xE1\xBE\xBE\xCC\x88\xCC"
         "\x81",
         28, NB_KEPT, "kept"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_drop drop = nb_normalise(&n, cases[i].bytes, cases[i].len, false);
        assert_int_equal(drop, cases[i].drop);
        assert_string_equal(nb_drop_name(drop), cases[i].name);
    }
    nb_normaliser_close(&n);
    must_fail(nb_normaliser_open(&n, 0, &err), NB_ERR_USAGE, &err, "at most 0 bytes");
    must_fail(nb_normaliser_open(&n, NB_TEXT_BYTES_MAX + 1, &err), NB_ERR_USAGE, &err, "16385");
}

/* Every code point of the planes that hold decompositions, before and after marks and letters that compose, against
 * utf8proc_NFC. */
static void test_form_c_of_every_code_point(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_normaliser n;
    must(nb_normaliser_open(&n, 256, &err), &err);
    static const int32_t around[] = {'a', 0x301, 0x323, 0x1161, 0x11A8, 0x3099, 0x9BE};
    for (int32_t c = 0xA0; c < 0x30000; c++) {
        if (!utf8proc_codepoint_valid(c) || nb_text_classify(c) == NB_TEXT_SPACE ||
            utf8proc_get_property(c)->ignorable) {
            continue;
        }
        for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
            uint8_t text[32];
            utf8proc_ssize_t len = utf8proc_encode_char(c, text);
            len += utf8proc_encode_char(around[k], text + len);
            len += utf8proc_encode_char(c, text + len);
            text[len] = 0;
            uint8_t *want = utf8proc_NFC(text);
            assert_non_null(want);
            nb_drop drop = nb_normalise(&n, (const char *)text, (size_t)len, false);
            if (drop != NB_KEPT || n.len != strlen((char *)want) || memcmp(n.text, want, n.len) != 0) {
                fail_msg("U+%04X with U+%04X is not normalised", (unsigned)c, (unsigned)around[k]);
            }
            free(want);
        }
    }
    nb_normaliser_close(&n);
}

/* ---- sources ---- */

static void test_lines_and_counts(void **state)
{
    (void)state;
    char text[512];
    size_t len = 0;
    static const char start[] =
        "\xEF\xBB\xBF zebra \r\napple\n\n\xFF\xFE\nbell\x07\nnul\0x\nApple\napple  \nred_fox\nTabby "
        "CAT\n   \n";
    memcpy(text, start, sizeof start - 1);
    len = sizeof start - 1;
    memset(text + len, 'x', 257);
    len += 257;
    const char *path = text_file("mixed.txt", text, len);
    const char *const words[] = {"tabby_cat"};
    nb_strings excluded = path_list(words, 1);
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, &path, 1, (nb_corpus_settings){.excluded = &excluded});
    assert_int_equal(counts.read, 12);
    assert_int_equal(c.count, 4);
    check_text(&c, 0, "Apple", NB_TAG_NONE, 0, 7);
    check_text(&c, 1, "apple", NB_TAG_NONE, 0, 2);
    check_text(&c, 2, "red_fox", NB_TAG_NONE, 0, 9);
    check_text(&c, 3, "zebra", NB_TAG_NONE, 0, 1);
    assert_int_equal(counts.dropped[NB_DROP_BLANK], 2);
    assert_int_equal(counts.dropped[NB_DROP_UTF8], 1);
    assert_int_equal(counts.dropped[NB_DROP_CONTROL], 2);
    assert_int_equal(counts.dropped[NB_DROP_LONG], 1);
    assert_int_equal(counts.dropped[NB_DROP_EXCLUDED], 1);
    assert_int_equal(counts.dropped[NB_DROP_DUPLICATE], 1);
    nb_corpus_free(&c);
    nb_strings_free(&excluded);
}

static void test_tags_by_file(void **state)
{
    (void)state;
    const char *paths[3];
    paths[0] = TEXT_FILE("noun.animal.txt", "red_fox\nlight\n");
    paths[1] = TEXT_FILE("adj.all.txt", "light\nfar_off\nlight\n");
    paths[2] = TEXT_FILE("other.txt", "red_fox\nlight\n");
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, paths, 3, (nb_corpus_settings){0});
    assert_int_equal(c.count, 6);
    check_text(&c, 0, "far off", NB_TAG_ADJ, 0, 2);
    check_text(&c, 1, "light", NB_TAG_NONE, 2, 2);
    check_text(&c, 2, "light", NB_TAG_NOUN, 1, 2);
    check_text(&c, 3, "light", NB_TAG_ADJ, 0, 1);
    check_text(&c, 4, "red fox", NB_TAG_NOUN, 1, 1);
    check_text(&c, 5, "red_fox", NB_TAG_NONE, 2, 1);
    nb_corpus_free(&c);
    build_from(&c, &counts, paths, 3, (nb_corpus_settings){.choice.tag = "adj"});
    assert_int_equal(c.count, 3);
    check_text(&c, 2, "red fox", NB_TAG_ADJ, 1, 1);
    nb_corpus_free(&c);
    build_from(&c, &counts, paths, 3, (nb_corpus_settings){.choice.tag = "none", .limit = 2});
    assert_int_equal(c.count, 2);
    check_text(&c, 0, "far_off", NB_TAG_NONE, 0, 2);
    assert_int_equal(counts.dropped[NB_DROP_LIMIT], 1);
    assert_int_equal(counts.dropped[NB_DROP_DUPLICATE], 4);
    nb_corpus_free(&c);
}

static void test_wordnet_lines(void **state)
{
    (void)state;
    const char *paths[2];
    paths[0] = TEXT_FILE("index.adj", "  1 The licence of WordNet  \n  2   \nable a 4 4 ! & = + 4 4 05200169  \n"
                                      "far_off a 1 1 & 1 0 00443618  \n");
    paths[1] = TEXT_FILE("data.adj", "  1 The licence of WordNet  \n"
                                     "00001740 00 a 02 able 0 far-off(ip) a 001 = 05200169 n 0000 | a gloss  \n"
                                     "00014490 00 s 03 galore(ip) 0 Afghan(a) f (a) 0 000 |  \n");
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, paths, 2, (nb_corpus_settings){0});
    assert_int_equal(counts.read, 10);
    assert_int_equal(counts.dropped[NB_DROP_COMMENT], 3);
    assert_int_equal(counts.dropped[NB_DROP_DUPLICATE], 1);
    assert_int_equal(c.count, 6);
    check_text(&c, 0, "(a)", NB_TAG_ADJ, 0, 3);
    check_text(&c, 1, "Afghan", NB_TAG_ADJ, 0, 3);
    check_text(&c, 2, "able", NB_TAG_ADJ, 0, 2);
    check_text(&c, 3, "far off", NB_TAG_ADJ, 1, 4);
    check_text(&c, 4, "far-off", NB_TAG_ADJ, 0, 2);
    check_text(&c, 5, "galore", NB_TAG_ADJ, 0, 3);
    nb_corpus_free(&c);
    /* without the licence the content does not say what it is */
    paths[0] = TEXT_FILE("index.noun", "dog n 1 1 @ 1 0 02084071\n");
    build_from(&c, &counts, paths, 1, (nb_corpus_settings){0});
    check_text(&c, 0, "dog n 1 1 @ 1 0 02084071", NB_TAG_NOUN, 0, 1);
    nb_corpus_free(&c);
    build_from(&c, &counts, paths, 1, (nb_corpus_settings){.choice.format = "wordnet"});
    check_text(&c, 0, "dog", NB_TAG_NOUN, 0, 1);
    nb_corpus_free(&c);
}

static void test_refuses_what_is_no_wordnet(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "just words",
        "dog",
        "dog n x 1",
        "dog n 1",
        "00001740 03 n 00 entity 0 000 | x",
        "00001740 03 n zz entity 0 000 | x",
        "00001740 03 n 02 entity 0",
        "00001740 03 n 01 entity zz",
        "00001740 03 q 01 entity 0",
        "00001740 03",
        " dog n 1 1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        nb_error err = {0};
        nb_buffer text = {0};
        nb_corpus_plan plan;
        must(nb_buffer_printf(&text, &err, "  1 licence\n\n%s\n", lines[i]), &err);
        const char *path = text_file("forced.txt", text.data, text.len);
        plan_of(&plan, &path, 1, (nb_corpus_settings){.choice.format = "wordnet"});
        build_fails(&plan, NB_ERR_INPUT, "forced.txt' line 3");
        nb_corpus_plan_close(&plan);
        nb_buffer_free(&text);
    }
}

static void refused(const char *path, nb_corpus_settings settings, nb_status want, const char *word)
{
    nb_error err = {0};
    nb_corpus_plan plan;
    nb_strings inputs = path_list(&path, 1);
    must_fail(nb_corpus_plan_open(&plan, &alone, &inputs, NULL, &settings, &err), want, &err, word);
    assert_null(plan.inputs);
    nb_strings_free(&inputs);
}

static void test_refuses_bad_inputs(void **state)
{
    (void)state;
    nb_error err = {0};
    const char *good = TEXT_FILE("good.txt", "a\n");
    const nb_corpus_settings plain = {0};
    refused(absent_path("x.txt"), plain, NB_ERR_INPUT, "absent/x.txt");
    refused(scratch_path("."), plain, NB_ERR_INPUT, "/.' is a directory");
    refused("/dev/null", plain, NB_ERR_INPUT, "/dev/null");
    refused(TEXT_FILE("empty.txt", ""), plain, NB_ERR_INPUT, "empty.txt' is empty");
    refused(TEXT_FILE("packed.txt.gz", "\x1F\x8B\x08\0\0\0\0"), plain, NB_ERR_INPUT, "cut short");
    refused(TEXT_FILE("packed.txt.gz", "\x1F\x8B\x08xxxxxx\xFF\xFFrubbish"), plain, NB_ERR_INPUT, "damaged near byte");
    refused(good, (nb_corpus_settings){.choice.format = "xml"}, NB_ERR_USAGE, "xml");
    refused(good, (nb_corpus_settings){.choice.tag = "verb"}, NB_ERR_USAGE, "verb");
    refused(good, (nb_corpus_settings){.max_bytes = 1u << 20}, NB_ERR_USAGE, "1048576");
    const char *const bad[] = {"fine", "b\xFF"};
    nb_strings labels = path_list(bad, 2);
    refused(good, (nb_corpus_settings){.excluded = &labels}, NB_ERR_INPUT, "label 2");
    nb_strings_free(&labels);
    nb_corpus_plan plan;
    must_fail(nb_corpus_plan_open(&plan, &alone, &(nb_strings){0}, NULL, &plain, &err), NB_ERR_USAGE, &err, "inputs");
    plan_of(&plan, &good, 1, plain);
    TEXT_FILE("good.txt", "a\nb\n");
    build_fails(&plan, NB_ERR_INPUT, "now has 4");
    nb_corpus_plan_close(&plan);
}

static void test_lines_of_ten_megabytes(void **state)
{
    (void)state;
    nb_error err = {0};
    const size_t big = 10u << 20;
    char *text = nb_alloc(3 * big + 64, 1, &err);
    assert_non_null(text);
    memset(text, 'x', big);
    text[big] = '\n';
    /* would shrink to one word, but no line over 1 MiB is held */
    memset(text + big + 1, ' ', big);
    memcpy(text + 2 * big - 8, "word\n", 5);
    size_t len = 2 * big - 3;
    for (size_t i = 0; i < big; i += 2) {
        memcpy(text + len + i, "\xC3\xA9", 2);
    }
    len += big;
    memcpy(text + len, "\nlast", 5);
    len += 5;
    const char *path = text_file("big.txt", text, len);
    free(text);
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, &path, 1, (nb_corpus_settings){0});
    assert_int_equal(c.count, 1);
    check_text(&c, 0, "last", NB_TAG_NONE, 0, 4);
    assert_int_equal(counts.dropped[NB_DROP_LONG], 3);
    nb_corpus_free(&c);
    unlink(path);
}

static void test_excludes_labels_in_any_case(void **state)
{
    (void)state;
    const char *const words[] = {"Stra\303\237e", "caf\xC3\xA9", "tree_frog",
                                 "\xCE\xA3\xCE\x9F\xCE\xA6\xCE\x9F\xCE\xA3", "_"};
    nb_strings excluded = path_list(words, 5);
    const char *path = TEXT_FILE("cases.txt", "STRASSE\nCAFE\xCC\x81\nTree  Frog\nTREE_FROG\ncafe\n"
                                              "\xCF\x83\xCE\xBF\xCF\x86\xCE\xBF\xCF\x82\n_\ntree frogs\n__\n");
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, &path, 1, (nb_corpus_settings){.excluded = &excluded});
    assert_int_equal(counts.dropped[NB_DROP_EXCLUDED], 6);
    assert_int_equal(c.count, 3);
    check_text(&c, 1, "cafe", NB_TAG_NONE, 0, 5);
    nb_corpus_free(&c);
    nb_strings_free(&excluded);
}

/* ---- pieces and memory ---- */

static void check_same(const nb_corpus *a, const nb_corpus *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->tags, b->tags, a->count);
    assert_memory_equal(a->source, b->source, a->count * sizeof *a->source);
    assert_memory_equal(a->line, b->line, a->count * sizeof *a->line);
    assert_memory_equal(a->texts.offset, b->texts.offset, (a->count + 1) * sizeof *a->texts.offset);
    assert_memory_equal(a->texts.bytes, b->texts.bytes, (size_t)a->texts.offset[a->count]);
}

static void check_canonical(const nb_corpus *c)
{
    for (size_t i = 1; i < c->count; i++) {
        int order = nb_bytes_compare(nb_strings_get(&c->texts, i - 1), nb_strings_len(&c->texts, i - 1),
                                     nb_strings_get(&c->texts, i), nb_strings_len(&c->texts, i));
        assert_true(order < 0 || (order == 0 && c->tags[i - 1] < c->tags[i]));
    }
}

/* A plan's only input in three pieces, cut at two bytes. */
static void cut_at(nb_corpus_plan *plan, uint64_t first, uint64_t second)
{
    nb_error err = {0};
    free(plan->pieces);
    plan->piece_count = 3;
    plan->pieces = nb_alloc(plan->piece_count, sizeof *plan->pieces, &err);
    assert_non_null(plan->pieces);
    plan->pieces[0] = (nb_piece){0, 0, first};
    plan->pieces[1] = (nb_piece){0, first, second};
    plan->pieces[2] = (nb_piece){0, second, UINT64_MAX};
}

/* Cut at any byte, a file gives the same texts with the same line numbers, and the same counts. */
static void check_cuts(const char *path, size_t len, nb_corpus_settings settings)
{
    nb_corpus_plan plan;
    nb_corpus whole, pieces;
    nb_corpus_counts count_whole, count_pieces;
    plan_of(&plan, &path, 1, settings);
    assert_true(plan.inputs[0].splits);
    build(&whole, &count_whole, &plan, 1u << 20);
    for (uint64_t first = 1; first < len; first++) {
        cut_at(&plan, first, first + (len - first) / 3);
        build(&pieces, &count_pieces, &plan, 1u << 20);
        check_same(&whole, &pieces);
        assert_memory_equal(&count_whole, &count_pieces, sizeof count_whole);
        nb_corpus_free(&pieces);
    }
    nb_corpus_free(&whole);
    nb_corpus_plan_close(&plan);
}

static void test_cut_at_any_byte(void **state)
{
    (void)state;
    static const char lines[] = "\xEF\xBB\xBF"
                                "first\r\nsecond\n\n\nlong long long line\r\n\xFF\nfirst\nno end";
    static const char rows[] = "id\tword\r\n1\tone\n2\n\n3\t\"three\n4\tone\tx\n";
    static const char json[] = "{\"w\": \"one\"}\n\n{\"x\": 1}\r\n{\"w\": \"two\\nlines\"}\n{\"w\": \"one\"}";
    check_cuts(TEXT_FILE("cuts.txt", lines), sizeof lines - 1, (nb_corpus_settings){0});
    check_cuts(TEXT_FILE("cuts.tsv", rows), sizeof rows - 1, (nb_corpus_settings){.choice.column = "word"});
    check_cuts(TEXT_FILE("cuts.jsonl", json), sizeof json - 1, (nb_corpus_settings){.choice.key = "w"});
}

static const char *random_file(const char *name, size_t lines, uint64_t seed)
{
    static const char *const odd[] = {"", "\xFF", "a\x01", "label One", "  e\xCC\x81 _ ", "light", "bank_note"};
    nb_error err = {0};
    nb_buffer text = {0};
    for (uint64_t i = 0; i < lines; i++) {
        uint64_t pick = nb_random_below(seed, 0, i, 20);
        uint64_t word = nb_random_below(seed, 1, i, 9000);
        if (pick < sizeof odd / sizeof *odd) {
            must(nb_buffer_printf(&text, &err, "%s\n", odd[pick]), &err);
        } else {
            must(nb_buffer_printf(&text, &err, "long prefix %llu\n", (unsigned long long)word), &err);
        }
    }
    const char *path = text_file(name, text.data, text.len - 1);
    nb_buffer_free(&text);
    return path;
}

/* Spilled runs, merged in turns, give what memory gives. */
static void test_any_memory(void **state)
{
    (void)state;
    const char *paths[3];
    paths[0] = random_file("noun.parts.txt", 150003, 1);
    paths[1] = random_file("adj.parts.txt", 8192, 2);
    paths[2] = random_file("parts.txt", 17000, 3);
    const char *const words[] = {"Label one"};
    nb_strings excluded = path_list(words, 1);
    nb_corpus_plan plan;
    plan_of(&plan, paths, 3, (nb_corpus_settings){.excluded = &excluded, .skip = 100, .limit = 15000});
    nb_corpus one, many;
    nb_corpus_counts count_one, count_many;
    build(&one, &count_one, &plan, 64u << 20);
    check_canonical(&one);
    assert_int_equal(count_one.read, 150003 + 8192 + 17000);
    assert_int_equal(one.count, 15000);
    assert_true(count_one.dropped[NB_DROP_LIMIT] > 100);
    assert_true(count_one.dropped[NB_DROP_DUPLICATE] > 100000);
    assert_true(count_one.dropped[NB_DROP_EXCLUDED] > 1000);
    build(&many, &count_many, &plan, 1u << 20);
    check_same(&one, &many);
    assert_memory_equal(&count_one, &count_many, sizeof count_one);
    nb_corpus_free(&many);
    nb_corpus_free(&one);
    nb_corpus_plan_close(&plan);
    nb_strings_free(&excluded);
}

/* ---- the real WordNet ---- */

static void need_wordnet(void)
{
    if (access(WORDNET "index.noun", R_OK) != 0) {
        print_message("skipped: WordNet is not installed (package wordnet-base)\n");
        skip();
    }
}

static void test_wordnet_index(void **state)
{
    (void)state;
    need_wordnet();
    static const char *const paths[] = {WORDNET "index.noun", WORDNET "index.adj"};
    nb_corpus_plan plan;
    nb_corpus one, many;
    nb_corpus_counts counts, again;
    plan_of(&plan, paths, 2, (nb_corpus_settings){0});
    build(&one, &counts, &plan, 64u << 20);
    build(&many, &again, &plan, 1u << 20);
    check_canonical(&one);
    check_same(&one, &many);
    assert_memory_equal(&counts, &again, sizeof counts);
    assert_int_equal(counts.read, 117827 + 21508);
    assert_int_equal(counts.dropped[NB_DROP_COMMENT], 2 * 29);
    assert_int_equal(one.count, 117798 + 21479);
    assert_true(holds(&one, "yellow jacket", NB_TAG_NOUN));
    assert_true(holds(&one, "light", NB_TAG_NOUN));
    assert_true(holds(&one, "light", NB_TAG_ADJ));
    nb_corpus_free(&one);
    nb_corpus_free(&many);
    nb_corpus_plan_close(&plan);
}

static void test_wordnet_data(void **state)
{
    (void)state;
    need_wordnet();
    static const char *const paths[] = {WORDNET "data.adj", WORDNET "data.noun", WORDNET "data.verb",
                                        WORDNET "data.adv"};
    nb_corpus c;
    nb_corpus_counts counts;
    build_from(&c, &counts, paths, 4, (nb_corpus_settings){0});
    check_canonical(&c);
    print_message("WordNet data: read %llu, kept %llu, duplicates %llu\n", (unsigned long long)counts.read,
                  (unsigned long long)counts.kept, (unsigned long long)counts.dropped[NB_DROP_DUPLICATE]);
    assert_int_equal(counts.dropped[NB_DROP_COMMENT], 4 * 29);
    assert_true(holds(&c, "galore", NB_TAG_ADJ));
    assert_true(holds(&c, "Afghan hound", NB_TAG_NOUN));
    assert_false(holds(&c, "galore(ip)", NB_TAG_ADJ));
    nb_corpus_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalises),
        cmocka_unit_test(test_names_reasons),
        cmocka_unit_test(test_form_c_of_every_code_point),
        cmocka_unit_test(test_lines_and_counts),
        cmocka_unit_test(test_tags_by_file),
        cmocka_unit_test(test_wordnet_lines),
        cmocka_unit_test(test_refuses_what_is_no_wordnet),
        cmocka_unit_test(test_refuses_bad_inputs),
        cmocka_unit_test(test_lines_of_ten_megabytes),
        cmocka_unit_test(test_excludes_labels_in_any_case),
        cmocka_unit_test(test_cut_at_any_byte),
        cmocka_unit_test(test_any_memory),
        cmocka_unit_test(test_wordnet_index),
        cmocka_unit_test(test_wordnet_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
