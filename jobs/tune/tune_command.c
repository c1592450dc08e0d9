/* negbank tune: both towers on ID images and their labels, or on images and captions. */
#include "jobs/commands.h"
#include "jobs/transfer.h"

#include "common/base/text.h"
#include "mining/corpus/text/class_numbers.h"
#include "mining/images/check.h"
#include "mining/images/reader.h"
#include "mining/tuning/folder.h"
#include "mining/tuning/initial_model.h"
#include "mining/tuning/tune.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer; /* of what is given by its address */
    const char *model, *from_scratch, *labels, *output, *schedule, *prompt, *seed, *store;
    nb_strings images, eval_images;
    double lambda, lr, weight_decay;
    int64_t vocabulary, batch, micro_batch, epochs, steps, warmup, checkpoint_every, eval_every;
    bool captions, recompute, force, resume;
} settings;

/* Everything a run holds. */
typedef struct tuning {
    nb_job *job;
    const settings *set;
    nb_model model;
    nb_image_inputs train, held;
    nb_strings labels;
    nb_tune_plan plan;
    nb_tune_folder folder;
    nb_buffer configuration;
} tuning;

static nb_status tune_choose_plan(tuning *r, nb_error *err)
{
    const settings *s = r->set;
    int64_t seed = 0;
    nb_tune_plan *p = &r->plan;
    if (!s->model == !s->from_scratch) {
        nb_fail(err, NB_ERR_USAGE, "tune needs --model DIR or --from-scratch CONFIG, one of them");
        return nb_hint(err, "to start from a checkpoint, or from the shape of one: a config.json");
    }
    if (!s->labels && (!s->captions || s->eval_images.count)) {
        nb_fail(err, NB_ERR_USAGE, "--labels is missing");
        return nb_hint(err, "they are the training images' texts without --captions, and those of --eval-images");
    }
    *p = (nb_tune_plan){.trainer = nb_trainer_plan_default(),
                        .schedule = {.rate = s->lr,
                                     .warmup = (size_t)s->warmup,
                                     .steps = (size_t)s->steps,
                                     .cosine = strcmp(s->schedule, "cosine") == 0},
                        .seeded = strcmp(s->seed, "none") != 0,
                        .prompt = s->prompt,
                        .captions = s->captions ? &r->train.classes : NULL,
                        .half = strcmp(s->store, "fp16") == 0,
                        .save_every = (size_t)s->checkpoint_every,
                        .evaluate_every = (size_t)s->eval_every,
                        .model = s->model,
                        .output = s->output,
                        .force = s->force,
                        .resume = s->resume};
    if (p->seeded && (!nb_parse_int(s->seed, &seed) || seed < 0)) {
        return nb_fail(err, NB_ERR_USAGE, "--seed: '%s' is neither a number nor 'none'", s->seed);
    }
    p->seed = (uint64_t)seed;
    p->trainer.batch = (size_t)s->batch;
    p->trainer.tile = (size_t)s->micro_batch;
    p->trainer.lambda = s->lambda;
    p->trainer.decay = s->weight_decay;
    p->trainer.recompute = s->recompute;
    nb_option_source epochs = nb_option_given(r->job->options, "epochs");
    nb_option_source steps = nb_option_given(r->job->options, "steps");
    if (epochs != NB_FROM_DEFAULT && epochs == steps) {
        return nb_fail(err, NB_ERR_USAGE, "--epochs %lld and --steps %lld are both given, choose one",
                       (long long)s->epochs, (long long)s->steps);
    }
    if (steps <= epochs) {
        p->schedule.steps = 0; /* from the epochs, once the data are known */
    }
    return NB_OK;
}

/* Collective. Labelled images that can be decoded. */
static nb_status tune_read_images(tuning *r, nb_image_inputs *out, const nb_strings *inputs, const char *labels_from,
                                  const char *role, nb_error *err)
{
    nb_job *job = r->job;
    nb_image_choice choice = {.labels_from = labels_from, .limits = nb_image_limits_default()};
    size_t dropped = 0;
    bool captions = strcmp(labels_from, "txt") == 0;
    nb_buffer text = {0};
    nb_status status;
    NB_TRY(nb_image_inputs_share(out, &job->comm, &job->log, inputs, &choice, err));
    NB_TRY(nb_images_check(&job->comm, &job->log, out, NULL, &dropped, err));
    if (dropped) {
        nb_log_warn(&job->log, "%zu %s could not be decoded and are left out", dropped, role);
    }
    if (nb_image_is_compressed(out, 0)) {
        nb_log_warn(&job->log, "'%s' is a compressed shard: it is unpacked again and again, uncompressed ones are not",
                    nb_strings_get(&out->shards, out->places[0].shard));
    }
    if (!captions) {
        const nb_class_numbers own = {nb_strings_get(inputs, 0), &out->classes, out->labels, out->count};
        NB_TRY(nb_class_numbers_match(&own, &r->labels, NB_STRANGERS_REFUSED, &job->log, err));
    }
    for (size_t i = 0; i < out->count; i++) {
        NB_TRY(nb_buffer_printf(&text, err, "%s %d\n", nb_strings_get(&out->names, i), out->labels[i]));
    }
    nb_digest digest = nb_digest_bytes(text.data, text.len);
    NB_TRY(nb_provenance_input(&job->provenance, role, nb_strings_get(inputs, 0), digest.hex, err));
    NB_TRY(nb_buffer_printf(&r->configuration, err, "%s=%.16s\n", role, digest.hex));
done:
    nb_buffer_free(&text);
    return nb_agree(job, status, err);
}

/* The captions themselves; which image has which is in the digest of the images. */
static nb_status tune_describe_captions(tuning *r, nb_error *err)
{
    nb_buffer text = {0};
    nb_status status = NB_OK;
    for (size_t i = 0; i < r->train.classes.count; i++) {
        NB_TRY(nb_buffer_printf(&text, err, "%s\n", nb_strings_get(&r->train.classes, i)));
    }
    nb_digest digest = nb_digest_bytes(text.data, text.len);
    NB_TRY(nb_buffer_printf(&r->configuration, err, "captions=%.16s\n", digest.hex));
done:
    nb_buffer_free(&text);
    return status;
}

/* What decides the result: a resumed run must share it. */
static nb_status tune_describe(tuning *r, nb_error *err)
{
    const settings *s = r->set;
    const nb_tune_plan *p = &r->plan;
    nb_status status;
    NB_TRY(nb_buffer_printf(&r->configuration, err, "model=%.16s\n", r->model.clip->digest.hex));
    if (s->captions) {
        NB_TRY(tune_describe_captions(r, err));
    }
    for (size_t i = 0; i < r->labels.count; i++) {
        NB_TRY(nb_buffer_printf(&r->configuration, err, "label %zu=%s\n", i, nb_strings_get(&r->labels, i)));
    }
    NB_TRY(nb_buffer_printf(&r->configuration, err,
                            "batch=%zu\nmicro-batch=%zu\nlambda=%.17g\nlr=%.17g\nweight-decay=%.17g\nwarmup=%zu\n"
                            "steps=%zu\nschedule=%s\nseed=%s\neval-every=%zu\nprompt=%s\n",
                            p->trainer.batch, p->trainer.tile, s->lambda, s->lr, s->weight_decay, p->schedule.warmup,
                            p->schedule.steps, s->schedule, s->seed, p->evaluate_every, s->prompt));
    r->plan.configuration = r->configuration.data;
done:
    return status;
}

/* Steps from epochs; the batch must fit the data. */
static nb_status tune_count_steps(tuning *r, nb_error *err)
{
    nb_tune_plan *p = &r->plan;
    nb_tune_order order = {0};
    nb_status status = nb_tune_order_create(&order, r->train.count, p->trainer.batch, false, 0, err);
    if (status == NB_OK && !p->schedule.steps) {
        p->schedule.steps = (size_t)r->set->epochs * nb_tune_order_steps(&order);
    }
    nb_tune_order_destroy(&order);
    return status;
}

/* Collective. A model from nothing is made in the partial output, anew at every start: the same bytes. */
static nb_status tune_make_model(tuning *r, nb_error *err)
{
    const settings *s = r->set;
    nb_initial_model_plan scratch = {
        .config = s->from_scratch, .vocabulary = (size_t)s->vocabulary, .prompt = s->prompt, .seed = r->plan.seed};
    const nb_strings *texts = &r->labels;
    nb_status status;
    if (s->captions) {
        texts = &r->train.classes;
        scratch.prompt = "{}";
    }
    NB_TRY(nb_tune_folder_open(&r->folder, s->output, err));
    r->plan.model = r->folder.partial;
    if (r->job->comm.rank == 0) {
        NB_TRY(nb_initial_model_write(r->folder.partial, &scratch, &r->train, texts, err));
    }
    NB_TRY(nb_provenance_file(&r->job->provenance, "configuration", s->from_scratch, err));
done:
    return nb_agree(r->job, status, err);
}

static nb_status tune_read_inputs(tuning *r, nb_error *err)
{
    const settings *s = r->set;
    nb_job *job = r->job;
    nb_status status;
    if (s->labels) {
        NB_TRY(nb_agree(job, nb_labels_read(&r->labels, s->labels, &job->log, err), err));
        NB_TRY(nb_provenance_file(&job->provenance, "labels", s->labels, err));
    }
    NB_TRY(tune_read_images(r, &r->train, &s->images, s->captions ? "txt" : "auto", "training images", err));
    NB_TRY(nb_agree(job, tune_count_steps(r, err), err));
    if (s->eval_images.count) {
        NB_TRY(tune_read_images(r, &r->held, &s->eval_images, "auto", "evaluation images", err));
    }
    if (s->from_scratch) {
        NB_TRY(tune_make_model(r, err));
    }
    NB_TRY(nb_model_open(&r->model, &job->comm, r->plan.model, &nb_engine_fp32, err));
    NB_TRY(nb_provenance_input(&job->provenance, "model", r->plan.model, r->model.clip->digest.hex, err));
    NB_TRY(nb_agree(job, tune_describe(r, err), err));
done:
    return status;
}

/* Collective. *complete: the output is there already. */
static nb_status tune_check_output(tuning *r, bool *complete, nb_error *err)
{
    nb_job *job = r->job;
    nb_status status = job->comm.rank == 0 ? nb_tune_check_output(&r->plan, complete, err) : NB_OK;
    status = nb_agree(job, status, err);
    return status == NB_OK ? nb_comm_broadcast(&job->comm, complete, sizeof *complete, err) : status;
}

static nb_status tune_run(nb_job *job, nb_error *err)
{
    tuning r = {.job = job, .set = job->settings};
    bool complete = false;
    nb_status status;
    NB_TRY(nb_agree(job, tune_choose_plan(&r, err), err));
    NB_TRY(tune_check_output(&r, &complete, err));
    if (complete) {
        nb_log_info(&job->log, "'%s' is complete: nothing is left to do", r.set->output);
        goto done;
    }
    NB_TRY(nb_agree(job, tune_read_inputs(&r, err), err));
    NB_TRY(nb_job_record_kernel(job, err));
    const nb_tune_sets sets = {
        .train = &r.train, .held = r.set->eval_images.count ? &r.held : NULL, .labels = &r.labels};
    NB_TRY(nb_tune(&job->comm, &job->log, &r.model, &sets, &r.plan, err));
    nb_job_record(job, r.set->output, NULL);
    nb_log_info(&job->log, "%zu steps of %zu pairs -> %s", r.plan.schedule.steps, r.plan.trainer.batch, r.set->output);
done:
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&r.model);
    nb_image_inputs_free(&r.train);
    nb_image_inputs_free(&r.held);
    nb_strings_free(&r.labels);
    nb_buffer_free(&r.configuration);
    nb_tune_folder_close(&r.folder);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("model", model, "DIR", "CLIP checkpoint folder to start from"),
    OPT_INPUT("from-scratch", from_scratch, "CONFIG",
              "or a config.json: random weights, and a vocabulary learned from the captions"),
    OPT_INT("vocabulary", vocabulary, "N", "2000", 515, 65536, "from scratch: tokens at most"),
    OPT_LIST("images", images, "LIST",
             "labelled ID images: lists (`path label` a line), a folder of class folders, tar shards", OPT_REQUIRED),
    OPT_INPUT("labels", labels, "L.txt", "ID labels, one a line", OPT_FETCHED),
    OPT_FLAG(
        "captions", captions,
        "images are tar shards, their texts the .txt members beside them; labels and prompt are for --eval-images"),
    OPT_TEXT("prompt", prompt, "TEXT", "a photo of a {}", "the text of a label, {} is the label"),
    OPT_REAL("lambda", lambda, "X", "0.001", 0, 1e6, "weight of the energies; 0: CLIP's own loss"),
    OPT_REAL("lr", lr, "X", "1e-5", 0, 1e6, "AdamW's rate at its highest"),
    OPT_REAL("weight-decay", weight_decay, "X", "0.1", 0, 1e6, "AdamW's, on every parameter"),
    OPT_INT("batch", batch, "N", "512", 1, NB_TUNE_BATCH_MAX, "pairs a step, over all ranks"),
    OPT_INT("micro-batch", micro_batch, "N", "16", 1, NB_TUNE_BATCH_MAX,
            "pairs a rank computes at once: decides memory and last bits, not the mathematics"),
    OPT_INT("epochs", epochs, "N", "10", 1, 1e9, "times over the data"),
    OPT_INT("steps", steps, "N", NULL, 1, 1e12, "or a number of steps"),
    OPT_INT("warmup", warmup, "N", "500", 0, 1e12, "steps over which the rate rises"),
    OPT_CHOICE("schedule", schedule, "WHAT", "cosine", "cosine|constant",
               "learning rate after the warm-up: down to 0, or as it is"),
    OPT_TEXT("seed", seed, "N|none", "0", "seed of every epoch's order; none: the order of the list"),
    OPT_LIST("eval-images", eval_images, "LIST",
             "labelled images on which ID accuracy is measured, before, at times and at the end"),
    OPT_INT("eval-every", eval_every, "N", "0", 0, 1e12, "measure every N steps as well; 0: not in between"),
    OPT_CHOICE("store", store, "WHAT", "fp32", "fp32|fp16", "precision of the weights written"),
    OPT_INT("checkpoint-every", checkpoint_every, "N", "500", 0, 1e12,
            "save the state every N steps; 0: only when stopped", OPT_UNRECORDED),
    OPT_FLAG("recompute", recompute, "a tenth of the memory for activations, a third more time, the same bits",
             OPT_UNRECORDED),
    OPT_FLAG("resume", resume, "continue what an interrupted run left, on any number of ranks", OPT_UNRECORDED),
    NB_OUTPUT_OPTIONS("the tuned checkpoint, a folder"),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    tune, tune_run, "tune", "fine-tune both towers on ID images and labels (CMA), or train them on captions",
    "(--model DIR | --from-scratch CONFIG) --images LIST (--labels L.txt | --captions) -o OUT [options]",
    .description =
        "Tunes both towers on ID images and the texts of their labels with CMA's loss, or with CLIP's own (--lambda "
        "0).\n"
        "The loss couples the whole batch over all ranks, and gradients are summed exactly.\n"
        "\n"
        "On SIGUSR1 and SIGTERM the command saves its state and ends with exit status 85; --resume continues.\n"
        "The output is a folder as Hugging Face lays it out, with tune.tsv, one line a step.\n",
    .examples =
        "  mpirun -np 4 negbank tune --model vit-b-16 --images id-train.txt --labels pets.txt -o vit-b-16-cma\n"
        "  negbank tune --model vit-b-16 --images id-train.txt --labels pets.txt --lambda 0 --batch 64 \\\n"
        "      --steps 200 --warmup 20 --eval-images id-test.txt --eval-every 50 -o tuned\n"
        "  mpirun -np 2 negbank tune --from-scratch config.json --images train.tar --captions --lambda 0 -o new\n",
    .mpi = true);
