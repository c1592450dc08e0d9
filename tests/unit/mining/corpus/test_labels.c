#include "support/support.h"

#include "mining/corpus/text/labels.h"

#include <stdlib.h>
#include <string.h>

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
    must_fail(nb_labels_read(&labels, path, &err), NB_ERR_INPUT, &err, word);
    assert_null(labels.bytes);
    assert_int_equal(labels.count, 0);
}

static void test_reads_in_order(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings labels;
    must(nb_labels_read(&labels, LABELS("\xEF\xBB\xBF  tabby  cat \r\nGolden_retriever\ncafe\xCC\x81\nAiredale"), &err),
         &err);
    assert_int_equal(labels.count, 4);
    assert_string_equal(nb_strings_get(&labels, 0), "tabby cat");
    assert_string_equal(nb_strings_get(&labels, 1), "Golden_retriever");
    assert_string_equal(nb_strings_get(&labels, 2), "caf\xC3\xA9");
    assert_string_equal(nb_strings_get(&labels, 3), "Airedale");
    nb_strings_free(&labels);
    must(nb_labels_read(&labels, LABELS("one\n"), &err), &err);
    assert_int_equal(labels.count, 1);
    nb_strings_free(&labels);
    must(nb_labels_read(&labels, LABELS("_\n__\n"), &err), &err);
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

static void test_refuses_duplicates_naming_both_lines(void **state)
{
    (void)state;
    refused(LABELS("crane\nheron\nCrane\n"), "line 3: label 'Crane' is already on line 1");
    refused(LABELS("a\nyellow_jacket\nb\nYellow  jacket\n"), "line 4: label 'Yellow jacket' is already on line 2");
    refused(LABELS("caf\xC3\xA9\nCAFE\xCC\x81\n"), "line 2");
    refused(LABELS("Stra\303\237e\nx\nSTRASSE\n"), "line 3");
    refused(LABELS("\xCE\xA3\xCE\xA3\n\xCF\x83\xCF\x82\n"), "line 2");
}

static void test_refuses_bytes_that_are_no_text(void **state)
{
    (void)state;
    refused(LABELS("a\nb\xFFg\n"), "line 2");
    refused(LABELS("a\nb\0c\n"), "line 2");
    refused(LABELS("a\nb\x07\n"), "line 2 is no text: control");
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
    must(nb_labels_read(&labels, label_file(text, NB_LABEL_BYTES_MAX), &err), &err);
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
    must(nb_labels_read(&labels, shared_path("data/real-clip-vit-b-32/id_labels.txt"), &err), &err);
    assert_int_equal(labels.count, 24);
    nb_strings_free(&labels);
}

/* Texts that are labels but for case, white space and underscores. */
static void test_match(void **state)
{
    (void)state;
    static const char *const words[] = {"Egyptian cat", "stra\xc3\x9f"
                                                        "e"};
    static const char *const candidates[] = {"egyptian_cat", "Egyptian  Cat", "cat", "STRASSE", "egyptian cats", ""};
    static const uint8_t want[] = {1, 1, 0, 1, 0, 0};
    nb_error err = {0};
    nb_strings labels = {0}, texts = {0};
    uint8_t matched[6] = {0};
    for (size_t i = 0; i < 2; i++) {
        must(nb_strings_push(&labels, words[i], strlen(words[i]), &err), &err);
    }
    for (size_t i = 0; i < 6; i++) {
        must(nb_strings_push(&texts, candidates[i], strlen(candidates[i]), &err), &err);
    }
    nb_matcher matcher;
    must(nb_matcher_open(&matcher, &labels, &err), &err);
    for (size_t i = 0; i < 6; i++) {
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
        cmocka_unit_test(test_refuses_duplicates_naming_both_lines),
        cmocka_unit_test(test_refuses_bytes_that_are_no_text),
        cmocka_unit_test(test_refuses_long_labels),
        cmocka_unit_test(test_reads_real_labels),
        cmocka_unit_test(test_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
