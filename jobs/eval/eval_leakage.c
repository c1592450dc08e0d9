#include "jobs/eval/eval_leakage.h"

#include "jobs/score/score_images.h"
#include "jobs/score/score_options.h"
#include "mining/corpus/text/labels.h"
#include "scoring/report/size_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The keys [*count] of a store's images by a bank. */
static nb_status eval_leakage_keys(const nb_eval_leakage_of *of, const nb_bank *bank, const char *path, double **keys,
                                   size_t *count, nb_error *err)
{
    nb_score_parameters parameters = of->scorer->parameters;
    nb_scorer scorer = {0};
    nb_score_result *results = NULL;
    nb_store store = {0};
    nb_scores table = {0};
    nb_status status;
    if (parameters.shared.groups > bank->negative_count) {
        parameters.shared.groups = bank->negative_count;
    }
    NB_TRY(nb_scorer_create(&scorer, bank, &parameters, err));
    NB_TRY(nb_store_open(&store, path, false, err));
    *count = (size_t)store.plan.count;
    NB_TRY_NEW(results, *count);
    NB_TRY(nb_score_rows(&scorer, &store, 0, *count, results, err));
    NB_TRY(nb_score_table_fill(&table, &store.names, NULL, results, scorer.rule, err));
    NB_TRY_NEW(*keys, *count);
    NB_TRY(nb_scores_keys(&table, of->as_released, *keys, err));
done:
    nb_scores_free(&table);
    nb_store_close(&store);
    free(results);
    nb_scorer_destroy(&scorer);
    return status;
}

/* The figures of a set by the bank without some negatives; all that are left must be at least one. */
static nb_status eval_leakage_measure(const nb_eval_leakage_of *of, size_t set, const bool *left_out, nb_metrics *out,
                                      nb_error *err)
{
    nb_bank rest = {0};
    double *id = NULL, *ood = NULL;
    size_t id_count, ood_count;
    nb_status status;
    NB_TRY(nb_bank_without(&rest, of->bank, left_out, err));
    if (rest.negative_count == 0) {
        status =
            nb_fail(err, NB_ERR_USAGE, "--ood-names: every negative of the bank is a class of '%s' or nearest to one",
                    nb_strings_get(&of->plan->names, set));
        goto done;
    }
    NB_TRY(eval_leakage_keys(of, &rest, nb_strings_get(&of->plan->ids, 0), &id, &id_count, err));
    NB_TRY(eval_leakage_keys(of, &rest, nb_eval_plan_path(of->plan, 0, set), &ood, &ood_count, err));
    NB_TRY(nb_metrics_compute(out, id, id_count, ood, ood_count, err));
done:
    free(id);
    free(ood);
    nb_part_free(&rest);
    return status;
}

/* Marks the negatives that equal a name, and lists them. */
static nb_status eval_leakage_equal(const nb_bank *bank, const nb_strings *names, bool *left_out, nb_leak *leak,
                                    nb_error *err)
{
    nb_matcher matcher = {0};
    nb_status status;
    NB_TRY(nb_matcher_open(&matcher, names, err));
    for (size_t i = 0; i < bank->negative_count; i++) {
        const char *text = nb_strings_get(&bank->negatives, i);
        size_t len = nb_strings_len(&bank->negatives, i);
        if (nb_matcher_has(&matcher, text, len)) {
            left_out[i] = true;
            NB_TRY(nb_strings_push(&leak->equal, text, len, err));
        }
    }
done:
    nb_matcher_close(&matcher);
    return status;
}

/* The negative with the largest cosine to a row. */
static size_t eval_leakage_nearest_of(const nb_bank *bank, const double *row)
{
    size_t best = 0;
    double highest = -(double)INFINITY;
    for (size_t i = 0; i < bank->negative_count; i++) {
        const double *negative = bank->negative_rows + i * bank->d;
        double cosine = 0;
        for (size_t k = 0; k < bank->d; k++) {
            cosine += negative[k] * row[k];
        }
        if (cosine > highest) {
            highest = cosine;
            best = i;
        }
    }
    return best;
}

/* Marks the negatives that are the nearest one of a name, and lists those not marked before, in the bank's order. */
static nb_status eval_leakage_nearest(const nb_bank *bank, nb_store *store, bool *left_out, nb_leak *leak,
                                      nb_error *err)
{
    bool *nearest = NULL;
    double *row = NULL;
    nb_status status;
    NB_TRY_NEW(nearest, bank->negative_count);
    NB_TRY_NEW(row, bank->d);
    for (uint64_t n = 0; n < store->plan.count; n++) {
        NB_TRY(nb_store_rows(store, (size_t)n, 1, row, err));
        nearest[eval_leakage_nearest_of(bank, row)] = true;
    }
    for (size_t i = 0; i < bank->negative_count; i++) {
        if (nearest[i] && !left_out[i]) {
            NB_TRY(nb_strings_push(&leak->nearest, nb_strings_get(&bank->negatives, i),
                                   nb_strings_len(&bank->negatives, i), err));
            left_out[i] = true;
        }
    }
done:
    free(nearest);
    free(row);
    return status;
}

static bool eval_leakage_is_store(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".nbe") == 0;
}

/* What the bank knows of one set. */
static nb_status eval_leakage_set(const nb_eval_leakage_of *of, const char *path, nb_leak *leak, nb_error *err)
{
    nb_strings lines = {0};
    nb_store store = {0};
    bool *left_out = NULL;
    nb_status status;
    leak->embedded = eval_leakage_is_store(path);
    NB_TRY(nb_provenance_file(&of->job->provenance, "OOD names", path, err));
    if (leak->embedded) {
        NB_TRY(nb_store_open(&store, path, true, err));
        NB_TRY(nb_score_check_store(of->job, of->bank, &store, of->allow_mismatch, err));
    } else {
        NB_TRY(nb_labels_read(&lines, path, &of->job->log, err));
    }
    const nb_strings *names = leak->embedded ? &store.names : &lines;
    leak->names = names->count;
    NB_TRY_NEW(left_out, of->bank->negative_count);
    NB_TRY(eval_leakage_measure(of, leak->set, left_out, &leak->with, err));
    leak->without_equal = leak->with;
    NB_TRY(eval_leakage_equal(of->bank, names, left_out, leak, err));
    if (leak->equal.count) {
        NB_TRY(eval_leakage_measure(of, leak->set, left_out, &leak->without_equal, err));
    }
    leak->without_either = leak->without_equal;
    if (leak->embedded) {
        NB_TRY(eval_leakage_nearest(of->bank, &store, left_out, leak, err));
        NB_TRY(eval_leakage_measure(of, leak->set, left_out, &leak->without_either, err));
    }
done:
    free(left_out);
    nb_store_close(&store);
    nb_strings_free(&lines);
    return status;
}

/* The set a word names, and where its file begins. */
static nb_status eval_leakage_word(const nb_eval_leakage_of *of, const nb_report *report, const char *word, size_t *set,
                                   const char **path, nb_error *err)
{
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;
    if (!len || !equals[1]) {
        return nb_fail(err, NB_ERR_USAGE, "--ood-names: '%s' is not NAME=FILE", word);
    }
    *path = equals + 1;
    for (*set = 0; *set < of->plan->set_count; ++*set) {
        const char *name = nb_strings_get(&of->plan->names, *set);
        if (strlen(name) == len && memcmp(name, word, len) == 0) {
            break;
        }
    }
    if (*set == of->plan->set_count) {
        return nb_fail(err, NB_ERR_USAGE, "--ood-names: there is no OOD set '%.*s'", (int)len, word);
    }
    for (size_t i = 0; i < report->leak_count; i++) {
        if (report->leaks[i].set == *set) {
            return nb_fail(err, NB_ERR_USAGE, "--ood-names: '%.*s' is named twice", (int)len, word);
        }
    }
    return NB_OK;
}

nb_status nb_eval_leakage(const nb_eval_leakage_of *of, const nb_strings *words, nb_report *report, nb_error *err)
{
    const char *path = NULL;
    nb_status status = NB_OK;
    if (words->count == 0) {
        return NB_OK;
    }
    if (!of->bank || of->scorer->rule->stream || nb_score_has_pairs(of->scorer->rule)) {
        return nb_fail(err, NB_ERR_USAGE,
                       "--ood-names needs --bank and a score of single images that needs no checkpoint");
    }
    NB_TRY_NEW(report->leaks, words->count);
    for (size_t i = 0; i < words->count; i++) {
        size_t set = 0;
        NB_TRY(eval_leakage_word(of, report, nb_strings_get(words, i), &set, &path, err));
        report->leaks[report->leak_count] = (nb_leak){.set = set};
        NB_TRY(eval_leakage_set(of, path, &report->leaks[report->leak_count++], err));
    }
done:
    return status;
}
