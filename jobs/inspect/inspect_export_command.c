/* negbank inspect export: a file's texts and embeddings for other programs. */
#include "jobs/commands.h"
#include "jobs/inspect/inspect_kinds.h"

#include "common/store/npy.h"

typedef struct settings {
    nb_talk talk;
    const char *file, *texts, *embeddings, *labels, *label_embeddings, *prototypes, *log_prior, *evidence, *imputed,
        *measured;
    bool force, json;
} settings;

static nb_status inspect_export_write_lines(const char *path, bool force, const nb_strings *lines, nb_error *err)
{
    return path ? nb_file_write_lines(path, force, lines, 0, lines->count, err) : NB_OK;
}

static nb_status inspect_export_write_rows(const char *path, bool force, const float *rows, size_t count, size_t width,
                                           nb_error *err)
{
    return path ? nb_npy_write(path, force, NB_NPY_F32, (nb_npy_shape){.rows = count, .columns = width}, rows, err)
                : NB_OK;
}

static nb_status inspect_export_write_values(const char *path, bool force, const double *values, size_t count,
                                             nb_error *err)
{
    return path ? nb_npy_write(path, force, NB_NPY_F64, (nb_npy_shape){.rows = count}, values, err) : NB_OK;
}

/* The file has everything that is asked of it. */
static nb_status inspect_export_check_parts(const settings *s, const nb_exported *e, const char *kind, nb_error *err)
{
    const struct {
        const char *asked, *what;
        bool there;
    } parts[] = {{s->embeddings, "embeddings", e->rows != NULL},
                 {s->labels, "ID labels", e->labels.count != 0},
                 {s->label_embeddings, "label embeddings", e->label_rows != NULL},
                 {s->prototypes, "prototypes", e->prototypes != NULL},
                 {s->log_prior, "proxies", e->log_prior != NULL},
                 {s->evidence, "proxies", e->evidence != NULL},
                 {s->imputed, "proxies", e->imputed != NULL},
                 {s->measured, "proxies", e->measured != NULL}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].asked && !parts[i].there) {
            return nb_fail(err, NB_ERR_INPUT, "'%s' is a %s: it has no %s", s->file, kind, parts[i].what);
        }
    }
    return NB_OK;
}

static nb_status inspect_export_print_counts(const nb_job *job, const nb_exported *e, const nb_seal *seal,
                                             nb_error *err)
{
    const settings *s = job->settings;
    json_t *info = json_object();
    nb_set_path(info, "file", nb_job_name_of(job, s->file));
    json_object_set_new(info, "kind", json_string(seal->kind));
    json_object_set_new(info, "sha256", json_string(seal->digest.hex));
    json_object_set_new(info, "rows", json_integer((json_int_t)e->texts.count));
    json_object_set_new(info, "labels", json_integer((json_int_t)e->labels.count));
    json_object_set_new(info, "width", json_integer((json_int_t)e->width));
    nb_status status = nb_print_info(info, true, err);
    json_decref(info);
    return status;
}

static nb_status inspect_export(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_file_kind *kind;
    nb_exported e = {0};
    nb_seal seal;
    nb_status status;
    const char *const outputs[] = {s->texts,     s->embeddings, s->labels,  s->label_embeddings, s->prototypes,
                                   s->log_prior, s->evidence,   s->imputed, s->measured};
    enum { OUTPUTS = sizeof outputs / sizeof *outputs };
    bool any = false;
    for (size_t i = 0; i < OUTPUTS; i++) {
        any = any || outputs[i];
    }
    if (!any) {
        return nb_fail(err, NB_ERR_USAGE, "nothing to export: give --texts FILE or --embeddings FILE");
    }
    if (s->json && job->printed) {
        return nb_fail(err, NB_ERR_USAGE, "--json and an output '-' would both be on standard output");
    }
    NB_TRY(nb_job_check_outputs(job, outputs, OUTPUTS, s->force, err));
    NB_TRY(nb_file_kind_open(&kind, &seal, s->file, err));
    NB_TRY(kind->export(s->file, &e, err));
    NB_TRY(inspect_export_check_parts(s, &e, seal.kind, err));
    NB_TRY(inspect_export_write_lines(s->texts, s->force, &e.texts, err));
    NB_TRY(inspect_export_write_rows(s->embeddings, s->force, e.rows, e.texts.count, e.width, err));
    NB_TRY(inspect_export_write_lines(s->labels, s->force, &e.labels, err));
    NB_TRY(inspect_export_write_rows(s->label_embeddings, s->force, e.label_rows, e.labels.count, e.width, err));
    NB_TRY(inspect_export_write_rows(s->prototypes, s->force, e.prototypes, e.labels.count, e.width, err));
    NB_TRY(inspect_export_write_values(s->log_prior, s->force, e.log_prior, e.texts.count, err));
    NB_TRY(inspect_export_write_values(s->evidence, s->force, e.evidence, e.texts.count, err));
    NB_TRY(inspect_export_write_rows(s->imputed, s->force, e.imputed, e.texts.count, e.width, err));
    NB_TRY(inspect_export_write_rows(s->measured, s->force, e.measured, e.texts.count, e.width, err));
    nb_log_info(&job->log, "%zu rows of the %s exported", e.texts.count, seal.kind);
    if (s->json) {
        NB_TRY(inspect_export_print_counts(job, &e, &seal, err));
    }
done:
    nb_exported_free(&e);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("inputs", file, "FILE", "corpus, embedding store, bank or score file (.tsv)", OPT_ARGUMENT, OPT_REQUIRED,
              OPT_PIPED),
    OPT_OUTPUT("texts", texts, "F.txt", "where the texts go, one a line (of a bank: its negatives)", OPT_PIPED),
    OPT_OUTPUT("embeddings", embeddings, "M.npy", "where their embeddings go", OPT_PIPED),
    OPT_OUTPUT("labels", labels, "L.txt", "of a bank: its ID labels", OPT_PIPED),
    OPT_OUTPUT("label-embeddings", label_embeddings, "M.npy", "of a bank: the embeddings of its ID labels", OPT_PIPED),
    OPT_OUTPUT("prototypes", prototypes, "M.npy", "of a bank: the mean ID image embeddings of its labels", OPT_PIPED),
    OPT_OUTPUT("log-prior", log_prior, "V.npy", "of a bank with proxies: the log priors of its negatives", OPT_PIPED),
    OPT_OUTPUT("evidence", evidence, "V.npy", "of a bank with proxies: the wild images that resemble each negative",
               OPT_PIPED),
    OPT_OUTPUT("imputed-proxies", imputed, "M.npy", "of a bank with proxies: those imputed from texts", OPT_PIPED),
    OPT_OUTPUT("measured-proxies", measured, "M.npy", "of a bank with proxies: the measured ones, NaN for none",
               OPT_PIPED),
    OPT_FLAG("json", json, "print what was exported as JSON", OPT_UNRECORDED),
    OPT_FLAG("force", force, "overwrite the outputs", OPT_UNRECORDED),
    NB_TALK_OPTIONS,
};

NB_COMMAND(inspect_export, inspect_export, "inspect export", "texts and embeddings of a file, for other programs",
           "FILE [--texts F.txt] [--embeddings M.npy]",
           .description = "Verifies the file and writes the parts that are asked for.\n",
           .examples = "  negbank inspect export pets.nbank --texts negatives.txt --embeddings negatives.npy\n"
                       "  negbank inspect export wordnet.nbc --texts candidates.txt\n");
