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

/** The run file a command works on; settings have a member config. */
#define NB_RUN_FILE_OPTION                                                                                             \
    OPT_INPUT("run-file", config, "CONFIG", "run file with a section a stage", OPT_ARGUMENT, OPT_REQUIRED)

/** What is known of a stage's output. */
typedef enum nb_stage_state {
    NB_STAGE_READY,
    NB_STAGE_WAITING, /**< for stages before it */
    NB_STAGE_PARTIAL, /**< an interrupted run left a partial output or a ledger */
    NB_STAGE_STALE,   /**< the output is there, but made otherwise or from other inputs, or not known to be whole */
    NB_STAGE_DONE,
} nb_stage_state;

/** One stage: a section of a run file. */
typedef struct nb_stage {
    const nb_command *command;
    char *name, *variant; /**< "embed-images-wild", "wild" ("" for a plain section) */
    nb_parsed options;    /**< as the run file and the environment have them */
    const char *output;   /**< NULL: it only prints */
    size_t *after;        /**< [after_count] numbers of stages it needs */
    size_t after_count;
    bool resumes; /**< it has the option --resume */
    bool parts;   /**< it has the option --part: several jobs may make its output */
    nb_stage_state state;
} nb_stage;

/** The stages of a run file. */
typedef struct nb_stages {
    const char *config; /**< borrowed */
    char *folder;
    nb_pairs pairs; /**< the run file */
    nb_stage *all;  /**< [count] each behind those it needs */
    size_t count;
} nb_stages;

/** Reads the stages of a run file. Not collective.
 * @param out    receives them; freed by nb_stages_free
 * @param config the path, borrowed by *out
 * @return NB_OK; NB_ERR_USAGE for a wrong value, two stages with one output or stages that need each other;
 *         NB_ERR_INPUT for a file without stages; what nb_config_read returns */
nb_status nb_stages_read(nb_stages *out, const char *config, nb_error *err);

/** Frees the stages; {0} and NULL are fine. Not collective. */
void nb_stages_free(nb_stages *stages);

/** Works out every stage's state from its record, its output and its inputs. Not collective.
 * @param stages receive their states
 * @return NB_OK; NB_ERR_IO for a file that cannot be read; NB_ERR_LIMIT without memory */
nb_status nb_stages_look(nb_stages *stages, nb_error *err);

/** The word for a state: "ready", "waiting", "partly", "stale", "done". Not collective.
 * @param state one of them
 * @return a constant */
const char *nb_stage_state_name(nb_stage_state state);

/** Records that a stage begins, or that it is done. Not collective.
 * @param stages whose run folder gets the record
 * @param stage  one of them
 * @param done   it is done, else it begins
 * @return NB_OK; NB_ERR_IO when the record cannot be written; NB_ERR_LIMIT without memory */
nb_status nb_stage_record(const nb_stages *stages, const nb_stage *stage, bool done, nb_error *err);

/** How a stage is run. */
typedef struct nb_stage_mode {
    bool resume;      /**< continue what an interrupted run left, where the stage can */
    bool force;       /**< overwrite its output, where the stage can */
    const char *part; /**< "K/N", NULL for the whole stage */
} nb_stage_mode;

/** Appends the words behind the program's name, "mine" "--config" FILE ... Not collective.
 * @param words  receive them behind what they hold
 * @param stages of the run file
 * @param stage  one of them
 * @param mode   how it is run
 * @return NB_OK, or NB_ERR_LIMIT without memory */
nb_status nb_stage_words(nb_strings *words, const nb_stages *stages, const nb_stage *stage, nb_stage_mode mode,
                         nb_error *err);

/** The text of an option of the stage by its name. Not collective.
 * @return NULL when it is unset or of another type; the stage owns it */
const char *nb_stage_text(const nb_stage *stage, const char *option);

/** The list of that name. Not collective.
 * @param stage  whose options are looked through
 * @param option its name
 * @return NULL when the stage has none; the stage owns it */
const nb_strings *nb_stage_list(const nb_stage *stage, const char *option);

/** The number of that name. Not collective.
 * @param stage     whose options are looked through
 * @param option    its name
 * @param otherwise for a stage without it
 * @return `otherwise` when the stage has none */
double nb_stage_number(const nb_stage *stage, const char *option, double otherwise);

/** Checks the keys under `slurm:`: `slurm.KEY` for all stages, `slurm.STAGE.KEY` for one (a stage, or the common begin
 * of several: `embed-images`). Not collective.
 * @return NB_OK; NB_ERR_USAGE naming a key or stage that does not exist */
nb_status nb_stages_check_slurm(const nb_stages *stages, nb_error *err);

/** The value of a key for a stage, the most particular one. Not collective.
 * @return NULL when unset; the stages own it */
const char *nb_stages_slurm(const nb_stages *stages, const nb_stage *stage, const char *key);
/* The keys there are, NULL-terminated. */
extern const char *const nb_slurm_keys[];

#endif
