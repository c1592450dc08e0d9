/* negbank inspect verify: is a file whole, and where did it break. */
#include "jobs/commands.h"
#include "jobs/inspect/inspect_checkup.h"
#include "jobs/inspect/inspect_kinds.h"

typedef struct settings {
    nb_talk talk;
    const char *file;
    bool json;
} settings;

static nb_status inspect_verify(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    bool whole = false;
    json_t *info = json_object();
    nb_status status;
    nb_set_path(info, "file", nb_job_name_of(job, s->file));
    NB_TRY(nb_checkup(s->file, info, &whole, err));
    NB_TRY(nb_print_info(info, s->json, err));
    if (!whole) {
        const json_t *damage = json_object_get(info, "damage"), *first = json_array_get(damage, 0);
        size_t more = json_array_size(damage) - 1;
        nb_fail(err, NB_ERR_VERIFY, "'%s' is not whole: %s%s%s", s->file,
                json_string_value(json_object_get(first, "where")), more ? ", " : "",
                more ? json_string_value(json_object_get(json_array_get(damage, 1), "where")) : "");
        status = nb_hint(err, "make or download it again");
    }
done:
    json_decref(info);
    return status;
}

static const nb_option options[] = {
    NB_INSPECTED_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(inspect_verify, inspect_verify, "inspect verify",
           "whether a file is whole, else where it broke (exit code 7)", "FILE [--json]",
           .description = "Reads the whole file against its seal and the checksums of its tiles.\n"
                          "Of a damaged file it says which dataset or tile broke, and ends with exit status 7.\n",
           .examples = "  negbank inspect verify pets.nbank\n"
                       "  negbank inspect verify --json wordnet.nbe\n");
