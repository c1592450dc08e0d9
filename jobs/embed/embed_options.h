/* What `embed text` and `embed images` share: the options of a run and its second half. */
#ifndef NB_JOBS_EMBED_EMBED_OPTIONS_H
#define NB_JOBS_EMBED_EMBED_OPTIONS_H

#include "jobs/job.h"
#include "jobs/precision.h"
#include "mining/embed/embed.h"
#include "mining/embed/shared_model.h"

typedef struct nb_embed_choice {
    const char *model, *precision, *store, *output, *sharing, *part;
    bool force, resume;
} nb_embed_choice;

/* `set` has an nb_embed_choice `embed`. */
#define NB_EMBED_OPTIONS(set)                                                                                          \
    {.name = "model",                                                                                                  \
     .type = NB_OPTION_INPUT,                                                                                          \
     .offset = offsetof(set, embed.model),                                                                             \
     .value = "DIR",                                                                                                   \
     .required = true,                                                                                                 \
     .help = "CLIP checkpoint folder"},                                                                                \
        NB_PRECISION_OPTION(set, embed.precision),                                                                     \
        {.name = "store",                                                                                              \
         .type = NB_OPTION_CHOICE,                                                                                     \
         .offset = offsetof(set, embed.store),                                                                         \
         .fallback = "fp32",                                                                                           \
         .choices = "fp32|fp16",                                                                                       \
         .value = "TYPE",                                                                                              \
         .help = "precision of the stored embeddings"},                                                                \
        {.name = "resume",                                                                                             \
         .type = NB_OPTION_FLAG,                                                                                       \
         .offset = offsetof(set, embed.resume),                                                                        \
         .unrecorded = true,                                                                                           \
         .help = "continue what an interrupted run left, on any number of ranks"},                                     \
        {.name = "part",                                                                                               \
         .type = NB_OPTION_TEXT,                                                                                       \
         .offset = offsetof(set, embed.part),                                                                          \
         .value = "K/N",                                                                                               \
         .unrecorded = true,                                                                                           \
         .help = "make part K of N alone, beside other jobs; the last one completes the store; 0/N lays it out"},      \
        {.name = "sharing",                                                                                            \
         .type = NB_OPTION_CHOICE,                                                                                     \
         .offset = offsetof(set, embed.sharing),                                                                       \
         .fallback = "auto",                                                                                           \
         .choices = "auto|node|window|dealt",                                                                          \
         .value = "HOW",                                                                                               \
         .unrecorded = true,                                                                                           \
         .help = "how ranks share tiles: memory of a node, an MPI window, or not at all"},                             \
        {.name = "output",                                                                                             \
         .letter = 'o',                                                                                                \
         .type = NB_OPTION_OUTPUT,                                                                                     \
         .offset = offsetof(set, embed.output),                                                                        \
         .value = "FILE",                                                                                              \
         .required = true,                                                                                             \
         .help = "the embedding store"},                                                                               \
    {                                                                                                                  \
        .name = "force", .type = NB_OPTION_FLAG, .offset = offsetof(set, embed.force), .unrecorded = true,             \
        .help = "overwrite the output"                                                                                 \
    }

/* Collective. Listens for requests to stop. Refuses an output that exists before any work; with --resume and --part
 * that waits until it is known what is there. */
nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err);

/* Collective. Completes `spec` (width, precision, provenance) and `work` (sharing), makes the store with all ranks,
 * records the run and where its time went, and says so, `note` behind it. `tile_rows`, names and columns are set by the
 * caller. *left (may be NULL) is how many tiles of other parts are still to be done. */
nb_status nb_job_embed(nb_job *job, const nb_embed_choice *choice, const nb_clip *clip, nb_store_spec spec,
                       nb_embed_work work, const char *note, size_t *left, nb_error *err);

#endif
