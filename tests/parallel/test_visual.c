/* Visual negatives at any number of ranks: the same bits as one rank alone, and what a plain count of the rule says. */
#include "common/base/random.h"
#include "common/clip/inversion/visual_negatives.h"
#include "common/linear/reference/kernels.h"
#include "mining/visual/wild_inversion.h"
#include "support/on_ranks.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LABELS = 5, NEGATIVES = 40, WILD = 300 };

static nb_comm comm;

static void rows(double *out, size_t count, size_t d, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < d; k++) {
            out[i * d + k] = nb_random_normal(5, stream, i * d + k);
        }
        nb_normalise_row(out + i * d, out + i * d, d);
    }
}

/* A world of random directions: labels a long way from their prototypes, negatives, wild images. */
static void world(nb_evidence *e, double *at, size_t d)
{
    double *labels = at, *prototypes = labels + LABELS * d, *wild = prototypes + LABELS * d;
    rows(labels, LABELS, d, 1);
    rows(prototypes, LABELS, d, 2);
    for (size_t i = 0; i < LABELS * d; i++) {
        prototypes[i] = labels[i] + 4 * prototypes[i];
    }
    for (size_t c = 0; c < LABELS; c++) {
        nb_normalise_row(prototypes + c * d, prototypes + c * d, d);
    }
    rows(wild, WILD, d, 3);
    e->labels = labels;
    e->prototypes = prototypes;
    e->label_count = LABELS;
    e->d = d;
}

/* Every rank's own copy of the wild images as a store. */
static void import_wild(nb_store *out, const double *in, size_t d)
{
    nb_error err = {0};
    nb_digest digest;
    nb_strings names = {0};
    nb_store_plan plan;
    float *row = calloc(WILD * d, sizeof *row), norms[WILD];
    const char *path = scratch_path("wild.nbe");
    for (size_t i = 0; i < WILD; i++) {
        norms[i] = 1;
        must(nb_strings_push(&names, "x", 1, &err), &err);
        for (size_t k = 0; k < d; k++) {
            row[i * d + k] = (float)in[i * d + k];
        }
    }
    nb_store_spec spec = {.count = WILD, .width = d, .tile_rows = WILD, .names = &names, .provenance = "{}"};
    must(nb_store_create(&plan, path, &spec, &err), &err);
    int fd = open(path, O_RDWR);
    must(nb_store_write_tile(fd, &plan, 0, row, norms, &err), &err);
    close(fd);
    must(nb_store_seal(path, &plan, &digest, &err), &err);
    must(nb_store_open(out, path, true, &err), &err);
    nb_strings_free(&names);
    free(row);
}

/* By InterNeg's inversion, or from words by TINS'. */
static void check(const nb_strings *words)
{
    nb_error err = {0};
    nb_clip *clip;
    nb_log log = nb_log_open("test", false, false, true);
    nb_comm alone = {.handle = MPI_COMM_SELF, .size = 1};
    nb_evidence e = {.comm = &comm, .log = &log};
    nb_store wild;
    nb_visual all, one;
    must(nb_clip_open(&clip, golden_path("tiny-gelu"), &err), &err);
    size_t d = clip->config.projection;
    double *memory = calloc((2 * LABELS + WILD) * d, sizeof *memory),
           *negatives = calloc(NEGATIVES * d, sizeof *memory);
    world(&e, memory, d);
    rows(negatives, NEGATIVES, d, 4);
    nb_visual_plan plan = {
        .negatives = negatives, .negative_count = NEGATIVES, .count = 50, .theta = 0.35, .groups = 5, .words = words};
    import_wild(&wild, memory + 2 * LABELS * d, d);
    e.wild_images = &wild;
    must(nb_visual_mine(&all, &e, clip, &plan, &err), &err);
    e.comm = &alone;
    must(nb_visual_mine(&one, &e, clip, &plan, &err), &err);
    if (comm.rank == 0) {
        print_message("%zu of %d images are confident, %zu rejected, %zu kept\n", one.confident, WILD, one.rejected,
                      one.count);
    }
    assert_true(one.confident > NB_INVERT_TILE && one.confident < WILD);
    assert_true(one.rejected > 0 && one.count > 0);
    assert_int_equal(all.count, one.count);
    assert_int_equal(all.confident, one.confident);
    assert_int_equal(all.rejected, one.rejected);
    assert_memory_equal(all.rows, one.rows, one.count * d * sizeof *one.rows);
    assert_memory_equal(all.margins, one.margins, one.count * sizeof *one.margins);
    assert_memory_equal(all.images, one.images, one.count * sizeof *one.images);
    /* margins fall, are those of the rows, and every row passes the rule */
    for (size_t i = 0; i < one.count; i++) {
        double sum = 0;
        assert_true(i == 0 || one.margins[i] <= one.margins[i - 1]);
        for (size_t c = 0; c < LABELS; c++) {
            double gap = nb_dot(e.labels + c * d, e.prototypes + c * d, d);
            for (size_t k = 0; k < d; k++) {
                gap -= (double)one.rows[i * d + k] * e.prototypes[c * d + k];
            }
            assert_true(gap > -1e-6);
            sum += gap / LABELS;
        }
        assert_float_equal(sum, one.margins[i], 1e-6);
    }
    nb_visual_free(&all);
    plan.groups = NEGATIVES + 1;
    e.comm = &comm;
    must_fail(nb_visual_mine(&all, &e, clip, &plan, &err), NB_ERR_USAGE, &err, "groups");
    nb_visual_free(&one);
    nb_store_close(&wild);
    nb_clip_close(clip);
    free(memory), free(negatives);
}

static void test_ranks(void **state)
{
    (void)state;
    check(NULL);
}

static void test_words(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_strings words = {0};
    for (size_t i = 0; i < NEGATIVES; i++) {
        char word[8] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26), '\0'};
        must(nb_strings_push(&words, word, 2, &err), &err);
    }
    check(&words);
    nb_strings_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranks), cmocka_unit_test(test_words)};
    return run_on_ranks(&comm, tests, NULL);
}
