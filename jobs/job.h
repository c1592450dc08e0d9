/* What every command gets: its options, the log, the communicator and the provenance of what it makes.
 *
 * A command is one file with a table of options, a settings struct and a function of about six calls; its line stands
 * in jobs/commands.c. */
#ifndef NB_JOBS_JOB_H
#define NB_JOBS_JOB_H

#include "common/base/log.h"
#include "common/options/option.h"
#include "common/parallel/comm.h"
#include "common/store/embeddings.h"
#include "common/store/provenance.h"

/** What a command gets: its options, the log, the communicator and the provenance of what it makes. */
typedef struct nb_job {
    const nb_parsed *options; /**< as parsed, with the values of extra rows (nb_parsed.parameters) */
    const void *settings;     /**< of the command's own type */
    nb_log log;               /**< rank 0 writes it */
    nb_comm comm;             /**< of one, without MPI, for commands that need none */
    nb_provenance provenance; /**< of what the command makes; recorded by nb_job_record */
    bool logged_kernels;      /**< by nb_job_log_kernels */
    bool printed;             /**< an output goes to standard output: nothing else may (jobs/pipes.h) */
} nb_job;

/** Rows of every command, whose settings begin with an nb_talk `talk`. */
#define NB_TALK_OPTIONS                                                                                                \
    OPT_FLAG("quiet", talk.quiet, "warnings and errors only", .letter = 'q', OPT_UNRECORDED),                          \
        OPT_FLAG("log-json", talk.log_json, "one JSON object a log line", OPT_UNRECORDED)

/** Where the output goes: settings have members output and force. */
#define NB_OUTPUT_OPTIONS(what)                                                                                        \
    OPT_OUTPUT("output", output, "FILE", what, .letter = 'o', OPT_REQUIRED),                                           \
        OPT_FLAG("force", force, "overwrite the output", OPT_UNRECORDED)

/** The first member of every settings struct. */
typedef struct nb_talk {
    bool quiet;    /**< --quiet: warnings and errors only */
    bool log_json; /**< --log-json: one JSON object a log line */
} nb_talk;

/** All commands of the program, in the order they are listed in. Not collective. */
nb_command_list nb_commands(void);

/** The whole program behind main: finds the command, parses, runs, reports. Collective under MPI once the command
 * starts.
 * @param argc how many words
 * @param argv [argc] the words of the command line, the program's name first
 * @return the exit code: a status of common/base/status.h */
int nb_program(int argc, char *argv[]);

/** Opens a store on every rank, rank 0 verifying it whole before any other rank looks into it, and records it as an
 * input.
 *
 * Collective.
 * @param job  whose provenance gets the input
 * @param out  receives the store; the caller closes it
 * @param role what it is to the command: "texts", "id images"
 * @param path of the file
 * @return what nb_store_open returns, and NB_ERR_LIMIT without memory; the same on all ranks */
nb_status nb_job_open_store(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err);

/** As nb_job_open_store, by nb_store_open_parts: names and tags stay in the file.
 *
 * Collective.
 * @param job  whose provenance gets the input
 * @param out  receives the store; the caller closes it
 * @param role as for nb_job_open_store
 * @param path of the file
 * @return as nb_job_open_store */
nb_status nb_job_open_store_parts(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err);

/** Refuses, before any work is done, what nb_output_begin refuses, and one name for two outputs.
 *
 * Collective.
 * @param job   of the command; rank 0 looks
 * @param paths [count]; entries may be NULL
 * @param count how many
 * @param force outputs that exist may be overwritten
 * @return NB_OK; NB_ERR_USAGE for an output that exists or is named twice; what nb_output_begin returns; the same on
 *         all ranks */
nb_status nb_job_check_outputs(const nb_job *job, const char *const *paths, size_t count, bool force, nb_error *err);

/** Records the kernel family (OpenBLAS's and our vectors'), which all ranks must share.
 *
 * Collective.
 * @param job whose provenance gets it
 * @return NB_OK; NB_ERR_LIMIT on nodes that differ, with the variables that make them alike */
nb_status nb_job_record_kernel(nb_job *job, nb_error *err);

/** Warns, once in a job, of kernels slower than this CPU allows (OPENBLAS_CORETYPE, NEGBANK_VECTOR), naming both and
 * the remedy. nb_job_record_kernel does it too. Not collective. */
void nb_job_log_kernels(nb_job *job);

/** Rank 0 writes the record of the run beside an output that stands. A failure, on a disk just filled up say, is a
 * warning: the output is whole without it. Not collective.
 * @param job    of the command, its provenance complete
 * @param output its path
 * @param digest its SHA-256, in hex */
void nb_job_record(nb_job *job, const char *output, const char *digest);

/** The name a user gave a file: "-" for what came through standard input. Not collective.
 * @param job  of the command
 * @param path of the file
 * @return the name; borrowed from the job or `path` itself */
const char *nb_job_name_of(const nb_job *job, const char *path);

/** All ranks go on, or all fail with the first failure: `return nb_agree(job, status, err)`.
 *
 * Collective for a command that runs under MPI; otherwise `status` comes back.
 * @param job    of the command
 * @param status of this rank
 * @return NB_OK when all ranks have it, else the status of the lowest rank that failed, with its error in *err */
nb_status nb_agree(const nb_job *job, nb_status status, nb_error *err);

#if defined(__clang_analyzer__) && !defined(NB_JOB_DEFINITIONS)
/** nb_agree for analysers, as in common/parallel/comm.h: a rank that fails never goes on. Collective as nb_agree.
 * @param job    of the command
 * @param status of this rank
 * @return as nb_agree */
static inline nb_status nb_agree_analysed(const nb_job *job, nb_status status, nb_error *err)
{
    nb_status all = nb_agree(job, status, err);
    return status == NB_OK ? all : status;
}
#define nb_agree(job, status, err) nb_agree_analysed((job), (status), (err))
#endif

#endif
