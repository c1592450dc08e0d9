/* Our C side of tests/bench/python: "bench_library B.nbank I.nbe BATCH ROUNDS" scores the images in batches through
 * the public library, and prints the CPU seconds of each round. */
#include "scoring/negbank.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char *argv[])
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_store *images = NULL;
    float *rows = NULL;
    negbank_result *results = NULL;
    char why[1024] = "usage: bench_library B.nbank I.nbe BATCH ROUNDS";
    int code = argc == 5 ? NEGBANK_OK : NEGBANK_ERR_USAGE;
    if (code || (code = negbank_open(&bank, argv[1], why, sizeof why)) ||
        (code = negbank_scorer_create(&scorer, bank, NULL, NULL, why, sizeof why)) ||
        (code = negbank_store_open(&images, argv[2], why, sizeof why))) {
        goto done;
    }
    size_t count = negbank_store_count(images), width = negbank_store_width(images);
    size_t batch = strtoul(argv[3], NULL, 10);
    rows = malloc(count * width * sizeof *rows);
    results = malloc(count * sizeof *results);
    code = rows && results && batch ? NEGBANK_OK : NEGBANK_ERR_LIMIT;
    code = code ? code : negbank_store_floats(images, 0, count, rows, why, sizeof why);
    for (unsigned long round = 0; !code && round < strtoul(argv[4], NULL, 10); round++) {
        double began = cpu_seconds();
        for (size_t at = 0; at < count && !code; at += batch) {
            size_t n = count - at < batch ? count - at : batch;
            code = negbank_score(scorer, rows + at * width, n, results + at, why, sizeof why);
        }
        printf("%.6f\n", cpu_seconds() - began);
    }
done:
    if (code) {
        fprintf(stderr, "%s\n", why);
    }
    free(results);
    free(rows);
    negbank_store_close(images);
    negbank_scorer_destroy(scorer);
    negbank_close(bank);
    return code;
}
