/* The exchange of the sample sort: every text ends once, in order, in one rank; the bytes counted are those of the
 * formula in mining/corpus/sort/exchange.h; a rank whose scratch space fails ends all of them with its error. */
#include "support/on_ranks.h"

#include "common/base/random.h"
#include "mining/corpus/sort/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 30000, DIFFERENT = 40000 };

static nb_comm comm;

/* Text `i` of all; its length varies from 8 to about 100 bytes. */
static size_t text_of(char out[128], uint64_t i)
{
    size_t len = (size_t)snprintf(out, 128, "w%07llu", (unsigned long long)(i * 7919 % DIFFERENT));
    size_t more = nb_random_below(3, 0, i, 90);
    memset(out + len, 'a' + (int)(i % 26), more);
    return len + more;
}

/* This rank's lines: of all texts alike, or (skewed) almost all of its own range. */
static void fill(nb_sorter *s, bool skewed)
{
    nb_error err = {0};
    char text[128];
    for (uint64_t i = 0; i < LINES; i++) {
        uint64_t pick = nb_random_below(5, (uint64_t)comm.rank, i, skewed ? 50 : DIFFERENT);
        size_t len = text_of(text, pick);
        must(nb_sorter_add(s, text, len, (uint8_t)(i % 3), nb_place((size_t)comm.rank, i + 1), &err), &err);
    }
}

typedef struct state {
    nb_sorter sorter;
    nb_strings splitters;
    nb_scratch_file scratch;
    size_t budget;
    nb_spool *spools;
    nb_run *runs;
    nb_traffic traffic;
} state;

static nb_status exchange(state *s, size_t room, size_t budget, const char *folder, bool skewed, nb_error *err)
{
    size_t size = (size_t)comm.size;
    *s = (state){.scratch = nb_scratch_file_in(folder), .budget = budget};
    must(nb_sorter_open(&s->sorter, room, scratch_path("."), err), err);
    fill(&s->sorter, skewed);
    must(nb_sorter_finish(&s->sorter, 3, err), err);
    s->spools = nb_alloc(size, sizeof *s->spools, err);
    s->runs = nb_alloc(size + s->sorter.run_count, sizeof *s->runs, err);
    for (size_t r = 0; r < size; r++) {
        s->spools[r] = nb_spool_in(&s->scratch, &s->budget);
    }
    must(nb_exchange_splitters(&s->splitters, &comm, &s->sorter, &s->traffic, err), err);
    assert_int_equal(s->splitters.count, size - 1);
    const nb_exchange_plan plan = {
        .comm = &comm, .sorter = &s->sorter, .splitters = &s->splitters, .block = NB_EXCHANGE_BLOCK_MIN};
    return nb_exchange(s->runs, s->spools, &plan, &s->traffic, err);
}

static void drop(state *s)
{
    for (int r = 0; r < comm.size; r++) {
        nb_spool_free(&s->spools[r]);
    }
    free(s->spools);
    free(s->runs);
    nb_strings_free(&s->splitters);
    nb_scratch_file_close(&s->scratch);
    nb_sorter_free(&s->sorter);
}

/* What came from others is what they say they sent, and the counters follow the formula. */
static void check_traffic(const state *s)
{
    nb_error err = {0};
    nb_traffic sum = s->traffic;
    uint64_t received = 0, size = (uint64_t)comm.size;
    for (int r = 0; r < comm.size; r++) {
        received += s->spools[r].size;
    }
    must(nb_comm_sum(&comm, (uint64_t *)&sum, sizeof sum / sizeof(uint64_t), &err), &err);
    must(nb_comm_sum(&comm, &received, 1, &err), &err);
    assert_int_equal(received, NB_ENTRY_HEAD * sum.entries + sum.text_bytes);
    assert_int_equal(sum.sent, received + NB_BLOCK_HEAD * sum.blocks);
    assert_true(sum.blocks >= size * (size - 1));
    assert_true(sum.blocks <= size * (size - 1) + received / (NB_EXCHANGE_BLOCK_MIN - NB_ENTRY_MAX));
}

/* All ranks' texts in rank order are in order, and as many as there are different ones among all lines. */
static void check_order(const state *s, bool skewed)
{
    nb_error err = {0};
    nb_merge m;
    char ends[2][128] = {"", ""};
    uint64_t count = 0;
    bool more;
    must(nb_merge_open(&m, s->runs, s->sorter.run_count + (size_t)comm.size, 1 << 20, &err), &err);
    uint8_t *seen = nb_alloc(3 * (size_t)DIFFERENT, 1, &err);
    for (;;) {
        must(nb_merge_next(&m, &more, &err), &err);
        if (!more) {
            break;
        }
        char *to = ends[count ? 1 : 0];
        if (count) {
            assert_true(strncmp(ends[1][0] ? ends[1] : ends[0], m.entry.text, m.entry.len) <= 0);
        }
        memcpy(to, m.entry.text, m.entry.len);
        to[m.entry.len] = '\0';
        count++;
    }
    nb_merge_close(&m);
    for (int r = 0; r < comm.size; r++) {
        for (uint64_t i = 0; i < LINES; i++) {
            uint64_t pick = nb_random_below(5, (uint64_t)r, i, skewed ? 50 : DIFFERENT);
            seen[3 * pick + i % 3] = 1;
        }
    }
    uint64_t want = 0;
    for (size_t i = 0; i < 3 * (size_t)DIFFERENT; i++) {
        want += seen[i];
    }
    free(seen);
    char *all = NULL;
    uint64_t *offset = NULL;
    must(nb_comm_gather(&comm, ends, sizeof ends, &all, &offset, &err), &err);
    must(nb_comm_sum(&comm, &count, 1, &err), &err);
    assert_int_equal(count, want);
    const char *last = "";
    for (int r = 0; comm.rank == 0 && r < comm.size; r++) {
        const char *low = all + offset[r], *high = low + sizeof ends[0];
        assert_true(!low[0] || strcmp(last, low) < 0);
        last = high[0] ? high : low[0] ? low : last;
    }
    free(all);
    free(offset);
}

static void check_case(size_t room, size_t budget, bool skewed)
{
    nb_error err = {0};
    state s;
    must(exchange(&s, room, budget, scratch_path("."), skewed, &err), &err);
    check_traffic(&s);
    check_order(&s, skewed);
    drop(&s);
}

static void test_in_memory(void **given)
{
    (void)given;
    check_case(16u << 20, 64u << 20, false);
}

static void test_on_disk(void **given)
{
    (void)given;
    check_case(NB_SORTER_CAPACITY_MIN, 0, false);
}

static void test_few_texts(void **given)
{
    (void)given;
    check_case(NB_SORTER_CAPACITY_MIN, 0, true);
}

/* The load of a rank: its bytes are near the mean when all ranks hold the same kind of texts. */
static void test_balance(void **given)
{
    (void)given;
    nb_error err = {0};
    state s;
    uint64_t mine = 0, all;
    must(exchange(&s, 16u << 20, 64u << 20, scratch_path("."), false, &err), &err);
    for (size_t i = 0; i < s.sorter.run_count; i++) {
        mine += s.runs[i].end - s.runs[i].begin;
    }
    for (int r = 0; r < comm.size; r++) {
        mine += s.spools[r].size / 60; /* a text has 60 bytes on the average */
    }
    all = mine;
    must(nb_comm_sum(&comm, &all, 1, &err), &err);
    assert_true(mine < 12 * all / 10 / (uint64_t)comm.size);
    drop(&s);
}

/* Each rank in turn cannot write what it receives. */
static void test_scratch_fails(void **given)
{
    (void)given;
    for (int bad = 0; comm.size > 1 && bad < comm.size; bad++) {
        nb_error err = {0};
        state s;
        const char *folder = comm.rank == bad ? absent_path("scratch") : scratch_path(".");
        nb_status status = exchange(&s, NB_SORTER_CAPACITY_MIN, 0, folder, false, &err);
        must_fail(status, NB_ERR_IO, &err, "absent/scratch'");
        assert_int_equal(err.rank, bad);
        drop(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory), cmocka_unit_test(test_on_disk),       cmocka_unit_test(test_few_texts),
        cmocka_unit_test(test_balance),   cmocka_unit_test(test_scratch_fails),
    };
    return run_on_ranks(&comm, tests, NULL);
}
