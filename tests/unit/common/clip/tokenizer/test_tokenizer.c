/* The CLIP tokenizer: reference ids, the rules of cleaning one by one, damaged vocabularies, enormous words. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/clip/tokenizer/byte_pairs.h"
#include "common/clip/tokenizer/text_clean.h"
#include "common/clip/tokenizer/tokenizer.h"
#include "common/clip/tokenizer/tokenizer_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- reference ids ---- */

enum { CASES = 893 }; /* in golden/tokenizer/cases.jsonl */

static size_t check_line(const nb_tokenizer *t, const char *line, size_t len, size_t context)
{
    nb_error err = {0};
    int32_t ids[128];
    size_t count, wrong = 0;
    json_t *row = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
    assert_non_null(row);
    const json_t *text = json_object_get(row, "text"), *want = json_object_get(row, "ids");
    must(nb_tokenizer_encode(t, json_string_value(text), json_string_length(text), (nb_token_array){ids, context},
                             &count, &err),
         &err);
    wrong = count != json_array_size(want);
    for (size_t i = 0; !wrong && i < count; i++) {
        wrong = ids[i] != json_integer_value(json_array_get(want, i));
    }
    if (wrong) {
        print_message("wrong ids: %.*s\n", (int)len, line);
    }
    json_decref(row);
    return wrong;
}

static void check_file(const char *model, const char *cases, size_t context, size_t want_lines)
{
    nb_error err = {0};
    nb_tokenizer *t;
    char *data;
    size_t len, lines = 0, wrong = 0;
    must(nb_tokenizer_open(&t, model, &err), &err);
    must(nb_file_read(cases, (size_t)1 << 24, &data, &len, &err), &err);
    for (char *line = data, *end; (end = memchr(line, '\n', len - (size_t)(line - data))); line = end + 1) {
        wrong += check_line(t, line, (size_t)(end - line), context);
        lines++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(lines, want_lines);
    free(data);
    nb_tokenizer_close(t);
}

static void reference_ids(void **state)
{
    (void)state;
    check_file(golden_path("tiny-quickgelu"), golden_path("tiny-quickgelu/texts.jsonl"), 77, 96);
    check_file(golden_path("tiny-gelu"), golden_path("tiny-gelu/texts.jsonl"), 32, 96);
}

static void reference_ids_of_the_real_vocabulary(void **state)
{
    (void)state;
    need_shared("data/clip-bpe");
    check_file(shared_path("data/clip-bpe"), golden_path("tokenizer/cases.jsonl"), 77, CASES);
}

/* How texts are cleaned and cut into words does not depend on the vocabulary: decoded, the tokens of a small one give
 * the words that the real one gave the authors' code. Of a text that was cut there, its beginning. */
static void check_words(const char *model)
{
    enum { CONTEXT = 4096 };
    nb_error err = {0};
    nb_tokenizer *t;
    nb_strings lines = {0};
    nb_buffer got = {0};
    int32_t *ids = calloc(CONTEXT, sizeof *ids);
    must(nb_tokenizer_open(&t, model, &err), &err);
    must(nb_file_lines(golden_path("tokenizer/cases.jsonl"), 1 << 16, &lines, &err), &err);
    assert_int_equal(lines.count, CASES);
    for (size_t i = 0; i < lines.count; i++) {
        json_t *row = json_loads(nb_strings_get(&lines, i), JSON_ALLOW_NUL, NULL);
        const json_t *text = json_object_get(row, "text"), *words = json_object_get(row, "words");
        size_t count, want = json_string_length(words);
        bool whole = json_array_size(json_object_get(row, "ids")) < 77;
        assert_non_null(json_string_value(words));
        must(nb_tokenizer_encode(t, json_string_value(text), json_string_length(text), (nb_token_array){ids, CONTEXT},
                                 &count, &err),
             &err);
        got.len = 0;
        must(nb_tokenizer_decode(t, ids, count, &got, &err), &err);
        if (got.len < want || (whole && got.len > want) ||
            (want && memcmp(got.data, json_string_value(words), want) != 0)) {
            fail_msg("other words: %s", nb_strings_get(&lines, i));
        }
        json_decref(row);
    }
    nb_buffer_free(&got);
    nb_strings_free(&lines);
    nb_tokenizer_close(t);
    free(ids);
}

static void reference_words(void **state)
{
    (void)state;
    check_words(golden_path("tiny-quickgelu"));
    check_words(golden_path("tiny-gelu"));
}

/* ---- cleaning ---- */

static void cleaning_follows_python(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {" \t\r\n", ""},
        {"  Two\t \n words ", "two words"},
        {"\xC2\x85\xC2\xA0"
         "a\xE3\x80\x80\xE2\x80\xA8"
         "b\xE1\x9A\x80",
         "a b"},
        {"\xE2\x80\x8B"
         "a\xE1\xA0\x8E",
         "\xE2\x80\x8B"
         "a\xE1\xA0\x8E"}, /* U+200B and U+180E are no blanks */
        {"\x1C"
         "a\x1D"
         "b\x1F",
         "a\x1D"
         "b"},                                                                   /* stripped, not collapsed */
        {"&amp;lt;b&amp;gt;", "<b>"},                                            /* replaced twice, */
        {"&amp;amp;lt;", "&lt;"},                                                /* not three times */
        {"&notit; &notin; &NotARef; &", "\xC2\xACit; \xE2\x88\x89 &notaref; &"}, /* the longest name */
        {"&ampamp", "&"},
        {"&nGt;|&bne;", "\xE2\x89\xAB\xE2\x83\x92|=\xE2\x83\xA5"}, /* two code points */
        {"&CounterClockwiseContourIntegral;", "\xE2\x88\xB3"},
        {"&CounterClockwiseContourIntegral", "&counterclockwisecontourintegral"},
        {"&#65;&#x42;&#X43&#068;&#x;&#;&#", "abcd&#x;&#;&#"},
        {"&#x80;&#150;&#x81;.", "\xE2\x82\xAC\xE2\x80\x93\xC2\x81."},
        {"a&#0;&#xD800;&#x110000;&#99999999999999999999;", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a&#1;&#xB;&#x7F;&#xFDD0;&#x1FFFF;b&#13;c", "ab c"},
        {"\xC4\xB0\xC8\xBA", "i\xCC\x87\xE2\xB1\xA5"}, /* grow */
        {"\xE2\x84\xAA\xC5\xBF\xC7\x85", "k\xC5\xBF\xC7\x86"},
        {"\xCE\xA3 \xCE\xA3\xCE\xA3 A\xCE\xA3", "\xCF\x83 \xCF\x83\xCF\x82 a\xCF\x82"},
        {"A.\xCE\xA3.b A\xCC\x81'\xCE\xA3\xCC\x81 1\xCE\xA3", "a.\xCF\x83.b a\xCC\x81'\xCF\x82\xCC\x81 1\xCF\x83"},
        {"\xE2\x85\xA0\xCE\xA3 \xCB\xB0\xCE\xA3 \xC2\xAA\xCE\xA3-",
         "\xE2\x85\xB0\xCF\x82 \xCB\xB0\xCF\x83 \xC2\xAA\xCF\x82-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nb_error err = {0};
        char *clean;
        size_t len;
        must(nb_text_clean(&clean, &len, rows[i].text, strlen(rows[i].text), &err), &err);
        assert_string_equal(clean, rows[i].want);
        assert_int_equal(len, strlen(rows[i].want));
        free(clean);
    }
}

static void classes_of_code_points(void **state)
{
    (void)state;
    size_t counts[5] = {0};
    for (int32_t c = 0; c <= 0x10FFFF; c++) {
        counts[nb_text_classify(c)]++;
    }
    assert_int_equal(counts[NB_TEXT_SPACE], 25);
    assert_int_equal(counts[NB_TEXT_NOTHING], 1);
    assert_int_equal(nb_text_classify(0x0345), NB_TEXT_NOTHING);
    assert_int_equal(nb_text_classify(0xB2), NB_TEXT_NUMBER);
    assert_int_equal(nb_text_classify(0x02B0), NB_TEXT_LETTER);
    assert_int_equal(nb_text_classify(0x24B6), NB_TEXT_OTHER);
    assert_int_equal(nb_text_classify(0x1C), NB_TEXT_OTHER);
}

/* ---- a small model of our own ---- */

typedef struct model {
    json_t *vocab;
    const char *merges;
} model;

static void byte_symbol(int byte, char out[8], const char *behind)
{
    int rank = 0, code = byte;
    for (int b = 0; b <= byte; b++) {
        bool prints = (b > 32 && b < 127) || (b > 160 && b != 173);
        code = prints ? b : 0x100 + rank;
        rank += !prints;
    }
    int len =
        code < 0x80 ? snprintf(out, 8, "%c", code) : snprintf(out, 8, "%c%c", 0xC0 | code >> 6, 0x80 | (code & 63));
    snprintf(out + len, 8 - (size_t)len, "%s", behind);
}

static void add_token(model *m, const char *token)
{
    json_object_set_new(m->vocab, token, json_integer((json_int_t)json_object_size(m->vocab)));
}

/* 519 tokens: bytes 0 to 511, ab 512, abc</w> 513, th 514, the</w> 515, ' s</w> 516, start 517, end 518. */
static model new_model(void)
{
    model m = {.vocab = json_object(), .merges = "#version: 0.2\na b\nab c</w>\nt h\nth e</w>\n' s</w>\n"};
    char symbol[8];
    for (int i = 0; i < 512; i++) {
        byte_symbol(i % 256, symbol, i < 256 ? "" : "</w>");
        add_token(&m, symbol);
    }
    static const char *const more[] = {"ab", "abc</w>", "th", "the</w>", "'s</w>", "<|startoftext|>", "<|endoftext|>"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        add_token(&m, more[i]);
    }
    return m;
}

static nb_status open_model(nb_tokenizer **t, const model *m, nb_error *err)
{
    char *json = json_dumps(m->vocab, 0);
    nb_status status = nb_tokenizer_open_memory(
        t, &(nb_tokenizer_texts){json, strlen(json), m->merges, strlen(m->merges)}, "folder", err);
    free(json);
    return status;
}

static nb_tokenizer *small_tokenizer(void)
{
    nb_error err = {0};
    nb_tokenizer *t;
    model m = new_model();
    must(open_model(&t, &m, &err), &err);
    json_decref(m.vocab);
    return t;
}

static void expect_ids(const nb_tokenizer *t, const char *text, size_t context, const int32_t *want, size_t want_count)
{
    nb_error err = {0};
    int32_t ids[64];
    size_t count;
    must(nb_tokenizer_encode(t, text, strlen(text), (nb_token_array){ids, context}, &count, &err), &err);
    assert_int_equal(count, want_count);
    assert_memory_equal(ids, want, want_count * sizeof *ids);
}

#define EXPECT(t, text, context, ...)                                                                                  \
    expect_ids(t, text, context, (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void words_and_context(void **state)
{
    (void)state;
    enum { S = 517, E = 518, W = 256 };
    nb_tokenizer *t = small_tokenizer();
    assert_int_equal(nb_tokenizer_vocab_size(t), 519);
    assert_int_equal(nb_tokenizer_start(t), S);
    assert_int_equal(nb_tokenizer_end(t), E);
    EXPECT(t, "", 32, S, E);
    EXPECT(t, "ABC", 32, S, 513, E);
    EXPECT(t, "the abab", 32, S, 515, 512, 'a', W + 'b', E);
    EXPECT(t, "x's 'sx", 32, S, W + 'x', 516, 516, W + 'x', E);
    EXPECT(t, "x'\xC5\xBF", 32, S, W + 'x', '\'', 0xC5, W + 0xBF, E);
    EXPECT(t, "!'s", 32, S, '!', W + '\'', W + 's', E);
    EXPECT(t, "12", 32, S, W + '1', W + '2', E);
    EXPECT(t, "a<|ENDOFTEXT|>b<|startoftext|>", 32, S, W + 'a', E, W + 'b', S, E);
    EXPECT(t, "!<|endoftext|>", 32, S, '!', '<', W + '|', 'e', 'n', 'd', 'o', 'f', 't', 'e', 'x', W + 't', '|', W + '>',
           E);
    EXPECT(t, "!\xCD\x85!", 32, S, W + '!', W + '!', E); /* U+0345 parts words and is dropped */
    EXPECT(t, "1 2 3", 5, S, W + '1', W + '2', W + '3', E);
    EXPECT(t, "1 2 3", 4, S, W + '1', W + '2', E);
    EXPECT(t, "xyz", 3, S, 'x', E);
    EXPECT(t, "xyz", 2, S, E);
    nb_tokenizer_close(t);
}

static void refused_texts(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_tokenizer *t = small_tokenizer();
    int32_t ids[8];
    size_t count;
    must_fail(nb_tokenizer_encode(t, "a\xFF", 2, (nb_token_array){ids, 8}, &count, &err), NB_ERR_INPUT, &err, "UTF-8");
    must_fail(nb_tokenizer_encode(t, "\xED\xA0\x80", 3, (nb_token_array){ids, 8}, &count, &err), NB_ERR_INPUT, &err,
              "UTF-8");
    must_fail(nb_tokenizer_encode(t, "a", 1, (nb_token_array){ids, 1}, &count, &err), NB_ERR_USAGE, &err,
              "context of 1");
    must_fail(nb_tokenizer_encode(t, "a", NB_TOKENIZER_TEXT_MAX + 1, (nb_token_array){ids, 8}, &count, &err),
              NB_ERR_LIMIT, &err, "over");
    must(nb_tokenizer_encode(t, "\0", 1, (nb_token_array){ids, 8}, &count, &err), &err);
    assert_int_equal(count, 3);
    nb_tokenizer_close(t);
}

/* ---- damaged files ---- */

static void refuse_model(model *m, const char *word)
{
    nb_error err = {0};
    nb_tokenizer *t = (nb_tokenizer *)&err;
    must_fail(open_model(&t, m, &err), NB_ERR_INPUT, &err, word);
    assert_null(t);
    json_decref(m->vocab);
}

static void refuse_id(json_t *id, const char *word)
{
    model m = new_model();
    json_object_set_new(m.vocab, "ab", id);
    refuse_model(&m, word);
}

static void refuse_without(const char *token, const char *word)
{
    model m = new_model();
    json_t *last = json_object_get(m.vocab, "<|endoftext|>");
    json_int_t id = json_integer_value(json_object_get(m.vocab, token));
    json_integer_set(last, id); /* so that the ids stay without a gap */
    json_object_del(m.vocab, token);
    refuse_model(&m, word);
}

static void refuse_merges(const char *merges, const char *word)
{
    model m = new_model();
    m.merges = merges;
    refuse_model(&m, word);
}

static void damaged_vocabularies(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "{", "[]", "{}", "7", "{\"a\": 0, \"a\": 1}", "{\"a\": 0} x", "{\"\xFF\": 0}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        nb_error err = {0};
        nb_tokenizer *t;
        must_fail(
            nb_tokenizer_open_memory(&t, &(nb_tokenizer_texts){broken[i], strlen(broken[i]), "", 0}, "folder", &err),
            NB_ERR_INPUT, &err, "folder/vocab.json: ");
    }
    refuse_id(json_integer(3), "share the id 3");
    refuse_id(json_integer(-1), "\"ab\" is no integer in [0, 519)");
    refuse_id(json_integer(519), "\"ab\" is no integer in [0, 519)");
    refuse_id(json_string("512"), "\"ab\" is no integer");
    refuse_id(json_real(512), "\"ab\" is no integer");
    refuse_without("A", "byte 0x41, \"A\", is missing");
    refuse_without("A</w>", "byte 0x41, \"A</w>\", is missing");
    refuse_without("\xC4\xA0", "byte 0x20");
    refuse_without("<|startoftext|>", "\"<|startoftext|>\" is missing");
    model m = new_model();
    json_object_set_new(m.vocab, "end", json_integer(518));
    json_object_del(m.vocab, "<|endoftext|>");
    refuse_model(&m, "\"<|endoftext|>\" is missing");
}

static void damaged_merges(void **state)
{
    (void)state;
    refuse_merges("", "after 0 lines no merge makes the token \"ab\" (id 512)");
    refuse_merges("a b\nab c</w>\nt h\nth e</w>\n' s</w>\n", "merges.txt:1: expected a line with #version");
    refuse_merges("#version: 0.2\na b\nab c</w>\nt h\n", "no merge makes the token \"the</w>\" (id 515)");
    refuse_merges("#version: 0.2\na b\nab\n", "merges.txt:3: expected two symbols");
    refuse_merges("#version: 0.2\na b\n ab\n", "merges.txt:3: expected two symbols");
    refuse_merges("#version: 0.2\na b\nab \n", "merges.txt:3: expected two symbols");
    refuse_merges("#version: 0.2\na b c\n", "merges.txt:2: expected two symbols");
    refuse_merges("#version: 0.2\na  b\n", "merges.txt:2: expected two symbols");
    refuse_merges("#version: 0.2\na b\nzz h\n", "merges.txt:3: \"zz h\": the left symbol is not in vocab.json");
    refuse_merges("#version: 0.2\na b\nt zz\n", "merges.txt:3: \"t zz\": the right symbol is not in vocab.json");
    refuse_merges("#version: 0.2\na b\nt t\n", "merges.txt:3: \"t t\": the merged symbol is not in vocab.json");
    refuse_merges("#version: 0.2\na b\na b\n", "merges.txt:3: the token \"ab\" was there before");
    nb_error err = {0};
    nb_tokenizer *t;
    must_fail(nb_tokenizer_open(&t, scratch_path("absent"), &err), NB_ERR_INPUT, &err, "vocab.json");
}

static void tolerated_merges(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "#version: 0.2\r\na b\r\nab c</w>\r\nt h\r\n\r\nth e</w>\r\n' s</w>", /* line ends, a blank line, no last end */
        "\"file#version: 0.2\na b\nab c</w>\nt h\nth e</w>\n' s</w>\nx y\nmore of OpenAI's file\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nb_error err = {0};
        nb_tokenizer *t;
        model m = new_model();
        m.merges = rows[i];
        must(open_model(&t, &m, &err), &err);
        EXPECT(t, "abc the's", 32, 517, 513, 515, 516, 518);
        json_decref(m.vocab);
        nb_tokenizer_close(t);
    }
}

/* ---- merging ---- */

/* The definition, literally. */
static size_t merge_plainly(const nb_byte_pairs *p, int32_t *ids, size_t n)
{
    for (size_t rank = 0; rank < p->count;) {
        size_t kept = 0, merged = 0;
        nb_byte_pair m = p->merges[rank];
        for (size_t i = 0; i < n; i++, kept++) {
            bool hit = i + 1 < n && ids[i] == m.left && ids[i + 1] == m.right;
            ids[kept] = hit ? m.id : ids[i];
            i += hit;
            merged += hit;
        }
        n = kept;
        rank = merged ? 0 : rank + 1; /* what was made may belong to a more important pair */
    }
    return n;
}

static void merging_follows_its_definition(void **state)
{
    (void)state;
    /* Symbols 0 to 3 are given, the others made; twins, and a merge that outranks the one making its part. */
    static const nb_byte_pair pairs[] = {{6, 1, 4},  {0, 0, 5},  {0, 1, 6},  {5, 5, 7},   {2, 1, 8},  {7, 7, 9},
                                         {8, 8, 10}, {3, 3, 11}, {1, 2, 12}, {11, 3, 13}, {9, 0, 14}, {4, 10, 15}};
    nb_error err = {0};
    nb_byte_pairs p;
    nb_byte_pair *copy = malloc(sizeof pairs);
    assert_non_null(copy);
    memcpy(copy, pairs, sizeof pairs);
    must(nb_byte_pairs_build(&p, copy, sizeof pairs / sizeof *pairs, &err), &err);
    for (uint64_t round = 0; round < 2000; round++) {
        int32_t got[700], want[700];
        size_t n = (size_t)nb_random_below(1, round, 0, round % 2 ? 700 : 20), got_count = n;
        uint64_t kinds = 1 + round % 4;
        for (size_t i = 0; i < n; i++) {
            got[i] = want[i] = (int32_t)nb_random_below(1, round, i + 1, kinds);
        }
        must(nb_byte_pairs_merge(&p, got, &got_count, &err), &err);
        assert_int_equal(got_count, merge_plainly(&p, want, n));
        assert_memory_equal(got, want, got_count * sizeof *got);
    }
    nb_byte_pairs_free(&p);
}

static void check_enormous_words(const char *folder)
{
    static const char *const units[] = {"a", "\xCE\xA3", "!", "abcdefghijklmnopqrstuvwxyzinthe", "&nGt;"};
    enum { BYTES = NB_SANITIZED ? 1000000 : 10000000, CONTEXT = 77 };
    nb_error err = {0};
    nb_tokenizer *t;
    must(nb_tokenizer_open(&t, folder, &err), &err);
    char *text = malloc(BYTES);
    assert_non_null(text);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t unit = strlen(units[u]), len = BYTES / unit * unit, count;
        for (size_t i = 0; i < len; i++) {
            text[i] = units[u][i % unit];
        }
        int32_t ids[CONTEXT];
        clock_t start = clock();
        must(nb_tokenizer_encode(t, text, len, (nb_token_array){ids, CONTEXT}, &count, &err), &err);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        print_message("%d MB of \"%s\": %.2f s\n", BYTES / 1000000, units[u], seconds);
        assert_int_equal(count, CONTEXT);
        assert_int_equal(ids[CONTEXT - 1], nb_tokenizer_end(t));
        assert_true(seconds < 60);
    }
    free(text);
    nb_tokenizer_close(t);
}

static void enormous_words(void **state)
{
    (void)state;
    check_enormous_words(golden_path("tiny-quickgelu"));
}

/* Whose longest tokens are longer. */
static void enormous_words_in_the_real_vocabulary(void **state)
{
    (void)state;
    need_shared("data/clip-bpe");
    check_enormous_words(shared_path("data/clip-bpe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_ids),
        cmocka_unit_test(reference_ids_of_the_real_vocabulary),
        cmocka_unit_test(reference_words),
        cmocka_unit_test(cleaning_follows_python),
        cmocka_unit_test(classes_of_code_points),
        cmocka_unit_test(words_and_context),
        cmocka_unit_test(refused_texts),
        cmocka_unit_test(damaged_vocabularies),
        cmocka_unit_test(damaged_merges),
        cmocka_unit_test(tolerated_merges),
        cmocka_unit_test(merging_follows_its_definition),
        cmocka_unit_test(enormous_words),
        cmocka_unit_test(enormous_words_in_the_real_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
