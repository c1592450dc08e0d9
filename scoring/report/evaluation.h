/**
 * @file
 * An evaluation: which images were scored in which run, checked, and the report made of them.
 *
 * Words on the command line become a plan (what to read), files become samples (scores and their keys), samples and
 * plan become a report.
 */
#ifndef NB_SCORING_EVALUATION_H
#define NB_SCORING_EVALUATION_H

#include "scoring/files/score_file.h"
#include "scoring/report/report.h"

/** What is to be read: for every run the ID images and every OOD set. Owns its strings. */
typedef struct nb_eval_plan {
    nb_strings names, groups; /**< [set_count] OOD sets; group "" for none */
    nb_strings ids;           /**< [run_count] files of ID images; none when `streams` */
    nb_strings paths;         /**< [run_count, set_count] files of the sets */
    size_t set_count, run_count;
    bool streams; /**< each file of a set holds its ID images too */
    bool paired;  /**< the ID images are scored anew beside each set, in one stream with it; the caller's to set */
} nb_eval_plan;

/** Makes a plan of the words of a command line. Runs: as many as there are --id words (or words of one stream); the
 * n-th word of each name belongs to run n.
 * @param out freed by the caller with nb_eval_plan_free; {0} on failure
 * @param ids of --id: files
 * @param oods of --ood: "NAME=FILE" or "GROUP:NAME=FILE"
 * @param streams of --stream, alike
 * @return NB_OK; NB_ERR_USAGE for a word that is not of this form, for a set that does not have one file a run, and for
 * streams beside --id or --ood; NB_ERR_INPUT for a set twice in the only run; NB_ERR_LIMIT when memory is out */
nb_status nb_eval_plan_read(nb_eval_plan *out, const nb_strings *ids, const nb_strings *oods, const nb_strings *streams,
                            nb_error *err);

/** Frees a plan.
 * @param plan a plan or {0} */
void nb_eval_plan_free(nb_eval_plan *plan);

/** Makes several runs of the only one.
 * @param plan of one run
 * @param count runs
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_eval_plan_repeat(nb_eval_plan *plan, size_t count, nb_error *err);

/** The file of a set in a run.
 * @param plan the plan
 * @param run, set their numbers
 * @return its path */
const char *nb_eval_plan_path(const nb_eval_plan *plan, size_t run, size_t set);

/** The images of one kind in one run. */
typedef struct nb_sample {
    char *path;
    nb_scores scores;
    double *keys; /**< [count] what they are ordered by */
    uint32_t
        *by_name;   /**< [count] rows in the order of their names: resampling does not depend on the order of a file */
    size_t doubled; /**< rows whose name an earlier row has */
    size_t example; /**< one of them, a row from 0 */
} nb_sample;

/** ID and OOD images that are compared. */
typedef struct nb_pairing {
    size_t id, ood; /**< indices of samples */
} nb_pairing;

/** All images of all runs. */
typedef struct nb_evaluation {
    nb_sample *samples;
    nb_pairing *pairs; /**< [run_count, set_count] */
    size_t sample_count, set_count, run_count;
    bool as_released;
    bool odds;     /**< keys are log-odds */
    bool log_odds; /**< so are the scores themselves */
} nb_evaluation;

/** Makes an evaluation, whose samples the caller fills in any order.
 * @param out freed by the caller with nb_evaluation_free, also after a failure
 * @param plan says which samples there are
 * @param as_released images are ordered by scores in single precision, as released code does
 * @return NB_OK, or NB_ERR_LIMIT when memory is out */
nb_status nb_evaluation_begin(nb_evaluation *out, const nb_eval_plan *plan, bool as_released, nb_error *err);

/** Frees an evaluation.
 * @param evaluation an evaluation or {0} */
void nb_evaluation_free(nb_evaluation *evaluation);

/** What the scores of a sample are of. */
typedef struct nb_sample_source {
    const char *path;   /**< of the file; copied */
    size_t label_count; /**< ID classes; 0: the number that the scores' comments name, if they do */
    bool id;            /**< of ID images */
} nb_sample_source;

/** Fills a sample and computes its keys.
 * @param e the evaluation
 * @param sample its number in the plan
 * @param source where the scores come from
 * @param scores taken over: {0} afterwards, also after a failure
 * @return NB_OK, NB_ERR_INPUT for a predicted class, or a label of ID images, from label_count on, NB_ERR_LIMIT for
 * over 2^32 - 1 rows or when memory is out, or as nb_scores_keys fails */
nb_status nb_evaluation_take(nb_evaluation *e, size_t sample, const nb_sample_source *source, nb_scores *scores,
                             nb_error *err);

/** Fills both samples of a stream: rows with a label are ID images, rows with label -1 OOD images.
 * @param e the evaluation
 * @param pair the samples
 * @param path the stream's file
 * @param scores copied
 * @return NB_OK, NB_ERR_INPUT when there are none of one kind, or as nb_evaluation_take fails */
nb_status nb_evaluation_split(nb_evaluation *e, const nb_pairing *pair, const char *path, const nb_scores *scores,
                              nb_error *err);

/** Whether the samples of every run compare. Sets e->odds.
 * @param e all samples filled
 * @return NB_OK, or NB_ERR_INPUT when one has ood_score or log-odds and the other not, or their comments name different
 * banks or scores */
nb_status nb_evaluation_check(nb_evaluation *e, nb_error *err);

/** Whether all keys of a pair are one value, so that no metric says anything.
 * @param e the evaluation
 * @param pair the samples
 * @return true when they are */
bool nb_evaluation_flat(const nb_evaluation *e, const nb_pairing *pair);

/** What the bootstrap does. */
typedef struct nb_bootstrap {
    size_t resamples; /**< 0: none */
    double confidence;
    uint64_t seed;
} nb_bootstrap;

/** Makes the report of all runs. Intervals are percentiles of the figures over resamples: ID and OOD images are drawn
 * with replacement, the same draws in every run and, for the ID images, beside every OOD set; random numbers depend on
 * seed, set, resample and place alone, so the intervals are the same everywhere.
 * @param e all samples filled and checked
 * @param plan names and groups
 * @param how the bootstrap
 * @param out freed by the caller with nb_report_free; {0} on failure
 * @return NB_OK, or as nb_report_begin, nb_metrics_compute, nb_report_settle and nb_bootstrap_intervals fail */
nb_status nb_evaluation_report(const nb_evaluation *e, const nb_eval_plan *plan, const nb_bootstrap *how,
                               nb_report *out, nb_error *err);

#endif
