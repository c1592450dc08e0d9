/* A crew does every tile once, counts the items of all ranks and shows them on rank 0; a failure and a request to stop
 * on one rank become everybody's. */
#include "support/on_team.h"

#include "common/parallel/crew.h"
#include "common/parallel/stop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TILES = 60, ROWS = 7, TOTAL = TILES * ROWS - 3 };
static nb_team team;
static const nb_sharing ways[] = {NB_SHARING_NODE, NB_SHARING_WINDOW, NB_SHARING_DEALT};

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

static nb_status visit(void *self, nb_crew *crew, size_t tile, nb_error *err)
{
    state *s = self;
    int special = s->bad > s->stopped ? s->bad : s->stopped;
    bool waits = special >= 0 && team.rank != special; /* so that the one surely gets its tiles */
    const struct timespec nap = {.tv_nsec = waits ? 30000000 : 1000000};
    s->mine++;
    nanosleep(&nap, NULL);
    if (team.rank == s->bad && s->mine == s->bad_tile) {
        return nb_fail(err, NB_ERR_IO, "rank %d fell over", team.rank);
    }
    if (team.rank == s->stopped && s->mine == 3) {
        raise(SIGUSR1);
    }
    nb_status status = nb_crew_pulse(crew, 1);
    if (status == NB_OK) {
        s->seen[tile]++;
        *(tile % 4 ? &crew->tally.items : &crew->tally.kept) += rows_of(tile);
    }
    return status;
}

/* The lines rank 0 logs go to *text. */
static nb_status run(state *s, nb_sharing how, uint64_t *kept, char **text, nb_error *err)
{
    size_t len = 0;
    FILE *out = open_memstream(text, &len);
    const nb_log log = {.out = team.rank == 0 ? out : NULL, .command = "test"};
    const nb_crew_work work = {.what = "rows",
                               .hint = "run it again",
                               .total = TOTAL,
                               .tiles = TILES,
                               .run = 1,
                               .sharing = how,
                               .visit = visit,
                               .state = s};
    nb_status status = nb_crew_run(&team, &log, &work, kept, err);
    fclose(out);
    return status;
}

static void test_all_done(void **unused)
{
    (void)unused;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        nb_error err = {0};
        state s = {.bad = -1, .stopped = -1};
        uint64_t kept = 0;
        char *text = NULL;
        nb_status status = run(&s, ways[w], &kept, &text, &err);
        if (status == NB_ERR_LIMIT && ways[w] != NB_SHARING_DEALT) {
            free(text);
            continue; /* not to be had here */
        }
        must(status, &err);
        assert_int_equal(kept, TILES / 4 * ROWS);
        must(nb_team_sum(&team, s.seen, TILES, &err), &err);
        for (size_t i = 0; i < TILES; i++) {
            assert_int_equal(s.seen[i], 1);
        }
        if (team.rank == 0) {
            assert_non_null(strstr(text, "417 rows in "));
            assert_non_null(strstr(text, "105 of 417 rows were done before"));
        }
        free(text);
    }
}

/* What rank 0 knows of the others once all have finished. */
static void test_progress(void **unused)
{
    (void)unused;
    nb_error err = {0};
    nb_crew crew;
    const nb_log silent = {0};
    const nb_crew_work work = {.what = "rows", .total = TOTAL, .tiles = TILES, .run = 1, .sharing = NB_SHARING_AUTO};
    uint64_t made, kept;
    int slowest;
    must(nb_crew_open(&crew, &team, &silent, &work, &err), &err);
    crew.tally = (nb_tally){.items = 10 + (uint64_t)team.rank, .kept = 2};
    must(nb_crew_post(&crew, &err), &err);
    must(nb_crew_finish(&crew, NB_OK, &err), &err);
    nb_crew_watch(&crew);
    if (team.rank == 0 && crew.queue.how != NB_SHARING_DEALT) {
        uint64_t size = (uint64_t)team.size;
        nb_crew_look(&crew, &made, &kept, &slowest);
        assert_int_equal(made, 10 * size + size * (size - 1) / 2);
        assert_int_equal(kept, 2 * size);
        assert_int_equal(slowest, 0);
    }
    must(nb_team_agree(&team, NB_OK, &err), &err);
    nb_crew_close(&crew);
}

static void test_failure(void **unused)
{
    (void)unused;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        nb_error err = {0};
        char *text = NULL;
        state s = {.bad = team.size - 1, .bad_tile = 1, .stopped = -1};
        nb_status status = run(&s, ways[w], NULL, &text, &err);
        if (status != NB_ERR_LIMIT || ways[w] == NB_SHARING_DEALT) {
            must_fail(status, NB_ERR_IO, &err, "fell over");
            assert_int_equal(err.rank, team.size - 1);
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
    state s = {.bad = -1, .stopped = team.size - 1};
    nb_stop_listen();
    must_fail(run(&s, NB_SHARING_AUTO, NULL, &text, &err), NB_STOPPED, &err, "of 417 rows");
    assert_string_equal(err.hint, "run it again");
    free(text);
    nb_error own = {0};
    assert_int_equal(nb_stop_check(&own), team.rank == team.size - 1 ? NB_STOPPED : NB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_done),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_stop),
    };
    return run_on_team(&team, tests, NULL);
}
