/* Every tile goes to one rank, once; a slow rank gets fewer; a halt reaches all; nothing hangs when a rank fails. */
#include "support/on_ranks.h"

#include "common/parallel/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static nb_comm comm;

enum { SHARINGS = 4, TILES_MAX = 1000 };
static const nb_sharing sharings[SHARINGS] = {NB_SHARING_AUTO, NB_SHARING_NODE, NB_SHARING_WINDOW,
                                              NB_SHARING_ROUND_ROBIN};

static void nap(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* False where this MPI lacks that way, which all ranks then agree on; AUTO and ROUND_ROBIN are always to be had. */
static bool start_runs(nb_queue *q, nb_sharing how, size_t tiles, nb_tile_run run)
{
    nb_error err = {0};
    nb_status status = nb_queue_create(q, &comm, how, tiles, run, &err);
    if (how == NB_SHARING_AUTO || how == NB_SHARING_ROUND_ROBIN) {
        must(status, &err);
    }
    if (status != NB_OK) {
        must_fail(status, NB_ERR_LIMIT, &err, "tiles cannot be shared");
        print_message("no sharing by %s here\n", nb_sharing_name(how));
        return false;
    }
    assert_true(q->how == how || (how == NB_SHARING_AUTO && q->how != how));
    return true;
}

static bool start(nb_queue *q, nb_sharing how, size_t tiles, size_t run)
{
    return start_runs(q, how, tiles, (nb_tile_run){run, false});
}

static void end(nb_queue *q)
{
    nb_error err = {0};
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    nb_queue_destroy(q);
}

static void post(nb_queue *q, size_t items, bool finished)
{
    nb_error err = {0};
    nb_counters counters = {.items = items, .finished = finished};
    must(nb_queue_post(q, &counters, &err), &err);
}

/* Takes all; returns how many tiles this rank got, in increasing order, runs whole. */
static size_t take_all(nb_queue *q, uint64_t *seen, size_t run, long pause)
{
    nb_error err = {0};
    size_t got = 0, last = 0;
    for (;;) {
        size_t tile = SIZE_MAX;
        bool more = false;
        must(nb_queue_next(q, &tile, &more, &err), &err);
        if (!more) {
            return got;
        }
        assert_true(tile < TILES_MAX && (!got || tile > last));
        assert_true(tile % run == 0 || (got && tile == last + 1));
        last = tile;
        seen[tile]++;
        got++;
        post(q, got, false);
        if (pause) {
            nap(pause);
        }
    }
}

static void test_once(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{0, 1}, {1, 1}, {3, 1}, {100, 1}, {100, 7}, {99, 100}, {TILES_MAX, 3}};
    for (size_t w = 0; w < SHARINGS; w++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            nb_error err = {0};
            nb_queue q;
            uint64_t seen[TILES_MAX + 1] = {0};
            if (!start(&q, sharings[w], shapes[i][0], shapes[i][1])) {
                continue;
            }
            seen[TILES_MAX] = take_all(&q, seen, shapes[i][1], 0);
            post(&q, (size_t)seen[TILES_MAX], true);
            must(nb_comm_sum(&comm, seen, TILES_MAX + 1, &err), &err);
            for (size_t t = 0; t < TILES_MAX; t++) {
                assert_int_equal(seen[t], t < shapes[i][0] ? 1 : 0);
            }
            assert_int_equal(seen[TILES_MAX], shapes[i][0]);
            end(&q);
        }
    }
}

/* Runs that shrink: every tile once, ever shorter runs, single tiles at the end, and far fewer runs than tiles. */
static void test_shrinking(void **state)
{
    (void)state;
    static const size_t tiles[] = {0, 1, 5, 97, TILES_MAX};
    for (size_t w = 0; w < SHARINGS; w++) {
        for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
            nb_error err = {0};
            nb_queue q;
            uint64_t seen[TILES_MAX] = {0};
            size_t before = NB_TILE_RUN, got = 0;
            if (!start_runs(&q, sharings[w], tiles[i], (nb_tile_run){NB_TILE_RUN, true})) {
                continue;
            }
            for (bool more = true; more;) {
                size_t tile = 0, length = q.end;
                must(nb_queue_next(&q, &tile, &more, &err), &err);
                if (more && q.end != length) { /* a new run */
                    length = q.end - tile;
                    assert_in_range(length, 1, before);
                    before = length;
                }
                seen[tile] += more;
                got += more;
            }
            post(&q, got, true);
            must(nb_comm_sum(&comm, seen, TILES_MAX, &err), &err);
            for (size_t t = 0; t < TILES_MAX; t++) {
                assert_int_equal(seen[t], t < tiles[i] ? 1 : 0);
            }
            assert_true(q.runs <= tiles[i] && (tiles[i] < TILES_MAX || q.runs < TILES_MAX / 5));
            end(&q);
        }
    }
}

/* Where tiles are shared the last rank, which naps, takes few; what rank 0 sees adds up. */
static void test_slow(void **state)
{
    (void)state;
    for (size_t w = 0; w < SHARINGS; w++) {
        nb_queue q;
        uint64_t seen[TILES_MAX] = {0};
        bool slow = comm.size > 1 && comm.rank == comm.size - 1;
        if (!start(&q, sharings[w], 100, 1)) {
            continue;
        }
        nb_counters *all = calloc((size_t)comm.size, sizeof *all);
        assert_non_null(all);
        size_t got = take_all(&q, seen, 1, slow ? 40 : 1);
        post(&q, got, true);
        if (comm.rank == 0) {
            while (!nb_queue_finished(&q)) {
                nap(1);
            }
            size_t sum = 0;
            nb_queue_counters(&q, all);
            for (int r = 0; r < comm.size; r++) {
                sum += (size_t)all[r].items;
            }
            if (q.how != NB_SHARING_ROUND_ROBIN) {
                assert_int_equal(sum, 100);
            }
        }
        if (q.how != NB_SHARING_ROUND_ROBIN && slow) {
            assert_true(got < 100 / (size_t)comm.size);
        }
        free(all);
        end(&q);
    }
}

/* Each rank in turn halts the queue after a few tiles: where it is shared the others stop early, and all get out. */
static void test_halt(void **state)
{
    (void)state;
    for (size_t w = 0; w < SHARINGS; w++) {
        for (int bad = 0; bad < comm.size; bad++) {
            nb_error err = {0};
            nb_queue q;
            uint64_t got = 0;
            if (!start(&q, sharings[w], TILES_MAX, 2)) {
                continue;
            }
            for (bool more = true; more;) {
                size_t tile;
                must(nb_queue_next(&q, &tile, &more, &err), &err);
                if (more && ++got == 3 && comm.rank == bad) {
                    nb_queue_halt(&q, NB_HALT_STOPPED);
                    nb_queue_halt(&q, NB_HALT_FAILED);
                    assert_int_equal(nb_queue_halted(&q), NB_HALT_STOPPED | NB_HALT_FAILED);
                }
                nap(more ? 2 : 0);
            }
            post(&q, (size_t)got, true);
            if (comm.rank == 0) {
                while (!nb_queue_finished(&q)) {
                    nap(1);
                }
                if (q.how != NB_SHARING_ROUND_ROBIN) {
                    assert_int_equal(nb_queue_halted(&q), NB_HALT_STOPPED | NB_HALT_FAILED);
                }
            }
            nb_status status = comm.rank == bad ? nb_fail(&err, NB_ERR_IO, "rank %d fell over", bad) : NB_OK;
            assert_int_equal(nb_comm_agree(&comm, status, &err), NB_ERR_IO);
            if (q.how != NB_SHARING_ROUND_ROBIN) {
                assert_true(got < TILES_MAX / 4);
            }
            nb_queue_destroy(&q);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    for (size_t w = 0; w < SHARINGS; w++) {
        assert_int_equal(nb_sharing_parse(nb_sharing_name(sharings[w])), sharings[w]);
    }
    assert_int_equal(nb_sharing_parse("nonsense"), NB_SHARING_AUTO);
    nb_queue none = {0};
    nb_queue_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once), cmocka_unit_test(test_shrinking), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_halt), cmocka_unit_test(test_names),
    };
    return run_on_ranks(&comm, tests, NULL);
}
