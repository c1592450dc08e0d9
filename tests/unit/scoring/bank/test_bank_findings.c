/* What mining found out, as JSON and back; what is no such object. */
#include "support/support.h"

#include "scoring/bank/bank_findings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_share(double got, double want)
{
    assert_true(isnan(want) ? isnan(got) : got == want);
}

static void check_back(const nb_bank_findings *f)
{
    nb_error err = {0};
    nb_bank_findings got;
    json_t *root = nb_bank_findings_json(f);
    assert_non_null(root);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    must(nb_bank_findings_parse(&got, text, &err), &err);
    free(text);
    assert_int_equal(got.candidates, f->candidates);
    assert_int_equal(got.id_images, f->id_images);
    assert_int_equal(got.wild_images, f->wild_images);
    assert_int_equal(got.with_evidence, f->with_evidence);
    assert_int_equal(got.measured, f->measured);
    check_share(got.id_share, f->id_share);
    check_share(got.covered, f->covered);
    check_share(got.tolerance, f->tolerance);
    assert_int_equal(got.size_count, f->size_count);
    for (size_t i = 0; i < f->size_count; i++) {
        assert_int_equal(got.sizes[i].count, f->sizes[i].count);
        check_share(got.sizes[i].id_moves, f->sizes[i].id_moves);
        check_share(got.sizes[i].wild_moves, f->sizes[i].wild_moves);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    nb_bank_findings f = {.candidates = 2256,
                          .id_images = 384,
                          .wild_images = 7813,
                          .with_evidence = 1932,
                          .measured = 495,
                          .id_share = 0.09085583849562,
                          .covered = 1.0 / 3,
                          .tolerance = 0.01,
                          .sizes = {{1000, 0.0265, 0.0012}, {2000, 0, 1}, {2256, (double)NAN, (double)NAN}},
                          .size_count = 3};
    check_back(&f);
    f = (nb_bank_findings){.candidates = 1,
                           .id_images = SIZE_MAX >> 1, /* what JSON's integers hold */
                           .id_share = (double)NAN,
                           .covered = (double)NAN,
                           .tolerance = (double)NAN};
    check_back(&f);
    f.size_count = NB_SIZE_STEPS_MAX;
    for (size_t i = 0; i < f.size_count; i++) {
        f.sizes[i] = (nb_size_step){i + 1, (double)i / NB_SIZE_STEPS_MAX, (double)NAN};
    }
    check_back(&f);
}

static const char sound[] =
    "{\"candidates\":9,\"id_images\":8,\"wild_images\":7,\"with_evidence\":6,\"measured\":5,\"id_share\":0.5,"
    "\"covered\":null,\"size_tolerance\":0.01,\"sizes\":[{\"negatives\":3,\"id_moves\":0.5,\"wild_moves\":null},"
    "{\"negatives\":9,\"id_moves\":null,\"wild_moves\":null}]}";

static void test_refusals(void **state)
{
    static const char *const edits[][2] = {
        {"\"candidates\":9", "\"candidates\":0"},
        {"\"candidates\":9", "\"candidates\":-9"},
        {"\"candidates\":9", "\"candidates\":9.5"},
        {"\"candidates\":9", "\"candidates\":null"},
        {"\"candidates\":9", "\"candidates\":9,\"more\":1"},
        {"\"candidates\":9,", ""},
        {"\"id_images\":8", "\"id_images\":\"8\""},
        {"\"id_images\":8", "\"id_images\":8,\"id_images\":8"},
        {"\"measured\":5", "\"measured\":99999999999999999999"},
        {"\"id_share\":0.5", "\"id_share\":1.5"},
        {"\"id_share\":0.5", "\"id_share\":-0.5"},
        {"\"id_share\":0.5", "\"id_share\":NaN"},
        {"\"id_share\":0.5", "\"id_share\":true"},
        {"\"sizes\":[", "\"sizes\":[7,"},
        {"\"negatives\":3", "\"negatives\":0"},
        {"\"negatives\":3", "\"negatives\":9"},
        {"\"negatives\":3", "\"negatives\":12"},
        {"\"negatives\":3,", ""},
        {"\"negatives\":3", "\"negatives\":3,\"more\":0"},
        {"\"id_moves\":0.5", "\"id_moves\":2"},
        {"\"wild_moves\":null},", "\"wild_moves\":[]},"},
        {"]}", "]"},
    };
    nb_error err = {0};
    nb_bank_findings f;
    char text[1024];
    (void)state;
    must(nb_bank_findings_parse(&f, sound, &err), &err);
    assert_int_equal(f.size_count, 2);
    assert_true(f.sizes[0].id_moves == 0.5 && isnan(f.sizes[0].wild_moves) && isnan(f.covered));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const char *at = strstr(sound, edits[i][0]);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sound), sound, edits[i][1], at + strlen(edits[i][0]));
        err = (nb_error){0};
        assert_int_equal(nb_bank_findings_parse(&f, text, &err), NB_ERR_INPUT);
        assert_true(err.message[0]);
    }
    static const char *const others[] = {"", "7", "[]", "null", "{}", "{\"sizes\":[]}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        err = (nb_error){0};
        assert_int_equal(nb_bank_findings_parse(&f, others[i], &err), NB_ERR_INPUT);
    }
}

static void test_too_many_sizes(void **state)
{
    nb_error err = {0};
    nb_buffer text = {0};
    nb_bank_findings f;
    const char *at = strstr(sound, "{\"negatives\"");
    (void)state;
    for (int more = 0; more < 2; more++) {
        nb_buffer_clear(&text);
        must(nb_buffer_append(&text, sound, (size_t)(at - sound), &err), &err);
        for (int i = 0; i < NB_SIZE_STEPS_MAX + more; i++) {
            must(nb_buffer_printf(&text, &err, "%s{\"negatives\":%d,\"id_moves\":null,\"wild_moves\":null}",
                                  i ? "," : "", i + 1),
                 &err);
        }
        must(nb_buffer_printf(&text, &err, "]}"), &err);
        if (more) {
            must_fail(nb_bank_findings_parse(&f, text.data, &err), NB_ERR_INPUT, &err, "'findings'");
            assert_int_equal(f.size_count, 0);
        } else {
            must(nb_bank_findings_parse(&f, text.data, &err), &err);
            assert_int_equal(f.size_count, NB_SIZE_STEPS_MAX);
        }
    }
    nb_buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_many_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
