/* Measures one row: as many processes as cores, each kept on one, all starting together. */
#ifndef NB_TESTS_BENCH_MEASURE_H
#define NB_TESTS_BENCH_MEASURE_H

#include "bench/engine.h"
#include "common/clip/model/image_encoder.h"
#include "common/clip/model/text_encoder.h"

enum { BENCH_SEED = 1, BENCH_CORES_MAX = 64 };

/* What a row works on; it takes what it needs. */
typedef struct bench_task {
    const nb_clip *clip;
    const char *engine;
    const nb_strings *lines; /* texts or paths */
    size_t items, batch;     /* items of one run over all workers */
    size_t m, n, k;          /* of a product */
    void *input, *weight;    /* its operands in an engine's form */
    double seconds;          /* that products go on */
    nb_text_encoder *texts;  /* a worker's own from here on */
    nb_image_encoder *images;
    float *in, *out;
} bench_task;

/* prepare() makes a worker ready, work() does batches worker, worker + workers, ...; *done counts items. */
typedef struct bench_row {
    const char *name;
    nb_status (*prepare)(bench_task *t, nb_error *err);
    nb_status (*work)(bench_task *t, size_t worker, size_t workers, double *done, nb_error *err);
} bench_row;

/* "text", "image", "crop", "gemm" or "product"; NULL for another name. */
const bench_row *bench_row_find(const char *name);

/* Runs the row with `workers` processes, at most BENCH_CORES_MAX: items/s (GFLOP/s) from the first one's start to the
 * last one's end. */
nb_status bench_measure(const bench_row *row, const bench_task *task, size_t workers, double *rate, nb_error *err);

/* The same pixels at every call, as if normalised. */
void bench_draw_pixels(float *out, size_t count);

#endif
