/* Every allocation of the scoring library fails once, alone and together with all behind it: each time the call says
 * that memory is out, and nothing is left allocated. */
#include "support/support.h"

#include "common/base/random.h"
#include "common/linear/blas.h"
#include "common/linear/reference/kernels.h"
#include "mining/bank/bank_writer.h"
#include "scoring/negbank.h"
#include "support/failing_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C = 3, M = 14, V = 2, D = 8, IMAGES = 70 };

/* One way through the library. */
typedef struct way {
    const char *score, *parameters;
    bool stream;
    bool corpus; /* and its state is saved and restored half-way */
} way;

static const char *bank_path, *state_path;
static float images[IMAGES * D];

static void fill(float *rows, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; i++) {
        double row[D];
        for (size_t k = 0; k < D; k++) {
            row[k] = nb_random_normal(3, stream, i * D + k);
        }
        nb_normalise_row(row, row, D);
        for (size_t k = 0; k < D; k++) {
            rows[i * D + k] = (float)row[k];
        }
    }
}

static void name(nb_strings *out, size_t count, const char *word)
{
    nb_error err = {0};
    for (size_t i = 0; i < count; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "%s %zu", word, i);
        must(nb_strings_push(out, text, (size_t)len, &err), &err);
    }
}

/* A bank with everything a reader looks for; int8 has the longest way from file to memory. */
static int write_bank(void **state)
{
    float labels[C * D], prototypes[C * D], negatives[M * D], visual[V * D];
    double values[M];
    uint8_t tags[M] = {0};
    uint64_t ids[M];
    double log_prior[M], evidence[M], measured_rows[2 * D], map[D * D] = {0}, mean[D];
    uint32_t measured[2] = {3, 11};
    nb_strings label_names = {0}, texts = {0}, visual_names = {0}, prompts = {0};
    nb_digest digest;
    nb_error err = {0};
    (void)state;
    fill(labels, C, 1);
    fill(prototypes, C, 2);
    fill(negatives, M, 3);
    fill(visual, V, 4);
    fill(images, IMAGES, 5);
    for (size_t i = 0; i < M; i++) {
        values[i] = 1.0 / (double)(i + 1);
        ids[i] = i;
        log_prior[i] = -(double)i;
        evidence[i] = 1;
    }
    for (size_t k = 0; k < D; k++) {
        map[k * D + k] = 2;
        mean[k] = 0.1;
        measured_rows[k] = measured_rows[D + k] = (double)visual[k];
    }
    nb_bank_proxies proxies = {.log_prior = log_prior,
                               .evidence = evidence,
                               .measured_count = 2,
                               .measured = measured,
                               .measured_rows = measured_rows,
                               .map = map,
                               .text_mean = mean,
                               .image_mean = mean};
    name(&label_names, C, "label");
    name(&texts, M, "negative");
    name(&visual_names, V, "image");
    must(nb_strings_push(&prompts, "The nice {}.", 12, &err), &err);
    nb_bank_visual pictures = {&visual_names, visual, values};
    nb_bank_content content = {
        .d = D,
        .precision = NB_BANK_INT8,
        .labels = &label_names,
        .negatives = &texts,
        .label_rows = labels,
        .negative_rows = negatives,
        .prototypes = prototypes,
        .criterion = values,
        .tags = tags,
        .ids = ids,
        .visual = &pictures,
        .proxies = &proxies,
        .suggestion = {.score = "neglabel", .temperature = 0.02, .groups = 3, .seeded = true, .seed = 11, .tau = 0.4},
        .source = {.checkpoint = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                   .label_prompts = &prompts},
        .provenance = "{}"};
    bank_path = scratch_path("b.nbank");
    state_path = scratch_path("s.state");
    must(nb_bank_write(bank_path, true, &content, &digest, &err), &err);
    nb_strings_free(&label_names);
    nb_strings_free(&texts);
    nb_strings_free(&visual_names);
    nb_strings_free(&prompts);
    return 0;
}

static int go(const way *w, negbank_result *results, char why[static 512])
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_stream *stream = NULL, *again = NULL;
    int code = negbank_open(&bank, bank_path, why, 512);
    code = code ? code : negbank_scorer_create(&scorer, bank, w->score, w->parameters, why, 512);
    if (!code && w->corpus) {
        code = negbank_scorer_corpus(scorer, &(negbank_rows){images, IMAGES}, &(negbank_rows){images + D, 5}, why, 512);
    }
    if (!code && w->stream) {
        code = negbank_stream_create(&stream, scorer, why, 512);
        for (size_t at = 0; !code && at < IMAGES; at += IMAGES / 2) {
            code = negbank_stream_push(stream, images + at * D, IMAGES / 2, results + at, why, 512);
            if (!code && w->corpus && !at) {
                code = negbank_stream_save(stream, state_path, why, 512);
                negbank_stream_destroy(stream);
                code = code ? code : negbank_stream_create(&again, scorer, why, 512);
                stream = again;
                code = code ? code : negbank_stream_restore(stream, state_path, why, 512);
            }
        }
    } else if (!code) {
        code = negbank_score(scorer, images, IMAGES, results, why, 512);
    }
    negbank_stream_destroy(stream);
    negbank_scorer_destroy(scorer);
    negbank_close(bank);
    return code;
}

static long fail_each(const way *w, bool onwards)
{
    static negbank_result want[IMAGES], got[IMAGES];
    char why[512] = "";
    fail_allocation(0, false);
    assert_int_equal(go(w, want, why), 0);
    long count = allocations(), before = blocks_held();
    for (long i = 1; i <= count; i++) {
        memset(why, 0, sizeof why);
        fail_allocation(i, onwards);
        int code = go(w, got, why);
        fail_allocation(0, false);
        if (code != NEGBANK_ERR_LIMIT || !strstr(why, "memory") || blocks_held() != before) {
            fail_msg("%s: allocation %ld of %ld failed%s: code %d, '%s', %ld blocks left", w->score, i, count,
                     onwards ? ", and all behind it" : "", code, why, blocks_held() - before);
        }
    }
    assert_int_equal(go(w, got, why), 0);
    assert_memory_equal(got, want, sizeof want);
    return count;
}

static void test_library(void **state)
{
    static const way ways[] = {
        {"neglabel", NULL, false, false},
        {"dnm", "groups=2", false, false},
        {"mcm", "temperature=0.5", false, false},
        {"max-logit", NULL, true, false},
        {"energy", NULL, false, false},
        {"adaneg", "groups=2,seed=7", true, false},
        {"interneg", NULL, true, false},
        {"neglabel", "seed=none", true, false},
        {"debiased", NULL, false, false},
        {"nested", NULL, false, false},
        {"oodd", "groups=2,queue=9", true, false},
        {"tanl", "beta=20,queue=9", true, true},
        {"tins", "visual=1", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        long count = fail_each(&ways[i], false);
        fail_each(&ways[i], true);
        print_message("%s%s: %ld allocations, each failed alone and with all behind it\n", ways[i].score,
                      ways[i].stream ? " along a stream" : "", count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_library)};
    nb_blas_start();
    return cmocka_run_group_tests(tests, write_bank, NULL);
}
