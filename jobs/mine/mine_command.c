/* negbank mine: stores and a label set to a bank. */
#include "jobs/commands.h"
#include "jobs/mine/mine_bank.h"
#include "jobs/mine/mine_inputs.h"
#include "jobs/mine/mine_visual.h"
#include "jobs/precision.h"

#include "common/base/file.h"
#include "mining/select/mine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
    nb_talk talk;
    nb_mine_sources from;
    const char *output, *explain, *criterion, *reject, *distance;
    int64_t count, neighbours, neighbour_sample, seed;
    double fraction, tau, affinity_temperature, quantile;
    nb_mine_bank_choice bank;
    nb_mine_visual_choice visual;
    bool force, resume;
} settings;

/* Everything a run holds. */
typedef struct run {
    nb_job *job;
    const settings *set;
    nb_mine_inputs in;
    const nb_criterion *criterion;
    bool reject;
    nb_quota quota;
    bool quota_given;
    nb_evidence evidence;
    nb_mined mined;
    nb_mine_visual visual;
} run;

static const nb_criterion *const falls_back_to = &nb_criterion_dnm; /* without the wild images a criterion needs */

/* The criterion asked for, or what it falls back to without wild images; checks what it needs. */
static nb_status choose_criterion(run *r, nb_error *err)
{
    const settings *s = r->set;
    r->criterion = nb_criterion_find(s->criterion);
    r->reject = strcmp(s->reject, "auto") == 0 ? r->criterion->rejects : strcmp(s->reject, "interneg") == 0;
    if ((r->criterion->needs_prototypes || r->reject) && !s->from.id_images) {
        nb_fail(err, NB_ERR_USAGE, "--criterion %s%s needs --id-images", s->criterion,
                r->criterion->needs_prototypes ? "" : " with --reject interneg");
        return nb_hint(err, "a store of labelled ID images, a few a class: negbank embed images");
    }
    if (r->criterion->needs_wild && !s->from.wild_images) {
        nb_log_warn(&r->job->log, "no --wild-images: criterion %s falls back to %s density%s", s->criterion,
                    falls_back_to->name, r->reject ? " with interneg's rejection" : "");
        return nb_provenance_fact(&r->job->provenance, "criterion used", falls_back_to->name, err);
    }
    return NB_OK;
}

/* How many to keep: --count or --fraction, the one from the stronger source, else the criterion's own. */
static nb_status choose_quota(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_option_source count = nb_option_given(r->job->options, "count");
    nb_option_source fraction = nb_option_given(r->job->options, "fraction");
    r->quota = (nb_quota){.count = r->criterion->count};
    r->quota_given = count != NB_FROM_DEFAULT || fraction != NB_FROM_DEFAULT;
    memcpy(r->quota.fraction, r->criterion->fraction, sizeof r->quota.fraction);
    if (r->quota_given && count == fraction) {
        return nb_fail(err, NB_ERR_USAGE, "--count %lld and --fraction %g are both given, choose one",
                       (long long)s->count, s->fraction);
    }
    if (count > fraction) {
        r->quota.count = (size_t)s->count;
    } else if (fraction > count) {
        r->quota.count = 0;
        for (size_t t = 0; t < NB_TAG_COUNT; t++) {
            r->quota.fraction[t] = s->fraction;
        }
    }
    return NB_OK;
}

static void gather_evidence(run *r)
{
    const settings *s = r->set;
    r->evidence = (nb_evidence){.team = &r->job->team,
                                .log = &r->job->log,
                                .candidates = &r->in.candidates,
                                .d = (size_t)r->in.texts.plan.width,
                                .label_count = r->in.labels.count,
                                .labels = r->in.label_doubles,
                                .prototypes = r->in.prototypes,
                                .id_images = r->in.id_images.path ? &r->in.id_images : NULL,
                                .wild_images = r->in.wild_images.path ? &r->in.wild_images : NULL,
                                .quantile = s->quantile,
                                .tau = s->tau,
                                .affinity_temperature = s->affinity_temperature,
                                .neighbours = (size_t)s->neighbours,
                                .neighbour_sample = (size_t)s->neighbour_sample,
                                .released_distance = strcmp(s->distance, "released") == 0,
                                .seed = (uint64_t)s->seed};
}

static nb_status read_inputs(run *r, nb_error *err)
{
    const settings *s = r->set;
    nb_status status;
    NB_TRY(choose_criterion(r, err));
    NB_TRY(choose_quota(r, err));
    NB_TRY(nb_mine_visual_check(&s->visual, s->from.model, s->from.id_images, s->from.wild_images, err));
    NB_TRY(nb_mine_inputs_open(&r->in, r->job, &s->from, err));
    gather_evidence(r);
done:
    return status;
}

static nb_status write_bank(run *r, nb_digest *digest, nb_error *err)
{
    nb_mine_bank bank = {.job = r->job,
                         .choice = &r->set->bank,
                         .output = r->set->output,
                         .force = r->set->force,
                         .mined = &r->mined,
                         .texts = &r->in.texts,
                         .labels = &r->in.labels,
                         .label_rows = r->in.label_rows,
                         .prototypes = r->in.prototypes,
                         .label_embeddings = r->set->from.label_embeddings,
                         .prompt = &r->set->from.prompt,
                         .tau = r->set->tau,
                         .calibrate = &r->in.calibrate,
                         .visual = &r->visual};
    return nb_mine_bank_write(&bank, digest, err);
}

/* Rank 0 writes the outputs. */
static nb_status write_outputs(run *r, nb_error *err)
{
    nb_digest digest;
    nb_status status = NB_OK;
    if (r->job->team.rank != 0) {
        return NB_OK;
    }
    if (r->set->explain) {
        /* with --resume the table may be there: an interrupted run's, from just before its bank */
        NB_TRY(nb_mined_explain(&r->mined, &r->in.texts, r->set->explain, r->set->force || r->set->resume, err));
    }
    NB_TRY(write_bank(r, &digest, err));
    nb_job_record(r->job, r->set->output, digest.hex);
    const nb_selection *s = &r->mined.selection;
    nb_log_info(&r->job->log,
                "%llu candidates: %zu rejected as labels, %zu by the stop list, %zu by interneg, %zu accepted",
                (unsigned long long)r->in.texts.plan.count, s->rejected[NB_REJECTED_LABEL],
                s->rejected[NB_REJECTED_STOP], s->rejected[NB_REJECTED_INTERNEG], s->accepted);
    nb_log_info(&r->job->log, "%zu negatives by %s -> %s", s->count, r->mined.criterion->name, r->set->output);
done:
    return status;
}

/* True when the bank is there already, made of the same content. */
static bool complete(const run *r, const char *provenance)
{
    nb_bank bank;
    nb_error ignored = {0};
    if (!r->set->resume || r->set->force || nb_bank_open(&bank, r->set->output, &ignored) != NB_OK) {
        return false;
    }
    bool same = bank.provenance && strcmp(bank.provenance, provenance) == 0;
    nb_bank_close(&bank);
    return same;
}

/* Collective. *ready is true when there is nothing left to do. */
static nb_status look_for_bank(run *r, const char *provenance, bool *ready, nb_error *err)
{
    uint64_t found = 0;
    nb_status status = NB_OK;
    nb_output out = {0};
    if (r->job->team.rank == 0) {
        found = complete(r, provenance);
    }
    if (r->job->team.rank == 0 && r->set->resume && !found) {
        status = nb_output_begin(&out, r->set->output, r->set->force, err);
        nb_output_release(&out);
    }
    NB_TRY(nb_agree(r->job, status, err));
    NB_TRY(nb_team_broadcast(&r->job->team, &found, sizeof found, err));
    *ready = found != 0;
done:
    return status;
}

static nb_status select_and_write(run *r, const char *ledger, const char *provenance, nb_error *err)
{
    nb_quota quota = r->quota;
    quota.clamp = !r->quota_given;
    nb_mine_plan plan = {.criterion =
                             r->criterion->needs_wild && !r->set->from.wild_images ? falls_back_to : r->criterion,
                         .reject_interneg = r->reject,
                         .all_columns = r->set->explain != NULL,
                         .quota = quota,
                         .ledger = ledger,
                         .identity = provenance,
                         .resume = r->set->resume};
    nb_status status;
    NB_TRY(nb_mine(&r->mined, &plan, &r->evidence, err));
    NB_TRY(nb_mine_visual_make(&r->visual, r->job, &r->set->visual, r->set->from.model, &r->evidence,
                               &r->mined.selection, err));
    NB_TRY(nb_agree(r->job, write_outputs(r, err), err));
done:
    /* what a run with the same inputs would only repeat is not kept */
    if (r->job->team.rank == 0 && (status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_USAGE ||
                                   status == NB_ERR_NUMERIC || status == NB_ERR_VERIFY)) {
        unlink(ledger);
    }
    return status;
}

static nb_status mine(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    nb_buffer ledger = {0};
    nb_digest identity;
    char *provenance = NULL;
    bool ready = false;
    nb_status status;
    const char *const outputs[] = {r.set->explain, r.set->output};
    NB_TRY(nb_job_check_outputs(job, outputs, r.set->resume ? 1 : 2, r.set->force || r.set->resume, err));
    NB_TRY(nb_agree(job, read_inputs(&r, err), err));
    NB_TRY(nb_job_record_kernel(job, err));
    status = nb_provenance_text(&job->provenance, &provenance, err);
    if (status == NB_OK) {
        status = nb_buffer_printf(&ledger, err, "%s.ledger", r.set->output);
    }
    NB_TRY(nb_agree(job, status, err));
    NB_TRY(look_for_bank(&r, provenance, &ready, err));
    if (ready) {
        if (job->team.rank == 0) {
            unlink(ledger.data); /* of a run that was killed behind its bank */
        }
        nb_log_info(&job->log, "'%s' is complete: nothing is left to do", r.set->output);
        if (job->team.rank == 0) {
            unlink(ledger.data); /* of a run that ended between its bank and this */
        }
        goto done;
    }
    identity = nb_digest_bytes(provenance, strlen(provenance));
    NB_TRY(select_and_write(&r, ledger.data, identity.hex, err));
done:
    nb_mined_free(&r.mined);
    nb_mine_visual_free(&r.visual);
    nb_mine_inputs_close(&r.in);
    nb_buffer_free(&ledger);
    free(provenance);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "texts",
     .type = NB_OPTION_INPUT,
     AT(from.texts),
     .value = "T.nbe",
     .required = true,
     .help = "embedded corpus: the candidates"},
    {.name = "labels",
     .type = NB_OPTION_INPUT,
     AT(from.labels),
     .value = "L.txt",
     .required = true,
     .help = "ID labels, one a line"},
    {.name = "model",
     .type = NB_OPTION_INPUT,
     AT(from.model),
     .value = "DIR",
     .help = "checkpoint to embed the labels with"},
    NB_PRECISION_OPTION(from.precision),
    {.name = "label-embeddings",
     .type = NB_OPTION_INPUT,
     AT(from.label_embeddings),
     .value = "L.nbe",
     .help = "or the labels' embeddings, in their order"},
    {.name = "prompt",
     .type = NB_OPTION_LIST,
     AT(from.prompt),
     .value = "TEXT",
     .help = "prompt for the labels, {} is the label ["
             "The nice {}."
             "]"},
    {.name = "id-images",
     .type = NB_OPTION_INPUT,
     AT(from.id_images),
     .value = "I.nbe",
     .help = "labelled ID images, a few a class"},
    {.name = "wild-images",
     .type = NB_OPTION_INPUT,
     AT(from.wild_images),
     .value = "W.nbe",
     .help = "unlabelled images of any kind, ID classes among them"},
    {.name = "criterion",
     .type = NB_OPTION_CHOICE,
     AT(criterion),
     .fallback = "debiased",
     .choices = NB_CRITERION_NAMES,
     .value = "NAME",
     .help = "debiased, interneg, neglabel, dnm or random"},
    {.name = "count",
     .type = NB_OPTION_INT,
     AT(count),
     .value = "M",
     .min = 1,
     .max = 1e12,
     .help = "negatives to keep; default: the criterion's own"},
    {.name = "fraction",
     .type = NB_OPTION_REAL,
     AT(fraction),
     .value = "F",
     .min = 1e-12,
     .max = 1,
     .help = "or the share of each tag's accepted candidates"},
    {.name = "reject",
     .type = NB_OPTION_CHOICE,
     AT(reject),
     .fallback = "auto",
     .choices = "auto|interneg|none",
     .value = "RULE",
     .help = "rejection rule; auto: interneg for interneg and debiased"},
    {.name = "tau",
     .type = NB_OPTION_REAL,
     AT(tau),
     .fallback = "0.5",
     .value = "TAU",
     .min = 1e-6,
     .max = 1,
     .help = "debiased: share of true negatives among the wild images"},
    {.name = "affinity-temperature",
     .type = NB_OPTION_REAL,
     AT(affinity_temperature),
     .fallback = "0.05",
     .value = "T",
     .min = 1e-4,
     .max = 1e4,
     .help = "debiased: temperature of the responsibilities"},
    {.name = "quantile",
     .type = NB_OPTION_REAL,
     AT(quantile),
     .fallback = "0.95",
     .value = "Q",
     .min = 0,
     .max = 1,
     .help = "neglabel: quantile of the cosines to the labels"},
    {.name = "neighbours",
     .type = NB_OPTION_INT,
     AT(neighbours),
     .fallback = "100",
     .value = "K",
     .min = 1,
     .max = 1e6,
     .help = "dnm: neighbours of the density"},
    {.name = "neighbour-sample",
     .type = NB_OPTION_INT,
     AT(neighbour_sample),
     .fallback = "0",
     .value = "S",
     .min = 0,
     .max = 4e9,
     .help = "dnm: look for neighbours in a seeded sample of S candidates; 0: in all"},
    {.name = "distance",
     .type = NB_OPTION_CHOICE,
     AT(distance),
     .fallback = "sphere",
     .choices = "sphere|released",
     .value = "KIND",
     .help = "dnm: on the unit sphere, or as the authors' script has it"},
    {.name = "seed",
     .type = NB_OPTION_INT,
     AT(seed),
     .fallback = "0",
     .value = "N",
     .min = 0,
     .max = 9e15,
     .help = "random and --neighbour-sample: seed of the sample"},
    {.name = "stop-list",
     .type = NB_OPTION_INPUT,
     AT(from.stop_list),
     .value = "FILE",
     .help = "texts that never become negatives, one a line; case and spacing do not count"},
    {.name = "resume",
     .type = NB_OPTION_FLAG,
     AT(resume),
     .unrecorded = true,
     .help = "continue what an interrupted run left, on any number of ranks"},
    {.name = "explain",
     .type = NB_OPTION_OUTPUT,
     AT(explain),
     .value = "T.tsv",
     .help = "write every candidate's status and criterion values"},
    {.name = "allow-mismatch",
     .type = NB_OPTION_FLAG,
     AT(from.allow_mismatch),
     .help = "take labels and images of another checkpoint than the texts'; for one model in two forms"},
    {.name = "calibrate",
     .type = NB_OPTION_INPUT,
     AT(from.calibrate),
     .value = "I.nbe",
     .help = "held-out ID images: store the threshold that accepts 95 % of them"},
    NB_MINE_BANK_OPTIONS(settings),
    NB_MINE_VISUAL_OPTIONS(settings),
    NB_OUTPUT_OPTIONS("the bank"),
    NB_TALK_OPTIONS,
};

const nb_command nb_command_mine = {
    .name = "mine",
    .summary = "select a bank of negative labels",
    .usage = "--texts T.nbe --labels L.txt (--model DIR | --label-embeddings L.nbe) -o B.nbank [options]",
    .examples = "  mpirun -np 4 negbank mine --texts wordnet.nbe --labels pets.txt --model vit-b-16 \\\n"
                "      --id-images pets-16-a-class.nbe --wild-images wild.nbe -o pets.nbank\n"
                "  negbank mine --texts wordnet.nbe --labels pets.txt --model vit-b-16 --criterion neglabel \\\n"
                "      --count 10000 --explain why.tsv -o pets-neglabel.nbank\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .mpi = true,
    .run = mine,
};
