/* negbank inspect info: what a file of ours is, verified. */
#include "jobs/commands.h"
#include "jobs/inspect_kinds.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *file;
    bool json;
} settings;

/* The record of the run that made the file, where it still lies beside it. */
static void add_run(const char *path, json_t *about)
{
    nb_buffer name = {0};
    if (nb_buffer_printf(&name, NULL, "%s.run.json", path) == NB_OK) {
        json_t *run = json_load_file(name.data, 0, NULL);
        json_object_del(run, "content"); /* it is the provenance */
        if (json_is_object(run)) {
            json_object_set(about, "run", run);
        }
        json_decref(run);
    }
    nb_buffer_free(&name);
}

static void print_text(const json_t *object, int indent)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_object(value)) {
            printf("%*s%s:\n", indent, "", key);
            print_text(value, indent + 2);
            continue;
        }
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        printf("%*s%-*s %s\n", indent, "", indent ? 1 : 14, key, text ? text : json_string_value(value));
        free(text);
    }
}

static nb_status inspect_info(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_file_kind *kind;
    nb_seal seal;
    json_t *about = NULL;
    char *text = NULL, *name = NULL;
    nb_status status;
    NB_TRY(nb_file_kind_open(&kind, &seal, s->file, err));
    name = strdup(s->file);
    if (name) {
        nb_text_mend(name);
    }
    about = json_pack("{s:s, s:s, s:I, s:s}", "file", name, "kind", seal.kind, "bytes", (json_int_t)seal.size, "sha256",
                      seal.digest.hex);
    if (!about) {
        status = nb_fail(err, NB_ERR_LIMIT, "out of memory to describe '%s'", s->file);
        goto done;
    }
    NB_TRY(kind->describe(s->file, about, err));
    add_run(s->file, about);
    if (s->json) {
        text = json_dumps(about, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
        printf("%s\n", text ? text : "");
    } else {
        print_text(about, 0);
    }
    if (fflush(stdout) != 0) {
        status = nb_fail_errno(err, NB_ERR_IO, "cannot write to standard output");
    }
done:
    free(text);
    free(name);
    json_decref(about);
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
    {.name = "json", .type = NB_OPTION_FLAG, AT(json), .help = "print JSON"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_inspect_info = {
    .name = "inspect info",
    .summary = "what a file is, where it comes from, whether it is whole",
    .usage = "FILE [--json]",
    .examples = "  negbank inspect info pets.nbank\n"
                "  negbank inspect info --json wordnet.nbe\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = inspect_info,
};
