/* What every command gets: its options, the log, the team and the provenance of what it makes.
 *
 * A command is one file with a table of options, a settings struct and a function of about six calls; its line stands
 * in jobs/commands.c. */
#ifndef NB_JOBS_JOB_H
#define NB_JOBS_JOB_H

#include "common/base/log.h"
#include "common/options/option.h"
#include "common/parallel/team.h"
#include "common/store/embeddings.h"
#include "common/store/provenance.h"

typedef struct nb_job {
    const nb_parsed *options;
    const void *settings; /* of the command's own type */
    nb_log log;
    nb_team team; /* of one, without MPI, for commands that need none */
    nb_provenance provenance;
    bool told_kernels; /* by nb_job_tell_kernels */
} nb_job;

/* Rows of every command, whose settings begin with an nb_talk `talk`. */
#define NB_TALK_OPTIONS                                                                                                \
    OPT_FLAG("quiet", talk.quiet, "warnings and errors only", .letter = 'q', OPT_UNRECORDED),                          \
        OPT_FLAG("log-json", talk.log_json, "one JSON object a log line", OPT_UNRECORDED)

/* Where the output goes: settings have members output and force. */
#define NB_OUTPUT_OPTIONS(what)                                                                                        \
    OPT_OUTPUT("output", output, "FILE", what, .letter = 'o', OPT_REQUIRED),                                           \
        OPT_FLAG("force", force, "overwrite the output", OPT_UNRECORDED)

/* The first member of every settings struct. */
typedef struct nb_talk {
    bool quiet, log_json;
} nb_talk;

/** All commands of the program, in the order they are listed in. Not collective. */
nb_command_list nb_commands(void);

/* The whole program behind main: dispatches, parses, runs, reports; returns the exit code. */
int nb_program(int argc, char *argv[]);

/* Collective. Opens a store on every rank, rank 0 verifying it whole, and records it as an input. */
nb_status nb_job_open_store(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err);
/* The same by nb_store_open_parts. */
nb_status nb_job_open_store_parts(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err);

/* Collective. Refuses what nb_output_begin refuses, and one name for two outputs, before any work is done. Entries of
 * paths [count] may be NULL. */
nb_status nb_job_check_outputs(const nb_job *job, const char *const *paths, size_t count, bool force, nb_error *err);

/* Collective. Records the kernel family (OpenBLAS's and our vectors'), which all ranks must share: NB_ERR_LIMIT on
 * nodes that differ, with the variables that make them alike. */
nb_status nb_job_record_kernel(nb_job *job, nb_error *err);

/* Warns, once in a job, of kernels slower than this CPU allows (OPENBLAS_CORETYPE, NEGBANK_VECTOR), naming both and the
 * remedy. nb_job_record_kernel does it too. */
void nb_job_tell_kernels(nb_job *job);

/* Rank 0 writes the record of the run beside an output that stands. A failure, on a disk just filled up say, is a
 * warning: the output is whole without it. */
void nb_job_record(nb_job *job, const char *output, const char *digest);

/* Agreement in one word: `return nb_agree(job, status, err)`. Collective. */
nb_status nb_agree(const nb_job *job, nb_status status, nb_error *err);

#endif
