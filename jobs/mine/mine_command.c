/* negbank mine: stores and a label set to a bank. */
#include "jobs/commands.h"
#include "jobs/mine/mine_bank.h"
#include "jobs/mine/mine_inputs.h"
#include "jobs/mine/mine_visual.h"
#include "jobs/precision.h"
#include "jobs/transfer.h"

#include "common/base/file.h"
#include "mining/embed/prompts.h"
#include "mining/select/mine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct settings {
    nb_talk talk;
    nb_transfer_choice transfer; /* of what is given by its address */
    nb_mine_sources from;
    const char *output, *explain, *criterion, *reject;
    int64_t count, max_bank;
    const char *max_bank_bytes;
    double fraction;
    nb_mine_bank_choice bank;
    nb_mine_visual_choice visual;
    bool force, resume;
} settings;

/* Everything a run holds. */
typedef struct run {
    nb_job *job;
    const settings *set;
    nb_mine_inputs in;
    const nb_criterion *criterion; /* that is used */
    const nb_rejection *rejection;
    nb_quota quota;
    bool automatic; /* the criterion chooses the size */
    nb_mined mined;
    nb_mine_visual visual;
} run;

/* The criterion and the rejection rule asked for, or what the criterion falls back to without wild images; checks what
 * they need. A fallback keeps the rule of the criterion asked for. */
static nb_status mine_choose_methods(run *r, const nb_criterion *asked, nb_error *err)
{
    const settings *s = r->set;
    r->criterion = asked;
    r->rejection = nb_rejection_choose(s->reject, asked);
    if ((asked->needs_prototypes || r->rejection->needs_prototypes) && !s->from.id_images) {
        nb_fail(err, NB_ERR_USAGE, "--criterion %s%s%s needs --id-images", s->criterion,
                asked->needs_prototypes ? "" : " with --reject ", asked->needs_prototypes ? "" : r->rejection->name);
        return nb_hint(err, "a store of labelled ID images, a few a class: negbank embed images");
    }
    if (asked->needs_wild && !s->from.wild_images) {
        const nb_criterion *used = r->criterion = asked->without_wild;
        bool rejects = r->rejection->tile;
        nb_log_warn(&r->job->log, "no --wild-images: criterion %s falls back to %s %s%s%s%s", s->criterion, used->name,
                    used->columns[used->column_count - 1], rejects ? " with " : "", rejects ? r->rejection->name : "",
                    rejects ? "'s rejection" : "");
        return nb_provenance_fact(&r->job->provenance, "criterion used", used->name, err);
    }
    return NB_OK;
}

static bool mine_has_parameter(const nb_method_parameters *p, const char *name)
{
    for (size_t k = 0; k < p->count; k++) {
        if (strcmp(p->rows[k].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* True when the rule, the criterion or one that only stands in the table of --explain takes the parameter. */
static bool mine_uses(const run *r, const char *name)
{
    const nb_mine_sources *from = &r->set->from;
    const nb_mine_plan plan = {.criterion = r->criterion, .all_columns = r->set->explain != NULL};
    const nb_criterion *criteria[NB_MINE_CRITERIA];
    size_t count = nb_mine_criteria(&plan, from->id_images != NULL, from->wild_images != NULL, criteria);
    bool used = mine_has_parameter(&r->rejection->parameters, name);
    for (size_t i = 0; i < count && !used; i++) {
        used = mine_has_parameter(&criteria[i]->parameters, name);
    }
    return used;
}

/* Warns of parameters that were given for criteria or rules other than those that are used. */
static void mine_warn_of_idle(const run *r)
{
    nb_option row;
    for (size_t i = 0; nb_mining_row(i, &row); i++) {
        if (nb_option_given(r->job->options, row.name) != NB_FROM_DEFAULT && !mine_uses(r, row.name)) {
            nb_log_warn(&r->job->log, "--%s has no effect: the criterion %s does not use it", row.name,
                        r->criterion->name);
        }
    }
}

/* How many to keep: --count or --fraction, the one from the stronger source, else the own of the criterion asked for,
 * or all that are accepted where these are fewer. */
static nb_status mine_choose_quota(run *r, const nb_criterion *asked, nb_error *err)
{
    const settings *s = r->set;
    nb_option_source count = nb_option_given(r->job->options, "count");
    nb_option_source fraction = nb_option_given(r->job->options, "fraction");
    bool given = count != NB_FROM_DEFAULT || fraction != NB_FROM_DEFAULT;
    if (given && count == fraction) {
        char number[24] = "auto";
        if (s->count) {
            snprintf(number, sizeof number, "%lld", (long long)s->count);
        }
        return nb_fail(err, NB_ERR_USAGE, "--count %s and --fraction %g are both given, choose one", number,
                       s->fraction);
    }
    given = fraction > count || s->count;
    r->automatic = asked->automatic && !given;
    r->quota = (nb_quota){.count = asked->automatic ? (size_t)s->max_bank : asked->count, .clamp = !given};
    memcpy(r->quota.fraction, asked->fraction, sizeof r->quota.fraction);
    r->quota.of_labels_too = asked->of_labels_too;
    if (!r->automatic && nb_option_given(r->job->options, "max-bank") != NB_FROM_DEFAULT) {
        nb_log_warn(&r->job->log, "--max-bank has no effect: the criterion does not choose the bank's size");
    }
    if (count >= fraction && s->count) {
        r->quota.count = (size_t)s->count;
    } else if (fraction > count) {
        r->quota.count = 0;
        for (size_t t = 0; t < NB_TAG_COUNT; t++) {
            r->quota.fraction[t] = s->fraction;
        }
    }
    return NB_OK;
}

static nb_status mine_read_inputs(run *r, nb_error *err)
{
    const settings *s = r->set;
    const nb_criterion *asked = nb_criterion_find(s->criterion);
    nb_status status;
    NB_TRY(mine_choose_methods(r, asked, err));
    mine_warn_of_idle(r);
    NB_TRY(mine_choose_quota(r, asked, err));
    NB_TRY(nb_mine_visual_check(&s->visual, &s->from, err));
    NB_TRY(nb_mine_inputs_open(&r->in, r->job, &s->from, err));
    if (s->max_bank_bytes) {
        NB_TRY(nb_mine_bank_bound(&r->quota.max, s->max_bank_bytes, &r->in, &s->bank, err));
    }
done:
    return status;
}

static void mine_log_counts(const run *r)
{
    const nb_selection *s = &r->mined.selection;
    struct stat file;
    nb_log_info(&r->job->log, "%llu candidates: %zu rejected as labels, %zu by the stop list, %zu by %s, %zu accepted",
                (unsigned long long)r->in.texts.plan.count, s->rejected[NB_REJECTED_LABEL],
                s->rejected[NB_REJECTED_STOP], s->rejected[NB_REJECTED_RULE], r->rejection->name, s->accepted);
    if (s->bounded) {
        nb_log_warn(&r->job->log, "--max-bank-bytes %s holds %zu negatives: those behind them are left out",
                    r->set->max_bank_bytes, r->quota.max);
    }
    if (stat(r->set->output, &file) == 0) {
        nb_log_info(&r->job->log, "%zu negatives by %s -> %s, %.0f bytes a negative with all the file holds", s->count,
                    r->criterion->name, r->set->output, (double)file.st_size / (double)s->count);
    }
}

/* Rank 0 writes the outputs. */
static nb_status mine_write_outputs(run *r, nb_error *err)
{
    const settings *s = r->set;
    const nb_mine_bank bank = {.inputs = &r->in,
                               .choice = &s->bank,
                               .output = s->output,
                               .force = s->force,
                               .mined = &r->mined,
                               .visual = &r->visual,
                               .max_bytes = r->set->max_bank_bytes};
    nb_digest digest;
    nb_status status = NB_OK;
    if (r->job->comm.rank != 0) {
        return NB_OK;
    }
    if (s->explain) {
        /* with --resume the table may be there: an interrupted run's, from just before its bank */
        NB_TRY(nb_mined_explain(&r->mined, &r->in.texts, s->explain, s->force || s->resume, err));
    }
    NB_TRY(nb_mine_bank_write(&bank, &digest, err));
    nb_job_record(r->job, s->output, digest.hex);
    mine_log_counts(r);
done:
    return status;
}

/* True when the bank is there already, made of the same content. */
static bool mine_complete(const run *r, const char *provenance)
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
static nb_status mine_look_for_bank(run *r, const char *provenance, bool *ready, nb_error *err)
{
    uint64_t found = 0;
    nb_status status = NB_OK;
    nb_output out = {0};
    if (r->job->comm.rank == 0) {
        found = mine_complete(r, provenance);
    }
    if (r->job->comm.rank == 0 && r->set->resume && !found) {
        status = nb_output_begin(&out, r->set->output, r->set->force, err);
        nb_output_release(&out);
    }
    NB_TRY(nb_agree(r->job, status, err));
    NB_TRY(nb_comm_broadcast(&r->job->comm, &found, sizeof found, err));
    *ready = found != 0;
done:
    return status;
}

/* True when a run with the same inputs would only repeat what this one came to: its ledger is not kept. */
static bool mine_is_final(nb_status status)
{
    return status == NB_OK || status == NB_ERR_INPUT || status == NB_ERR_USAGE || status == NB_ERR_NUMERIC ||
           status == NB_ERR_VERIFY;
}

static nb_status mine_select_and_write(run *r, const char *ledger, const char *provenance, nb_error *err)
{
    nb_evidence evidence = nb_mine_inputs_evidence(&r->in);
    nb_digest identity = nb_digest_bytes(provenance, strlen(provenance));
    nb_mine_plan plan = {.criterion = r->criterion,
                         .rejection = r->rejection,
                         .options = r->job->options,
                         .all_columns = r->set->explain != NULL,
                         .quota = r->quota,
                         .automatic = r->automatic,
                         .ledger = ledger,
                         .identity = identity.hex,
                         .resume = r->set->resume};
    nb_status status;
    NB_TRY(nb_mine(&r->mined, &plan, &evidence, err));
    NB_TRY(nb_mine_visual_make(&r->visual, &r->set->visual, &r->in, &r->mined.selection, err));
    NB_TRY(nb_agree(r->job, mine_write_outputs(r, err), err));
done:
    return status;
}

/* Where the ledger is, and what tells this run from others. */
static nb_status mine_identify(const run *r, nb_buffer *ledger, char **provenance, nb_error *err)
{
    nb_status status = nb_provenance_text(&r->job->provenance, provenance, err);
    if (status == NB_OK) {
        status = nb_buffer_printf(ledger, err, "%s.ledger", r->set->output);
    }
    return nb_agree(r->job, status, err);
}

static nb_status mine_run(nb_job *job, nb_error *err)
{
    run r = {.job = job, .set = job->settings};
    nb_buffer ledger = {0};
    char *provenance = NULL;
    bool ready = false, begun = false;
    nb_status status;
    const char *const outputs[] = {r.set->explain, r.set->output};
    NB_TRY(nb_job_check_outputs(job, outputs, r.set->resume ? 1 : 2, r.set->force || r.set->resume, err));
    NB_TRY(nb_agree(job, mine_read_inputs(&r, err), err));
    NB_TRY(nb_job_record_kernel(job, err));
    NB_TRY(mine_identify(&r, &ledger, &provenance, err));
    NB_TRY(mine_look_for_bank(&r, provenance, &ready, err));
    begun = true;
    if (ready) { /* a ledger that is there is of a run that was killed behind its bank */
        nb_log_info(&job->log, "'%s' is complete: nothing is left to do", r.set->output);
    } else {
        NB_TRY(mine_select_and_write(&r, ledger.data, provenance, err));
    }
done:
    if (begun && job->comm.rank == 0 && mine_is_final(status)) {
        unlink(ledger.data);
    }
    nb_mined_free(&r.mined);
    nb_mine_visual_free(&r.visual);
    nb_mine_inputs_close(&r.in);
    nb_buffer_free(&ledger);
    free(provenance);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("texts", from.texts, "T.nbe", "embedded corpus: the candidates", OPT_REQUIRED, OPT_PIPED),
    OPT_INPUT("labels", from.labels, "L.txt", "ID labels, one a line", OPT_REQUIRED, OPT_FETCHED),
    OPT_INPUT("model", from.model, "DIR", "checkpoint to embed the labels with"),
    NB_PRECISION_OPTION(from.precision),
    OPT_INPUT("label-embeddings", from.label_embeddings, "L.nbe", "or the labels' embeddings, in their order",
              OPT_PIPED),
    OPT_LIST("prompt", from.prompt, "TEXT",
             "prompt for the labels, {} is the label, or a set's name [" NB_PROMPT_DEFAULT "]"),
    NB_PROMPT_MEAN_OPTION(from.prompt_mean),
    OPT_INPUT("id-images", from.id_images, "I.nbe", "labelled ID images, a few a class", OPT_PIPED),
    OPT_INPUT("wild-images", from.wild_images, "W.nbe", "unlabelled images of any kind, ID classes among them",
              OPT_PIPED),
    OPT_CHOICE_OF("criterion", criterion, "NAME", "", nb_criterion_choice, NULL),
    OPT_INT("count", count, "M|auto", "auto", 1, 1e12,
            "negatives to keep; auto: debiased chooses by its images, other criteria have a size of their own",
            .word = "auto"),
    OPT_INT("max-bank", max_bank, "M", "20000", 1, 1e12, "largest size that --count auto may choose"),
    OPT_TEXT("max-bank-bytes", max_bank_bytes, "SIZE", NULL, "and a bound for the bank's file, like 16M"),
    OPT_REAL("fraction", fraction, "F", NULL, 1e-12, 1, "or the share of each tag's accepted candidates"),
    OPT_CHOICE_OF("reject", reject, "RULE", "", nb_rejection_choice, "rejection rule; auto: {}",
                  .describe = nb_rejection_describe),
    OPT_MORE,
    OPT_INPUT("stop-list", from.stop_list, "FILE",
              "texts that never become negatives, one a line; case and spacing do not count", OPT_FETCHED),
    OPT_FLAG("resume", resume, "continue what an interrupted run left, on any number of ranks", OPT_UNRECORDED),
    OPT_OUTPUT("explain", explain, "T.tsv", "write every candidate's status and criterion values"),
    OPT_FLAG("allow-mismatch", from.allow_mismatch,
             "take labels and images of another checkpoint or precision than the texts'; for one model in two forms"),
    OPT_INPUT("calibrate", from.calibrate, "I.nbe", "held-out ID images: store the threshold that accepts 95 % of them",
              OPT_PIPED),
    NB_MINE_BANK_OPTIONS,
    NB_MINE_VISUAL_OPTIONS,
    NB_OUTPUT_OPTIONS("the bank"),
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    mine, mine_run, "mine", "select a bank of negative labels",
    "--texts T.nbe --labels L.txt (--model DIR | --label-embeddings L.nbe) -o B.nbank [options]",
    .description =
        "Selects, by a criterion, the texts that serve best as negative labels, and writes a bank of them, the labels "
        "and their embeddings.\n"
        "Candidates equal to a label never enter; a rejection rule may drop those that fit the images of a class.\n"
        "\n"
        "On SIGUSR1 and SIGTERM the command keeps what is done in OUTPUT.ledger and ends with exit status 85; --resume "
        "continues.\n",
    .examples = "  mpirun -np 4 negbank mine --texts wordnet.nbe --labels pets.txt --model vit-b-16 \\\n"
                "      --id-images pets-16-a-class.nbe --wild-images wild.nbe -o pets.nbank\n"
                "  negbank mine --texts wordnet.nbe --labels pets.txt --model vit-b-16 --criterion neglabel \\\n"
                "      --count 10000 --explain why.tsv -o pets-neglabel.nbank\n",
    .more = nb_mining_row, .mpi = true);
