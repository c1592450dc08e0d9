/* Scores of the images by banks of several sizes, and the size that is chosen by them, beside plain double loops on a
 * tiny world: images that are left out of their class's prototype, the only one of a class, and some of no class. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"
#include "mining/criteria/criterion.h"
#include "mining/criteria/debiased/bank_size.h"
#include "mining/criteria/debiased/text_image_map.h"
#include "mining/embed/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 12, CLASSES = 5, CANDIDATES = 2300, ID_IMAGES = 64, WILD_IMAGES = 90, KEPT = 2250 };

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
static const nb_log silent = {0};
static const double temperature = 0.01;

typedef struct world {
    nb_store texts, id, wild;
    nb_candidates candidates;
    nb_evidence evidence;
    nb_responsibilities responsibilities;
    double labels[CLASSES * D], *prototypes, *rows[NB_IMAGE_SETS]; /* rows of the images */
    double *texts_at;                                              /* [KEPT, D] of the negatives, in order */
    uint64_t ids[KEPT];
    nb_bank_proxies *proxies;
} world;

/* Rows near a common direction, `spread` apart, in single precision as stores hold them. */
static void make_rows(double *out, size_t rows, uint64_t stream, double spread)
{
    for (size_t i = 0; i < rows * D; i++) {
        double common = nb_random_normal(3, 100 + stream % 2, i % D);
        out[i] = common + spread * nb_random_normal(3, stream, i);
    }
    for (size_t i = 0; i < rows; i++) {
        nb_normalise_row(out + i * D, out + i * D, D);
    }
}

static double *import(nb_store *out, const char *name, size_t rows, uint64_t stream, const int32_t *labels)
{
    char array[512], classes[512], store[512];
    nb_error err = {0};
    nb_digest digest;
    size_t count;
    double *made = calloc(rows * D, sizeof *made), *back;
    make_rows(made, rows, stream, 0.4);
    snprintf(array, sizeof array, "%s.npy", scratch_path(name));
    snprintf(classes, sizeof classes, "%s-classes.npy", scratch_path(name));
    snprintf(store, sizeof store, "%s.nbe", scratch_path(name));
    must(nb_npy_write(array, true, NB_NPY_F64, (nb_npy_shape){.rows = rows, .columns = D}, made, &err), &err);
    if (labels) {
        must(nb_npy_write(classes, true, NB_NPY_I32, (nb_npy_shape){.rows = rows}, labels, &err), &err);
    }
    nb_import in = {.embeddings = array, .labels = labels ? classes : NULL, .provenance = "{}"};
    must(nb_import_store(&in, store, true, &digest, &count, &err), &err);
    must(nb_store_open(out, store, true, &err), &err);
    must(nb_evidence_rows(out, &back, &err), &err);
    free(made);
    return back;
}

/* Classes 0 to 3 of several images each, class 4 of one, every seventh image of none. */
static void label_images(int32_t labels[ID_IMAGES])
{
    for (int i = 0; i < ID_IMAGES; i++) {
        labels[i] = i == 10 ? 4 : i % 7 == 3 ? -1 : (i * i + i / 5) % 4;
    }
}

static void make_proxies(world *w)
{
    nb_error err = {0};
    nb_bank_proxies *p = w->proxies = nb_alloc(1, sizeof *p, &err);
    p->log_prior = calloc(KEPT, sizeof *p->log_prior);
    p->evidence = calloc(KEPT, sizeof *p->evidence);
    p->measured = calloc(KEPT, sizeof *p->measured);
    p->measured_rows = calloc(KEPT * D, sizeof *p->measured_rows);
    must(nb_text_image_map(p, &w->evidence, 2, 0.5, &err), &err);
    for (size_t u = 0; u < KEPT; u++) {
        p->log_prior[u] = u % 11 ? -3 * nb_random_unit(4, 1, u) : 0;
        if (u % 3 == 1) { /* none among the first, nor at the ends of blocks alone */
            p->measured[p->measured_count++] = (uint32_t)u;
        }
    }
    make_rows(p->measured_rows, p->measured_count, 21, 0.4);
}

static void open_world(world *w, bool wild)
{
    static const char *const names[CLASSES] = {"a", "b", "c", "d", "e"};
    nb_error err = {0};
    nb_strings labels = {0};
    int32_t classes[ID_IMAGES];
    *w = (world){0};
    label_images(classes);
    double *all = import(&w->texts, "texts", CANDIDATES, 2, NULL);
    w->rows[NB_ID_SET] = import(&w->id, "id", ID_IMAGES, 5, classes);
    w->rows[NB_WILD_SET] = import(&w->wild, "wild", WILD_IMAGES, 7, NULL);
    make_rows(w->labels, CLASSES, 8, 0.4);
    for (size_t c = 0; c < CLASSES; c++) {
        must(nb_strings_push(&labels, names[c], 1, &err), &err);
    }
    must(nb_evidence_prototypes(&w->id, &labels, &w->prototypes, &err), &err);
    must(nb_candidates_open(&w->candidates, &alone, &w->texts, &labels, NULL, &err), &err);
    nb_strings_free(&labels);
    w->evidence = (nb_evidence){.comm = &alone,
                                .log = &silent,
                                .candidates = &w->candidates,
                                .d = D,
                                .label_count = CLASSES,
                                .labels = w->labels,
                                .prototypes = w->prototypes,
                                .id_images = &w->id,
                                .wild_images = wild ? &w->wild : NULL};
    must(nb_responsibilities_open(&w->responsibilities, &w->evidence, temperature, true, &err), &err);
    w->texts_at = calloc(KEPT * D, sizeof *w->texts_at);
    for (size_t u = 0; u < KEPT; u++) {
        w->ids[u] = (u * 1009 + 5) % CANDIDATES; /* each once: 1009 has no divisor in common with it */
        memcpy(w->texts_at + u * D, all + w->ids[u] * D, D * sizeof *all);
    }
    free(all);
    make_proxies(w);
}

static void close_world(world *w)
{
    nb_responsibilities_close(&w->responsibilities);
    nb_candidates_close(&w->candidates);
    nb_store_close(&w->texts);
    nb_store_close(&w->id);
    nb_store_close(&w->wild);
    nb_bank_proxies_free(w->proxies);
    free(w->prototypes);
    free(w->texts_at);
    free(w->rows[NB_ID_SET]);
    free(w->rows[NB_WILD_SET]);
}

/* ---- the same, plainly ---- */

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < D; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

/* The prototype of a class without one image; with all where it is the only one. */
static void plain_prototype(const world *w, size_t class, size_t without, double out[D])
{
    const int32_t *labels = w->id.labels;
    size_t used = 0;
    memset(out, 0, D * sizeof *out);
    for (size_t pass = 0; pass < 2 && !used; pass++) {
        for (size_t i = 0; i < ID_IMAGES; i++) {
            if (labels[i] == (int32_t) class && (pass || i != without)) {
                used++;
                for (size_t k = 0; k < D; k++) {
                    out[k] += w->rows[NB_ID_SET][i * D + k];
                }
            }
        }
    }
    double norm = sqrt(dot(out, out));
    for (size_t k = 0; k < D; k++) {
        out[k] /= norm;
    }
}

/* unit(image_mean + (e - text_mean) G) */
static void plain_place(const nb_bank_proxies *p, const double *e, double out[D])
{
    for (size_t k = 0; k < D; k++) {
        out[k] = p->image_mean[k];
        for (size_t i = 0; i < D; i++) {
            out[k] += (e[i] - p->text_mean[i]) * p->map[i * D + k];
        }
    }
    double norm = sqrt(dot(out, out));
    for (size_t k = 0; k < D; k++) {
        out[k] /= norm;
    }
}

/* ln of the sum of exponentials of all that was added. */
typedef struct plain_sum {
    double sum;
} plain_sum;

static void plain_add(plain_sum *s, double exponent)
{
    s->sum += exp(exponent - 100); /* cosines over T are from -100 to 100, sums of two to 200 */
}

static double plain_value(const plain_sum *s)
{
    return log(s->sum) + 100;
}

/* The score of image x of a set by the first `size` negatives. */
static double plain_score(const world *w, size_t set, size_t x, size_t size)
{
    const nb_bank_proxies *p = w->proxies;
    const double *f = w->rows[set] + x * D;
    plain_sum q = {0}, qp = {0}, e = {0}, ev = {0}, m = {0};
    double place[D];
    for (size_t c = 0; c < CLASSES; c++) {
        bool own = set == NB_ID_SET && w->id.labels[x] == (int32_t)c;
        plain_prototype(w, c, own ? x : SIZE_MAX, place);
        plain_add(&q, dot(w->labels + c * D, f) / temperature);
        plain_add(&qp, (dot(w->labels + c * D, f) + dot(place, f)) / temperature);
    }
    for (size_t u = 0, k = 0; u < size; u++) {
        double text = dot(w->texts_at + u * D, f) / temperature;
        plain_place(p, w->texts_at + u * D, place);
        plain_add(&e, text + p->log_prior[u]);
        plain_add(&ev, text + dot(place, f) / temperature + p->log_prior[u]);
        if (k < p->measured_count && p->measured[k] == u) {
            plain_add(&m, text + dot(p->measured_rows + k++ * D, f) / temperature);
        }
    }
    double texts = plain_value(&q) - plain_value(&e), imputed = plain_value(&qp) - plain_value(&ev);
    double measured = m.sum > 0 ? plain_value(&qp) - plain_value(&m) : INFINITY;
    return imputed + 2 * texts + fmin(2 * texts, measured);
}

static nb_bank_draft draft_of(const world *w)
{
    return (nb_bank_draft){&w->responsibilities, w->ids, KEPT, w->proxies};
}

static void test_scores(void **state)
{
    static const size_t sizes[] = {500, 1000, 2000, KEPT};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    world *w = calloc(1, sizeof *w);
    nb_error err = {0};
    (void)state;
    for (int wild = 0; wild < 2; wild++) {
        open_world(w, wild);
        const size_t images[NB_IMAGE_SETS] = {[NB_ID_SET] = ID_IMAGES, [NB_WILD_SET] = wild ? WILD_IMAGES : 0};
        double *scores[NB_IMAGE_SETS];
        nb_bank_draft draft = draft_of(w);
        if (!wild) {
            w->proxies->measured_count = 0;
        }
        for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
            scores[set] = calloc(SIZES * images[set] + 1, sizeof **scores);
        }
        must(nb_draft_scores(&draft, sizes, SIZES, scores, &err), &err);
        for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
            for (size_t i = 0; i < SIZES * images[set]; i++) {
                double want = plain_score(w, set, i % images[set], sizes[i / images[set]]);
                assert_true(fabs(scores[set][i] - want) < 1e-3); /* products in single precision, over T, times 5 */
            }
            free(scores[set]);
        }
        close_world(w);
    }
    free(w);
}

/* ---- sizes ---- */

/* Mean change of rank from a size to the next, ID images without a class left out. */
static double plain_moves(const world *w, size_t set, size_t from, size_t to)
{
    const size_t sizes[2] = {from, to}, count = set == NB_ID_SET ? ID_IMAGES : WILD_IMAGES;
    double id[2][ID_IMAGES], moves = 0;
    size_t used = 0, ids = 0;
    for (size_t i = 0; i < ID_IMAGES; i++) {
        if (w->id.labels[i] >= 0) {
            for (size_t k = 0; k < 2; k++) {
                id[k][ids] = plain_score(w, NB_ID_SET, i, sizes[k]);
            }
            ids++;
        }
    }
    for (size_t x = 0; x < count; x++) {
        double rank[2] = {0, 0};
        if (set == NB_ID_SET && w->id.labels[x] < 0) {
            continue;
        }
        for (size_t k = 0; k < 2; k++) {
            double score = plain_score(w, set, x, sizes[k]);
            for (size_t i = 0; i < ids; i++) {
                rank[k] += (id[k][i] < score) / (double)ids;
            }
        }
        moves += fabs(rank[0] - rank[1]);
        used++;
    }
    return moves / (double)used;
}

static size_t choose(const world *w, size_t count, double tolerance, nb_bank_findings *f)
{
    nb_error err = {0};
    nb_bank_draft draft = draft_of(w);
    size_t kept = 0;
    draft.count = count;
    *f = (nb_bank_findings){0};
    must(nb_bank_size_choose(f, &kept, &draft, tolerance, &err), &err);
    assert_true(f->tolerance == tolerance);
    assert_int_equal(f->sizes[f->size_count - 1].count, count);
    assert_true(isnan(f->sizes[f->size_count - 1].id_moves) && isnan(f->sizes[f->size_count - 1].wild_moves));
    return kept;
}

static void test_choice(void **state)
{
    static const size_t sizes[] = {1000, 2000, KEPT};
    world *w = calloc(1, sizeof *w);
    nb_bank_findings f;
    double most[2];
    (void)state;
    open_world(w, true);
    choose(w, KEPT, 1, &f);
    assert_int_equal(f.size_count, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(f.sizes[i].count, sizes[i]);
        /* one image beside another by less than single precision may stand at either side of it */
        assert_true(fabs(f.sizes[i].id_moves - plain_moves(w, NB_ID_SET, sizes[i], sizes[i + 1])) < 1e-3);
        assert_true(fabs(f.sizes[i].wild_moves - plain_moves(w, NB_WILD_SET, sizes[i], sizes[i + 1])) < 1e-3);
        most[i] = fmax(f.sizes[i].id_moves, f.sizes[i].wild_moves);
    }
    assert_true(most[0] > most[1] && most[1] > 0);
    assert_int_equal(choose(w, KEPT, 2 * most[0], &f), 1000);
    assert_int_equal(choose(w, KEPT, most[0] * (1 + 1e-12), &f), 1000);
    assert_int_equal(choose(w, KEPT, most[0], &f), 2000); /* less than, not as much as */
    assert_int_equal(choose(w, KEPT, most[1] * (1 + 1e-12), &f), 2000);
    assert_int_equal(choose(w, KEPT, most[1], &f), KEPT);
    assert_int_equal(choose(w, KEPT, 0, &f), KEPT);
    for (size_t k = 0; k < 2; k++) { /* both sets must stand still, each alone does not do */
        double least = fmin(f.sizes[k].id_moves, f.sizes[k].wild_moves);
        assert_true(least < most[k]);
        assert_true(choose(w, KEPT, (least + most[k]) / 2, &f) > sizes[k]);
    }
    close_world(w);
    free(w);
}

static void test_grid(void **state)
{
    static const struct {
        size_t count, sizes[3], steps;
    } cases[] = {{1, {1}, 1},
                 {999, {999}, 1},
                 {1000, {1000}, 1},
                 {1001, {1000, 1001}, 2},
                 {2000, {1000, 2000}, 2},
                 {2001, {1000, 2000, 2001}, 3}};
    world *w = calloc(1, sizeof *w);
    nb_bank_findings f;
    (void)state;
    open_world(w, false);
    w->proxies->measured_count = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t kept = choose(w, cases[i].count, 0.01, &f);
        assert_int_equal(f.size_count, cases[i].steps);
        for (size_t k = 0; k < f.size_count; k++) {
            assert_int_equal(f.sizes[k].count, cases[i].sizes[k]);
            assert_true(isnan(f.sizes[k].wild_moves)); /* there are none */
        }
        assert_true(kept == cases[i].count || f.size_count > 1);
    }
    close_world(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_grid),
    };
    nb_blas_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
