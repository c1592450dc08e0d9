/* Training of both towers on ID images and their labels, or images and captions: CMA, or with lambda 0 CLIP's own.
 *
 * While it runs, OUT.partial holds the state (mining/tuning/state.h); at the end it becomes OUT: a checkpoint folder as
 * Hugging Face lays it out, with tune.tsv, the log of all steps. */
#ifndef NB_MINING_TUNING_TUNE_H
#define NB_MINING_TUNING_TUNE_H

#include "common/base/log.h"
#include "mining/embed/shared_model.h"
#include "mining/tuning/data.h"
#include "mining/tuning/trainer.h"

typedef struct nb_tune_plan {
    nb_trainer_plan trainer;
    nb_tune_schedule schedule;
    bool seeded; /* else pairs come in the list's order */
    uint64_t seed;
    const char *prompt;
    const nb_strings *captions; /* the training images' labels number these texts; NULL: the label set, in the prompt */
    bool half;                  /* weights are written in half precision */
    size_t save_every, evaluate_every; /* steps; 0: never before the end */
    const char *model;                 /* folder the model came from */
    const char *output;
    bool force, resume;
    const char *configuration; /* lines "key=value": what a resumed run must share */
} nb_tune_plan;

/* Not collective; rank 0 asks before any work. NB_ERR_USAGE when the output exists and neither force nor resume is
 * given; makes OUT.partial. *complete: there is nothing left to do (resume, and OUT is there, which no run that began
 * with force has still to replace); what is left of such a run is then removed. */
nb_status nb_tune_check_output(const nb_tune_plan *plan, bool *complete, nb_error *err);

/* Collective. `held` may be NULL: labelled images on which ID accuracy is measured. Asked to stop
 * (common/parallel/stop.h), the ranks finish their step, save the state and return NB_STOPPED. NB_ERR_NUMERIC names the
 * step whose loss, gradient or weights are not finite; the state last saved stays. */
nb_status nb_tune(const nb_team *team, const nb_log *log, nb_model *model, const nb_image_inputs *train,
                  const nb_image_inputs *held, const nb_strings *labels, const nb_tune_plan *plan, nb_error *err);

#endif
