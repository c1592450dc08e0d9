/* negbank embed images: folders and image lists to an embedding store. */
#include "jobs/commands.h"
#include "jobs/embed.h"

#include "mining/images/check.h"

typedef struct settings {
    nb_talk talk;
    nb_embed_choice embed;
    nb_strings inputs;
    const char *labels_from;
} settings;

static nb_status embed_images(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_model model = {0};
    const nb_engine *engine;
    nb_image_inputs inputs = {0};
    nb_image_embedder embedder = {0};
    char dropped_text[32], note[64];
    size_t dropped = 0;
    nb_status status;
    NB_TRY(nb_job_embed_check(job, &s->embed, err));
    NB_TRY(nb_agree(job, nb_image_inputs_read(&inputs, &s->inputs, s->labels_from, err), err));
    NB_TRY(nb_job_engine(job, s->embed.precision, &engine, err));
    NB_TRY(nb_model_open(&model, &job->team, s->embed.model, engine, err));
    if (model.clip->preprocess_defaulted) {
        nb_log_warn(&job->log, "'%s' has no preprocessor_config.json: CLIP's published mean and deviation are used",
                    s->embed.model);
    }
    NB_TRY(nb_images_check(&job->team, &job->log, &inputs, &dropped, err));
    snprintf(dropped_text, sizeof dropped_text, "%zu", dropped);
    snprintf(note, sizeof note, "; %zu could not be decoded", dropped);
    NB_TRY(nb_provenance_fact(&job->provenance, "undecodable images skipped", dropped_text, err));
    NB_TRY(nb_agree(job, nb_image_embedder_create(&embedder, model.clip, &inputs.paths, err), err));
    nb_store_spec spec = {.count = inputs.count,
                          .tile_rows = NB_IMAGE_TILE,
                          .names = &inputs.names,
                          .labels = inputs.labels,
                          .classes = &inputs.classes};
    NB_TRY(nb_job_embed(job, &s->embed, model.clip, spec, "images", note, nb_image_embedder_tile, &embedder, err));
done:
    nb_image_embedder_destroy(&embedder);
    nb_image_inputs_free(&inputs);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&model);
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
     .help = "folders, image lists (`path label` a line) and image files"},
    {.name = "labels-from",
     .type = NB_OPTION_CHOICE,
     AT(labels_from),
     .fallback = "auto",
     .choices = "auto|folder|list|none",
     .value = "WHERE",
     .help = "where class numbers come from"},
    NB_EMBED_OPTIONS(settings),
    NB_TALK_OPTIONS(settings),
};

const nb_command nb_command_embed_images = {
    .name = "embed images",
    .summary = "embed images with CLIP's image tower",
    .usage = "--model DIR -o I.nbe INPUT... [options]",
    .examples = "  mpirun -np 4 negbank embed images --model vit-b-16 -o wild.nbe wild-images/\n"
                "  negbank embed images --model vit-b-16 --labels-from list -o id.nbe id-train.txt\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .mpi = true,
    .run = embed_images,
};
