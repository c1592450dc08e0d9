/* negbank eval: score files, or a bank and stores, to metrics. */
#include "jobs/commands.h"
#include "jobs/score_options.h"

#include "scoring/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *id, *bank, *output;
    nb_strings ood;
    nb_score_choice choice;
    bool as_released, force;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_bank bank;
    nb_scorer scorer;
    nb_report report;
} run;

/* Scores a store, or reads a score file. */
static nb_status get_scores(run *r, const char *path, nb_scores *out, nb_error *err)
{
    nb_store store = {0};
    nb_score_result *results = NULL;
    nb_status status;
    if (!r->set->bank) {
        return nb_scores_read(out, path, err);
    }
    NB_TRY(nb_store_open(&store, path, true, err));
    NB_TRY(nb_score_check_width(&r->bank, &store, err));
    NB_TRY_NEW(results, (size_t)store.plan.count);
    NB_TRY(nb_score_rows(&r->scorer, &store, 0, (size_t)store.plan.count, results, err));
    NB_TRY(nb_score_table(out, &store.names, store.labels, results, err));
done:
    free(results);
    nb_store_close(&store);
    return status;
}

static nb_status get_keys(const run *r, const nb_scores *scores, double **keys, nb_error *err)
{
    *keys = nb_alloc(scores->count, sizeof **keys, err);
    return *keys ? nb_scores_keys(scores, r->set->as_released, *keys, err) : NB_ERR_LIMIT;
}

/* One "NAME=FILE". */
static nb_status add_ood(run *r, const char *word, const nb_scores *id, const double *id_keys, nb_error *err)
{
    const char *equals = strchr(word, '=');
    nb_scores ood = {0};
    nb_metrics metrics;
    double *keys = NULL;
    char name[256];
    nb_status status;
    if (!equals || equals == word || (size_t)(equals - word) >= sizeof name) {
        nb_fail(err, NB_ERR_USAGE, "--ood '%s' is not NAME=FILE", word);
        return nb_hint(err, "for example --ood textures=textures.tsv");
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    NB_TRY(get_scores(r, equals + 1, &ood, err));
    if (!r->set->as_released && nb_scores_have_odds(&ood) != nb_scores_have_odds(id)) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' and '%s' do not compare: one has ood_score, the other has not",
                         r->set->id, equals + 1);
        goto done;
    }
    NB_TRY(get_keys(r, &ood, &keys, err));
    NB_TRY(nb_metrics_compute(&metrics, id_keys, id->count, keys, ood.count, err));
    NB_TRY(nb_report_add(&r->report, name, &metrics, err));
done:
    free(keys);
    nb_scores_free(&ood);
    return status;
}

static nb_status eval(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings, .report = {.id_accuracy = NAN}};
    nb_scores id = {0};
    double *keys = NULL;
    nb_status status;
    NB_TRY(nb_job_check_outputs(job, &r.set->output, 1, r.set->force, err));
    if (r.set->bank) {
        NB_TRY(nb_bank_open(&r.bank, r.set->bank, err));
        NB_TRY(nb_score_choose(&r.scorer, &r.bank, job->options, &r.set->choice, err));
    }
    NB_TRY(get_scores(&r, r.set->id, &id, err));
    NB_TRY(get_keys(&r, &id, &keys, err));
    r.report.id_accuracy = nb_scores_accuracy(&id);
    for (size_t i = 0; i < r.set->ood.count; i++) {
        NB_TRY(add_ood(&r, nb_strings_get(&r.set->ood, i), &id, keys, err));
    }
    if (r.set->output) {
        NB_TRY(nb_report_json(&r.report, r.set->output, r.set->force, err));
        nb_log_info(&job->log, "metrics -> %s", r.set->output);
    }
    NB_TRY(nb_report_table(&r.report, stdout, err));
done:
    free(keys);
    nb_scores_free(&id);
    nb_report_free(&r.report);
    nb_scorer_destroy(&r.scorer);
    nb_bank_close(&r.bank);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "id",
     .type = NB_OPTION_INPUT,
     AT(id),
     .value = "FILE",
     .required = true,
     .help = "score file of the ID images (with --bank: their store)"},
    {.name = "ood",
     .type = NB_OPTION_LIST,
     AT(ood),
     .value = "NAME=FILE",
     .required = true,
     .help = "score file (with --bank: store) of an OOD set"},
    {.name = "bank",
     .type = NB_OPTION_INPUT,
     AT(bank),
     .value = "B.nbank",
     .help = "score stores with this bank instead of reading score files"},
    NB_SCORE_OPTIONS(settings),
    {.name = "as-released",
     .type = NB_OPTION_FLAG,
     AT(as_released),
     .help = "order by the score alone in single precision, as the authors' code does"},
    {.name = "output",
     .letter = 'o',
     .type = NB_OPTION_OUTPUT,
     AT(output),
     .value = "M.json",
     .help = "write the metrics as JSON"},
    {.name = "force", .type = NB_OPTION_FLAG, AT(force), .unrecorded = true, .help = "overwrite the output"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_eval = {
    .name = "eval",
    .summary = "AUROC, FPR95 and AUPR of ID images against OOD sets",
    .usage = "--id S.tsv --ood NAME=S.tsv ... [--bank B.nbank] [-o M.json] [options]",
    .examples = "  negbank eval --id id.tsv --ood near=near.tsv --ood far=far.tsv -o metrics.json\n"
                "  negbank eval --bank pets.nbank --id id.nbe --ood cars=cars.nbe --score mcm\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = eval,
};
