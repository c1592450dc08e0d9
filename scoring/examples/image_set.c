/* Scores the images of a store as a bank suggests:
 *
 *     image_set B.nbank I.nbe
 *
 * prints "image class score ood_score" a line, the class by its number. Built by
 *
 *     cc image_set.c -o image_set $(pkg-config --cflags --libs negbank)
 */
#include <negbank.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_store *images = NULL;
    float *rows = NULL;
    negbank_result *results = NULL;
    char why[512] = "usage: image_set B.nbank I.nbe";
    int code = argc == 3 ? NEGBANK_OK : NEGBANK_ERR_USAGE;
    if (code || (code = negbank_open(&bank, argv[1], why, sizeof why)) ||
        (code = negbank_scorer_create(&scorer, bank, NULL, NULL, why, sizeof why)) ||
        (code = negbank_store_open(&images, argv[2], why, sizeof why))) {
        goto done;
    }
    size_t count = negbank_store_count(images), width = negbank_store_width(images);
    rows = malloc(count * width * sizeof *rows);
    results = malloc(count * sizeof *results);
    if (!rows || !results || width != negbank_width(bank)) {
        snprintf(why, sizeof why, "no memory, or embeddings of another width than the bank's %zu", negbank_width(bank));
        code = NEGBANK_ERR_INPUT;
        goto done;
    }
    if ((code = negbank_store_floats(images, 0, count, rows, why, sizeof why)) ||
        (code = negbank_score(scorer, rows, count, results, why, sizeof why))) {
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const negbank_result *r = &results[i];
        printf(r->ood_score >= 0 ? "%s\t%d\t%.9g\t%.9g\n" : "%s\t%d\t%.9g\tnan\n", negbank_store_name(images, i),
               (int)r->label, r->score, r->ood_score);
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
