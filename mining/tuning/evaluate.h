/** @file
 * How well the model at hand tells the ID classes apart. */
#ifndef NB_MINING_TUNING_EVALUATE_H
#define NB_MINING_TUNING_EVALUATE_H

#include "common/parallel/comm.h"
#include "mining/tuning/data.h"

/** Counts the labelled images whose class's prompted label is the text of the largest cosine, the lowest class among
 * equals. Collective: the same count and status on all ranks, which take tiles of images in turn.
 * @param comm the ranks
 * @param clip the model
 * @param held images, the texts of their labels, and the prompt
 * @param right becomes the count, over all ranks
 * @return NB_OK; NB_ERR_INPUT for an image that cannot be decoded; NB_ERR_IO for one that cannot be read;
 * NB_ERR_NUMERIC when an embedding has no length; NB_ERR_LIMIT without memory; and as nb_prompts_create. */
nb_status nb_tune_evaluate(const nb_comm *comm, const nb_clip *clip, const nb_labelled_images *held, uint64_t *right,
                           nb_error *err);

#endif
