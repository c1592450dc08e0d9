/* Allocations of a mining run fail, one a run: every one of a rank alone, of several ranks one in STRIDE on the first
 * and on the last. All ranks hold the same error, memory is out, nothing is left allocated, and a run that continues
 * what was left selects what an undisturbed one does. */
#include "support/on_ranks.h"

#include "common/base/random.h"
#include "common/linear/reference/kernels.h"
#include "common/store/npy.h"
#include "mining/criteria/evidence.h"
#include "mining/embed/import.h"
#include "mining/select/mine.h"
#include "support/failing_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    C = 3,
    TEXTS = NB_AFFINITY_TEXTS + 20,
    IMAGES = 12,
    WILD = 40,
    D = 8,
    KEPT = 10,
    DENSE = 150,
    STRIDE = NB_SANITIZED ? 19 : 7
};

static nb_comm comm;
static nb_log silent;
static char texts_path[512], labels_path[512], id_path[512], wild_path[512], ledger_path[512];

static void write_store(char *path, const char *name, size_t count, size_t classes)
{
    const char *npy = scratch_path("rows.npy"), *label_npy = scratch_path("labels.npy");
    float *rows = calloc(count * D, sizeof *rows);
    int32_t *labels = calloc(count, sizeof *labels);
    nb_error err = {0};
    nb_digest digest;
    size_t made;
    for (size_t i = 0; i < count; i++) {
        double row[D];
        labels[i] = classes ? (int32_t)(i % classes) : -1;
        for (size_t k = 0; k < D; k++) {
            row[k] = nb_random_normal(9, count, i * D + k) + (classes && labels[i] == (int32_t)k ? 5 : 0);
        }
        nb_normalise_row(row, row, D);
        for (size_t k = 0; k < D; k++) {
            rows[i * D + k] = (float)row[k];
        }
    }
    snprintf(path, 512, "%s", scratch_path(name));
    must(nb_npy_write(npy, true, NB_NPY_F32, (nb_npy_shape){.rows = count, .columns = D}, rows, &err), &err);
    must(nb_npy_write(label_npy, true, NB_NPY_I32, (nb_npy_shape){.rows = count}, labels, &err), &err);
    nb_import in = {.embeddings = npy, .labels = classes ? label_npy : NULL, .provenance = "{}"};
    must(nb_import_store(&in, path, true, &digest, &made, &err), &err);
    free(rows);
    free(labels);
}

/* All that a run holds. */
typedef struct held {
    nb_store texts, label_store, id, wild;
    nb_strings labels;
    double *label_rows, *prototypes;
    nb_candidates candidates;
    nb_mined mined;
} held;

/* Not collective. */
static nb_status gather(held *h, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_store_open_parts(&h->texts, texts_path, true, err));
    NB_TRY(nb_store_open(&h->label_store, labels_path, true, err));
    NB_TRY(nb_store_open(&h->id, id_path, true, err));
    NB_TRY(nb_store_open(&h->wild, wild_path, true, err));
    for (size_t c = 0; c < C; c++) {
        const char *name = nb_strings_get(&h->label_store.names, c);
        NB_TRY(nb_strings_push(&h->labels, name, strlen(name), err));
    }
    NB_TRY(nb_evidence_rows(&h->label_store, &h->label_rows, err));
    NB_TRY(nb_evidence_prototypes(&h->id, &h->labels, &h->prototypes, err));
    NB_TRY(nb_candidates_open(&h->candidates, &comm, &h->texts, &(nb_strings){0}, NULL, err));
done:
    return status;
}

static nb_status mine(held *h, const char *criterion, bool resume, nb_error *err)
{
    nb_evidence evidence = {.comm = &comm,
                            .log = &silent,
                            .candidates = &h->candidates,
                            .d = D,
                            .label_count = C,
                            .labels = h->label_rows,
                            .prototypes = h->prototypes,
                            .id_images = &h->id,
                            .wild_images = &h->wild};
    static const char *const words[] = {"--neighbours", "5"};
    static const nb_command parameters = {.name = "mine", .more = nb_mining_row};
    nb_parsed options = {0};
    char *argv[] = {(char *)(uintptr_t)words[0], (char *)(uintptr_t)words[1]};
    nb_status parsed = nb_options_parse(&options, &parameters, (nb_command_list){0}, 2, argv, err);
    nb_mine_plan plan = {.criterion = nb_criterion_find(criterion),
                         .rejection = nb_rejection_find("interneg"),
                         .options = &options,
                         .all_columns = true,
                         .quota = {.count = KEPT},
                         .ledger = ledger_path,
                         .identity = "test",
                         .resume = resume};
    nb_strings names = {0};
    uint8_t tags[KEPT];
    nb_status status = nb_comm_agree(&comm, parsed, err);
    if (status == NB_OK) {
        status = nb_mine(&h->mined, &plan, &evidence, err);
    }
    if (status == NB_OK && comm.rank == 0) {
        status = nb_mined_texts(&h->mined, &h->texts, &names, tags, err);
    }
    nb_strings_free(&names);
    nb_parsed_free(&options);
    return nb_comm_agree(&comm, status, err);
}

/* The whole of it; ids [KEPT] of the selected on rank 0. */
static nb_status go(const char *criterion, bool resume, uint64_t *ids, nb_error *err)
{
    held h = {0};
    nb_status status = nb_comm_agree(&comm, gather(&h, err), err);
    if (status == NB_OK) {
        status = mine(&h, criterion, resume, err);
    }
    if (status == NB_OK && comm.rank == 0) {
        assert_int_equal(h.mined.selection.count, KEPT);
        memcpy(ids, h.mined.selection.ids, KEPT * sizeof *ids);
    }
    nb_mined_free(&h.mined);
    nb_candidates_close(&h.candidates);
    nb_store_close(&h.texts);
    nb_store_close(&h.label_store);
    nb_store_close(&h.id);
    nb_store_close(&h.wild);
    nb_strings_free(&h.labels);
    free(h.label_rows);
    free(h.prototypes);
    return status;
}

/* Allocation i of the victim fails; false when it came to none. *over counts those that were got over: tiles have
 * another way to be shared. */
static bool fail_one(const char *criterion, long i, int victim, const uint64_t *want, long *over)
{
    uint64_t got[KEPT] = {0};
    nb_error err = {0};
    long before = blocks_held();
    fail_allocation(comm.rank == victim ? i : 0, false);
    nb_status status = go(criterion, false, got, &err);
    int64_t hit = comm.rank == victim && allocations() >= i;
    fail_allocation(0, false);
    if (blocks_held() != before) {
        fail_msg("%s: allocation %ld of rank %d failed: rank %d has %ld blocks left", criterion, i, victim, comm.rank,
                 blocks_held() - before);
    }
    must(nb_comm_max(&comm, &hit, 1, &err), &err);
    *over += hit && status == NB_OK;
    if (hit && status != NB_OK && (status != NB_ERR_LIMIT || !strstr(err.message, "memory"))) {
        fail_msg("%s: allocation %ld of rank %d failed: status %d, '%s'", criterion, i, victim, (int)status,
                 err.message);
    }
    if (hit && status != NB_OK && i % 5 == 0) {
        nb_error_clear(&err);
        must(go(criterion, true, got, &err), &err);
        status = NB_OK;
    }
    if (status == NB_OK) {
        assert_memory_equal(got, want, comm.rank == 0 ? sizeof got : 0);
    }
    return hit != 0;
}

static void test_mining(void **state)
{
    static const char *const criteria[] = {"debiased", "activation-only", "interneg", "neglabel", "dnm", "random"};
    (void)state;
    for (size_t c = 0; c < sizeof criteria / sizeof *criteria; c++) {
        uint64_t want[KEPT] = {0};
        nb_error err = {0};
        must(go(criteria[c], false, want, &err), &err);
        for (int victim = 0; victim<comm.size; victim += comm.size> 1 ? comm.size - 1 : 1) {
            long failed = 0, over = 0, i = 1;
            while (fail_one(criteria[c], i, victim, want, &over)) {
                failed++;
                i += (i < DENSE ? 1 : i / 8) * (comm.size > 1 ? STRIDE : 1);
            }
            assert_true(failed > 2 && over <= 2);
            if (comm.rank == 0) {
                print_message("%s: %ld of some %ld allocations of rank %d failed, one a run; %ld got over\n",
                              criteria[c], failed, i - 1, victim, over);
            }
        }
    }
}

/* Rank 0 writes what all read. */
static int write_world(void **state)
{
    nb_error err = {0};
    (void)state;
    if (comm.rank == 0) {
        write_store(texts_path, "texts.nbe", TEXTS, 0);
        write_store(labels_path, "labels.nbe", C, C);
        write_store(id_path, "id.nbe", IMAGES, C);
        write_store(wild_path, "wild.nbe", WILD, 0);
        snprintf(ledger_path, sizeof ledger_path, "%s", scratch_path("ledger"));
    }
    char *const paths[] = {texts_path, labels_path, id_path, wild_path, ledger_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        must(nb_comm_broadcast(&comm, paths[i], sizeof texts_path, &err), &err);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mining)};
    return run_on_ranks(&comm, tests, write_world);
}
