/* Scores the images of a store as a stream, in batches of 32 that the score learns from:
 *
 *     image_stream B.nbank I.nbe SCORE [NAME=VALUE,...]
 *
 * prints "image class score ood_score" a line, the class by its number. SCORE is adaneg or interneg, or any other.
 */
#include <negbank.h>

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 32 };

/* One batch: [count] rows of the store from `first` on. */
static int image_push(negbank_stream *stream, const negbank_store *images, size_t first, size_t count, char why[512])
{
    negbank_result results[BATCH];
    float *rows = malloc(count * negbank_store_width(images) * sizeof *rows);
    int code = rows ? NEGBANK_OK : NEGBANK_ERR_LIMIT;
    if (code || (code = negbank_store_floats(images, first, count, rows, why, 512)) ||
        (code = negbank_stream_push(stream, rows, count, results, why, 512))) {
        free(rows);
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        const negbank_result *r = &results[i];
        printf(r->ood_score >= 0 ? "%s\t%d\t%.9g\t%.9g\n" : "%s\t%d\t%.9g\tnan\n",
               negbank_store_name(images, first + i), (int)r->label, r->score, r->ood_score);
    }
    free(rows);
    return NEGBANK_OK;
}

int main(int argc, char *argv[])
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_stream *stream = NULL;
    negbank_store *images = NULL;
    char why[512] = "usage: image_stream B.nbank I.nbe SCORE [NAME=VALUE,...]";
    int code = argc == 4 || argc == 5 ? NEGBANK_OK : NEGBANK_ERR_USAGE;
    if (code || (code = negbank_open(&bank, argv[1], why, sizeof why)) ||
        (code = negbank_store_open(&images, argv[2], why, sizeof why)) ||
        (code = negbank_scorer_create(&scorer, bank, argv[3], argc == 5 ? argv[4] : NULL, why, sizeof why)) ||
        (code = negbank_stream_create(&stream, scorer, why, sizeof why))) {
        goto done;
    }
    if (negbank_store_width(images) != negbank_width(bank)) {
        snprintf(why, sizeof why, "the bank needs embeddings of width %zu", negbank_width(bank));
        code = NEGBANK_ERR_INPUT;
    }
    size_t count = negbank_store_count(images);
    for (size_t at = 0; at < count && !code; at += BATCH) {
        code = image_push(stream, images, at, count - at < BATCH ? count - at : BATCH, why);
    }
done:
    if (code) {
        fprintf(stderr, "%s\n", why);
    }
    negbank_stream_destroy(stream);
    negbank_scorer_destroy(scorer);
    negbank_store_close(images);
    negbank_close(bank);
    return code;
}
