/* negbank inspect info: what a file of ours is, verified. */
#include "jobs/commands.h"
#include "jobs/inspect/inspect_kinds.h"

typedef struct settings {
    nb_talk talk;
    const char *file;
    bool json;
} settings;

/* The record of the run that made the file, where it still lies beside it. */
static void inspect_info_add_run(const char *path, json_t *info)
{
    nb_buffer name = {0};
    if (nb_buffer_printf(&name, NULL, "%s.run.json", path) == NB_OK) {
        json_t *run = json_load_file(name.data, 0, NULL);
        json_object_del(run, "content"); /* it is the provenance */
        if (json_is_object(run)) {
            json_object_set(info, "run", run);
        }
        json_decref(run);
    }
    nb_buffer_free(&name);
}

static nb_status inspect_info(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_file_kind *kind;
    nb_seal seal;
    json_t *info = NULL;
    nb_status status;
    NB_TRY(nb_file_kind_open(&kind, &seal, s->file, err));
    info = json_object();
    nb_set_path(info, "file", nb_job_name_of(job, s->file));
    json_object_set_new(info, "kind", json_string(seal.kind));
    json_object_set_new(info, "bytes", json_integer((json_int_t)seal.size));
    json_object_set_new(info, "sha256", json_string(seal.digest.hex));
    NB_TRY(kind->describe(s->file, info, err));
    inspect_info_add_run(s->file, info);
    NB_TRY(nb_print_info(info, s->json, err));
done:
    json_decref(info);
    return status;
}

static const nb_option options[] = {
    NB_INSPECTED_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(inspect_info, inspect_info, "inspect info", "what a file is, where it comes from, whether it is whole",
           "FILE [--json]",
           .description =
               "Verifies the file, then prints its kind, its size, its inputs with their digests and the options "
               "it was made with.\n"
               "The record of its run is shown too where it lies beside the file.\n",
           .examples = "  negbank inspect info pets.nbank\n"
                       "  negbank inspect info --json wordnet.nbe\n");
