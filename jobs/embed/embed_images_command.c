/* negbank embed images: folders, image lists and tar shards to an embedding store. */
#include "jobs/commands.h"
#include "jobs/embed/embed_options.h"
#include "jobs/transfer.h"

#include "common/transfer/url.h"
#include "mining/images/check.h"

#include <unistd.h>

typedef struct settings {
    nb_talk talk;
    nb_embed_choice embed;
    nb_transfer_choice transfer;
    nb_strings inputs;
    const char *labels_from, *label_key;
    int64_t decode_threads, max_pixels, max_image_bytes;
    bool strict;
} settings;

/* What decides the content beyond the options: how many images there were. */
static nb_status embed_images_record_counts(nb_job *job, const nb_image_inputs *inputs, size_t dropped, nb_error *err)
{
    char text[32];
    uint64_t skipped = 0;
    nb_status status;
    for (int i = 0; i < NB_SKIPS; i++) {
        skipped += i == NB_SKIP_HIDDEN ? 0 : inputs->skipped[i];
    }
    snprintf(text, sizeof text, "%zu", dropped);
    NB_TRY(nb_provenance_fact(&job->provenance, "undecodable images skipped", text, err));
    if (inputs->shards.count) {
        snprintf(text, sizeof text, "%zu", inputs->shards.count);
        NB_TRY(nb_provenance_fact(&job->provenance, "shards", text, err));
        snprintf(text, sizeof text, "%llu", (unsigned long long)skipped);
        NB_TRY(nb_provenance_fact(&job->provenance, "images of shards left out", text, err));
    } else if (skipped) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)skipped);
        NB_TRY(nb_provenance_fact(&job->provenance, "images left out", text, err));
    }
done:
    return status;
}

/* What is known of the images, for a run that continues this one, and for other parts. */
static bool embed_images_worth_keeping(const settings *s, nb_status status, size_t left)
{
    return status == NB_STOPPED || (status != NB_OK && (s->embed.resume || s->embed.part)) || left;
}

/* The first address among the words; those in lists are not the user's own. */
static const char *embed_images_own_address(const nb_strings *words)
{
    for (size_t i = 0; i < words->count; i++) {
        if (nb_url_like(nb_strings_get(words, i))) {
            return nb_strings_get(words, i);
        }
    }
    return NULL;
}

static nb_status embed_images_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    const nb_fetch_options fetch = {.http = &s->transfer.http,
                                    .cache = s->transfer.cache,
                                    .log = &job->log,
                                    .own = embed_images_own_address(&s->inputs)};
    nb_image_sources sources = {.fetch = &fetch, .spool = s->embed.output, .parts = s->embed.part};
    nb_image_choice choice = {.labels_from = s->labels_from,
                              .label_key = s->label_key,
                              .limits = {(size_t)s->max_pixels, (size_t)s->max_image_bytes},
                              .sources = &sources,
                              .strict = s->strict};
    nb_model model = {0};
    const nb_engine *engine;
    nb_image_inputs inputs = {0};
    nb_image_embedder embedder = {0};
    char note[64];
    nb_buffer done_marks = {0};
    nb_embedding embedding = {0};
    size_t dropped = 0;
    nb_status status;
    NB_TRY(nb_job_embed_check(job, &s->embed, err));
    NB_TRY(nb_image_inputs_share(&inputs, &job->comm, &job->log, &s->inputs, &choice, err));
    NB_TRY(nb_job_engine(job, s->embed.precision, &engine, err));
    NB_TRY(nb_model_open(&model, &job->comm, s->embed.model, engine, err));
    if (model.clip->preprocess_defaulted) {
        nb_log_warn(&job->log, "'%s' has no preprocessor_config.json: CLIP's published mean and deviation are used",
                    s->embed.model);
    }
    NB_TRY(nb_agree(job, nb_buffer_printf(&done_marks, err, "%s.images", s->embed.output), err));
    const nb_images_check_options check_options = {
        .path = done_marks.data, .resume = s->embed.resume || s->embed.part, .strict = s->strict};
    NB_TRY(nb_images_check(&job->comm, &job->log, &inputs, &check_options, &dropped, err));
    NB_TRY(embed_images_record_counts(job, &inputs, dropped, err));
    snprintf(note, sizeof note, "; %zu could not be decoded", dropped);
    NB_TRY(nb_agree(job, nb_image_embedder_open(&embedder, model.clip, &inputs, (size_t)s->decode_threads, err), err));
    embedding = (nb_embedding){.choice = &s->embed, .clip = model.clip, .note = note};
    embedding.spec = (nb_store_spec){.count = inputs.count,
                                     .tile_rows = NB_IMAGE_TILE,
                                     .names = &inputs.names,
                                     .labels = inputs.labels,
                                     .classes = &inputs.classes};
    embedding.work = (nb_embed_work){.what = "images",
                                     .make = nb_image_embedder_tile,
                                     .prefetch = s->decode_threads ? nb_image_embedder_prefetch : NULL,
                                     .maker = &embedder,
                                     .times = &embedder.times,
                                     .run = nb_image_inputs_run(&inputs, NB_IMAGE_TILE, (size_t)job->comm.size)};
    NB_TRY(nb_job_embed(job, &embedding, err));
done:
    if (done_marks.data && job->comm.rank == 0 && !embed_images_worth_keeping(s, status, embedding.left)) {
        unlink(done_marks.data);
    }
    nb_buffer_free(&done_marks);
    nb_image_embedder_destroy(&embedder);
    nb_image_inputs_free(&inputs);
    nb_image_sources_close(&sources, job->comm.rank == 0 && status == NB_OK && !embedding.left);
    status = nb_agree(job, status, err); /* all ranks are here: closing the model is collective */
    nb_model_close(&model);
    return status;
}

static const nb_option options[] = {
    OPT_LIST("inputs", inputs, "INPUT...",
             "folders, image lists (`path label` a line), tar shards and image files; patterns with * ? [ ] { }; - and "
             "named pipes; http(s):// and s3:// addresses, in lists too",
             OPT_ARGUMENT, OPT_REQUIRED),
    OPT_CHOICE("labels-from", labels_from, "WHERE", "auto", "auto|folder|list|cls|txt|json|none",
               "where class numbers come from; cls, txt, json: members beside an image in its shard"),
    OPT_TEXT("label-key", label_key, "KEY", "label", "what the label is called in .json members"),
    OPT_INT("max-pixels", max_pixels, "N", "178956970", 1, (double)NB_IMAGE_PIXELS_CEILING,
            "larger images are skipped"),
    OPT_INT("max-image-bytes", max_image_bytes, "N", "268435456", 1, (double)NB_IMAGE_BYTES_CEILING,
            "images in more bytes are skipped"),
    OPT_FLAG("strict", strict, "stop at an image that cannot be read, instead of leaving it out"),
    OPT_INT("decode-threads", decode_threads, "N", "1", 0, NB_DECODE_THREADS_MAX,
            "threads a rank that decode the next tile ahead", OPT_UNRECORDED),
    NB_EMBED_OPTIONS,
    NB_TRANSFER_OPTIONS,
    NB_TALK_OPTIONS,
};

NB_COMMAND(
    embed_images, embed_images_run, "embed images", "embed images with CLIP's image tower",
    "--model DIR -o I.nbe INPUT... [options]",
    .description =
        "Inputs are folders, image lists, image files and webdataset shards (.tar, .tar.gz, .tar.zst), also as "
        "patterns, from standard input (-) or a named pipe, and by address (http(s)://, s3://), which is downloaded "
        "into\n"
        "--cache. The content says what an image is: JPEG, PNG, WebP, GIF (its first frame), BMP or TIFF.\n"
        "Images that cannot be decoded, or are too large, are skipped and counted by reason.\n"
        "A damaged shard ends the run.\n"
        "\n"
        "On SIGUSR1 and SIGTERM the command keeps what is done and ends with exit status 85; --resume continues.\n"
        "With --part several jobs make one store, each at its own time.\n",
    .examples = "  mpirun -np 4 negbank embed images --model vit-b-16 -o wild.nbe wild-images/\n"
                "  negbank embed images --model vit-b-16 --labels-from list -o id.nbe id-train.txt\n"
                "  srun negbank embed images --model vit-b-16 --resume -o wild.nbe 'shards/wild-*.tar'\n",
    .mpi = true);
