/**
 * @file
 * The embedded corpus of a stream that passes over one (tanl), shared by the ranks.
 */
#ifndef NB_JOBS_SCORE_SCORE_CORPUS_H
#define NB_JOBS_SCORE_SCORE_CORPUS_H

#include "common/store/embeddings.h"
#include "jobs/job.h"
#include "scoring/scores/score.h"
#include "scoring/streams/corpus_pass.h"

/** Where it comes from; borrowed. */
typedef struct nb_score_corpus_sources {
    const char *texts;   /**< --texts: the store of the corpus; NULL: none */
    const char *noise;   /**< --noise: a store of noise images; NULL: drawn, and embedded by `model` */
    const char *model;   /**< a checkpoint; NULL: none */
    bool allow_mismatch; /**< another checkpoint than the bank's is a warning, not an error */
} nb_score_corpus_sources;

/** The corpus, opened. Owns everything in it; `corpus` may be given to a scorer. */
typedef struct nb_score_corpus {
    nb_job *job;
    nb_store texts;
    float *noise;
    nb_stream_corpus corpus;
} nb_score_corpus;

/** Opens what a scorer's stream passes over, and gives it to the scorer; does nothing for other scores. Not collective:
 * every rank opens its own, and the first combination of the stream agrees.
 * @param out stays where it is as long as the scorer; closed by nb_score_corpus_close, also after a failure
 * @param job its log and ranks
 * @param sources what the command line says
 * @param scorer its corpus is set
 * @return NB_OK, NB_ERR_USAGE when there is no corpus, or neither noise images nor a checkpoint to embed some with,
 * NB_ERR_INPUT for a store of another width, kind or checkpoint than the bank's, or as opening stores and checkpoints
 * fails */
nb_status nb_score_corpus_open(nb_score_corpus *out, nb_job *job, const nb_score_corpus_sources *sources,
                               nb_scorer *scorer, nb_error *err);

/** Closes the corpus.
 * @param corpus {0} afterwards; takes {0} */
void nb_score_corpus_close(nb_score_corpus *corpus);

#endif
