/* What `plan` works on, and how much each stage takes. */
#ifndef NB_JOBS_PLAN_PLAN_STAGES_H
#define NB_JOBS_PLAN_PLAN_STAGES_H

#include "jobs/plan/plan_counts.h"
#include "jobs/plan/plan_rates.h"
#include "jobs/run/stages.h"

/** The settings of the command. */
typedef struct nb_plan_settings {
    nb_talk talk;
    const char *config, *memory;
    nb_strings rate, items;
    int64_t ranks, ranks_per_node;
    bool json;
} nb_plan_settings;

/** One stage's line. */
typedef struct nb_plan_row {
    const nb_stage *stage;
    nb_estimate e;
    nb_plan_count made;                 /**< what later stages find in its output */
    double memory, seconds, free_space; /**< free_space: bytes where the output goes, 0 for unknown */
    bool approximate;
    char problem[256]; /**< why it cannot run, "" when it can */
} nb_plan_row;

/** What `plan` works on. */
typedef struct nb_plan {
    nb_job *job;
    const nb_plan_settings *set;
    nb_stages stages;
    nb_plan_row *rows; /**< [stages.count] */
    nb_rates rates;
    double limit; /**< bytes a rank, 0: none */
} nb_plan;

/** Fills e, made, approximate and seconds (of one rank alone) of a row whose stage is set; rows of the stages before it
 * are filled. Measures rates that are not known. Not collective.
 * @param plan the stages, their rows and the rates
 * @param row  one of plan->rows
 * @return NB_OK; a stage that cannot run has its `problem` said instead; NB_ERR_LIMIT without memory */
nb_status nb_plan_stage(nb_plan *plan, nb_plan_row *row, nb_error *err);

#endif
