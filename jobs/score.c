/* negbank score: a bank and images to a score file. */
#include "jobs/commands.h"
#include "jobs/precision.h"
#include "jobs/score_options.h"

#include "mining/embed.h"
#include "mining/images/check.h"
#include "mining/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *bank, *images, *model, *labels_from, *precision, *output;
    nb_strings inputs;
    nb_score_choice choice;
    bool force;
} settings;

typedef struct run {
    nb_job *job;
    const settings *set;
    nb_bank bank;
    nb_scorer scorer;
    nb_store images;
    nb_image_inputs inputs;
    nb_model model;
    nb_image_embedder embedder;
    const nb_strings *names;
    const int32_t *labels;
    size_t count;
} run;

/* What is scored: a store, or images embedded on the way. */
static nb_status open_images(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_job *job = r->job;
    const nb_engine *engine;
    size_t dropped;
    nb_status status;
    if (!s->images == !s->inputs.count || (s->inputs.count && !s->model)) {
        nb_fail(err, NB_ERR_USAGE, "score needs --images I.nbe, or --model DIR and images, one of the two");
        return nb_hint(err, "usage: negbank score %s", job->options->command->usage);
    }
    if (s->images) {
        NB_TRY(nb_job_open_store(job, &r->images, "images", s->images, err));
        NB_TRY(nb_score_check_width(&r->bank, &r->images, err));
        r->names = &r->images.names;
        r->labels = r->images.labels;
        r->count = (size_t)r->images.plan.count;
        return NB_OK;
    }
    NB_TRY(nb_agree(job, nb_image_inputs_read(&r->inputs, &s->inputs, s->labels_from, err), err));
    NB_TRY(nb_job_engine(job, s->precision, &engine, err));
    NB_TRY(nb_model_open(&r->model, &job->team, s->model, engine, err));
    if (r->model.clip->config.projection != r->bank.d) {
        return nb_fail(err, NB_ERR_INPUT, "'%s' embeds to width %zu, the bank's embeddings are %zu wide", s->model,
                       r->model.clip->config.projection, r->bank.d);
    }
    NB_TRY(nb_images_check(&job->team, &job->log, &r->inputs, &dropped, err));
    NB_TRY(nb_agree(job, nb_image_embedder_open(&r->embedder, r->model.clip, &r->inputs, 0, err), err));
    r->names = &r->inputs.names;
    r->labels = r->inputs.labels;
    r->count = r->inputs.count;
done:
    return status;
}

/* Embeds and scores images [begin, begin + count), count at most NB_IMAGE_TILE. */
static nb_status score_files(run *r, size_t begin, size_t count, nb_score_result *results, nb_error *err)
{
    size_t d = r->bank.d;
    float norms[NB_IMAGE_TILE];
    float *rows = NULL;
    double *doubles = NULL;
    nb_status status;
    NB_TRY_NEW(rows, count * d);
    NB_TRY_NEW(doubles, count * d);
    NB_TRY(nb_image_embedder_tile(&r->embedder, begin, count, rows, norms, err));
    for (size_t i = 0; i < count * d; i++) {
        doubles[i] = (double)rows[i];
    }
    NB_TRY(nb_scorer_run(&r->scorer, doubles, count, results, err));
done:
    free(rows);
    free(doubles);
    return status;
}

/* Scores this rank's tiles into results, which stay zero elsewhere. */
static nb_status score_tiles(run *r, nb_score_result *results, nb_error *err)
{
    size_t tile = r->set->images ? NB_SCORE_BATCH : NB_IMAGE_TILE;
    nb_progress progress = nb_progress_start(&r->job->log, "images", (double)r->count);
    for (size_t t = 0, begin = 0; begin < r->count; t++, begin += tile) {
        size_t count = r->count - begin < tile ? r->count - begin : tile;
        if (!nb_team_owns(&r->job->team, t)) {
            continue;
        }
        nb_status status = r->set->images ? nb_score_rows(&r->scorer, &r->images, begin, count, results + begin, err)
                                          : score_files(r, begin, count, results + begin, err);
        if (status != NB_OK) {
            return status;
        }
        nb_progress_update(&progress, (double)(begin + count));
    }
    nb_progress_finish(&progress);
    return NB_OK;
}

static nb_status write_scores(run *r, const nb_score_result *results, nb_error *err)
{
    nb_scores table = {0};
    nb_status status = NB_OK;
    if (r->job->team.rank == 0) {
        NB_TRY(nb_score_comments(&table.comments, &r->scorer, err));
        if (r->model.clip) {
            const nb_clip *clip = r->model.clip;
            char line[160];
            int len = snprintf(line, sizeof line, "model %s, %s", clip->digest.hex, clip->engine->precision);
            NB_TRY(nb_strings_push(&table.comments, line, (size_t)len, err));
        }
        NB_TRY(nb_score_table(&table, r->names, r->labels, results, err));
        NB_TRY(nb_scores_write(&table, r->set->output, r->set->force, err));
        nb_log_info(&r->job->log, "%zu images scored by %s -> %s", r->count, r->scorer.rule->name, r->set->output);
    }
done:
    nb_scores_free(&table);
    return status;
}

static nb_status score(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    nb_score_result *results = NULL;
    nb_status status;
    _Static_assert(sizeof *results == 3 * sizeof(uint64_t), "results unite as words");
    NB_TRY(nb_job_check_outputs(job, &r.set->output, 1, r.set->force, err));
    NB_TRY(nb_agree(job, nb_bank_open(&r.bank, r.set->bank, err), err));
    NB_TRY(nb_agree(job, nb_score_choose(&r.scorer, &r.bank, job->options, &r.set->choice, err), err));
    NB_TRY(nb_agree(job, open_images(&r, err), err));
    NB_TRY_NEW(results, r.count);
    NB_TRY(nb_agree(job, score_tiles(&r, results, err), err));
    NB_TRY(nb_team_unite(&job->team, results, r.count * 3, err));
    NB_TRY(write_scores(&r, results, err));
done:
    free(results);
    nb_image_embedder_destroy(&r.embedder);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&r.model);
    nb_image_inputs_free(&r.inputs);
    nb_store_close(&r.images);
    nb_scorer_destroy(&r.scorer);
    nb_bank_close(&r.bank);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "bank", .type = NB_OPTION_INPUT, AT(bank), .value = "B.nbank", .required = true, .help = "the bank"},
    {.name = "images", .type = NB_OPTION_INPUT, AT(images), .value = "I.nbe", .help = "embedded images"},
    {.name = "model",
     .type = NB_OPTION_INPUT,
     AT(model),
     .value = "DIR",
     .help = "or a checkpoint to embed images with"},
    NB_PRECISION_OPTION(settings, precision),
    {.name = "inputs",
     .type = NB_OPTION_LIST,
     AT(inputs),
     .value = "INPUT...",
     .positional = true,
     .help = "with --model: folders, image lists, tar shards and image files"},
    {.name = "labels-from",
     .type = NB_OPTION_CHOICE,
     AT(labels_from),
     .fallback = "auto",
     .choices = "auto|folder|list|none",
     .value = "WHERE",
     .help = "with --model: where class numbers come from"},
    NB_SCORE_OPTIONS(settings),
    NB_OUTPUT_OPTIONS(settings, "the score file (TSV)"),
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_score = {
    .name = "score",
    .summary = "score images with a bank",
    .usage = "--bank B.nbank (--images I.nbe | --model DIR INPUT...) -o S.tsv [options]",
    .examples = "  negbank score --bank pets.nbank --images test.nbe -o test.tsv\n"
                "  negbank score --bank pets.nbank --model vit-b-16 --score mcm -o holiday.tsv holiday-photos/\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .mpi = true,
    .run = score,
};
