/* negbank eval: score files, or a bank and stores, to metrics, tables and a report. */
#include "jobs/commands.h"
#include "jobs/eval/eval_leakage.h"
#include "jobs/eval/eval_published.h"
#include "jobs/eval/eval_report.h"
#include "jobs/eval/eval_stream.h"
#include "jobs/score/score_corpus.h"
#include "jobs/score/score_images.h"
#include "jobs/score/score_options.h"
#include "jobs/score/score_pairs.h"
#include "jobs/transfer.h"

#include "common/base/text.h"
#include "mining/corpus/text/labels.h"
#include "scoring/files/predictions.h"
#include "scoring/report/evaluation.h"
#include "scoring/report/tables.h"
#include "scoring/streams/stream.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer; /* of what is given by its address */
    const char *bank, *output, *markdown, *latex, *csv, *report, *plots, *image_folder, *labels, *model, *score, *texts,
        *noise, *published_from;
    nb_strings id, ood, stream, order, published, ood_names;
    int64_t bootstrap, repeat, batch;
    double confidence;
    bool as_released, allow_mismatch, force;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_bank bank;
    nb_scorer scorer;
    nb_score_corpus corpus;
    nb_score_pairs pairs;
    nb_clip *clip; /* where images are inverted along streams */
    nb_eval_plan plan;
    nb_evaluation evaluation;
    nb_report report;
    nb_strings classes; /* names, by --labels */
    nb_strings seen;    /* inputs recorded so far */
} run;

/* Records an input once. */
static nb_status eval_record(run *r, const char *role, const char *path, const char *digest, nb_error *err)
{
    for (size_t i = 0; i < r->seen.count; i++) {
        if (strcmp(nb_strings_get(&r->seen, i), path) == 0) {
            return NB_OK;
        }
    }
    nb_status status;
    NB_TRY(nb_strings_push(&r->seen, path, strlen(path), err));
    NB_TRY(digest ? nb_provenance_input(&r->job->provenance, role, path, digest, err)
                  : nb_provenance_file(&r->job->provenance, role, path, err));
done:
    return status;
}

static const char id_images[] = "ID images";

/* Opens a store to be scored with the bank. */
static nb_status eval_open_store(run *r, const char *role, const char *path, nb_store *out, nb_error *err)
{
    bool id = role == id_images, mixed = r->plan.streams && !r->plan.paired;
    nb_class_strangers strangers = id ? NB_STRANGERS_REFUSED : mixed ? NB_STRANGERS_ALONE : NB_STRANGERS_ALLOWED;
    nb_status status;
    NB_TRY(nb_store_open(out, path, true, err));
    NB_TRY(nb_score_check_store(r->job, &r->bank, out, r->set->allow_mismatch, err));
    NB_TRY(nb_score_match_store(r->job, &r->bank, out, strangers, err));
    NB_TRY(eval_record(r, role, path, out->seal.digest.hex, err));
done:
    return status;
}

/* Scores a store, or reads a score file. */
static nb_status eval_get_scores(run *r, const char *role, const char *path, nb_scores *out, nb_error *err)
{
    nb_store store = {0};
    nb_score_result *results = NULL;
    nb_status status;
    if (!r->set->bank) {
        NB_TRY(nb_predictions_read_any(out, path, err));
        NB_TRY(eval_record(r, role, path, NULL, err));
        return NB_OK;
    }
    NB_TRY(eval_open_store(r, role, path, &store, err));
    NB_TRY_NEW(results, (size_t)store.plan.count);
    NB_TRY(nb_score_rows(&r->scorer, &store, 0, (size_t)store.plan.count, results, err));
    NB_TRY(nb_score_table_fill(out, &store.names, store.labels, results, r->scorer.rule, err));
done:
    free(results);
    nb_store_close(&store);
    return status;
}

/* Reads the file of a sample; `ood` NULL: ID images. */
static nb_status eval_take(run *r, size_t sample, const char *ood, const char *path, nb_error *err)
{
    nb_scores scores = {0};
    nb_status status;
    NB_TRY(eval_get_scores(r, ood ? ood : id_images, path, &scores, err));
    const nb_sample_source source = {
        .path = path, .label_count = r->set->bank ? r->bank.label_count : r->classes.count, .id = !ood};
    NB_TRY(nb_evaluation_take(&r->evaluation, sample, &source, &scores, err));
done:
    nb_scores_free(&scores);
    return status;
}

static nb_status eval_take_stream(run *r, const nb_pairing *pair, const char *name, const char *path, nb_error *err)
{
    nb_scores scores = {0};
    nb_status status;
    NB_TRY(eval_get_scores(r, name, path, &scores, err));
    NB_TRY(nb_evaluation_split(&r->evaluation, pair, path, &scores, err));
done:
    nb_scores_free(&scores);
    return status;
}

/* The seed where --seed is a number, else 0: of the bootstrap and of mixed streams. */
static uint64_t eval_number_seed(const nb_job *job)
{
    const char *word = nb_score_seed(job->options);
    int64_t seed = 0;
    return word && nb_parse_int(word, &seed) && seed > 0 ? (uint64_t)seed : 0;
}

/* Scores the ID images of run `number` and a set as one stream. */
static nb_status eval_take_pair(run *r, size_t number, size_t set, const nb_pairing *pair, nb_error *err)
{
    const char *id_path = nb_strings_get(&r->plan.ids, number), *path = nb_eval_plan_path(&r->plan, number, set);
    const nb_eval_streams streams = {.job = r->job,
                                     .orders = &r->set->order,
                                     .names = &r->plan.names,
                                     .batch = nb_stream_batch(r->scorer.rule, (size_t)r->set->batch),
                                     .clip = r->clip};
    const char *order = nb_eval_stream_order(&streams, set);
    uint64_t seed = eval_number_seed(r->job) + (r->set->repeat > 1 ? number : 0);
    nb_store ids = {0}, oods = {0};
    nb_scores id = {0}, ood = {0};
    const nb_eval_stream_pair both = {
        .seed = seed, .set = set, .id_images = &ids, .ood_images = &oods, .id = &id, .ood = &ood};
    nb_status status;
    NB_TRY(eval_open_store(r, id_images, id_path, &ids, err));
    NB_TRY(eval_open_store(r, nb_strings_get(&r->plan.names, set), path, &oods, err));
    if (order) {
        NB_TRY(eval_record(r, "order", order, NULL, err));
    }
    NB_TRY(nb_eval_stream_score(&streams, &r->scorer, &both, err));
    const nb_sample_source id_source = {id_path, r->bank.label_count, true};
    const nb_sample_source ood_source = {path, r->bank.label_count, false};
    NB_TRY(nb_evaluation_take(&r->evaluation, pair->id, &id_source, &id, err));
    NB_TRY(nb_evaluation_take(&r->evaluation, pair->ood, &ood_source, &ood, err));
done:
    nb_scores_free(&id);
    nb_scores_free(&ood);
    nb_store_close(&ids);
    nb_store_close(&oods);
    return status;
}

/* The scorer of run `number`: with --repeat the seed moves on. */
static nb_status eval_choose_scorer(run *r, size_t number, nb_error *err)
{
    nb_scorer first = {0};
    nb_status status;
    nb_scorer_destroy(&r->scorer);
    NB_TRY(nb_score_choose(r->set->repeat > 1 ? &first : &r->scorer, &r->bank, r->job->options, r->set->score, err));
    if (r->set->repeat > 1) {
        nb_score_parameters moved = first.parameters;
        moved.shared.seeded = true;
        moved.shared.seed += number;
        NB_TRY(nb_scorer_create(&r->scorer, &r->bank, &moved, err));
    }
    const nb_score_corpus_sources sources = {r->set->texts, r->set->noise, r->set->model, r->set->allow_mismatch};
    nb_score_corpus_close(&r->corpus);
    NB_TRY(nb_score_corpus_open(&r->corpus, r->job, &sources, &r->scorer, err));
    nb_score_pairs_close(&r->pairs);
    NB_TRY(nb_score_pairs_open(&r->pairs, r->job, r->set->model, r->set->allow_mismatch, &r->scorer, err));
done:
    nb_scorer_destroy(&first);
    return status;
}

static nb_status eval_take_all(run *r, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t n = 0; n < r->plan.run_count; n++) {
        const nb_pairing *pairs = r->evaluation.pairs + n * r->plan.set_count;
        if (r->set->bank) {
            NB_TRY(eval_choose_scorer(r, n, err));
        }
        if (!r->plan.streams && !r->plan.paired) {
            NB_TRY(eval_take(r, pairs[0].id, NULL, nb_strings_get(&r->plan.ids, n), err));
        }
        for (size_t set = 0; set < r->plan.set_count; set++) {
            const char *name = nb_strings_get(&r->plan.names, set);
            const char *path = nb_eval_plan_path(&r->plan, n, set);
            NB_TRY(r->plan.paired    ? eval_take_pair(r, n, set, &pairs[set], err)
                   : r->plan.streams ? eval_take_stream(r, &pairs[set], name, path, err)
                                     : eval_take(r, pairs[set].ood, name, path, err));
        }
    }
    NB_TRY(nb_evaluation_check(&r->evaluation, err));
done:
    return status;
}

static void eval_warn_if(const run *r, bool idle, const char *option)
{
    if (idle && nb_option_given(r->job->options, option) != NB_FROM_DEFAULT) {
        nb_log_warn(&r->job->log, "--%s has no effect: %s", option,
                    r->set->bank ? "the score does not use it" : "score files are read as they are");
    }
}

/* A score and its parameters mean something with a bank alone, and those of streams with a score of streams. --seed
 * seeds more than scores. */
static void eval_warn_of_idle(const run *r)
{
    const nb_score_rule *rule = r->set->bank ? r->scorer.rule : NULL;
    nb_option row;
    eval_warn_if(r, !rule, "score");
    for (size_t i = 0; nb_score_more(i, &row); i++) {
        eval_warn_if(r, strcmp(row.name, "seed") != 0 && !(rule && nb_parameter_find(rule, row.name)), row.name);
    }
    eval_warn_if(r, !r->plan.paired, "order");
    eval_warn_if(r, !r->plan.paired, "batch");
    bool corpus = rule && nb_score_has_corpus(rule);
    bool pairs = rule && nb_score_has_pairs(rule);
    eval_warn_if(r, !pairs && (!r->plan.paired || !(corpus || nb_score_visual(&r->scorer, NULL))), "model");
    eval_warn_if(r, !corpus, "texts");
    eval_warn_if(r, !corpus, "noise");
}

/* Opens the bank and finds out whether its score is one of streams. */
static nb_status eval_open_bank(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_status status = NB_OK;
    if (s->bank) {
        NB_TRY(nb_bank_open(&r->bank, s->bank, err));
        NB_TRY(eval_record(r, "bank", s->bank, r->bank.digest.hex, err));
        NB_TRY(eval_choose_scorer(r, 0, err));
        r->plan.paired = r->scorer.rule->stream != NULL;
        NB_TRY(nb_eval_stream_model(r->job, &r->scorer, s->model, s->allow_mismatch, &r->clip, err));
    }
    if (r->clip) {
        NB_TRY(eval_record(r, "model", s->model, r->clip->digest.hex, err));
    }
    eval_warn_of_idle(r);
done:
    return status;
}

/* What is allowed and seldom meant. */
static void eval_warn(const run *r)
{
    const nb_evaluation *e = &r->evaluation;
    for (size_t i = 0; i < e->sample_count; i++) {
        const nb_sample *s = &e->samples[i];
        char name[201];
        if (s->doubled) {
            snprintf(name, sizeof name, "%s", nb_strings_get(&s->scores.images, s->example));
            nb_text_sanitise(name);
            nb_log_warn(&r->job->log, "'%s': %zu rows name an image again, '%s' in row %zu for one; each counts",
                        s->path, s->doubled, name, s->example + 1);
        }
    }
    for (size_t i = 0; i < e->run_count * e->set_count; i++) {
        if (nb_evaluation_flat(e, &e->pairs[i])) {
            nb_log_warn(&r->job->log, "all scores of '%s' and '%s' are equal: the figures say nothing%s",
                        e->samples[e->pairs[i].id].path, e->samples[e->pairs[i].ood].path,
                        r->set->bank && r->bank.label_count == 1
                            ? " (with one label a softmax over the labels is always 1: take a score with negatives)"
                            : "");
        }
    }
}

static nb_status eval_check_settings(run *r, nb_error *err)
{
    const settings *s = r->set;
    if (s->repeat > 1 && (!s->bank || r->plan.run_count > 1)) {
        nb_fail(err, NB_ERR_USAGE, "--repeat scores one set of stores again: it needs --bank and one --id");
        return nb_hint(err, "for score files of several runs give every --id and --ood once a run");
    }
    const char *seed = nb_score_seed(r->job->options);
    if (s->repeat > 1 && seed && strcmp(seed, "none") == 0) {
        return nb_fail(err, NB_ERR_USAGE, "--repeat needs seeds, --seed none has none");
    }
    return s->bank && r->plan.streams ? nb_fail(err, NB_ERR_USAGE, "--stream takes score files, not stores") : NB_OK;
}

static nb_status eval_said(run *r, const char *what, const char *path)
{
    nb_log_info(&r->job->log, "%s -> %s", what, path);
    nb_job_record(r->job, path, NULL);
    return NB_OK;
}

static nb_status eval_write_tables(run *r, nb_error *err)
{
    const settings *s = r->set;
    char *provenance = NULL;
    nb_status status = NB_OK;
    if (s->output) {
        NB_TRY(nb_provenance_text(&r->job->provenance, &provenance, err));
        NB_TRY(nb_report_json(&r->report, provenance, s->output, s->force, err));
        NB_TRY(eval_said(r, "metrics", s->output));
    }
    if (s->csv) {
        NB_TRY(nb_report_csv(&r->report, s->csv, s->force, err));
        NB_TRY(eval_said(r, "metrics", s->csv));
    }
    if (s->markdown) {
        NB_TRY(nb_report_markdown(&r->report, s->markdown, s->force, err));
        NB_TRY(eval_said(r, "table", s->markdown));
    }
    if (s->latex) {
        NB_TRY(nb_report_latex(&r->report, s->latex, s->force, err));
        NB_TRY(eval_said(r, "table", s->latex));
    }
done:
    free(provenance);
    return status;
}

static nb_status eval_show(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_eval_show all = {.job = r->job,
                        .plan = &r->plan,
                        .evaluation = &r->evaluation,
                        .report = &r->report,
                        .bank = s->bank ? &r->bank : NULL,
                        .scorer = s->bank ? &r->scorer : NULL,
                        .classes = s->labels ? &r->classes : NULL,
                        .image_folder = s->image_folder,
                        .page = s->report,
                        .plots = s->plots,
                        .force = s->force};
    nb_status status = NB_OK;
    if (!s->report && !s->plots) {
        return NB_OK;
    }
    if (s->bank && r->plan.run_count > 1) {
        NB_TRY(eval_choose_scorer(r, 0, err));
    }
    NB_TRY(nb_eval_show_all(&all, err));
    if (s->report) {
        nb_job_record(r->job, s->report, NULL);
    }
done:
    return status;
}

/* The names of the classes, where score files are read. */
static nb_status eval_read_labels(run *r, nb_error *err)
{
    const char *path = r->set->labels;
    nb_status status;
    if (!path) {
        return NB_OK;
    }
    if (r->set->bank) {
        return nb_fail(err, NB_ERR_USAGE, "--labels names the classes of score files; a bank has its own");
    }
    NB_TRY(nb_labels_read(&r->classes, path, &r->job->log, err));
    NB_TRY(eval_record(r, "labels", path, NULL, err));
done:
    return status;
}

static nb_status eval(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    const settings *s = r.set;
    const char *const outputs[] = {s->output, s->csv, s->markdown, s->latex, s->report};
    nb_bootstrap bootstrap = {(size_t)s->bootstrap, s->confidence, eval_number_seed(job)};
    nb_status status;
    NB_TRY(nb_eval_plan_read(&r.plan, &s->id, &s->ood, &s->stream, err));
    NB_TRY(eval_check_settings(&r, err));
    NB_TRY(nb_job_check_outputs(job, outputs, sizeof outputs / sizeof *outputs, s->force, err));
    NB_TRY(nb_eval_plan_repeat(&r.plan, (size_t)s->repeat, err));
    NB_TRY(eval_open_bank(&r, err));
    NB_TRY(eval_read_labels(&r, err));
    NB_TRY(nb_evaluation_begin(&r.evaluation, &r.plan, s->as_released, err));
    NB_TRY(eval_take_all(&r, err));
    eval_warn(&r);
    NB_TRY(nb_evaluation_report(&r.evaluation, &r.plan, &bootstrap, &r.report, err));
    NB_TRY(nb_eval_published_read(&r.report, &s->published, s->published_from, err));
    NB_TRY(nb_eval_leakage(&(nb_eval_leakage_of){.job = job,
                                                 .plan = &r.plan,
                                                 .bank = s->bank ? &r.bank : NULL,
                                                 .scorer = s->bank ? &r.scorer : NULL,
                                                 .as_released = s->as_released,
                                                 .allow_mismatch = s->allow_mismatch},
                           &s->ood_names, &r.report, err));
    NB_TRY(eval_write_tables(&r, err));
    NB_TRY(eval_show(&r, err));
    NB_TRY(nb_report_table(&r.report, job->printed ? stderr : stdout, err));
done:
    nb_strings_free(&r.classes);
    nb_strings_free(&r.seen);
    nb_report_free(&r.report);
    nb_evaluation_free(&r.evaluation);
    nb_eval_plan_free(&r.plan);
    nb_scorer_destroy(&r.scorer);
    nb_score_corpus_close(&r.corpus);
    nb_score_pairs_close(&r.pairs);
    nb_clip_close(r.clip);
    nb_bank_close(&r.bank);
    return status;
}

static const nb_option options[] = {
    OPT_LIST("id", id, "FILE", "score file of the ID images (with --bank: their store); once a run", OPT_UNRECORDED,
             OPT_PIPED),
    OPT_LIST("ood", ood, "[GROUP:]NAME=FILE",
             "score file (with --bank: store) of an OOD set, in a group such as near or far; each once a run",
             OPT_UNRECORDED, OPT_PIPED),
    OPT_LIST("stream", stream, "[GROUP:]NAME=FILE",
             "instead of --id and --ood: a score file of both, OOD images with label -1", OPT_UNRECORDED, OPT_PIPED),
    OPT_INPUT("bank", bank, "B.nbank", "score stores with this bank instead of reading score files", OPT_PIPED),
    OPT_FLAG("allow-mismatch", allow_mismatch,
             "with --bank: score images of another checkpoint or precision than the bank's"),
    NB_SCORE_OPTIONS,
    OPT_INPUT("model", model, "DIR",
              "{visual} with --bank: the checkpoint to invert confident OOD images through; for {corpus}: to embed "
              "noise images; for {pairs}: texts of two labels",
              OPT_UNRECORDED, .describe = nb_score_describe),
    NB_SCORE_CORPUS_OPTIONS,
    NB_SCORE_BATCH_OPTION("{streams} with --bank"),
    OPT_LIST("order", order, "[NAME=]FILE",
             "{streams} with --bank: the order of the stream of ID images and set NAME (or every set), as of score; "
             "default: mixed by --seed (0 without)",
             OPT_UNRECORDED, OPT_PIPED, .describe = nb_score_describe),
    OPT_INT("repeat", repeat, "K", "1", 1, 10000,
            "with --bank: K runs with seeds from --seed (or the bank's) on; mean and standard deviation"),
    OPT_FLAG("as-released", as_released, "order by the score alone in single precision, as the authors' code does"),
    OPT_INT("bootstrap", bootstrap, "N", "0", 0, 1e6,
            "intervals of every figure from N resamples of the images; --seed N seeds them (default 0)"),
    OPT_REAL("confidence", confidence, "P", "0.95", 0.5, 0.9999, "share of the resamples that an interval holds"),
    OPT_LIST("published", published, "NAME:FIGURE=X[,...]",
             "what a paper reports of set, group or mean NAME, in percent, to stand beside ours: "
             "mean:fpr95_id_positive=25.4,auroc=94.2"),
    OPT_LIST(
        "ood-names", ood_names, "NAME=FILE",
        "with --bank: classes of OOD set NAME, one a line, or a store of their texts; shows what negatives that are "
        "(or, with a store, stand nearest to) such classes do for the figures"),
    OPT_TEXT("published-from", published_from, "TEXT", NULL, "where that stands"),
    OPT_OUTPUT("output", output, "M.json", "write the metrics as JSON", OPT_PIPED, .letter = 'o'),
    OPT_OUTPUT("csv", csv, "M.csv", "write the metrics as CSV, a number a row", OPT_PIPED),
    OPT_OUTPUT("markdown", markdown, "M.md", "write the table in Markdown", OPT_PIPED),
    OPT_OUTPUT("latex", latex, "M.tex", "write the table in LaTeX (booktabs)", OPT_PIPED),
    OPT_OUTPUT("report", report, "R.html", "write the report as one HTML page"),
    OPT_OUTPUT("plots", plots, "DIR", "write the report's drawings as SVG and PNG into this folder"),
    OPT_TEXT("image-folder", image_folder, "DIR", NULL,
             "for the report's thumbnails: where image names begin; '' for no thumbnails", OPT_UNRECORDED),
    OPT_INPUT("labels", labels, "L.txt", "names of the classes, for a report on score files", OPT_FETCHED),
    OPT_FLAG("force", force, "overwrite the outputs", OPT_UNRECORDED),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    eval, eval, "eval", "AUROC, FPR95 and AUPR of ID images against OOD sets; tables and reports",
    "--id S.tsv --ood NAME=S.tsv ... [--bank B.nbank] [-o M.json] [options]",
    .description =
        "Prints AUROC, FPR95 by both conventions, AUPR and average precision of ID images against sets of OOD images,\n"
        "which are score files or, with --bank, embedding stores that are scored here.\n"
        "Tables, drawings and a page in HTML are written on request.\n",
    .examples = "  negbank eval --id id.tsv --ood near:ssb=ssb.tsv --ood far:inat=inat.tsv --bootstrap 1000 -o m.json\n"
                "  negbank eval --bank pets.nbank --id id.nbe --ood cars=cars.nbe --report pets.html --plots plots\n"
                "  negbank eval --bank pets.nbank --id id.nbe --ood cars=cars.nbe --score adaneg --seed 1 --repeat 5\n"
                "  negbank eval --id s0/id.tsv --id s1/id.tsv --ood cars=s0/cars.tsv --ood cars=s1/cars.tsv\n",
    .more = nb_score_more);
