/* negbank store import: embeddings that others computed, into a store. */
#include "jobs/commands.h"

#include "mining/embed/embedding_files.h"
#include "mining/embed/import.h"
#include "mining/embed/metadata.h"

#include <stdlib.h>

typedef struct settings {
    nb_talk talk;
    const char *embeddings, *names, *column, *labels, *tags, *output;
    bool force;
} settings;

static nb_status store_import_run(nb_job *job, nb_error *err)
{
    const settings *s = job->settings;
    nb_digest digest;
    size_t count = 0;
    char *provenance = NULL;
    nb_strings files = {0};
    nb_status status;
    NB_TRY(nb_job_check_outputs(job, &s->output, 1, s->force, err));
    NB_TRY(nb_embedding_files_list(&files, s->embeddings, err));
    for (size_t i = 0; i < files.count; i++) {
        NB_TRY(nb_provenance_file(&job->provenance, "embeddings", nb_strings_get(&files, i), err));
    }
    nb_strings_free(&files);
    if (!s->names) {
        NB_TRY(nb_metadata_list(&files, s->embeddings, err));
    }
    for (size_t i = 0; i < files.count; i++) {
        NB_TRY(nb_provenance_file(&job->provenance, "metadata", nb_strings_get(&files, i), err));
    }
    const char *const roles[] = {"names", "labels", "tags"};
    const char *const paths[] = {s->names, s->labels, s->tags};
    for (size_t i = 0; i < 3; i++) {
        if (paths[i]) {
            NB_TRY(nb_provenance_file(&job->provenance, roles[i], paths[i], err));
        }
    }
    NB_TRY(nb_provenance_text(&job->provenance, &provenance, err));
    nb_import import = {.embeddings = s->embeddings,
                        .names = s->names,
                        .column = s->column,
                        .log = &job->log,
                        .labels = s->labels,
                        .tags = s->tags,
                        .provenance = provenance};
    NB_TRY(nb_import_store(&import, s->output, s->force, &digest, &count, err));
    nb_job_record(job, s->output, digest.hex);
    nb_log_info(&job->log, "%zu embeddings -> %s", count, s->output);
done:
    nb_strings_free(&files);
    free(provenance);
    return status;
}

static const nb_option options[] = {
    OPT_INPUT("embeddings", embeddings, "M.npy",
              "matrix [N, d] of float16, float32 or float64; or a folder of clip-retrieval", OPT_REQUIRED, OPT_PIPED),
    OPT_INPUT("names", names, "F.txt", "texts or image names, one a line", OPT_PIPED),
    OPT_TEXT(
        "column", column, "NAME", NULL,
        "of clip-retrieval's metadata: the column of the names; default: image_path, url or key of images, caption "
        "or text of texts"),
    OPT_INPUT("labels", labels, "L.npy", "ID class numbers of images, -1 for none, of any integer type", OPT_PIPED),
    OPT_INPUT("tags", tags, "F.txt", "tags of texts, one of none, noun, adj a line", OPT_PIPED),
    NB_OUTPUT_OPTIONS("the embedding store"),
    NB_TALK_OPTIONS,
};

NB_COMMAND(store_import, store_import_run, "store import", "make an embedding store of a .npy matrix",
           "-o S.nbe --embeddings M.npy [options]",
           .description =
               "Embeddings that another program computed become a store like those of negbank embed.\n"
               "Mining and scoring then need no checkpoint.\n"
               "Of a folder that clip-retrieval made, img_emb/img_emb_0.npy and on are read in the order of their\n"
               "numbers; its folder text_emb may be given itself. Names are those of --names, else of the folder\n"
               "metadata, whose rows must be as many, else row numbers.\n",
           .examples = "  negbank store import --embeddings words.npy --names words.txt -o words.nbe\n"
                       "  negbank store import --embeddings id.npy --labels id-labels.npy -o id.nbe\n");
