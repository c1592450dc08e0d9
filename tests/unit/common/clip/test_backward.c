/* The ways back of both towers and the loss: against golden/gradients, made by PyTorch on the authors' code, and
 * against differences of towers in double precision. */
#include "support/double_towers.h"
#include "support/sketch.h"
#include "support/support.h"

#include "common/base/random.h"
#include "common/clip/gradients/backward_towers.h"
#include "common/clip/model/tensors.h"
#include "common/clip/model/weights.h"
#include "common/linear/reference/kernels.h"
#include "mining/tuning/loss.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_MAX = 77 };

/* A batch of pairs. */
typedef struct pairs {
    size_t count;
    int32_t ids[8 * CONTEXT_MAX];
    size_t lengths[8];
    float *pixels;
} pairs;

/* The golden batch: 8 texts and the model's first preprocessed images; where fewer are kept, these over and over. */
static void read_pairs(pairs *p, const nb_clip *clip, const char *model)
{
    nb_error err = {0};
    nb_map map;
    char name[128];
    json_t *root = json_load_file(golden_path("gradients/cma.json"), 0, NULL);
    json_t *ids = json_object_get(root, "ids");
    *p = (pairs){.count = json_array_size(ids)};
    assert_int_equal(p->count, 8);
    for (size_t i = 0; i < p->count; i++) {
        json_t *row = json_array_get(ids, i);
        p->lengths[i] = json_array_size(row);
        for (size_t k = 0; k < p->lengths[i]; k++) {
            p->ids[i * clip->config.context + k] = (int32_t)json_integer_value(json_array_get(row, k));
        }
    }
    json_decref(root);
    snprintf(name, sizeof name, "%s/pixels.npy", model);
    size_t each = 3 * clip->config.image_size * clip->config.image_size, bytes = each * sizeof(float);
    must(nb_map_open(&map, golden_path(name), &err), &err);
    size_t kept = map.len / bytes;
    assert_true(kept > 0);
    p->pixels = calloc(p->count * each, sizeof *p->pixels);
    for (size_t i = 0; i < p->count; i++) { /* behind a header of four dimensions, shorter than an image */
        memcpy(p->pixels + i * each, map.data + map.len - (kept - i % kept) * bytes, bytes);
    }
    nb_map_close(&map);
}

/* Loss and gradients [parameters] of one batch, in micro-batches of `together` pairs. */
static nb_loss_terms gradients(const nb_clip *clip, const pairs *p, double lambda, size_t together, bool recompute,
                               float *out)
{
    nb_error err = {0};
    nb_text_tape text;
    nb_image_tape image;
    nb_loss loss;
    nb_loss_terms terms;
    size_t d = clip->config.projection, context = clip->config.context, n = p->count;
    size_t each = 3 * clip->config.image_size * clip->config.image_size, parameters = nb_clip_parameters(&clip->config);
    float *rows = calloc(4 * n * d, sizeof *rows), *images = rows, *texts = rows + n * d, *dimages = rows + 2 * n * d,
          *dtexts = rows + 3 * n * d;
    nb_gradient_sink sink = {.weights = clip->arena, .gradients = out};
    memset(out, 0, parameters * sizeof *out);
    must(nb_text_tape_create(&text, clip, together, recompute, &err), &err);
    must(nb_image_tape_create(&image, clip, together, recompute, &err), &err);
    must(nb_loss_create(&loss, n, d, &err), &err);
    for (size_t at = 0; at < n; at += together) {
        nb_image_tape_forward(&image, p->pixels + at * each, together, images + at * d);
        nb_text_tape_forward(&text, p->ids + at * context, p->lengths + at, together, texts + at * d);
    }
    const nb_loss_batch batch = {
        .image = images, .text = texts, .count = n, .logit_scale = (double)clip->logit_scale, .lambda = lambda};
    nb_loss_gradients by = {.image = dimages, .text = dtexts};
    must(nb_loss_compute(&loss, &batch, &terms, &by, &err), &err);
    for (size_t at = 0; at < n; at += together) {
        nb_image_tape_forward(&image, p->pixels + at * each, together, images + at * d);
        nb_image_tape_backward(&image, dimages + at * d, &sink);
        nb_text_tape_forward(&text, p->ids + at * context, p->lengths + at, together, texts + at * d);
        nb_text_tape_backward(&text, dtexts + at * d, &sink);
    }
    out[parameters - 1] += (float)by.scale;
    nb_text_tape_destroy(&text);
    nb_image_tape_destroy(&image);
    nb_loss_destroy(&loss);
    free(rows);
    return terms;
}

/* The gradients by the keys' biases are zero but for rounding: softmax does not see what all scores share. Their errors
 * are measured by this instead of by themselves. */
static double least_size(const char *name)
{
    return strstr(name, "k_proj.bias") ? 1e-2 : 1e-12;
}

/* Relative error |got - want| / |want|, where `want` is a sketch (support/sketch.h). */
static double relative(const nb_tensor *got, const nb_tensor *want)
{
    double sums[SKETCH_BUCKETS], off = 0, size = 0;
    assert_int_equal(want->count, sketch_make(sums, got->data, NULL, got->count));
    for (size_t i = 0; i < want->count; i++) {
        float b;
        memcpy(&b, (const char *)want->data + 4 * i, 4);
        off += pow(sums[i] - (double)b, 2);
        size += pow((double)b, 2);
    }
    return sqrt(off) / fmax(sqrt(size), least_size(got->name));
}

static void test_golden(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    nb_clip_tensors named;
    nb_safetensors *golden;
    pairs p;
    must(nb_clip_open(&clip, golden_path("tiny-quickgelu"), &err), &err);
    read_pairs(&p, clip, "tiny-quickgelu");
    float *g = calloc(nb_clip_parameters(&clip->config), sizeof *g);
    nb_loss_terms terms = gradients(clip, &p, 0.001, 8, false, g);
    assert_float_equal(terms.loss, 8.183907508850098, 1e-4);
    assert_float_equal(terms.image_ce, 12.602075576782227, 1e-4);
    assert_float_equal(terms.text_ce, 3.7898247241973877, 1e-4);
    assert_float_equal(terms.image_energy, -16.448801040649414, 1e-4);
    assert_float_equal(terms.text_energy, -7.636549949645996, 1e-4);
    must(nb_clip_tensors_list(&named, clip, clip->arena, g, &err), &err);
    must(nb_safetensors_open(&golden, golden_path("gradients/cma_gradients_step0.safetensors"), &err), &err);
    assert_int_equal(named.count, nb_safetensors_count(golden));
    double worst = 0;
    for (size_t i = 0; i < named.count; i++) {
        const nb_tensor *want = nb_safetensors_find(golden, named.tensors[i].name);
        assert_non_null(want);
        double off = relative(&named.tensors[i], want);
        worst = fmax(worst, off);
        if (!(off <= 1e-3)) {
            fail_msg("%s: relative error %g", named.tensors[i].name, off);
        }
    }
    print_message("%zu tensors, largest relative error %.2g\n", named.count, worst);
    nb_safetensors_close(golden);
    nb_clip_tensors_free(&named);
    nb_clip_close(clip);
    free(g), free(p.pixels);
}

/* Micro-batches give the same to rounding, recomputing gives the same bits. */
static void test_pieces(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_clip *clip;
    pairs p;
    must(nb_clip_open(&clip, golden_path("tiny-gelu"), &err), &err);
    size_t n = nb_clip_parameters(&clip->config);
    float *whole = calloc(n, sizeof *whole), *pieces = calloc(n, sizeof *pieces), *again = calloc(n, sizeof *again);
    read_pairs(&p, clip, "tiny-gelu");
    gradients(clip, &p, 0.1, 8, false, whole);
    gradients(clip, &p, 0.1, 2, false, pieces);
    gradients(clip, &p, 0.1, 2, true, again);
    assert_memory_equal(pieces, again, n * sizeof *pieces);
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        off += pow((double)whole[i] - (double)pieces[i], 2);
        size += pow((double)whole[i], 2);
    }
    assert_true(sqrt(off / size) < 1e-5);
    nb_clip_close(clip);
    free(whole), free(pieces), free(again), free(p.pixels);
}

/* --- differences ------------------------------------------------------------------------------------------------- */

enum { SIDE_TEXT = 1, SIDE_IMAGE = 2, PAIRS = 2 };

/* The loss of a batch in double precision, from its formula. e [2, count, d]: normalised embeddings, of which those of
 * `sides` are computed anew. */
static double double_loss(const double_model *m, const pairs *p, double lambda, int sides, double *e)
{
    const nb_clip_config *c = &m->clip->config;
    size_t n = p->count, d = c->projection;
    double row[PAIRS], column[PAIRS], loss = 0, scale = exp(m->weights[nb_clip_parameters(c) - 1]);
    for (size_t i = 0; i < n; i++) {
        if (sides & SIDE_IMAGE) {
            double_image(m, p->pixels + i * 3 * c->image_size * c->image_size, e + i * d);
            nb_normalise_row(e + i * d, e + i * d, d);
        }
        if (sides & SIDE_TEXT) {
            double_text(m, p->ids + i * c->context, p->lengths[i], e + (n + i) * d);
            nb_normalise_row(e + (n + i) * d, e + (n + i) * d, d);
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            row[k] = scale * nb_dot(e + i * d, e + (n + k) * d, d);
            column[k] = scale * nb_dot(e + k * d, e + (n + i) * d, d);
        }
        double by_row = nb_log_sum_exp(row, n), by_column = nb_log_sum_exp(column, n);
        loss += (by_row - row[i] - lambda * by_row + by_column - column[i] - lambda * by_column) / (2.0 * (double)n);
    }
    return loss;
}

/* (loss at weight + h - loss at weight - h) / 2 h */
static double difference(double_model *m, const pairs *p, double lambda, const nb_tensor *t, size_t at, double *e)
{
    const double h = 1e-5;
    int sides = strncmp(t->name, "text", 4) == 0 ? SIDE_TEXT : strncmp(t->name, "vis", 3) == 0 ? SIDE_IMAGE : 0;
    double *weight = m->weights + at, was = *weight;
    *weight = was + h;
    double up = double_loss(m, p, lambda, sides, e);
    *weight = was - h;
    double down = double_loss(m, p, lambda, sides, e);
    *weight = was;
    double_loss(m, p, lambda, sides, e); /* as they were, for the other side's turn */
    return (up - down) / (2 * h);
}

/* The element of a tensor the gradient is largest at, and two others. */
static size_t element_of(const nb_tensor *t, size_t which)
{
    size_t best = 0;
    const float *g = t->data;
    for (size_t i = 0; i < t->count; i++) {
        best = fabsf(g[i]) > fabsf(g[best]) ? i : best;
    }
    return which == 0 ? best : (size_t)nb_random_below(3, t->count, which, t->count);
}

/* Towers in double precision crawl under sanitizers: there some of the tensors stand for all. */
enum { EVERY = NB_SANITIZED ? 25 : 1 };

static void check_differences(const char *model)
{
    nb_error err = {0};
    nb_clip *clip;
    nb_clip_tensors named;
    double_model m;
    pairs p;
    const double lambda = 0.1;
    must(nb_clip_open(&clip, golden_path(model), &err), &err);
    read_pairs(&p, clip, model);
    p.count = PAIRS;
    float *g = calloc(nb_clip_parameters(&clip->config), sizeof *g);
    gradients(clip, &p, lambda, PAIRS, false, g);
    double *e = calloc(2 * PAIRS * clip->config.projection, sizeof *e);
    double_model_open(&m, clip, clip->arena);
    double_loss(&m, &p, lambda, SIDE_TEXT | SIDE_IMAGE, e);
    must(nb_clip_tensors_list(&named, clip, clip->arena, g, &err), &err);
    double worst = 0;
    for (size_t i = 0; i < named.count; i += EVERY) {
        const nb_tensor *t = &named.tensors[i];
        double largest = fmax(fabs((double)((const float *)t->data)[element_of(t, 0)]), least_size(t->name));
        for (size_t k = 0; k < (t->count > 1 ? 2 : 1); k++) {
            size_t element = element_of(t, k);
            size_t at = (size_t)((const float *)t->data - g) + element;
            double want = difference(&m, &p, lambda, t, at, e), got = (double)((const float *)t->data)[element];
            double off = fabs(got - want) / largest;
            worst = fmax(worst, off);
            if (!(off < 2e-4)) {
                fail_msg("%s: %s element %zu: %.9g, by differences %.9g", model, t->name, element, got, want);
            }
        }
    }
    print_message("%s: %zu tensors, largest error %.2g of a tensor's largest gradient\n", model, named.count, worst);
    double_model_close(&m);
    nb_clip_tensors_free(&named);
    nb_clip_close(clip);
    free(e), free(g), free(p.pixels);
}

static void test_differences(void **state)
{
    (void)state;
    check_differences("tiny-quickgelu");
    check_differences("tiny-gelu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
