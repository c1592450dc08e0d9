/**
 * @file
 * The part of eval that asks whether a bank knows the classes of an OOD set: negatives that equal their names or stand
 * nearest to them, and the figures without those.
 */
#ifndef NB_JOBS_EVAL_EVAL_LEAKAGE_H
#define NB_JOBS_EVAL_EVAL_LEAKAGE_H

#include "jobs/job.h"
#include "scoring/report/evaluation.h"
#include "scoring/scores/score.h"

/** What is evaluated; borrowed. */
typedef struct nb_eval_leakage_of {
    nb_job *job; /**< its provenance gets the files of names */
    const nb_eval_plan *plan;
    const nb_bank *bank;     /**< NULL: score files were read */
    const nb_scorer *scorer; /**< with a bank */
    bool as_released, allow_mismatch;
} nb_eval_leakage_of;

/** Scores the images of the first run again with the bank less the negatives that are classes of an OOD set. Not
 * collective.
 * @param of what is evaluated
 * @param words of --ood-names: "NAME=FILE", where FILE has a name a line, or is a store (.nbe) of the names' texts
 * @param report gets the findings, a set each
 * @return NB_OK; NB_ERR_USAGE without a bank, with a score of streams or one without negatives, and for a word that is
 * not of this form, names no set, or names one again; NB_ERR_INPUT for a store of another width or checkpoint; or as
 * nb_labels_read, nb_store_open and nb_score_rows fail */
nb_status nb_eval_leakage(const nb_eval_leakage_of *of, const nb_strings *words, nb_report *report, nb_error *err);

#endif
