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

/* Rows of a settings struct with an nb_embed_choice `embed`. */
/* clang-format off */
#define NB_EMBED_OPTIONS                                                                                               \
    OPT_INPUT("model", embed.model, "DIR", "CLIP checkpoint folder", OPT_REQUIRED),                                    \
    NB_PRECISION_OPTION(embed.precision),                                                                              \
    OPT_CHOICE("store", embed.store, "TYPE", "fp32", "fp32|fp16", "precision of the stored embeddings"),               \
    OPT_FLAG("resume", embed.resume, "continue an interrupted run, on any number of ranks", OPT_UNRECORDED),           \
    OPT_TEXT("part", embed.part, "K/N", NULL, "part K of N, beside other jobs; 0/N lays it out", OPT_UNRECORDED),      \
    OPT_CHOICE("sharing", embed.sharing, "HOW", "auto", "auto|node|window|dealt", "sharing of tiles", OPT_UNRECORDED), \
    OPT_OUTPUT("output", embed.output, "FILE", "the embedding store", .letter = 'o', OPT_REQUIRED),                    \
    OPT_FLAG("force", embed.force, "overwrite the output", OPT_UNRECORDED)
/* clang-format on */

/* Collective. Listens for requests to stop. Refuses an output that exists before any work; with --resume and --part
 * that waits until it is known what is there. */
nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err);

/* Collective. Completes `spec` (width, precision, provenance) and `work` (sharing), makes the store with all ranks,
 * records the run and where its time went, and says so, `note` behind it. `tile_rows`, names and columns are set by the
 * caller. *left (may be NULL) is how many tiles of other parts are still to be done. */
nb_status nb_job_embed(nb_job *job, const nb_embed_choice *choice, const nb_clip *clip, nb_store_spec spec,
                       nb_embed_work work, const char *note, size_t *left, nb_error *err);

#endif
