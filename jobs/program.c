#define NB_JOB_DEFINITIONS
#include "jobs/job.h"

#include "common/base/file.h"
#include "common/base/version.h"
#include "common/linear/blas.h"
#include "common/linear/cpu/cpu.h"
#include "common/linear/cpu/cpu_arm64.h"
#include "common/linear/simd/instruction_set.h"
#include "common/parallel/sealing.h"
#include "common/store/embeddings.h"
#include "jobs/pipes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

nb_status nb_agree(const nb_job *job, nb_status status, nb_error *err)
{
    return job->options->command->mpi ? nb_comm_agree(&job->comm, status, err) : status;
}

/* No rank looks into a store before it was found whole: damaged bytes go no further than its seal. */
static nb_status program_open_store(nb_job *job, nb_store *out, const char *role, const char *path,
                                    nb_status (*open)(nb_store *, const char *, bool, nb_error *), nb_error *err)
{
    nb_seal seal;
    nb_status status;
    if (job->options->command->mpi) {
        NB_TRY(nb_comm_seal_verify(&job->comm, &seal, path, NB_STORE_KIND, err));
        NB_TRY(nb_agree(job, open(out, path, false, err), err));
    } else {
        NB_TRY(open(out, path, true, err));
    }
    NB_TRY(nb_provenance_input(&job->provenance, role, path, out->seal.digest.hex, err));
done:
    return status;
}

nb_status nb_job_open_store(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err)
{
    return program_open_store(job, out, role, path, nb_store_open, err);
}

nb_status nb_job_open_store_parts(nb_job *job, nb_store *out, const char *role, const char *path, nb_error *err)
{
    return program_open_store(job, out, role, path, nb_store_open_parts, err);
}

static nb_status program_check_output(const char *const *paths, size_t i, bool force, nb_error *err)
{
    nb_output out = {0};
    for (size_t k = 0; k < i; k++) {
        if (paths[k] && strcmp(paths[k], paths[i]) == 0) {
            return nb_fail(err, NB_ERR_USAGE, "'%s' is given for two outputs", paths[i]);
        }
    }
    nb_status status = nb_output_begin(&out, paths[i], force, err);
    nb_output_release(&out);
    return status;
}

nb_status nb_job_check_outputs(const nb_job *job, const char *const *paths, size_t count, bool force, nb_error *err)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count && status == NB_OK && job->comm.rank == 0; i++) {
        status = paths[i] ? program_check_output(paths, i, force, err) : NB_OK;
    }
    return nb_agree(job, status, err);
}

static void program_tell_vector(const nb_job *job, const char *wanted)
{
    const nb_instruction_set *sets[NB_INSTRUCTION_SETS];
    const char *best = sets[nb_instruction_sets(sets) - 1]->name, *used = nb_vector_best()->name;
    if (strcmp(used, best) != 0) {
        nb_log_warn(&job->log, "NEGBANK_VECTOR=%s has the small kernels use %s, this CPU has %s: unset it to be faster",
                    wanted, used, best);
    } else if (strcmp(used, wanted) != 0) {
        nb_log_warn(&job->log, "NEGBANK_VECTOR=%s names no kernels that this CPU has: %s is used", wanted, used);
    }
}

void nb_job_log_kernels(nb_job *job)
{
    const char *better = nb_blas_better(), *forced = getenv("OPENBLAS_CORETYPE"), *vector = getenv("NEGBANK_VECTOR");
    if (job->logged_kernels) {
        return;
    }
    job->logged_kernels = true;
    if (nb_cpu_is_forced()) {
        nb_log_warn(&job->log, "NEGBANK_CPU=%s: engines and kernels are those of that family, this CPU's is %s",
                    nb_cpu_family_used()->name, nb_cpu_family_found()->name);
    }
    if (better && forced) {
        nb_log_warn(
            &job->log,
            "OPENBLAS_CORETYPE=%s has OpenBLAS use its %s kernels, this CPU has those of %s: unset it to be faster",
            forced, nb_blas_kernel(), better);
    } else if (better && !nb_cpu_is_forced()) {
        nb_log_warn(&job->log,
                    "OpenBLAS chose its %s kernels, this CPU has those of %s: OPENBLAS_CORETYPE=%s may be faster",
                    nb_blas_kernel(), better, better);
    }
    if (vector) {
        program_tell_vector(job, vector);
    }
}

nb_status nb_job_record_kernel(nb_job *job, nb_error *err)
{
    char kernels[128];
    nb_job_log_kernels(job);
    snprintf(kernels, sizeof kernels, "OpenBLAS %s, %s", nb_blas_kernel(), nb_vector_best()->name);
    nb_status status = nb_comm_same(&job->comm, "the kernel family", kernels, err);
    if (status != NB_OK) {
        bool arm = nb_cpu_is_arm64();
        return nb_hint(err,
                       "the nodes have different CPUs: use nodes of one kind, or set OPENBLAS_CORETYPE=%s and "
                       "NEGBANK_VECTOR=%s for all of them",
                       arm ? "ARMV8" : "Haswell", arm ? "neon" : "avx2");
    }
    return nb_provenance_fact(&job->provenance, NB_PROVENANCE_KERNELS, kernels, err);
}

const char *nb_job_name_of(const nb_job *job, const char *path)
{
    return nb_renamed(job->log.names, path);
}

void nb_job_record(nb_job *job, const char *output, const char *digest)
{
    nb_error err = {0};
    if (job->comm.rank != 0) {
        return;
    }
    json_t *bytes = job->comm.traffic ? json_pack("{s:I}", "collective_bytes", (json_int_t)*job->comm.traffic) : NULL;
    if ((job->comm.traffic && nb_provenance_measured(&job->provenance, "communication", bytes, &err) != NB_OK) ||
        nb_provenance_run(&job->provenance, output, digest, &err) != NB_OK) {
        nb_log_warn(&job->log, "no record of this run beside '%s': %s", output, err.message);
    }
}

/* The command whose name is the first one or two words; *words says how many. */
static const nb_command *program_find(int argc, char *argv[], int *words)
{
    const nb_command_list commands = nb_commands();
    for (size_t i = 0; i < commands.count; i++) {
        const char *name = commands.all[i]->name;
        const char *space = strchr(name, ' ');
        size_t first = space ? (size_t)(space - name) : strlen(name);
        if (argc < 2 || strlen(argv[1]) != first || memcmp(argv[1], name, first) != 0) {
            continue;
        }
        if (!space || (argc > 2 && strcmp(argv[2], space + 1) == 0)) {
            *words = space ? 2 : 1;
            return commands.all[i];
        }
    }
    return NULL;
}

/* True on the one process that talks before MPI is up. */
static bool program_speaks_first(void)
{
    const char *rank = nb_comm_launched_as();
    return !rank || strcmp(rank, "0") == 0;
}

/* Whoever read standard output has had enough, as head has: that is no failure to speak of. */
static bool program_reader_left(const nb_error *err)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return err->status == NB_ERR_IO && strstr(err->message, "standard output") && poll(&out, 1, 0) == 1 &&
           (out.revents & POLLERR);
}

static int program_report(const nb_log *log, bool speak, const nb_error *err)
{
    if (speak && !program_reader_left(err)) {
        nb_log_error(log, err);
    }
    return (int)err->status;
}

/* Ends a process whose words cannot be run. A launcher ends the other processes of a job as soon as one fails, rank 0
 * perhaps before it has spoken, so they leave together. Those that could be parsed meet the agreement at their
 * start. */
static int program_refuse(const nb_log *log, bool mpi, nb_error *err)
{
    nb_comm comm = {.handle = MPI_COMM_NULL};
    nb_error none = {0};
    if (!mpi || !nb_comm_launched_as() || nb_comm_start(&comm, &none) != NB_OK) {
        return program_report(log, program_speaks_first(), err);
    }
    err->status = nb_comm_agree(&comm, err->status, err);
    int code = program_report(log, comm.rank == 0, err);
    nb_comm_stop(&comm);
    return code;
}

static nb_status program_flush_output(nb_error *err)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? NB_OK
                                                  : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
}

/* --help and --print-config: what is asked about the command instead of running it. */
static nb_status program_explain(const nb_parsed *parsed, nb_error *err)
{
    nb_status status = NB_OK;
    if (!program_speaks_first()) {
        return NB_OK;
    }
    if (parsed->help) {
        nb_options_help(parsed->command, stdout);
    } else {
        status = nb_options_print(parsed, stdout, err);
    }
    return status == NB_OK ? program_flush_output(err) : status;
}

static nb_status program_start_comm(nb_job *job, nb_error *err)
{
    if (job->options->command->mpi) {
        return nb_comm_start(&job->comm, err);
    }
    job->comm = (nb_comm){.handle = MPI_COMM_NULL, .size = 1};
    gethostname(job->comm.host, sizeof job->comm.host - 1);
    return NB_OK;
}

static int program_run(nb_parsed *parsed)
{
    nb_error err = {0};
    nb_pipes pipes = {0};
    const nb_talk *talk = parsed->settings;
    nb_job job = {.options = parsed, .settings = parsed->settings};
    nb_status status = program_start_comm(&job, &err);
    bool speak = job.comm.rank == 0;
    job.log = nb_log_open(parsed->command->name, speak, talk->log_json, talk->quiet);
    if (status == NB_OK) {
        nb_blas_start();
        status = nb_cpu_check(&err);
        if (status == NB_OK) {
            status = nb_provenance_start(&job.provenance, parsed, job.comm.size, job.comm.host, &err);
        }
        status = nb_agree(&job, status, &err);
    }
    if (status == NB_OK) {
        status = nb_pipes_open(&pipes, &job, parsed, &err);
    }
    if (status == NB_OK) {
        status = parsed->command->run(&job, &err);
    }
    if (status == NB_OK && speak) {
        status = nb_pipes_print(&pipes, &err);
    }
    err.status = status;
    int code = status == NB_OK ? 0 : program_report(&job.log, speak, &err);
    nb_provenance_end(&job.provenance);
    nb_pipes_close(&pipes, speak);
    if (parsed->command->mpi) {
        nb_comm_stop(&job.comm);
    }
    return code;
}

/* Where standard input, output or error is closed, its number must not go to a file: what is printed would land
 * there. */
static void program_hold_standard_files(void)
{
    int fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDONLY);
    }
    if (fd >= 0) {
        close(fd);
    }
}

int nb_program(int argc, char *argv[])
{
    nb_error err = {0};
    program_hold_standard_files();
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of writing */
    signal(SIGXFSZ, SIG_IGN); /* over a limit on file sizes a write fails like any other */
    nb_log log = nb_log_open("negbank", true, false, false);
    int words = 0;
    const nb_command *command = program_find(argc, argv, &words);
    if (!command) {
        const char *word = argc > 1 ? argv[1] : "--help";
        if (strcmp(word, "--version") == 0) {
            printf("negbank %s (%s)\n", nb_version(), nb_commit());
            return program_flush_output(&err) == NB_OK ? 0 : program_report(&log, true, &err);
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            nb_options_overview(nb_commands(), argc > 1 ? stdout : stderr);
            return argc > 1 ? 0 : NB_ERR_USAGE;
        }
        nb_fail(&err, NB_ERR_USAGE, "unknown command '%s%s%s'", word, argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
        nb_hint(&err, "'negbank --help' lists the commands");
        return program_refuse(&log, true, &err);
    }
    nb_parsed parsed;
    log.command = command->name;
    if (nb_options_parse(&parsed, command, nb_commands(), argc - 1 - words, argv + 1 + words, &err) != NB_OK) {
        return program_refuse(&log, command->mpi, &err);
    }
    int code = 0;
    if (parsed.help || parsed.print_config) {
        code = program_explain(&parsed, &err) == NB_OK ? 0 : program_report(&log, true, &err);
    } else {
        code = program_run(&parsed);
    }
    nb_parsed_free(&parsed);
    return code;
}
