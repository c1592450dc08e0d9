/* Training pairs: ID images and the texts of their labels, or images and their own captions.
 *
 * Pair i is image i of the list and the prompt filled with its label (a caption is a label in the prompt "{}"). Images
 * are decoded when a step needs them; the crops of a batch's own pairs stay until the next batch, for the second pass.
 */
#ifndef NB_MINING_TUNING_DATA_H
#define NB_MINING_TUNING_DATA_H

#include "common/clip/model/model.h"
#include "mining/images/reader.h"

typedef struct nb_tune_data {
    const nb_clip *clip;           /* borrowed */
    const nb_image_inputs *images; /* borrowed */
    size_t classes;
    int32_t *ids;    /* [classes, context] */
    size_t *lengths; /* [classes] */
    nb_image_reader *reader;
    nb_image *crops; /* [batch] of the places of the batch */
    size_t *held;    /* [batch] the pair whose crop it is, one more; 0: none */
    size_t batch;
} nb_tune_data;

/* NB_ERR_INPUT for an image without a label or with one beyond the label set, NB_ERR_USAGE for a prompt without {}. */
nb_status nb_tune_data_create(nb_tune_data *out, const nb_clip *clip, const nb_image_inputs *images,
                              const nb_strings *labels, const char *prompt, size_t batch, nb_error *err);
/* Takes {0}. */
void nb_tune_data_destroy(nb_tune_data *data);

/* An nb_pair_reader (mining/tuning/trainer.h). */
nb_status nb_tune_data_read(void *data, size_t place, size_t number, float *pixels, int32_t *ids, size_t *length,
                            nb_error *err);

/* Which pairs a step takes. Every epoch is a permutation of all pairs, drawn from (seed, epoch) alone, or their own
 * order without a seed; what is left behind the last whole batch of an epoch is passed over. */
typedef struct nb_tune_order {
    size_t pairs, batch;
    bool seeded;
    uint64_t seed;
    size_t *order; /* [pairs] of `epoch` */
    size_t epoch;
} nb_tune_order;

/* NB_ERR_USAGE when the batch is larger than the data. */
nb_status nb_tune_order_create(nb_tune_order *out, size_t pairs, size_t batch, bool seeded, uint64_t seed,
                               nb_error *err);
/* Takes {0}. */
void nb_tune_order_destroy(nb_tune_order *order);
size_t nb_tune_order_steps(const nb_tune_order *order); /* of an epoch */
/* The pairs [batch] of a step, counted from 0; valid until the next call. */
const size_t *nb_tune_order_at(nb_tune_order *order, size_t step);

/* The rate of a step, counted from 0: linear from rate / warmup to rate over `warmup` steps, then constant, or along a
 * half cosine to 0 at `steps`, as CLIP's published training code has it. */
typedef struct nb_tune_schedule {
    double rate;
    size_t warmup, steps;
    bool cosine;
} nb_tune_schedule;
double nb_tune_rate(const nb_tune_schedule *schedule, size_t step);

#endif
