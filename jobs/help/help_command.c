/* negbank help: what the option tables say, as a list, a page or a script for a shell. */
#include "jobs/commands.h"

#include "common/base/version.h"
#include "common/options/completion.h"
#include "common/options/man.h"

#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_strings words;
    const char *completion;
    bool man, list;
} settings;

/* Variables that are not options (those are NEGBANK_COMMAND_OPTION). */
static const nb_man_entry help_environment[] = {
    {"OPENBLAS_CORETYPE", "which of OpenBLAS's kernels to use; all ranks of a run must use the same"},
    {"NEGBANK_CPU", "take the CPU for one of another family, for tests; negbank check --cpu says which it is"},
    {"NEGBANK_VECTOR", "which kernels of our own to use: avx512, avx2, neon or plain"},
    {"NEGBANK_AMX", "off: do without AMX; emulate: AMX's tiles in software, slow, for tests"},
    {"SOURCE_DATE_EPOCH", "seconds since 1970 that replace the clock in records of runs"},
    {"SLURM_TMPDIR, TMPDIR", "folder for scratch files"},
    {"XDG_CACHE_HOME", "folder that holds the cache of downloads; default: ~/.cache"},
    {"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "identity at s3:// servers"},
    {"AWS_REGION, AWS_DEFAULT_REGION", "region of s3:// servers"},
    {"AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL", "address of an S3 server other than Amazon's"},
    {"NEGBANK_HTTP_TOKEN", "identity at https:// servers, a bearer token; else ~/.netrc is asked"},
    {"NEGBANK_HTTP_TOKEN_HOST", "the HOST or HOST:PORT the token goes to (default: that of the command's own address); "
                                "http://127.0.0.1:PORT for a server of this machine without TLS"},
    {"https_proxy, http_proxy, no_proxy", "proxies, as libcurl reads them"},
    {"CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR", "certificates to trust"},
    {"NEGBANK_KEY_PASSWORD", "password of the secret key that signs"},
    {"HDF5_PLUGIN_PATH", "for other programs: set to lib/negbank/hdf5-plugin, HDF5 reads our files"},
};

static const nb_man_entry help_files[] = {
    {"*.nbc", "a corpus: canonical texts, their tags, where each came from"},
    {"*.nbe", "an embedding store: rows, norms, names, tags or labels, checksums of its tiles"},
    {"*.nbank", "a bank: labels, negatives, their embeddings, criterion values, suggested scoring"},
    {"*.tsv, *.jsonl, *.h5", "scores of images"},
    {"*.run.json", "the record of a run, beside its output: host, ranks, times, paths"},
    {"*.partial, *.ledger", "an output that is not complete yet; --resume continues it"},
    {"index.json, *.minisig", "the index of published banks, and signatures as minisign makes them"},
};

static const char help_description[] =
    "negbank builds banks of negative labels for out-of-distribution detection with CLIP and scores images with them.\n"
    "A corpus of candidate texts is made from word lists or captions, its texts and images are embedded,\n"
    "those texts are mined that are far from the labels of the classes, and images are scored by how much\n"
    "they look like the labels rather than like the mined texts.\n"
    "\n"
    "The same inputs, options and version give the same bytes on any number of MPI ranks.\n"
    "An output is written under another name, synced and renamed; one that exists is refused without --force.\n"
    "The first three kinds of files below are HDF5 behind a seal with their size and SHA-256:\n"
    "what was cut short or altered is refused.\n";

static const char help_examples[] =
    "  negbank corpus -o wordnet.nbc /usr/share/wordnet/index.noun /usr/share/wordnet/index.adj\n"
    "  mpirun -np 8 negbank embed text --model vit-b-16 -o wordnet.nbe wordnet.nbc\n"
    "  negbank mine --texts wordnet.nbe --labels pets.txt --model vit-b-16 \\\n"
    "      --criterion neglabel -o pets.nbank\n"
    "  negbank score --bank pets.nbank --model vit-b-16 -o holiday.tsv holiday-photos/\n";

/* *out is the command that the words name. */
static nb_status help_find(const nb_strings *words, const nb_command **out, nb_error *err)
{
    const nb_command_list commands = nb_commands();
    nb_buffer name = {0};
    nb_status status = NB_OK;
    *out = NULL;
    for (size_t i = 0; i < words->count; i++) {
        NB_TRY(nb_buffer_printf(&name, err, "%s%s", i ? " " : "", nb_strings_get(words, i)));
    }
    for (size_t i = 0; i < commands.count && !*out; i++) {
        *out = strcmp(commands.all[i]->name, name.data) == 0 ? commands.all[i] : NULL;
    }
    if (!*out) {
        nb_fail(err, NB_ERR_USAGE, "unknown command '%s'", name.data);
        status = nb_hint(err, "'negbank help' lists the commands");
    }
done:
    nb_buffer_free(&name);
    return status;
}

static void help_print(const settings *s, const nb_command *command)
{
    const nb_man manual = {.commands = nb_commands(),
                           .version = nb_version(),
                           .description = help_description,
                           .examples = help_examples,
                           .environment = help_environment,
                           .environment_count = sizeof help_environment / sizeof *help_environment,
                           .files = help_files,
                           .file_count = sizeof help_files / sizeof *help_files};
    if (s->completion) {
        (strcmp(s->completion, "bash") == 0 ? nb_completion_bash : nb_completion_zsh)(manual.commands, stdout);
    } else if (s->list) {
        for (size_t i = 0; i < manual.commands.count; i++) {
            puts(manual.commands.all[i]->name);
        }
    } else if (s->man) {
        nb_man_page(&manual, command, stdout);
    } else if (command) {
        nb_options_help(command, stdout);
    } else {
        nb_options_overview(manual.commands, stdout);
    }
}

static nb_status help_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_command *command = NULL;
    int wanted = s->man + s->list + (s->completion != NULL);
    nb_status status = NB_OK;
    if (wanted > 1 || (s->words.count && (s->list || s->completion))) {
        return nb_fail(err, NB_ERR_USAGE, "--man, --list and --completion go without each other, the last two alone");
    }
    if (s->words.count) {
        NB_TRY(help_find(&s->words, &command, err));
    }
    help_print(s, command);
    status = fflush(stdout) == 0 && !ferror(stdout) ? NB_OK
                                                    : nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
done:
    return status;
}

static const nb_option options[] = {
    OPT_LIST("inputs", words, "COMMAND...", "the command, one word or two; without: the list of all", OPT_ARGUMENT),
    OPT_FLAG("man", man, "print the man page of the command, or negbank(1), for man -l"),
    OPT_FLAG("list", list, "print the names of all commands, one a line"),
    OPT_CHOICE("completion", completion, "SHELL", NULL, "bash|zsh",
               "print a script that completes the words of negbank"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(help, help_run, "help", "explain a command; man pages and completion for shells",
           "[COMMAND...] [--man | --list | --completion SHELL]",
           .description = "Prints the options of a command, as its --help does, or all commands.\n"
                          "\n"
                          "Installed, the man pages and the completion are where man, bash and zsh look for them.\n"
                          "From a build folder, bash takes the completion by the last of the examples.\n",
           .examples = "  negbank help embed text\n"
                       "  negbank help --man mine > negbank-mine.1\n"
                       "  eval \"$(negbank help --completion bash)\"\n");
