/* The chain of a run file: which stages there are, what each needs, and which are done. `run`, `plan` and the batch
 * scripts (slurm/) all read it here.
 *
 * A stage is a section of a run file: `mine:` is stage "mine", `images wild:` under `embed:` is stage
 * "embed-images-wild" (its plain section `images:`, where there is one, then only lends it values). It comes after
 * every stage whose output it reads, and otherwise in the order of the table in stages.c and of the file.
 *
 * What is known of a stage stands in the run folder, `demo.run` for `demo.yaml`, as stages/NAME.json:
 *   {"stage", "state": "begun" | "done", "identity", "output": {"path", "identity"}}
 * The first identity is the SHA-256 of the command, its recorded options and the identity of every input; a stage is
 * done when the record says so, both identities still hold and the stages before it are done. Of a file of ours the
 * identity is its seal's digest, of another file that of its bytes (over 16 MiB: size and time of change), of a folder
 * the names, sizes and times of what lies in it. */
#ifndef NB_JOBS_RUN_STAGES_H
#define NB_JOBS_RUN_STAGES_H

#include "common/options/run_file.h"
#include "jobs/job.h"

/* The run file a command works on; `set` has a member config. */
#define NB_RUN_FILE_OPTION                                                                                             \
    OPT_INPUT("run-file", config, "CONFIG", "run file with a section a stage", OPT_ARGUMENT, OPT_REQUIRED)

typedef enum nb_stage_state {
    NB_STAGE_READY,
    NB_STAGE_WAITING, /* for stages before it */
    NB_STAGE_PARTLY,  /* an interrupted run left a partial output or a ledger */
    NB_STAGE_STALE,   /* the output is there, but made otherwise or from other inputs, or not known to be whole */
    NB_STAGE_DONE,
} nb_stage_state;

typedef struct nb_stage {
    const nb_command *command;
    char *name, *variant; /* "embed-images-wild", "wild" ("" for a plain section) */
    nb_parsed options;    /* as the run file and the environment have them */
    const char *output;   /* NULL: it only prints */
    size_t *after;        /* [after_count] numbers of stages it needs */
    size_t after_count;
    bool resumes; /* it has the option --resume */
    bool parts;   /* it has the option --part: several jobs may make its output */
    nb_stage_state state;
} nb_stage;

typedef struct nb_stages {
    const char *config; /* borrowed */
    char *folder;
    nb_pairs pairs; /* the run file */
    nb_stage *all;  /* [count] each behind those it needs */
    size_t count;
} nb_stages;

/* Reads a run file. NB_ERR_USAGE for a wrong value, two stages with one output or stages that need each other;
 * NB_ERR_INPUT for a file without stages. Free with nb_stages_free, which takes {0}. */
nb_status nb_stages_read(nb_stages *out, const char *config, nb_error *err);
void nb_stages_free(nb_stages *stages);

/* Works out every stage's state. */
nb_status nb_stages_look(nb_stages *stages, nb_error *err);
/* "ready", "waiting", "partly", "stale", "done". */
const char *nb_stage_state_name(nb_stage_state state);

/* Records that a stage begins, or that it is done. */
nb_status nb_stage_record(const nb_stages *stages, const nb_stage *stage, bool done, nb_error *err);

/* The words behind the program's name, "mine" "--config" FILE ..., pushed to *words; `part` may be NULL. */
nb_status nb_stage_words(nb_strings *words, const nb_stages *stages, const nb_stage *stage, bool resume, bool force,
                         const char *part, nb_error *err);

/* The value of an option of the stage by its name: the text, NULL when unset or of another type. */
const char *nb_stage_text(const nb_stage *stage, const char *option);
/* The list, NULL when the stage has none of that name. */
const nb_strings *nb_stage_list(const nb_stage *stage, const char *option);
/* The number, `otherwise` when the stage has none of that name. */
double nb_stage_number(const nb_stage *stage, const char *option, double otherwise);

/* Checks the keys under `slurm:`: `slurm.KEY` for all stages, `slurm.STAGE.KEY` for one (a stage, or the common begin
 * of several: `embed-images`). NB_ERR_USAGE names a key or stage that does not exist. */
nb_status nb_stages_check_slurm(const nb_stages *stages, nb_error *err);
/* The value of a key for a stage, the most particular one; NULL when unset. */
const char *nb_stages_slurm(const nb_stages *stages, const nb_stage *stage, const char *key);
/* The keys there are, NULL-terminated. */
extern const char *const nb_slurm_keys[];

#endif
