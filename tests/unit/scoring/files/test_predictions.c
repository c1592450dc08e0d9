/* Predictions written as a table, as JSON lines and as HDF5. */
#include "support/support.h"

#include "common/store/hdf5/h5.h"
#include "common/store/seal.h"
#include "scoring/files/predictions.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const image_names[] = {"a b.jpg", "tab\there.png", "caf\xc3\xa9.webp", "\xff.png"};
enum { ROWS = sizeof image_names / sizeof *image_names };

static void make(nb_scores *s, nb_strings *classes, bool odds)
{
    nb_error err = {0};
    *s = (nb_scores){.count = ROWS};
    *classes = (nb_strings){0};
    must(nb_strings_push(classes, "tench", 5, &err), &err);
    must(nb_strings_push(classes, "gold\tfish", 9, &err), &err);
    s->labels = calloc(ROWS, sizeof *s->labels);
    s->classes = calloc(ROWS, sizeof *s->classes);
    s->score = calloc(ROWS, sizeof *s->score);
    s->ood_score = calloc(ROWS, sizeof *s->ood_score);
    s->accepted = calloc(ROWS, 1);
    s->class_names = classes;
    for (int i = 0; i < ROWS; i++) {
        must(nb_strings_push(&s->images, image_names[i], strlen(image_names[i]), &err), &err);
        s->labels[i] = i - 1;
        s->classes[i] = i < 3 ? i % 2 : -1;
        s->score[i] = 1.0 / (i + 3);
        s->ood_score[i] = odds ? 1 - s->score[i] : (double)NAN;
        s->accepted[i] = i % 2 == 0;
    }
    must(nb_strings_push(&s->comments, "made for a test", 15, &err), &err);
}

static void drop(nb_scores *s, nb_strings *classes)
{
    nb_scores_free(s);
    nb_strings_free(classes);
}

static void test_formats(void **state)
{
    (void)state;
    assert_int_equal(nb_predictions_format("auto", "x.tsv"), NB_PREDICTIONS_TSV);
    assert_int_equal(nb_predictions_format("auto", "x.jsonl"), NB_PREDICTIONS_JSONL);
    assert_int_equal(nb_predictions_format("auto", "x.h5"), NB_PREDICTIONS_HDF5);
    assert_int_equal(nb_predictions_format("auto", ".h5"), NB_PREDICTIONS_TSV);
    assert_int_equal(nb_predictions_format("tsv", "x.h5"), NB_PREDICTIONS_TSV);
    assert_int_equal(nb_predictions_format("jsonl", "x"), NB_PREDICTIONS_JSONL);
    assert_int_equal(nb_predictions_format("hdf5", "x.jsonl"), NB_PREDICTIONS_HDF5);
}

static void test_table(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scores s, back;
    nb_strings classes;
    const char *path = scratch_path("p.tsv");
    char *text;
    size_t len;
    make(&s, &classes, true);
    must(nb_predictions_write(&s, NB_PREDICTIONS_TSV, path, true, &err), &err);
    must(nb_file_read(path, 4096, &text, &len, &err), &err);
    const char *want = "# made for a test\n"
                       "image\tlabel\tclass\tscore\tood_score\tclass_name\tdecision\n"
                       "a b.jpg\t-1\t0\t0.333333333\t0.666666667\ttench\tin\n"
                       "tab\\there.png\t0\t1\t0.25\t0.75\tgold\\tfish\tout\n";
    assert_true(strncmp(text, want, strlen(want)) == 0);
    free(text);
    must(nb_scores_read(&back, path, &err), &err);
    assert_int_equal(back.count, ROWS);
    assert_string_equal(nb_strings_get(&back.images, 1), image_names[1]);
    assert_true(back.classes[3] == -1 && back.labels[3] == 2);
    nb_scores_free(&back);
    drop(&s, &classes);
}

static void test_jsonl(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings lines = {0};
    for (int odds = 0; odds < 2; odds++) {
        nb_scores s;
        nb_strings classes;
        make(&s, &classes, odds);
        must(nb_predictions_write(&s, NB_PREDICTIONS_JSONL, scratch_path("p.jsonl"), true, &err), &err);
        must(nb_file_lines(scratch_path("p.jsonl"), 4096, &lines, &err), &err);
        assert_int_equal(lines.count, ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            json_t *row = json_loads(nb_strings_get(&lines, i), 0, NULL);
            const json_t *ood = json_object_get(row, "ood_score");
            assert_string_equal(json_string_value(json_object_get(row, "image")), i < 3 ? image_names[i] : "?.png");
            assert_int_equal(json_integer_value(json_object_get(row, "class")), s.classes[i]);
            assert_string_equal(json_string_value(json_object_get(row, "class_name")), nb_scores_class_name(&s, i));
            assert_true(json_real_value(json_object_get(row, "score")) == s.score[i]);
            assert_true(odds ? json_real_value(ood) == s.ood_score[i] : json_is_null(ood));
            assert_string_equal(json_string_value(json_object_get(row, "decision")), i % 2 ? "out" : "in");
            json_decref(row);
        }
        nb_strings_free(&lines);
        lines = (nb_strings){0};
        drop(&s, &classes);
    }
}

static void test_hdf5(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_scores s;
    nb_strings classes;
    nb_seal seal;
    const char *path = scratch_path("p.h5");
    double score[ROWS];
    int32_t class[ROWS];
    char *images[ROWS];
    make(&s, &classes, true);
    must(nb_predictions_write(&s, NB_PREDICTIONS_HDF5, path, true, &err), &err);
    must(nb_seal_verify(&seal, path, "scores", &err), &err);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t scores = H5Dopen2(file, "score", H5P_DEFAULT), numbers = H5Dopen2(file, "class", H5P_DEFAULT);
    hid_t names = H5Dopen2(file, "image", H5P_DEFAULT), type = H5Dget_type(names), space = H5Dget_space(names);
    assert_true(H5Dread(scores, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, score) >= 0);
    assert_true(H5Dread(numbers, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, class) >= 0);
    assert_true(H5Dread(names, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, images) >= 0);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(score[i] == s.score[i] && class[i] == s.classes[i]);
        assert_string_equal(images[i], image_names[i]);
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, images);
    H5Sclose(space), H5Tclose(type), H5Dclose(names), H5Dclose(numbers), H5Dclose(scores), H5Fclose(file);
    nb_scores back;
    must(nb_predictions_read(&back, path, &err), &err);
    assert_int_equal(back.count, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(nb_strings_get(&back.images, i), image_names[i]);
        assert_true(back.score[i] == s.score[i] && back.ood_score[i] == s.ood_score[i]);
        assert_true(back.labels[i] == s.labels[i] && back.classes[i] == s.classes[i]);
    }
    assert_string_equal(nb_strings_get(&back.comments, 0), nb_strings_get(&s.comments, 0));
    nb_scores_free(&back);
    drop(&s, &classes);
}

/* What could not be ordered by is written in no form, and nothing is left behind. */
static void test_refused(void **state)
{
    (void)state;
    for (int format = 0; format < 3; format++) {
        nb_error err = {0};
        nb_scores s, none = {0};
        nb_strings classes;
        const char *path = scratch_path("refused");
        make(&s, &classes, true);
        s.score[2] = NAN;
        nb_status status = nb_predictions_write(&s, (nb_prediction_format)format, path, false, &err);
        assert_true(status == NB_ERR_NUMERIC || status == NB_ERR_INPUT);
        assert_non_null(strstr(err.message, "not finite"));
        must_fail(nb_predictions_write(&none, (nb_prediction_format)format, path, false, &err), NB_ERR_INPUT, &err,
                  "no scores");
        assert_int_equal(nb_file_check(path, &err), NB_ERR_INPUT);
        drop(&s, &classes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats), cmocka_unit_test(test_table),   cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_hdf5),    cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
