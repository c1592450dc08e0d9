/* negbank corpus: text inputs to the canonical corpus. */
#include "jobs/commands.h"

#include "mining/corpus/file.h"
#include "mining/corpus/gather.h"
#include "mining/labels.h"

#include <stdlib.h>

typedef struct settings {
    nb_talk talk;
    nb_strings inputs;
    const char *format, *tag, *exclude, *output;
    int64_t limit, max_bytes;
    bool force;
} settings;

static nb_status open_plan(nb_job *job, nb_corpus_plan *plan, nb_strings *labels, nb_error *err)
{
    const settings *s = job->settings;
    nb_status status = NB_OK;
    nb_corpus_settings set = {
        .format = s->format, .tag = s->tag, .max_bytes = (size_t)s->max_bytes, .limit = (size_t)s->limit};
    if (s->exclude) {
        NB_TRY(nb_labels_read(labels, s->exclude, err));
        NB_TRY(nb_provenance_file(&job->provenance, "excluded labels", s->exclude, err));
        set.excluded = labels;
    }
    NB_TRY(nb_corpus_plan_open(plan, &s->inputs, &set, err));
    for (size_t i = 0; i < s->inputs.count; i++) {
        NB_TRY(nb_provenance_file(&job->provenance, "text", nb_strings_get(&s->inputs, i), err));
    }
done:
    return status;
}

static void tell_counts(const nb_log *log, const nb_corpus_counts *counts, const char *path)
{
    for (size_t r = 0; r < NB_DROP_COUNT; r++) {
        if (counts->dropped[r]) {
            nb_log_info(log, "dropped %llu: %s", (unsigned long long)counts->dropped[r], nb_drop_name((nb_drop)r));
        }
    }
    nb_log_info(log, "kept %llu of %llu -> %s", (unsigned long long)counts->kept, (unsigned long long)counts->read,
                path);
}

static nb_status write_corpus(nb_job *job, const nb_corpus *corpus, const nb_corpus_counts *counts, nb_error *err)
{
    const settings *s = job->settings;
    nb_digest digest;
    char *provenance = NULL;
    nb_status status;
    if (!corpus->count) {
        tell_counts(&job->log, counts, s->output);
        nb_fail(err, NB_ERR_INPUT, "no candidate is left of %llu read", (unsigned long long)counts->read);
        return nb_hint(err, "the lines above say why each was dropped");
    }
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    NB_TRY(nb_corpus_file_write(corpus, counts, &s->inputs, s->output, s->force, provenance, &digest, err));
    nb_job_record(job, s->output, digest.hex);
    tell_counts(&job->log, counts, s->output);
done:
    free(provenance);
    return status;
}

static nb_status corpus(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_corpus_plan plan = {0};
    nb_strings labels = {0};
    nb_corpus whole = {0};
    nb_corpus_counts counts;
    nb_status status;
    NB_TRY(nb_job_check_outputs(job, &s->output, 1, s->force, err));
    NB_TRY(nb_agree(job, open_plan(job, &plan, &labels, err), err));
    NB_TRY(nb_corpus_gather(&whole, &counts, &job->team, &plan, err));
    if (job->team.rank == 0) {
        status = write_corpus(job, &whole, &counts, err);
    }
    status = nb_agree(job, status, err);
done:
    nb_corpus_free(&whole);
    nb_corpus_plan_close(&plan);
    nb_strings_free(&labels);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "inputs",
     .type = NB_OPTION_LIST,
     AT(inputs),
     .value = "INPUT...",
     .positional = true,
     .required = true,
     .help = "text files: one candidate a line, word lists, WordNet database files"},
    {.name = "format",
     .type = NB_OPTION_CHOICE,
     AT(format),
     .fallback = "auto",
     .choices = NB_SOURCE_FORMATS,
     .value = "NAME",
     .help = "format of the inputs"},
    {.name = "tag",
     .type = NB_OPTION_CHOICE,
     AT(tag),
     .fallback = "by-file",
     .choices = NB_SOURCE_TAGS,
     .value = "TAG",
     .help = "part of speech; by-file: noun.*, *.noun, adj.*, *.adj"},
    {.name = "exclude",
     .type = NB_OPTION_INPUT,
     AT(exclude),
     .value = "LABELS.txt",
     .help = "drop texts equal to one of these labels"},
    {.name = "limit",
     .type = NB_OPTION_INT,
     AT(limit),
     .fallback = "0",
     .value = "N",
     .min = 0,
     .max = 1e12,
     .help = "keep the first N texts in canonical order; 0: all"},
    {.name = "max-bytes",
     .type = NB_OPTION_INT,
     AT(max_bytes),
     .fallback = "256",
     .value = "N",
     .min = 1,
     .max = NB_TEXT_BYTES_MAX,
     .help = "drop longer texts"},
    NB_OUTPUT_OPTIONS(settings, "the corpus"),
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_corpus = {
    .name = "corpus",
    .summary = "make the canonical corpus of candidate texts",
    .usage = "-o C.nbc INPUT... [options]",
    .examples = "  negbank corpus --format wordnet -o wordnet.nbc /usr/share/wordnet/index.noun \\\n"
                "      /usr/share/wordnet/index.adj\n"
                "  mpirun -np 4 negbank corpus --exclude pets.txt -o words.nbc noun.animals.txt adj.all.txt\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .mpi = true,
    .run = corpus,
};
