/** @file
 * Training pairs: ID images and the texts of their labels, or images and their own captions.
 *
 * Pair i is image i of the list and the prompt filled with its label (a caption is a label in the prompt "{}"). Images
 * are decoded when a step needs them; the crops of a batch's own pairs stay until the next batch, for the second pass.
 * Nothing here is collective. */
#ifndef NB_MINING_TUNING_DATA_H
#define NB_MINING_TUNING_DATA_H

#include "mining/images/reader.h"
#include "mining/tuning/trainer.h"

/** Images, and the texts of their labels. All borrowed. */
typedef struct nb_labelled_images {
    const nb_image_inputs *images;
    const nb_strings *labels; /**< by label number */
    const char *prompt;       /**< "{}" in it is where the label goes */
} nb_labelled_images;

/** The pairs, and the batch that was last read. */
typedef struct nb_tune_data {
    const nb_clip *clip;           /**< borrowed */
    const nb_image_inputs *images; /**< borrowed */
    size_t classes;
    int32_t *ids;    /**< [classes, context] */
    size_t *lengths; /**< [classes] */
    nb_image_reader *reader;
    nb_image *crops; /**< [batch] of the places of the batch */
    size_t *held;    /**< [batch] the pair whose crop it is, one more; 0: none */
    size_t batch;
} nb_tune_data;

/** Makes pairs; no image is read yet.
 * @param out freed by the caller with nb_tune_data_destroy; {0} on failure
 * @param clip its tokenizer and image size count; borrowed
 * @param pairs the images are borrowed, labels and prompt only read
 * @param batch pairs of a batch
 * @return NB_OK; NB_ERR_INPUT for an image without a label or with one beyond the label set; NB_ERR_USAGE for a prompt
 * without {}; NB_ERR_LIMIT without memory; else as nb_tokenizer_encode. */
nb_status nb_tune_data_create(nb_tune_data *out, const nb_clip *clip, const nb_labelled_images *pairs, size_t batch,
                              nb_error *err);

/** Frees pairs.
 * @param data what nb_tune_data_create made, or {0} */
void nb_tune_data_destroy(nb_tune_data *data);

/** An nb_pair_reader (mining/tuning/trainer.h).
 * @param data an nb_tune_data
 * @param place, number, out as there
 * @return as nb_image_reader_decode. */
nb_status nb_tune_data_read(void *data, size_t place, size_t number, nb_pair *out, nb_error *err);

/** Which pairs a step takes.
 *
 * Every epoch is a permutation of all pairs, drawn from (seed, epoch) alone, or their own order without a seed; what is
 * left behind the last whole batch of an epoch is passed over. */
typedef struct nb_tune_order {
    size_t pairs, batch;
    bool seeded;
    uint64_t seed;
    size_t *order; /**< [pairs] of `epoch` */
    size_t epoch;
} nb_tune_order;

/** Makes an order.
 * @param out freed by the caller with nb_tune_order_destroy, also after a failure
 * @param pairs how many there are
 * @param batch pairs a step
 * @param seeded false: the pairs' own order
 * @param seed of the permutations
 * @return NB_OK; NB_ERR_USAGE when the batch is larger than the data; NB_ERR_LIMIT without memory. */
nb_status nb_tune_order_create(nb_tune_order *out, size_t pairs, size_t batch, bool seeded, uint64_t seed,
                               nb_error *err);

/** Frees an order.
 * @param order what nb_tune_order_create made, or {0} */
void nb_tune_order_destroy(nb_tune_order *order);

/** The steps of an epoch.
 * @param order the order
 * @return whole batches */
size_t nb_tune_order_steps(const nb_tune_order *order);

/** The pairs of a step.
 * @param order the order
 * @param step counted from 0, over all epochs
 * @return [batch] numbers of pairs, valid until the next call */
const size_t *nb_tune_order_at(nb_tune_order *order, size_t step);

/** How the learning rate changes: linear from rate / warmup to rate over `warmup` steps, then constant, or along a half
 * cosine to 0 at `steps`, as CLIP's published training code has it. */
typedef struct nb_tune_schedule {
    double rate;
    size_t warmup, steps;
    bool cosine;
} nb_tune_schedule;

/** The learning rate of a step.
 * @param schedule the schedule
 * @param step counted from 0
 * @return the rate */
double nb_tune_rate(const nb_tune_schedule *schedule, size_t step);

#endif
