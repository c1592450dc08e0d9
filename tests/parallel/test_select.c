/* Selection from a ledger on any number of ranks: total orders, shares of the tags, rescoring near the cut, what is
 * refused. */
#include "support/on_ranks.h"

#include "common/base/random.h"
#include "mining/select/select.h"
#include "mining/select/turns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static nb_comm comm;
static nb_log silent;

/* 0-3 nouns, 4-7 adjectives, 8-9 untagged. */
static const uint8_t tags[10] = {1, 1, 1, 1, 2, 2, 2, 2, 0, 0};
static const double values[10] = {5, 1, 3, 3, 9, 8, 7, 6, 0, 2};
static const uint8_t none[10];

/* A ledger of one column; every rank writes its own tiles. */
static void make_ledger(nb_ledger *l, size_t n, const double *column, const uint8_t *reasons, const uint8_t *tag)
{
    static int number;
    char path[4096] = "", name[32];
    nb_error err = {0};
    nb_ledger_tile *tile = calloc(1, sizeof *tile);
    snprintf(name, sizeof name, "ledger-%d", number++);
    snprintf(path, sizeof path, "%s", scratch_path(name));
    must(nb_comm_broadcast(&comm, path, sizeof path, &err), &err);
    must(nb_ledger_open(l, &comm, &silent, &(nb_ledger_plan){path, "test", n, 1, false}, &err), &err);
    for (size_t t = 0; t < l->tiles; t++) {
        memset(tile, 0, sizeof *tile);
        for (size_t i = 0; i < nb_ledger_rows(l, t); i++) {
            size_t u = t * NB_AFFINITY_TEXTS + i;
            tile->columns[0][i] = column[u];
            tile->reasons[i] = reasons ? reasons[u] : NB_ACCEPTED;
            tile->tags[i] = tag ? tag[u] : NB_TAG_NONE;
        }
        if (nb_comm_owns(&comm, t)) {
            must(nb_ledger_write(l, t, tile, &err), &err);
        }
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    free(tile);
}

static nb_status choose(nb_selection *s, bool smallest, const uint8_t *reasons, const uint8_t *tag, nb_quota quota,
                        nb_error *err)
{
    nb_ledger l;
    make_ledger(&l, 10, values, reasons, tag);
    nb_selection_basis c = {.comm = &comm, .ledger = &l, .rule = "interneg", .smallest = smallest};
    nb_status status = nb_select(s, &c, &quota, err);
    nb_ledger_close(&l);
    return status;
}

static void check(nb_selection *s, const uint64_t *ids, size_t count)
{
    if (comm.rank == 0) {
        assert_int_equal(s->count, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(s->ids[i], ids[i]);
            assert_true(s->values[i] == values[ids[i]]);
        }
    } else {
        assert_null(s->ids);
    }
    nb_selection_free(s);
}

static void test_order(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    must(choose(&s, true, none, tags, (nb_quota){.count = 10}, &err), &err);
    check(&s, (const uint64_t[]){1, 2, 3, 0, 8, 9, 7, 6, 5, 4}, 10); /* nouns, untagged, adjectives; ties by id */
    must(choose(&s, false, none, NULL, (nb_quota){.count = 3}, &err), &err);
    check(&s, (const uint64_t[]){4, 5, 6}, 3);
    must(choose(&s, false, none, NULL, (nb_quota){.count = 13, .clamp = true}, &err), &err);
    assert_true(s.clamped);
    check(&s, (const uint64_t[]){4, 5, 6, 7, 0, 2, 3, 9, 1, 8}, 10);
}

static void test_shares(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    uint8_t reasons[10] = {0};
    must(choose(&s, true, none, tags, (nb_quota){.count = 4}, &err), &err);
    check(&s, (const uint64_t[]){1, 2, 3, 7}, 4); /* 1.6, 1.6, 0.8 of 4: one noun, one adjective, the rest to nouns */
    must(choose(&s, true, none, tags, (nb_quota){.fraction = {0.5, 0.5, 0.25}}, &err), &err);
    check(&s, (const uint64_t[]){1, 2, 8, 7}, 4);
    reasons[1] = NB_REJECTED_RULE;
    reasons[7] = NB_REJECTED_LABEL;
    must(choose(&s, true, reasons, tags, (nb_quota){.count = 8}, &err), &err);
    assert_int_equal(s.accepted, 8);
    assert_int_equal(s.rejected[NB_REJECTED_RULE], 1);
    assert_int_equal(s.rejected[NB_REJECTED_LABEL], 1);
    check(&s, (const uint64_t[]){2, 3, 0, 8, 9, 6, 5, 4}, 8);
}

static void test_refusals(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_selection s;
    uint8_t all[10];
    memset(all, NB_REJECTED_LABEL, sizeof all);
    must_fail(choose(&s, true, all, tags, (nb_quota){.count = 1}, &err), NB_ERR_INPUT, &err, "no candidate is left");
    err = (nb_error){0};
    must_fail(choose(&s, true, none, tags, (nb_quota){.count = 11}, &err), NB_ERR_USAGE, &err, "--count 11");
    err = (nb_error){0};
    must_fail(choose(&s, true, none, tags, (nb_quota){.fraction = {0.01, 0.01, 0.01}}, &err), NB_ERR_INPUT, &err,
              "fraction");
    assert_null(s.ids);
}

/* Many candidates over many tiles, values known to a slack: the selection is that of the exact values. */
typedef struct truth {
    const double *exact;
    size_t rescored;
} truth;

static nb_status rescore(void *state, const uint64_t *ids, size_t count, double *out, nb_error *err)
{
    truth *t = state;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        out[i] = t->exact[ids[i]];
    }
    t->rescored += count;
    return NB_OK;
}

static const double *sorted_by;
static int by_exact(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (sorted_by[x] != sorted_by[y]) {
        return sorted_by[x] > sorted_by[y] ? -1 : 1;
    }
    return (x > y) - (x < y);
}

static void test_rescoring(void **state)
{
    (void)state;
    enum { N = 7 * NB_AFFINITY_TEXTS + 100, KEPT = 900 };
    double *exact = calloc(N, sizeof *exact), *rough = calloc(N, sizeof *rough), slack = 1e-3;
    size_t *order = calloc(N, sizeof *order);
    nb_error err = {0};
    nb_selection s;
    nb_ledger l;
    for (size_t u = 0; u < N; u++) {
        exact[u] = floor(nb_random_unit(5, 1, u) * 4000) / 4000 - 0.5; /* ties, and both signs */
        rough[u] = exact[u] + slack * (2 * nb_random_unit(5, 2, u) - 1);
        order[u] = u;
    }
    sorted_by = exact;
    qsort(order, N, sizeof *order, by_exact);
    make_ledger(&l, N, rough, NULL, NULL);
    truth t = {.exact = exact};
    nb_selection_basis c = {
        .comm = &comm, .ledger = &l, .rule = "interneg", .slack = slack, .rescore = rescore, .state = &t};
    must(nb_select(&s, &c, &(nb_quota){.count = KEPT}, &err), &err);
    assert_true(t.rescored < KEPT + 200); /* not everything */
    for (size_t i = 0; comm.rank == 0 && i < KEPT; i++) {
        assert_int_equal(s.ids[i], order[i]);
        assert_true(s.values[i] == exact[order[i]]);
    }
    nb_selection_free(&s);
    nb_ledger_close(&l);
    free(exact);
    free(rough);
    free(order);
}

/* ---- lists that take turns ---- */

enum { EVIDENCE, SIGMA, CENTRAL, LIST_COLUMNS };

/* Candidates with values in three columns. */
typedef struct listed {
    size_t count;
    double *columns[LIST_COLUMNS];
    uint8_t *reasons;
} listed;

/* `levels`: different values a column, few of them for many ties, zeros of both signs among them. */
static void make_listed(listed *l, size_t count, uint64_t seed, double levels)
{
    *l = (listed){.count = count, .reasons = calloc(count, 1)};
    for (size_t k = 0; k < LIST_COLUMNS; k++) {
        l->columns[k] = calloc(count, sizeof(double));
        for (size_t u = 0; u < count; u++) {
            double level = floor(nb_random_unit(seed, k, u) * levels) - floor(levels / 2);
            l->columns[k][u] = k == SIGMA ? fabs(level) / 4 : level == 0 && u % 2 ? -0.0 : level;
        }
    }
    for (size_t u = 0; u < count; u++) {
        l->reasons[u] = nb_random_unit(seed, 9, u) < 0.2 ? (u % 2 ? NB_REJECTED_LABEL : NB_REJECTED_RULE) : NB_ACCEPTED;
    }
}

static void free_listed(listed *l)
{
    for (size_t k = 0; k < LIST_COLUMNS; k++) {
        free(l->columns[k]);
    }
    free(l->reasons);
}

static void write_listed(nb_ledger *ledger, const listed *l)
{
    static int number;
    char path[4096] = "", name[32];
    nb_error err = {0};
    nb_ledger_tile *tile = calloc(1, sizeof *tile);
    snprintf(name, sizeof name, "listed-%d", number++);
    snprintf(path, sizeof path, "%s", scratch_path(name));
    must(nb_comm_broadcast(&comm, path, sizeof path, &err), &err);
    must(nb_ledger_open(ledger, &comm, &silent, &(nb_ledger_plan){path, "lists", l->count, LIST_COLUMNS, false}, &err),
         &err);
    for (size_t t = 0; t < ledger->tiles; t++) {
        memset(tile, 0, sizeof *tile);
        for (size_t i = 0; i < nb_ledger_rows(ledger, t); i++) {
            size_t u = t * NB_AFFINITY_TEXTS + i;
            for (size_t k = 0; k < LIST_COLUMNS; k++) {
                tile->columns[k][i] = l->columns[k][u];
            }
            tile->reasons[i] = l->reasons[u];
            tile->tags[i] = (uint8_t)(u % NB_TAG_COUNT); /* which make no difference */
        }
        if (nb_comm_owns(&comm, t)) {
            must(nb_ledger_write(ledger, t, tile, &err), &err);
        }
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    free(tile);
}

static bool stands_in(const listed *l, const nb_criterion_list *list, size_t u)
{
    return l->reasons[u] == NB_ACCEPTED &&
           (list->floor == NB_NO_COLUMN || l->columns[list->column][u] > list->times * l->columns[list->floor][u]);
}

/* The best candidate of a list that is not taken, by looking at all of them; l->count for none. */
static size_t best_left(const listed *l, const nb_criterion_list *list, const uint8_t *taken)
{
    size_t best = l->count;
    for (size_t u = 0; u < l->count; u++) {
        if (!taken[u] && stands_in(l, list, u) &&
            (best == l->count || l->columns[list->column][u] > l->columns[list->column][best])) {
            best = u;
        }
    }
    return best;
}

static void check_turns(const listed *l, const nb_criterion_list *lists, size_t list_count, size_t kept)
{
    nb_ledger ledger;
    nb_error err = {0};
    nb_selection s = {0};
    uint8_t *taken = calloc(l->count, 1);
    size_t at = 0;
    write_listed(&ledger, l);
    if (comm.rank == 0) {
        s.ids = calloc(kept, sizeof *s.ids);
        s.values = calloc(kept, sizeof *s.values);
    }
    const nb_selection_basis basis = {
        .comm = &comm, .ledger = &ledger, .rule = "none", .lists = lists, .list_count = list_count};
    must(nb_select_in_turns(&s, &basis, kept, &err), &err);
    for (size_t k = 0; k < list_count; k++) {
        size_t length = 0;
        for (size_t u = 0; u < l->count; u++) {
            length += stands_in(l, &lists[k], u);
        }
        assert_int_equal(s.listed[k], length);
    }
    for (size_t k = 0; comm.rank == 0 && at < kept; k = (k + 1) % list_count) {
        for (size_t turn = 0; turn < lists[k].take && at < kept; turn++) {
            size_t u = best_left(l, &lists[k], taken);
            if (u == l->count) {
                break;
            }
            taken[u] = 1;
            assert_int_equal(s.ids[at], u);
            assert_true(s.values[at] == l->columns[lists[k].column][u]);
            at++;
        }
    }
    if (comm.rank == 0) {
        assert_int_equal(s.count, kept);
    }
    nb_selection_free(&s);
    nb_ledger_close(&ledger);
    free(taken);
}

static void test_turns(void **state)
{
    static const nb_criterion_list debiased[] = {{EVIDENCE, SIGMA, 2, 1}, {CENTRAL, NB_NO_COLUMN, 0, 2}};
    static const nb_criterion_list three[] = {
        {CENTRAL, NB_NO_COLUMN, 0, 3}, {EVIDENCE, SIGMA, 1, 2}, {SIGMA, CENTRAL, 1, 1}};
    static const nb_criterion_list impossible[] = {{EVIDENCE, SIGMA, 1e9, 1}, {CENTRAL, NB_NO_COLUMN, 0, 2}};
    static const double levels[] = {1, 4, 50, 1e15};
    enum { N = 2 * NB_AFFINITY_TEXTS + 77 };
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        listed l;
        size_t accepted = 0;
        make_listed(&l, i == 2 ? NB_AFFINITY_TEXTS : N, 40 + i, levels[i]); /* once for one rank alone to hold */
        for (size_t u = 0; u < l.count; u++) {
            accepted += l.reasons[u] == NB_ACCEPTED;
        }
        const size_t kept[] = {1, 2, 3, 100, accepted - 1, accepted};
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
            check_turns(&l, debiased, 2, kept[k]);
        }
        check_turns(&l, three, 3, 200);
        check_turns(&l, three, 3, accepted);
        check_turns(&l, impossible, 2, 50);
        check_turns(&l, debiased + 1, 1, 50);
        free_listed(&l);
    }
}

/* A quota's share is of all tags together; the bound and the clamp hold. */
static void test_turns_by_quota(void **state)
{
    static const nb_criterion_list lists[] = {{EVIDENCE, SIGMA, 2, 1}, {CENTRAL, NB_NO_COLUMN, 0, 2}};
    static const struct {
        nb_quota quota;
        size_t want;
        bool clamped, bounded;
    } cases[] = {{{.count = 30}, 30, false, false},
                 {{.count = 30, .max = 7}, 7, false, true},
                 {{.count = 5000, .clamp = true}, 0, true, false},
                 {{.count = 5000, .clamp = true, .max = 40}, 40, true, true},
                 {{.fraction = {0.5, 0.5, 0.5}, .max = 11}, 11, false, true}};
    (void)state;
    listed l;
    nb_ledger ledger;
    nb_error err = {0};
    nb_selection whole, s;
    make_listed(&l, 900, 51, 1e9);
    write_listed(&ledger, &l);
    const nb_selection_basis basis = {
        .comm = &comm, .ledger = &ledger, .rule = "none", .lists = lists, .list_count = 2};
    must(nb_select(&whole, &basis, &(nb_quota){.count = 900, .clamp = true}, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        must(nb_select(&s, &basis, &cases[i].quota, &err), &err);
        assert_int_equal(s.clamped, cases[i].clamped);
        assert_int_equal(s.bounded, cases[i].bounded);
        if (comm.rank == 0) { /* a smaller selection is the beginning of a larger one */
            assert_int_equal(s.count, cases[i].want ? cases[i].want : s.accepted);
            assert_memory_equal(s.ids, whole.ids, s.count * sizeof *s.ids);
        }
        nb_selection_free(&s);
    }
    must_fail(nb_select(&s, &basis, &(nb_quota){.count = 5000}, &err), NB_ERR_USAGE, &err, "--count 5000");
    nb_selection_free(&whole);
    nb_ledger_close(&ledger);
    free_listed(&l);
}

/* What a run wrote is continued, what another run wrote is not, and what is damaged counts as not done. */
static void test_ledger(void **state)
{
    (void)state;
    char path[4096] = "";
    nb_error err = {0};
    nb_ledger l;
    nb_ledger_tile *tile = calloc(1, sizeof *tile);
    bool done;
    snprintf(path, sizeof path, "%s", scratch_path("resumed"));
    must(nb_comm_broadcast(&comm, path, sizeof path, &err), &err);
    must(nb_ledger_open(&l, &comm, &silent, &(nb_ledger_plan){path, "one", 3000, 2, false}, &err), &err);
    tile->columns[1][7] = 3.25;
    if (comm.rank == 0) {
        must(nb_ledger_write(&l, 1, tile, &err), &err);
    }
    nb_ledger_close(&l);
    must(nb_ledger_open(&l, &comm, &silent, &(nb_ledger_plan){path, "one", 3000, 2, true}, &err), &err);
    must(nb_ledger_read(&l, 0, tile, &done, &err), &err);
    assert_false(done);
    must(nb_ledger_read(&l, 1, tile, &done, &err), &err);
    assert_true(done && tile->columns[1][7] == 3.25);
    must(nb_ledger_read(&l, 2, tile, &done, &err), &err);
    assert_false(done);
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    if (comm.rank == 0) {
        assert_int_equal(pwrite(l.fd, "x", 1, (off_t)(NB_LEDGER_HEADER + l.record + 900)), 1);
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    must(nb_ledger_read(&l, 1, tile, &done, &err), &err);
    assert_false(done);
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    memset(tile, 0, sizeof *tile);
    tile->tags[5] = NB_TAG_COUNT; /* no tag, with the right checksum */
    if (comm.rank == 0) {
        must(nb_ledger_write(&l, 1, tile, &err), &err);
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    must(nb_ledger_read(&l, 1, tile, &done, &err), &err);
    assert_false(done);
    nb_ledger_close(&l);
    must(nb_ledger_open(&l, &comm, &silent, &(nb_ledger_plan){path, "another", 3000, 2, true}, &err), &err);
    must(nb_ledger_read(&l, 1, tile, &done, &err), &err);
    assert_false(done);
    nb_ledger_close(&l);
    err = (nb_error){0};
    must_fail(nb_ledger_open(&l, &comm, &silent, &(nb_ledger_plan){absent_path("ledger"), "one", 3000, 2, false}, &err),
              NB_ERR_IO, &err, "absent/ledger");
    free(tile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),          cmocka_unit_test(test_shares), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rescoring),      cmocka_unit_test(test_ledger), cmocka_unit_test(test_turns),
        cmocka_unit_test(test_turns_by_quota),
    };
    return run_on_ranks(&comm, tests, NULL);
}
