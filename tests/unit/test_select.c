/* Selection: total orders, shares of the tags, what is refused. */
#include "support/support.h"

#include "mining/select.h"

#include <string.h>

/* 0-3 nouns, 4-7 adjectives, 8-9 untagged. */
static const uint8_t tags[10] = {1, 1, 1, 1, 2, 2, 2, 2, 0, 0};
static const double values[10] = {5, 1, 3, 3, 9, 8, 7, 6, 0, 2};
static const uint8_t none[10];

static void check(const nb_selection *s, const size_t *ids, size_t count)
{
    assert_int_equal(s->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(s->ids[i], ids[i]);
    }
}

static void test_order(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    nb_quota all = {.count = 10};
    must(nb_select(&s, 10, values, true, none, tags, &all, &err), &err);
    check(&s, (const size_t[]){1, 2, 3, 0, 8, 9, 7, 6, 5, 4}, 10); /* nouns, untagged, adjectives; ties by id */
    nb_selection_free(&s);
    must(nb_select(&s, 10, values, false, none, NULL, &(nb_quota){.count = 3}, &err), &err);
    check(&s, (const size_t[]){4, 5, 6}, 3);
    nb_selection_free(&s);
}

static void test_shares(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    uint8_t reasons[10] = {0};
    must(nb_select(&s, 10, values, true, none, tags, &(nb_quota){.count = 4}, &err), &err);
    check(&s, (const size_t[]){1, 2, 3, 7}, 4); /* 1.6, 1.6, 0.8 of 4: one noun, one adjective, the rest to nouns */
    nb_selection_free(&s);
    must(nb_select(&s, 10, values, true, none, tags, &(nb_quota){.fraction = {0.5, 0.5, 0.25}}, &err), &err);
    check(&s, (const size_t[]){1, 2, 8, 7}, 4);
    nb_selection_free(&s);
    reasons[1] = NB_REJECTED_INTERNEG;
    reasons[7] = NB_REJECTED_LABEL;
    must(nb_select(&s, 10, values, true, reasons, tags, &(nb_quota){.count = 8}, &err), &err);
    assert_int_equal(s.accepted, 8);
    assert_int_equal(s.rejected[NB_REJECTED_INTERNEG], 1);
    assert_int_equal(s.rejected[NB_REJECTED_LABEL], 1);
    check(&s, (const size_t[]){2, 3, 0, 8, 9, 6, 5, 4}, 8);
    nb_selection_free(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    uint8_t all[10];
    memset(all, NB_REJECTED_LABEL, sizeof all);
    must_fail(nb_select(&s, 10, values, true, all, tags, &(nb_quota){.count = 1}, &err), NB_ERR_INPUT, &err,
              "no candidate is left");
    must_fail(nb_select(&s, 10, values, true, none, tags, &(nb_quota){.count = 11}, &err), NB_ERR_USAGE, &err,
              "--count 11");
    must_fail(nb_select(&s, 10, values, true, none, tags, &(nb_quota){.fraction = {0.01, 0.01, 0.01}}, &err),
              NB_ERR_INPUT, &err, "fraction");
    assert_null(s.ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
