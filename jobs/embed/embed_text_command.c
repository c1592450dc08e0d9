/* negbank embed text: a corpus to an embedding store. */
#include "jobs/commands.h"
#include "jobs/embed/embed_options.h"

#include "mining/corpus/file/corpus_reader.h"

#include <string.h>

typedef struct settings {
    nb_talk talk;
    nb_embed_choice embed;
    const char *corpus;
    nb_strings prompt, prompt_adj;
    const char *prompt_mean;
} settings;

static nb_status embed_text_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_model model = {0};
    const nb_engine *engine;
    nb_prompts prompts = {0};
    nb_corpus_reader corpus = {0};
    nb_text_embedder embedder = {0};
    nb_status status;
    NB_TRY(nb_job_embed_check(job, &s->embed, err));
    NB_TRY(nb_agree(job, nb_prompts_create(&prompts, &s->prompt, &s->prompt_adj, err), err));
    prompts.raw = strcmp(s->prompt_mean, "raw") == 0;
    NB_TRY(nb_corpus_reader_open(&corpus, &job->comm, s->corpus, err));
    NB_TRY(nb_provenance_input(&job->provenance, "corpus", s->corpus, corpus.seal.digest.hex, err));
    NB_TRY(nb_job_engine(job, s->embed.precision, &engine, err));
    NB_TRY(nb_model_open(&model, &job->comm, s->embed.model, engine, err));
    NB_TRY(nb_agree(job, nb_text_embedder_create(&embedder, model.clip, &prompts, NULL, &corpus, err), err));
    nb_embedding embedding = {.choice = &s->embed, .clip = model.clip, .corpus = &corpus, .note = ""};
    embedding.spec = (nb_store_spec){.count = corpus.count, .tile_rows = NB_TEXT_TILE};
    embedding.work = (nb_embed_work){.what = "texts",
                                     .make = nb_text_embedder_tile,
                                     .maker = &embedder,
                                     .times = &embedder.times,
                                     .run = {NB_TILE_RUN, true}};
    NB_TRY(nb_job_embed(job, &embedding, err));
done:
    nb_text_embedder_destroy(&embedder);
    nb_corpus_reader_close(&corpus);
    nb_prompts_destroy(&prompts);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&model);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("inputs", corpus, "C.nbc", "corpus, as made by negbank corpus", OPT_ARGUMENT, OPT_REQUIRED, OPT_PIPED),
    OPT_LIST("prompt", prompt, "TEXT", "prompt for nouns and untagged texts, or a set's name [" NB_PROMPT_DEFAULT "]"),
    OPT_LIST("prompt-adj", prompt_adj, "TEXT", "prompt for adjectives [" NB_PROMPT_ADJ_DEFAULT "]"),
    NB_PROMPT_MEAN_OPTION(prompt_mean),
    NB_EMBED_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    embed_text, embed_text_run, "embed text", "embed a corpus with CLIP's text tower",
    "--model DIR -o T.nbe C.nbc [options]",
    .description =
        "Every text goes through its prompts into the text tower; the mean of its embeddings, normalised, is its row.\n"
        "\n"
        "On SIGUSR1 and SIGTERM the command keeps what is done and ends with exit status 85; --resume continues.\n"
        "With --part several jobs make one store, each at its own time.\n",
    .examples = "  mpirun -np 4 negbank embed text --model vit-b-16 -o wordnet.nbe wordnet.nbc\n"
                "  negbank embed text --model vit-b-16 --prompt 'a photo of a {}.' --prompt 'a drawing of a {}.' \\\n"
                "      -o words.nbe words.nbc\n",
    .mpi = true);
