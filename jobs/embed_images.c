/* negbank embed images: folders and image lists to an embedding store. */
#include "jobs/commands.h"

#include "mining/embed.h"
#include "mining/images/check.h"
#include "mining/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_strings inputs;
    const char *model, *labels_from, *store, *output;
    bool force, resume;
} settings;

static nb_status embed_images(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_model model = {0};
    nb_image_inputs inputs = {0};
    nb_image_embedder embedder = {0};
    nb_digest digest = {""};
    char *provenance = NULL, dropped_text[32];
    size_t dropped = 0;
    nb_status status;
    NB_TRY(nb_job_check_outputs(job, &s->output, s->resume ? 0 : 1, s->force, err));
    NB_TRY(nb_agree(job, nb_image_inputs_read(&inputs, &s->inputs, s->labels_from, err), err));
    NB_TRY(nb_model_open(&model, &job->team, s->model, err));
    const nb_clip *clip = model.clip;
    if (clip->preprocess_defaulted) {
        nb_log_warn(&job->log, "'%s' has no preprocessor_config.json: CLIP's published mean and deviation are used",
                    s->model);
    }
    NB_TRY(nb_images_check(&job->team, &job->log, &inputs, &dropped, err));
    snprintf(dropped_text, sizeof dropped_text, "%zu", dropped);
    NB_TRY(nb_provenance_input(&job->provenance, "model", s->model, clip->digest.hex, err));
    NB_TRY(nb_provenance_fact(&job->provenance, "undecodable images skipped", dropped_text, err));
    NB_TRY(nb_job_record_kernel(job, err));
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    NB_TRY(nb_agree(job, nb_image_embedder_create(&embedder, clip, &inputs.paths, err), err));
    nb_store_spec spec = {.count = inputs.count,
                          .width = clip->config.projection,
                          .tile_rows = NB_IMAGE_TILE,
                          .half = strcmp(s->store, "fp16") == 0,
                          .names = &inputs.names,
                          .labels = inputs.labels,
                          .classes = &inputs.classes,
                          .provenance = provenance};
    nb_embed_target target = {.path = s->output, .force = s->force, .resume = s->resume};
    NB_TRY(nb_embed_store(&job->team, &job->log, &target, &spec, "images", nb_image_embedder_tile, &embedder, &digest,
                          err));
    nb_job_record(job, s->output, digest.hex);
    nb_log_info(&job->log, "%zu images -> %s; %zu could not be decoded", inputs.count, s->output, dropped);
done:
    nb_image_embedder_destroy(&embedder);
    nb_image_inputs_free(&inputs);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&model);
    free(provenance);
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
    {.name = "model",
     .type = NB_OPTION_INPUT,
     AT(model),
     .value = "DIR",
     .required = true,
     .help = "CLIP checkpoint folder (Hugging Face layout)"},
    {.name = "labels-from",
     .type = NB_OPTION_CHOICE,
     AT(labels_from),
     .fallback = "auto",
     .choices = "auto|folder|list|none",
     .value = "WHERE",
     .help = "where class numbers come from"},
    {.name = "store",
     .type = NB_OPTION_CHOICE,
     AT(store),
     .fallback = "fp32",
     .choices = "fp32|fp16",
     .value = "TYPE",
     .help = "precision of the stored embeddings"},
    {.name = "resume",
     .type = NB_OPTION_FLAG,
     AT(resume),
     .unrecorded = true,
     .help = "continue what an interrupted run left, on any number of ranks"},
    NB_OUTPUT_OPTIONS(settings, "the embedding store"),
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
