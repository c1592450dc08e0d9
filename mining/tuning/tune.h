/** @file
 * Training of both towers on ID images and their labels, or images and captions: CMA, or with lambda 0 CLIP's own.
 *
 * While it runs, OUT.partial holds the state (mining/tuning/state.h); at the end it becomes OUT: a checkpoint folder as
 * Hugging Face lays it out, with tune.tsv, the log of all steps. */
#ifndef NB_MINING_TUNING_TUNE_H
#define NB_MINING_TUNING_TUNE_H

#include "common/base/log.h"
#include "mining/embed/shared_model.h"
#include "mining/tuning/data.h"
#include "mining/tuning/trainer.h"

/** What a training is to do. Strings borrowed; the same on all ranks. */
typedef struct nb_tune_plan {
    nb_trainer_plan trainer;
    nb_tune_schedule schedule;
    bool seeded; /**< else pairs come in the list's order */
    uint64_t seed;
    const char *prompt;
    const nb_strings
        *captions; /**< the training images' labels number these texts; NULL: the label set, in the prompt */
    bool half;     /**< weights are written in half precision */
    size_t save_every, evaluate_every; /**< steps; 0: never before the end */
    const char *model;                 /**< folder the model came from */
    const char *output;
    bool force, resume;
    const char *configuration; /**< lines "key=value": what a resumed run must share */
} nb_tune_plan;

/** Looks at the output before any work and makes OUT.partial. Not collective: rank 0's.
 * @param plan what is to be done
 * @param complete becomes true when there is nothing left to do (resume, and OUT is there, which no run that began with
 * force has still to replace); what is left of such a run is then removed
 * @return NB_OK; NB_ERR_USAGE when the output exists and neither force nor resume is given, or it is no folder;
 * NB_ERR_IO when OUT.partial cannot be made; NB_ERR_LIMIT without memory. */
nb_status nb_tune_check_output(const nb_tune_plan *plan, bool *complete, nb_error *err);

/** What a training reads; the same on all ranks. Borrowed. */
typedef struct nb_tune_sets {
    const nb_image_inputs *train; /**< labelled images */
    const nb_image_inputs *held;  /**< labelled images on which ID accuracy is measured; NULL: none */
    const nb_strings *labels;     /**< the label set */
} nb_tune_sets;

/** Trains the model and writes the folder. Collective: all ranks get the same status.
 *
 * Asked to stop (common/parallel/stop.h), the ranks finish their step and save the state.
 * @param comm the ranks
 * @param log progress; may be silent
 * @param model its weights change
 * @param sets images and labels
 * @param plan what is to be done
 * @return NB_OK; NB_STOPPED after a request to stop; NB_ERR_NUMERIC naming the step whose loss, gradient or weights are
 * not finite, the state last saved stays; NB_ERR_USAGE for a prompt, a batch or, when it resumes, a configuration that
 * does not fit; NB_ERR_INPUT for an image that has no label or cannot be decoded, or a state of another model;
 * NB_ERR_VERIFY for a damaged state; NB_ERR_IO when images cannot be read or the folder not be written; NB_ERR_LIMIT
 * without memory. */
nb_status nb_tune(const nb_comm *comm, const nb_log *log, nb_model *model, const nb_tune_sets *sets,
                  const nb_tune_plan *plan, nb_error *err);

#endif
