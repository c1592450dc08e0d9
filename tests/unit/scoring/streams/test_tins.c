/* TINS along a stream: the released code's scores, decisions and banks with its draws, fed with its inverted features
 * and with ours; states; odd streams. */
#include "support/support.h"

#include "common/linear/blas.h"
#include "common/linear/exact/inter_modal.h"
#include "common/linear/reference/kernels.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/tins.h"
#include "scoring/visual/stream_visual.h"
#include "support/streams/method_bank.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the score alone ---- */

static void check_score(const nb_bank *bank, const method_bank *m, const char *parameters, const char *name)
{
    nb_error err = {0};
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    char path[96];
    size_t n, width;
    double worst = 0;
    snprintf(path, sizeof path, "methods2/tins_score_%s.npy", name);
    double *want = golden_rows(path, &n, &width);
    nb_score_result *got = calloc(m->count, sizeof *got);
    must(nb_score_published(&p, nb_score_find("tins"), &err), &err);
    must(nb_parameters_parse(&p, parameters, &err), &err);
    must(nb_scorer_create(&scorer, bank, &p, &err), &err);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_push(stream, m->images, m->count, got, &err), &err);
    assert_int_equal(n, m->count);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(got[i].score - want[i]));
        assert_true(fabs(got[i].score + got[i].ood - 1) < 1e-12);
    }
    print_message("score %s: largest difference %.2g\n", name, worst);
    assert_true(worst <= 1e-5);
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    free(want), free(got);
}

static void test_score(void **state)
{
    (void)state;
    method_bank m;
    size_t n;
    method_bank_open(&m);
    check_score(&m.bank, &m, "groups=1", "g1");
    check_score(&m.bank, &m, "groups=5", "g5");
    check_score(&m.bank, &m, "groups=10", "g10");
    size_t d = m.bank.d, *order = golden_numbers("methods2/tins_score_g5_permutation.npy", &n);
    nb_bank permuted = m.bank;
    permuted.negative_count = n;
    permuted.negative_rows = calloc(n * d, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        memcpy(permuted.negative_rows + i * d, m.bank.negative_rows + order[i] * d, d * sizeof(double));
    }
    check_score(&permuted, &m, "groups=5", "g5_permuted");
    free(permuted.negative_rows), free(order);
    method_bank_close(&m);
}

/* ---- streams ---- */

typedef struct world {
    nb_bank bank;
    nb_clip *clip;
    float *images; /* [count, d] in stream order */
    size_t count;
    json_t *meta; /* of the streams */
    double scale; /* 1 / T */
} world;

static void open_world(world *w)
{
    nb_error err = {0};
    size_t n, d;
    *w = (world){.bank = {.tau = (double)NAN}};
    json_t *root = json_load_file(golden_path("methods2/tins_words.json"), 0, NULL);
    json_t *words = json_object_get(root, "bank_words");
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *text = json_string_value(json_array_get(words, i));
        must(nb_strings_push(&w->bank.negatives, text, strlen(text), &err), &err);
    }
    json_decref(root);
    w->bank.label_rows = golden_rows("methods2/tins_id_text.npy", &w->bank.label_count, &w->bank.d);
    d = w->bank.d;
    w->bank.prototypes = golden_rows("methods2/tins_prototypes.npy", &n, &d);
    w->bank.negative_rows = golden_rows("methods2/tins_bank_features.npy", &w->bank.negative_count, &d);
    double *rows[] = {w->bank.label_rows, w->bank.prototypes, w->bank.negative_rows};
    size_t counts[] = {w->bank.label_count, n, w->bank.negative_count};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < counts[k]; i++) {
            nb_normalise_row(rows[k] + i * d, rows[k] + i * d, d);
        }
    }
    w->images = golden_floats("methods2/tins_images.npy", &w->count, &d);
    must(nb_clip_open(&w->clip, golden_path("tiny-quickgelu"), &err), &err);
    json_t *meta = json_load_file(golden_path("methods2/meta.json"), 0, NULL);
    json_t *tins = json_object_get(meta, "tins");
    w->meta = json_incref(json_object_get(tins, "streams"));
    w->scale = json_number_value(json_object_get(tins, "logit_scale"));
    json_decref(meta);
}

static void close_world(world *w)
{
    json_decref(w->meta);
    nb_clip_close(w->clip);
    nb_strings_free(&w->bank.negatives);
    free(w->bank.label_rows), free(w->bank.prototypes), free(w->bank.negative_rows), free(w->images);
}

/* A run of one setting, and what the released code did. */
typedef struct replay {
    const world *w;
    const char *setting;
    const json_t *steps; /* a row a batch */
    const json_t *permutations;
    size_t batch, step;
    float *inverted; /* [triggered, d] */
    size_t used;
    nb_inter_modal judge;
    nb_stream_visual *own; /* invert with this one, else `inverted` is fed */
} replay;

static size_t number_at(const json_t *list, size_t i)
{
    return (size_t)json_integer_value(json_array_get(list, i));
}

/* The stored draws. */
static void stored(void *self, size_t count, bool buffer, size_t *order)
{
    const replay *r = self;
    char size[24];
    snprintf(size, sizeof size, "%zu", count);
    const json_t *list =
        buffer ? json_object_get(json_array_get(r->steps, r->step), "draw") : json_object_get(r->permutations, size);
    if (!list && !buffer) {
        return; /* not permuted */
    }
    assert_true(json_array_size(list) > 0 && json_array_size(list) <= count);
    for (size_t i = 0; i < json_array_size(list); i++) {
        order[i] = number_at(list, i);
    }
}

/* What is triggered must be what was; fed features pass the rule. */
static nb_status feed(void *self, nb_stream *stream, const float *images, const size_t *number, size_t count,
                      nb_error *err)
{
    replay *r = self;
    const json_t *step = json_array_get(r->steps, r->step), *triggered = json_object_get(step, "triggered");
    const json_t *accepted = json_object_get(step, "accepted");
    size_t d = r->w->bank.d, next = 0;
    (void)images;
    assert_int_equal(count, json_array_size(triggered));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(number[i], number_at(triggered, i));
        bool rejected, taken = next < json_array_size(accepted) && number_at(accepted, next) == number[i];
        const float *from = r->inverted + r->used++ * d;
        double row[64];
        for (size_t k = 0; k < d; k++) {
            row[k] = (double)from[k];
        }
        double margin = nb_inter_modal_margin(&r->judge, row, &rejected);
        assert_int_equal(!rejected, taken);
        if (taken) {
            must(nb_stream_add_negatives(stream, from, &margin, 1, err), err);
            next++;
        }
    }
    assert_int_equal(next, json_array_size(accepted));
    return NB_OK;
}

static void begin(replay *r, nb_scorer *scorer, nb_stream **stream, nb_stream_visual *visual)
{
    nb_error err = {0};
    must(nb_stream_create(stream, scorer, &err), &err);
    if (r->own) {
        must(nb_stream_visual_attach(visual, *stream, &err), &err);
    } else {
        must(nb_stream_make_visual(*stream, feed, r, &err), &err);
    }
}

/* The accepted of a batch by our own inversion. */
static void check_accepted(const replay *r, size_t inverted, size_t rejected)
{
    const json_t *step = json_array_get(r->steps, r->step);
    size_t triggered = json_array_size(json_object_get(step, "triggered"));
    assert_int_equal(r->own->inverted - inverted, triggered);
    assert_int_equal(r->own->rejected - rejected, triggered - json_array_size(json_object_get(step, "accepted")));
    for (size_t i = 0; i < triggered; i++) {
        assert_int_equal(r->own->source.starts[i], number_at(json_object_get(step, "start_word"), i));
    }
}

static void check_stream(const world *w, const char *setting, bool own)
{
    nb_error err = {0};
    char path[96], text[160];
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    nb_stream_visual visual = {0};
    const json_t *of = json_object_get(w->meta, setting);
    size_t count = (size_t)json_integer_value(json_object_get(of, "images")), n, width, d = w->bank.d;
    double worst = 0, limit = own ? 1e-3 : 1e-5;
    replay r = {.w = w, .setting = setting, .batch = (size_t)json_integer_value(json_object_get(of, "batch_size"))};
    snprintf(path, sizeof path, "methods2/tins_stream_%s.json", setting);
    json_t *steps = json_load_file(golden_path(path), 0, NULL);
    r.steps = steps;
    r.permutations = json_object_get(of, "permutations");
    snprintf(path, sizeof path, "methods2/tins_stream_%s_inverted.npy", setting);
    double *inverted = golden_rows(path, &n, &width);
    r.inverted = calloc(n * d, sizeof *r.inverted);
    for (size_t i = 0; i < n * d; i++) {
        r.inverted[i] = (float)inverted[i];
    }
    snprintf(path, sizeof path, "methods2/tins_stream_%s_score.npy", setting);
    double *want = golden_rows(path, &width, &n);
    assert_int_equal(width * n, count);
    must(nb_inter_modal_create(&r.judge, w->bank.label_rows, w->bank.prototypes, w->bank.label_count, d, &err), &err);
    const nb_tins_draws draws = {stored, &r};
    snprintf(text, sizeof text, "groups=5,visual=16,buffer=%d,temperature=%.17g",
             json_is_true(json_object_get(of, "use_buffer")) ? 8 : 0, 1 / w->scale);
    must(nb_score_published(&p, nb_score_find("tins"), &err), &err);
    must(nb_parameters_parse(&p, text, &err), &err);
    must(nb_scorer_create(&scorer, &w->bank, &p, &err), &err);
    scorer.draws = &draws;
    if (own) {
        must(nb_stream_visual_create(&visual, w->clip, &scorer, &err), &err);
        r.own = &visual;
    }
    begin(&r, &scorer, &stream, &visual);
    nb_score_result *got = calloc(count, sizeof *got);
    for (size_t at = 0; at < count; at += r.batch, r.step++) {
        size_t size = count - at < r.batch ? count - at : r.batch, before = visual.inverted, refused = visual.rejected;
        must(nb_stream_push(stream, w->images + at * d, size, got + at, &err), &err);
        if (own) {
            check_accepted(&r, before, refused);
        }
        /* every batch is followed by a stop */
        nb_buffer packed = {0};
        must(nb_stream_pack(stream, &packed, &err), &err);
        nb_stream_destroy(stream);
        begin(&r, &scorer, &stream, &visual);
        must(nb_stream_unpack(stream, &packed, &err), &err);
        nb_buffer_free(&packed);
    }
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs(got[i].score - want[i]));
    }
    print_message("%s, %s features: %zu scores, largest difference %.2g\n", setting, own ? "our own" : "fed", count,
                  worst);
    assert_true(worst <= limit);
    nb_stream_destroy(stream);
    nb_stream_visual_destroy(&visual);
    nb_scorer_destroy(&scorer);
    nb_inter_modal_destroy(&r.judge);
    json_decref(steps);
    free(inverted), free(r.inverted), free(want), free(got);
}

static void test_streams(void **state)
{
    (void)state;
    static const char *const settings[] = {"plain", "buffer", "batch5", "permuted"};
    world w;
    open_world(&w);
    for (size_t i = 0; i < 4; i++) {
        check_stream(&w, settings[i], false);
        if (!NB_SANITIZED || i == 2) { /* the shortest */
            check_stream(&w, settings[i], true);
        }
    }
    close_world(&w);
}

/* Without draws from elsewhere: the seed decides; one image, a batch larger than the stream, all images equal. */
static void test_odd(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    open_world(&w);
    static const char *const parameters[] = {
        "visual=16,buffer=8,theta=0.9,steps=3", "visual=16,buffer=8,theta=0.9,steps=3",
        "visual=16,buffer=8,theta=0.9,steps=3,seed=5", "visual=0,steps=3", "visual=2,buffer=1,theta=1,steps=1"};
    nb_score_result results[5][64];
    for (size_t k = NB_SANITIZED ? 1 : 0; k < 5; k++) {
        nb_score_parameters p;
        nb_scorer scorer;
        nb_stream *stream;
        nb_stream_visual visual;
        must(nb_score_published(&p, nb_score_find("tins"), &err), &err);
        must(nb_parameters_parse(&p, parameters[k], &err), &err);
        must(nb_scorer_create(&scorer, &w.bank, &p, &err), &err);
        must(nb_stream_visual_create(&visual, w.clip, &scorer, &err), &err);
        must(nb_stream_create(&stream, &scorer, &err), &err);
        must(nb_stream_visual_attach(&visual, stream, &err), &err);
        if (k == 4) {
            must(nb_stream_push(stream, w.images, 1, results[k], &err), &err);
            for (size_t i = 1; i < 20; i++) {
                memcpy(w.images + i * w.bank.d, w.images, w.bank.d * sizeof *w.images);
            }
        }
        must(nb_stream_push_batches(stream, w.images, 64, k ? 16 : 100, results[k], &err), &err);
        for (size_t i = 0; i < 64; i++) {
            assert_true(results[k][i].score >= 0 && results[k][i].score <= 1);
        }
        nb_stream_destroy(stream);
        nb_stream_visual_destroy(&visual);
        nb_scorer_destroy(&scorer);
    }
    assert_memory_not_equal(results[1], results[2], sizeof results[1]);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_score), cmocka_unit_test(test_streams),
                                       cmocka_unit_test(test_odd)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
