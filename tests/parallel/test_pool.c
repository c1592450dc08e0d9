/* A worker pool does every tile once, counts the items of all ranks and shows them on rank 0; a failure and a request
 * to stop on one rank become everybody's. */
#include "support/on_ranks.h"

#include "common/parallel/pool.h"
#include "common/parallel/stop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TILES = 60, ROWS = 7, TOTAL = TILES * ROWS - 3 };
static nb_comm comm;
static const nb_sharing sharings[] = {NB_SHARING_NODE, NB_SHARING_WINDOW, NB_SHARING_ROUND_ROBIN};

typedef struct state {
    uint64_t seen[TILES];
    int bad, bad_tile; /* the rank that fails, after how many tiles of its own */
    int stopped;       /* the rank that is asked to stop in its third tile */
    int mine;
} state;

static uint64_t rows_of(size_t tile)
{
    return tile + 1 < TILES ? ROWS : TOTAL - (TILES - 1) * ROWS;
}

static nb_status visit(void *self, nb_pool *pool, size_t tile, nb_error *err)
{
    state *s = self;
    int special = s->bad > s->stopped ? s->bad : s->stopped;
    bool waits = special >= 0 && comm.rank != special; /* so that the one surely gets its tiles */
    const struct timespec nap = {.tv_nsec = waits ? 100000000 : 1000000};
    s->mine++;
    nanosleep(&nap, NULL);
    if (comm.rank == s->bad && s->mine == s->bad_tile) {
        return nb_fail(err, NB_ERR_IO, "rank %d fell over", comm.rank);
    }
    if (comm.rank == s->stopped && s->mine == 3) {
        raise(SIGUSR1);
    }
    nb_status status = nb_pool_report(pool, 1);
    if (status == NB_OK) {
        s->seen[tile]++;
        *(tile % 4 ? &pool->counters.items : &pool->counters.kept) += rows_of(tile);
    }
    return status;
}

/* The lines rank 0 logs go to *text. */
static nb_status run(state *s, nb_sharing how, nb_pool_result *result, char **text, nb_error *err)
{
    size_t len = 0;
    FILE *out = open_memstream(text, &len);
    const nb_log log = {.out = comm.rank == 0 ? out : NULL, .command = "test"};
    const nb_pool_work work = {.what = "rows",
                               .hint = "run it again",
                               .total = TOTAL,
                               .tiles = TILES,
                               .run = {1, false},
                               .sharing = how,
                               .visit = visit,
                               .state = s};
    nb_status status = nb_pool_run(&comm, &log, &work, result, err);
    fclose(out);
    return status;
}

static void test_all_done(void **unused)
{
    (void)unused;
    for (size_t w = 0; w < sizeof sharings / sizeof *sharings; w++) {
        nb_error err = {0};
        state s = {.bad = -1, .stopped = -1};
        nb_pool_result result = {0};
        char *text = NULL;
        nb_status status = run(&s, sharings[w], &result, &text, &err);
        if (status == NB_ERR_LIMIT && sharings[w] != NB_SHARING_ROUND_ROBIN) {
            free(text);
            continue; /* not to be had here */
        }
        must(status, &err);
        assert_int_equal(result.kept, TILES / 4 * ROWS);
        assert_int_equal(result.sharing, sharings[w]);
        must(nb_comm_sum(&comm, s.seen, TILES, &err), &err);
        for (size_t i = 0; i < TILES; i++) {
            assert_int_equal(s.seen[i], 1);
        }
        if (comm.rank == 0) {
            assert_non_null(strstr(text, "417 rows in "));
            assert_non_null(strstr(text, "105 of 417 rows were done before"));
        }
        free(text);
    }
}

/* ---- progress ---- */

static nb_status visit_slowly(void *self, nb_pool *pool, size_t tile, nb_error *err)
{
    /* long enough that the others are ahead of it on a busy machine, too */
    const struct timespec nap = {.tv_nsec = comm.rank + 1 == comm.size ? 600000000 : 20000000};
    (void)self, (void)err;
    nanosleep(&nap, NULL);
    pool->counters.items += rows_of(tile);
    return NB_OK;
}

/* Rank 0 shows the rows of all ranks, and which rank is the slowest. */
static void test_progress(void **unused)
{
    (void)unused;
    nb_error err = {0};
    char *text = NULL, slowest[32];
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const nb_log log = {.out = comm.rank == 0 ? out : NULL, .command = "test", .terminal = true}; /* shows often */
    const nb_pool_work work = {.what = "rows",
                               .total = TOTAL,
                               .tiles = TILES,
                               .run = {1, false},
                               .sharing = NB_SHARING_NODE,
                               .visit = visit_slowly};
    nb_pool_result result = {0};
    must(nb_pool_run(&comm, &log, &work, &result, &err), &err);
    fclose(out);
    snprintf(slowest, sizeof slowest, ", slowest rank %d: ", comm.size - 1);
    if (comm.rank == 0) {
        assert_non_null(strstr(text, " of 417 rows ("));
        assert_int_equal(strstr(text, slowest) != NULL, comm.size > 1);
    }
    must(nb_comm_sum(&comm, &result.mine.items, 1, &err), &err);
    assert_int_equal(result.mine.items, TOTAL);
    assert_true(result.wait <= result.seconds);
    free(text);
}

/* ---- one tile ahead ---- */

typedef struct ahead {
    size_t order[TILES], count, visited; /* the tiles that this rank prefetched, and how many of them it visited */
    int flushed;
    int stops; /* leaves its second tile half done */
} ahead;

static nb_status ahead_done(void *self, size_t tile, uint64_t *kept, nb_error *err)
{
    (void)self, (void)err;
    *kept = tile % 4 == 0 ? rows_of(tile) : 0;
    return NB_OK;
}

static void ahead_prefetch(void *self, size_t tile)
{
    ahead *a = self;
    assert_int_equal(a->flushed, 0);
    assert_int_not_equal(tile % 4, 0); /* what was done before is not read */
    a->order[a->count++] = tile;
}

static nb_status ahead_visit(void *self, nb_pool *pool, size_t tile, nb_error *err)
{
    ahead *a = self;
    const struct timespec nap = {.tv_nsec = 1000000};
    (void)err;
    nanosleep(&nap, NULL);
    assert_int_equal(a->order[a->visited], tile);                          /* in the order they were fetched */
    assert_true(a->count == a->visited + 2 || a->count == a->visited + 1); /* one ahead, none at the end */
    if (a->stops && a->visited == 1) {
        return NB_STOPPED;
    }
    a->visited++;
    pool->counters.items += rows_of(tile);
    return NB_OK;
}

static nb_status ahead_flush(void *self, nb_error *err)
{
    ahead *a = self;
    (void)err;
    a->flushed++;
    return NB_OK;
}

static nb_status ahead_run(ahead *a, nb_sharing how, nb_pool_result *result, nb_error *err)
{
    const nb_log silent = {0};
    const nb_pool_work work = {.what = "rows",
                               .hint = "run it again",
                               .total = TOTAL,
                               .tiles = TILES,
                               .run = {1, false},
                               .sharing = how,
                               .state = a,
                               .visit = ahead_visit,
                               .done = ahead_done,
                               .prefetch = ahead_prefetch,
                               .flush = ahead_flush};
    return nb_pool_run(&comm, &silent, &work, result, err);
}

static void test_prefetch(void **unused)
{
    (void)unused;
    for (size_t w = 0; w < sizeof sharings / sizeof *sharings; w++) {
        nb_error err = {0};
        ahead a = {0};
        nb_pool_result result = {0};
        nb_status status = ahead_run(&a, sharings[w], &result, &err);
        if (status == NB_ERR_LIMIT && sharings[w] != NB_SHARING_ROUND_ROBIN) {
            continue; /* not to be had here */
        }
        must(status, &err);
        assert_int_equal(a.visited, a.count);
        assert_int_equal(a.flushed, 1);
        assert_int_equal(result.kept, TILES / 4 * ROWS);
        must(nb_comm_sum(&comm, &result.mine.items, 1, &err), &err);
        assert_int_equal(result.mine.items, TOTAL - TILES / 4 * ROWS);
    }
}

/* A tile that is left half done does not count, nor is the one ahead of it visited. */
static void test_prefetch_stopped(void **unused)
{
    (void)unused;
    nb_error err = {0};
    ahead a = {.stops = true};
    nb_pool_result result = {0};
    must_fail(ahead_run(&a, NB_SHARING_AUTO, &result, &err), NB_STOPPED, &err, "of 417 rows");
    assert_true(a.visited <= 1);
    assert_int_equal(a.flushed, 1);
    uint64_t rows = 0;
    for (size_t i = 0; i < a.visited; i++) {
        rows += rows_of(a.order[i]);
    }
    assert_int_equal(result.mine.items, rows);
}

/* ---- ends ---- */

static void test_failure(void **unused)
{
    (void)unused;
    for (size_t w = 0; w < sizeof sharings / sizeof *sharings; w++) {
        nb_error err = {0};
        char *text = NULL;
        state s = {.bad = comm.size - 1, .bad_tile = 1, .stopped = -1};
        nb_status status = run(&s, sharings[w], NULL, &text, &err);
        if (status != NB_ERR_LIMIT || sharings[w] == NB_SHARING_ROUND_ROBIN) {
            must_fail(status, NB_ERR_IO, &err, "fell over");
            assert_int_equal(err.rank, comm.size - 1);
        }
        free(text);
    }
}

/* The last one: a process that was asked to stop stays so. */
static void test_stop(void **unused)
{
    (void)unused;
    nb_error err = {0};
    char *text = NULL;
    state s = {.bad = -1, .stopped = comm.size - 1};
    nb_stop_listen();
    must_fail(run(&s, NB_SHARING_AUTO, NULL, &text, &err), NB_STOPPED, &err, "of 417 rows");
    assert_string_equal(err.hint, "run it again");
    free(text);
    nb_error own = {0};
    assert_int_equal(nb_stop_check(&own), comm.rank == comm.size - 1 ? NB_STOPPED : NB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_done),         cmocka_unit_test(test_progress), cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_prefetch_stopped), cmocka_unit_test(test_failure),  cmocka_unit_test(test_stop),
    };
    return run_on_ranks(&comm, tests, NULL);
}
