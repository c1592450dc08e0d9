/* Criteria, selections and scores against the authors' own code (golden/methods) and, on real CLIP ViT-B/32 embeddings,
 * against the formulas in double precision (data/real-clip-vit-b-32). */
#include "support/on_ranks.h"

#include "common/linear/exact/exact_sum.h"
#include "common/store/npy.h"
#include "mining/criteria/evidence.h"
#include "mining/criteria/responsibilities.h"
#include "mining/embed/import.h"
#include "mining/select/mine.h"
#include "scoring/bank/bank_proxies.h"
#include "scoring/scores/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static nb_comm comm;
static nb_log silent;

/* One label set with its stores and everything the criteria look at. */
typedef struct world {
    nb_store texts, label_store, id_store, wild_store;
    nb_strings labels;
    double *label_rows, *prototypes;
    nb_candidates candidates;
    nb_evidence evidence;
    nb_parsed options; /* with the criteria's parameters */
} world;

static const nb_command parameters = {.name = "mine", .more = nb_mining_row};

/* Options from words, in place of those that are there. */
static void set_options(world *w, int count, const char *const *words)
{
    nb_error err = {0};
    char *argv[16] = {NULL};
    for (int i = 0; i < count; i++) {
        argv[i] = (char *)(uintptr_t)words[i];
    }
    nb_parsed_free(&w->options);
    must(nb_options_parse(&w->options, &parameters, (nb_command_list){0}, count, argv, &err), &err);
}

/* Every rank imports for itself into its own scratch folder. */
static void import(nb_store *out, const char *npy, const char *labels, const char *tags)
{
    static int number;
    char name[32];
    nb_error err = {0};
    nb_digest digest;
    size_t count;
    snprintf(name, sizeof name, "store-%d.nbe", number++);
    nb_import in = {.embeddings = npy, .labels = labels, .tags = tags, .provenance = "{}"};
    const char *path = scratch_path(name);
    must(nb_import_store(&in, path, true, &digest, &count, &err), &err);
    must(nb_store_open(out, path, true, &err), &err);
}

static void finish_world(world *w)
{
    nb_error err = {0};
    for (size_t c = 0; c < w->label_store.plan.count; c++) {
        const char *name = nb_strings_get(&w->label_store.names, c);
        must(nb_strings_push(&w->labels, name, strlen(name), &err), &err);
    }
    must(nb_evidence_rows(&w->label_store, &w->label_rows, &err), &err);
    must(nb_evidence_prototypes(&w->id_store, &w->labels, &w->prototypes, &err), &err);
    must(nb_candidates_open(&w->candidates, &comm, &w->texts, &(nb_strings){0}, NULL, &err), &err);
    w->evidence = (nb_evidence){.comm = &comm,
                                .log = &silent,
                                .candidates = &w->candidates,
                                .d = (size_t)w->texts.plan.width,
                                .label_count = w->labels.count,
                                .labels = w->label_rows,
                                .prototypes = w->prototypes,
                                .id_images = &w->id_store,
                                .wild_images = w->wild_store.path ? &w->wild_store : NULL};
    set_options(w, 2, (const char *const[]){"--neighbours", "20"});
}

static void free_world(world *w)
{
    nb_store_close(&w->texts);
    nb_store_close(&w->label_store);
    nb_store_close(&w->id_store);
    nb_store_close(&w->wild_store);
    nb_strings_free(&w->labels);
    free(w->label_rows);
    free(w->prototypes);
    nb_candidates_close(&w->candidates);
    nb_parsed_free(&w->options);
}

static void open_golden(world *w, const char *texts)
{
    nb_error err = {0};
    nb_buffer tags = {0};
    *w = (world){0};
    for (int i = 0; i < 1500; i++) {
        must(nb_buffer_printf(&tags, &err, "%s\n", i < 1200 ? "noun" : "adj"), &err);
    }
    const char *tag_file = scratch_path("tags.txt");
    must(nb_file_write(tag_file, true, tags.data, tags.len, &err), &err);
    nb_buffer_free(&tags);
    import(&w->texts, golden_path(texts), NULL, tag_file);
    import(&w->label_store, golden_path("methods/id_text.npy"), NULL, NULL);
    import(&w->id_store, golden_path("methods/id_images_train.npy"), golden_path("methods/id_images_train_labels.npy"),
           NULL);
    finish_world(w);
}

/* Without tags, and with wild images. */
static void open_untagged(world *w)
{
    *w = (world){0};
    import(&w->texts, golden_path("methods/texts.npy"), NULL, NULL);
    import(&w->label_store, golden_path("methods/id_text.npy"), NULL, NULL);
    import(&w->id_store, golden_path("methods/id_images_train.npy"), golden_path("methods/id_images_train_labels.npy"),
           NULL);
    import(&w->wild_store, golden_path("methods/images_ood.npy"), NULL, NULL);
    finish_world(w);
}

static void open_real(world *w)
{
    *w = (world){0};
    import(&w->texts, shared_path("data/real-clip-vit-b-32/corpus_text.npy"), NULL, NULL);
    import(&w->label_store, shared_path("data/real-clip-vit-b-32/id_text.npy"), NULL, NULL);
    import(&w->id_store, shared_path("data/real-clip-vit-b-32/id_train.npy"),
           shared_path("data/real-clip-vit-b-32/id_train_labels.npy"), NULL);
    import(&w->wild_store, shared_path("data/real-clip-vit-b-32/wild_images.npy"), NULL, NULL);
    finish_world(w);
}

typedef enum measure { ABSOLUTE, RELATIVE, OF_LARGEST } measure; /* OF_LARGEST: relative to the largest element */

/* |got - want| <= tolerance, in that measure, for every element. */
static void near(const double *got, const char *expected, measure by, double tolerance)
{
    static const char *const names[] = {"absolute", "relative", "largest-relative"};
    nb_error err = {0};
    nb_npy want;
    double worst = 0, largest = 0;
    must(nb_npy_open(&want, expected, &err), &err);
    for (size_t i = 0; i < want.rows; i++) {
        largest = fmax(largest, fabs(nb_npy_at(&want, i)));
    }
    for (size_t i = 0; i < want.rows; i++) {
        double y = nb_npy_at(&want, i), scale = by == ABSOLUTE ? 1 : by == RELATIVE ? fabs(y) : largest;
        worst = fmax(worst, fabs(got[i] - y) / scale);
    }
    if (comm.rank == 0) {
        print_message("%s: %zu values, largest %s difference %.2g\n", nb_path_base(expected), want.rows, names[by],
                      worst);
    }
    assert_true(worst <= tolerance);
    nb_npy_close(&want);
}

/* What mining found, copied together from the ledger so that every rank can look at all of it. */
typedef struct found {
    nb_mined mined;
    double *columns[NB_LEDGER_COLUMNS];
    uint8_t *reasons;
    uint64_t *ids; /* [count] of the selection */
    size_t count, accepted;
} found;

static void copy_ledger(found *f)
{
    nb_error err = {0};
    const nb_ledger *l = &f->mined.ledger;
    nb_ledger_tile *tile = calloc(1, sizeof *tile);
    bool done;
    f->reasons = calloc(l->count, 1);
    for (size_t k = 0; k < l->column_count; k++) {
        f->columns[k] = calloc(l->count, sizeof(double));
    }
    for (size_t t = 0; t < l->tiles; t++) {
        must(nb_ledger_read(l, t, tile, &done, &err), &err);
        assert_true(done);
        for (size_t i = 0; i < nb_ledger_rows(l, t); i++) {
            f->reasons[t * NB_AFFINITY_TEXTS + i] = tile->reasons[i];
            for (size_t k = 0; k < l->column_count; k++) {
                f->columns[k][t * NB_AFFINITY_TEXTS + i] = tile->columns[k][i];
            }
        }
    }
    free(tile);
}

static void mine(found *f, const world *w, const char *criterion, nb_quota quota, bool all)
{
    static int number;
    char path[4096] = "", name[32];
    nb_error err = {0};
    const nb_criterion *c = nb_criterion_find(criterion);
    snprintf(name, sizeof name, "ledger-%d", number++);
    snprintf(path, sizeof path, "%s", scratch_path(name));
    must(nb_comm_broadcast(&comm, path, sizeof path, &err), &err);
    nb_mine_plan plan = {.criterion = c,
                         .rejection = c->rejection,
                         .options = &w->options,
                         .all_columns = all,
                         .quota = quota,
                         .ledger = path,
                         .identity = "test"};
    *f = (found){0};
    must(nb_mine(&f->mined, &plan, &w->evidence, &err), &err);
    copy_ledger(f);
    uint64_t count = f->mined.selection.count;
    must(nb_comm_broadcast(&comm, &count, sizeof count, &err), &err);
    f->count = (size_t)count;
    f->accepted = f->mined.selection.accepted;
    f->ids = calloc(f->count, sizeof *f->ids);
    if (comm.rank == 0) {
        memcpy(f->ids, f->mined.selection.ids, f->count * sizeof *f->ids);
    }
    must(nb_comm_broadcast(&comm, f->ids, f->count * sizeof *f->ids, &err), &err);
}

static void free_found(found *f)
{
    for (size_t k = 0; k < NB_LEDGER_COLUMNS; k++) {
        free(f->columns[k]);
    }
    free(f->reasons);
    free(f->ids);
    nb_mined_free(&f->mined);
}

/* The selected rows are the expected ones in order; where they differ, their values differ by less than `slack`. */
static void same_rows(const found *f, size_t skip, const char *expected, double slack)
{
    nb_error err = {0};
    nb_npy want;
    must(nb_npy_open(&want, expected, &err), &err);
    assert_true(f->count >= skip + want.rows);
    for (size_t i = 0; i < want.rows; i++) {
        size_t row = (size_t)nb_npy_at(&want, i), got = (size_t)f->ids[skip + i];
        if (got != row) {
            assert_true(fabs(f->columns[0][got] - f->columns[0][row]) < slack);
        }
    }
    nb_npy_close(&want);
}

static void test_golden_neglabel(void **state)
{
    (void)state;
    world w;
    found m;
    open_golden(&w, "methods/texts.npy");
    mine(&m, &w, "neglabel", (nb_quota){.fraction = {0.15, 0.15, 0.15}}, false);
    near(m.columns[0], golden_path("methods/neglabel_quantile.npy"), ABSOLUTE, 1e-6);
    assert_int_equal(m.count, 225);
    same_rows(&m, 0, golden_path("methods/neglabel_selected.npy"), 1e-6);
    free_found(&m);
    free_world(&w);
}

static void test_golden_interneg(void **state)
{
    (void)state;
    world w;
    found m;
    nb_npy accepted;
    nb_error err = {0};
    open_golden(&w, "methods/texts.npy");
    mine(&m, &w, "interneg", (nb_quota){.count = 200}, false);
    near(m.columns[0], golden_path("methods/interneg_margin.npy"), ABSOLUTE, 1e-6);
    must(nb_npy_open(&accepted, golden_path("methods/interneg_accepted.npy"), &err), &err);
    for (size_t u = 0; u < 1500; u++) {
        assert_int_equal(m.reasons[u] == NB_ACCEPTED, nb_npy_at(&accepted, u) != 0);
    }
    nb_npy_close(&accepted);
    assert_int_equal(m.count, 200);
    assert_int_equal(m.accepted, 1455);
    same_rows(&m, 0, golden_path("methods/interneg_selected_nouns.npy"), 1e-6);
    same_rows(&m, 161, golden_path("methods/interneg_selected_adjectives.npy"), 1e-6);
    free_found(&m);
    free_world(&w);
}

static void test_golden_dnm(void **state)
{
    (void)state;
    world w;
    found m;
    nb_quota quota = {.fraction = {[NB_TAG_NOUN] = 0.23, [NB_TAG_ADJ] = 0.13}};
    open_golden(&w, "methods/texts.npy");
    mine(&m, &w, "dnm", quota, false);
    near(m.columns[0], golden_path("methods/dnm_sphere_density.npy"), ABSOLUTE, 1e-5);
    free_found(&m);
    free_world(&w);
    open_golden(&w, "methods/texts_raw.npy");
    set_options(&w, 4, (const char *const[]){"--neighbours", "20", "--distance", "released"});
    mine(&m, &w, "dnm", quota, false);
    near(m.columns[0], golden_path("methods/dnm_released_density.npy"), ABSOLUTE, 1e-5);
    assert_int_equal(m.count, 315);
    same_rows(&m, 0, golden_path("methods/dnm_released_selected.npy"), 2e-6);
    free_found(&m);
    free_world(&w);
}

static void test_real_criteria(void **state)
{
    (void)state;
    need_shared("data/real-clip-vit-b-32");
    world w;
    found m;
    open_real(&w);
    mine(&m, &w, "activation-only", (nb_quota){.count = 500}, true);
    assert_int_equal(m.mined.column_count, 5);
    near(m.columns[0], shared_path("data/real-clip-vit-b-32/expected_activation_wild.npy"), RELATIVE, 1e-5);
    near(m.columns[1], shared_path("data/real-clip-vit-b-32/expected_activation_id.npy"), RELATIVE, 1e-5);
    /* a difference of two means: relative to itself it has no bound */
    near(m.columns[2], shared_path("data/real-clip-vit-b-32/expected_activation_debiased.npy"), OF_LARGEST, 1e-6);
    near(m.columns[3], shared_path("data/real-clip-vit-b-32/expected_quantile95.npy"), RELATIVE, 1e-5);
    near(m.columns[4], shared_path("data/real-clip-vit-b-32/expected_margin.npy"), RELATIVE, 1e-5);
    assert_int_equal(m.accepted, 2250);
    free_found(&m);
    mine(&m, &w, "dnm", (nb_quota){.count = 500}, false);
    near(m.columns[0], shared_path("data/real-clip-vit-b-32/expected_density_k20.npy"), RELATIVE, 1e-5);
    free_found(&m);
    free_world(&w);
}

static void open_criterion(world *w, bool wild)
{
    *w = (world){0};
    import(&w->texts, golden_path("criterion/candidates.npy"), NULL, NULL);
    import(&w->label_store, golden_path("criterion/labels.npy"), NULL, NULL);
    import(&w->id_store, golden_path("criterion/id_images.npy"), golden_path("criterion/id_classes.npy"), NULL);
    if (wild) {
        import(&w->wild_store, golden_path("criterion/wild_images.npy"), NULL, NULL);
    }
    finish_world(w);
}

/* The selected candidates in their order; only such may have swapped whose values are within 1e-6 of each other. */
static void same_order(const found *m, const char *expected, double *const *columns)
{
    nb_error err = {0};
    nb_npy want;
    must(nb_npy_open(&want, expected, &err), &err);
    for (size_t i = 0; i < m->count; i++) {
        size_t row = (size_t)nb_npy_at(&want, i), got = (size_t)m->ids[i];
        assert_true(got == row || fabs(columns[2][got] / columns[2][row] - 1) < 1e-6 ||
                    fabs(columns[4][got] / columns[4][row] - 1) < 1e-6);
    }
    nb_npy_close(&want);
}

static const char *in_folder(const char *folder, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_golden_debiased(void **state)
{
    static const struct {
        const char *folder;
        bool wild;
        size_t count, measured;
    } cases[] = {
        {"wild", true, 300, 204}, {"wild-90", true, 90, 77}, {"no-wild", false, 300, 0}, {"no-wild-90", false, 90, 0}};
    static const char *const names[] = {"id_activation.npy", "log_prior.npy", "evidence.npy", "sigma.npy",
                                        "central.npy"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[128];
        world w;
        found m;
        open_criterion(&w, cases[i].wild);
        mine(&m, &w, "debiased", (nb_quota){.count = cases[i].count}, false);
        snprintf(folder, sizeof folder, "criterion/expected/%s", cases[i].folder);
        for (size_t k = 0; k < 5; k++) {
            near(m.columns[k], golden_path(in_folder(folder, names[k])), OF_LARGEST, 1e-9);
        }
        assert_int_equal(m.accepted, 300);
        assert_int_equal(m.count, cases[i].count);
        same_order(&m, golden_path(in_folder(folder, "order.npy")), m.columns);
        const nb_bank_proxies *p = m.mined.outcome.proxies;
        assert_int_equal(p->measured_count, cases[i].measured);
        near(p->map, golden_path(in_folder(folder, "map.npy")), OF_LARGEST, 1e-9);
        if (p->measured_count) {
            near(p->measured_rows, golden_path(in_folder(folder, "measured_rows.npy")), OF_LARGEST, 1e-9);
        }
        free_found(&m);
        free_world(&w);
    }
}

static void test_real_debiased(void **state)
{
    static const char *const names[] = {"id_activation.npy", "logw.npy", "evidence.npy", "sigma.npy", "central.npy"};
    (void)state;
    need_shared("data/real-clip-vit-b-32");
    need_shared("criterion/expected/pets24");
    world w;
    found m;
    open_real(&w);
    mine(&m, &w, "debiased", (nb_quota){.count = 500}, false);
    for (size_t k = 0; k < 5; k++) {
        near(m.columns[k], shared_path(in_folder("criterion/expected/pets24", names[k])), RELATIVE, 1e-9);
    }
    same_order(&m, shared_path("criterion/expected/pets24/bank_index_wild_500.npy"), m.columns);
    free_found(&m);
    free_world(&w);
}

/* Single precision, as large runs have it, beside double. */
static void test_precision(void **state)
{
    (void)state;
    world w;
    nb_error err = {0};
    nb_responsibilities precise, single;
    nb_text_tile tile;
    static double sums[2][NB_AFFINITY_TEXTS], squares[2][NB_AFFINITY_TEXTS];
    open_criterion(&w, true);
    must(nb_responsibilities_open(&precise, &w.evidence, 0.01, true, &err), &err);
    must(nb_responsibilities_open(&single, &w.evidence, 0.01, false, &err), &err);
    assert_true(precise.precise && !single.precise);
    must(nb_candidates_load(&w.candidates, 0, &tile, &err), &err);
    for (size_t set = 0; set < NB_IMAGE_SETS; set++) {
        nb_responsibilities *both[] = {&precise, &single};
        for (size_t k = 0; k < 2; k++) {
            must(nb_responsibilities_load(both[k], &tile, &err), &err);
            must(nb_responsibilities_sum(both[k], &both[k]->sets[set], &tile, sums[k], squares[k], &err), &err);
        }
        for (size_t i = 0; i < tile.count; i++) {
            assert_true(fabs(sums[1][i] / sums[0][i] - 1) < 3e-5);
            assert_true(fabs(squares[1][i] / squares[0][i] - 1) < 6e-5);
        }
    }
    for (size_t k = 0; k < w.evidence.d; k++) {
        assert_true(fabs(precise.mean[k] - single.mean[k]) < 1e-7);
    }
    nb_responsibilities_close(&precise);
    nb_responsibilities_close(&single);
    free_world(&w);
}

/* What a rank hands to collective calls in mining, agreements aside: a formula in which the number of candidates does
 * not occur. W wild images, D ID images, M kept, K of them with a measured proxy, width d: 64 bytes an image once (the
 * top digit's place and six digits of its partition sum, then what its labels make), 112 d bytes and a count for the
 * mean text, and for either sweep two counts, of candidates done and of those done before; the counts by reason and tag
 * and the lengths of the lists; for each list that has candidates three searches of a cut with 8 rounds of 256 counts,
 * and the length and 16 bytes of each of the rank's own best; 48 bytes a negative that all ranks learn of, and 8 d
 * bytes for each of the K.
 */
static void test_traffic(void **state)
{
    (void)state;
    enum { KEPT = 90 };
    world w;
    found m;
    nb_error err = {0};
    open_criterion(&w, true);
    uint64_t before = *comm.traffic, spent, own, fixed, all;
    /* `mine` itself broadcasts a path, the count and the ids */
    mine(&m, &w, "debiased", (nb_quota){.count = KEPT}, false);
    spent = *comm.traffic - before - 4096 - 8 - KEPT * 8;
    uint64_t images = w.wild_store.plan.count + w.id_store.plan.count, d = w.evidence.d;
    uint64_t measured = m.mined.outcome.proxies->measured_count;
    fixed = images * (8 + 8 * NB_EXACT_DIGITS + 8) + 2 * d * (8 + 8 * NB_EXACT_DIGITS) + 8 + 2 * 2 * 8 +
            (NB_REASON_COUNT + NB_TAG_COUNT + NB_LISTS_MAX) * 8 + 2 * (3 * 8 * 256 * 8 + 8) + 8 + 6 * 8 * KEPT +
            8 * d * measured;
    assert_true(spent >= fixed && (spent - fixed) % 16 == 0);
    own = all = (spent - fixed) / 16;
    must(nb_comm_sum(&comm, &all, 1, &err), &err);
    assert_int_equal(all, 2 * KEPT); /* the best of two lists */
    assert_true(own <= all);
    free_found(&m);
    free_world(&w);
}

/* A sample of neighbours as large as the corpus is the corpus; those of a smaller one are farther away. */
static void test_neighbour_sample(void **state)
{
    (void)state;
    world w;
    found whole, sampled;
    nb_quota quota = {.count = 100};
    open_untagged(&w);
    mine(&whole, &w, "dnm", quota, false);
    char all[32];
    snprintf(all, sizeof all, "%llu", (unsigned long long)w.texts.plan.count);
    set_options(&w, 4, (const char *const[]){"--neighbours", "20", "--neighbour-sample", all});
    mine(&sampled, &w, "dnm", quota, false);
    assert_memory_equal(whole.columns[0], sampled.columns[0], w.texts.plan.count * sizeof(double));
    free_found(&sampled);
    set_options(&w, 6, (const char *const[]){"--neighbours", "20", "--neighbour-sample", "700", "--seed", "3"});
    mine(&sampled, &w, "dnm", quota, false);
    double farther = 0;
    for (size_t u = 0; u < w.texts.plan.count; u++) {
        assert_true(sampled.columns[0][u] >= whole.columns[0][u] - 1e-12); /* neighbours can only be farther */
        farther += sampled.columns[0][u] > whole.columns[0][u];
    }
    assert_true(farther > 0.9 * (double)w.texts.plan.count);
    free_found(&whole);
    free_found(&sampled);
    free_world(&w);
}

/* A bank in memory: the golden negatives. */
static void open_golden_bank(nb_bank *bank, const world *w)
{
    nb_error err = {0};
    nb_npy rows;
    must(nb_npy_open(&rows, golden_path("methods/bank_rows.npy"), &err), &err);
    *bank = (nb_bank){.d = w->evidence.d, .label_count = w->labels.count, .negative_count = rows.rows};
    bank->label_rows = w->label_rows;
    bank->negative_rows = calloc(rows.rows * bank->d, sizeof(double));
    nb_store *texts = w->evidence.candidates->store;
    for (size_t i = 0; i < rows.rows; i++) {
        must(nb_store_rows(texts, (size_t)nb_npy_at(&rows, i), 1, bank->negative_rows + i * bank->d, &err), &err);
    }
    nb_npy_close(&rows);
}

static void check_score(const nb_bank *bank, const double *images, size_t count, const char *rule, double temperature,
                        size_t groups, const char *expected)
{
    nb_error err = {0};
    nb_scorer scorer;
    nb_score_parameters settings = {.rule = nb_score_find(rule),
                                    .shared = {.temperature = temperature, .groups = groups}};
    nb_score_result *results = calloc(count, sizeof *results);
    double *scores = calloc(count, sizeof *scores);
    must(nb_scorer_create(&scorer, bank, &settings, &err), &err);
    must(nb_scorer_run(&scorer, images, count, results, &err), &err);
    for (size_t i = 0; i < count; i++) {
        scores[i] = results[i].score;
        assert_true(fabs(results[i].score + results[i].ood - 1) < 1e-12);
    }
    near(scores, expected, ABSOLUTE, 1e-5);
    nb_scorer_destroy(&scorer);
    free(results);
    free(scores);
}

static void test_golden_scores(void **state)
{
    (void)state;
    world w;
    nb_bank bank;
    nb_store id, ood;
    nb_error err = {0};
    double *rows, *more;
    open_golden(&w, "methods/texts.npy");
    open_golden_bank(&bank, &w);
    import(&id, golden_path("methods/images_id.npy"), NULL, NULL);
    import(&ood, golden_path("methods/images_ood.npy"), NULL, NULL);
    must(nb_evidence_rows(&id, &rows, &err), &err);
    must(nb_evidence_rows(&ood, &more, &err), &err);
    size_t count = (size_t)id.plan.count, d = bank.d;
    double *images = calloc(2 * count * d, sizeof *images);
    memcpy(images, rows, count * d * sizeof *images);
    memcpy(images + count * d, more, count * d * sizeof *images);
    check_score(&bank, images, 2 * count, "neglabel", 0.01, 1, golden_path("methods/score_neglabel_g1.npy"));
    check_score(&bank, images, 2 * count, "neglabel", 0.01, 5, golden_path("methods/score_neglabel_g5.npy"));
    check_score(&bank, images, 2 * count, "neglabel", 0.01, 10, golden_path("methods/score_neglabel_g10.npy"));
    check_score(&bank, images, 2 * count, "mcm", 1, 1, golden_path("methods/score_mcm_t1.npy"));
    check_score(&bank, images, 2 * count, "mcm", 0.01, 1, golden_path("methods/score_mcm_t0.01.npy"));
    free(images);
    free(rows);
    free(more);
    free(bank.negative_rows);
    nb_store_close(&id);
    nb_store_close(&ood);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_neglabel),  cmocka_unit_test(test_golden_interneg),
        cmocka_unit_test(test_golden_dnm),       cmocka_unit_test(test_real_criteria),
        cmocka_unit_test(test_golden_scores),    cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_neighbour_sample), cmocka_unit_test(test_golden_debiased),
        cmocka_unit_test(test_real_debiased),    cmocka_unit_test(test_precision),
    };
    return run_on_ranks(&comm, tests, NULL);
}
