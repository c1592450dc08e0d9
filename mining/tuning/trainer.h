/** @file
 * One training step over all ranks: embeddings, loss, gradients, AdamW.
 *
 * The loss couples the whole batch, so a step goes over it twice: a forward pass gives the embeddings, which all ranks
 * gather; every rank computes the loss from all of them; a second pass takes the gradients back through the towers.
 * (A rank's last tile is computed once.) The batch is cut into tiles of fixed size, whole tiles go to ranks, and
 * gradients of tiles are added as whole numbers in units of 2^-40: a step has the same bits for any number of ranks.
 * Beside Adam's epsilon of 1e-8 that unit, 1e-12, is nothing. Memory is bounded by the tile, not by the batch.
 *
 * A rank holds: gradients of a tile (4 bytes a parameter), sums (8), the optimiser's state of its slice (8 / ranks),
 * the tapes of a tile (nb_tapes_bytes). The weights lie once a node. */
#ifndef NB_MINING_TUNING_TRAINER_H
#define NB_MINING_TUNING_TRAINER_H

#include "common/clip/gradients/backward_towers.h"
#include "common/parallel/comm.h"
#include "mining/embed/shared_model.h"
#include "mining/tuning/loss.h"
#include "mining/tuning/training_exchange.h"

enum { NB_TUNE_BATCH_MAX = 16384 }; /**< the loss holds two squares of it in doubles */

/** An image and its text, as the towers take them. */
typedef struct nb_pair {
    float *pixels; /**< [3, size, size], the caller's */
    int32_t *ids;  /**< [context], the caller's */
    size_t length; /**< how many of the ids count */
} nb_pair;

/** Reads pair `number`, which stands at `place` of the batch: fills out->pixels and out->ids, and sets out->length. */
typedef nb_status (*nb_pair_reader)(void *state, size_t place, size_t number, nb_pair *out, nb_error *err);

/** Where pairs come from. */
typedef struct nb_pair_source {
    nb_pair_reader read;
    void *state;
} nb_pair_source;

/** How a model is trained. */
typedef struct nb_trainer_plan {
    size_t batch, tile; /**< pairs */
    double lambda;      /**< 0: CLIP's own loss */
    double decay, beta1, beta2, epsilon;
    bool recompute; /**< see common/clip/gradients/backward.h */
} nb_trainer_plan;

/** CMA's plan: weight decay 0.1, betas 0.9 and 0.999, epsilon 1e-8. Not collective.
 * @return the plan */
nb_trainer_plan nb_trainer_plan_default(void);

/** A model in training. */
typedef struct nb_trainer {
    const nb_comm *comm;
    nb_clip *clip;      /**< its weights change */
    nb_shared *weights; /**< [parameters] the clip's arena, once a node */
    nb_trainer_plan plan;
    size_t parameters, step; /**< steps taken */
    nb_slice slice;          /**< of this rank */
    float *m, *v, *own;      /**< [slice] the optimiser's state; scratch for weights */
    float *gradients;        /**< [parameters] of one tile */
    int64_t *sums;           /**< [parameters] over the tiles; after a step, in the slice, those of all ranks */
    nb_text_tape text;
    nb_image_tape image;
    nb_loss loss;
    float *pixels;                            /**< [tile, 3, size, size] */
    int32_t *ids;                             /**< [tile, context] */
    size_t *lengths;                          /**< [tile] */
    float *images, *texts, *dimages, *dtexts; /**< [batch, projection]; images and texts are one block */
    nb_pair_source source;
} nb_trainer;

/** Makes a trainer. Collective: all ranks get the same status.
 * @param out freed by the caller with nb_trainer_destroy; {0} on failure
 * @param comm the ranks; borrowed
 * @param model its weights change; borrowed
 * @param plan the same on all ranks
 * @param pairs where pairs come from, the same pairs on all ranks; its state is borrowed
 * @return NB_OK; NB_ERR_USAGE for a batch out of bounds; NB_ERR_LIMIT without memory. */
nb_status nb_trainer_create(nb_trainer *out, const nb_comm *comm, nb_model *model, const nb_trainer_plan *plan,
                            const nb_pair_source *pairs, nb_error *err);

/** Frees a trainer, not its model. Not collective.
 * @param trainer what nb_trainer_create made, or {0} */
void nb_trainer_destroy(nb_trainer *trainer);

/** Takes one step. Collective: everything agrees on all ranks.
 * @param trainer its weights and optimiser's state change
 * @param pairs [batch] numbers of pairs
 * @param rate the learning rate
 * @param terms becomes the loss before the step
 * @return NB_OK; NB_ERR_NUMERIC naming the step when the loss, a gradient or a weight is not finite: the weights are
 * then as before it; what the pairs' reader returned. */
nb_status nb_trainer_step(nb_trainer *trainer, const size_t *pairs, double rate, nb_loss_terms *terms, nb_error *err);

/** The gradient of a parameter in the last step. Not collective.
 * @param trainer the trainer
 * @param i number of the parameter, in this rank's slice
 * @return the gradient, in steps of 2^-40 */
double nb_trainer_gradient(const nb_trainer *trainer, size_t i);

/** Lets the model take over what nb_training_all_gather or a resume put into the weights. Collective: all ranks get the
 * same status.
 * @param trainer the trainer
 * @return NB_OK, or as nb_shared_publish and nb_clip_weights_bind. */
nb_status nb_trainer_adopt(nb_trainer *trainer, nb_error *err);

#endif
