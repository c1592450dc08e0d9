/* negbank inspect export: a file's texts and embeddings for other programs. */
#include "jobs/commands.h"
#include "jobs/inspect_kinds.h"

#include "common/store/npy.h"

typedef struct settings {
    nb_talk talk;
    const char *file, *texts, *embeddings;
    bool force;
} settings;

static nb_status inspect_export(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_file_kind *kind;
    nb_exported exported = {0};
    nb_seal seal;
    nb_status status;
    if (!s->texts && !s->embeddings) {
        return nb_fail(err, NB_ERR_USAGE, "nothing to export: give --texts FILE or --embeddings FILE");
    }
    const char *const outputs[] = {s->texts, s->embeddings};
    NB_TRY(nb_job_check_outputs(job, outputs, 2, s->force, err));
    NB_TRY(nb_file_kind_open(&kind, &seal, s->file, err));
    NB_TRY(kind->export(s->file, &exported, err));
    if (s->embeddings && !exported.rows) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is a %s: it has no embeddings", s->file, seal.kind);
        goto done;
    }
    if (s->texts) {
        NB_TRY(nb_file_write_lines(s->texts, s->force, &exported.texts, 0, exported.texts.count, err));
    }
    if (s->embeddings) {
        NB_TRY(nb_npy_write(s->embeddings, s->force, NB_NPY_F32, 0, exported.texts.count, exported.width, exported.rows,
                            err));
    }
    nb_log_info(&job->log, "%zu rows of the %s exported", exported.texts.count, seal.kind);
done:
    nb_exported_free(&exported);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "inputs",
     .type = NB_OPTION_INPUT,
     AT(file),
     .value = "FILE",
     .positional = true,
     .required = true,
     .help = "a corpus (.nbc), embedding store (.nbe) or bank (.nbank)"},
    {.name = "texts",
     .type = NB_OPTION_OUTPUT,
     AT(texts),
     .value = "F.txt",
     .help = "where the texts go, one a line (of a bank: its negatives)"},
    {.name = "embeddings",
     .type = NB_OPTION_OUTPUT,
     AT(embeddings),
     .value = "M.npy",
     .help = "where their embeddings go"},
    {.name = "force", .type = NB_OPTION_FLAG, AT(force), .unrecorded = true, .help = "overwrite the outputs"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_inspect_export = {
    .name = "inspect export",
    .summary = "texts and embeddings of a file, for other programs",
    .usage = "FILE [--texts F.txt] [--embeddings M.npy]",
    .examples = "  negbank inspect export pets.nbank --texts negatives.txt --embeddings negatives.npy\n"
                "  negbank inspect export wordnet.nbc --texts candidates.txt\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = inspect_export,
};
