/**
 * @file
 * Texts of two labels for the score negrefine: "dog and gramophone" under the prompts of the bank's nouns, embedded
 * as they are asked for and kept. Each is embedded alone, so that an image's score does not depend on what was asked
 * for before it.
 */
#ifndef NB_JOBS_SCORE_SCORE_PAIRS_H
#define NB_JOBS_SCORE_SCORE_PAIRS_H

#include "jobs/job.h"
#include "mining/embed/embed.h"
#include "scoring/scores/score.h"

enum { NB_SCORE_PAIRS_BYTES = 1 << 28 /**< of embeddings that are kept; behind that all are dropped */ };

/** What embeds pairs. Owns everything in it. */
typedef struct nb_score_pairs {
    const nb_bank *bank; /**< borrowed */
    nb_clip *clip;
    nb_prompts prompts;
    nb_strings text; /**< the one that is embedded */
    nb_text_embedder embedder;
    uint64_t *keys; /**< [capacity] 1 + label * M + negative, 0: empty; capacity is a power of two */
    float *rows;    /**< [capacity, d] */
    size_t capacity, count;
    size_t embedded, cut; /**< pairs so far; those whose text was longer than the checkpoint's context */
    nb_pair_texts pairs;  /**< for a scorer */
} nb_score_pairs;

/** Opens what embeds pairs, and gives it to a scorer that asks for it; does nothing for other scores. Not collective:
 * every rank opens its own.
 * @param out stays where it is as long as the scorer; closed by nb_score_pairs_close, also after a failure
 * @param job its log
 * @param model the checkpoint; NULL: none
 * @param allow another checkpoint than the bank's is a warning, not an error
 * @param scorer its pairs are set
 * @return NB_OK, NB_ERR_USAGE without a checkpoint, NB_ERR_INPUT for one of another width than the bank's or for a bank
 * without names, or as opening checkpoints fails */
nb_status nb_score_pairs_open(nb_score_pairs *out, nb_job *job, const char *model, bool allow, nb_scorer *scorer,
                              nb_error *err);

/** Says in the log how many texts were embedded. Not collective.
 * @param pairs open or {0}
 * @param log where it is said */
void nb_score_pairs_tell(const nb_score_pairs *pairs, const nb_log *log);

/** Frees what embeds pairs.
 * @param pairs {0} afterwards; takes {0} */
void nb_score_pairs_close(nb_score_pairs *pairs);

#endif
