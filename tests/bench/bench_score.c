/* Our side of tests/bench/score: scoring at CLIP ViT-B's width, 1 000 labels and 10 000 negatives, on one core. Figures
 * go to standard output.
 *
 *   bench_score about                     BLAS kernel and vector set
 *   bench_score make DIR IMAGES           DIR/texts.npy images.npy images.nbe: synthetic, half of the images ID
 *   bench_score batch DIR SCORE GROUPS    "images/s bound share": stored embeddings to scores, and OpenBLAS's sgemm of
 *                                         the same [256, 512] x [11 000, 512] (debiased: x [25 000, 512]), in turns
 *   bench_score stream DIR SCORE PARAMETERS BATCH COUNT OUT   images/s along the first COUNT images; scores to OUT.npy;
 *                                         tanl passes over CORPUS texts in random directions (DIR/corpus.npy)
 *   bench_score corpus DIR                DIR/corpus.npy and noise.npy
 */
#include "bench/measure.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"
#include "jobs/score/score_options.h"
#include "mining/embed/import.h"
#include "scoring/scores/parameters.h"
#include "scoring/streams/corpus_pass.h"
#include "scoring/streams/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CORPUS = 100000, NOISE = 15 };
enum { LABELS = 1000, NEGATIVES = 10000, ROWS = LABELS + NEGATIVES, MEASURED = 3000, WIDTH = 512, ROUNDS = 5 };

/* ---- what is scored is made ---- */

/* Texts in random directions; an image leans to one of them as CLIP's do, at a cosine of about 0.3. */
static void draw_row(double *row, uint64_t stream, size_t i, const float *text)
{
    for (size_t k = 0; k < WIDTH; k++) {
        row[k] = nb_random_normal(BENCH_SEED, stream, i * WIDTH + k) + (text ? 7.5 * (double)text[k] : 0);
    }
    nb_normalise_row(row, row, WIDTH);
}

static nb_status make(const char *directory, size_t images, nb_error *err)
{
    nb_buffer path = {0};
    float *rows = NULL;
    double row[WIDTH];
    nb_digest digest;
    size_t count;
    nb_status status;
    NB_TRY_NEW(rows, (ROWS + images) * WIDTH);
    for (size_t i = 0; i < ROWS + images; i++) {
        bool id = nb_random_below(BENCH_SEED, 3, i, 2) == 0;
        size_t text = id ? (size_t)nb_random_below(BENCH_SEED, 4, i, LABELS)
                         : LABELS + (size_t)nb_random_below(BENCH_SEED, 5, i, NEGATIVES);
        draw_row(row, i < ROWS ? 1 : 2, i, i < ROWS ? NULL : rows + text * WIDTH);
        for (size_t k = 0; k < WIDTH; k++) {
            rows[i * WIDTH + k] = (float)row[k];
        }
    }
    NB_TRY(nb_make_directories(directory, err));
    NB_TRY(nb_buffer_printf(&path, err, "%s/texts.npy", directory));
    NB_TRY(nb_npy_write(path.data, true, NB_NPY_F32, (nb_npy_shape){.rows = ROWS, .columns = WIDTH}, rows, err));
    nb_buffer_clear(&path);
    NB_TRY(nb_buffer_printf(&path, err, "%s/images.npy", directory));
    NB_TRY(nb_npy_write(path.data, true, NB_NPY_F32, (nb_npy_shape){.rows = images, .columns = WIDTH},
                        rows + ROWS * WIDTH, err));
    nb_import in = {.embeddings = path.data, .provenance = "{}"};
    nb_buffer store = {0};
    NB_TRY(nb_buffer_printf(&store, err, "%s/images.nbe", directory));
    NB_TRY(nb_import_store(&in, store.data, true, &digest, &count, err));
    nb_buffer_free(&store);
done:
    nb_buffer_free(&path);
    free(rows);
    return status;
}

/* Proxies for the bank: what they hold does not matter to the speed, so other texts stand in for images. */
static nb_status add_proxies(nb_bank *bank, nb_error *err)
{
    nb_bank_proxies *p;
    nb_status status;
    NB_TRY_NEW(p, 1);
    bank->proxies = p;
    p->measured_count = MEASURED;
    NB_TRY_NEW(p->log_prior, NEGATIVES);
    NB_TRY_NEW(p->measured, MEASURED);
    for (size_t i = 0; i < MEASURED; i++) {
        p->measured[i] = (uint32_t)(3 * i);
    }
    NB_TRY_NEW(bank->criterion, NEGATIVES);
    for (size_t i = 0; i < NEGATIVES; i++) {
        bank->criterion[i] = -(double)i;
    }
    p->imputed_rows = bank->label_rows; /* [LABELS + NEGATIVES] */
    p->measured_rows = bank->label_rows;
    bank->prototypes = bank->negative_rows;
done:
    return status;
}

static void close_bank(nb_bank *bank)
{
    if (bank->proxies) {
        free(bank->proxies->log_prior);
        free(bank->proxies->measured);
        free(bank->proxies);
    }
    free(bank->criterion);
    free(bank->label_rows);
}

/* A bank in memory of DIR's texts. */
static nb_status open_bank(nb_bank *bank, const char *directory, nb_error *err)
{
    nb_buffer path = {0};
    nb_npy npy = {0};
    nb_status status;
    *bank = (nb_bank){.d = WIDTH, .label_count = LABELS, .negative_count = NEGATIVES, .tau = (double)NAN};
    NB_TRY(nb_buffer_printf(&path, err, "%s/texts.npy", directory));
    NB_TRY(nb_npy_open(&npy, path.data, err));
    NB_TRY_NEW(bank->label_rows, ROWS * WIDTH);
    bank->negative_rows = bank->label_rows + (size_t)LABELS * WIDTH;
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        bank->label_rows[i] = nb_npy_at(&npy, i);
    }
    NB_TRY(add_proxies(bank, err));
done:
    nb_npy_close(&npy);
    nb_buffer_free(&path);
    return status;
}

static nb_status open_images(nb_store *store, const char *directory, nb_error *err)
{
    nb_buffer path = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&path, err, "%s/images.nbe", directory));
    NB_TRY(nb_store_open(store, path.data, true, err));
done:
    nb_buffer_free(&path);
    return status;
}

/* ---- what is measured ---- */

/* Seconds of this process's own computing: on a busy machine the clock on the wall tells less. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Images/s if scoring cost nothing but the product: of a score with products of its own, of those rows, for which the
 * texts stand again and again. */
static nb_status measure_bound(const nb_scorer *s, nb_store *images, double *rate, nb_error *err)
{
    float *a = NULL, *b = NULL, *c = NULL;
    nb_status status;
    NB_TRY_NEW(a, (size_t)NB_SCORE_BATCH * WIDTH);
    NB_TRY(nb_store_rows_float(images, 0, NB_SCORE_BATCH, a, err));
    bool debiased = strcmp(s->rule->name, "debiased") == 0;
    size_t rows = debiased                              ? 2 * (size_t)ROWS + MEASURED
                  : s->rule->image || s->negative_count ? ROWS
                                                        : LABELS,
           done = 0;
    NB_TRY_NEW(c, (size_t)NB_SCORE_BATCH * rows);
    NB_TRY_NEW(b, rows * WIDTH);
    for (size_t i = 0; i < rows * WIDTH; i++) {
        b[i] = (float)s->bank->label_rows[i % ((size_t)ROWS * WIDTH)];
    }
    nb_sgemm_nt(nb_matrix_of(a, NB_SCORE_BATCH, WIDTH), nb_matrix_of(b, rows, WIDTH), 0, c, rows);
    double begin = seconds();
    while (seconds() - begin < 1) {
        nb_sgemm_nt(nb_matrix_of(a, NB_SCORE_BATCH, WIDTH), nb_matrix_of(b, rows, WIDTH), 0, c, rows);
        done += NB_SCORE_BATCH;
    }
    *rate = (double)done / (seconds() - begin);
done:
    free(a);
    free(b);
    free(c);
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static nb_status batch(const char *directory, const char *score, size_t groups, nb_error *err)
{
    const nb_score_rule *rule = nb_score_find(score);
    nb_bank bank = {0};
    nb_store images = {0};
    nb_scorer scorer = {0};
    nb_score_result *results = NULL;
    double rate[ROUNDS], bound[ROUNDS], share[ROUNDS];
    nb_status status;
    if (!rule) {
        return nb_fail(err, NB_ERR_USAGE, "no score '%s'", score);
    }
    nb_score_parameters settings;
    NB_TRY(nb_score_published(&settings, rule, err));
    settings.shared.groups = groups;
    NB_TRY(open_bank(&bank, directory, err));
    NB_TRY(open_images(&images, directory, err));
    NB_TRY(nb_scorer_create(&scorer, &bank, &settings, err));
    size_t count = (size_t)images.plan.count;
    NB_TRY_NEW(results, count);
    for (size_t r = 0; r < ROUNDS; r++) {
        NB_TRY(measure_bound(&scorer, &images, &bound[r], err));
        double begin = seconds();
        NB_TRY(nb_score_rows(&scorer, &images, 0, count, results, err));
        rate[r] = (double)count / (seconds() - begin);
        share[r] = rate[r] / bound[r];
    }
    printf("%.0f %.0f %.3f\n", median(rate), median(bound), median(share));
done:
    free(results);
    nb_scorer_destroy(&scorer);
    nb_store_close(&images);
    close_bank(&bank);
    return status;
}

/* ---- a corpus, for tanl ---- */

static nb_status make_corpus(const char *directory, nb_error *err)
{
    static const struct {
        const char *name;
        size_t rows;
        uint64_t stream;
    } files[] = {{"corpus", CORPUS, 6}, {"noise", NOISE, 7}};
    nb_buffer path = {0};
    float *rows = NULL;
    double row[WIDTH];
    nb_status status;
    NB_TRY_NEW(rows, (size_t)CORPUS * WIDTH);
    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; i < files[f].rows; i++) {
            draw_row(row, files[f].stream, i, NULL);
            for (size_t k = 0; k < WIDTH; k++) {
                rows[i * WIDTH + k] = (float)row[k];
            }
        }
        nb_buffer_clear(&path);
        NB_TRY(nb_buffer_printf(&path, err, "%s/%s.npy", directory, files[f].name));
        NB_TRY(nb_npy_write(path.data, true, NB_NPY_F32, (nb_npy_shape){.rows = files[f].rows, .columns = WIDTH}, rows,
                            err));
    }
done:
    nb_buffer_free(&path);
    free(rows);
    return status;
}

static nb_status read_floats(const char *directory, const char *name, float **out, size_t *count, nb_error *err)
{
    nb_buffer path = {0};
    nb_npy npy = {0};
    nb_status status;
    NB_TRY(nb_buffer_printf(&path, err, "%s/%s.npy", directory, name));
    NB_TRY(nb_npy_open(&npy, path.data, err));
    NB_TRY_NEW(*out, npy.rows * npy.columns);
    *count = npy.rows;
    for (size_t i = 0; i < npy.rows * npy.columns; i++) {
        (*out)[i] = (float)nb_npy_at(&npy, i);
    }
done:
    nb_npy_close(&npy);
    nb_buffer_free(&path);
    return status;
}

static nb_status corpus_rows(void *self, size_t begin, size_t count, float *out, nb_error *err)
{
    (void)err;
    memcpy(out, (const float *)self + begin * WIDTH, count * WIDTH * sizeof *out);
    return NB_OK;
}

/* What a stream is measured with. */
typedef struct streamed {
    const char *score, *parameters, *out;
    size_t size, count; /* images of a batch, and of all */
} streamed;

static nb_status stream(const char *directory, const streamed *how, nb_error *err)
{
    nb_bank bank = {0};
    nb_store images = {0};
    nb_scorer scorer = {0};
    nb_stream *s = NULL;
    nb_score_result *results = NULL;
    nb_stream_corpus corpus = {.d = WIDTH, .rows = corpus_rows};
    float *rows = NULL, *scores = NULL, *texts = NULL, *noise = NULL;
    nb_score_parameters settings;
    nb_status status;
    size_t size = how->size, count = how->count;
    size_t most = size < NB_STREAM_TOGETHER ? NB_STREAM_TOGETHER / size * size : size; /* as nb_stream_run does */
    NB_TRY(nb_score_published(&settings, nb_score_find(how->score), err));
    NB_TRY(nb_parameters_parse(&settings, how->parameters, err));
    NB_TRY(open_bank(&bank, directory, err));
    NB_TRY(open_images(&images, directory, err));
    NB_TRY(nb_scorer_create(&scorer, &bank, &settings, err));
    if (settings.rule->stream->corpus) {
        NB_TRY(read_floats(directory, "corpus", &texts, &corpus.count, err));
        NB_TRY(read_floats(directory, "noise", &noise, &corpus.noise_count, err));
        corpus.noise = noise;
        corpus.self = texts;
        scorer.corpus = &corpus;
    }
    NB_TRY(nb_stream_create(&s, &scorer, err));
    count = count < images.plan.count ? count : (size_t)images.plan.count;
    NB_TRY_NEW(results, count);
    NB_TRY_NEW(scores, count);
    NB_TRY_NEW(rows, most * WIDTH);
    double begin = seconds();
    for (size_t at = 0; at < count; at += most) {
        size_t n = count - at < most ? count - at : most;
        NB_TRY(nb_store_rows_float(&images, at, n, rows, err));
        NB_TRY(nb_score_normalise(rows, n, WIDTH, at, "images", err));
        NB_TRY(nb_stream_push_batches(s, rows, n, size, results + at, err));
    }
    printf("%.0f\n", (double)count / (seconds() - begin));
    for (size_t i = 0; i < count; i++) {
        scores[i] = (float)results[i].score;
    }
    NB_TRY(nb_npy_write(how->out, true, NB_NPY_F32, (nb_npy_shape){.rows = count}, scores, err));
done:
    free(results);
    free(scores);
    free(rows);
    free(texts);
    free(noise);
    nb_stream_destroy(s);
    nb_scorer_destroy(&scorer);
    nb_store_close(&images);
    close_bank(&bank);
    return status;
}

int main(int argc, char *argv[])
{
    nb_error err = {0};
    nb_status status = NB_ERR_USAGE;
    nb_blas_choose(argv);
    nb_blas_start();
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "about") == 0) {
        printf("OpenBLAS %s, vectors %s\n", nb_blas_kernel(), nb_vector_best()->name);
        status = NB_OK;
    } else if (strcmp(what, "make") == 0 && argc == 4) {
        status = make(argv[2], (size_t)strtoull(argv[3], NULL, 10), &err);
    } else if (strcmp(what, "batch") == 0 && argc == 5) {
        status = batch(argv[2], argv[3], (size_t)strtoull(argv[4], NULL, 10), &err);
    } else if (strcmp(what, "corpus") == 0 && argc == 3) {
        status = make_corpus(argv[2], &err);
    } else if (strcmp(what, "stream") == 0 && argc == 8) {
        const streamed how = {.score = argv[3],
                              .parameters = argv[4],
                              .size = (size_t)strtoull(argv[5], NULL, 10),
                              .count = (size_t)strtoull(argv[6], NULL, 10),
                              .out = argv[7]};
        status = stream(argv[2], &how, &err);
    }
    if (status != NB_OK) {
        fprintf(stderr, "bench_score: %s\n", err.message[0] ? err.message : "see the top of bench_score.c");
    }
    return (int)status;
}
