/* The affinity passes beside the bare products they are made of; run by tests/bench/mine.
 *
 *   bench_mine make DIR TEXTS WILD LABELS N   writes synthetic stores and a label file (half precision, 512 wide), N
 *                                             ID images a label
 *   bench_mine passes DIR TILES SECONDS       a line a pass: name, GFLOP/s of the pass, GFLOP/s of the products alone;
 *                                             before them microseconds a text when it is first read
 *
 * Both sides of a pass take turns, tile by tile, and are measured in CPU time. */
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/linear/blas.h"
#include "common/linear/reference/half.h"
#include "mining/criteria/criterion.h"
#include "mining/criteria/evidence.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 512, STORE_TILE = 1024 };

static void must(nb_status status, const nb_error *err)
{
    if (status != NB_OK) {
        fprintf(stderr, "bench_mine: %s\n", err->message);
        exit(1);
    }
}

static char *in(const char *folder, const char *name)
{
    nb_error err = {0};
    char *path;
    must(nb_path_join(&path, folder, name, &err), &err);
    return path;
}

/* Directions that share a part, as embeddings of a modality do: cosines of 0.2 and some scatter. */
static void draw_tile(float *rows, float *norms, size_t begin, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < WIDTH; k++) {
            double x = nb_random_unit(1, stream, (begin + i) * WIDTH + k) - 0.5 + (k < 32 ? 0.58 : 0);
            rows[i * WIDTH + k] = (float)x;
            sum += x * x;
        }
        norms[i] = 1;
        for (size_t k = 0; k < WIDTH; k++) {
            rows[i * WIDTH + k] = (float)((double)rows[i * WIDTH + k] / __builtin_sqrt(sum));
        }
    }
}

static void make_store(const char *folder, const char *name, size_t count, uint64_t stream, size_t labels,
                       const char *prefix)
{
    nb_error err = {0};
    nb_strings names = {0};
    nb_digest digest;
    nb_store_plan plan;
    char *path = in(folder, name), text[32];
    float *rows = calloc((size_t)STORE_TILE * WIDTH, sizeof *rows), norms[STORE_TILE];
    int32_t *label = labels ? calloc(count, sizeof *label) : NULL;
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(text, sizeof text, "%s %zu", prefix, i);
        must(nb_strings_push(&names, text, (size_t)len, &err), &err);
        if (label) {
            label[i] = (int32_t)(i % labels);
        }
    }
    nb_store_spec spec = {.count = count,
                          .width = WIDTH,
                          .tile_rows = STORE_TILE,
                          .half = true,
                          .names = &names,
                          .labels = label,
                          .provenance = "{}"};
    must(nb_store_create(&plan, path, &spec, &err), &err);
    int fd = open(path, O_RDWR);
    for (size_t t = 0; t < plan.tile_count; t++) {
        draw_tile(rows, norms, t * STORE_TILE, nb_store_tile_rows(&plan, t), stream);
        must(nb_store_write_tile(fd, &plan, t, rows, norms, &err), &err);
    }
    close(fd);
    must(nb_store_seal(path, &plan, &digest, &err), &err);
    nb_strings_free(&names);
    free(label);
    free(rows);
    free(path);
}

static int make(char *argv[])
{
    size_t texts = strtoul(argv[3], NULL, 10), wild = strtoul(argv[4], NULL, 10), labels = strtoul(argv[5], NULL, 10);
    size_t id = labels * strtoul(argv[6], NULL, 10);
    char *path = in(argv[2], "labels.txt");
    FILE *file = fopen(path, "w");
    for (size_t c = 0; file && c < labels; c++) {
        fprintf(file, "label %zu\n", c);
    }
    if (!file || fclose(file) != 0) {
        fprintf(stderr, "bench_mine: cannot write %s\n", path);
        return 1;
    }
    make_store(argv[2], "texts.nbe", texts, 1, 0, "word");
    make_store(argv[2], "wild.nbe", wild, 2, 0, "wild");
    make_store(argv[2], "id.nbe", id, 3, labels, "image");
    make_store(argv[2], "labels.nbe", labels, 4, 0, "label");
    free(path);
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The products of one tile: `parts` of [NB_AFFINITY_TEXTS, columns]. */
typedef struct shape {
    size_t columns, parts, rest; /* rest: columns of one last part */
} shape;

static shape cut(size_t total, size_t columns)
{
    return (shape){columns, total / columns, total % columns};
}

static double multiply(const shape *s, const float *a, const float *b, float *c)
{
    double begin = cpu_seconds();
    for (size_t p = 0; p < s->parts + (s->rest > 0); p++) {
        size_t n = p < s->parts ? s->columns : s->rest;
        nb_sgemm_nt(nb_matrix_of(a, NB_AFFINITY_TEXTS, WIDTH), nb_matrix_of(b, n, WIDTH), 0, c, n);
    }
    return cpu_seconds() - begin;
}

static void measure(const nb_evidence *e, const nb_criterion *criterion, const shape *shapes, size_t shape_count,
                    size_t tiles, double seconds)
{
    nb_error err = {0};
    void *state = NULL, *parameters = NULL;
    static double values[NB_COLUMNS_MAX][NB_AFFINITY_TEXTS];
    double *columns[NB_COLUMNS_MAX];
    float *a = calloc((size_t)NB_AFFINITY_TEXTS * WIDTH, sizeof *a), *b = calloc((size_t)4096 * WIDTH, sizeof *b);
    float *c = calloc((size_t)NB_AFFINITY_TEXTS * 4096, sizeof *c);
    double pass = 0, bare = 0, flops = 0, first, first_bare = 0;
    for (size_t k = 0; k < NB_COLUMNS_MAX; k++) {
        columns[k] = values[k];
    }
    for (size_t i = 0; i < (size_t)NB_AFFINITY_TEXTS * WIDTH; i++) {
        a[i] = b[i] = (float)(i % 17) * 0.01f;
    }
    first = cpu_seconds();
    must(nb_mining_parameters(&parameters, &criterion->parameters, NULL, &err), &err);
    must(criterion->open(&state, e, parameters, &err), &err);
    first = cpu_seconds() - first;
    for (size_t t = 0; t < tiles && t < e->candidates->tiles && pass + bare < seconds; t++) {
        nb_text_tile tile;
        double begin = cpu_seconds();
        must(nb_candidates_load(e->candidates, t, &tile, &err), &err);
        must(criterion->tile(state, &tile, columns, &err), &err);
        pass += cpu_seconds() - begin;
        for (size_t s = 0; s < shape_count; s++) {
            bare += multiply(&shapes[s], a, b, c);
            flops += 2.0 * NB_AFFINITY_TEXTS * (double)(shapes[s].parts * shapes[s].columns + shapes[s].rest) * WIDTH;
        }
    }
    printf("%s\t%.1f\t%.1f\n", criterion->name, 1e-9 * flops / pass, 1e-9 * flops / bare);
    if (strcmp(criterion->name, "debiased") == 0) { /* its first pass is what opening it takes: over all texts */
        double all = 0;
        for (size_t t = 0; t < e->candidates->tiles; t++) {
            for (size_t s = 0; s < shape_count; s++) {
                first_bare += multiply(&shapes[s], a, b, c);
                all += 2.0 * NB_AFFINITY_TEXTS * (double)(shapes[s].parts * shapes[s].columns + shapes[s].rest) * WIDTH;
            }
        }
        printf("debiased, partition sums\t%.1f\t%.1f\n", 1e-9 * all / first, 1e-9 * all / first_bare);
    }
    criterion->close(state);
    free(parameters);
    free(a);
    free(b);
    free(c);
}

/* Reads every tile that will be measured: its digest is checked and its texts are compared with the labels once,
 * whatever passes follow. Returns seconds a text. */
static double read_first(nb_candidates *candidates, size_t tiles)
{
    nb_error err = {0};
    double begin = cpu_seconds();
    size_t count = 0;
    for (size_t t = 0; t < tiles && t < candidates->tiles; t++) {
        nb_text_tile tile;
        must(nb_candidates_load(candidates, t, &tile, &err), &err);
        count += tile.count;
    }
    return (cpu_seconds() - begin) / (double)count;
}

static int passes(char *argv[])
{
    nb_error err = {0};
    nb_comm comm;
    nb_store texts, wild, id, label_store;
    nb_strings labels = {0};
    nb_candidates candidates;
    double *label_rows, *prototypes, seconds = strtod(argv[4], NULL);
    size_t tiles = strtoul(argv[3], NULL, 10);
    nb_log log = nb_log_open("bench", false, false, true);
    must(nb_comm_start(&comm, &err), &err);
    nb_blas_start();
    must(nb_store_open_parts(&texts, in(argv[2], "texts.nbe"), false, &err), &err);
    must(nb_store_open_parts(&wild, in(argv[2], "wild.nbe"), false, &err), &err);
    must(nb_store_open(&id, in(argv[2], "id.nbe"), false, &err), &err);
    must(nb_store_open(&label_store, in(argv[2], "labels.nbe"), false, &err), &err);
    must(nb_labels_read(&labels, in(argv[2], "labels.txt"), &log, &err), &err);
    must(nb_evidence_rows(&label_store, &label_rows, &err), &err);
    must(nb_evidence_prototypes(&id, &labels, &prototypes, &err), &err);
    must(nb_candidates_open(&candidates, &comm, &texts, &labels, NULL, &err), &err);
    nb_evidence e = {.comm = &comm,
                     .log = &log,
                     .candidates = &candidates,
                     .d = WIDTH,
                     .label_count = labels.count,
                     .labels = label_rows,
                     .prototypes = prototypes,
                     .id_images = &id,
                     .wild_images = &wild};
    size_t c = labels.count;
    shape label_shape = cut(c, c < 1024 ? c : 1024);
    shape image_shapes[2] = {cut((size_t)wild.plan.count, NB_AFFINITY_IMAGES),
                             cut((size_t)id.plan.count, NB_AFFINITY_IMAGES)};
    shape corpus_shape = cut(candidates.count, NB_AFFINITY_TEXTS);
    printf("read\t%.2f\n", 1e6 * read_first(&candidates, tiles));
    measure(&e, nb_criterion_find("neglabel"), &label_shape, 1, tiles, seconds);
    measure(&e, nb_criterion_find("interneg"), &label_shape, 1, tiles, seconds);
    measure(&e, nb_criterion_find("debiased"), image_shapes, 2, tiles, seconds);
    measure(&e, nb_criterion_find("dnm"), &corpus_shape, 1, tiles, seconds);
    printf("kernel\t%s\n", nb_blas_kernel());
    return 0;
}

int main(int argc, char *argv[])
{
    nb_blas_choose(argv);
    if (argc == 7 && strcmp(argv[1], "make") == 0) {
        return make(argv);
    }
    if (argc == 5 && strcmp(argv[1], "passes") == 0) {
        return passes(argv);
    }
    fprintf(stderr, "usage: bench_mine make DIR TEXTS WILD LABELS N | passes DIR TILES SECONDS\n");
    return 2;
}
