/* What `embed text` and `embed images` share: the options of a run and its second half. */
#ifndef NB_JOBS_EMBED_EMBED_OPTIONS_H
#define NB_JOBS_EMBED_EMBED_OPTIONS_H

#include "jobs/job.h"
#include "jobs/precision.h"
#include "mining/embed/embed.h"
#include "mining/embed/shared_model.h"

/** The options that both commands have. */
typedef struct nb_embed_choice {
    const char *model, *precision, *store, *output, *sharing, *part;
    bool force, resume;
} nb_embed_choice;

/* Rows of a settings struct with an nb_embed_choice `embed`. */
/* clang-format off */
#define NB_EMBED_OPTIONS                                                                                               \
    OPT_INPUT("model", embed.model, "DIR", "CLIP checkpoint folder", OPT_REQUIRED),                                    \
        NB_PRECISION_OPTION(embed.precision),                                                                          \
        OPT_CHOICE("store", embed.store, "TYPE", "fp32", "fp32|fp16", "precision of the stored embeddings"),           \
        OPT_FLAG("resume", embed.resume, "continue what an interrupted run left, on any number of ranks",              \
                 OPT_UNRECORDED),                                                                                      \
        OPT_TEXT("part", embed.part, "K/N", NULL,                                                                      \
                 "make part K of N alone, beside other jobs; the last one completes the store; 0/N only "              \
                 "preallocates it",                                                                                    \
                 OPT_UNRECORDED),                                                                                      \
        OPT_CHOICE("sharing", embed.sharing, "HOW", "auto", "auto|node|window|round-robin|" NB_SHARING_OLD_WORD,      \
                   "how ranks share tiles: a queue in the node's memory, one in an MPI window, or round-robin",         \
                   OPT_UNRECORDED),                                                                                    \
        OPT_OUTPUT("output", embed.output, "FILE", "the embedding store", .letter = 'o', OPT_REQUIRED),                \
        OPT_FLAG("force", embed.force, "overwrite the output", OPT_UNRECORDED)
/* clang-format on */

/** Listens for requests to stop, and refuses an output that exists before any work; with --resume and --part that waits
 * until it is known what is there.
 *
 * Collective.
 * @param job    of the command
 * @param choice its options
 * @return NB_OK; NB_ERR_USAGE for the output or --part; the same on all ranks */
nb_status nb_job_embed_check(nb_job *job, const nb_embed_choice *choice, nb_error *err);

/** What a command gives to nb_job_embed. */
typedef struct nb_embedding {
    const nb_embed_choice *choice; /**< the options */
    const nb_clip *clip;           /**< the model, open */
    nb_store_spec spec;            /**< rows, names and columns; width, precision and provenance are completed */
    nb_corpus_reader *corpus;      /**< whose texts and tags are the store's; NULL for images */
    nb_embed_work work;            /**< what makes a tile; the sharing is completed */
    const char *note;              /**< said behind the line that reports the store */
    size_t left;                   /**< receives how many tiles of other parts are still to be done */
} nb_embedding;

/** Makes the store with all ranks, records the run and where its time went, and reports it.
 *
 * Collective.
 * @param job       of the command
 * @param embedding completed here; receives `left`
 * @return NB_OK; NB_STOPPED on request, with what is done kept; else what nb_embed_store and provenance return, on all
 *         ranks */
nb_status nb_job_embed(nb_job *job, nb_embedding *embedding, nb_error *err);

#endif
