#include "scoring/scores/calibrate.h"

#include "scoring/scores/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A score with what orders it. */
typedef struct keyed {
    double key, score, ood;
} keyed;

static int calibrate_highest_first(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    return (x->key < y->key) - (x->key > y->key);
}

/* A log-odd is no probability: its threshold has no ood_score. */
static keyed calibrate_as_keyed(const nb_score_rule *rule, const nb_score_result *r)
{
    return (keyed){nb_score_key(rule, r), r->score, rule->log_odds ? (double)NAN : r->ood};
}

static nb_status calibrate_scorer(nb_scorer *scorer, const nb_bank *bank, nb_error *err)
{
    const nb_score_rule *rule = nb_score_find(bank->score);
    nb_score_parameters parameters;
    const char *origin[NB_SCORE_PARAMETERS_MAX];
    nb_status status;
    if (!rule) {
        return nb_fail(err, NB_ERR_INPUT, "the bank suggests score '%s', which this version does not know",
                       bank->score);
    }
    if (rule->stream) {
        nb_fail(err, NB_ERR_USAGE, "score %s depends on a stream of images: no threshold of it can be calibrated",
                bank->score);
        return nb_hint(err, "suggest another one with --score, or leave out --calibrate");
    }
    if (rule->image && rule->image->pairs) {
        nb_fail(err, NB_ERR_USAGE, "score %s embeds texts of two labels: no threshold of it can be calibrated here",
                bank->score);
        return nb_hint(err, "suggest another one with --score, or leave out --calibrate");
    }
    NB_TRY(nb_parameters_default(&parameters, origin, bank, rule, err));
    NB_TRY(nb_scorer_create(scorer, bank, &parameters, err));
done:
    return status;
}

/* Scores all ID images: *keys [*count] has room for every image of the store. */
static nb_status calibrate_score_all(const nb_scorer *scorer, nb_store *images, keyed *keys, size_t *count,
                                     nb_error *err)
{
    size_t n = (size_t)images->plan.count;
    nb_score_result results[NB_SCORE_BATCH];
    double *rows = NULL;
    nb_status status;
    *count = 0;
    NB_TRY_NEW(rows, NB_SCORE_BATCH * scorer->bank->d);
    for (size_t at = 0; at < n; at += NB_SCORE_BATCH) {
        size_t batch = n - at < NB_SCORE_BATCH ? n - at : NB_SCORE_BATCH;
        NB_TRY(nb_store_rows(images, at, batch, rows, err));
        NB_TRY(nb_scorer_run(scorer, rows, batch, results, err));
        for (size_t i = 0; i < batch; i++) {
            if (!images->labels || images->labels[at + i] >= 0) {
                keys[(*count)++] = calibrate_as_keyed(scorer->rule, &results[i]);
            }
        }
    }
done:
    free(rows);
    return status;
}

static nb_status calibrate_take_threshold(nb_bank_threshold *out, keyed *keys, size_t count, double recall,
                                          nb_error *err)
{
    qsort(keys, count, sizeof *keys, calibrate_highest_first);
    size_t want = (size_t)ceil(recall * (double)count - 1e-9), reached = 0;
    const keyed *last = &keys[want - 1];
    while (reached < count && keys[reached].key >= last->key) {
        reached++;
    }
    if (!isfinite(last->score)) {
        return nb_fail(err, NB_ERR_NUMERIC, "the score at %g recall is %g", recall, last->score);
    }
    out->images = count;
    out->recall = recall;
    out->measured = (double)reached / (double)count;
    out->score = last->score;
    out->ood_score = last->ood;
    out->key = last->key;
    return NB_OK;
}

nb_status nb_calibrate(nb_bank_threshold *out, const nb_bank *bank, nb_store *images, double recall, nb_error *err)
{
    nb_scorer scorer = {0};
    keyed *keys = NULL;
    size_t count;
    nb_status status;
    *out = (nb_bank_threshold){.suggestion = nb_bank_suggested(bank)};
    if (images->plan.width != bank->d) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has embeddings of width %llu, the bank's are %zu wide", images->path,
                (unsigned long long)images->plan.width, bank->d);
        return nb_hint(err, "embed the images with the checkpoint the bank is mined with");
    }
    NB_TRY(calibrate_scorer(&scorer, bank, err));
    NB_TRY_NEW(keys, (size_t)images->plan.count);
    NB_TRY(calibrate_score_all(&scorer, images, keys, &count, err));
    if (count < NB_CALIBRATE_IMAGES_MIN) {
        nb_fail(err, NB_ERR_INPUT, "'%s' has %zu ID images, at least %d are needed for a threshold", images->path,
                count, NB_CALIBRATE_IMAGES_MIN);
        status = nb_hint(err, "ID images that were not mined with; some hundred make a steady threshold");
        goto done;
    }
    NB_TRY(calibrate_take_threshold(out, keys, count, recall, err));
done:
    free(keys);
    nb_scorer_destroy(&scorer);
    return status;
}

static int calibrate_by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A hash of every row as floats, so that stores of either precision compare. */
static nb_status calibrate_hash_rows(uint64_t **out, nb_store *store, nb_error *err)
{
    size_t n = (size_t)store->plan.count, d = (size_t)store->plan.width;
    float *row = NULL;
    nb_status status;
    NB_TRY_NEW(*out, n);
    NB_TRY_NEW(row, d);
    for (size_t i = 0; i < n; i++) {
        NB_TRY(nb_store_rows_float(store, i, 1, row, err));
        (*out)[i] = XXH3_64bits(row, d * sizeof *row);
    }
done:
    free(row);
    return status;
}

nb_status nb_calibrate_shared(size_t *shared, nb_store *images, nb_store *others, nb_error *err)
{
    uint64_t *a = NULL, *b = NULL;
    nb_status status;
    *shared = 0;
    NB_TRY(calibrate_hash_rows(&a, images, err));
    NB_TRY(calibrate_hash_rows(&b, others, err));
    qsort(b, (size_t)others->plan.count, sizeof *b, calibrate_by_value);
    for (size_t i = 0; i < images->plan.count; i++) {
        *shared += bsearch(&a[i], b, (size_t)others->plan.count, sizeof *b, calibrate_by_value) != NULL;
    }
done:
    free(a);
    free(b);
    return status;
}
