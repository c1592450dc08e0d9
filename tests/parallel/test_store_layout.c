/* Stores laid out and sealed by all ranks: the bytes of one process, whoever packs and hashes what. */
#include "common/parallel/sealing.h"
#include "mining/corpus/file/corpus_file.h"
#include "mining/embed/parts.h"
#include "mining/embed/store_layout.h"
#include "support/on_ranks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 150000, D = 2, TILE = 512 }; /* names and offsets of several chunks */

static nb_comm comm;
static nb_corpus corpus;

/* A path that all ranks have from rank 0. */
static const char *common_path(const char *name, char path[256])
{
    nb_error err = {0};
    snprintf(path, 256, "%s", comm.rank == 0 ? scratch_path(name) : "");
    must(nb_comm_broadcast(&comm, path, 256, &err), &err);
    return path;
}

static int setup(void **state)
{
    nb_error err = {0};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "t%06zu %zx", i, i * 2654435761U % 1048573U);
        const nb_corpus_row row = {.text = text, .len = (size_t)len, .tag = (uint8_t)(i % 3), .line = i + 1};
        must(nb_corpus_push(&corpus, &row, &err), &err);
    }
    return 0;
}

static nb_store_spec spec_of(size_t count)
{
    return (nb_store_spec){.count = count, .width = D, .tile_rows = TILE, .half = true, .provenance = "{\"a\": 1}"};
}

/* Rank 0: both files have the same bytes. */
static void same_files(const char *a, const char *b)
{
    nb_error err = {0};
    nb_map x, y;
    if (comm.rank == 0) {
        must(nb_map_open(&x, a, &err), &err);
        must(nb_map_open(&y, b, &err), &err);
        assert_int_equal(x.len, y.len);
        assert_memory_equal(x.data, y.data, x.len);
        nb_map_close(&x);
        nb_map_close(&y);
    }
}

/* The first `count` texts as a corpus file, read by all. */
static void open_corpus(nb_corpus_reader *out, const char *path, size_t count)
{
    nb_error err = {0};
    if (comm.rank == 0) {
        nb_corpus some = corpus;
        nb_digest digest;
        nb_corpus_counts counts = {.read = count, .kept = count};
        nb_strings inputs = {0};
        const nb_corpus_target target = {.path = path, .force = true, .provenance = "{}"};
        some.count = some.texts.count = count;
        must(nb_strings_push(&inputs, "x", 1, &err), &err);
        must(nb_corpus_file_write(&some, &counts, &inputs, &target, &digest, &err), &err);
        nb_strings_free(&inputs);
    }
    must(nb_comm_agree(&comm, NB_OK, &err), &err);
    must(nb_corpus_reader_open(out, &comm, path, &err), &err);
    assert_int_equal(out->count, count);
}

/* A corpus of `count` texts laid out by all is what one process makes of the texts in memory. */
static void check_layout(size_t count)
{
    char corpus_path[256], path[256], alone[256];
    nb_error err = {0};
    nb_corpus_reader reader;
    nb_store_layout layout;
    nb_store_plan plan, again;
    nb_digest digest, other;
    nb_store_spec spec = spec_of(count), memory = spec;
    nb_strings names = corpus.texts;
    bool same;
    names.count = count;
    memory.names = &names;
    memory.tags = corpus.tags;
    open_corpus(&reader, common_path("c.nbc", corpus_path), count);
    common_path("together.nbe", path);
    common_path("alone.nbe", alone);
    must(nb_store_layout_open(&layout, &comm, &spec, &reader, &err), &err);
    assert_int_equal(layout.together, count >= NB_STORE_LAYOUT_TOGETHER);
    must(nb_store_layout_create(&layout, path, &plan, &err), &err);
    if (comm.rank == 0) {
        must(nb_store_create(&again, alone, &memory, &err), &err);
        assert_memory_equal(&again, &plan, sizeof plan);
    }
    same_files(path, alone);
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 1}, &again, &same, &err), &err);
    assert_true(same);
    assert_memory_equal(&again, &plan, sizeof plan);
    must(nb_store_layout_same(&layout, corpus_path, (nb_store_layout_share){1, 1}, &again, &same, &err), &err);
    assert_false(same);
    assert_int_equal(again.tile_count, 0);
    must(nb_part_seal(&comm, path, &plan, &digest, &err), &err);
    if (comm.rank == 0) {
        must(nb_store_seal(alone, &plan, &other, &err), &err);
        assert_string_equal(digest.hex, other.hex);
    }
    same_files(path, alone);
    nb_store_layout_close(&layout);

    /* from memory, as images are */
    must(nb_store_layout_open(&layout, &comm, &memory, NULL, &err), &err);
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 1}, &again, &same, &err), &err);
    assert_true(same);
    must(nb_store_layout_create(&layout, path, &plan, &err), &err);
    must(nb_part_seal(&comm, path, &plan, &digest, &err), &err);
    same_files(path, alone);
    nb_store_layout_close(&layout);
    nb_corpus_reader_close(&reader);
}

static void test_layout(void **state)
{
    (void)state;
    check_layout(N);
    check_layout(300);
}

/* What differs in one byte of a name, in its provenance or in a chunk that was not written is not the same; the share
 * of another part is not looked at. */
static void test_differences(void **state)
{
    char path[256];
    nb_error err = {0};
    nb_store_layout layout;
    nb_store_plan plan;
    nb_store_spec spec = spec_of(N);
    uint8_t *tags = malloc(N);
    bool same;
    (void)state;
    assert_non_null(tags);
    memcpy(tags, corpus.tags, N);
    spec.names = &corpus.texts;
    spec.tags = tags;
    common_path("store.nbe", path);
    must(nb_store_layout_open(&layout, &comm, &spec, NULL, &err), &err);
    must(nb_store_layout_create(&layout, path, &plan, &err), &err);
    tags[N - 1] ^= 1; /* in the last chunk */
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 1}, &plan, &same, &err), &err);
    assert_false(same);
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 2}, &plan, &same, &err), &err);
    assert_true(same);
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){2, 2}, &plan, &same, &err), &err);
    assert_false(same);
    tags[N - 1] ^= 1;
    layout.spec.provenance = "{\"a\": 2}";
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 1}, &plan, &same, &err), &err);
    assert_false(same);
    layout.spec.provenance = spec.provenance;
    if (comm.rank == 0) { /* as a run leaves it that is killed before all ranks have written */
        const char zeros[64] = "";
        int fd = open(path, O_WRONLY);
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, (off_t)layout.chunks.at[0]), sizeof zeros);
        close(fd);
    }
    must(nb_store_layout_same(&layout, path, (nb_store_layout_share){1, 1}, &plan, &same, &err), &err);
    assert_false(same);
    must(nb_store_layout_same(&layout, "/nonexistent", (nb_store_layout_share){1, 1}, &plan, &same, &err), &err);
    assert_false(same);
    nb_store_layout_close(&layout);
    free(tags);
}

/* A file that is hashed in pieces, by any number of ranks; one altered byte in any of them is found. */
static void test_pieces(void **state)
{
    char path[256];
    nb_error err = {0};
    nb_seal seal;
    nb_digest digest;
    const uint64_t size = NB_SEAL_WHOLE_MAX + NB_SEAL_PIECE + 4096, hole = 1000;
    const uint64_t at[] = {hole - 1, size - 1};
    const nb_seal_order order = {common_path("large.bin", path), "bank", hole, hole + NB_SEAL_PIECE};
    int fd = comm.rank == 0 ? open(path, O_CREAT | O_RDWR, 0600) : -1;
    (void)state;
    if (comm.rank == 0) {
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
    }
    must(nb_comm_seal_write(&comm, &order, &digest, &err), &err);
    if (comm.rank == 0) {
        unsigned char version = 0;
        assert_int_equal(pread(fd, &version, 1, 8), 1);
        assert_int_equal(version, 2);
        must(nb_seal_verify(&seal, path, "bank", &err), &err);
        assert_string_equal(seal.digest.hex, digest.hex);
    }
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        if (comm.rank == 0) {
            assert_int_equal(pwrite(fd, "x", 1, (off_t)at[i]), 1);
        }
        must_fail(nb_comm_seal_verify(&comm, &seal, path, "bank", &err), NB_ERR_VERIFY, &err, "is damaged");
        nb_error_clear(&err);
        if (comm.rank == 0) {
            assert_int_equal(pwrite(fd, "", 1, (off_t)at[i]), 1);
        }
    }
    must_fail(nb_comm_seal_verify(&comm, &seal, path, "corpus", &err), NB_ERR_INPUT, &err, "is needed");
    if (fd >= 0) {
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_pieces),
    };
    int failed = run_on_ranks(&comm, tests, setup);
    nb_corpus_free(&corpus);
    return failed;
}
