/* How ranks agree, gather and reduce, with one rank failing at every place. */
#include "support/on_ranks.h"

#include "common/parallel/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_comm comm;

static void test_agree_ok(void **state)
{
    (void)state;
    nb_error err = {0};
    assert_int_equal(nb_comm_agree(&comm, NB_OK, &err), NB_OK);
}

/* Each rank in turn fails; everybody gets its status, words, rank and host. */
static void test_agree_failure(void **state)
{
    (void)state;
    for (int bad = 0; bad < comm.size; bad++) {
        nb_error err = {0};
        nb_status status = NB_OK;
        if (comm.rank == bad) {
            nb_fail(&err, NB_ERR_IO, "rank %d fell over", bad);
            status = nb_hint(&err, "lift it");
        }
        char words[64];
        snprintf(words, sizeof words, "rank %d fell over", bad);
        assert_int_equal(nb_comm_agree(&comm, status, &err), NB_ERR_IO);
        assert_string_equal(err.message, words);
        assert_string_equal(err.hint, "lift it");
        assert_int_equal(err.rank, bad);
        assert_true(err.host[0] != '\0');
    }
}

/* A rank that fails early meets the others at a later agreement, nested or not; nothing hangs, all hold one error. */
static nb_status nested(int bad, int depth, nb_error *err)
{
    nb_status status = NB_OK;
    if (comm.rank == bad && depth == 1) {
        return nb_fail(err, NB_ERR_LIMIT, "early");
    }
    if (depth < 3) {
        status = nested(bad, depth + 1, err);
    }
    return nb_comm_agree(&comm, status, err);
}

static void test_agree_nested(void **state)
{
    (void)state;
    for (int bad = 0; bad < comm.size; bad++) {
        nb_error err = {0};
        nb_status status = nb_comm_agree(&comm, nested(bad, 0, &err), &err);
        assert_int_equal(status, NB_ERR_LIMIT);
        assert_string_equal(err.message, "early");
        nb_error fresh = {0};
        assert_int_equal(nb_comm_agree(&comm, NB_OK, &fresh), NB_OK); /* still in step */
    }
}

/* The lowest failing rank speaks. */
static void test_agree_lowest(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_status mine = nb_fail(&err, comm.rank == 0 ? NB_ERR_INPUT : NB_ERR_NUMERIC, "rank %d", comm.rank);
    assert_int_equal(nb_comm_agree(&comm, mine, &err), NB_ERR_INPUT);
    assert_string_equal(err.message, "rank 0");
}

static void test_gather(void **state)
{
    (void)state;
    nb_error err = {0};
    char block[64], *all;
    uint64_t *offset;
    size_t len = (size_t)comm.rank * 3; /* rank 0 has nothing */
    memset(block, 'a' + comm.rank, sizeof block);
    must(nb_comm_gather(&comm, block, len, &all, &offset, &err), &err);
    if (comm.rank == 0) {
        for (int r = 0; r < comm.size; r++) {
            assert_int_equal(offset[r + 1] - offset[r], 3 * r);
            for (uint64_t i = offset[r]; i < offset[r + 1]; i++) {
                assert_int_equal(all[i], 'a' + r);
            }
        }
    } else {
        assert_null(all);
    }
    free(all);
    free(offset);
}

static void test_or(void **state)
{
    (void)state;
    nb_error err = {0};
    double values[101] = {0};
    for (size_t i = 0; i < 101; i++) {
        if (nb_comm_owns(&comm, i / 10)) {
            values[i] = 1.0 / (double)(i + 1) * (i % 2 ? -1 : 1);
        }
    }
    must(nb_comm_or(&comm, values, 101, &err), &err);
    for (size_t i = 0; i < 101; i++) {
        double want = 1.0 / (double)(i + 1) * (i % 2 ? -1 : 1);
        assert_memory_equal(&values[i], &want, sizeof want);
    }
}

static void test_broadcast_sum(void **state)
{
    (void)state;
    nb_error err = {0};
    char text[16] = "";
    uint64_t counts[2] = {1, (uint64_t)comm.rank};
    if (comm.rank == 0) {
        memcpy(text, "hello", 6);
    }
    must(nb_comm_broadcast(&comm, text, sizeof text, &err), &err);
    assert_string_equal(text, "hello");
    must(nb_comm_sum(&comm, counts, 2, &err), &err);
    assert_int_equal(counts[0], comm.size);
    assert_int_equal(counts[1], comm.size * (comm.size - 1) / 2);
}

/* One memory a node: what its first rank writes, all read; and the base addresses are of one block. */
static void test_shared(void **state)
{
    (void)state;
    nb_error err = {0};
    nb_shared shared;
    must(nb_shared_create(&shared, &comm, 1000 * sizeof(uint64_t), &err), &err);
    assert_int_equal((uintptr_t)shared.base % 64, 0);
    uint64_t *words = shared.base;
    for (uint64_t i = 0; shared.first && i < 1000; i++) {
        words[i] = i * i;
    }
    must(nb_shared_publish(&shared, &comm, &err), &err);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(words[i], i * i);
    }
    nb_shared_destroy(&shared);
}

static void test_same(void **state)
{
    (void)state;
    nb_error err = {0};
    must(nb_comm_same(&comm, "kernel", "one", &err), &err);
    if (comm.size > 1) {
        nb_status status = nb_comm_same(&comm, "kernel", comm.rank == comm.size - 1 ? "two" : "one", &err);
        must_fail(status, NB_ERR_LIMIT, &err, "'two' here, 'one' on rank 0");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree_ok),      cmocka_unit_test(test_agree_failure), cmocka_unit_test(test_agree_nested),
        cmocka_unit_test(test_agree_lowest),  cmocka_unit_test(test_gather),        cmocka_unit_test(test_or),
        cmocka_unit_test(test_broadcast_sum), cmocka_unit_test(test_same),          cmocka_unit_test(test_shared),
    };
    return run_on_ranks(&comm, tests, NULL);
}
