/* Streams of images: their orders, whole runs, and visual negatives made along the way. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/stream_order.h"
#include "scoring/streams/stream_run.h"
#include "scoring/visual/stream_visual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS = 5, NEGATIVES = 42, IMAGES = 200, BATCH = 90 };

static void draw(double *out, size_t count, size_t d, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            out[i * d + k] = nb_random_normal(5, stream, i * d + k);
        }
        nb_normalise_row(out + i * d, out + i * d, d);
    }
}

/* A bank of random directions whose prototypes stand some way from their labels, and images. */
typedef struct world {
    nb_bank bank;
    float *images; /* [IMAGES, d] */
    double *memory;
} world;

static void world_open(world *w, size_t d)
{
    w->memory = calloc((2 * LABELS + NEGATIVES + IMAGES) * d, sizeof(double));
    w->images = calloc(IMAGES * d, sizeof(float));
    double *labels = w->memory, *prototypes = labels + LABELS * d, *negatives = prototypes + LABELS * d;
    double *images = negatives + NEGATIVES * d;
    draw(labels, LABELS, d, 1);
    draw(prototypes, LABELS, d, 2);
    for (size_t c = 0; c < LABELS; c++) {
        for (size_t k = 0; k < d; k++) {
            prototypes[c * d + k] = labels[c * d + k] + 4 * prototypes[c * d + k];
        }
        nb_normalise_row(prototypes + c * d, prototypes + c * d, d);
    }
    draw(negatives, NEGATIVES, d, 4);
    draw(images, IMAGES, d, 3);
    for (size_t i = 0; i < IMAGES * d; i++) {
        w->images[i] = (float)images[i];
    }
    w->bank = (nb_bank){.d = d,
                        .label_count = LABELS,
                        .negative_count = NEGATIVES,
                        .label_rows = labels,
                        .prototypes = prototypes,
                        .negative_rows = negatives};
}

static void world_close(world *w)
{
    free(w->memory);
    free(w->images);
}

static nb_status image(void *self, size_t i, float *out, nb_error *err)
{
    const world *w = self;
    (void)err;
    memcpy(out, w->images + i * w->bank.d, w->bank.d * sizeof *out);
    return NB_OK;
}

/* What the maker does, by hand: each batch is scored to find its images under theta, then for good. */
static size_t by_hand(const world *w, const nb_clip *clip, const nb_scorer *scorer, const size_t *order,
                      nb_score_result *results)
{
    nb_error err = {0};
    size_t d = w->bank.d, added = 0;
    nb_visual_limits limits;
    nb_visual_source source;
    nb_stream *stream;
    double *rows = calloc(NB_INVERT_TILE * d, sizeof *rows), margins[NB_INVERT_TILE];
    float *batch = calloc(BATCH * d, sizeof *batch), *features = calloc(NB_INVERT_TILE * d, sizeof *features);
    uint64_t ids[NB_INVERT_TILE];
    const nb_visual_classes classes = {w->bank.label_rows, w->bank.prototypes, LABELS};
    must(nb_visual_source_create(&source, clip, &classes, scorer->parameters.shared.seed, &err), &err);
    assert_true(nb_score_visual(scorer, &limits));
    must(nb_stream_create(&stream, scorer, &err), &err);
    for (size_t at = 0; at < IMAGES; at += BATCH) {
        size_t n = IMAGES - at < BATCH ? IMAGES - at : BATCH, held = 0;
        for (size_t i = 0; i < n; i++) {
            must(image((void *)(uintptr_t)w, order[at + i], batch + i * d, &err), &err);
        }
        must(nb_stream_push(stream, batch, n, results + at, &err), &err);
        for (size_t i = 0; i <= n; i++) {
            if (held == NB_INVERT_TILE || (i == n && held)) {
                const nb_visual_batch visual = {rows, ids, held, features, margins};
                must(nb_visual_source_run(&source, &visual, &err), &err);
                for (size_t k = 0; k < held; k++) {
                    if (margins[k] > -INFINITY) {
                        must(nb_stream_add_negatives(stream, features + k * d, margins + k, 1, &err), &err);
                        added++;
                    }
                }
                held = 0;
            }
            if (i < n && results[at + i].score < limits.theta) {
                for (size_t k = 0; k < d; k++) {
                    rows[held * d + k] = (double)batch[i * d + k];
                }
                ids[held++] = at + i;
            }
        }
        must(nb_stream_push(stream, batch, n, results + at, &err), &err);
    }
    nb_stream_destroy(stream);
    nb_visual_source_destroy(&source);
    free(rows), free(batch), free(features);
    return added;
}

static void test_visual(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    world w;
    nb_scorer scorer;
    nb_stream *stream;
    nb_stream_visual visual;
    nb_score_parameters settings;
    nb_score_result plain[IMAGES], made[IMAGES], want[IMAGES];
    size_t *order, changed = 0;
    must(nb_clip_open(&clip, golden_path("tiny-gelu"), &err), &err);
    world_open(&w, clip->config.projection);
    must(nb_score_published(&settings, nb_score_find("interneg"), &err), &err);
    must(nb_parameters_parse(&settings, "seed=9,visual=30", &err), &err);
    must(nb_scorer_create(&scorer, &w.bank, &settings, &err), &err);
    must(nb_stream_order_mixed(&order, IMAGES, 1, &err), &err);
    nb_stream_source source = {.count = IMAGES, .batch = BATCH, .order = order, .row = image, .self = &w};
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_run(stream, &source, w.bank.d, plain, &err), &err);
    nb_stream_destroy(stream);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_visual_create(&visual, clip, &scorer, &err), &err);
    must(nb_stream_visual_attach(&visual, stream, &err), &err);
    must(nb_stream_run(stream, &source, w.bank.d, made, &err), &err);
    nb_stream_destroy(stream);
    size_t added = by_hand(&w, clip, &scorer, order, want);
    print_message("%zu images inverted, %zu rejected\n", visual.inverted, visual.rejected);
    assert_true(visual.inverted > NB_INVERT_TILE && visual.rejected > 0);
    assert_true(added > 30 && visual.inverted - visual.rejected == added);
    for (size_t i = 0; i < IMAGES; i++) {
        assert_memory_equal(&made[i].score, &want[i].score, sizeof made[i].score);
        assert_memory_equal(&made[i].ood, &want[i].ood, sizeof made[i].ood);
        changed += made[i].score < plain[i].score || made[i].score > plain[i].score;
    }
    assert_true(changed > IMAGES / 2);
    nb_stream_visual_destroy(&visual);
    w.bank.d++;
    must_fail(nb_stream_visual_create(&visual, clip, &scorer, &err), NB_ERR_INPUT, &err, "embeds to width");
    nb_stream_visual_destroy(&visual);
    w.bank.d--;
    nb_scorer_destroy(&scorer);
    nb_clip_close(clip);
    world_close(&w);
    free(order);
}

static void decide(world *w, const char *score, const char *parameters, const char *model, bool asked, bool want,
                   const char *says)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_buffer note = {0};
    nb_score_parameters settings;
    bool make = !want;
    must(nb_score_published(&settings, nb_score_find(score), &err), &err);
    must(nb_parameters_parse(&settings, parameters, &err), &err);
    must(nb_scorer_create(&scorer, &w->bank, &settings, &err), &err);
    must(nb_stream_visual_decide(&scorer, model, asked, &make, &note, &err), &err);
    assert_true(make == want);
    assert_true(*says ? strstr(note.data, says) != NULL : note.len == 0);
    nb_buffer_free(&note);
    nb_scorer_destroy(&scorer);
}

static void test_decide(void **state)
{
    (void)state;
    nb_error err = {0};
    world w;
    nb_scorer scorer;
    nb_buffer note = {0};
    bool make;
    world_open(&w, 8);
    decide(&w, "mcm", "", "m", false, false, "");
    decide(&w, "interneg", "visual=0", "m", true, false, "no visual negatives");
    decide(&w, "interneg", "visual=10", "m", false, true, "become visual negatives");
    decide(&w, "interneg", "visual=10", NULL, false, false, "without --model: the bank's own 0");
    nb_score_parameters settings;
    must(nb_score_published(&settings, nb_score_find("interneg"), &err), &err);
    must(nb_scorer_create(&scorer, &w.bank, &settings, &err), &err);
    must_fail(nb_stream_visual_decide(&scorer, NULL, true, &make, &note, &err), NB_ERR_USAGE, &err, "needs --model");
    w.bank.prototypes = NULL;
    must_fail(nb_stream_visual_decide(&scorer, "m", false, &make, &note, &err), NB_ERR_INPUT, &err,
              "no image prototypes");
    nb_buffer_free(&note);
    nb_scorer_destroy(&scorer);
    world_close(&w);
}

/* Every image once, by seed and count alone. */
static void test_mixed(void **state)
{
    (void)state;
    nb_error err = {0};
    size_t *a, *b, *c, seen[1000] = {0}, moved = 0, differ = 0;
    must(nb_stream_order_mixed(&a, 1000, 7, &err), &err);
    must(nb_stream_order_mixed(&b, 1000, 7, &err), &err);
    must(nb_stream_order_mixed(&c, 1000, 8, &err), &err);
    assert_memory_equal(a, b, 1000 * sizeof *a);
    for (size_t i = 0; i < 1000; i++) {
        seen[a[i]]++;
        moved += a[i] != i;
        differ += a[i] != c[i];
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_true(moved > 900 && differ > 900);
    free(a), free(b), free(c);
    must(nb_stream_order_mixed(&a, 1, 7, &err), &err);
    assert_int_equal(a[0], 0);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visual), cmocka_unit_test(test_decide),
                                       cmocka_unit_test(test_mixed)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
