/* negbank inspect diff: how two files of one kind differ in content. */
#include "jobs/inspect/inspect_diff.h"

#include "jobs/commands.h"
#include "jobs/inspect/inspect_kinds.h"

typedef struct settings {
    nb_talk talk;
    nb_strings files;
    bool json, exit_code;
} settings;

static nb_status inspect_diff(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_file_kind *kind_a, *kind_b;
    nb_seal seal_a, seal_b;
    bool same = true;
    if (s->files.count != 2) {
        return nb_fail(err, NB_ERR_USAGE, "'inspect diff' compares two files, %zu are given", s->files.count);
    }
    const char *a = nb_strings_get(&s->files, 0), *b = nb_strings_get(&s->files, 1);
    json_t *info = json_object();
    nb_status status;
    NB_TRY(nb_file_kind_open(&kind_a, &seal_a, a, err));
    NB_TRY(nb_file_kind_open(&kind_b, &seal_b, b, err));
    if (kind_a != kind_b) {
        status = nb_fail(err, NB_ERR_INPUT, "'%s' is a %s, '%s' is a %s: they do not compare", a, seal_a.kind, b,
                         seal_b.kind);
        goto done;
    }
    nb_set_path(info, "a", nb_job_name_of(job, a));
    nb_set_path(info, "b", nb_job_name_of(job, b));
    json_object_set_new(info, "kind", json_string(seal_a.kind));
    json_object_set_new(info, "content", json_null()); /* stands here, known below */
    NB_TRY(kind_a->diff(a, b, info, &same, err));
    json_object_set_new(info, "content", json_string(same ? "identical" : "different"));
    NB_TRY(nb_print_info(info, s->json, err));
    if (!same && s->exit_code) {
        status = nb_fail(err, NB_ERR_VERIFY, "'%s' and '%s' differ in content", a, b);
    }
done:
    json_decref(info);
    return status;
}

static const nb_option options[] = {
    OPT_LIST("inputs", files, "A B", "two corpora, embedding stores, banks or score files", OPT_ARGUMENT, OPT_REQUIRED,
             OPT_PIPED),
    OPT_FLAG("exit-code", exit_code, "exit with 7 when they differ, else 0"),
    OPT_FLAG("json", json, "print JSON"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(inspect_diff, inspect_diff, "inspect diff", "how two files of one kind differ in content",
           "A B [--json] [--exit-code]",
           .description =
               "Compares two files of one kind by content: what is in one alone, what is in both but differs, and "
               "by how much.\n"
               "How and where they were made is left out.\n",
           .examples = "  negbank inspect diff pets.nbank pets-int8.nbank\n"
                       "  negbank inspect diff --exit-code -q old.nbc new.nbc && echo identical\n");
