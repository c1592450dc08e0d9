/**
 * @file
 * The part of eval that makes the report's page and plots.
 */
#ifndef NB_JOBS_EVAL_EVAL_REPORT_H
#define NB_JOBS_EVAL_EVAL_REPORT_H

#include "jobs/job.h"
#include "scoring/report/evaluation.h"
#include "scoring/scores/score.h"

/** What there is to show. */
typedef struct nb_eval_show {
    const nb_job *job;
    const nb_eval_plan *plan;
    const nb_evaluation *evaluation;
    const nb_report *report;
    const nb_bank *bank;       /**< NULL: score files were read */
    const nb_scorer *scorer;   /**< of the first run, with a bank */
    const nb_strings *classes; /**< names of the classes without a bank; may be NULL */
    const char *image_folder;
    const char *page, *plots; /**< where they go; NULL: not wanted */
    bool force;
} nb_eval_show;

/** Makes the page and the plots that are wanted. Not collective.
 * @param show what there is to show, and where it goes
 * @return NB_OK, NB_ERR_LIMIT when memory is out, or as nb_sweep_sizes, nb_page_write and nb_panels_write fail */
nb_status nb_eval_show_all(const nb_eval_show *show, nb_error *err);

#endif
