/* TANL along a stream: the released code's thresholds, banks, classes and scores with its draws, alone and shared by
 * several; Otsu's threshold; states; what is refused. */
#include "support/support.h"

#include "common/linear/blas.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/corpus_pass.h"
#include "scoring/streams/otsu.h"
#include "scoring/streams/stream.h"
#include "support/streams/method_bank.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 4, BETA = 60 };

/* What the streams of a test share. */
typedef struct world {
    method_bank m;
    float *corpus, *noise, *images; /* images in stream order */
    size_t corpus_count, noise_count, count;
    size_t label_order[64], noise_order[64], labels, noises;
} world;

/* Members combine by a barrier and one buffer. */
typedef struct group {
    pthread_barrier_t barrier;
    uint64_t *words;
    size_t members;
} group;

/* One of them. */
typedef struct member {
    const world *w;
    group *group;
    nb_stream_corpus corpus;
    const char *parameters;
    size_t batch, count, stop; /* the state is saved and restored before image `stop` */
    nb_score_result *results;
    size_t steps;
    size_t *selected;  /* [steps, BETA] */
    double *threshold; /* [steps] */
    double *first;     /* [count] */
    size_t seen;
    nb_buffer state;
} member;

static nb_status corpus_rows(void *self, size_t begin, size_t count, float *out, nb_error *err)
{
    const world *w = ((const member *)self)->w;
    (void)err;
    memcpy(out, w->corpus + begin * w->m.bank.d, count * w->m.bank.d * sizeof *out);
    return NB_OK;
}

static nb_status combine(void *self, void *words, size_t count, nb_error *err)
{
    group *g = ((member *)self)->group;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)err;
    pthread_barrier_wait(&g->barrier);
    pthread_mutex_lock(&lock);
    if (!g->words) {
        g->words = calloc(count + 1, sizeof *g->words);
    }
    for (size_t i = 0; i < count; i++) {
        g->words[i] |= ((uint64_t *)words)[i];
    }
    pthread_mutex_unlock(&lock);
    pthread_barrier_wait(&g->barrier);
    memcpy(words, g->words, count * sizeof *g->words);
    if (pthread_barrier_wait(&g->barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        free(g->words);
        g->words = NULL;
    }
    pthread_barrier_wait(&g->barrier);
    return NB_OK;
}

static void watch(void *self, const nb_stream_step *step)
{
    member *m = self;
    m->selected = realloc(m->selected, (m->steps + 1) * BETA * sizeof *m->selected);
    m->threshold = realloc(m->threshold, (m->steps + 1) * sizeof *m->threshold);
    memcpy(m->selected + m->steps * BETA, step->bank, step->bank_count * sizeof *step->bank);
    memcpy(m->first + m->seen, step->first, step->count * sizeof *step->first);
    m->threshold[m->steps++] = step->threshold;
    m->seen += step->count;
}

static void *go(void *self)
{
    member *me = self;
    const world *w = me->w;
    nb_error err = {0};
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    size_t d = w->m.bank.d;
    must(nb_score_published(&p, nb_score_find("tanl"), &err), &err);
    must(nb_parameters_parse(&p, me->parameters, &err), &err);
    must(nb_scorer_create(&scorer, &w->m.bank, &p, &err), &err);
    scorer.corpus = &me->corpus;
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_push_batches(stream, w->images, me->stop, me->batch, me->results, &err), &err);
    must(nb_stream_pack(stream, &me->state, &err), &err);
    nb_stream_destroy(stream);
    must(nb_stream_create(&stream, &scorer, &err), &err);
    must(nb_stream_unpack(stream, &me->state, &err), &err);
    must(nb_stream_push_batches(stream, w->images + me->stop * d, me->count - me->stop, me->batch,
                                me->results + me->stop, &err),
         &err);
    nb_stream_destroy(stream);
    nb_scorer_destroy(&scorer);
    return NULL;
}

/* A stream shared by so many; the first one's notes, freed by forget. */
static member run(const world *w, const char *parameters, size_t batch, size_t count, size_t members, size_t stop)
{
    member all[MEMBERS_MAX] = {0};
    pthread_t threads[MEMBERS_MAX];
    group g = {.members = members};
    pthread_barrier_init(&g.barrier, NULL, (unsigned)members);
    for (size_t r = 0; r < members; r++) {
        all[r] = (member){.w = w,
                          .group = &g,
                          .parameters = parameters,
                          .batch = batch,
                          .count = count,
                          .stop = stop,
                          .results = calloc(count, sizeof(nb_score_result)),
                          .first = calloc(count, sizeof(double))};
        all[r].corpus = (nb_stream_corpus){.count = w->corpus_count,
                                           .d = w->m.bank.d,
                                           .rows = corpus_rows,
                                           .noise = w->noise,
                                           .noise_count = w->noise_count,
                                           .tile = 200, /* 8 tiles, the last one shorter */
                                           .member = r,
                                           .members = members,
                                           .combine = combine,
                                           .label_order = w->labels ? w->label_order : NULL,
                                           .noise_order = w->noises ? w->noise_order : NULL,
                                           .label_draws = w->labels,
                                           .noise_draws = w->noises,
                                           .watch = watch,
                                           .self = &all[r]};
        assert_int_equal(pthread_create(&threads[r], NULL, go, &all[r]), 0);
    }
    for (size_t r = 0; r < members; r++) {
        pthread_join(threads[r], NULL);
        if (r) { /* all know the same */
            for (size_t i = 0; i < count; i++) {
                assert_memory_equal(&all[r].results[i].score, &all[0].results[i].score, sizeof(double));
            }
            assert_int_equal(all[r].state.len, all[0].state.len);
            assert_memory_equal(all[r].state.data, all[0].state.data, all[0].state.len);
        }
    }
    for (size_t r = 1; r < members; r++) {
        free(all[r].results), free(all[r].first), free(all[r].selected), free(all[r].threshold);
        nb_buffer_free(&all[r].state);
    }
    pthread_barrier_destroy(&g.barrier);
    return all[0];
}

static void forget(member *m)
{
    free(m->results), free(m->first), free(m->selected), free(m->threshold);
    nb_buffer_free(&m->state);
}

static void open_world(world *w)
{
    size_t n, d, *rows, *order;
    *w = (world){0};
    method_bank_open(&w->m);
    d = w->m.bank.d;
    rows = golden_numbers("methods2/tanl_corpus_rows.npy", &w->corpus_count);
    w->corpus = calloc(w->corpus_count * d, sizeof *w->corpus);
    for (size_t i = 0; i < w->corpus_count; i++) {
        for (size_t k = 0; k < d; k++) {
            w->corpus[i * d + k] = (float)w->m.texts[rows[i] * d + k];
        }
    }
    w->noise = golden_floats("methods2/tanl_noise_images.npy", &w->noise_count, &n);
    order = golden_numbers("methods/stream_order.npy", &w->count);
    w->images = calloc(w->count * d, sizeof *w->images);
    for (size_t i = 0; i < w->count; i++) {
        memcpy(w->images + i * d, w->m.images + order[i] * d, d * sizeof *w->images);
    }
    free(rows), free(order);
}

static void close_world(world *w)
{
    free(w->corpus), free(w->noise), free(w->images);
    method_bank_close(&w->m);
}

/* The draws of a setting in meta.json. */
static size_t draws(const json_t *from, const char *name, size_t *out)
{
    const json_t *list = json_object_get(from, name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        out[i] = (size_t)json_integer_value(json_array_get(list, i));
    }
    assert_true(json_array_size(list) > 0);
    return json_array_size(list);
}

static double *golden_of(const char *setting, const char *what, size_t *count)
{
    char name[96];
    size_t rows, width;
    snprintf(name, sizeof name, "methods2/tanl_%s_%s.npy", setting, what);
    double *out = golden_rows(name, &rows, &width);
    *count = rows * width;
    return out;
}

/* Golden banks are rows of texts.npy. */
static size_t entry_of(const world *w, double row)
{
    size_t n, at = 0, *rows = golden_numbers("methods2/tanl_corpus_rows.npy", &n);
    while (at < w->corpus_count && rows[at] != (size_t)row) {
        at++;
    }
    free(rows);
    return at;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static void check_banks(const world *w, const member *got, const double *want, size_t steps)
{
    size_t *map = calloc(w->m.text_count, sizeof *map), n, *rows, moved = 0;
    rows = golden_numbers("methods2/tanl_corpus_rows.npy", &n);
    for (size_t i = 0; i < n; i++) {
        map[rows[i]] = i;
    }
    assert_int_equal(entry_of(w, (double)rows[3]), 3);
    for (size_t s = 0; s < steps; s++) {
        size_t ours[BETA], theirs[BETA];
        for (size_t b = 0; b < BETA; b++) {
            ours[b] = got->selected[s * BETA + b];
            theirs[b] = map[(size_t)want[s * BETA + b]];
            moved += ours[b] != theirs[b];
        }
        qsort(ours, BETA, sizeof *ours, by_number);
        qsort(theirs, BETA, sizeof *theirs, by_number);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    print_message("    %zu of %zu entries swapped places\n", moved, steps * BETA);
    assert_true(moved <= steps * BETA / 50);
    free(map), free(rows);
}

static void check(world *w, const json_t *meta, const char *setting, const char *parameters, size_t batch)
{
    const json_t *of = json_object_get(json_object_get(meta, "tanl"), setting);
    size_t count = (size_t)json_integer_value(json_object_get(of, "images")), n, steps = (count + batch - 1) / batch;
    double worst = 0, worst_first = 0;
    w->labels = draws(of, "queue_init_id_texts", w->label_order);
    w->noises = draws(of, "queue_init_noise", w->noise_order);
    member got = run(w, parameters, batch, count, 1, 0);
    double *score = golden_of(setting, "score", &n), *first = golden_of(setting, "first_pass", &n);
    double *pred = golden_of(setting, "pred", &n), *threshold = golden_of(setting, "threshold", &n);
    assert_int_equal(n, steps);
    assert_int_equal(got.steps, steps);
    double *selected = golden_of(setting, "selected", &n);
    assert_int_equal(n, steps * BETA);
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs(got.results[i].score - score[i]));
        worst_first = fmax(worst_first, fabs(got.first[i] - first[i]));
        assert_int_equal(got.results[i].label, (int)pred[i]);
        assert_true(fabs(got.results[i].score + got.results[i].ood - 1) < 1e-6);
    }
    for (size_t s = 0; s < steps; s++) {
        assert_true(fabs(got.threshold[s] - threshold[s]) < 1e-7);
    }
    print_message("%s: %zu scores, largest difference %.2g, of the first pass %.2g\n", setting, count, worst,
                  worst_first);
    check_banks(w, &got, selected, steps);
    assert_true(worst <= 2e-4 && worst_first <= 2e-4);
    for (size_t members = 2; members <= MEMBERS_MAX; members *= 2) {
        member shared = run(w, parameters, batch, count, members, (steps / members) * batch);
        for (size_t i = 0; i < count; i++) {
            assert_memory_equal(&shared.results[i].score, &got.results[i].score, sizeof(double));
            assert_int_equal(shared.results[i].label, got.results[i].label);
        }
        assert_memory_equal(shared.selected, got.selected, steps * BETA * sizeof *got.selected);
        forget(&shared);
    }
    free(score), free(first), free(pred), free(threshold), free(selected);
    forget(&got);
}

static void test_golden(void **state)
{
    (void)state;
    world w;
    json_error_t why;
    json_t *meta = json_load_file(golden_path("methods2/meta.json"), 0, &why);
    assert_non_null(meta);
    open_world(&w);
    check(&w, meta, "alpha95", "alpha=0.95,beta=60,queue=24", 32);
    check(&w, meta, "official", "alpha=0,beta=60,queue=24", 32);
    check(&w, meta, "gamma0", "alpha=0,gamma=0,beta=60,queue=24", 32);
    check(&w, meta, "gamma7", "alpha=0.95,gamma=7,beta=60,queue=24", 32);
    check(&w, meta, "batch8", "alpha=0.95,beta=60,queue=24,history=150", 8);
    json_decref(meta);
    close_world(&w);
}

static void test_otsu(void **state)
{
    (void)state;
    json_error_t why;
    json_t *meta = json_load_file(golden_path("methods2/meta.json"), 0, &why);
    const json_t *list = json_object_get(meta, "otsu");
    size_t n, width, at = 0;
    double *values = golden_rows("methods2/otsu_values.npy", &n, &width);
    n *= width;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        size_t count = (size_t)json_integer_value(json_object_get(one, "size"));
        double want = json_real_value(json_object_get(one, "threshold")), got;
        float *x = calloc(count, sizeof *x);
        for (size_t k = 0; k < count; k++) {
            x[k] = (float)values[at + k];
        }
        got = nb_otsu_threshold(x, count);
        if (fabs(got - want) > 1e-7) {
            fail_msg("threshold %zu is %.9g instead of %.9g", i, got, want);
        }
        at += count;
        free(x);
    }
    assert_int_equal(at, n);
    assert_true(nb_otsu_threshold((float[]){0.3f, 0.3f, 0.3f}, 3) == 0.5); /* one class only */
    assert_true(nb_otsu_threshold(NULL, 0) == 0.5);
    free(values);
    json_decref(meta);
}

/* Seeds decide the draws; queues and histories longer than the stream, one image, a batch larger than the stream, equal
 * images. */
static void test_odd(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    member a = run(&w, "beta=60,queue=10,seed=1", 32, 96, 1, 32), b = run(&w, "beta=60,queue=10,seed=1", 32, 96, 1, 0);
    member c = run(&w, "beta=60,queue=10,seed=2,alpha=1", 32, 96, 1, 0), e;
    for (size_t i = 0; i < 96; i++) {
        assert_memory_equal(&a.results[i].score, &b.results[i].score, sizeof(double));
    }
    e = run(&w, "beta=60,queue=10,seed=1,alpha=1", 32, 96, 1, 0);
    assert_memory_not_equal(c.first, e.first, 96 * sizeof(double));
    forget(&a), forget(&b), forget(&c), forget(&e);
    a = run(&w, "beta=60,queue=500,alpha=0.5", 16, 40, 3, 16);
    forget(&a);
    a = run(&w, "beta=60", 256, 1, 1, 0);
    assert_true(a.results[0].score >= 0 && a.results[0].score <= 1);
    forget(&a);
    a = run(&w, "beta=60", 256, 20, 2, 0);
    forget(&a);
    for (size_t i = 1; i < 30; i++) {
        memcpy(w.images + i * w.m.bank.d, w.images, w.m.bank.d * sizeof *w.images);
    }
    a = run(&w, "beta=60,queue=5", 10, 30, 1, 10);
    for (size_t i = 1; i < 10; i++) {
        assert_true(fabs(a.results[i].score - a.results[0].score) < 1e-6);
    }
    forget(&a);
    close_world(&w);
}

static void test_refused(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_score_parameters p;
    nb_scorer scorer;
    nb_stream *stream;
    world w;
    member me = {.w = &w};
    open_world(&w);
    nb_stream_corpus corpus = {.count = w.corpus_count, .d = w.m.bank.d, .rows = corpus_rows, .self = &me};
    must(nb_score_published(&p, nb_score_find("tanl"), &err), &err);
    must(nb_parameters_parse(&p, "beta=2.5", &err), &err);
    must_fail(nb_scorer_create(&scorer, &w.m.bank, &p, &err), NB_ERR_USAGE, &err, "beta 2.5");
    must(nb_parameters_parse(&p, "beta=100000", &err), &err);
    must(nb_scorer_create(&scorer, &w.m.bank, &p, &err), &err);
    must_fail(nb_stream_create(&stream, &scorer, &err), NB_ERR_USAGE, &err, "needs an embedded corpus");
    scorer.corpus = &corpus;
    must_fail(nb_stream_create(&stream, &scorer, &err), NB_ERR_USAGE, &err, "noise");
    corpus.noise = w.noise;
    corpus.noise_count = w.noise_count;
    must_fail(nb_stream_create(&stream, &scorer, &err), NB_ERR_USAGE, &err, "100000 negatives cannot be taken");
    corpus.d--;
    must_fail(nb_stream_create(&stream, &scorer, &err), NB_ERR_USAGE, &err, "width");
    nb_scorer_destroy(&scorer);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_otsu),
                                       cmocka_unit_test(test_odd), cmocka_unit_test(test_refused)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
