/* negbank demo: the demo world. */
#include "jobs/demo/demo.h"
#include "jobs/commands.h"

typedef struct settings {
    nb_talk talk;
    const char *output;
    int64_t seed;
    bool force;
} settings;

static nb_status demo(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    return nb_demo_make(s->output, (uint64_t)s->seed, s->force, &job->log, err);
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "output",
     .letter = 'o',
     .type = NB_OPTION_OUTPUT,
     AT(output),
     .value = "DIR",
     .required = true,
     .help = "folder to make"},
    {.name = "seed",
     .type = NB_OPTION_INT,
     AT(seed),
     .fallback = "1",
     .value = "N",
     .min = 0,
     .max = 9e15,
     .help = "seed of the pictures and the weights"},
    {.name = "force", .type = NB_OPTION_FLAG, AT(force), .unrecorded = true, .help = "overwrite files of that folder"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_demo = {
    .name = "demo",
    .summary = "make a small world of pictures, labels, words and a random checkpoint",
    .usage = "-o DIR [options]",
    .examples = "  negbank demo -o world\n"
                "  negbank demo --seed 7 -o another-world\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = demo,
};
