/* Training at any number of ranks: three steps as golden/gradients has them, with the bits of one rank alone. */
#include "common/clip/model/tensors.h"
#include "common/clip/model/weights.h"
#include "mining/embed/shared_model.h"
#include "mining/tuning/trainer.h"
#include "support/on_ranks.h"
#include "support/sketch.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 8, STEPS = 3 };

static nb_comm comm;

/* The golden pairs, in memory. */
typedef struct pairs {
    size_t each, context;
    float *pixels; /* [PAIRS, each] */
    int32_t ids[PAIRS * 77];
    size_t lengths[PAIRS];
    size_t broken; /* this one cannot be read; PAIRS for none */
} pairs;

static json_t *golden_json(void)
{
    json_t *root = json_load_file(golden_path("gradients/cma.json"), 0, NULL);
    assert_non_null(root);
    return root;
}

static void read_pairs(pairs *p, const nb_clip *clip)
{
    nb_error err = {0};
    nb_map map;
    json_t *root = golden_json(), *ids = json_object_get(root, "ids");
    *p = (pairs){.each = 3 * clip->config.image_size * clip->config.image_size,
                 .context = clip->config.context,
                 .broken = PAIRS};
    for (size_t i = 0; i < PAIRS; i++) {
        json_t *row = json_array_get(ids, i);
        p->lengths[i] = json_array_size(row);
        for (size_t k = 0; k < p->lengths[i]; k++) {
            p->ids[i * p->context + k] = (int32_t)json_integer_value(json_array_get(row, k));
        }
    }
    json_decref(root);
    must(nb_map_open(&map, golden_path("tiny-quickgelu/pixels.npy"), &err), &err);
    size_t bytes = PAIRS * p->each * sizeof(float);
    p->pixels = calloc(PAIRS * p->each, sizeof *p->pixels);
    memcpy(p->pixels, map.data + map.len - bytes, bytes); /* behind the header of four dimensions */
    nb_map_close(&map);
}

static nb_status read_pair(void *reader, size_t place, size_t number, nb_pair *out, nb_error *err)
{
    const pairs *p = reader;
    (void)place;
    if (number == p->broken) {
        return nb_fail(err, NB_ERR_INPUT, "pair %zu is broken", number);
    }
    memcpy(out->pixels, p->pixels + number * p->each, p->each * sizeof *out->pixels);
    memcpy(out->ids, p->ids + number * p->context, p->context * sizeof *out->ids);
    out->length = p->lengths[number];
    return NB_OK;
}

/* A trainer of its own on a fresh model. */
typedef struct session {
    nb_model model;
    nb_trainer trainer;
    pairs pairs;
} session;

static void start(session *s, const nb_comm *with, double lambda, size_t tile, bool recompute)
{
    nb_error err = {0};
    nb_trainer_plan plan = nb_trainer_plan_default();
    plan.batch = PAIRS;
    plan.tile = tile;
    plan.lambda = lambda;
    plan.recompute = recompute;
    must(nb_model_open(&s->model, with, golden_path("tiny-quickgelu"), &nb_engine_fp32, &err), &err);
    read_pairs(&s->pairs, s->model.clip);
    const nb_pair_source source = {.read = read_pair, .state = &s->pairs};
    must(nb_trainer_create(&s->trainer, with, &s->model, &plan, &source, &err), &err);
}

static void stop(session *s)
{
    nb_trainer_destroy(&s->trainer);
    nb_model_close(&s->model);
    free(s->pairs.pixels);
}

static const size_t order[PAIRS] = {0, 1, 2, 3, 4, 5, 6, 7};

static void check_losses(double lambda, const char *key)
{
    nb_error err = {0};
    session s;
    nb_loss_terms terms;
    json_t *root = golden_json(), *runs = json_object_get(json_object_get(root, "runs_by_lambda"), key);
    assert_int_equal(json_array_size(runs), STEPS);
    start(&s, &comm, lambda, 2, false);
    for (size_t i = 0; i < STEPS; i++) {
        must(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), &err);
        const double got[] = {terms.loss, terms.image_ce, terms.text_ce, terms.image_energy, terms.text_energy};
        static const char *const names[] = {"loss", "image_ce", "text_ce", "image_energy", "text_energy"};
        for (size_t k = 0; k < 5; k++) {
            double want = json_number_value(json_object_get(json_array_get(runs, i), names[k]));
            if (!(fabs(got[k] - want) <= 1e-3 * fmax(1, fabs(want)))) {
                fail_msg("lambda %s, step %zu: %s is %.9g instead of %.9g", key, i, names[k], got[k], want);
            }
        }
    }
    json_decref(root);
    stop(&s);
}

static void test_losses(void **state)
{
    (void)state;
    check_losses(0, "0.0");
    check_losses(0.001, "0.001");
    check_losses(0.1, "0.1");
}

/* Relative distance of arenas, tensor by tensor, from a golden file of sketches (support/sketch.h); the largest.
 * `from`: what is subtracted first, or NULL. size_of: whose tensors' lengths the distances are relative to; NULL for
 * the golden ones. Gradients by the keys' biases are zero but for rounding, and AdamW takes full steps along whatever
 * sign they have: `floor` stands in for their size. */
static double distance(const nb_clip *clip, const float *base, const float *arena, const float *from,
                       const float *size_of, const char *file, double floor)
{
    nb_error err = {0};
    nb_clip_tensors named;
    nb_safetensors *golden;
    double worst = 0, sums[SKETCH_BUCKETS];
    must(nb_clip_tensors_list(&named, clip, base, arena, &err), &err);
    must(nb_safetensors_open(&golden, golden_path(file), &err), &err);
    assert_int_equal(named.count, nb_safetensors_count(golden));
    for (size_t i = 0; i < named.count; i++) {
        const nb_tensor *t = &named.tensors[i], *want = nb_safetensors_find(golden, t->name);
        size_t at = (size_t)((const float *)t->data - arena);
        double off = 0, size = 0;
        assert_non_null(want);
        assert_int_equal(want->count, sketch_make(sums, t->data, from ? from + at : NULL, t->count));
        for (size_t k = 0; k < want->count; k++) {
            float b;
            memcpy(&b, (const char *)want->data + 4 * k, 4);
            off += pow(sums[k] - (double)b, 2);
            size += size_of ? 0 : pow((double)b, 2);
        }
        for (size_t k = 0; size_of && k < t->count; k++) {
            size += pow((double)size_of[at + k], 2);
        }
        double least = strstr(want->name, "k_proj.bias") ? floor : 1e-12;
        worst = fmax(worst, sqrt(off) / fmax(sqrt(size), least));
    }
    nb_safetensors_close(golden);
    nb_clip_tensors_free(&named);
    return worst;
}

static void test_steps(void **state)
{
    (void)state;
    nb_error err = {0};
    session s, one;
    nb_loss_terms terms;
    nb_comm alone = {.handle = MPI_COMM_SELF, .size = 1};
    start(&s, &comm, 0.001, 2, false);
    start(&one, &alone, 0.001, 2, true);
    size_t n = s.trainer.parameters;
    float *before = calloc(n, sizeof *before);
    memcpy(before, s.model.weights.base, n * sizeof *before);
    float *gradients = calloc(n, sizeof *gradients), *own = calloc(n, sizeof *own);
    for (size_t i = 0; i < STEPS; i++) {
        must(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), &err);
        must(nb_trainer_step(&one.trainer, order, 1e-3, &terms, &err), &err);
        if (i == 0) {
            for (size_t k = s.trainer.slice.begin; k < s.trainer.slice.end; k++) {
                own[k - s.trainer.slice.begin] = (float)nb_trainer_gradient(&s.trainer, k);
            }
            must(nb_training_gather(&comm, own, gradients, n, &err), &err);
        }
    }
    assert_memory_equal(s.model.weights.base, one.model.weights.base, n * sizeof(float));
    if (comm.rank == 0) {
        const float *base = s.model.weights.base;
        double off =
            distance(s.model.clip, base, gradients, NULL, NULL, "gradients/cma_gradients_step0.safetensors", 1e-2);
        double moved = distance(s.model.clip, base, base, before, base, "gradients/cma_change_step3.safetensors", 100);
        double change = distance(s.model.clip, base, base, before, NULL, "gradients/cma_change_step3.safetensors", 100);
        print_message(
            "%d ranks: largest relative error of a gradient %.2g, of a weight after 3 steps %.2g, of its change "
            "%.2g\n",
            comm.size, off, moved, change);
        assert_true(off <= 1e-3);
        assert_true(moved <= 1e-3);
        /* AdamW steps by a gradient's sign more than by its size: where it is near zero the sign is that of its
         * rounding, which differs between kernels (6e-4 with Haswell's, 1.3e-2 with Nehalem's). */
        assert_true(change <= 5e-2);
    }
    free(gradients), free(own), free(before);
    stop(&s);
    stop(&one);
}

/* One rank's data are broken: all ranks say so, none waits. */
static void test_failure(void **state)
{
    (void)state;
    nb_error err = {0};
    session s;
    nb_loss_terms terms;
    start(&s, &comm, 0.001, 2, false);
    s.pairs.broken = 7;
    must_fail(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), NB_ERR_INPUT, &err, "pair 7 is broken");
    s.pairs.broken = PAIRS;
    err = (nb_error){0};
    must(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), &err);
    s.pairs.pixels[3] = NAN;
    must_fail(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), NB_ERR_NUMERIC, &err, "step 2");
    const float *weights = s.model.weights.base;
    for (size_t i = 0; i < s.trainer.parameters; i++) {
        assert_true(isfinite(weights[i]));
    }
    stop(&s);
}

/* A batch that the tile does not divide, and more ranks than tiles. */
static void test_uneven(void **state)
{
    (void)state;
    nb_error err = {0};
    session s, one;
    nb_loss_terms terms, terms_one;
    nb_comm alone = {.handle = MPI_COMM_SELF, .size = 1};
    start(&s, &comm, 0, 5, false);
    start(&one, &alone, 0, 5, false);
    must(nb_trainer_step(&s.trainer, order, 1e-3, &terms, &err), &err);
    must(nb_trainer_step(&one.trainer, order, 1e-3, &terms_one, &err), &err);
    assert_memory_equal(&terms, &terms_one, sizeof terms);
    assert_memory_equal(s.model.weights.base, one.model.weights.base, s.trainer.parameters * sizeof(float));
    stop(&s);
    stop(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_uneven),
    };
    return run_on_ranks(&comm, tests, NULL);
}
