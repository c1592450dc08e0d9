/* The parts of a report: escapes, ticks, drawings, sub-banks, confusions, thumbnails. */
#include "support/support.h"

#include "common/base/tag.h"
#include "common/image/decode.h"
#include "common/image/write_png.h"
#include "scoring/report/chart.h"
#include "scoring/report/confusion.h"
#include "scoring/report/escape.h"
#include "scoring/report/panels.h"
#include "scoring/report/size_sweep.h"
#include "scoring/report/thumbnail.h"

#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void escaped(nb_status (*escape)(nb_buffer *, const char *, nb_error *), const char *text, const char *want)
{
    nb_buffer b = {0};
    nb_error err = {0};
    must(escape(&b, text, &err), &err);
    assert_string_equal(b.data, want);
    nb_buffer_free(&b);
}

#define BAD "\xEF\xBF\xBD"

static void names_are_made_harmless(void **state)
{
    (void)state;
    escaped(nb_escape_markup, "a<b>&\"'\xC3\xA9", "a&lt;b&gt;&amp;&quot;&#39;\xC3\xA9");
    escaped(nb_escape_markup,
            "\x01\n\x7F\xFF\xC3(\xED\xA0\x80"
            "\xEF\xBF\xBF.\xC3",
            BAD BAD BAD BAD BAD "(" BAD BAD BAD BAD "." BAD);
    escaped(nb_escape_markup, "", "");
    escaped(nb_escape_latex, "50% of #1_{a}^~\\$&\xFF",
            "50\\% of \\#1\\_\\{a\\}\\textasciicircum{}\\textasciitilde{}"
            "\\textbackslash{}\\$\\&?");
    escaped(nb_escape_markdown, "a|b*c_`[x]<i>\\", "a\\|b\\*c\\_\\`\\[x\\]&lt;i&gt;\\\\");
    escaped(nb_escape_csv, "plain", "plain");
    escaped(nb_escape_csv, "a,\"b\"", "\"a,\"\"b\"\"\"");
}

static void texts_are_shortened_by_columns(void **state)
{
    (void)state;
    nb_buffer b = {0};
    nb_error err = {0};
    static const char *const cases[][2] = {
        {"abcdef", "abcdef"},
        {"abcdefg", "abcde\xE2\x80\xA6"},
        {"\xE6\x9C\xA8\xE6\x9C\xA8\xE6\x9C\xA8", "\xE6\x9C\xA8\xE6\x9C\xA8\xE6\x9C\xA8"},
        {"\xE6\x9C\xA8\xE6\x9C\xA8\xE6\x9C\xA8\xE6\x9C\xA8", "\xE6\x9C\xA8\xE6\x9C\xA8\xE2\x80\xA6"},
        {"", ""},
        {"\xFF", BAD}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_buffer_clear(&b);
        must(nb_shorten(&b, cases[i][0], 6, &err), &err);
        assert_string_equal(b.data, cases[i][1]);
        assert_true(nb_display_width(b.data) <= 6);
    }
    nb_buffer_free(&b);
}

static void expect_ticks(nb_axis axis, size_t most, const double *want, size_t count, int digits)
{
    double ticks[16];
    int have;
    assert_int_equal(nb_chart_ticks(&axis, most, ticks, &have), count);
    assert_int_equal(have, digits);
    for (size_t i = 0; i < count; i++) {
        assert_true(fabs(ticks[i] - want[i]) <= 1e-9 * fabs(want[i]));
    }
}

static void ticks_are_round_numbers(void **state)
{
    (void)state;
    expect_ticks((nb_axis){.low = 0, .high = 100}, 7, (const double[]){0, 20, 40, 60, 80, 100}, 6, 0);
    expect_ticks((nb_axis){.low = -9, .high = 12}, 9, (const double[]){-5, 0, 5, 10}, 4, 0);
    expect_ticks((nb_axis){.low = 0.12, .high = 0.31}, 7, (const double[]){0.15, 0.2, 0.25, 0.3}, 4, 2);
    expect_ticks((nb_axis){.low = 6, .high = 575, .logarithmic = true}, 9, (const double[]){10, 20, 50, 100, 200, 500},
                 6, 0);
    expect_ticks((nb_axis){.low = 1, .high = 1e6, .logarithmic = true}, 9,
                 (const double[]){1, 10, 100, 1e3, 1e4, 1e5, 1e6}, 7, 0);
    /* any range gives some ticks, within it and rising */
    for (int i = -200; i < 200; i++) {
        double ticks[16];
        int digits;
        nb_axis axis = {.low = -pow(1.3, i), .high = 2.7 * pow(1.3, i)};
        size_t count = nb_chart_ticks(&axis, 9, ticks, &digits);
        assert_in_range(count, 3, 9);
        for (size_t k = 0; k < count; k++) {
            assert_true(ticks[k] >= axis.low * 1.001 && ticks[k] <= axis.high * 1.001);
            assert_true(k == 0 || ticks[k] > ticks[k - 1]);
        }
    }
}

static void drawings_say_the_same_in_both_formats(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_drawing d;
    nb_buffer svg = {0};
    nb_image image;
    const nb_point points[] = {{0, 0}, {50, 100}, {100, 0}};
    const nb_series series[] = {
        {.name = "<i>\xFF", .ink = NB_INK_ID, .shape = NB_SHAPE_AREA, .points = points, .count = 3},
        {.name = "empty", .ink = NB_INK_OOD, .points = points, .count = 0}};
    nb_chart chart = {.title = "a & b",
                      .x = {.label = "x (%)", .low = 0, .high = 100},
                      .y = {.label = "y (%)", .low = 0, .high = 100},
                      .series = series,
                      .series_count = 2,
                      .mark = 50,
                      .mark_label = "here"};
    must(nb_chart_draw(&chart, &d, &err), &err);
    must(nb_drawing_svg(&d, true, &svg, &err), &err);
    assert_non_null(strstr(svg.data, "<title>a &amp; b</title>"));
    assert_non_null(strstr(svg.data, ">&lt;i&gt;" BAD "</text>"));
    assert_null(strstr(svg.data, "nan"));
    const char *path = scratch_path("chart.png");
    must(nb_drawing_png(&d, 2, path, true, &err), &err);
    must_fail(nb_drawing_png(&d, 2, path, false, &err), NB_ERR_USAGE, &err, "exists");
    must(nb_image_read(&image, path, &err), &err);
    assert_true(image.width == (size_t)(2 * d.width) && image.height == (size_t)(2 * d.height));
    size_t inked = 0;
    for (size_t i = 0; i < image.width * image.height; i++) {
        const uint8_t *p = image.rgb + 3 * i;
        inked += p[0] == 0x0b && p[1] == 0x65 && p[2] == 0xb0;
    }
    assert_true(inked > 500);
    nb_image_free(&image);
    nb_buffer_free(&svg);
    nb_drawing_free(&d);
    chart.y.high = 0;
    must_fail(nb_chart_draw(&chart, &d, &err), NB_ERR_INTERNAL, &err, "without extent");
    nb_drawing_free(&d);
}

/* Ten nouns and five others: a part of six holds the best four and the best two, in the bank's order. */
static void parts_of_a_bank_keep_shares_of_tags(void **state)
{
    (void)state;
    enum { M = 15, D = 2 };
    nb_error err = {0};
    double rows[M * D];
    double criterion[M];
    uint8_t tags[M];
    uint64_t ids[M];
    nb_bank bank = {
        .d = D, .negative_count = M, .negative_rows = rows, .criterion = criterion, .tags = tags, .ids = ids};
    for (size_t i = 0; i < M; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "n%zu", i);
        must(nb_strings_push(&bank.negatives, name, (size_t)len, &err), &err);
        rows[i * D] = (double)i;
        rows[i * D + 1] = -(double)i;
        criterion[i] = 0.5 * (double)i;
        tags[i] = i < 10 ? 0 : 1;
        ids[i] = 100 + i;
    }
    static const size_t want[] = {0, 1, 2, 3, 10, 11};
    nb_bank part;
    must(nb_part_of_bank(&part, &bank, 6, &err), &err);
    assert_int_equal(part.negative_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(part.ids[i], 100 + want[i]);
        assert_string_equal(nb_strings_get(&part.negatives, i), nb_strings_get(&bank.negatives, want[i]));
        assert_true(part.negative_rows[i * D] == (double)want[i] && part.negative_rows[i * D + 1] == -(double)want[i]);
        assert_true(part.criterion[i] == 0.5 * (double)want[i] && part.tags[i] == tags[want[i]]);
    }
    nb_part_free(&part);
    must(nb_part_of_bank(&part, &bank, 99, &err), &err);
    assert_int_equal(part.negative_count, M);
    assert_memory_equal(part.ids, ids, sizeof ids);
    nb_part_free(&part);
    nb_strings_free(&bank.negatives);
}

/* One value a bank size and group count: the keys of the ID images lie by bank size above the others. */
static nb_status rescore(void *context, const nb_rescore *what, double **keys, size_t *count, nb_error *err)
{
    size_t *refuse = context;
    nb_status status = NB_OK;
    *count = 4;
    if (what->groups == *refuse) {
        return nb_fail(err, NB_ERR_USAGE, "not so many groups");
    }
    NB_TRY_NEW(*keys, 4);
    for (size_t i = 0; i < 4; i++) {
        (*keys)[i] = (double)i + (what->set ? 0 : what->bank->negative_count > 3 ? 10 : 0.5);
    }
done:
    return status;
}

static void sweeps_leave_out_what_cannot_be(void **state)
{
    (void)state;
    enum { M = 12 };
    nb_error err = {0};
    double rows[M] = {0};
    double criterion[M] = {0};
    uint8_t tags[M] = {0};
    uint64_t ids[M] = {0};
    nb_bank bank = {
        .d = 1, .negative_count = M, .negative_rows = rows, .criterion = criterion, .tags = tags, .ids = ids};
    for (size_t i = 0; i < M; i++) {
        must(nb_strings_push(&bank.negatives, "n", 1, &err), &err);
    }
    size_t refuse = 5;
    nb_rescorer by = {&refuse, 2, 1, rescore};
    nb_sweep s;
    must(nb_sweep_sizes(&s, &bank, &by, &err), &err);
    assert_int_equal(s.count, 2);
    assert_true(s.values[0] == 6 && s.values[1] == 12 && s.flat);
    assert_true(s.rows[2].auroc == 1 && s.rows[5].auroc == 1);
    nb_sweep_free(&s);
    bank.negative_count = 4;
    must(nb_sweep_sizes(&s, &bank, &by, &err), &err);
    assert_true(s.count == 2 && s.values[0] == 2 && !s.flat);
    assert_true(s.rows[0].auroc < 1 && s.rows[2].auroc == s.rows[0].auroc && s.rows[3].auroc == 1);
    nb_sweep_free(&s);
    bank.negative_count = M;
    must(nb_sweep_groups(&s, &bank, &by, &err), &err);
    assert_true(s.count == 3 && s.values[0] == 1 && s.values[1] == 2 && s.values[2] == 10);
    nb_sweep_free(&s);
    nb_strings_free(&bank.negatives);
}

static void sample(nb_evaluation *e, size_t at, const double *keys, const int32_t *labels, const int32_t *classes,
                   size_t count)
{
    nb_error err = {0};
    nb_scores s = {.count = count};
    s.labels = nb_alloc(count, sizeof *s.labels, &err);
    s.classes = nb_alloc(count, sizeof *s.classes, &err);
    s.score = nb_alloc(count, sizeof *s.score, &err);
    s.ood_score = nb_alloc(count, sizeof *s.ood_score, &err);
    for (size_t i = 0; i < count; i++) {
        must(nb_strings_push(&s.images, "x", 1, &err), &err);
        s.labels[i] = labels ? labels[i] : -1;
        s.classes[i] = classes[i];
        s.score[i] = keys[i];
        s.ood_score[i] = (double)NAN;
    }
    must(nb_evaluation_take(e, at, &(nb_sample_source){"file", 0, labels != NULL}, &s, &err), &err);
    assert_int_equal(e->samples[at].doubled, count - 1);
}

static void confusions_are_counted(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings ids = {0}, oods = {0}, none = {0};
    must(nb_strings_push(&ids, "id", 2, &err), &err);
    must(nb_strings_push(&oods, "a=a", 3, &err), &err);
    nb_eval_plan plan;
    nb_evaluation e;
    must(nb_eval_plan_read(&plan, &ids, &oods, &none, &err), &err);
    must(nb_evaluation_begin(&e, &plan, false, &err), &err);
    /* 20 ID images: the threshold lets 19 pass, all but the key 0 */
    double keys[20];
    int32_t labels[20];
    int32_t classes[20];
    for (int i = 0; i < 20; i++) {
        keys[i] = i;
        labels[i] = i % 2;
        classes[i] = i % 2;
    }
    classes[4] = 1;
    classes[6] = 3;
    classes[8] = 3;
    sample(&e, 0, keys, labels, classes, 20);
    sample(&e, 1, (const double[]){0.5, 1, 7, 9}, NULL, (const int32_t[]){1, 1, 3, 1}, 4);
    nb_confusion c;
    must(nb_confusion_find(&c, &e, &err), &err);
    assert_int_equal(c.count, 4);
    assert_true(c.threshold == 1);
    const nb_confused *zero = &c.labels[0];
    assert_true(zero->images == 10 && zero->right == 7 && zero->rejected == 1 && zero->taken == 0);
    assert_true(zero->mistaken == 2 && zero->mistaken_for == 3);
    assert_true(zero->culprit_count == 4 && zero->culprits[0].row == 0 && zero->culprits[3].row == 8);
    const nb_confused *one = &c.labels[1];
    assert_true(one->images == 10 && one->right == 10 && one->taken == 2 && one->mistaken == 0);
    assert_true(one->culprit_count == 2 && one->culprits[0].row == 3 && one->culprits[1].row == 1 &&
                !one->culprits[0].id);
    static const size_t ranked[] = {0, 1, 3, 2};
    assert_memory_equal(c.ranked, ranked, sizeof ranked);
    nb_confusion_free(&c);
    nb_evaluation_free(&e);
    nb_eval_plan_free(&plan);
    nb_strings_free(&ids);
    nb_strings_free(&oods);
}

static void thumbnails_are_small_pictures(void **state)
{
    (void)state;
    static const size_t sides[][4] = {{300, 100, 112, 37}, {5, 4000, 1, 112}, {20, 30, 20, 30}};
    const char *path = scratch_path("big.png");
    nb_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        nb_image image = {0};
        nb_image back = {0};
        nb_buffer uri = {0};
        static const char prefix[] = "data:image/png;base64,";
        must(nb_image_create(&image, sides[i][0], sides[i][1], &err), &err);
        memset(image.rgb, 200, image.width * image.height * 3);
        must(nb_image_write_png(path, &image, true, &err), &err);
        must(nb_thumbnail(&uri, path, &err), &err);
        assert_memory_equal(uri.data, prefix, sizeof prefix - 1);
        unsigned char *bytes = malloc(uri.len);
        size_t len = 0;
        assert_non_null(bytes);
        assert_int_equal(sodium_base642bin(bytes, uri.len, uri.data + sizeof prefix - 1, uri.len - sizeof prefix + 1,
                                           NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                         0);
        must(nb_image_decode(&back, bytes, len, "thumbnail", &err), &err);
        assert_true(back.width == sides[i][2] && back.height == sides[i][3] && back.rgb[0] == 200);
        nb_image_free(&image);
        nb_image_free(&back);
        nb_buffer_free(&uri);
        free(bytes);
    }
    nb_buffer uri = {0};
    must_fail(nb_thumbnail(&uri, "/etc", &err), NB_ERR_INPUT, &err, "directory");
    must_fail(nb_thumbnail(&uri, scratch_path("none.png"), &err), NB_ERR_INPUT, &err, "none.png");
    int fd = open(path, O_WRONLY);
    assert_int_equal(ftruncate(fd, (64 << 20) + 1), 0);
    close(fd);
    must_fail(nb_thumbnail(&uri, path, &err), NB_ERR_INPUT, &err, "at most 67108864 are accepted");
    assert_int_equal(uri.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_made_harmless),
        cmocka_unit_test(texts_are_shortened_by_columns),
        cmocka_unit_test(ticks_are_round_numbers),
        cmocka_unit_test(drawings_say_the_same_in_both_formats),
        cmocka_unit_test(parts_of_a_bank_keep_shares_of_tags),
        cmocka_unit_test(sweeps_leave_out_what_cannot_be),
        cmocka_unit_test(confusions_are_counted),
        cmocka_unit_test(thumbnails_are_small_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
