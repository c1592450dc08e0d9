/* negbank run: the stages of a run file, in order, finished ones skipped. */
#include "jobs/commands.h"
#include "jobs/run/launch.h"
#include "jobs/run/stages.h"

#include "common/base/text.h"
#include "mining/embed/parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *config, *launcher, *part;
    nb_strings only;
    int64_t ranks;
    bool resume, force, dry_run, print_stages, print_slurm;
} settings;

/* ---- for people and scripts to read ---- */

/* A word as the shell reads it. */
static void run_print_word(const char *word)
{
    bool plain = word[0] != '\0';
    for (const char *c = word; *c && plain; c++) {
        plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                strchr("-_./,:=+@%", *c);
    }
    if (plain) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (const char *c = word; *c; c++) {
        fputs(*c == '\'' ? "'\\''" : (char[]){*c, '\0'}, stdout);
    }
    putchar('\'');
}

static void run_print_words(const nb_strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        if (i) {
            putchar(' ');
        }
        run_print_word(nb_strings_get(words, i));
    }
}

/* name, state, mpi or one, stages before it ("-": none), output ("-": none), words behind the program's name */
static nb_status run_print_stages(const nb_stages *stages, const settings *s, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < stages->count && status == NB_OK; i++) {
        const nb_stage *stage = &stages->all[i];
        nb_strings words = {0};
        status = nb_stage_words(&words, stages, stage, (nb_stage_mode){s->resume, s->force, NULL}, err);
        printf("%s\t%s\t%s\t", stage->name, nb_stage_state_name(stage->state), stage->command->mpi ? "mpi" : "one");
        for (size_t k = 0; k < stage->after_count; k++) {
            printf("%s%s", k ? "," : "", stages->all[stage->after[k]].name);
        }
        printf("%s\t%s\t", stage->after_count ? "" : "-", stage->output ? stage->output : "-");
        run_print_words(&words);
        putchar('\n');
        nb_strings_free(&words);
    }
    return status;
}

/* stage, key, value */
static void run_print_slurm(const nb_stages *stages)
{
    for (size_t i = 0; i < stages->count; i++) {
        for (size_t k = 0; nb_slurm_keys[k]; k++) {
            const char *value = nb_stages_slurm(stages, &stages->all[i], nb_slurm_keys[k]);
            if (value) {
                printf("%s\t%s\t%s\n", stages->all[i].name, nb_slurm_keys[k], value);
            }
        }
    }
}

/* ---- the run ---- */

/* False for a part that others run beside: it leaves the stage's record to part 0. The store, appearing behind that
 * record, tells that the stage is done. */
static bool run_alone(const settings *s)
{
    nb_part part;
    nb_error none = {0};
    return nb_part_parse(&part, s->part, &none) == NB_OK && part.number == 0;
}

static bool run_wanted(const settings *s, const nb_stage *stage)
{
    for (size_t i = 0; i < s->only.count; i++) {
        if (strcmp(nb_strings_get(&s->only, i), stage->name) == 0) {
            return true;
        }
    }
    return s->only.count == 0;
}

static nb_status run_check_only(const nb_stages *stages, const settings *s, nb_error *err)
{
    for (size_t i = 0; i < s->only.count; i++) {
        const char *name = nb_strings_get(&s->only, i);
        bool found = false;
        for (size_t k = 0; k < stages->count; k++) {
            found = found || strcmp(stages->all[k].name, name) == 0;
        }
        if (!found) {
            nb_fail(err, NB_ERR_USAGE, "--only: '%s' has no stage '%s'", stages->config, name);
            return nb_hint(err, "'negbank run %s --print-stages' lists them", stages->config);
        }
    }
    return NB_OK;
}

/* The words to start a stage with: the launcher's, the program, the command's. */
static nb_status run_launch_words(nb_strings *words, const nb_stages *stages, const nb_stage *stage, const settings *s,
                                  nb_error *err)
{
    const nb_stage_mode mode = {.resume = s->resume, .force = s->force && run_alone(s), .part = s->part};
    char ranks[160];
    const char *launcher = "";
    nb_status status;
    if (stage->command->mpi && (s->launcher || s->ranks > 1)) {
        snprintf(ranks, sizeof ranks, "mpirun --oversubscribe --bind-to none -np %lld", (long long)s->ranks);
        launcher = s->launcher ? s->launcher : ranks;
    }
    for (const char *p = launcher; *p;) {
        size_t len = strcspn(p, " ");
        if (len) {
            NB_TRY(nb_strings_push(words, p, len, err));
        }
        p += len + (p[len] == ' ');
    }
    char program[4096];
    NB_TRY(nb_own_program(program, sizeof program, err));
    NB_TRY(nb_strings_push(words, program, strlen(program), err));
    NB_TRY(nb_stage_words(words, stages, stage, mode, err));
    if (s->talk.quiet) {
        NB_TRY(nb_strings_push(words, "--quiet", 7, err));
    }
    if (s->talk.log_json) {
        NB_TRY(nb_strings_push(words, "--log-json", 10, err));
    }
done:
    return status;
}

/* A part runs beside others: which stage must be said, and part 0, alone, begins. */
static nb_status run_check_part(const nb_stages *stages, const settings *s, nb_error *err)
{
    nb_part part;
    nb_status status = nb_part_parse(&part, s->part, err);
    if (status != NB_OK || !part.count) {
        return status;
    }
    if (s->only.count != 1) {
        return nb_fail(err, NB_ERR_USAGE, "--part needs one stage: --only STAGE");
    }
    for (size_t i = 0; i < stages->count; i++) {
        const nb_stage *stage = &stages->all[i];
        if (!run_wanted(s, stage)) {
            continue;
        }
        if (!stage->parts) {
            return nb_fail(err, NB_ERR_USAGE, "--part: stage %s is made by one job, only embed goes in parts",
                           stage->name);
        }
        if (part.number && stage->state != NB_STAGE_PARTIAL && stage->state != NB_STAGE_DONE) {
            nb_fail(err, NB_ERR_USAGE, "--part %s: stage %s has not been preallocated", s->part, stage->name);
            return nb_hint(err, "run it with --part 0/%zu first", part.count);
        }
    }
    return NB_OK;
}

static nb_status run_refuse_stale(const nb_stages *stages, const nb_stage *stage, nb_error *err)
{
    nb_fail(err, NB_ERR_USAGE, "stage %s: '%s' is there, but not as '%s' would make it now", stage->name, stage->output,
            stages->config);
    return nb_hint(err,
                   "options or inputs have changed, it was made by hand, or its record '%s/stages/%s.json' is damaged: "
                   "move it away, or give --force",
                   stages->folder, stage->name);
}

static nb_status run_stage(nb_job *job, const nb_stages *stages, nb_stage *stage, nb_error *err)
{
    const settings *s = job->settings;
    nb_strings words = {0};
    int code = 0;
    nb_status status;
    if (stage->state == NB_STAGE_STALE && !stage->resumes && !s->force) {
        return run_refuse_stale(stages, stage, err);
    }
    NB_TRY(run_launch_words(&words, stages, stage, s, err));
    if (s->dry_run) {
        run_print_words(&words);
        putchar('\n');
        goto done;
    }
    nb_log_info(&job->log, "stage %s%s%s%s", stage->name, s->part ? ", part " : "", s->part ? s->part : "",
                stage->state == NB_STAGE_PARTIAL ? ": continues" : "");
    if (run_alone(s)) {
        NB_TRY(nb_stage_record(stages, stage, false, err));
    }
    double start = nb_clock();
    NB_TRY(nb_launch(&words, &code, err));
    if (code == NB_STOPPED) {
        nb_fail(err, NB_STOPPED, "stage %s was stopped, what it has is kept", stage->name);
        status = nb_hint(err, "run the same command again to continue");
        goto done;
    }
    if (code != 0) {
        status = nb_fail(err, (nb_status)code, "stage %s ended with exit code %d", stage->name, code);
        goto done;
    }
    char took[32];
    nb_format_seconds(took, nb_clock() - start);
    if (!s->part) {
        NB_TRY(nb_stage_record(stages, stage, true, err));
    }
    nb_log_info(&job->log, "stage %s%s%s: done in %s", stage->name, s->part ? ", part " : "", s->part ? s->part : "",
                took);
done:
    nb_strings_free(&words);
    return status;
}

/* Records a stage that turned out to be done although its record only says that it began. */
static nb_status run_skip_stage(nb_job *job, const nb_stages *stages, const nb_stage *stage, nb_error *err)
{
    const settings *s = job->settings;
    if (!s->dry_run) {
        nb_log_info(&job->log, "stage %s: done already", stage->name);
        return run_alone(s) ? nb_stage_record(stages, stage, true, err) : NB_OK;
    }
    return NB_OK;
}

static nb_status run_stages(nb_job *job, nb_stages *stages, nb_error *err)
{
    const settings *s = job->settings;
    nb_status status = NB_OK;
    for (size_t i = 0; i < stages->count; i++) {
        nb_stage *stage = &stages->all[i];
        if (!run_wanted(s, stage)) {
            continue;
        }
        if (!s->dry_run) {
            NB_TRY(nb_stages_look(stages, err)); /* as the stages before it left it */
        }
        if (!s->dry_run && nb_launch_stop_asked()) {
            nb_fail(err, NB_STOPPED, "stopped before stage %s", stage->name);
            status = nb_hint(err, "run the same command again to continue");
            goto done;
        }
        NB_TRY(stage->state == NB_STAGE_DONE ? run_skip_stage(job, stages, stage, err)
                                             : run_stage(job, stages, stage, err));
    }
done:
    return status;
}

static nb_status run_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_stages stages = {0};
    nb_status status;
    NB_TRY(nb_stages_read(&stages, s->config, err));
    NB_TRY(run_check_only(&stages, s, err));
    NB_TRY(nb_stages_look(&stages, err));
    NB_TRY(run_check_part(&stages, s, err));
    if (s->print_stages) {
        NB_TRY(run_print_stages(&stages, s, err));
    } else if (s->print_slurm) {
        run_print_slurm(&stages);
    } else {
        nb_launch_listen();
        NB_TRY(run_stages(job, &stages, err));
    }
done:
    nb_stages_free(&stages);
    return status;
}

static const nb_option options[] = {
    NB_RUN_FILE_OPTION,
    OPT_INT("ranks", ranks, "N", "1", 1, 1e6, "ranks of MPI stages, under mpirun on this machine"),
    OPT_TEXT("launcher", launcher, "WORDS", NULL, "what starts MPI stages instead, such as 'srun --mpi=pmix'"),
    OPT_LIST("only", only, "STAGE", "run this stage alone"),
    OPT_TEXT("part", part, "K/N", NULL,
             "make part K of N of the stage --only names, beside other jobs; 0/N, first and alone, preallocates it"),
    OPT_FLAG("resume", resume, "stages continue what an interrupted run left (--no-resume: they begin anew)",
             .fallback = "true"),
    OPT_FLAG("force", force, "overwrite outputs that were made otherwise"),
    OPT_FLAG("dry-run", dry_run, "print the commands of unfinished stages"),
    OPT_FLAG("print-stages", print_stages,
             "print name, state, mpi|one, stages before it, output, words; tab-separated"),
    OPT_FLAG("print-slurm", print_slurm, "print stage, key, value of the section slurm; tab-separated"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(run, run_run, "run", "run all stages of a run file, skipping finished ones", "CONFIG [options]",
           .description =
               "A run file has a section a stage, with the options of its command.\n"
               "Stages run in the order in which they need each other.\n"
               "One is finished when its output was made by these options from these inputs; it is skipped.\n",
           .examples = "  negbank run configs/demo.yaml --ranks 4\n"
                       "  negbank run pets.yaml --dry-run\n"
                       "  negbank run pets.yaml --only mine --launcher 'srun --mpi=pmix'\n");
