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

static const nb_option options[] = {
    OPT_OUTPUT("output", output, "DIR", "folder to make", .letter = 'o', OPT_REQUIRED),
    OPT_INT("seed", seed, "N", "1", 0, 9e15, "seed of the pictures, and of random weights"),
    OPT_INT("scale", scale, "N", "1", 1, 100,
            "times the usual number of pictures: 16 a class to learn from, 10 a class to test with"),
    OPT_INT("train", train, "N", "0", 0, 1e9,
            "also write train.tar, N pictures with captions for `negbank tune --captions`"),
    OPT_FLAG("random-weights", random_weights, "a checkpoint that knows nothing, instead of the trained one"),
    OPT_FLAG("force", force, "overwrite files of that folder", OPT_UNRECORDED),
    NB_TALK_OPTIONS,
};

NB_COMMAND(demo, demo, "demo", "make a small world of pictures, labels, words and a small CLIP", "-o DIR [options]",
           .description =
               "Draws pictures of coloured shapes with labels, writes lists of words and a CLIP that was trained "
               "on such pictures:\n"
               "a world in which every command can be tried within seconds.\n",
           .examples = "  negbank demo -o world\n"
                       "  negbank demo --seed 7 -o another-world\n");
