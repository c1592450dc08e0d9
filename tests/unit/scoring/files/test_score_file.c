#include "support/support.h"

#include "scoring/files/score_file.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "image\tlabel\tclass\tscore\tood_score\n"

static nb_status parse(nb_scores *out, const char *text, nb_error *err)
{
    return nb_scores_parse(out, "s.tsv", text, strlen(text), err);
}

/* The text must be refused as bad input in words that contain `word`. */
static void refused(const char *text, const char *word)
{
    nb_error err = {0};
    nb_scores s;
    must_fail(parse(&s, text, &err), NB_ERR_INPUT, &err, word);
    must_fail(NB_ERR_INPUT, NB_ERR_INPUT, &err, "s.tsv");
    assert_null(s.labels);
    assert_int_equal(s.count, 0);
}

static void reads_columns_by_name(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scores s;
    must(parse(&s,
               "# one\r\n#two\n#  three\n#\nnote\tscore\tclass\tood_score\timage\tlabel\r\n"
               "x\t0.25\t7\t0.75\ta b/\\\\1.jpg\t-1\r\n\t1\t0\t1e-300\t#2\\t\\n\\r\t2147483647",
               &err),
         &err);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.comments.count, 4);
    assert_string_equal(nb_strings_get(&s.comments, 0), "one");
    assert_string_equal(nb_strings_get(&s.comments, 1), "two");
    assert_string_equal(nb_strings_get(&s.comments, 2), " three");
    assert_string_equal(nb_strings_get(&s.comments, 3), "");
    assert_string_equal(nb_strings_get(&s.images, 0), "a b/\\1.jpg");
    assert_string_equal(nb_strings_get(&s.images, 1), "#2\t\n\r");
    assert_true(s.labels[0] == -1 && s.labels[1] == INT32_MAX && s.classes[0] == 7 && s.classes[1] == 0);
    assert_true(s.score[0] == 0.25 && s.score[1] == 1 && s.ood_score[0] == 0.75 && s.ood_score[1] == 1e-300);
    nb_scores_free(&s);
    nb_scores_free(NULL);
}

static void refuses_bad_headers(void **state)
{
    (void)state;
    refused("", "no header");
    refused("# only\n# comments\n", "no header");
    refused("\n" HEADER, "no column 'image'");
    refused("image\tlabel\tclass\tscore\na\t0\t0\t1\n", "no column 'ood_score'");
    refused("image label class score ood_score\n", "line 1");
    refused("image\tlabel\tclass\tscore\tood_score\tscore\n", "twice");
    refused(HEADER, "no rows");
    refused("# c\n" HEADER, "no rows");
}

static void refuses_bad_rows(void **state)
{
    (void)state;
    refused(HEADER "a\t0\t0\t0.5\t0.5\n\n", "line 3 has 1 tab-separated fields, the header has 5");
    refused(HEADER "a\t0\t0\t0.5\n", "line 2 has 4");
    refused("# c\n" HEADER "a\t0\t0\t0.5\t0.5\t\n", "line 3 has 6");
    refused(HEADER "a\t-2\t0\t0.5\t0.5\n", "line 2: label '-2'");
    refused(HEADER "a\t0\t-2\t0.5\t0.5\n", "class '-2'");
    refused(HEADER "a\t2147483648\t0\t0.5\t0.5\n", "label '2147483648'");
    refused(HEADER "a\t\t0\t0.5\t0.5\n", "label ''");
    refused(HEADER "a\t1.0\t0\t0.5\t0.5\n", "label '1.0'");
    refused(HEADER "a\t0\t1x\t0.5\t0.5\n", "class '1x'");
    refused(HEADER "a\t0\t0\tnan\tnan\n", "score 'nan'");
    refused(HEADER "a\t0\t0\tinf\tnan\n", "score 'inf'");
    refused(HEADER "a\t0\t0\t1e999\tnan\n", "score '1e999'");
    refused(HEADER "a\t0\t0\t0.5 \tnan\n", "score '0.5 '");
    refused(HEADER "a\t0\t0\t0.5\t\n", "ood_score ''");
    refused(HEADER "a\t0\t0\t0.5\t0.5\x01\n", "ood_score '0.5?'");
    refused(HEADER "a\t0\t0\t0.5\t0.00000000000000000000000000000000000000000000000000000000000000000001\n", "...");
    refused(HEADER "a\t0\t0\t-0.5\t0.5\n", "no probability");
    refused(HEADER "a\t0\t0\t0.5\t-0.5\n", "from 0 on");
    refused(HEADER "a\t0\t0\t0\t0\n", "both 0");
    refused(HEADER "a\t0\t0\t0.5\t0.5\nb\t0\t0\t0.5\tnan\n", "line 3: ood_score is a number in some rows");
    refused(HEADER "a\t0\t0\t0.5\tnan\nb\t0\t0\t0.5\t0.5\n", "line 3: ood_score is a number in some rows");
    refused(HEADER "a\\x\t0\t0\t0.5\t0.5\n", "image 'a\\x' is not a name");
    refused(HEADER "a\\\t0\t0\t0.5\t0.5\n", "no other escapes");
    refused(HEADER "a\rb\t0\t0\t0.5\t0.5\n", "image 'a?b'");
    const char nul[] = HEADER "a\0\t0\t0\t0.5\t0.5\n";
    nb_error err = {0};
    nb_scores s;
    must_fail(nb_scores_parse(&s, "s.tsv", nul, sizeof nul - 1, &err), NB_ERR_INPUT, &err, "line 2 holds a NUL");
}

static void refuses_long_lines_and_missing_files(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scores s;
    nb_buffer text = {0};
    must(nb_buffer_printf(&text, &err, "#%0*d\n", NB_SCORE_LINE_MAX - 1, 1), &err);
    must(nb_buffer_printf(&text, &err, HEADER "a\t0\t0\t1\tnan\n"), &err);
    must(nb_scores_parse(&s, "s.tsv", text.data, text.len, &err), &err);
    nb_scores_free(&s);
    text.data[NB_SCORE_LINE_MAX] = '1';
    must_fail(nb_scores_parse(&s, "s.tsv", text.data, text.len, &err), NB_ERR_INPUT, &err, "at most 1048576");
    nb_buffer_free(&text);
    must_fail(nb_scores_read(&s, scratch_path("none.tsv"), &err), NB_ERR_INPUT, &err, "none.tsv");
    must(nb_file_write(scratch_path("empty.tsv"), true, "", 0, &err), &err);
    must_fail(nb_scores_read(&s, scratch_path("empty.tsv"), &err), NB_ERR_INPUT, &err, "empty.tsv");
}

/* What no probability could be is read of log-odds, and orders as it is. */
static void reads_log_odds(void **state)
{
    (void)state;
    static const char rows[] = HEADER "a\t0\t0\t-3.5\t0.97\nb\t0\t0\t0\t0.5\nc\t0\t0\t800\t0\n";
    char text[sizeof rows + 64];
    nb_error err = {0};
    nb_scores s;
    double keys[3];
    must_fail(parse(&s, rows, &err), NB_ERR_INPUT, &err, "makes it no probability");
    snprintf(text, sizeof text, "# values\n# values log-odds\n%s", rows);
    must(parse(&s, text, &err), &err);
    assert_true(s.log_odds && nb_scores_have_odds(&s));
    must(nb_scores_keys(&s, false, keys, &err), &err);
    assert_true(keys[0] == -3.5 && keys[1] == 0 && keys[2] == 800);
    must(nb_scores_write(&s, scratch_path("odds.tsv"), true, &err), &err);
    nb_scores_free(&s);
    must(nb_scores_read(&s, scratch_path("odds.tsv"), &err), &err);
    assert_true(s.log_odds && s.count == 3);
    nb_scores_free(&s);
    snprintf(text, sizeof text, "# values log-odds\n" HEADER "a\t0\t0\t1\t-0.1\n");
    must_fail(parse(&s, text, &err), NB_ERR_INPUT, &err, "nor a number from 0 on");
    snprintf(text, sizeof text, "# values log-odds, too\n" HEADER "a\t0\t0\t0.5\t0.5\n");
    must(parse(&s, text, &err), &err);
    assert_false(s.log_odds);
    nb_scores_free(&s);
}

static void push(nb_strings *s, const char *bytes, size_t len)
{
    nb_error err = {0};
    must(nb_strings_push(s, bytes, len, &err), &err);
}

static void survives_a_round_trip(void **state)
{
    (void)state;
    enum { ROWS = 4 };
    const char *names[ROWS] = {"plain name.jpg", "\\t is no tab\\", "#\t\n\r\\n", "caf\xC3\xA9 \xFF\xFE"};
    int32_t labels[ROWS] = {-1, 0, 999, INT32_MAX};
    int32_t classes[ROWS] = {0, 5, 999, -1};
    double score[ROWS] = {1, 0, 0.123456789, 4.94065646e-324};
    double ood_score[ROWS] = {1.25e-17, 1, 0.876543211, 0};
    nb_scores out = {.labels = labels, .classes = classes, .score = score, .ood_score = ood_score, .count = ROWS};
    for (size_t i = 0; i < ROWS; i++) {
        push(&out.images, names[i], strlen(names[i]));
    }
    const char *json = "{\"command\": \"score\", \"path\": \"a\\\\b\"}";
    push(&out.comments, json, strlen(json));
    push(&out.comments, "", 0);
    push(&out.comments, " two\nlines", 10);
    nb_error err = {0};
    const char *path = scratch_path("round.tsv");
    must(nb_scores_write(&out, path, true, &err), &err);
    must_fail(nb_scores_write(&out, path, false, &err), NB_ERR_USAGE, &err, "exists");

    nb_scores in;
    must(nb_scores_read(&in, path, &err), &err);
    assert_int_equal(in.count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(nb_strings_len(&in.images, i), strlen(names[i]));
        assert_string_equal(nb_strings_get(&in.images, i), names[i]);
    }
    assert_memory_equal(in.labels, labels, sizeof labels);
    assert_memory_equal(in.classes, classes, sizeof classes);
    assert_memory_equal(in.score, score, sizeof score);
    assert_memory_equal(in.ood_score, ood_score, sizeof ood_score);
    assert_int_equal(in.comments.count, 4);
    assert_string_equal(nb_strings_get(&in.comments, 0), nb_strings_get(&out.comments, 0));
    assert_string_equal(nb_strings_get(&in.comments, 1), "");
    assert_string_equal(nb_strings_get(&in.comments, 2), " two");
    assert_string_equal(nb_strings_get(&in.comments, 3), "lines");
    nb_scores_free(&in);
    nb_strings_free(&out.images);
    nb_strings_free(&out.comments);
}

/* The bytes of a written file, so that a change of the format does not pass unseen. */
static void writes_the_stated_format(void **state)
{
    (void)state;
    int32_t labels[] = {3};
    int32_t classes[] = {2};
    double score[] = {1.0 / 3};
    double ood_score[] = {-(double)NAN};
    nb_scores s = {.labels = labels, .classes = classes, .score = score, .ood_score = ood_score, .count = 1};
    nb_error err = {0};
    push(&s.images, "a\tb", 3);
    push(&s.comments, "c", 1);
    const char *path = scratch_path("format.tsv");
    must(nb_scores_write(&s, path, true, &err), &err);
    char *text = NULL;
    size_t len = 0;
    must(nb_file_read(path, 1000, &text, &len, &err), &err);
    assert_string_equal(text, "# c\n" HEADER "a\\tb\t3\t2\t0.333333333\tnan\n");
    free(text);

    score[0] = (double)NAN;
    path = scratch_path("never.tsv");
    must_fail(nb_scores_write(&s, path, true, &err), NB_ERR_NUMERIC, &err, "row 1");
    assert_int_equal(nb_file_check(path, NULL), NB_ERR_INPUT);
    assert_int_equal(nb_file_check(scratch_path("never.tsv.partial"), NULL), NB_ERR_INPUT);
    score[0] = 1;
    labels[0] = -2;
    must_fail(nb_scores_write(&s, path, true, &err), NB_ERR_NUMERIC, &err, "label -2");
    labels[0] = 0;
    push(&s.comments, "a\0b", 3);
    must_fail(nb_scores_write(&s, path, true, &err), NB_ERR_INPUT, &err, "NUL");
    nb_strings_free(&s.comments);
    nb_strings_free(&s.images);
    push(&s.images, "a\0b", 3);
    must_fail(nb_scores_write(&s, path, true, &err), NB_ERR_INPUT, &err, "NUL");
    s.count = 0;
    must_fail(nb_scores_write(&s, path, true, &err), NB_ERR_INPUT, &err, "no scores");
    nb_strings_free(&s.images);
}

static void keys_are_log_odds(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scores s;
    double keys[5];
    must(parse(&s, HEADER "a\t0\t0\t1\t1e-12\nb\t0\t0\t1\t1e-13\nc\t0\t0\t0\t1\nd\t0\t0\t1\t0\ne\t-1\t0\t0.1\t0.9\n",
               &err),
         &err);
    assert_true(nb_scores_have_odds(&s));
    must(nb_scores_keys(&s, false, keys, &err), &err);
    assert_true(keys[1] > keys[0] && fabs(keys[0] - 12 * log(10)) < 1e-12);
    assert_true(isinf(keys[2]) && keys[2] < 0 && isinf(keys[3]) && keys[3] > 0);
    assert_true(fabs(keys[4] + log(9)) < 1e-14);
    must(nb_scores_keys(&s, true, keys, &err), &err);
    assert_true(keys[0] == 1 && keys[1] == 1 && keys[2] == 0 && keys[4] == (double)0.1f);
    s.ood_score[4] = (double)NAN;
    must_fail(nb_scores_keys(&s, false, keys, &err), NB_ERR_INPUT, &err, "row 5");
    nb_scores_free(&s);

    must(parse(&s, HEADER "a\t0\t0\t-17.125\tnan\nb\t0\t0\t1.00000001\tNaN\n", &err), &err);
    assert_false(nb_scores_have_odds(&s));
    must(nb_scores_keys(&s, false, keys, &err), &err);
    assert_true(keys[0] == -17.125 && keys[1] == 1.00000001);
    must(nb_scores_keys(&s, true, keys, &err), &err);
    assert_true(keys[0] == -17.125 && keys[1] == 1);
    nb_scores_free(&s);
}

static void accuracy_counts_labelled_rows(void **state)
{
    (void)state;
    int32_t labels[] = {0, 1, 2, -1, 3};
    int32_t classes[] = {0, 1, 1, -1, 0};
    nb_scores s = {.labels = labels, .classes = classes, .count = 5};
    assert_true(nb_scores_accuracy(&s) == 0.5);
    s = (nb_scores){.labels = labels + 3, .classes = classes + 3, .count = 1};
    assert_true(isnan(nb_scores_accuracy(&s)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_columns_by_name),
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_bad_rows),
        cmocka_unit_test(refuses_long_lines_and_missing_files),
        cmocka_unit_test(survives_a_round_trip),
        cmocka_unit_test(writes_the_stated_format),
        cmocka_unit_test(reads_log_odds),
        cmocka_unit_test(keys_are_log_odds),
        cmocka_unit_test(accuracy_counts_labelled_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
