#include "support/support.h"

#include "mining/corpus/text/labels.h"

#include <stdlib.h>
#include <string.h>

static const nb_log silent = {0};

static const char *label_file(const char *text, size_t len)
{
    nb_error err = {0};
    const char *path = scratch_path("labels.txt");
    must(nb_file_write(path, true, text, len, &err), &err);
    return path;
}

#define LABELS(text) label_file(text, sizeof(text) - 1)

static void refused(const char *path, const char *word)
{
    nb_error err = {0};
    nb_strings labels;
    must_fail(nb_labels_read(&labels, path, &silent, &err), NB_ERR_INPUT, &err, word);
    assert_null(labels.bytes);
    assert_int_equal(labels.count, 0);
}

static void test_reads_in_order(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings labels;
    must(nb_labels_read(&labels, LABELS("\xEF\xBB\xBF  tabby  cat \r\nGolden_retriever\ncafe\xCC\x81\nAiredale"),
                        &silent, &err),
         &err);
    assert_int_equal(labels.count, 4);
    assert_string_equal(nb_strings_get(&labels, 0), "tabby cat");
    assert_string_equal(nb_strings_get(&labels, 1), "Golden_retriever");
    assert_string_equal(nb_strings_get(&labels, 2), "caf\xC3\xA9");
    assert_string_equal(nb_strings_get(&labels, 3), "Airedale");
    nb_strings_free(&labels);
    must(nb_labels_read(&labels, LABELS("one\n"), &silent, &err), &err);
    assert_int_equal(labels.count, 1);
    nb_strings_free(&labels);
    must(nb_labels_read(&labels, LABELS("_\n__\n"), &silent, &err), &err);
    assert_int_equal(labels.count, 2);
    nb_strings_free(&labels);
}

static void test_refuses_blank_lines(void **state)
{
    (void)state;
    refused(LABELS("a\n\nb\n"), "line 2 is blank");
    refused(LABELS("a\nb\n\n"), "line 3 is blank");
    refused(LABELS("a\n \t\xC2\xA0\r\nb"), "line 2 is blank");
    refused(LABELS("\n"), "line 1 is blank");
    refused(LABELS("\xEF\xBB\xBF\na\n"), "line 1 is blank");
    refused(LABELS(""), "holds no labels");
}

/* What reading warns of. */
static void warned(const char *path, const char *word, size_t count)
{
    nb_error err = {0};
    nb_strings labels;
    char said[1024] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    const nb_log log = {.out = out, .command = "test"};
    must(nb_labels_read(&labels, path, &log, &err), &err);
    assert_int_equal(labels.count, count);
    rewind(out);
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    fclose(out);
    if (word ? !strstr(said, word) : *said != 0) {
        fail_msg("'%s' instead of '%s'", said, word ? word : "");
    }
    nb_strings_free(&labels);
}

static void test_warns_of_doubles_and_keeps_them(void **state)
{
    (void)state;
    warned(LABELS("crane\nheron\nCrane\n"), "line 3 'Crane' is line 1", 3);
    warned(LABELS("a\nyellow_jacket\nb\nYellow  jacket\n"), "line 4 'Yellow jacket' is line 2", 4);
    warned(LABELS("caf\xC3\xA9\nCAFE\xCC\x81\n"), "line 2", 2);
    warned(LABELS("Stra\303\237e\nx\nSTRASSE\n"), "line 3", 3);
    warned(LABELS("\xCE\xA3\xCE\xA3\n\xCF\x83\xCF\x82\n"), "line 2", 2);
    warned(LABELS("cat\nc\xC2\xAD"
                  "at\n"),
           "line 2 'cat' is line 1", 2);
    warned(LABELS("sunglasses\nmissile\nmissile\nsunglasses\n"),
           "2 labels have the name of one before them, each line stays a class of its own: line 3 'missile' is line 2, "
           "line 4 'sunglasses' is line 1\n",
           4);
    warned(LABELS("a\na\na\na\na\na\n"), "5 labels", 6);
    warned(LABELS("crane\nheron\n"), NULL, 2);
}

static void test_refuses_other_forms(void **state)
{
    (void)state;
    refused(LABELS("cat\n# pets\ndog\n"), "line 2 is a comment");
    refused(LABELS("[\"cat\", \"dog\"]\n"), "line 1 begins JSON");
    refused(LABELS("{\n\"0\": \"cat\"\n}\n"), "line 1 begins JSON");
    refused(LABELS("0 cat\n1 dog\n"), "line 1 has a number beside its name");
    refused(LABELS("1\tcat\n2\tdog\n"), "line 1 has a number beside its name");
    refused(LABELS("0: cat\r\n1: dog\r\n"), "line 1 has a number beside its name");
    refused(LABELS("00,cat\n01,dog\n"), "line 1 has a number beside its name");
    refused(LABELS("red cat,0\ndog,1\n"), "line 1 has a number beside its name");
    refused(LABELS("n01440764 tench\nn01443537 goldfish\n"), "WordNet number");
    warned(LABELS("7 up\ncola\n"), NULL, 2);
    refused(LABELS("id,name\n0,cat\n5,dog\n"), "line 1 has a number beside its name");
    refused(LABELS("1. cat\n2. dog\n"), "line 1 has a number beside its name");
    refused(LABELS("0 cat\n2 dog\n"), "line 1 has a number beside its name");
    refused(LABELS("cat = 0\ndog = 1\n"), "line 1 has a number beside its name");
    refused(LABELS("names:\n  0: cat\n  1: dog\n"), "line 1 has a number beside its name");
    refused(LABELS("wnid name\nn01440764 tench\nn01443537 goldfish\n"), "WordNet number");
    refused(LABELS("cat\ndog\tCanis\n"), "line 2 holds a tab");
    refused(LABELS("'cat',\n'dog'\n"), "stands in quotes");
    refused(LABELS("classes = ['cat',\n 'dog',\n 'cow',\n]\n"), "line 4 begins JSON");
    refused(LABELS("cat,\ndog,\ncow\n"), "is the element of a list");
    refused(LABELS("- cat\n- dog\n"), "is the element of a list");
    refused(LABELS("item {\n name: 'cat'\n}\n"), "line 3 begins JSON");
    refused(LABELS("// pets\ncat\n"), "line 1 is a comment");
    warned(LABELS("0\n1\n2\n"), "are numbers, not names, as '0'", 3);
    warned(LABELS("n01440764\nn01443537\n"), "are WordNet numbers", 2);
    warned(LABELS("001.Ovenbird\n002.Mallard\n"), "begin with numbers", 2);
    warned(LABELS("tench, Tinca tinca\ngoldfish\n"), NULL, 2);
    warned(LABELS("7 eleven\n3 wheeler\n"), NULL, 2);
    warned(LABELS("2012 Model S\n2007 Z4\n"), NULL, 2);
    warned(LABELS("cat\t\ndog \n"), NULL, 2);
    warned(LABELS("Boeing 737\nBoeing 747\n"), NULL, 2);
    warned(LABELS("1 man band\n"), NULL, 1);
    warned(LABELS("0 known\n"), NULL, 1);
    warned(LABELS("route 0\nroute 1\n"), "count up from 0", 2);
    warned(LABELS("route 1\nroute 0\n"), NULL, 2);
    warned(LABELS("c#\nn1 road\n"), NULL, 2);
}

static void test_refuses_bytes_that_are_no_text(void **state)
{
    (void)state;
    refused(LABELS("a\nb\xFFg\n"), "line 2");
    refused(LABELS("a\nb\0c\n"), "line 2");
    refused(LABELS("a\nb\x07\n"), "line 2 is no text: control");
    refused(LABELS("a\rb\rc\r"), "carriage returns alone");
    refused(LABELS("a\nb\rc\n"), "line 2 holds a carriage return");
    refused(LABELS("<!DOCTYPE html>\n"), "an HTML or XML page, not lines of text");
    refused(LABELS("version https://git-lfs.github.com/spec/v1\noid\n"), "a Git LFS pointer");
    refused(LABELS("\xFF\xFE"
                   "a\0\n\0"),
            "UTF-16 text, which is not read");
    refused(LABELS("\x1F\x8B\x08\0\0"), "is compressed, not lines of text");
    refused(LABELS("PAR1\x15\0"), "a Parquet file");
    refused(absent_path("labels.txt"), "absent/labels.txt");
    refused(scratch_path("."), "directory");
}

static void test_refuses_long_labels(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings labels;
    char *text = nb_alloc(NB_LABEL_LINE_MAX + 8, 1, &err);
    assert_non_null(text);
    memset(text, 'x', NB_LABEL_LINE_MAX + 8);
    must(nb_labels_read(&labels, label_file(text, NB_LABEL_BYTES_MAX), &silent, &err), &err);
    nb_strings_free(&labels);
    refused(label_file(text, NB_LABEL_BYTES_MAX + 1), "line 1: the label has more than 1024 bytes");
    refused(label_file(text, NB_LABEL_LINE_MAX + 1), "line 1");
    free(text);
}

static void test_reads_real_labels(void **state)
{
    (void)state;
    need_shared("data/real-clip-vit-b-32");
    nb_error err = {0};
    nb_strings labels;
    must(nb_labels_read(&labels, shared_path("data/real-clip-vit-b-32/id_labels.txt"), &silent, &err), &err);
    assert_int_equal(labels.count, 24);
    nb_strings_free(&labels);
}

/* Texts that are labels but for case, white space and underscores. */
static void test_match(void **state)
{
    (void)state;
    static const char *const words[] = {"Egyptian cat", "stra\xc3\x9f"
                                                        "e"};
    static const char *const candidates[] = {"egyptian_cat",
                                             "Egyptian  Cat",
                                             "cat",
                                             "STRASSE",
                                             "egyptian cats",
                                             "",
                                             "egyp\xC2\xAD"
                                             "tian \xE2\x80\x8B"
                                             "cat\xEF\xBB\xBF"};
    static const uint8_t want[] = {1, 1, 0, 1, 0, 0, 1};
    nb_error err = {0};
    nb_strings labels = {0}, texts = {0};
    uint8_t matched[7] = {0};
    for (size_t i = 0; i < 2; i++) {
        must(nb_strings_push(&labels, words[i], strlen(words[i]), &err), &err);
    }
    for (size_t i = 0; i < 7; i++) {
        must(nb_strings_push(&texts, candidates[i], strlen(candidates[i]), &err), &err);
    }
    nb_matcher matcher;
    must(nb_matcher_open(&matcher, &labels, &err), &err);
    for (size_t i = 0; i < 7; i++) {
        matched[i] = nb_matcher_has(&matcher, nb_strings_get(&texts, i), nb_strings_len(&texts, i));
    }
    nb_matcher_close(&matcher);
    assert_memory_equal(matched, want, sizeof want);
    nb_strings_free(&labels);
    nb_strings_free(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_in_order),
        cmocka_unit_test(test_refuses_blank_lines),
        cmocka_unit_test(test_warns_of_doubles_and_keeps_them),
        cmocka_unit_test(test_refuses_other_forms),
        cmocka_unit_test(test_refuses_bytes_that_are_no_text),
        cmocka_unit_test(test_refuses_long_labels),
        cmocka_unit_test(test_reads_real_labels),
        cmocka_unit_test(test_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
