/* Scores the images of a store in four threads that share a bank, a scorer and the store:
 *
 *     image_threads B.nbank I.nbe
 *
 * prints what image_set prints, to the last bit: threads take blocks of 256 images, which is how negbank_score cuts
 * them, too. OPENBLAS_NUM_THREADS=1 leaves the processors to these threads.
 */
#include <negbank.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, BLOCK = 256 };

typedef struct work {
    const negbank_scorer *scorer;
    const negbank_store *images;
    negbank_result *results; /* one an image */
    atomic_size_t next;      /* the first image that nobody has taken */
    atomic_int code;         /* of a thread that failed */
} work;

static void *image_run(void *argument)
{
    work *w = argument;
    size_t count = negbank_store_count(w->images), first;
    float *rows = malloc(BLOCK * negbank_store_width(w->images) * sizeof *rows);
    int code = rows ? NEGBANK_OK : NEGBANK_ERR_LIMIT;
    char why[512] = "out of memory";
    while (!code && (first = atomic_fetch_add(&w->next, BLOCK)) < count) {
        size_t n = count - first < BLOCK ? count - first : BLOCK;
        code = negbank_store_floats(w->images, first, n, rows, why, sizeof why);
        code = code ? code : negbank_score(w->scorer, rows, n, w->results + first, why, sizeof why);
    }
    if (code) {
        fprintf(stderr, "%s\n", why);
        atomic_store(&w->code, code);
    }
    free(rows);
    return NULL;
}

int main(int argc, char *argv[])
{
    negbank_bank *bank = NULL;
    negbank_scorer *scorer = NULL;
    negbank_store *images = NULL;
    work w = {.results = NULL};
    pthread_t threads[THREADS];
    int started = 0;
    char why[512] = "usage: image_threads B.nbank I.nbe";
    int code = argc == 3 ? NEGBANK_OK : NEGBANK_ERR_USAGE;
    if (code || (code = negbank_open(&bank, argv[1], why, sizeof why)) ||
        (code = negbank_scorer_create(&scorer, bank, NULL, NULL, why, sizeof why)) ||
        (code = negbank_store_open(&images, argv[2], why, sizeof why))) {
        fprintf(stderr, "%s\n", why);
        goto done;
    }
    size_t count = negbank_store_count(images);
    w.scorer = scorer;
    w.images = images;
    w.results = calloc(count, sizeof *w.results);
    if (!w.results || negbank_store_width(images) != negbank_width(bank)) {
        fprintf(stderr, "no memory, or embeddings of another width than the bank's %zu\n", negbank_width(bank));
        code = NEGBANK_ERR_INPUT;
        goto done;
    }
    while (started < THREADS && pthread_create(&threads[started], NULL, image_run, &w) == 0) {
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    code = started ? atomic_load(&w.code) : NEGBANK_ERR_LIMIT;
    for (size_t i = 0; i < count && !code; i++) {
        const negbank_result *r = &w.results[i];
        printf(r->ood_score >= 0 ? "%s\t%d\t%.9g\t%.9g\n" : "%s\t%d\t%.9g\tnan\n", negbank_store_name(images, i),
               (int)r->label, r->score, r->ood_score);
    }
done:
    free(w.results);
    negbank_store_close(images);
    negbank_scorer_destroy(scorer);
    negbank_close(bank);
    return code;
}
