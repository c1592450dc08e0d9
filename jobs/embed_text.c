/* negbank embed text: a corpus to an embedding store. */
#include "jobs/commands.h"

#include "mining/corpus/file.h"
#include "mining/embed.h"
#include "mining/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    nb_talk talk;
    const char *corpus, *model, *store, *output;
    nb_strings prompt, prompt_adj;
    bool force, resume;
} settings;

static nb_status embed_text(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_model model = {0};
    nb_prompts prompts = {0};
    nb_corpus corpus = {0};
    nb_text_embedder embedder = {0};
    nb_digest digest = {""};
    char *provenance = NULL;
    nb_status status;
    NB_TRY(nb_job_check_outputs(job, &s->output, s->resume ? 0 : 1, s->force, err));
    NB_TRY(nb_agree(job, nb_prompts_create(&prompts, &s->prompt, &s->prompt_adj, err), err));
    NB_TRY(nb_agree(job, nb_corpus_file_read(&corpus, &digest, s->corpus, err), err));
    NB_TRY(nb_provenance_input(&job->provenance, "corpus", s->corpus, digest.hex, err));
    NB_TRY(nb_model_open(&model, &job->team, s->model, err));
    const nb_clip *clip = model.clip;
    NB_TRY(nb_provenance_input(&job->provenance, "model", s->model, clip->digest.hex, err));
    NB_TRY(nb_job_record_kernel(job, err));
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    NB_TRY(nb_agree(job, nb_text_embedder_create(&embedder, clip, &prompts, &corpus.texts, corpus.tags, err), err));
    nb_store_spec spec = {.count = corpus.count,
                          .width = clip->config.projection,
                          .tile_rows = NB_TEXT_TILE,
                          .half = strcmp(s->store, "fp16") == 0,
                          .names = &corpus.texts,
                          .tags = corpus.tags,
                          .provenance = provenance};
    nb_embed_target target = {.path = s->output, .force = s->force, .resume = s->resume};
    NB_TRY(
        nb_embed_store(&job->team, &job->log, &target, &spec, "texts", nb_text_embedder_tile, &embedder, &digest, err));
    nb_job_record(job, s->output, digest.hex);
    nb_log_info(&job->log, "%zu texts -> %s", corpus.count, s->output);
done:
    nb_text_embedder_destroy(&embedder);
    nb_corpus_free(&corpus);
    nb_prompts_destroy(&prompts);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&model);
    free(provenance);
    return status;
}

#define AT(member) .offset = offsetof(settings, member)
static const nb_option options[] = {
    {.name = "inputs",
     .type = NB_OPTION_INPUT,
     AT(corpus),
     .value = "C.nbc",
     .positional = true,
     .required = true,
     .help = "corpus, as made by negbank corpus"},
    {.name = "model",
     .type = NB_OPTION_INPUT,
     AT(model),
     .value = "DIR",
     .required = true,
     .help = "CLIP checkpoint folder (Hugging Face layout)"},
    {.name = "prompt",
     .type = NB_OPTION_LIST,
     AT(prompt),
     .value = "TEXT",
     .help = "prompt for nouns and untagged texts [" NB_PROMPT_DEFAULT "]"},
    {.name = "prompt-adj",
     .type = NB_OPTION_LIST,
     AT(prompt_adj),
     .value = "TEXT",
     .help = "prompt for adjectives [" NB_PROMPT_ADJ_DEFAULT "]"},
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

const nb_command nb_command_embed_text = {
    .name = "embed text",
    .summary = "embed a corpus with CLIP's text tower",
    .usage = "--model DIR -o T.nbe C.nbc [options]",
    .examples = "  mpirun -np 4 negbank embed text --model vit-b-16 -o wordnet.nbe wordnet.nbc\n"
                "  negbank embed text --model vit-b-16 --prompt 'a photo of a {}.' --prompt 'a drawing of a {}.' \\\n"
                "      -o words.nbe words.nbc\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .mpi = true,
    .run = embed_text,
};
