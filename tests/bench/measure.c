#include "bench/measure.h"

#include "common/base/random.h"
#include "common/linear/blas.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* BENCH_CLOCK=cpu counts the process's own time, for one core beside other work. */
static double now(void)
{
    const char *clock = getenv("BENCH_CLOCK");
    struct timespec t;
    clock_gettime(clock && strcmp(clock, "cpu") == 0 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t batch_size(const bench_task *t, size_t begin)
{
    return t->items - begin < t->batch ? t->items - begin : t->batch;
}

static nb_status prepare_text(bench_task *t, nb_error *err)
{
    nb_status status;
    NB_TRY(bench_open_texts(&t->texts, t->clip, t->batch, err));
    NB_TRY_NEW(t->out, t->batch * t->clip->config.projection);
    NB_TRY(bench_embed_texts(t->texts, t->lines, 0, t->batch < 4 ? t->batch : 4, t->out, err));
done:
    return status;
}

static nb_status work_text(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t begin = worker * t->batch; begin < t->items; begin += workers * t->batch) {
        size_t count = batch_size(t, begin);
        NB_TRY(bench_embed_texts(t->texts, t->lines, begin, count, t->out, err));
        *done += (double)count;
    }
done:
    return status;
}

void bench_draw_pixels(float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)(4 * nb_random_unit(BENCH_SEED, 2, i) - 2);
    }
}

static nb_status prepare_image(bench_task *t, nb_error *err)
{
    nb_status status;
    size_t pixels = 3 * t->clip->config.image_size * t->clip->config.image_size;
    NB_TRY(bench_open_images(&t->images, t->clip, t->batch, err));
    NB_TRY_NEW(t->in, t->batch * pixels);
    NB_TRY_NEW(t->out, t->batch * t->clip->config.projection);
    bench_draw_pixels(t->in, t->batch * pixels);
    NB_TRY(bench_embed_images(t->images, t->in, 1, t->out, err));
done:
    return status;
}

static nb_status work_image(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t begin = worker * t->batch; begin < t->items; begin += workers * t->batch) {
        size_t count = batch_size(t, begin);
        NB_TRY(bench_embed_images(t->images, t->in, count, t->out, err));
        *done += (double)count;
    }
done:
    return status;
}

static nb_status crop(const bench_task *t, size_t i, nb_error *err)
{
    nb_image image = {0}, cropped = {0};
    nb_status status;
    NB_TRY(nb_image_read(&image, nb_strings_get(t->lines, i % t->lines->count), err));
    NB_TRY(nb_preprocess_crop(&image, &(nb_preprocess){.size = 224}, &cropped, err));
done:
    nb_image_free(&image);
    nb_image_free(&cropped);
    return status;
}

static nb_status prepare_crop(bench_task *t, nb_error *err)
{
    return crop(t, 0, err);
}

static nb_status work_crop(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = worker; i < t->items; i += workers) {
        NB_TRY(crop(t, i, err));
        *done += 1;
    }
done:
    return status;
}

static nb_status prepare_gemm(bench_task *t, nb_error *err)
{
    nb_status status = NB_OK;
    t->in = nb_alloc_aligned((t->m + t->n) * t->k, sizeof *t->in, err);
    t->out = nb_alloc_aligned(t->m * t->n, sizeof *t->out, err);
    if (!t->in || !t->out) {
        return NB_ERR_LIMIT;
    }
    bench_draw_pixels(t->in, (t->m + t->n) * t->k);
    return status;
}

static nb_status work_gemm(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err)
{
    (void)worker;
    (void)workers;
    (void)err;
    double begin = now();
    do {
        nb_sgemm_nt(nb_matrix_of(t->in, t->m, t->k), nb_matrix_of(t->in + t->m * t->k, t->n, t->k), 0.0f, t->out, t->n);
        *done += 2e-9 * (double)t->m * (double)t->n * (double)t->k;
    } while (now() - begin < t->seconds);
    return NB_OK;
}

static nb_status prepare_product(bench_task *t, nb_error *err)
{
    const nb_engine *e = bench_engine(t->engine, err);
    nb_status status = e ? prepare_gemm(t, err) : NB_ERR_USAGE;
    if (status != NB_OK) {
        return status;
    }
    t->input = nb_alloc_aligned(e->input_bytes(t->m, t->k), 1, err);
    t->weight = nb_alloc_aligned(e->weight_bytes(t->n, t->k), 1, err);
    if (!t->input || !t->weight) {
        return NB_ERR_LIMIT;
    }
    e->pack(e, t->weight, t->in + t->m * t->k, t->n, t->k);
    return NB_OK;
}

/* As in the towers: floats are put into the engine's form, which counts. */
static nb_status work_product(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err)
{
    (void)worker;
    (void)workers;
    const nb_engine *e = bench_engine(t->engine, err);
    double begin = now();
    do {
        e->product(e, &(nb_product){.vector = nb_vector_best(),
                                    .input = e->input(e, t->input, t->in, t->m, t->k),
                                    .rows = t->m,
                                    .k = t->k,
                                    .weight = t->weight,
                                    .count = t->n,
                                    .out = t->out});
        *done += 2e-9 * (double)t->m * (double)t->n * (double)t->k;
    } while (now() - begin < t->seconds);
    return NB_OK;
}

static const bench_row rows[] = {
    {"text", prepare_text, work_text}, {"image", prepare_image, work_image},       {"crop", prepare_crop, work_crop},
    {"gemm", prepare_gemm, work_gemm}, {"product", prepare_product, work_product},
};

const bench_row *bench_row_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- one process a core ---- */

/* What the workers share. */
typedef struct board {
    atomic_size_t ready;
    double begin[BENCH_CORES_MAX], end[BENCH_CORES_MAX], done[BENCH_CORES_MAX];
    nb_status status[BENCH_CORES_MAX];
    nb_error err[BENCH_CORES_MAX];
} board;

/* Keeps this process on the n-th of the cores it may use. */
static void pin(size_t n)
{
    cpu_set_t may, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof may, &may) != 0) {
        return;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &may) && n-- == 0) {
            CPU_SET(cpu, &one);
            sched_setaffinity(0, sizeof one, &one);
            return;
        }
    }
}

static void work(const bench_row *r, bench_task t, board *b, size_t worker, size_t workers)
{
    nb_error *err = &b->err[worker];
    pin(worker);
    nb_status status = r->prepare(&t, err);
    atomic_fetch_add(&b->ready, 1);
    while (atomic_load(&b->ready) < workers) {
        sched_yield();
    }
    b->begin[worker] = now();
    if (status == NB_OK) {
        status = r->work(&t, worker, workers, &b->done[worker], err);
    }
    b->end[worker] = now();
    b->status[worker] = status;
    nb_text_encoder_destroy(t.texts);
    nb_image_encoder_destroy(t.images);
    free(t.in);
    free(t.out);
    free(t.input);
    free(t.weight);
}

/* Items/s from the first worker's start to the last one's end. */
static nb_status summarise(const board *b, size_t workers, double *rate, nb_error *err)
{
    double begin = b->begin[0], end = b->end[0], done = 0;
    for (size_t i = 0; i < workers; i++) {
        if (b->status[i] != NB_OK) {
            *err = b->err[i];
            return b->status[i];
        }
        begin = b->begin[i] < begin ? b->begin[i] : begin;
        end = b->end[i] > end ? b->end[i] : end;
        done += b->done[i];
    }
    *rate = done / (end - begin);
    return NB_OK;
}

nb_status bench_measure(const bench_row *r, const bench_task *t, size_t workers, double *rate, nb_error *err)
{
    nb_status status = NB_OK;
    board *b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED) {
        return nb_fail_errno(err, NB_ERR_LIMIT, "no shared memory");
    }
    for (size_t i = 0; i < workers; i++) {
        b->status[i] = NB_ERR_LIMIT; /* of a worker that does not live to say otherwise */
        pid_t child = fork();
        if (child == 0) {
            work(r, *t, b, i, workers);
            _exit(0);
        }
        if (child < 0) {
            status = nb_fail_errno(err, NB_ERR_LIMIT, "cannot fork");
            atomic_fetch_add(&b->ready, workers); /* lets those that wait go */
            break;
        }
    }
    while (wait(NULL) > 0 || errno == EINTR) {
    }
    if (status == NB_OK) {
        status = summarise(b, workers, rate, err);
    }
    munmap(b, sizeof *b);
    return status;
}
