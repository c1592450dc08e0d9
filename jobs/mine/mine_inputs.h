/** @file
 * What `mine` reads: the candidates, the labels with their embeddings, images; all of one checkpoint. */
#ifndef NB_JOBS_MINE_MINE_INPUTS_H
#define NB_JOBS_MINE_MINE_INPUTS_H

#include "jobs/job.h"
#include "mining/criteria/evidence.h"

/** What the command line says; NULL where it says nothing. */
typedef struct nb_mine_sources {
    const char *texts;            /**< store of the candidates */
    const char *labels;           /**< label file */
    const char *label_embeddings; /**< store of the labels, or */
    const char *model;            /**< the checkpoint that embeds them */
    const char *precision;        /**< of that */
    const char *id_images;        /**< store of labelled images */
    const char *wild_images;      /**< store of unlabelled images */
    const char *calibrate;        /**< store of held-out ID images */
    const char *stop_list;        /**< text file */
    nb_strings prompt;            /**< for the labels */
    const char *prompt_mean;      /**< of several: "normalised" or "raw" */
    bool allow_mismatch;          /**< what is of another checkpoint than the texts is a warning, not an error */
} nb_mine_sources;

/** The open inputs, the same on all ranks. */
typedef struct nb_mine_inputs {
    nb_job *job;                                       /**< borrowed */
    const nb_mine_sources *from;                       /**< borrowed */
    nb_store texts, id_images, wild_images, calibrate; /**< path NULL: not given */
    nb_strings labels, stops;                          /**< stops empty without a stop list */
    float *label_rows;                                 /**< [C, d] as they came */
    double *label_doubles;                             /**< [C, d] normalised */
    double *prototypes;                                /**< [C, d], NULL without ID images */
    nb_candidates candidates;                          /**< of `texts` */
} nb_mine_inputs;

/** Opens and records all of them. Collective.
 * @param out  closed with nb_mine_inputs_close, also after a failure
 * @param job borrowed for as long
 * @param from borrowed for as long
 * @return NB_OK; NB_ERR_INPUT when widths or known checkpoints differ; NB_ERR_USAGE unless the labels' embeddings come
 *         one way, or when the images held out are the very ones mined with; or an error of reading */
nb_status nb_mine_inputs_open(nb_mine_inputs *out, nb_job *job, const nb_mine_sources *from, nb_error *err);

/** What criteria look at, borrowed from the inputs. Not collective.
 * @param inputs open
 * @return the evidence */
nb_evidence nb_mine_inputs_evidence(const nb_mine_inputs *inputs);

/** Takes {0}. Not collective.
 * @param inputs emptied */
void nb_mine_inputs_close(nb_mine_inputs *inputs);

#endif
