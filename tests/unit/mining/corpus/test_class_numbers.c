#include "support/support.h"

#include "mining/corpus/text/class_numbers.h"

#include <string.h>

enum { LISTED_MAX = 8 };

static void listed(nb_strings *out, const char *const *words)
{
    nb_error err = {0};
    for (*out = (nb_strings){0}; *words; words++) {
        must(nb_strings_push(out, *words, strlen(*words), &err), &err);
    }
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The numbers of images, one a class in the order of the classes and one without a class. */
static nb_status matched(int32_t numbers[LISTED_MAX], const char *const *classes, const char *const *labels,
                         nb_class_strangers strangers, nb_error *err)
{
    nb_strings own, theirs;
    listed(&own, classes);
    listed(&theirs, labels);
    nb_log log = nb_log_open("test", false, false, true);
    for (size_t i = 0; i < own.count; i++) {
        numbers[i] = (int32_t)i;
    }
    numbers[own.count] = -1;
    const nb_class_numbers images = {"i.nbe", &own, numbers, own.count + 1};
    nb_status status = nb_class_numbers_match(&images, &theirs, strangers, &log, err);
    nb_strings_free(&own);
    nb_strings_free(&theirs);
    return status;
}

#define MATCHED(classes, labels, strangers, ...)                                                                       \
    do {                                                                                                               \
        static const int32_t want[] = {__VA_ARGS__};                                                                   \
        int32_t numbers[LISTED_MAX];                                                                                   \
        nb_error err = {0};                                                                                            \
        must(matched(numbers, classes, labels, strangers, &err), &err);                                                \
        assert_memory_equal(numbers, want, sizeof want);                                                               \
    } while (0)

static void refused(const char *const *classes, const char *const *labels, nb_class_strangers strangers,
                    const char *word)
{
    int32_t numbers[LISTED_MAX];
    nb_error err = {0};
    must_fail(matched(numbers, classes, labels, strangers, &err), NB_ERR_INPUT, &err, word);
}

static void test_names_decide(void **state)
{
    (void)state;
    MATCHED(LIST("blue square", "red circle"), LIST("red circle", "blue square"), NB_STRANGERS_REFUSED, 1, 0, -1);
    MATCHED(LIST("Blue_Square", "red  circle"), LIST("red_circle", "blue square"), NB_STRANGERS_REFUSED, 1, 0, -1);
    MATCHED(LIST("CAFE\xCC\x81", "cow"), LIST("ant", "cow", "caf\xC3\xA9"), NB_STRANGERS_REFUSED, 2, 1, -1);
}

static void test_a_class_that_lacks_shifts_no_other(void **state)
{
    (void)state;
    MATCHED(LIST("b", "d"), LIST("a", "b", "c", "d"), NB_STRANGERS_REFUSED, 1, 3, -1);
}

static void test_another_class_is_refused_with_both_lists(void **state)
{
    (void)state;
    static const char *const words[] = {"class 'y' is no label", "classes: 'a', 'y'", "labels: 'a', 'b'"};
    for (size_t i = 0; i < 3; i++) {
        refused(LIST("a", "y"), LIST("a", "b"), NB_STRANGERS_REFUSED, words[i]);
        refused(LIST("a", "y"), LIST("a", "b"), NB_STRANGERS_ALONE, words[i]);
    }
    refused(LIST("x", "y"), LIST("a", "b"), NB_STRANGERS_REFUSED, "class 'x' is no label");
    refused(LIST("a", "b", "c", "d", "x"), LIST("a", "b", "c", "d", "e", "f"), NB_STRANGERS_REFUSED, "'d', ... (6)");
}

static void test_ood_images_have_no_label(void **state)
{
    (void)state;
    MATCHED(LIST("x", "y"), LIST("a", "b"), NB_STRANGERS_ALONE, -1, -1, -1);
    MATCHED(LIST("b", "y"), LIST("a", "b"), NB_STRANGERS_ALLOWED, 1, -1, -1);
}

static void test_names_that_are_numbers(void **state)
{
    (void)state;
    MATCHED(LIST("0", "1", "10", "2"), LIST("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"),
            NB_STRANGERS_REFUSED, 0, 1, 10, 2, -1);
    MATCHED(LIST("00", "02"), LIST("a", "b", "c"), NB_STRANGERS_REFUSED, 0, 2, -1);
    MATCHED(LIST("0", "1"), LIST("1", "0"), NB_STRANGERS_REFUSED, 1, 0, -1);
    refused(LIST("1", "2"), LIST("a", "b"), NB_STRANGERS_REFUSED, "class '1' is no label");
    refused(LIST("0", "1e0"), LIST("a", "b"), NB_STRANGERS_REFUSED, "is no label");
}

/* Two labels of one name: only their spelling may tell which is meant. */
static void test_labels_of_one_name(void **state)
{
    (void)state;
    refused(LIST("a", "crane"), LIST("crane", "a", "crane"), NB_STRANGERS_REFUSED, "may be label 0, 'crane'");
    MATCHED(LIST("a", "crane"), LIST("Crane", "a", "crane"), NB_STRANGERS_REFUSED, 1, 2, -1);
    MATCHED(LIST("a"), LIST("crane", "a", "crane"), NB_STRANGERS_REFUSED, 1, -1);
}

static void test_numbers_without_names_stay(void **state)
{
    (void)state;
    int32_t numbers[] = {3, 0, -1};
    nb_strings none = {0}, labels;
    nb_error err = {0};
    nb_log log = nb_log_open("test", false, false, true);
    listed(&labels, LIST("a", "b", "c", "d"));
    const nb_class_numbers images = {"i.nbe", &none, numbers, 3};
    must(nb_class_numbers_match(&images, &labels, NB_STRANGERS_REFUSED, &log, &err), &err);
    assert_int_equal(numbers[0], 3);
    assert_int_equal(numbers[1], 0);
    assert_int_equal(numbers[2], -1);
    nb_strings_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_decide),
        cmocka_unit_test(test_a_class_that_lacks_shifts_no_other),
        cmocka_unit_test(test_another_class_is_refused_with_both_lists),
        cmocka_unit_test(test_ood_images_have_no_label),
        cmocka_unit_test(test_names_that_are_numbers),
        cmocka_unit_test(test_labels_of_one_name),
        cmocka_unit_test(test_numbers_without_names_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
