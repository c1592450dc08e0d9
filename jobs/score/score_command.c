/* negbank score: a bank and images to a score file. */
#include "jobs/commands.h"
#include "jobs/precision.h"
#include "jobs/score/score_corpus.h"
#include "jobs/score/score_images.h"
#include "jobs/score/score_options.h"
#include "jobs/score/score_pairs.h"
#include "jobs/score/score_stream.h"

#include "scoring/files/predictions.h"
#include "scoring/streams/stream_order.h"
#include "scoring/visual/stream_visual.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *bank, *output, *order, *format, *score, *state;
    const char *texts, *noise;
    nb_score_sources sources;
    int64_t batch;
    double threshold;
    bool force;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_bank bank;
    nb_score_chosen chosen;
    nb_scorer scorer;
    nb_score_corpus corpus;
    nb_score_pairs pairs;
    nb_score_images images;
    size_t *order;      /* on rank 0, where one is given */
    bool invert;        /* images become visual negatives */
    nb_digest inverted; /* the checkpoint that images were inverted through, or "" */
    nb_buffer state;    /* rank 0: of the stream at its end, with --state */
} run;

/* Decides on visual negatives before any work. */
static nb_status score_decide_visual(run *r, nb_error *err)
{
    const nb_score_sources *s = &r->set->sources;
    bool asked = nb_option_given(r->job->options, "visual") != NB_FROM_DEFAULT;
    nb_buffer note = {0};
    nb_status status = nb_stream_visual_decide(&r->scorer, s->model, asked, &r->invert, &note, err);
    if (status == NB_OK && note.len) {
        nb_log_info(&r->job->log, "%s", note.data);
    } else if (status == NB_OK && s->model && s->stores.count && !nb_score_has_corpus(r->scorer.rule) &&
               !nb_score_has_pairs(r->scorer.rule)) {
        nb_log_warn(&r->job->log, "--model has no effect: the images are embedded, and the score %s inverts none",
                    r->scorer.rule->name);
    }
    nb_buffer_free(&note);
    return status;
}

static nb_status score_make_scorer(run *r, nb_error *err)
{
    nb_status status;
    NB_TRY(nb_score_decide(&r->chosen, &r->bank, r->job->options, r->set->score, err));
    NB_TRY(nb_scorer_create(&r->scorer, &r->bank, &r->chosen.parameters, err));
    NB_TRY(nb_score_log(r->job, &r->chosen, &r->scorer, err));
    if (r->set->state && !r->scorer.rule->stream) {
        return nb_fail(err, NB_ERR_USAGE, "--state: the score %s has none, it looks at every image alone",
                       r->scorer.rule->name);
    }
    NB_TRY(score_decide_visual(r, err));
    const nb_score_corpus_sources corpus = {r->set->texts, r->set->noise, r->set->sources.model,
                                            r->set->sources.allow_mismatch};
    NB_TRY(nb_score_corpus_open(&r->corpus, r->job, &corpus, &r->scorer, err));
    NB_TRY(
        nb_score_pairs_open(&r->pairs, r->job, r->set->sources.model, r->set->sources.allow_mismatch, &r->scorer, err));
done:
    return status;
}

/* Scores this rank's tiles into results, which stay zero elsewhere. */
static nb_status score_tiles(run *r, nb_score_result *results, nb_error *err)
{
    nb_score_images *im = &r->images;
    float *rows = NULL;
    nb_progress progress = nb_progress_start(&r->job->log, "images", (double)im->count);
    nb_status status;
    NB_TRY_NEW(rows, im->tile * im->d);
    for (size_t t = 0, begin = 0; begin < im->count; t++, begin += im->tile) {
        size_t count = im->count - begin < im->tile ? im->count - begin : im->tile;
        if (nb_comm_owns(&r->job->comm, t)) {
            NB_TRY(nb_score_images_rows(im, begin, count, rows, err));
            NB_TRY(nb_scorer_run_float(&r->scorer, rows, count, results + begin, err));
            nb_progress_update(&progress, (double)(begin + count));
        }
    }
    nb_progress_finish(&progress);
done:
    free(rows);
    return status;
}

/* Results by image become results by the order, on rank 0. */
static nb_status score_put_in_order(const run *r, nb_score_result **results, nb_error *err)
{
    nb_score_result *sorted = nb_alloc(r->images.count, sizeof *sorted, err);
    if (!sorted) {
        return NB_ERR_LIMIT;
    }
    for (size_t i = 0; i < r->images.count; i++) {
        sorted[i] = (*results)[r->order[i]];
    }
    free(*results);
    *results = sorted;
    return NB_OK;
}

/* ---- decisions ---- */

/* Fills scores->accepted where a threshold is known. */
static nb_status score_decide(const run *r, const nb_score_result *results, nb_scores *scores, nb_error *err)
{
    bool asked = nb_option_given(r->job->options, "threshold") != NB_FROM_DEFAULT;
    bool holds = nb_threshold_holds(&r->bank, &r->scorer);
    const nb_bank_threshold *bank = &r->bank.threshold;
    const nb_log *log = &r->job->log;
    size_t accepted = 0;
    nb_status status = NB_OK;
    if (!asked && !holds) {
        if (bank->images) {
            nb_log_info(log, "no decisions: the bank's threshold holds for score %s with the bank's own parameters",
                        bank->suggestion.score);
        }
        return NB_OK;
    }
    NB_TRY_NEW(scores->accepted, scores->count);
    for (size_t i = 0; i < scores->count; i++) {
        scores->accepted[i] =
            asked ? results[i].score >= r->set->threshold : nb_threshold_accepts(&r->bank, &results[i]);
        accepted += scores->accepted[i];
    }
    nb_log_info(log, "%zu of %zu images are in-distribution by the threshold %.9g (%s)", accepted, scores->count,
                asked ? r->set->threshold : bank->score, asked ? "as asked" : "the bank");
done:
    return status;
}

/* Names and labels in the order of the results, as a table. */
static nb_status score_make_table(const run *r, const nb_score_result *results, nb_scores *out, nb_error *err)
{
    const nb_score_images *im = &r->images;
    nb_strings names = {0};
    int32_t *labels = NULL;
    nb_status status;
    NB_TRY_NEW(labels, im->count);
    for (size_t i = 0; i < im->count; i++) {
        size_t image = r->order ? r->order[i] : i;
        labels[i] = im->labels[image];
        NB_TRY(nb_strings_push(&names, nb_strings_get(&im->names, image), nb_strings_len(&im->names, image), err));
    }
    NB_TRY(nb_score_table_fill(out, &names, labels, results, r->scorer.rule, err));
done:
    nb_strings_free(&names);
    free(labels);
    return status;
}

static nb_status score_write_scores(run *r, const nb_score_result *results, nb_error *err)
{
    const settings *s = r->set;
    nb_scores table = {.class_names = &r->bank.labels};
    nb_status status;
    NB_TRY(nb_score_comments(&table.comments, &r->scorer, err));
    if (r->images.model.clip) {
        const nb_clip *clip = r->images.model.clip;
        char line[160];
        int len = snprintf(line, sizeof line, "model %s, %s", clip->digest.hex, clip->engine->precision);
        NB_TRY(nb_strings_push(&table.comments, line, (size_t)len, err));
    }
    if (r->inverted.hex[0]) {
        char line[160];
        int len = snprintf(line, sizeof line, "visual negatives by model %s", r->inverted.hex);
        NB_TRY(nb_strings_push(&table.comments, line, (size_t)len, err));
    }
    NB_TRY(score_make_table(r, results, &table, err));
    NB_TRY(score_decide(r, results, &table, err));
    NB_TRY(nb_predictions_write(&table, nb_predictions_format(s->format, s->output), s->output, s->force, err));
    nb_log_info(&r->job->log, "%zu images scored by %s -> %s", r->images.count, r->scorer.rule->name, s->output);
done:
    nb_scores_free(&table);
    return status;
}

static nb_status score_images(run *r, nb_score_result **results, nb_error *err)
{
    nb_job *job = r->job;
    nb_status status;
    if (r->scorer.rule->stream) {
        nb_score_stream stream = {.job = job,
                                  .scorer = &r->scorer,
                                  .images = &r->images,
                                  .sources = &r->set->sources,
                                  .order = r->order,
                                  .invert = r->invert,
                                  .state_path = r->set->state,
                                  .state = &r->state,
                                  .batch = nb_stream_batch(r->scorer.rule, (size_t)r->set->batch)};
        status = nb_score_stream_run(&stream, *results, err);
        r->inverted = stream.model;
        return status;
    }
    NB_TRY(nb_agree(job, score_tiles(r, *results, err), err));
    NB_TRY(nb_comm_or(&job->comm, *results, r->images.count * 3, err));
    if (r->order) {
        NB_TRY(score_put_in_order(r, results, err));
    }
done:
    return status;
}

/* All ranks go along the stream of a score with a corpus. */
static nb_status score_share_order(run *r, nb_error *err)
{
    size_t count = r->images.count;
    nb_status status = NB_OK;
    if (r->set->order && !r->order) {
        r->order = nb_alloc(count, sizeof *r->order, err);
        status = r->order ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_agree(r->job, status, err));
    if (r->order) {
        NB_TRY(nb_comm_broadcast(&r->job->comm, r->order, count * sizeof *r->order, err));
    }
done:
    return status;
}

static nb_status score(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    bool first = job->comm.rank == 0;
    nb_score_result *results = NULL;
    nb_score_sources sources = r.set->sources;
    nb_status status;
    sources.output = r.set->output;
    _Static_assert(sizeof *results == 3 * sizeof(uint64_t), "results are all-reduced as words");
    NB_TRY(nb_job_check_outputs(job, &r.set->output, 1, r.set->force, err));
    NB_TRY(nb_agree(job, nb_bank_open(&r.bank, r.set->bank, err), err));
    NB_TRY(nb_agree(job, score_make_scorer(&r, err), err));
    NB_TRY(nb_agree(job, nb_score_images_open(&r.images, job, &sources, &r.bank, err), err));
    status = first && r.set->order ? nb_stream_order_read(&r.order, r.set->order, &r.images.names, err) : NB_OK;
    if (status == NB_OK) {
        results = nb_alloc(r.images.count, sizeof *results, err);
        status = results ? NB_OK : NB_ERR_LIMIT;
    }
    NB_TRY(nb_agree(job, status, err));
    if (r.scorer.corpus) {
        NB_TRY(score_share_order(&r, err));
    }
    NB_TRY(score_images(&r, &results, err));
    nb_score_pairs_tell(&r.pairs, &job->log);
    if (first) {
        NB_TRY(score_write_scores(&r, results, err));
    }
    if (first && r.set->state) { /* behind the scores: what was not written is scored again */
        NB_TRY(nb_state_write(r.set->state, &r.state, err));
        nb_log_info(&job->log, "the stream's state -> %s", r.set->state);
    }
done:
    free(results);
    free(r.order);
    nb_buffer_free(&r.state);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_score_images_close(&r.images);
    nb_scorer_destroy(&r.scorer);
    nb_score_corpus_close(&r.corpus);
    nb_score_pairs_close(&r.pairs);
    nb_bank_close(&r.bank);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("bank", bank, "B.nbank", "the bank", OPT_REQUIRED, OPT_PIPED),
    OPT_LIST("images", sources.stores, "I.nbe", "embedded images; several stores follow each other", OPT_PIPED),
    OPT_INPUT("model", sources.model, "DIR",
              "or a checkpoint to embed images with; with --images, for {visual}: to invert confident OOD images; for "
              "{corpus}: to embed noise images; for {pairs}: texts of two labels",
              .describe = nb_score_describe),
    NB_PRECISION_OPTION(sources.precision),
    OPT_LIST("inputs", sources.inputs, "INPUT...",
             "with --model: folders, image lists, tar shards and image files; - and named pipes", .positional = true),
    OPT_CHOICE("labels-from", sources.labels_from, "WHERE", "auto", "auto|folder|list|none",
               "with --model: where class numbers come from"),
    OPT_FLAG("allow-mismatch", sources.allow_mismatch,
             "score images of another checkpoint or precision than the bank's"),
    NB_SCORE_OPTIONS,
    NB_SCORE_CORPUS_OPTIONS,
    NB_SCORE_BATCH_OPTION("{streams}"),
    OPT_INPUT("order", order, "FILE", "the stream's order: image names or row numbers, one a line (or .npy)",
              OPT_PIPED),
    OPT_TEXT("state", state, "FILE", NULL,
             "{streams}: go on from the state in this file, if it is there, and save it there at the end",
             OPT_UNRECORDED, .describe = nb_score_describe),
    OPT_REAL("threshold", threshold, "X", NULL, 0, 0,
             "take images that score X or more for in-distribution; default: the bank's, if it has one"),
    OPT_CHOICE("format", format, "FORMAT", "auto", "auto|" NB_PREDICTION_FORMATS,
               "of the output; auto: by its name, .jsonl, .h5, else tsv"),
    OPT_OUTPUT("output", output, "FILE", "the score file; -: standard output", .letter = 'o', OPT_REQUIRED, OPT_PIPED),
    OPT_FLAG("force", force, "overwrite the output", OPT_UNRECORDED),
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    score, score, "score", "score images with a bank",
    "--bank B.nbank (--images I.nbe [--model DIR] | --model DIR INPUT...) -o S.tsv [options]",
    .description =
        "Scores embedded images, or images that a checkpoint embeds on the way, with the labels and negatives of a "
        "bank.\n"
        "A parameter comes from its option, else from the bank, else from the paper of the score; the log says which.\n"
        "Scores that learn from the stream of images see them in the order given.\n",
    .examples =
        "  negbank score --bank pets.nbank --images test.nbe -o test.tsv\n"
        "  negbank score --bank pets.nbank --model vit-b-16 --score mcm -o holiday.tsv holiday-photos/\n"
        "  negbank score --bank pets.nbank --images id.nbe --images ood.nbe --score adaneg --order stream.txt \\\n"
        "      -o stream.tsv\n"
        "  negbank score --bank pets.nbank --images day1.nbe --score adaneg --state pets.state -o day1.tsv\n"
        "  negbank score --bank pets.nbank --images test.nbe --model vit-b-16 --score interneg -o interneg.tsv\n",
    .more = nb_score_more, .mpi = true);
