/**
 * @file
 * The part of eval that scores stores along streams: the ID images and one OOD set, mixed, as AdaNeg and InterNeg are
 * evaluated. What `score` with the same stores, order and batch writes, evaluated with --stream, gives the same
 * figures.
 */
#ifndef NB_JOBS_EVAL_EVAL_STREAM_H
#define NB_JOBS_EVAL_EVAL_STREAM_H

#include "common/clip/model/model.h"
#include "jobs/job.h"
#include "scoring/files/score_file.h"
#include "scoring/scores/score.h"

/** What the options say of streams; borrowed. */
typedef struct nb_eval_streams {
    const nb_job *job;
    const nb_strings *orders; /**< words of --order: FILE, or NAME=FILE for one set */
    const nb_strings *names;  /**< the OOD sets */
    size_t batch;
    const nb_clip *clip; /**< fp32, to invert confident OOD images through; NULL: none are */
} nb_eval_streams;

/** Opens the checkpoint to invert images through, for scores that make visual negatives; says in the log what is done.
 * Not collective.
 * @param job its options and log
 * @param scorer of the score
 * @param model the checkpoint; NULL: none
 * @param allow another checkpoint than the bank's is a warning, not an error
 * @param clip closed by the caller, also after a failure; NULL where nothing is inverted
 * @return NB_OK, NB_ERR_INPUT for another checkpoint than the bank's, or as nb_stream_visual_decide and nb_clip_open
 * fail */
nb_status nb_eval_stream_model(const nb_job *job, const nb_scorer *scorer, const char *model, bool allow,
                               nb_clip **clip, nb_error *err);

/** The order file of a set: the last word that names it, else the last that names no set. Not collective.
 * @param streams what the options say
 * @param set number of the OOD set
 * @return a path that the options own; NULL for none */
const char *nb_eval_stream_order(const nb_eval_streams *streams, size_t set);

/** What is scored as one stream, and where the scores go. */
typedef struct nb_eval_stream_pair {
    uint64_t seed;                    /**< mixes the images where no order is given */
    size_t set;                       /**< number of the OOD set */
    nb_store *id_images, *ood_images; /**< open; read */
    nb_scores *id, *ood;              /**< {0} before; tables in the order of their stores, freed by the caller */
} nb_eval_stream_pair;

/** Scores the ID images and one OOD set as one stream. Rows are numbered, and names sought by --order, ID images first.
 * Without an order they are mixed by pair->seed (scoring/streams/stream_order.h). Not collective.
 * @param streams what the options say
 * @param scorer scores them
 * @param pair the stores; its tables are filled in the order of their stores
 * @return NB_OK, NB_ERR_INPUT for an order that does not fit, or as reading and scoring fail */
nb_status nb_eval_stream_score(const nb_eval_streams *streams, const nb_scorer *scorer, const nb_eval_stream_pair *pair,
                               nb_error *err);

#endif
