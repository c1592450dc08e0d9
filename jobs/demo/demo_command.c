/* negbank demo: the demo world. */
#include "jobs/commands.h"
#include "jobs/demo/demo.h"

typedef struct settings {
    nb_talk talk;
    const char *output;
    int64_t seed, scale, train;
    bool random_weights, force;
} settings;

static nb_status demo(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_demo_plan plan = {.seed = (uint64_t)s->seed,
                         .scale = (size_t)s->scale,
                         .training = (size_t)s->train,
                         .random_weights = s->random_weights,
                         .force = s->force};
    return nb_demo_make(s->output, &plan, &job->log, err);
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
     .help = "seed of the pictures, and of random weights"},
    {.name = "scale",
     .type = NB_OPTION_INT,
     AT(scale),
     .fallback = "1",
     .value = "N",
     .min = 1,
     .max = 100,
     .help = "times the usual number of pictures: 16 a class to learn from, 10 a class to test with"},
    {.name = "train",
     .type = NB_OPTION_INT,
     AT(train),
     .fallback = "0",
     .value = "N",
     .max = 1e9,
     .help = "also write train.tar, N pictures with captions for `negbank tune --captions`"},
    {.name = "random-weights",
     .type = NB_OPTION_FLAG,
     AT(random_weights),
     .help = "a checkpoint that knows nothing, instead of the trained one"},
    {.name = "force", .type = NB_OPTION_FLAG, AT(force), .unrecorded = true, .help = "overwrite files of that folder"},
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_demo = {
    .name = "demo",
    .summary = "make a small world of pictures, labels, words and a small CLIP",
    .usage = "-o DIR [options]",
    .examples = "  negbank demo -o world\n"
                "  negbank demo --seed 7 -o another-world\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = demo,
};
